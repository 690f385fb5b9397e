# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a function or script block get its arguments, and what happens when it runs? Param
blocks with types, defaults, switches and validation; begin, process and end blocks."""

from __future__ import annotations

from dataclasses import dataclass, field

from .conversion import cast, to_bool, to_text
from .errors import ReturnFromBlock, runtime_error
from .interpreter import Interpreter, Scope
from .patterns import to_regex
from .syntax import Node
from .type_names import type_from_text
from .values import Emit, Hashtable, Reference, ScriptBlock, TypeRef, as_sequence

COMMON_PARAMETERS = {
    "verbose": "verbose",
    "vb": "verbose",
    "debug": "debug",
    "db": "debug",
    "erroraction": "erroraction",
    "ea": "erroraction",
    "warningaction": "warningaction",
    "wa": "warningaction",
    "informationaction": "informationaction",
    "infa": "informationaction",
    "errorvariable": "errorvariable",
    "ev": "errorvariable",
    "warningvariable": "warningvariable",
    "wv": "warningvariable",
    "outvariable": "outvariable",
    "ov": "outvariable",
    "outbuffer": "outbuffer",
    "pipelinevariable": "pipelinevariable",
    "whatif": "whatif",
    "confirm": "confirm",
}


@dataclass(frozen=True)
class Named:
    """An argument given by name; `value` None and `bare` for a parameter without argument."""

    name: str
    value: object = None
    bare: bool = False


@dataclass(frozen=True)
class Parameter:
    """One parameter of a function. `attributes` are the texts of its attribute arguments."""

    name: str
    type: TypeRef | None = None
    default: Node | None = None
    mandatory: bool = False
    aliases: tuple[str, ...] = ()
    from_pipeline: bool = False
    validations: tuple[tuple[str, Node], ...] = field(default=(), repr=False)

    @property
    def is_switch(self) -> bool:
        return self.type is not None and self.type.name.endswith("SwitchParameter")


def parameters_of(interpreter: Interpreter, block: ScriptBlock) -> list[Parameter]:
    if block.parameters is None:
        return []
    listed = (
        block.parameters
        if block.parameters.kind == "parameter_list"
        else block.parameters.child("parameter_list")
    )
    return (
        [_parameter(interpreter, one) for one in listed.all("script_parameter")] if listed else []
    )


def _parameter(interpreter: Interpreter, node: Node) -> Parameter:
    variable, default = node.child("variable"), node.child("script_parameter_default")
    assert variable is not None
    wanted: TypeRef | None = None
    mandatory = from_pipeline = False
    aliases: list[str] = []
    validations: list[tuple[str, Node]] = []
    attributes = node.child("attribute_list")
    for attribute in attributes.all("attribute") if attributes else []:
        literal = attribute.child("type_literal")
        if literal is not None:
            text = literal.text.strip()[1:-1]
            wanted = type_from_text(text)
            if wanted is None:
                raise runtime_error(f"Unable to find type [{text}].", "TypeNotFound")
            continue
        name_node = attribute.child("attribute_name")
        assert name_node is not None
        name = name_node.text.strip().casefold()
        text = attribute.text.replace(" ", "").casefold()
        if name == "parameter":
            mandatory |= "mandatory" in text and "mandatory=$false" not in text
            from_pipeline |= "valuefrompipeline" in text
        elif name == "alias":
            arguments = attribute.child("attribute_arguments")
            assert arguments is not None
            aliases += [a.text.strip().strip("'\"").casefold() for a in arguments.named]
        elif name in ("allownull", "allowemptystring", "allowemptycollection"):
            continue
        else:
            validations.append((name, attribute))
    return Parameter(
        variable.text.strip().lstrip("$"),
        wanted,
        default.named[0] if default else None,
        mandatory,
        tuple(aliases),
        from_pipeline,
        tuple(validations),
    )


def define_function(interpreter: Interpreter, node: Node) -> None:
    name_node, body = node.child("function_name"), node.child("script_block")
    assert name_node is not None
    if body is None:
        body = Node("script_block", "", node.line, node.column)
    declared = node.child("function_parameter_declaration")
    parameters = declared.child("parameter_list") if declared else None
    if parameters is None:
        parameters = node.child("param_block") or body.child("param_block")
    is_filter = node.children[0].text.strip().lower() == "filter"
    block = ScriptBlock(body, parameters, body.text, is_filter)
    prefix, _, name = name_node.text.strip().rpartition(":")
    scope = interpreter.scope.root if prefix.casefold() == "global" else interpreter.scope
    scope.functions[name.casefold()] = block


def bind_and_run(
    interpreter: Interpreter,
    block: ScriptBlock,
    arguments: list[object],
    emit: Emit,
    *,
    new_scope: bool,
    variables: dict[str, object],
    piped: list[object] | None = None,
    name: str = "",
) -> None:
    """Run a block with positional values and `Named` ones; `piped` is its pipeline input."""
    before = interpreter.scope
    if new_scope:
        interpreter.scope = Scope(before)
    saved = {key: before.variables.get(key) for key in variables}
    scope = interpreter.scope
    for key, value in variables.items():
        scope.variables[key.casefold()] = Reference(value)
    try:
        _bind(interpreter, block, arguments, name)
        _run_body(interpreter, block, piped, emit)
    except ReturnFromBlock:
        pass
    finally:
        interpreter.scope = before
        if not new_scope:
            _restore(before, saved)


def _restore(scope: Scope, saved: dict[str, Reference | None]) -> None:
    for key, reference in saved.items():
        if reference is None:
            scope.variables.pop(key, None)
        else:
            scope.variables[key] = reference


def _bind(interpreter: Interpreter, block: ScriptBlock, arguments: list[object], name: str) -> None:
    parameters = parameters_of(interpreter, block)
    given, rest = _match(interpreter, parameters, arguments, name)
    variables = interpreter.scope.variables
    if parameters or arguments:
        variables["psboundparameters"] = Reference(Hashtable(given.items()))
        variables["args"] = Reference(rest)
    for parameter in parameters:
        key = parameter.name.casefold()
        if parameter.name in given:
            value = given[parameter.name]
            _validate(interpreter, parameter, value, name)
            variables[key] = Reference(value, parameter.type)
        elif parameter.mandatory and not parameter.from_pipeline:
            raise _binding_error(
                name,
                f"Cannot process command because of one or more missing mandatory parameters: "
                f"{parameter.name}.",
                "MissingMandatoryParameter",
            )
        else:
            variables[key] = Reference(_default(interpreter, parameter), parameter.type)


def _default(interpreter: Interpreter, parameter: Parameter) -> object:
    from .evaluation import evaluate

    if parameter.default is not None:
        value = evaluate(interpreter, parameter.default)
        return value if parameter.type is None else cast(value, parameter.type)
    if parameter.type is None:
        return None
    match parameter.type.name:
        case "System.Boolean" | "System.Management.Automation.SwitchParameter":
            return False
        case "System.String":
            return ""
        case "System.Int32" | "System.Int64" | "System.Double":
            return 0
    return None


def _match(
    interpreter: Interpreter, parameters: list[Parameter], arguments: list[object], name: str
) -> tuple[dict[str, object], list[object]]:
    given: dict[str, object] = {}
    positional: list[object] = []
    waiting: Parameter | None = None
    for argument in arguments:
        if isinstance(argument, Named):
            if waiting is not None:
                raise _missing_argument(name, waiting.name)
            parameter = _find(parameters, argument.name, name)
            if parameter is None:
                if not parameters:
                    positional.append(f"-{argument.name}")
                    continue
                if _common(interpreter, argument):
                    continue
                raise _binding_error(
                    name,
                    f"A parameter cannot be found that matches parameter name '{argument.name}'.",
                    "NamedParameterNotFound",
                )
            if parameter.is_switch:
                given[parameter.name] = argument.bare or to_bool(argument.value)
            elif argument.bare:
                waiting = parameter
            else:
                given[parameter.name] = _converted(parameter, argument.value, name)
        elif waiting is not None:
            given[waiting.name] = _converted(waiting, argument, name)
            waiting = None
        else:
            positional.append(argument)
    if waiting is not None:
        raise _missing_argument(name, waiting.name)
    for parameter in parameters:
        if positional and parameter.name not in given and not parameter.is_switch:
            given[parameter.name] = _converted(parameter, positional.pop(0), name)
    return given, positional


def _common(interpreter: Interpreter, argument: Named) -> bool:
    """-ErrorAction and the like given to an advanced function, already joined with their value."""
    kind = COMMON_PARAMETERS.get(argument.name.casefold())
    if kind is None:
        return False
    preferences = {
        "erroraction": "erroractionpreference",
        "warningaction": "warningpreference",
        "informationaction": "informationpreference",
    }
    if kind in preferences:
        interpreter.scope.variables[preferences[kind]] = Reference(argument.value)
    elif kind == "verbose":
        interpreter.scope.variables["verbosepreference"] = Reference("Continue")
    return True


def _find(parameters: list[Parameter], wanted: str, command: str) -> Parameter | None:
    key = wanted.casefold()
    for parameter in parameters:
        if key == parameter.name.casefold() or key in parameter.aliases:
            return parameter
    found = [p for p in parameters if p.name.casefold().startswith(key)]
    if len(found) > 1:
        names = " ".join(f"-{p.name}" for p in found)
        raise _binding_error(
            command,
            f"Parameter cannot be processed because the parameter name '{wanted}' is ambiguous. "
            f"Possible matches include: {names}.",
            "AmbiguousParameter",
        )
    return found[0] if found else None


def _converted(parameter: Parameter, value: object, command: str) -> object:
    from .errors import PowerShellError

    if parameter.type is None:
        return value
    try:
        return cast(value, parameter.type)
    except PowerShellError as error:
        raise _binding_error(
            command,
            f"Cannot process argument transformation on parameter '{parameter.name}'. "
            f"{error.record.exception.message}",
            "ParameterArgumentTransformationError",
            category="InvalidData",
        ) from None


def _validate(interpreter: Interpreter, parameter: Parameter, value: object, command: str) -> None:
    from .evaluation import evaluate

    for kind, attribute in parameter.validations:
        arguments = attribute.child("attribute_arguments")
        values = [evaluate(interpreter, a.named[0]) for a in arguments.named] if arguments else []
        items = as_sequence(value)
        each = [value] if items is None else items
        match kind:
            case "validateset":
                allowed = [to_text(one).casefold() for one in values]
                good = all(to_text(item).casefold() in allowed for item in each)
            case "validatenotnullorempty":
                good = bool(each) and all(to_text(item) != "" for item in each)
            case "validatenotnull":
                good = value is not None
            case "validatepattern":
                pattern = to_regex(to_text(values[0]), ignore_case=True)
                good = all(pattern.search(to_text(item)) for item in each)
            case "validaterange":
                low, high = values
                good = all(low <= item <= high for item in each)  # type: ignore[operator]
            case _:
                raise interpreter.unsupported(f"the attribute {kind}", attribute)
        if not good:
            rule = attribute.text.strip().strip("[]")
            raise _binding_error(
                command,
                f"Cannot validate argument on parameter '{parameter.name}'. The argument "
                f'"{to_text(value)}" does not satisfy {rule}.',
                "ParameterArgumentValidationError",
                category="InvalidData",
            )


def _missing_argument(command: str, parameter: str) -> Exception:
    return _binding_error(
        command,
        f"Missing an argument for parameter '{parameter}'. Specify a parameter and try again.",
        "MissingArgument",
    )


def _binding_error(
    command: str, message: str, error_id: str, *, category: str = "InvalidArgument"
) -> Exception:
    error = runtime_error(
        message,
        f"{error_id},{command}" if command else error_id,
        category=category,
        exception_type="System.Management.Automation.ParameterBindingException",
    )
    error.record.activity = command
    error.record.command = command
    return error


def _run_body(
    interpreter: Interpreter, block: ScriptBlock, piped: list[object] | None, emit: Emit
) -> None:
    body = block.body
    inner = body.child("script_block_body") if body.kind == "script_block" else body
    if inner is None:
        return
    named = inner.child("named_block_list")
    if named is None and block.is_filter:
        for item in piped or []:
            interpreter.scope.variables["_"] = Reference(item)
            interpreter.run_statements(inner.child("statement_list"), emit)
        return
    if named is None:
        if piped is not None:
            interpreter.scope.variables["input"] = Reference(piped)
        interpreter.run_statements(inner.child("statement_list"), emit)
        return
    blocks: dict[str, Node | None] = {}
    for one in named.all("named_block"):
        name, statements = one.child("block_name"), one.child("statement_block")
        assert name is not None
        assert statements is not None
        blocks[name.text.strip().lower()] = statements.child("statement_list")
    interpreter.run_statements(blocks.get("begin"), emit)
    if "process" in blocks:
        taking = [p for p in parameters_of(interpreter, block) if p.from_pipeline]
        for item in [None] if piped is None else piped:
            variables = interpreter.scope.variables
            if piped is not None:
                variables["_"] = Reference(item)
                for parameter in taking:
                    wanted = parameter.type
                    value = cast(item, wanted) if wanted else item
                    variables[parameter.name.casefold()] = Reference(value, wanted)
            try:
                interpreter.run_statements(blocks["process"], emit)
            except ReturnFromBlock:
                continue
    elif piped is not None:
        interpreter.scope.variables["input"] = Reference(piped)
    interpreter.run_statements(blocks.get("end"), emit)
