# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which function evaluates which kind of node? The table, and evaluation through it."""

from __future__ import annotations

from collections.abc import Callable

from .errors import PowerShellError
from .interpreter import Interpreter
from .members import invocation_error
from .syntax import Node
from .values import MethodFailed, unwrap

Evaluator = Callable[[Interpreter, Node], object]
_EVALUATORS: dict[str, Evaluator] = {}


def handles(*kinds: str) -> Callable[[Evaluator], Evaluator]:
    def register(function: Evaluator) -> Evaluator:
        for kind in kinds:
            _EVALUATORS[kind] = function
            if kind.endswith("_expression"):
                base = kind.removesuffix("_expression")
                _EVALUATORS[f"{base}_argument_expression"] = function
        return function

    return register


def evaluate(interpreter: Interpreter, node: Node) -> object:
    """The value of `node`; AutomationNull reads as $null."""
    return unwrap(evaluate_raw(interpreter, node))


def evaluate_raw(interpreter: Interpreter, node: Node) -> object:
    """As `evaluate`, but NOTHING stays NOTHING."""
    handler = _EVALUATORS.get(node.kind)
    if handler is None:
        raise interpreter.unsupported(node.kind.replace("_", " "), node)
    try:
        return handler(interpreter, node)
    except PowerShellError as error:
        interpreter.locate(error, node)
        raise
    except MethodFailed as failure:
        wrapped = invocation_error(node.text.partition("(")[0][:40], [], failure)
        interpreter.locate(wrapped, node)
        raise wrapped from None
