# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does powershell.exe do with its command line? Options, encoded commands, exit codes."""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .environment import Machine
from .errors import (
    ExitScript,
    LoopControl,
    NotSupportedByFake,
    PowerShellError,
    Stopped,
)
from .host_format import display_text
from .interpreter import Interpreter
from .streams import Streams
from .values import Reference

#: The exit code of a process that was ended from outside (STATUS_CONTROL_C_EXIT).
STOPPED_EXIT_CODE = -1073741510
_OPTIONS_WITH_VALUE = (
    "executionpolicy",
    "inputformat",
    "outputformat",
    "windowstyle",
    "configurationname",
    "psconsolefile",
    "version",
)
_FLAGS = ("noprofile", "noninteractive", "nologo", "sta", "mta", "noexit")


@dataclass(frozen=True)
class CommandLine:
    """`script` is None with the text of the problem in `problem`."""

    script: str | None
    text_output: bool = False
    problem: str = ""


def parse_command_line(words: Sequence[str]) -> CommandLine:
    """The words after `powershell.exe`; options may be shortened."""
    text_output = False
    position = 0
    while position < len(words):
        word = words[position].strip('"')
        option = word.lstrip("-/").casefold()
        is_option = word[:1] in "-/" and option != ""
        value = words[position + 1].strip('"') if position + 1 < len(words) else ""
        if (is_option and "encodedcommand".startswith(option)) or option in ("ec", "enc"):
            return _encoded(value, text_output=text_output)
        if is_option and "command".startswith(option):
            return CommandLine(" ".join(words[position + 1 :]).strip('"'), text_output)
        if is_option and any(flag.startswith(option) for flag in _FLAGS):
            position += 1
        elif is_option and (
            any(name.startswith(option) for name in _OPTIONS_WITH_VALUE) or option in ("ep", "ex")
        ):
            if "outputformat".startswith(option):
                text_output = value.casefold() == "text"
            position += 2
        elif is_option:
            return CommandLine(None, problem=f"{word} is not supported by this fake.")
        else:
            return CommandLine(" ".join(words[position:]).strip('"'), text_output)
    return CommandLine("", text_output)


def _encoded(value: str, *, text_output: bool) -> CommandLine:
    try:
        script = base64.b64decode(value, validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        return CommandLine(
            None,
            problem="Cannot process the command because the value specified with -EncodedCommand "
            "is not properly encoded. The value must be Base64 encoded.",
        )
    return CommandLine(script, text_output)


def run(
    machine: Machine,
    words: Sequence[str],
    *,
    read_stdin: Callable[[], bytes],
    write_stdout: Callable[[bytes], None],
    write_stderr: Callable[[bytes], None],
    code_page: int = 65001,
    stopped: threading.Event | None = None,
) -> int:
    """Run a powershell.exe process to its end; the exit code."""
    line = parse_command_line(words)
    if line.script is None:
        write_stderr(f"{line.problem}\r\n".encode())
        return -196608
    streams = Streams(
        write_stdout,
        write_stderr,
        read_stdin=read_stdin,
        code_page=code_page,
        clixml=not line.text_output,
    )
    return run_script(machine, line.script, streams, stopped=stopped)


def run_script(
    machine: Machine,
    script: str,
    streams: Streams,
    *,
    stopped: threading.Event | None = None,
    prepare: Callable[[Interpreter], None] = lambda interpreter: None,
) -> int:
    """Run `script` as powershell.exe runs a command: objects left over are printed, an uncaught
    error is printed and gives 1. `prepare` may change the fresh interpreter."""
    interpreter = Interpreter(machine, streams, stopped=stopped, now=machine.now)
    interpreter.scope.variables["input"] = Reference(_LazyInput(streams))
    prepare(interpreter)
    printer = _Printer(streams)
    try:
        interpreter.run_text(script, printer.add)
        code = 0 if interpreter.last_success else 1
    except ExitScript as leaving:
        code = leaving.code
    except LoopControl:
        code = 0
    except PowerShellError as error:
        interpreter.remember(error.record)
        printer.flush()
        streams.error(error.record)
        code = 1
    except NotSupportedByFake as problem:
        printer.flush()
        streams.raw_error_text(f"{problem}\r\n")
        code = 1
    except Stopped:
        return STOPPED_EXIT_CODE
    except RecursionError:
        printer.flush()
        streams.raw_error_text("The script failed due to call depth overflow.\r\n")
        code = 1
    printer.flush()
    streams.flush()
    return code


class _LazyInput(list[object]):
    """$input: stdin is read, and waited for, when a script first looks at it."""

    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self._streams = streams
        self._read = False

    def _fill(self) -> None:
        if not self._read:
            self._read = True
            self.extend(self._streams.input_lines())

    def __iter__(self):  # type: ignore[no-untyped-def]
        self._fill()
        return super().__iter__()

    def __len__(self) -> int:
        self._fill()
        return super().__len__()

    def __bool__(self) -> bool:
        return len(self) > 0


class _Printer:
    """Out-Default at the end of the script: collects objects and prints them in one layout."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._items: list[object] = []

    def add(self, item: object) -> None:
        self._items.append(item)
        if isinstance(item, str | int | float | bool):
            self.flush()

    def flush(self) -> None:
        items, self._items = self._items, []
        if items:
            self._streams.out(display_text(items))
