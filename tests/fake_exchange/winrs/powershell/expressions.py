# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the value of an expression? One function per kind of node."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from . import operators
from .conversion import cast, number_from_text, to_bool, to_number, to_text
from .errors import PowerShellError, runtime_error
from .interpreter import Interpreter
from .members import PropertyCollection, call_method, get_member, invocation_error
from .statics import call_static, get_static
from .strings import unquoted, verbatim
from .syntax import Node, parse
from .type_names import type_from_text
from .values import (
    NOTHING,
    Byte,
    Char,
    CustomObject,
    Hashtable,
    MethodFailed,
    NetList,
    Reference,
    ScriptBlock,
    TypeRef,
    as_sequence,
    unwrap,
)

Evaluator = Callable[[Interpreter, Node], object]
_EVALUATORS: dict[str, Evaluator] = {}


def _handles(*kinds: str) -> Callable[[Evaluator], Evaluator]:
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
        error = invocation_error(node.text.partition("(")[0][:40], [], failure)
        interpreter.locate(error, node)
        raise error from None


@_handles("pipeline", "pipeline_chain", "if_statement", "switch_statement", "foreach_statement")
@_handles("for_statement", "while_statement", "do_statement", "try_statement")
def _statement(interpreter: Interpreter, node: Node) -> object:
    from .statements import execute, value_of_pipeline

    if node.kind in ("pipeline", "pipeline_chain"):
        return value_of_pipeline(interpreter, node)
    return interpreter.collect(lambda emit: execute(interpreter, node, emit))


@_handles("assignment_expression")
def _assignment(interpreter: Interpreter, node: Node) -> object:
    from .assignment import assign

    return assign(interpreter, node)


@_handles("parenthesized_expression")
def _parenthesized(interpreter: Interpreter, node: Node) -> object:
    inner = node.named[0]
    if inner.kind == "pipeline" and inner.named[0].kind == "assignment_expression":
        return _assignment(interpreter, inner.named[0])
    return evaluate_raw(interpreter, inner)


@_handles("sub_expression")
def _sub_expression(interpreter: Interpreter, node: Node) -> object:
    return interpreter.collect(
        lambda emit: interpreter.run_statements(node.child("statement_list"), emit)
    )


@_handles("array_expression")
def _array(interpreter: Interpreter, node: Node) -> object:
    items: list[object] = []
    interpreter.run_statements(node.child("statement_list"), items.append)
    return items


@_handles("array_literal_expression")
def _array_literal(interpreter: Interpreter, node: Node) -> object:
    first, *rest = node.named
    items = (
        list(_array_literal(interpreter, first))  # type: ignore[call-overload]
        if first.kind == "array_literal_expression"
        else [evaluate(interpreter, first)]
    )
    return [*items, *(evaluate(interpreter, one) for one in rest)]


@_handles("hash_literal_expression")
def hash_literal(interpreter: Interpreter, node: Node) -> Hashtable:
    return _hash(interpreter, node, ordered=False)


def _hash(interpreter: Interpreter, node: Node, *, ordered: bool) -> Hashtable:
    table = Hashtable(ordered=ordered)
    body = node.child("hash_literal_body")
    for entry in body.all("hash_entry") if body else []:
        key_node, value_node = entry.named[0], entry.named[1]
        key: object = key_node.text
        if key_node.kind == "key_expression":
            key_node = key_node.named[0]
        if key_node.kind not in ("simple_name", "key_expression"):
            key = evaluate(interpreter, key_node)
        if key in table:
            raise runtime_error(
                f"Duplicate keys '{to_text(key)}' are not allowed in hash literals.",
                "DuplicateKeyInHashLiteral",
                category="ParserError",
            )
        table[key] = evaluate(interpreter, value_node)
    return table


@_handles("script_block_expression")
def script_block(interpreter: Interpreter, node: Node) -> ScriptBlock:
    body = node.child("script_block")
    assert body is not None
    parameters = node.child("param_block") or body.child("param_block")
    return ScriptBlock(body, parameters, node.text[1:-1])


@_handles("integer_literal", "decimal_integer_literal", "hexadecimal_integer_literal")
@_handles("real_literal")
def _number(interpreter: Interpreter, node: Node) -> object:
    return number_from_text(node.text)


@_handles("string_literal")
def _string(interpreter: Interpreter, node: Node) -> object:
    return evaluate(interpreter, node.named[0])


