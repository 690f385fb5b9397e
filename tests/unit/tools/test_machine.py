# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does somebody read whose machine lacks what the workshop needs? A sentence, never a
traceback."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import machine
import processes
import pytest

TOOLS = Path(machine.__file__).parent
OLD_PYTHONS = [
    python
    for minor in (6, 7, 8, 9)
    for python in Path(os.path.expanduser("~/.pyenv/versions")).glob(f"3.{minor}.*/bin/python3")
]


@pytest.mark.skipif(not OLD_PYTHONS, reason="no Python older than 3.10 below ~/.pyenv")
@pytest.mark.parametrize("python", OLD_PYTHONS, ids=[str(path.parts[-3]) for path in OLD_PYTHONS])
def test_an_old_python_is_named(python: Path) -> None:
    done = subprocess.run(
        [python, TOOLS / "start.py", "run_checks.py"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith(f"Cannot continue: this is Python {python.parts[-3][:3]} (")
    assert "3.10 or later is needed" in sentence
    assert "make PYTHON=" in sentence


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not look")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) is missing")
@pytest.mark.parametrize("variable", ["PATH", "PYENV_ROOT"])
def test_a_folder_that_may_not_be_looked_into_holds_no_python(
    variable: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    closed = Path("/root/.ssh")
    if not closed.is_dir():
        closed = tmp_path_factory.mktemp("closed")
        closed.chmod(0o700)
    # Everything the program itself needs has to be readable for that user.
    copy = Path("/var/tmp") / f"machine-{os.getpid()}.py"
    shutil.copy(TOOLS / "machine.py", copy)
    copy.chmod(0o644)
    value = f"{closed}:/usr/bin" if variable == "PATH" else str(closed)
    try:
        done = subprocess.run(
            ["/usr/bin/setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3", copy],
            env={"PATH": "/usr/bin", "HOME": "/nonexistent", variable: value},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        copy.unlink()

    assert done.stderr == ""
    assert done.returncode == 0


def test_every_supported_ansible_core_has_a_python_that_it_takes() -> None:
    pythons = [machine.Python(minor, Path(f"python3.{minor}")) for minor in (10, 11, 12, 13)]

    chosen = {choice.ansible_core: choice.python.minor for choice in machine.choices(pythons)}

    assert set(chosen) == set(machine.ANSIBLE_CORE_PYTHONS)
    for ansible_core, minor in chosen.items():
        assert minor in machine.ANSIBLE_CORE_PYTHONS[ansible_core]
    assert set(chosen.values()) == {10, 11, 12, 13}
    assert chosen[max(chosen)] == 13
    assert machine.not_tried(pythons) == []


def test_an_ansible_core_that_no_python_here_takes_is_reported() -> None:
    only = [machine.Python(12, Path("python3.12"))]

    assert [choice.ansible_core for choice in machine.choices(only)] == [
        "2.17",
        "2.18",
        "2.19",
        "2.20",
        "2.21",
    ]
    assert machine.not_tried(only) == [
        "ansible-core 2.22 needs Python 3.13 to 3.15; none was found"
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")
def test_a_signal_ends_grandchildren_in_sessions_of_their_own_too(tmp_path: Path) -> None:
    """As a test that starts a server does: the server would outlive it."""
    pid_file = tmp_path / "pid"
    child = (
        "import subprocess, sys, pathlib; "
        "server = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], "
        "start_new_session=True); "
        f"pathlib.Path({str(pid_file)!r}).write_text(str(server.pid)); server.wait()"
    )
    parent = (
        "import processes, signal, subprocess, sys\n"
        "processes.adopt_orphans()\n"
        "def end(*_):\n    processes.end_descendants()\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "signal.pause()\n"
    )
    running = subprocess.Popen([sys.executable, "-c", parent], cwd=TOOLS)
    while not pid_file.exists() or not pid_file.read_text():
        time.sleep(0.05)
    server = int(pid_file.read_text())
    assert server in processes.descendants(running.pid)

    running.send_signal(signal.SIGTERM)

    assert running.wait(60) == 0
    assert state_of(server) in ("gone", "Z")


def state_of(pid: int) -> str:
    """One letter, as /proc has it; an ended process stays as Z until it is waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "gone"
