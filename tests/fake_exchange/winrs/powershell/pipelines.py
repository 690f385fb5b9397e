# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do commands pass objects along? A pipeline is a row of stages; each pushes what it writes
into the next one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .cmdlets.registry import Cmdlet, find_cmdlet
from .conversion import number_from_text, to_text
from .errors import PowerShellError, StopUpstream, runtime_error
from .expressions import evaluate, evaluate_raw, reparsed_expression, variable_name
from .functions import COMMON_PARAMETERS, Named, bind_and_run, parameters_of
from .interpreter import Interpreter, position_of
from .invocation import CmdletStage
from .native import NATIVE_PROGRAMS, run_native
from .redirection import Redirections, is_redirection, redirections_of
from .strings import escaped
from .syntax import Node
from .values import (
    Emit,
    Hashtable,
    NetObject,
    ScriptBlock,
    as_sequence,
    enumerate_output,
    unwrap,
)

_VALUELESS = frozenset({"verbose", "debug", "whatif", "confirm"})


@dataclass(eq=False)
class Stage:
    """One command of a pipeline, ready to run."""

    process: Callable[[object], None]
    end: Callable[[], None]


def run_pipeline(interpreter: Interpreter, node: Node, emit: Emit) -> None:
    """Run `node` (a pipeline or a single command) and write its output to `emit`."""
    parts = _parts(node)
    interpreter.last_success = True
    source: Node | None = None
    redirect: Node | None = None
    if parts and parts[0].kind != "command":
        source = parts.pop(0)
        if parts and parts[0].kind == "redirections":
            redirect = parts.pop(0)
    if any(part.kind != "command" for part in parts):
        odd = next(part for part in parts if part.kind != "command")
        raise interpreter.unsupported(odd.kind.replace("_", " "), odd)
    if source is None and len(parts) == 1:
        expression = _expression_in_disguise(interpreter, parts[0])
        if expression is not None:
            for item in enumerate_output(evaluate_raw(interpreter, expression)):
                emit(item)
            return
    if source is None and _expression_in_disguise(interpreter, parts[0]) is not None:
        source = _expression_in_disguise(interpreter, parts.pop(0))
    has_input = source is not None
    target: Emit = emit
    stages: list[Stage] = []
    for index in range(len(parts) - 1, -1, -1):
        stage = _stage(interpreter, parts[index], target, piped=has_input or index > 0)
        stages.insert(0, stage)
        target = stage.process
    try:
        if source is not None:
            _feed(interpreter, source, redirect, target)
    except StopUpstream:
        pass
    for stage in stages:
        try:
            stage.end()
        except StopUpstream:
            continue


def _parts(node: Node) -> list[Node]:
    if node.kind == "command":
        return [node]
    if len(node.named) == 1 and node.named[0].kind in ("pipeline", "pipeline_chain"):
        return _parts(node.named[0])
    return list(node.named)


def _feed(interpreter: Interpreter, source: Node, redirect: Node | None, target: Emit) -> None:
    with _redirections(interpreter, redirect, target) as output:
        for item in enumerate_output(evaluate_raw(interpreter, source)):
            output(item)


def _redirections(interpreter: Interpreter, node: Node | None, target: Emit) -> Redirections:
    listed = list(node.named) if node is not None else []
    return redirections_of(interpreter, listed, target)


def _expression_in_disguise(interpreter: Interpreter, command: Node) -> Node | None:
    """`1..3` and `5MB` at the start of a statement, which the grammar takes for commands."""
    if command.child("command_name") is None:
        return None
    if command.child("command_invokation_operator") is not None:
        return None
    return reparsed_expression(command.text.strip())


def _stage(interpreter: Interpreter, command: Node, target: Emit, *, piped: bool) -> Stage:
    if command.child("verbatim_command_argument") is not None:
        raise interpreter.unsupported("--%", command)
    operator = command.child("command_invokation_operator")
    elements = command.child("command_elements")
    nodes = _arguments_of(elements) if elements else []
    redirects = [node for node, _ in nodes if is_redirection(node)]
    words = [(node, glued) for node, glued in nodes if not is_redirection(node)]
    callee = _callee(interpreter, command)
    arguments = _evaluate_arguments(interpreter, words)
    redirections = redirections_of(interpreter, redirects, target)
    dotted = operator is not None and operator.text.strip() == "."
    if isinstance(callee, ScriptBlock):
        return _block_stage(
            interpreter, command, callee, arguments, redirections, new_scope=not dotted, piped=piped
        )
    name = to_text(callee)
    found = interpreter.scope.find_function(name.casefold())
    if found is not None:
        return _block_stage(
            interpreter, command, found, arguments, redirections, piped=piped, name=name
        )
    cmdlet = find_cmdlet(name)
    if cmdlet is not None:
        return _cmdlet_stage(interpreter, command, cmdlet, arguments, redirections, piped=piped)
    base = re.split(r"[\\/]", name)[-1].casefold().removesuffix(".exe")
    if base in NATIVE_PROGRAMS:
        return _native_stage(interpreter, base, arguments, redirections)
    if re.fullmatch(r"(?i)[a-z]+-[a-z]\w*", name) and name.casefold() in _REAL_BUT_NOT_HERE:
        raise interpreter.unsupported(f"the cmdlet {name}", command)
    raise _not_recognized(name, command)


