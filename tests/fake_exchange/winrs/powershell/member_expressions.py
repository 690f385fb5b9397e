# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the value of a property, a call, or an element?"""

from __future__ import annotations

from .conversion import cast, to_bool, to_text
from .errors import runtime_error
from .evaluation import evaluate, handles
from .interpreter import Interpreter
from .members import PropertyCollection, call_method, get_member
from .statics import call_static, get_static
from .syntax import Node
from .type_names import type_names_of
from .values import Char, Hashtable, NetList, ScriptBlock, TypeRef, as_sequence


@handles("member_access")
def _member(interpreter: Interpreter, node: Node) -> object:
    owner, separator, name_node = node.children
    name = member_name(interpreter, name_node)
    value = evaluate(interpreter, owner)
    if separator.text.strip() == "::":
        return get_static(interpreter, _static_owner(value), name)
    return get_member(value, name, strict=interpreter.strict)


def _static_owner(value: object) -> TypeRef:
    if isinstance(value, TypeRef):
        return value
    return TypeRef((type_names_of(value) or ("System.Object",))[0])


def member_name(interpreter: Interpreter, node: Node) -> str:
    inner = node.named[0] if node.kind == "member_name" and node.named else node
    if inner.kind in ("simple_name", "member_name"):
        return inner.text.strip()
    return to_text(evaluate(interpreter, inner))


@handles("invokation_expression")
def _invocation(interpreter: Interpreter, node: Node) -> object:
    if node.children[0].kind == "invokation_foreach_expression":
        owner, _, block_node = node.children[0].children
        block = evaluate(interpreter, block_node)
        return _each(interpreter, evaluate(interpreter, owner), "foreach", [block])
    owner, separator, name_node, argument_list = node.children
    name = member_name(interpreter, name_node)
    target = evaluate(interpreter, owner)
    arguments = _arguments(interpreter, argument_list)
    if separator.text.strip() == "::":
        return call_static(interpreter, _static_owner(target), name, arguments)
    if name.casefold() in ("foreach", "where") and arguments and target is not None:
        return _each(interpreter, target, name.casefold(), arguments)
    if isinstance(target, ScriptBlock):
        return _call_block(interpreter, target, name, arguments)
    return call_method(target, name, arguments)


def _arguments(interpreter: Interpreter, node: Node) -> list[object]:
    listed = node.child("argument_expression_list")
    if listed is None:
        return [evaluate(interpreter, one) for one in node.named]
    return [evaluate(interpreter, one) for one in listed.named]


@handles("argument_expression")
def _argument(interpreter: Interpreter, node: Node) -> object:
    return evaluate(interpreter, node.named[0])


def _call_block(
    interpreter: Interpreter, block: ScriptBlock, name: str, arguments: list[object]
) -> object:
    match name.casefold():
        case "invoke" | "invokereturnasis":
            return interpreter.collect(lambda emit: interpreter.run_block(block, arguments, emit))
        case "tostring":
            return block.text
    raise interpreter.unsupported(f"ScriptBlock.{name}()")


def _each(interpreter: Interpreter, target: object, name: str, arguments: list[object]) -> object:
    """The array methods .ForEach() and .Where()."""
    block = arguments[0]
    if not isinstance(block, ScriptBlock):
        return call_method(target, name, arguments)
    items = as_sequence(target)
    results: list[object] = []
    for item in [target] if items is None else list(items):
        output: list[object] = []
        interpreter.run_block(block, [], output.append, new_scope=False, variables={"_": item})
        if name == "foreach":
            results += output
        elif to_bool(output[0] if len(output) == 1 else output):
            results.append(item)
    return results


@handles("element_access")
def _element(interpreter: Interpreter, node: Node) -> object:
    owner, index_node = node.named
    return element(interpreter, evaluate(interpreter, owner), evaluate(interpreter, index_node))


def element(interpreter: Interpreter, value: object, index: object) -> object:
    """`value[index]`; $null beyond the end of an array."""
    if value is None:
        raise runtime_error("Cannot index into a null array.", "NullArray")
    if isinstance(value, Hashtable):
        if value.ordered and isinstance(index, int) and not isinstance(index, bool):
            entries = value.items()
            return entries[index][1] if -len(entries) <= index < len(entries) else None
        return value.lookup(index)
    if isinstance(value, PropertyCollection):
        return value.item(to_text(index))
    several = as_sequence(index)
    if several is not None:
        found = [element(interpreter, value, one) for one in several]
        return [one for one in found if one is not None]
    items = as_sequence(value)
    if isinstance(value, str) and not isinstance(value, Char):
        items = [Char(character) for character in value]
    if items is None:
        raise runtime_error(
            f"Unable to index into an object of type {_static_owner(value)}.", "CannotIndex"
        )
    position = int(cast(index, TypeRef("System.Int32")))  # type: ignore[call-overload]
    if -len(items) <= position < len(items):
        return items[position]
    if interpreter.strict or isinstance(value, NetList):
        if isinstance(value, NetList):
            raise runtime_error(
                "Index was out of range. Must be non-negative and less than the size of the "
                "collection.\r\nParameter name: index",
                "System.ArgumentOutOfRangeException",
                category="OperationStopped",
                exception_type="System.ArgumentOutOfRangeException",
            )
        raise runtime_error(
            "Index was outside the bounds of the array.",
            "System.IndexOutOfRangeException",
            category="OperationStopped",
            exception_type="System.IndexOutOfRangeException",
        )
    return None
