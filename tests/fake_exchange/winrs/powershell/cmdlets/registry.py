# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cmdlets and aliases exist, and which parameters do they take?"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..invocation import Call

Run = Callable[["Call"], None]
Process = Callable[["Call", object], None]


@dataclass(frozen=True)
class CmdletParameter:
    """`rest`: takes all further positional arguments. `unsupported`: real, but not here."""

    name: str
    position: int | None = None
    switch: bool = False
    rest: bool = False
    unsupported: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cmdlet:
    """`run` is called once with all input; `process`, if there, for each object instead (with
    `begin` before and `finish` after). `soft_failures`: -ErrorAction SilentlyContinue also quiets
    its terminating errors."""

    name: str
    class_name: str
    parameters: tuple[CmdletParameter, ...]
    run: Run | None = None
    process: Process | None = None
    begin: Run | None = None
    finish: Run | None = None
    in_module: bool = False
    soft_failures: bool = False

    def find(self, name: str) -> CmdletParameter | None:
        """By name, alias or unambiguous beginning."""
        key = name.casefold()
        for parameter in self.parameters:
            if key == parameter.name.casefold() or key in parameter.aliases:
                return parameter
        found = [p for p in self.parameters if p.name.casefold().startswith(key)]
        return found[0] if len(found) == 1 else None


_CMDLETS: dict[str, Cmdlet] = {}
ALIASES = {
    "%": "foreach-object",
    "foreach": "foreach-object",
    "?": "where-object",
    "where": "where-object",
    "select": "select-object",
    "sort": "sort-object",
    "measure": "measure-object",
    "group": "group-object",
    "echo": "write-output",
    "write": "write-output",
    "sleep": "start-sleep",
    "gsv": "get-service",
    "sasv": "start-service",
    "spsv": "stop-service",
    "gci": "get-childitem",
    "dir": "get-childitem",
    "ls": "get-childitem",
    "gi": "get-item",
    "gp": "get-itemproperty",
    "gps": "get-process",
    "ps": "get-process",
    "ipmo": "import-module",
    "gmo": "get-module",
    "gcm": "get-command",
    "gv": "get-variable",
    "sv": "set-variable",
    "set": "set-variable",
    "iex": "invoke-expression",
    "icm": "invoke-command",
    "gwmi": "get-wmiobject",
    "gcim": "get-ciminstance",
}


def find_cmdlet(name: str) -> Cmdlet | None:
    """By name or alias, without case, also with a module prefix (`Module\\Name`)."""
    from . import load

    load()
    key = name.casefold().rpartition("\\")[2]
    return _CMDLETS.get(ALIASES.get(key, key))


def all_cmdlets() -> list[Cmdlet]:
    from . import load

    load()
    return list(_CMDLETS.values())


def parameters(text: str) -> tuple[CmdletParameter, ...]:
    """Parameters in short: `Name:0` positional, `InputObject:0+` positional with the rest,
    `Force!` a switch, `ComputerName?` not supported here, `LiteralPath=PSPath` with an alias."""
    result = []
    for word in text.split():
        word, _, aliases = word.partition("=")
        found = re.fullmatch(r"(\w+)(?::(\d+))?([!?+]*)", word)
        assert found is not None, word
        name, position, marks = found.groups()
        result.append(
            CmdletParameter(
                name,
                int(position) if position else None,
                switch="!" in marks,
                rest="+" in marks,
                unsupported="?" in marks,
                aliases=tuple(a.casefold() for a in aliases.split(",") if a),
            )
        )
    return tuple(result)


def cmdlet(
    name: str,
    class_name: str,
    text: str = "",
    *,
    in_module: bool = False,
    soft_failures: bool = True,
) -> Callable[[Run], Run]:
    """Register a function as a cmdlet that sees all its input at once."""

    def register(function: Run) -> Run:
        _CMDLETS[name.casefold()] = Cmdlet(
            name,
            class_name,
            parameters(text),
            run=function,
            in_module=in_module,
            soft_failures=soft_failures,
        )
        return function

    return register


def streaming_cmdlet(
    name: str,
    class_name: str,
    text: str,
    *,
    process: Process,
    begin: Run | None = None,
    finish: Run | None = None,
) -> None:
    """Register a cmdlet that handles each object as it comes."""
    _CMDLETS[name.casefold()] = Cmdlet(
        name, class_name, parameters(text), process=process, begin=begin, finish=finish
    )