#: Cmdlets that Windows has and that this interpreter does not: an error of the fake, not of the
#: script.
_REAL_BUT_NOT_HERE = frozenset(
    [
        "add-content",
        "clear-content",
        "compare-object",
        "convertto-csv",
        "convertfrom-csv",
        "export-csv",
        "export-clixml",
        "export-pfxcertificate",
        "format-list",
        "format-table",
        "format-wide",
        "get-acl",
        "get-content",
        "get-eventlog",
        "get-hotfix",
        "get-itempropertyvalue",
        "get-member",
        "get-netadapter",
        "get-nettcpconnection",
        "get-pssession",
        "get-random",
        "get-winevent",
        "get-webconfigurationproperty",
        "import-csv",
        "import-clixml",
        "import-pfxcertificate",
        "invoke-restmethod",
        "invoke-webrequest",
        "invoke-wmimethod",
        "invoke-cimmethod",
        "new-item",
        "new-service",
        "new-webbinding",
        "out-file",
        "receive-job",
        "register-scheduledtask",
        "remove-item",
        "remove-webbinding",
        "resume-service",
        "set-content",
        "set-item",
        "set-itemproperty",
        "set-service",
        "set-webbinding",
        "start-job",
        "start-process",
        "stop-process",
        "suspend-service",
        "tee-object",
        "test-connection",
        "wait-job",
        "wait-process",
        "write-eventlog",
    ]
)


def _not_recognized(name: str, command: Node) -> PowerShellError:
    error = runtime_error(
        f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or "
        "operable program. Check the spelling of the name, or if a path was included, verify that "
        "the path is correct and try again.",
        "CommandNotFoundException",
        category="ObjectNotFound",
        exception_type="System.Management.Automation.CommandNotFoundException",
        target=name,
        target_name=name,
        target_type="String",
    )
    error.record.command = name
    error.record.position = position_of(command)
    return error


def _callee(interpreter: Interpreter, command: Node) -> object:
    node = command.child("command_name")
    if node is not None:
        return node.text.strip()
    node = command.child("command_name_expr")
    assert node is not None
    inner = node.named[0] if node.named else node
    if inner.kind == "path_command_name" and len(inner.children) == 1:
        inner = inner.children[0]
    if inner.kind in ("command_name", "path_command_name", "path_command_name_token"):
        return expanded(interpreter, inner.text.strip())
    value = evaluate(interpreter, inner)
    if isinstance(value, ScriptBlock):
        return value
    if value is None or to_text(value) == "":
        raise runtime_error(
            "The expression after '&' in a pipeline element produced an object that was not valid. "
            "It must result in a command name, a script block, or a CommandInfo object.",
            "BadExpression",
        )
    return value.get("Name") if isinstance(value, NetObject) else value


# -- arguments -------------------------------------------------------------------------------------


def _arguments_of(elements: Node) -> list[tuple[Node, bool]]:
    """The arguments; the flag says that nothing, not even a blank, stands before one (`a,b`), and
    for a value after `-Name:` that the colon was there."""
    result: list[tuple[Node, bool]] = []
    glued = False
    for child in elements.children:
        if child.kind == "command_argument_sep":
            text = "".join(part.text for part in child.children) or child.text
            glued = glued or text.strip() == ":" or text == ""
            if text.strip() == "" and text != "" and not result:
                glued = False
            continue
        result.append((child, glued))
        glued = False
    return result


def _evaluate_arguments(interpreter: Interpreter, words: list[tuple[Node, bool]]) -> list[object]:
    arguments: list[object] = []
    awaiting_comma = False
    for index, (node, glued) in enumerate(words):
        if node.kind == "command_parameter":
            follows = words[index + 1] if index + 1 < len(words) else None
            colon = follows is not None and follows[1] and follows[0].kind != "command_parameter"
            if colon and follows is not None and follows[0].text.lstrip().startswith(","):
                colon = False
            name = node.text.strip().lstrip("-")
            arguments.append(Named(name, bare=not colon))
            continue
        values, leading, trailing = _argument_values(interpreter, node)
        previous = arguments[-1] if arguments else None
        if (leading or awaiting_comma) and arguments and not _is_bare(previous):
            _append_to_last(arguments, values)
        elif isinstance(previous, Named) and not previous.bare and previous.value is None and glued:
            arguments[-1] = Named(previous.name, _single(values), bare=False)
        elif node.kind == "variable" and node.text.strip().startswith("@"):
            arguments += _splatted(interpreter, node)
        else:
            arguments.append(_single(values))
        awaiting_comma = trailing
    return arguments


