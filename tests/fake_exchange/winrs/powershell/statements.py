# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a statement do? One function per kind of statement."""

from __future__ import annotations

from collections.abc import Callable

from .arguments import word
from .assignment import assign
from .conversion import cast, to_bool, to_text
from .errors import (
    BreakLoop,
    ContinueLoop,
    ErrorRecord,
    ExitScript,
    NetException,
    PowerShellError,
    ReturnFromBlock,
)
from .evaluation import evaluate, evaluate_raw
from .expressions import type_of_literal, variable_name
from .functions import define_function
from .interpreter import Interpreter, position_of
from .operators import equal
from .patterns import to_regex, wildcard_to_regex
from .pipelines import run_pipeline
from .syntax import Node
from .values import (
    NOTHING,
    Emit,
    Reference,
    ScriptBlock,
    TypeRef,
    as_sequence,
    enumerate_output,
)

Executor = Callable[[Interpreter, Node, Emit], None]
_EXECUTORS: dict[str, Executor] = {}
_SILENT = frozenset(
    {
        "post_increment_expression",
        "post_decrement_expression",
        "pre_increment_expression",
        "pre_decrement_expression",
    }
)


def _executes(*kinds: str) -> Callable[[Executor], Executor]:
    def register(function: Executor) -> Executor:
        for kind in kinds:
            _EXECUTORS[kind] = function
        return function

    return register


