# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the value of an expression? One function per kind of node."""

from __future__ import annotations

import re

from . import operators
from .conversion import cast, number_from_text, to_bool, to_number, to_text
from .errors import runtime_error
from .evaluation import evaluate, evaluate_raw, handles
from .interpreter import Interpreter
from .strings import unquoted, verbatim
from .syntax import Node, parse
from .type_names import type_from_text
from .values import (
    CustomObject,
    Hashtable,
    MethodFailed,
    Reference,
    ScriptBlock,
    TypeRef,
    as_sequence,
)


@handles("pipeline", "pipeline_chain", "if_statement", "switch_statement", "foreach_statement")
@handles("for_statement", "while_statement", "do_statement", "try_statement")
def _statement(interpreter: Interpreter, node: Node) -> object:
    from .statements import execute, value_of_pipeline

    if node.kind in ("pipeline", "pipeline_chain"):
        return value_of_pipeline(interpreter, node)
    return interpreter.collect(lambda emit: execute(interpreter, node, emit))


@handles("assignment_expression")
def _assignment(interpreter: Interpreter, node: Node) -> object:
    from .assignment import assign

    return assign(interpreter, node)


@handles("parenthesized_expression")
def _parenthesized(interpreter: Interpreter, node: Node) -> object:
    inner = node.named[0]
    if inner.kind == "pipeline" and inner.named[0].kind == "assignment_expression":
        return _assignment(interpreter, inner.named[0])
    return evaluate_raw(interpreter, inner)


@handles("sub_expression")
def _sub_expression(interpreter: Interpreter, node: Node) -> object:
    return interpreter.collect(
        lambda emit: interpreter.run_statements(node.child("statement_list"), emit)
    )


@handles("array_expression")
def _array(interpreter: Interpreter, node: Node) -> object:
    items: list[object] = []
    interpreter.run_statements(node.child("statement_list"), items.append)
    return items


@handles("array_literal_expression")
def _array_literal(interpreter: Interpreter, node: Node) -> object:
    first, *rest = node.named
    items = (
        list(_array_literal(interpreter, first))  # type: ignore[call-overload]
        if first.kind == "array_literal_expression"
        else [evaluate(interpreter, first)]
    )
    return [*items, *(evaluate(interpreter, one) for one in rest)]


@handles("hash_literal_expression")
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


@handles("script_block_expression")
def script_block(interpreter: Interpreter, node: Node) -> ScriptBlock:
    body = node.child("script_block")
    assert body is not None
    parameters = node.child("param_block") or body.child("param_block")
    return ScriptBlock(body, parameters, node.text[1:-1])


@handles("integer_literal", "decimal_integer_literal", "hexadecimal_integer_literal")
@handles("real_literal")
def _number(interpreter: Interpreter, node: Node) -> object:
    return number_from_text(node.text)


@handles("string_literal")
def _string(interpreter: Interpreter, node: Node) -> object:
    return evaluate(interpreter, node.named[0])


@handles("verbatim_string_characters", "verbatim_here_string_characters")
def _verbatim(interpreter: Interpreter, node: Node) -> object:
    return verbatim(node.text)


@handles("expandable_string_literal", "expandable_here_string_literal")
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


@handles("variable")
def _variable(interpreter: Interpreter, node: Node) -> object:
    return interpreter.get_variable(variable_name(node))


def variable_name(node: Node) -> str:
    """`$x`, `@x` and `${x}` without their marks."""
    text = node.text.strip()
    return text[2:-1] if text.startswith("${") else text[1:]


@handles("type_literal")
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


@handles("unary_expression")
def _unary_chain(interpreter: Interpreter, node: Node) -> object:
    return evaluate_raw(interpreter, node.named[0])


@handles("expression_with_unary_operator")
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


@handles("pre_increment_expression", "pre_decrement_expression")
@handles("post_increment_expression", "post_decrement_expression")
def _increment(interpreter: Interpreter, node: Node) -> object:
    from .assignment import store

    target = node.named[0]
    old = evaluate(interpreter, target)
    change = operators.add if "increment" in node.kind else operators.subtract
    new = change(0 if old is None else old, 1)
    store(interpreter, target, new)
    return (0 if old is None else old) if node.kind.startswith("post") else new


@handles("cast_expression")
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


@handles("logical_expression")
def _logical(interpreter: Interpreter, node: Node) -> object:
    left, operator, right = node.children
    truth = to_bool(evaluate(interpreter, left))
    name = operator.text.strip().lower()
    return operators.logical(name, truth, lambda: evaluate(interpreter, right))


@handles("bitwise_expression")
def _bitwise(interpreter: Interpreter, node: Node) -> object:
    left, operator, right = node.children
    name = operator.text.strip().lower()
    if name in ("-and", "-or", "-xor"):
        return _logical(interpreter, node)
    return operators.bitwise(name, evaluate(interpreter, left), evaluate(interpreter, right))


@handles("comparison_expression")
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


@handles("additive_expression", "multiplicative_expression")
def _arithmetic(interpreter: Interpreter, node: Node) -> object:
    left, operator, right = node.children
    apply = operators.ARITHMETIC.get(operator.text.strip())
    if apply is None:
        raise interpreter.unsupported(f"the operator {operator.text}", node)
    return apply(evaluate(interpreter, left), evaluate(interpreter, right))


@handles("format_expression")
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


@handles("range_expression")
def _range(interpreter: Interpreter, node: Node) -> object:
    first, _, last = node.children
    return operators.range_of(evaluate(interpreter, first), evaluate(interpreter, last))


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
