# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do commands pass objects along? A pipeline is a row of stages; each pushes what it writes
into the next one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .arguments import arguments_of, evaluate_arguments, expanded, join_common
from .cmdlets.exchange_shell import find_exchange_cmdlet
from .cmdlets.registry import Cmdlet, find_cmdlet
from .conversion import to_text
from .errors import PowerShellError, runtime_error
from .evaluation import evaluate, evaluate_raw
from .expressions import reparsed_expression
from .functions import Named, bind_and_run, parameters_of
from .interpreter import Interpreter, position_of
from .invocation import CmdletStage
from .native import NATIVE_PROGRAMS, run_native
from .redirection import Redirections, is_redirection, redirections_of
from .syntax import Node
from .values import (
    Emit,
    NetObject,
    ScriptBlock,
    enumerate_output,
)


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
    if source is not None:
        _feed(interpreter, source, redirect, target)
    for stage in stages:
        stage.end()


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
    nodes = arguments_of(elements) if elements else []
    redirects = [node for node, _ in nodes if is_redirection(node)]
    words = [(node, glued) for node, glued in nodes if not is_redirection(node)]
    callee = _callee(interpreter, command)
    arguments = evaluate_arguments(interpreter, words)
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
    cmdlet = find_cmdlet(name) or find_exchange_cmdlet(interpreter, name)
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