def execute(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    """Run one statement. A terminating error gets its position here."""
    handler = _EXECUTORS.get(node.kind)
    interpreter.line = node.line
    if handler is None:
        raise interpreter.unsupported(node.kind.replace("_", " "), node)
    try:
        handler(interpreter, node, emit)
    except PowerShellError as error:
        interpreter.locate(error, node)
        raise


@_executes("empty_statement", "label")
def _empty(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    pass


@_executes("pipeline", "pipeline_chain")
def _pipeline(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    inner = node
    while inner.kind in ("pipeline", "pipeline_chain") and len(inner.named) == 1:
        inner = inner.named[0]
    if inner.kind == "assignment_expression":
        assign(interpreter, inner)
        interpreter.last_success = True
        return
    if inner.kind in ("pipeline", "pipeline_chain", "command"):
        run_pipeline(interpreter, inner, emit)
        return
    value = evaluate_raw(interpreter, inner)
    interpreter.last_success = True
    if _is_silent(inner):
        return
    for item in enumerate_output(value):
        emit(item)


def _is_silent(node: Node) -> bool:
    if node.kind == "expression_with_unary_operator":
        return node.children[0].kind in _SILENT
    return node.kind in _SILENT


def value_of_pipeline(interpreter: Interpreter, node: Node) -> object:
    """What an assignment or a parenthesis sees: one expression as it is, else the output."""
    inner = node
    while inner.kind in ("pipeline", "pipeline_chain") and len(inner.named) == 1:
        inner = inner.named[0]
    if inner.kind == "assignment_expression":
        return assign(interpreter, inner)
    if inner.kind in ("pipeline", "pipeline_chain", "command"):
        return interpreter.collect(lambda emit: run_pipeline(interpreter, inner, emit))
    value = evaluate_raw(interpreter, inner)
    interpreter.last_success = True
    return value


@_executes("if_statement")
def _if(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    clauses = [node]
    listed = node.child("elseif_clauses")
    clauses += listed.all("elseif_clause") if listed else []
    for clause in clauses:
        condition = clause.child("pipeline")
        assert condition is not None
        if to_bool(evaluate(interpreter, condition)):
            _block(interpreter, clause, emit)
            return
    otherwise = node.child("else_clause")
    if otherwise is not None:
        _block(interpreter, otherwise, emit)


def _block(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    block = node.child("statement_block")
    if block is not None:
        interpreter.run_statements(block.child("statement_list"), emit)


def _loop_body(interpreter: Interpreter, node: Node, emit: Emit) -> bool:
    """One round of a loop; False if the loop ends."""
    interpreter.check_stopped()
    try:
        _block(interpreter, node, emit)
    except BreakLoop as signal:
        if signal.label is not None and signal.label != node.label:
            raise
        return False
    except ContinueLoop as signal:
        if signal.label is not None and signal.label != node.label:
            raise
    return True


@_executes("foreach_statement")
def _foreach(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    if node.child("foreach_parameter") is not None:
        raise interpreter.unsupported("foreach -parallel", node)
    variable, source = node.child("variable"), node.child("pipeline")
    assert variable is not None
    assert source is not None
    value = evaluate(interpreter, source)
    items = _elements(value)
    for item in items:
        interpreter.set_variable(variable_name(variable), item)
        if not _loop_body(interpreter, node, emit):
            break


def _elements(value: object) -> list[object]:
    if value is None or value is NOTHING:
        return []
    items = as_sequence(value)
    if items is not None:
        return list(items)
    elements = getattr(value, "elements", None)
    return elements() if callable(elements) else [value]


@_executes("for_statement")
def _for(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    initializer, condition = node.child("for_initializer"), node.child("for_condition")
    iterator = node.child("for_iterator")
    if initializer is not None:
        _discard(interpreter, initializer)
    while condition is None or to_bool(evaluate(interpreter, condition.named[0])):
        if not _loop_body(interpreter, node, emit):
            break
        if iterator is not None:
            _discard(interpreter, iterator)


def _discard(interpreter: Interpreter, node: Node) -> None:
    for child in node.named:
        execute(interpreter, child, lambda item: None)


@_executes("while_statement")
def _while(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    condition = node.child("while_condition")
    assert condition is not None
    while to_bool(evaluate(interpreter, condition.named[0])):
        if not _loop_body(interpreter, node, emit):
            break


@_executes("do_statement")
def _do(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    condition = node.child("while_condition")
    assert condition is not None
    until = any(child.kind == "until" for child in node.children)
    while True:
        if not _loop_body(interpreter, node, emit):
            break
        if to_bool(evaluate(interpreter, condition.named[0])) is until:
            break


@_executes("switch_statement")
def _switch(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    condition, body = node.child("switch_condition"), node.child("switch_body")
    assert condition is not None
    assert body is not None
    source = condition.child("pipeline")
    if source is None:
        raise interpreter.unsupported("switch -file", node)
    listed = node.child("switch_parameters")
    options = {p.text.strip().lower() for p in listed.named} if listed else set()
    clauses_node = body.child("switch_clauses")
    clauses = clauses_node.all("switch_clause") if clauses_node else []
    value = evaluate(interpreter, source)
    items = as_sequence(value)
    for item in [value] if items is None else list(items):
        try:
            _switch_item(interpreter, item, clauses, options, emit)
        except BreakLoop as signal:
            if signal.label is not None and signal.label != node.label:
                raise
            return
        except ContinueLoop as signal:
            if signal.label is not None and signal.label != node.label:
                raise


def _switch_item(
    interpreter: Interpreter, item: object, clauses: list[Node], options: set[str], emit: Emit
) -> None:
    interpreter.scope.variables["_"] = Reference(item)
    matched = False
    default: Node | None = None
    for clause in clauses:
        condition = clause.child("switch_clause_condition")
        assert condition is not None
        if condition.text.strip().casefold() == "default":
            default = clause
        elif _clause_matches(interpreter, item, condition, options):
            matched = True
            interpreter.scope.variables["_"] = Reference(item)
            _block(interpreter, clause, emit)
    if not matched and default is not None:
        _block(interpreter, default, emit)


def _clause_matches(
    interpreter: Interpreter, item: object, condition: Node, options: set[str]
) -> bool:
    if condition.named and condition.named[0].kind != "generic_token":
        wanted = evaluate(interpreter, condition.named[0])
    else:
        wanted = word(interpreter, condition.text.strip())
    case = "-casesensitive" in options
    if isinstance(wanted, ScriptBlock):
        block = wanted
        result = interpreter.collect(
            lambda emit: interpreter.run_block(
                block, [], emit, new_scope=False, variables={"_": item}
            )
        )
        return to_bool(result)
    if "-wildcard" in options:
        pattern = wildcard_to_regex(to_text(wanted), ignore_case=not case)
        return pattern.fullmatch(to_text(item)) is not None
    if "-regex" in options:
        return to_regex(to_text(wanted), ignore_case=not case).search(to_text(item)) is not None
    return equal(item, wanted, case=case)


@_executes("flow_control_statement")
def _flow_control(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    word = node.children[0].text.strip().lower()
    operand = node.named[0] if node.named else None
    match word:
        case "break" | "continue":
            label = operand.text.strip().lstrip(":").casefold() if operand else None
            raise (BreakLoop if word == "break" else ContinueLoop)(label)
        case "return":
            if operand is not None:
                _pipeline(interpreter, operand, emit)
            raise ReturnFromBlock
        case "exit":
            value = evaluate(interpreter, operand) if operand else 0
            code = int(cast(value, TypeRef("System.Int32")))  # type: ignore[call-overload]
            raise ExitScript(code)
        case "throw":
            _throw(interpreter, node, operand)


def _throw(interpreter: Interpreter, node: Node, operand: Node | None) -> None:
    if operand is None:
        current = interpreter.scope.find("_")
        record = current.value if current else None
        if isinstance(record, ErrorRecord) and interpreter.scope.find("<catching>"):
            raise PowerShellError(record)
        value: object = "ScriptHalted"
    else:
        value = evaluate(interpreter, operand)
    if isinstance(value, ErrorRecord):
        raise PowerShellError(value)
    if isinstance(value, NetException):
        raise PowerShellError(
            ErrorRecord(
                value,
                value.message,
                category="OperationStopped",
                target_name="",
                position=position_of(node),
            )
        )
    text = to_text(value)
    raise PowerShellError(
        ErrorRecord(
            NetException("System.Management.Automation.RuntimeException", text),
            text,
            category="OperationStopped",
            target=value,
            target_name=text,
            target_type="String" if isinstance(value, str) else type(value).__name__,
            position=position_of(node),
        )
    )


@_executes("try_statement")
def _try(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    finally_clause = node.child("finally_clause")
    try:
        _try_and_catch(interpreter, node, emit)
    finally:
        if finally_clause is not None:
            _block(interpreter, finally_clause, emit)


def _try_and_catch(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    scope, line = interpreter.scope, interpreter.line
    try:
        _block(interpreter, node, emit)
    except PowerShellError as error:
        interpreter.scope = scope
        interpreter.locate(error, node)
        interpreter.remember(error.record)
        clause = _matching_clause(interpreter, node, error.record)
        if clause is None:
            raise
        _catch(interpreter, clause, error.record, emit)
    except RecursionError:
        raise interpreter.unsupported(f"so deep a recursion (from line {line})", node) from None


def _matching_clause(interpreter: Interpreter, node: Node, record: ErrorRecord) -> Node | None:
    listed = node.child("catch_clauses")
    names = set(record.exception.type_names)
    if record.exception.inner is not None:
        names |= set(record.exception.inner.type_names)
    for clause in listed.all("catch_clause") if listed else []:
        types = clause.child("catch_type_list")
        if types is None:
            return clause
        for literal in types.all("type_literal"):
            if type_of_literal(interpreter, literal).name in names:
                return clause
    return None


def _catch(interpreter: Interpreter, clause: Node, record: ErrorRecord, emit: Emit) -> None:
    variables = interpreter.scope.variables
    before = variables.get("_")
    catching = variables.get("<catching>")
    variables["_"] = Reference(record)
    variables["<catching>"] = Reference(True)
    try:
        _block(interpreter, clause, emit)
    finally:
        for name, old in (("_", before), ("<catching>", catching)):
            if old is None:
                variables.pop(name, None)
            else:
                variables[name] = old


@_executes("function_statement")
def _function(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    define_function(interpreter, node)
