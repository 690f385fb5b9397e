# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do tests of the fake run the collection's scripts? Sent as its client sends them, but with
nothing of the client: only the files are read."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from fake_exchange.organisation.model import Organisation, Server
from fake_exchange.winrs import powershell_exe
from fake_exchange.winrs.process import Machine, Process
from support.powershell_recordings import SCRIPTS

_ANSWER = re.compile(rb"<<<answer ([A-Za-z0-9+/=]+) answer>>>")


def script(name: str) -> str:
    return (SCRIPTS / f"{name}.ps1").read_text(encoding="utf-8")


def words_of(command: str) -> list[str]:
    """What stands behind `powershell.exe` to run a text."""
    encoded = base64.b64encode(command.encode("utf-16-le")).decode()
    return ["-NoLogo", "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded]


def bootstrap() -> list[str]:
    return words_of(script("bootstrap"))


def stdin_of(name: str, **parameters: Any) -> bytes:
    return f"{script(name)}\0\0\0\0{json.dumps(parameters)}".encode()


def answer_of(stdout: bytes) -> dict[str, Any]:
    """The document between the marks."""
    found = _ANSWER.search(stdout)
    assert found is not None, stdout
    answer: dict[str, Any] = json.loads(base64.b64decode(found[1]))
    return answer


def run_script(
    organisation: Organisation, server: Server, name: str, **parameters: Any
) -> dict[str, Any]:
    """One script to its end; the document, with the process's exit code as `code`."""
    stdout, stderr = bytearray(), bytearray()
    stdin = stdin_of(name, **parameters)
    code = powershell_exe.run(
        Process(Machine(organisation, server)),
        bootstrap(),
        read_stdin=lambda: stdin,
        write_stdout=stdout.extend,
        write_stderr=stderr.extend,
    )
    assert bytes(stderr) == b""
    return {"code": code, **answer_of(bytes(stdout))}
