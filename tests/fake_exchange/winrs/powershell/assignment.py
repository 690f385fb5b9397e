# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does an assignment change? Variables, properties, elements, several at once."""

from __future__ import annotations

from . import operators
from .conversion import cast, to_text
from .errors import runtime_error
from .evaluation import evaluate, evaluate_raw
from .expressions import type_of_literal, variable_name
from .interpreter import Interpreter
from .member_expressions import member_name
from .members import set_member
from .statics import set_static
from .syntax import Node
from .values import Hashtable, NetList, TypeRef, as_sequence, unwrap

_CHAIN_END = frozenset({"left_assignment_expression", "unary_expression"})


def assign(interpreter: Interpreter, node: Node) -> object:
    """`target = value` and its relatives; the assigned value, for `$a = $b = 1` and `(...)`."""
    target, operator, value_node = node.named
    symbol = operator.text.strip()
    value = evaluate_raw(interpreter, value_node)
    if symbol != "=":
        current = evaluate(interpreter, target)
        value = operators.ARITHMETIC[symbol[0]](current, unwrap(value))
    store(interpreter, target, value)
    return value


def store(interpreter: Interpreter, target: Node, value: object) -> None:
    """Put `value` where `target` says."""
    while target.kind in _CHAIN_END and len(target.named) == 1:
        target = target.named[0]
    match target.kind:
        case "variable":
            interpreter.set_variable(variable_name(target), value)
        case "expression_with_unary_operator" if target.children[0].kind == "cast_expression":
            _store_typed(interpreter, target.children[0], value)
        case "cast_expression":
            _store_typed(interpreter, target, value)
        case "member_access":
            _store_member(interpreter, target, unwrap(value))
        case "element_access":
            _store_element(interpreter, target, unwrap(value))
        case "array_literal_expression":
            _store_several(interpreter, target, value)
        case "parenthesized_expression":
            inner = target.named[0]
            while inner.kind in ("pipeline", "pipeline_chain") and len(inner.named) == 1:
                inner = inner.named[0]
            store(interpreter, inner, value)
        case _:
            raise interpreter.unsupported(f"assignment to {target.kind.replace('_', ' ')}", target)


def _store_typed(interpreter: Interpreter, node: Node, value: object) -> None:
    type_node, variable = node.named
    wanted = type_of_literal(interpreter, type_node)
    while variable.kind in _CHAIN_END and len(variable.named) == 1:
        variable = variable.named[0]
    if variable.kind != "variable":
        store(interpreter, variable, cast(value, wanted))
        return
    interpreter.set_variable(variable_name(variable), value, wanted)


def _store_member(interpreter: Interpreter, node: Node, value: object) -> None:
    owner_node, separator, name_node = node.children
    owner = evaluate(interpreter, owner_node)
    name = member_name(interpreter, name_node)
    if separator.text.strip() == "::" and isinstance(owner, TypeRef):
        set_static(interpreter, owner, name, value)
        return
    set_member(owner, name, value)


def _store_element(interpreter: Interpreter, node: Node, value: object) -> None:
    owner_node, index_node = node.named
    owner, index = evaluate(interpreter, owner_node), evaluate(interpreter, index_node)
    if isinstance(owner, Hashtable):
        owner[index] = value
        return
    if owner is None:
        raise runtime_error("Cannot index into a null array.", "NullArray")
    items = (
        owner if isinstance(owner, list) else owner.items if isinstance(owner, NetList) else None
    )
    if items is None:
        raise runtime_error(
            f"Unable to assign values to the index of '{to_text(owner)}'.", "CannotIndex"
        )
    position = int(cast(index, TypeRef("System.Int32")))  # type: ignore[call-overload]
    if not -len(items) <= position < len(items):
        raise runtime_error(
            "Index was outside the bounds of the array.",
            "System.IndexOutOfRangeException",
            category="OperationStopped",
            exception_type="System.IndexOutOfRangeException",
        )
    items[position] = value


def _store_several(interpreter: Interpreter, node: Node, value: object) -> None:
    targets: list[Node] = []
    pending = node
    while pending.kind == "array_literal_expression":
        targets[:0] = pending.named[1:]
        pending = pending.named[0]
    targets.insert(0, pending)
    items = as_sequence(value)
    values = [unwrap(value)] if items is None else list(items)
    for index, target in enumerate(targets):
        if index < len(targets) - 1:
            store(interpreter, target, values[index] if index < len(values) else None)
            continue
        rest = values[index:]
        store(interpreter, target, rest[0] if len(rest) == 1 else rest or None)
