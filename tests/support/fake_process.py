# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a test start the fake organization, find its ports, and talk to its control endpoint?

with FakeProcess.start(directory / "organisation.yml") as fake:
    fake.server("EX01")["ports"]["smtp"]
    fake.post("/faults", kind="fail_cmdlet", cmdlet="Enable-ExchangeCertificate")
    assert fake.get("/counters")["total"]["sessions"] == 1
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
PATIENCE = 120.0


class FakeProcess:
    """A running ``python -m fake_exchange serve``; use as a context manager or call `stop`."""

    def __init__(
        self, process: subprocess.Popen[bytes], endpoints: dict[str, Any], log: Path
    ) -> None:
        self._process = process
        self.endpoints = endpoints
        self.log = log

    @classmethod
    def start(
        cls, organisation: Path, *arguments: str, environment: dict[str, str] | None = None
    ) -> FakeProcess:
        """Start it and wait until every port listens.

        Raises:
            RuntimeError: it ended by itself or took too long; with what it wrote.
        """
        directory = Path(tempfile.mkdtemp(prefix="fake-", dir=organisation.parent))
        ready, log = directory / "ready.json", directory / "log"
        command = [sys.executable, "-m", "fake_exchange", "serve", str(organisation)]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [*command, "--ready-file", str(ready), *arguments],
                env={**os.environ, "PYTHONPATH": str(TESTS), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for whoever started us; we end it in our own time.
                start_new_session=True,
            )
        try:
            endpoints = _wait_for(ready, process, log)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return cls(process, endpoints, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def names(self) -> list[str]:
        return list(self.endpoints["servers"])

    def server(self, name: str) -> dict[str, Any]:
        """`fqdn`, `address`, `site` and `ports` of a server."""
        found: dict[str, Any] = self.endpoints["servers"][name]
        return found

    def get(self, path: str) -> Any:
        """What the control endpoint answers, such as `/state`, `/counters`, `/log`."""
        return self._ask(urllib.request.Request(self.endpoints["control"] + path))

    def post(self, path: str, **values: Any) -> Any:
        """What the control endpoint answers to a change, such as `/behavior`, `/faults`."""
        return self._ask(
            urllib.request.Request(
                self.endpoints["control"] + path,
                data=json.dumps(values).encode(),
                headers={"Content-Type": "application/json"},
                method="POST",
            )
        )

    def stop(self) -> int:
        """End it as a user does, and return its exit code. Calling it again does nothing."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        return self._process.returncode

    def __enter__(self) -> FakeProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _ask(self, request: urllib.request.Request) -> Any:
        # No proxy from the environment: this is loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(f"{request.full_url}: {error.read().decode()}") from None


def _wait_for(ready: Path, process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while not ready.exists():
        if process.poll() is not None:
            raise RuntimeError(f"the fake ended with {process.returncode}:\n{log.read_text()}")
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"the fake was not ready after {PATIENCE} seconds:\n{log.read_text()}"
            )
        time.sleep(0.05)
    endpoints: dict[str, Any] = json.loads(ready.read_text(encoding="utf-8"))
    return endpoints
