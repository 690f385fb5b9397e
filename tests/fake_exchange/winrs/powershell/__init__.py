# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An interpreter of a plain subset of Windows PowerShell 5.1, with stub cmdlets that act on a
pretended Exchange server. `run_script_text` runs a text, `parse_errors` checks one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from .environment import Machine
from .syntax import SyntaxProblem, parse_errors

if TYPE_CHECKING:
    from fake_exchange.organisation.model import Organisation, Server

__all__ = ["Machine", "ScriptResult", "SyntaxProblem", "parse_errors", "run_script_text"]


class ScriptResult(NamedTuple):
    """What a process leaves: decoded output, decoded errors (CLIXML or text), exit code."""

    stdout: str
    stderr: str
    exit_code: int


def run_script_text(
    text: str,
    *,
    organisation: Organisation | None = None,
    server: Server | None = None,
    stdin: str | bytes = b"",
    clixml: bool = False,
    stopped: threading.Event | None = None,
) -> ScriptResult:
    """Run a script as `powershell.exe -EncodedCommand` would on `server`.

    With `clixml` false, stderr is the text that a person would see.
    """
    from .powershell_exe import run_script
    from .streams import Streams

    output, errors = bytearray(), bytearray()
    raw = stdin.encode() if isinstance(stdin, str) else stdin
    streams = Streams(output.extend, errors.extend, read_stdin=lambda: raw, clixml=clixml)
    code = run_script(Machine(organisation, server), text, streams, stopped=stopped)
    return ScriptResult(output.decode("utf-8", "replace"), errors.decode("utf-8", "replace"), code)