def _is_bare(value: object) -> bool:
    return isinstance(value, Named) and value.bare


def _single(values: list[object]) -> object:
    return values[0] if len(values) == 1 else values


def _append_to_last(arguments: list[object], values: list[object]) -> None:
    previous = arguments[-1]
    value = previous.value if isinstance(previous, Named) else previous
    joined = [*value, *values] if isinstance(value, list) else [value, *values]
    arguments[-1] = Named(previous.name, joined) if isinstance(previous, Named) else joined


def _argument_values(interpreter: Interpreter, node: Node) -> tuple[list[object], bool, bool]:
    """The values of one argument, and whether a comma stands before or after it."""
    if node.kind == "generic_token":
        pieces = _WORD_PIECES.findall(node.text.strip())
        words = [_word(interpreter, piece) for piece in pieces if piece != ","]
        return words, pieces[0] == ",", pieces[-1] == "," and len(pieces) > 1
    if node.kind == "expression_with_unary_operator" and node.children[0].text.strip() == ",":
        value = evaluate(interpreter, node.named[0])
        items = as_sequence(value)
        several = node.named[0].kind == "array_literal_expression" and items is not None
        return (list(items) if several and items is not None else [value]), True, False
    return [unwrap(evaluate_raw(interpreter, node))], False, False


#: A bare word may hold quoted parts and, between commas, several values.
_WORD_PIECES = re.compile(r"""(?:'(?:[^']|'')*'|"(?:[^"`]|`.)*"|[^,'"])+|,""")


def _word(interpreter: Interpreter, word: str) -> object:
    if re.fullmatch(r"-?(\d+(\.\d+)?|0x[0-9a-fA-F]+)", word):
        return number_from_text(word)
    parts = re.findall(r"""'(?:[^']|'')*'|"(?:[^"`]|`.)*"|[^'"]+""", word)
    return "".join(
        part[1:-1].replace("''", "'") if part[0] == "'" else expanded(interpreter, part.strip('"'))
        for part in parts
    )


def expanded(interpreter: Interpreter, text: str) -> str:
    """A bare word with its variables and escapes replaced."""
    replaced = re.sub(
        r"(?<!`)\$(?:\{([^}]+)\}|((?:\w+:)?\w+))",
        lambda found: to_text(interpreter.get_variable(found.group(1) or found.group(2))),
        text,
    )
    return escaped(replaced)


def _splatted(interpreter: Interpreter, node: Node) -> list[object]:
    value = interpreter.get_variable(variable_name(node))
    if isinstance(value, Hashtable):
        return [Named(to_text(key), item, bare=False) for key, item in value.items()]
    items = as_sequence(value)
    if items is None:
        return [] if value is None else [value]
    return list(items)


def join_common(arguments: list[object]) -> list[object]:
    """-ErrorAction and the like with the value after them as one `Named`."""
    joined: list[object] = []
    for argument in arguments:
        previous = joined[-1] if joined else None
        if isinstance(previous, Named) and previous.bare and not isinstance(argument, Named):
            kind = COMMON_PARAMETERS.get(previous.name.casefold())
            if kind is not None and kind not in _VALUELESS:
                joined[-1] = Named(previous.name, argument)
                continue
        joined.append(argument)
    return joined


# -- stages ----------------------------------------------------------------------------------------


def _block_stage(
    interpreter: Interpreter,
    command: Node,
    block: ScriptBlock,
    arguments: list[object],
    redirections: Redirections,
    *,
    new_scope: bool = True,
    piped: bool = False,
    name: str = "",
) -> Stage:
    items: list[object] = []
    if parameters_of(interpreter, block):
        arguments = join_common(arguments)

    def end() -> None:
        with redirections as output:
            try:
                bind_and_run(
                    interpreter,
                    block,
                    arguments,
                    output,
                    new_scope=new_scope,
                    variables={},
                    piped=items if piped else None,
                    name=name,
                )
            except PowerShellError as error:
                interpreter.locate(error, command)
                raise

    return Stage(items.append, end)


def _cmdlet_stage(
    interpreter: Interpreter,
    command: Node,
    cmdlet: Cmdlet,
    arguments: list[object],
    redirections: Redirections,
    *,
    piped: bool,
) -> Stage:
    stage = CmdletStage(
        interpreter, cmdlet, join_common(arguments), redirections, command, piped=piped
    )
    return Stage(stage.process, stage.end)


def _native_stage(
    interpreter: Interpreter, name: str, arguments: list[object], redirections: Redirections
) -> Stage:
    words: list[str] = []
    for argument in arguments:
        if isinstance(argument, Named):
            words.append(f"-{argument.name}")
            if not argument.bare:
                words[-1] += f":{to_text(argument.value)}"
        else:
            words.append(to_text(argument))

    def end() -> None:
        with redirections as output:
            code = run_native(interpreter, name, words, output)
        interpreter.set_variable("global:LASTEXITCODE", code)
        interpreter.last_success = code == 0

    return Stage(lambda item: None, end)
