# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets about the language itself: modules, strict mode, running blocks and text."""

from __future__ import annotations

from ..conversion import to_text
from ..functions import bind_and_run
from ..invocation import Call
from ..patterns import has_wildcards, wildcard_to_regex
from ..values import CustomObject, ScriptBlock
from .exchange_shell import find_exchange_cmdlet
from .registry import all_cmdlets, cmdlet, find_cmdlet

_CORE = "Microsoft.PowerShell.Commands"
#: Modules a server of this kind has.
MODULES = {
    name.casefold(): name
    for name in (
        "WebAdministration",
        "IISAdministration",
        "CimCmdlets",
        "PKI",
        "ServerManager",
        "Microsoft.PowerShell.Management",
        "Microsoft.PowerShell.Utility",
        "Microsoft.PowerShell.Security",
    )
}


@cmdlet("Set-StrictMode", f"{_CORE}.SetStrictModeCommand", "Version Off!")
def _set_strict_mode(call: Call) -> None:
    call.interpreter.scope.strict = not call.flag("Off")


@cmdlet(
    "Import-Module",
    f"{_CORE}.ImportModuleCommand",
    "Name:0+ Force! PassThru! Global! DisableNameChecking! SkipEditionCheck! Function Cmdlet "
    "MinimumVersion RequiredVersion Scope Prefix? NoClobber! AsCustomObject?",
)
def _import_module(call: Call) -> None:
    for name in call.texts("Name") or [to_text(item) for item in call.items]:
        known = MODULES.get(name.casefold())
        if known is None:
            call.error(
                call.record(
                    f"The specified module '{name}' was not loaded because no valid module file "
                    "was found in any module directory.",
                    "Modules_ModuleNotFound",
                    category="ResourceUnavailable",
                    exception_type="System.IO.FileNotFoundException",
                    target=name,
                )
            )
            continue
        call.interpreter.modules.add(known.casefold())
        if call.flag("PassThru"):
            call.output(_module(known))


def _module(name: str) -> CustomObject:
    return CustomObject(
        [("Name", name), ("Version", "1.0.0.0"), ("ModuleType", "Manifest")],
        type_names=("System.Management.Automation.PSModuleInfo", "System.Object"),
        text=name,
    )


@cmdlet("Get-Module", f"{_CORE}.GetModuleCommand", "Name:0+ ListAvailable! All! Refresh!")
def _get_module(call: Call) -> None:
    known = MODULES if call.flag("ListAvailable") else call.interpreter.modules
    wanted = [wildcard_to_regex(text) for text in call.texts("Name")] or [wildcard_to_regex("*")]
    for key in known:
        if any(pattern.fullmatch(MODULES[key]) for pattern in wanted):
            call.output(_module(MODULES[key]))


@cmdlet(
    "Get-Command",
    f"{_CORE}.GetCommandCommand",
    "Name:0+ CommandType=Type Module Verb? Noun? All! Syntax?",
)
def _get_command(call: Call) -> None:
    call.interpreter.prepare_modules()
    for name in call.texts("Name"):
        if has_wildcards(name):
            pattern = wildcard_to_regex(name)
            for one in sorted(all_cmdlets(), key=lambda known: known.name):
                if pattern.fullmatch(one.name):
                    call.output(_command(one.name, "Cmdlet"))
            continue
        found = find_cmdlet(name) or find_exchange_cmdlet(call.interpreter, name)
        if call.interpreter.scope.find_function(name.casefold()) is not None:
            call.output(_command(name, "Function"))
        elif found is not None:
            call.output(_command(found.name, "Cmdlet"))
        else:
            call.error(
                call.record(
                    f"The term '{name}' is not recognized as the name of a cmdlet, function, "
                    "script file, or operable program. Check the spelling of the name, or if a "
                    "path was included, verify that the path is correct and try again.",
                    "CommandNotFoundException",
                    category="ObjectNotFound",
                    exception_type="System.Management.Automation.CommandNotFoundException",
                    target=name,
                )
            )


def _command(name: str, kind: str) -> CustomObject:
    return CustomObject(
        [("CommandType", kind), ("Name", name), ("Version", "3.1.0.0"), ("Source", "")],
        type_names=(f"System.Management.Automation.{kind}Info", "System.Object"),
        text=name,
    )


@cmdlet(
    "Invoke-Command",
    f"{_CORE}.InvokeCommandCommand",
    "ScriptBlock:0=Command ArgumentList=Args NoNewScope! ComputerName? Session? Credential? "
    "InputObject AsJob?",
)
def _invoke_command(call: Call) -> None:
    block = call.value("ScriptBlock")
    assert isinstance(block, ScriptBlock)
    bind_and_run(
        call.interpreter,
        block,
        call.many("ArgumentList"),
        call.output,
        new_scope=not call.flag("NoNewScope"),
        variables={},
        piped=call.items if call.piped else None,
    )


@cmdlet("Invoke-Expression", f"{_CORE}.InvokeExpressionCommand", "Command:0")
def _invoke_expression(call: Call) -> None:
    texts = [to_text(item) for item in call.items] if call.piped else [call.text("Command")]
    for text in texts:
        call.interpreter.run_text(text, call.output)
