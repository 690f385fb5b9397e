# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which programs can be started in a remote shell, and what do they print?"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from fake_exchange.winrs import powershell_exe
from fake_exchange.winrs.native import NATIVE_PROGRAMS
from fake_exchange.winrs.process import Process

#: Windows' numbers of the code pages a console may have.
_CODE_PAGES = {65001: "utf-8", 1200: "utf-16-le", 20127: "ascii", 28591: "latin-1"}
_POWERSHELL = r"c:\windows\system32\windowspowershell\v1.0\powershell"


def codec_of_code_page(number: int) -> str:
    """Python's codec for a Windows code page; cp437 for one that Python lacks."""
    name = _CODE_PAGES.get(number, f"cp{number}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp437"


@dataclass(frozen=True)
class Console:
    """What a process is given. `read_stdin` waits for the end of the input."""

    process: Process
    read_stdin: Callable[[], bytes]
    write_stdout: Callable[[bytes], None]
    write_stderr: Callable[[bytes], None]
    code_page: int

    def print(self, line: str) -> None:
        self.write_stdout(f"{line}\r\n".encode(codec_of_code_page(self.code_page), "replace"))


Program = Callable[[Console, list[str]], int]


def find_program(name: str, *, with_built_ins: bool) -> Program | None:
    """By name or path, `.exe` may be missing; with what cmd.exe has built in, if wanted."""
    key = name.casefold().strip('"').removesuffix(".exe")
    if key in ("powershell", _POWERSHELL):
        return _powershell
    base = key.rpartition("\\")[2]
    if base in NATIVE_PROGRAMS:
        return partial(_native, base)
    return _BUILT_INS.get(key) if with_built_ins else None


def _powershell(console: Console, words: list[str]) -> int:
    return powershell_exe.run(
        console.process,
        words,
        read_stdin=console.read_stdin,
        write_stdout=console.write_stdout,
        write_stderr=console.write_stderr,
    )


def _native(name: str, console: Console, words: list[str]) -> int:
    lines, code = NATIVE_PROGRAMS[name](console.process.machine, words)
    for line in lines:
        console.print(line)
    return code


def _echo(console: Console, words: list[str]) -> int:
    console.print(" ".join(words))
    return 0


def _exit(console: Console, words: list[str]) -> int:
    numbers = [word for word in words if word.lstrip("-").isdigit()]
    return int(numbers[0]) if numbers else 0


def _ver(console: Console, words: list[str]) -> int:
    console.print("\r\nMicrosoft Windows [Version 10.0.20348.2849]")
    return 0


def _cmd(console: Console, words: list[str]) -> int:
    rest = words[1:] if words and words[0].casefold() in ("/c", "/s") else words
    program = find_program(rest[0] if rest else "", with_built_ins=True)
    if program is None:
        name = rest[0] if rest else ""
        text = f"'{name}' is not recognized as an internal or external command,\r\n"
        console.write_stderr(f"{text}operable program or batch file.\r\n".encode())
        return 1
    return program(console, rest[1:])


_BUILT_INS: dict[str, Program] = {"echo": _echo, "exit": _exit, "ver": _ver, "cmd": _cmd}
