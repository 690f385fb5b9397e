# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a test get a running fake? As a real process of its own, started on an organisation
file and ended by its process id."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
START_SECONDS = 60.0


class FakeDidNotStart(Exception):
    """The process ended, or its ready file never came; the text holds what it said."""


@dataclass(frozen=True)
class FakeServer:
    """How to reach one pretended server."""

    name: str
    fqdn: str
    address: str
    site: str
    ports: Mapping[str, int]


class FakeProcess:
    """A running `python -m fake_exchange serve`. Use as a context manager.

    `servers` and `control` are there once it has started.
    """

    def __init__(
        self,
        organisation: Path,
        *,
        state: Path | None = None,
        folder: Path | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        python: str = sys.executable,
    ) -> None:
        """`folder` (default: the organisation file's) takes ready file and output."""
        where = folder or organisation.parent
        self._ready_file = where / f"{organisation.stem}.ready.json"
        self.output = where / f"{organisation.stem}.fake.log"
        self._command = [python, "-m", "fake_exchange", "serve", str(organisation)]
        self._command += ["--ready-file", str(self._ready_file), *arguments]
        if state is not None:
            self._command += ["--state", str(state)]
        paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.servers: dict[str, FakeServer] = {}
        self.control = ""

    def __enter__(self) -> FakeProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the process and wait for its ready file. Raises `FakeDidNotStart`."""
        self._ready_file.unlink(missing_ok=True)
        with self.output.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._ready_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                said = self.output.read_text(encoding="utf-8", errors="replace")[-4000:]
                raise FakeDidNotStart(said or "the fake said nothing")
            time.sleep(0.02)
        self._read(json.loads(self._ready_file.read_text(encoding="utf-8")))

    def _read(self, ready: dict[str, Any]) -> None:
        self.control = ready["control"]
        self.servers = {
            name: FakeServer(
                name, values["fqdn"], values["address"], values["site"], dict(values["ports"])
            )
            for name, values in ready["servers"].items()
        }

    def stop(self) -> int | None:
        """End the process cleanly; returns its exit code, None if it never ran."""
        return self._end(terminate=True)

    def kill(self) -> int | None:
        """End the process as a power cut would: no state is saved."""
        return self._end(terminate=False)

    def _end(self, *, terminate: bool) -> int | None:
        process = self._process
        if process is None:
            return None
        if process.poll() is None:
            if terminate:
                process.terminate()
            else:
                process.kill()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return process.returncode

    def __getitem__(self, name: str) -> FakeServer:
        return self.servers[name]

    # The control door ------------------------------------------------------------------------

    def get(self, path: str) -> Any:
        """The JSON answer of `GET path`, e.g. `/state`."""
        return self._call(urllib.request.Request(self.control + path))

    def post(self, path: str, **values: object) -> Any:
        """The JSON answer of `POST path`, e.g. `post("/faults", kind="slow_cmdlet")`."""
        body = json.dumps(values).encode()
        headers = {"Content-Type": "application/json"}
        return self._call(urllib.request.Request(self.control + path, body, headers))

    def _call(self, request: urllib.request.Request) -> Any:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error)["error"]) from None

    def state(self, server: str) -> dict[str, Any]:
        """What the control door shows of one server."""
        return dict(self.get("/state")["servers"][server])

    def loaded(self, server: str, service: str) -> dict[str, str]:
        """Thumbprint by door of what a service keeps in memory."""
        doors = self.state(server)["services"][service]["loaded"]
        return {door: loaded["Thumbprint"] for door, loaded in doors.items()}

    def cmdlets(self) -> list[dict[str, Any]]:
        """The log of cmdlets, oldest first."""
        return list(self.get("/log"))

    def counters(self) -> dict[str, Any]:
        """The totals."""
        return dict(self.get("/counters")["total"])
