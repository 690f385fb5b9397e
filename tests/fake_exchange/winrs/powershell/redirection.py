# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do `2>&1`, `2>$null`, `> $null` and their relatives do? For as long as one command runs,
another sink receives what it writes to a stream."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from .syntax import Node
from .values import Emit

if TYPE_CHECKING:
    from .interpreter import Interpreter

_GLUED = re.compile(r"([1-6*]?>{1,2})\$null", re.IGNORECASE)
_ALL = ("2", "3", "4", "5", "6")


class Redirections:
    """A context: inside it the streams go elsewhere; its value is where output goes."""

    def __init__(
        self, interpreter: Interpreter, target: Emit, sinks: dict[str, Callable[[object], None]]
    ) -> None:
        self._interpreter = interpreter
        self._target = target
        self._sinks = sinks
        self._before: dict[str, Callable[[object], None]] = {}

    def __enter__(self) -> Emit:
        if not self._sinks:
            return self._target
        interpreter = self._interpreter
        self._before = before = interpreter.sinks
        interpreter.sinks = inside = {**before, **self._sinks}
        output = self._sinks.get("1", self._target)

        def leave_and_write(item: object) -> None:
            interpreter.sinks = before
            try:
                output(item)
            finally:
                interpreter.sinks = inside

        return leave_and_write

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._sinks:
            self._interpreter.sinks = self._before


def is_redirection(node: Node) -> bool:
    """Also `2>$null`, which the grammar takes for a word."""
    return node.kind == "redirection" or (
        node.kind == "generic_token" and _GLUED.fullmatch(node.text.strip()) is not None
    )


def redirections_of(interpreter: Interpreter, nodes: list[Node], target: Emit) -> Redirections:
    """Raises NotSupportedByFake for anything but $null and the output stream."""
    sinks: dict[str, Callable[[object], None]] = {}
    for node in nodes:
        if node.kind == "generic_token":
            glued = _GLUED.fullmatch(node.text.strip())
            assert glued is not None
            _discard(sinks, glued.group(1))
            continue
        operator = node.named[0].text.strip()
        if node.named[0].kind == "merging_redirection_operator":
            source, _, destination = operator.partition(">&")
            if destination != "1":
                raise interpreter.unsupported(f"the redirection {operator}", node)
            for stream in _ALL if source == "*" else (source,):
                sinks[stream] = target
            continue
        file = node.named[1].text.strip().lstrip("> ")
        if file.casefold() not in ("$null", "nul"):
            raise interpreter.unsupported(f"redirection to the file {file}", node)
        _discard(sinks, operator)
    return Redirections(interpreter, target, sinks)


def _discard(sinks: dict[str, Callable[[object], None]], operator: str) -> None:
    source = operator.rstrip(">") or "1"
    for stream in ("1", *_ALL) if source == "*" else (source,):
        sinks[stream] = lambda item: None