@_handles("verbatim_string_characters", "verbatim_here_string_characters")
def _verbatim(interpreter: Interpreter, node: Node) -> object:
    return verbatim(node.text)


@_handles("expandable_string_literal", "expandable_here_string_literal")
def _expandable(interpreter: Interpreter, node: Node) -> object:
    here = node.kind == "expandable_here_string_literal"
    pieces: list[str] = []
    last = len(node.children) - 1
    for index, child in enumerate(node.children):
        if child.kind == "literal_text":
            pieces.append(unquoted(child.text, first=index == 0, last=index == last, here=here))
        else:
            pieces.append(_joined(interpreter, evaluate(interpreter, child)))
    return "".join(pieces)


def _joined(interpreter: Interpreter, value: object) -> str:
    items = as_sequence(value)
    if items is None:
        return to_text(value)
    separator = interpreter.scope.find("ofs")
    return (to_text(separator.value) if separator else " ").join(to_text(item) for item in items)


@_handles("variable")
def _variable(interpreter: Interpreter, node: Node) -> object:
    return interpreter.get_variable(variable_name(node))


def variable_name(node: Node) -> str:
    """`$x`, `@x` and `${x}` without their marks."""
    text = node.text.strip()
    return text[2:-1] if text.startswith("${") else text[1:]


@_handles("type_literal")
def _type(interpreter: Interpreter, node: Node) -> object:
    return type_of_literal(interpreter, node)


def type_of_literal(interpreter: Interpreter, node: Node) -> TypeRef:
    name = node.text.strip()[1:-1]
    found = type_from_text(name)
    if found is None:
        raise runtime_error(
            f"Unable to find type [{name}].",
            "TypeNotFound",
            target_name=name,
            target_type="TypeName",
        )
    return found


@_handles("unary_expression")
def _unary_chain(interpreter: Interpreter, node: Node) -> object:
    return evaluate_raw(interpreter, node.named[0])


@_handles("expression_with_unary_operator")
def _unary(interpreter: Interpreter, node: Node) -> object:
    first = node.children[0]
    if first.is_named:
        return evaluate_raw(interpreter, first)
    operand = node.named[0]
    operator = first.text.strip().lower()
    if operator == ",":
        return [evaluate(interpreter, operand)]
    value = evaluate(interpreter, operand)
    match operator:
        case "-not" | "!":
            return not to_bool(value)
        case "-":
            return operators.subtract(0, value)
        case "+":
            return operators.add(0, value)
        case "-bnot":
            return ~int(to_number(value))
        case "-split":
            return operators.split_blanks(value)
        case "-join":
            return operators.join(value, "")
    raise interpreter.unsupported(f"the operator {operator}", node)


@_handles("pre_increment_expression", "pre_decrement_expression")
@_handles("post_increment_expression", "post_decrement_expression")
def _increment(interpreter: Interpreter, node: Node) -> object:
    from .assignment import store

    target = node.named[0]
    old = evaluate(interpreter, target)
    change = operators.add if "increment" in node.kind else operators.subtract
    new = change(0 if old is None else old, 1)
    store(interpreter, target, new)
    return (0 if old is None else old) if node.kind.startswith("post") else new


@_handles("cast_expression")
def _cast(interpreter: Interpreter, node: Node) -> object:
    type_node, operand = node.named
    wanted = type_of_literal(interpreter, type_node)
    literal = operand.kind == "hash_literal_expression"
    if wanted.name.endswith("OrderedDictionary"):
        if not literal:
            raise runtime_error(
                "The ordered attribute can be specified only on a hash literal node.",
                "OrderedAttributeOnlyOnHashLiteralNode",
                category="ParserError",
            )
        return _hash(interpreter, operand, ordered=True)
    if wanted.name.endswith("PSCustomObject") and literal:
        table = _hash(interpreter, operand, ordered=True)
        return CustomObject((to_text(key), value) for key, value in table.items())
    value = evaluate(interpreter, operand)
    if wanted.name == "System.Management.Automation.ScriptBlock" and isinstance(value, str):
        return interpreter.create_block(value)
    return cast(value, wanted)


@_handles("logical_expression")
def _logical(interpreter: Interpreter, node: Node) -> object:
    left, operator, right = node.children
    truth = to_bool(evaluate(interpreter, left))
    name = operator.text.strip().lower()
    return operators.logical(name, truth, lambda: evaluate(interpreter, right))


