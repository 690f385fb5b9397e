# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop the fake organization for molecule: ``fake.py start|stop DIRECTORY``.

The directory then holds the organization's files, ``ready.json`` (where it listens),
``example.json`` (accounts and certificates) and ``pid``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[3] / "tests"
sys.path.insert(0, str(TESTS))

from support.example_organisation import USER, write_example

SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Hamburg"}]
PATIENCE = 60.0


def start(directory: Path) -> int:
    """Write the files, start the fake in a session of its own, wait until it listens."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True, mode=0o700)
    example = write_example(directory, SERVERS)
    facts = {
        "user": USER,
        "password": example.password,
        "pfx": str(example.pfx),
        "pfx_password": example.pfx_password,
        "old_thumbprint": example.old.thumbprint,
        "new_thumbprint": example.new.thumbprint,
    }
    (directory / "example.json").write_text(json.dumps(facts))
    ready = directory / "ready.json"
    command = [sys.executable, "-m", "fake_exchange", "serve", str(example.file)]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--ready-file", str(ready)],
            env=os.environ | {"PYTHONPATH": str(TESTS)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (directory / "pid").write_text(str(process.pid))
    deadline = time.monotonic() + PATIENCE
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            print((directory / "log").read_text(), file=sys.stderr)
            return 1
        time.sleep(0.1)
    return 0


def stop(directory: Path) -> int:
    """End the process that `start` began, and remove the directory."""
    process = int((directory / "pid").read_text())
    try:
        os.kill(process, signal.SIGTERM)
    except ProcessLookupError:
        print("It had ended already.")
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit({"start": start, "stop": stop}[sys.argv[1]](Path(sys.argv[2])))
