# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does powershell.exe do? It runs the collection's bootstrap: script and parameters come on
standard input, the answer goes to standard output between marks. Any other command is refused."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any

from fake_exchange.winrs.process import Process
from fake_exchange.winrs.scripts import describe, function_of, is_bootstrap
from fake_exchange.winrs.scripts.failures import NotRecorded, ScriptFailed

_SEPARATOR = "\0\0\0\0"
_BAD_ENCODING = (
    "Cannot process the command because the value specified with -EncodedCommand is not properly "
    "encoded. The value must be Base64 encoded."
)
#: The exit code of powershell.exe where its own command line is wrong.
_BAD_COMMAND_LINE = -196608
_OPTIONS_WITH_VALUE = ("executionpolicy",)


def run(
    process: Process,
    words: Sequence[str],
    *,
    read_stdin: Callable[[], bytes],
    write_stdout: Callable[[bytes], None],
    write_stderr: Callable[[bytes], None],
) -> int:
    """Run a powershell.exe process to its end; the exit code. Raises Stopped.

    What was not recorded is named in plain text on stderr: it is a gap of the fake, no error.
    """
    try:
        command = _encoded_command(words)
        if command is None:
            write_stderr(f"{_BAD_ENCODING}\r\n".encode())
            return _BAD_COMMAND_LINE
        if not is_bootstrap(command):
            raise NotRecorded(f"the command {describe(command)}")
        answer = _bootstrap(process, read_stdin())
    except NotRecorded as refused:
        write_stderr(f"{refused}\r\n".encode())
        return 1
    document = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    write_stdout(b"<<<answer " + base64.b64encode(document) + b" answer>>>")
    return 0 if answer["ok"] else 1


def _encoded_command(words: Sequence[str]) -> str | None:
    """The text of -EncodedCommand; None if it cannot be decoded. Raises NotRecorded."""
    words = [word.strip('"') for word in words]
    position = 0
    while position < len(words):
        option = words[position].lstrip("-/").casefold()
        if option == "encodedcommand":
            try:
                value = "".join(words[position + 1 : position + 2])
                return base64.b64decode(value, validate=True).decode("utf-16-le")
            except (binascii.Error, UnicodeDecodeError):
                return None
        position += 2 if option in _OPTIONS_WITH_VALUE else 1
    raise NotRecorded("a command line without -EncodedCommand")


def _bootstrap(process: Process, stdin: bytes) -> dict[str, Any]:
    """The document that bootstrap.ps1 prints. Raises NotRecorded and Stopped."""
    script, separator, rest = stdin.decode().partition(_SEPARATOR)
    function = function_of(script)
    try:
        parameters = json.loads(rest) if separator else None
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        raise NotRecorded("a script without parameters")
    try:
        return {"ok": True, "answer": function(process, parameters)}
    except ScriptFailed as failure:
        return {
            "ok": False,
            "message": failure.message,
            "error_id": failure.error_id,
            "category": failure.category,
            "exception_type": failure.exception_type,
        }