@_handles("bitwise_expression")
def _bitwise(interpreter: Interpreter, node: Node) -> object:
    left, operator, right = node.children
    name = operator.text.strip().lower()
    if name in ("-and", "-or", "-xor"):
        return _logical(interpreter, node)
    return operators.bitwise(name, evaluate(interpreter, left), evaluate(interpreter, right))


@_handles("comparison_expression")
def _comparison(interpreter: Interpreter, node: Node) -> object:
    left_node, operator, right_node = node.children
    name = operator.text.strip().lower()
    left, right = evaluate(interpreter, left_node), evaluate(interpreter, right_node)
    if isinstance(right, ScriptBlock):
        raise interpreter.unsupported(f"{name} with a script block", node)
    result = operators.compare(name, left, right)
    if result is True and name in ("-match", "-imatch", "-cmatch"):
        _remember_matches(interpreter, left, right, case=name == "-cmatch")
    return result


def _remember_matches(interpreter: Interpreter, left: object, right: object, *, case: bool) -> None:
    found = operators.to_regex(to_text(right), ignore_case=not case).search(to_text(left))
    assert found is not None
    names = {index: name for name, index in found.re.groupindex.items()}
    table = Hashtable()
    for index in range(found.re.groups + 1):
        if found.group(index) is not None:
            table[names.get(index, index)] = found.group(index)
    interpreter.scope.variables["matches"] = Reference(table)


@_handles("additive_expression", "multiplicative_expression")
def _arithmetic(interpreter: Interpreter, node: Node) -> object:
    left, operator, right = node.children
    apply = operators.ARITHMETIC.get(operator.text.strip())
    if apply is None:
        raise interpreter.unsupported(f"the operator {operator.text}", node)
    return apply(evaluate(interpreter, left), evaluate(interpreter, right))


@_handles("format_expression")
def _format(interpreter: Interpreter, node: Node) -> object:
    template, _, arguments = node.children
    try:
        return operators.format_operator(
            evaluate(interpreter, template), evaluate(interpreter, arguments)
        )
    except MethodFailed as failure:
        raise runtime_error(
            f"Error formatting a string: {failure.message}.".replace("..", "."), "FormatError"
        ) from None


@_handles("range_expression")
def _range(interpreter: Interpreter, node: Node) -> object:
    first, _, last = node.children
    return operators.range_of(evaluate(interpreter, first), evaluate(interpreter, last))


@_handles("member_access")
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
    from .type_names import type_names_of

    return TypeRef((type_names_of(value) or ("System.Object",))[0])


def member_name(interpreter: Interpreter, node: Node) -> str:
    inner = node.named[0] if node.kind == "member_name" and node.named else node
    if inner.kind in ("simple_name", "member_name"):
        return inner.text.strip()
    return to_text(evaluate(interpreter, inner))


@_handles("invokation_expression")
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


@_handles("argument_expression")
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


@_handles("element_access")
def _element(interpreter: Interpreter, node: Node) -> object:
    owner, index_node = node.named
    return element(interpreter, evaluate(interpreter, owner), evaluate(interpreter, index_node))


def element(interpreter: Interpreter, value: object, index: object) -> object:
    """`value[index]`; $null beyond the end of an array."""
    if value is None:
        raise runtime_error("Cannot index into a null array.", "NullArray")
    if isinstance(value, Hashtable):
        if value.ordered and isinstance(index, int) and not isinstance(index, bool):
            items = value.items()
            return items[index][1] if -len(items) <= index < len(items) else None
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


def reparsed_expression(text: str) -> Node | None:
    """A text that the grammar took for a command, read as an expression (`1..3`, `5MB`)."""
    if not re.match(r"[\d.]", text):
        return None
    program = parse(f"(0 + {text})")
    if program.problems:
        return None
    node = program.root
    while node.kind != "parenthesized_expression":
        node = node.named[0]
    return _without_first_operand(node)


def _without_first_operand(node: Node) -> Node:
    """The `0 +` at the far left taken away again."""
    if node.kind == "additive_expression" and node.children[0].text.strip() == "0":
        return node.children[2]
    first, *_rest = node.named
    changed = _without_first_operand(first)
    children = tuple(changed if child is first else child for child in node.children)
    return Node(node.kind, node.text, node.line, node.column, children, True, node.source_line)


__all__ = [
    "NOTHING",
    "Byte",
    "Decimal",
    "evaluate",
    "evaluate_raw",
    "reparsed_expression",
    "variable_name",
]
