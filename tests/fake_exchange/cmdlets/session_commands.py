# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may this session run? Get-Command, which shows an account what its roles allow."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from fake_exchange.clixml.objects import ClrObject, OutputObject, enum, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.registry import CmdletError, ErrorSpec, definitions

_CLASS = "Microsoft.PowerShell.Commands.GetCommandCommand"
_AUTOMATION = "System.Management.Automation."
# What implicit remoting sees: every cmdlet of the endpoint is a function of the session.
_FUNCTION = 2
_COMMAND_TYPES = (_AUTOMATION + "FunctionInfo", _AUTOMATION + "CommandInfo", "System.Object")
_DICTIONARY = (
    "System.Collections.Generic.Dictionary`2[[System.String, mscorlib],"
    "[System.Management.Automation.ParameterMetadata, System.Management.Automation]]",
    "System.Object",
)
_METADATA = (_AUTOMATION + "ParameterMetadata", "System.Object")


def _visible(invocation: Invocation) -> dict[str, CmdletDefinition]:
    account = invocation.context.account
    behavior = invocation.organisation.behavior
    return {
        definition.name: definition
        for definition in definitions().values()
        if account.may_run(definition.name)
        and (definition.name != "Select-Object" or behavior.select_object)
    }


def _parameters(invocation: Invocation, definition: CmdletDefinition) -> ClrObject:
    account = invocation.context.account
    names = [
        parameter.name
        for parameter in definition.all_parameters()
        if account.may_use(definition.name, parameter.name)
        or parameter not in definition.parameters
    ]
    return ClrObject(
        _DICTIONARY,
        dictionary=[
            (name, ClrObject(_METADATA, to_string=_METADATA[0], properties=[("Name", name)]))
            for name in names
        ],
    )


def _command(invocation: Invocation, definition: CmdletDefinition) -> OutputObject:
    return output_of(
        _COMMAND_TYPES,
        definition.name,
        {
            "Name": lambda: definition.name,
            "CommandType": lambda: enum(_AUTOMATION + "CommandTypes", "Function", _FUNCTION),
            "Parameters": lambda: _parameters(invocation, definition),
            "ModuleName": lambda: "",
        },
    )


def _missing(name: str) -> ErrorSpec:
    return ErrorSpec(
        message=(
            f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, "
            "or operable program. Check the spelling of the name, or if a path was included, "
            "verify that the path is correct and try again."
        ),
        category="ObjectNotFound",
        category_reason="CommandNotFoundException",
        category_activity="Get-Command",
        exception_type=_AUTOMATION + "CommandNotFoundException",
        error_id=f"CommandNotFoundException,{_CLASS}",
        target=name,
    )


def _get_command(invocation: Invocation) -> Iterator[OutputObject]:
    types = invocation.parameters.get("CommandType") or ["All"]
    is_shown = bool({name.casefold() for name in types} & {"all", "function"})
    visible = _visible(invocation) if is_shown else {}
    quiet = invocation.parameters.get("ErrorAction") in ("SilentlyContinue", "Ignore")
    for wanted in invocation.parameters.get("Name") or ["*"]:
        found = [n for n in visible if fnmatch.fnmatchcase(n.casefold(), wanted.casefold())]
        if not found and not any(character in wanted for character in "*?["):
            if invocation.parameters.get("ErrorAction") == "Stop":
                raise CmdletError(_missing(wanted))
            if not quiet:
                invocation.context.write_error(_missing(wanted))
        for name in sorted(found):
            yield _command(invocation, visible[name])


CMDLETS = (
    CmdletDefinition(
        "Get-Command",
        _CLASS,
        (
            Parameter("Name", conversion.strings, position=0),
            Parameter("CommandType", conversion.strings),
            Parameter("Module", conversion.strings),
            Parameter("ListImported", conversion.switch),
        ),
        _get_command,
    ),
)
