# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets for time, variables, types and small conversions."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..conversion import cast, to_number, to_text
from ..formatting import format_datetime
from ..invocation import Call
from ..values import CustomObject, Reference, ScriptBlock, TypeRef
from .registry import cmdlet

_UTILITY = "Microsoft.PowerShell.Commands"


@cmdlet(
    "Get-Date",
    f"{_UTILITY}.GetDateCommand",
    "Date:0 Format UFormat Year Month Day Hour Minute Second Millisecond DisplayHint?",
)
def _get_date(call: Call) -> None:
    moment = call.interpreter.now()
    if call.given("Date"):
        given = cast(call.value("Date"), TypeRef("System.DateTime"))
        assert isinstance(given, datetime)
        moment = given
    units = ("Year", "Month", "Day", "Hour", "Minute", "Second")
    changes = {unit.lower(): call.number(unit) for unit in units if call.given(unit)}
    moment = moment.replace(**changes)  # type: ignore[arg-type]
    if call.given("Format"):
        call.output(format_datetime(moment, call.text("Format")))
    elif call.given("UFormat"):
        call.output(_unix_format(call, moment))
    else:
        call.output(moment)


def _unix_format(call: Call, moment: datetime) -> str:
    layout = call.text("UFormat")
    if layout == "%s":
        return to_text(float(moment.replace(tzinfo=None).timestamp()))
    return moment.strftime(layout)


@cmdlet(
    "New-TimeSpan",
    f"{_UTILITY}.NewTimeSpanCommand",
    "Start:0 End:1 Days Hours Minutes Seconds",
)
def _new_timespan(call: Call) -> None:
    if call.given("Start") or call.given("End"):
        start = call.value("Start", call.interpreter.now())
        end = call.value("End", call.interpreter.now())
        first, last = (cast(one, TypeRef("System.DateTime")) for one in (start, end))
        assert isinstance(first, datetime)
        assert isinstance(last, datetime)
        call.output(last.replace(tzinfo=None) - first.replace(tzinfo=None))
        return
    call.output(
        timedelta(
            days=call.number("Days"),
            hours=call.number("Hours"),
            minutes=call.number("Minutes"),
            seconds=call.number("Seconds"),
        )
    )


@cmdlet("Start-Sleep", f"{_UTILITY}.StartSleepCommand", "Seconds:0 Milliseconds=ms")
def _start_sleep(call: Call) -> None:
    if call.given("Milliseconds"):
        call.interpreter.sleep(call.number("Milliseconds") / 1000)
    else:
        call.interpreter.sleep(call.number("Seconds"))


@cmdlet(
    "Get-Variable", f"{_UTILITY}.GetVariableCommand", "Name:0+ ValueOnly! Scope Include? Exclude?"
)
def _get_variable(call: Call) -> None:
    for name in call.texts("Name"):
        reference = call.interpreter.scope.find(name.casefold())
        if reference is None:
            call.error(
                call.record(
                    f"Cannot find a variable with the name '{name}'.",
                    "VariableNotFound",
                    category="ObjectNotFound",
                    exception_type="System.Management.Automation.ItemNotFoundException",
                    target=name,
                )
            )
        elif call.flag("ValueOnly"):
            call.output(reference.value)
        else:
            call.output(
                CustomObject(
                    [("Name", name), ("Value", reference.value)],
                    type_names=("System.Management.Automation.PSVariable", "System.Object"),
                )
            )


@cmdlet(
    "Set-Variable",
    f"{_UTILITY}.SetVariableCommand",
    "Name:0 Value:1 Scope Option Force! PassThru? Description",
)
def _set_variable(call: Call) -> None:
    scope = call.text("Scope", "local").casefold()
    prefix = scope if scope in ("global", "script", "local") else "local"
    for name in call.texts("Name"):
        call.interpreter.set_variable(f"{prefix}:{name}", call.value("Value"))


@cmdlet("Remove-Variable", f"{_UTILITY}.RemoveVariableCommand", "Name:0+ Scope Force!")
def _remove_variable(call: Call) -> None:
    for name in call.texts("Name"):
        call.interpreter.scope.variables.pop(name.casefold(), None)


@cmdlet("Clear-Variable", f"{_UTILITY}.ClearVariableCommand", "Name:0+ Scope Force!")
def _clear_variable(call: Call) -> None:
    for name in call.texts("Name"):
        call.interpreter.scope.variables[name.casefold()] = Reference(None)


@cmdlet("Measure-Command", f"{_UTILITY}.MeasureCommandCommand", "Expression:0 InputObject?")
def _measure_command(call: Call) -> None:
    block = call.value("Expression")
    assert isinstance(block, ScriptBlock)
    began = call.machine.ticks()
    call.interpreter.run_block(block, [], lambda item: None, new_scope=False)
    call.output(timedelta(seconds=call.machine.ticks() - began))


@cmdlet(
    "Add-Type",
    f"{_UTILITY}.AddTypeCommand",
    "TypeDefinition:0? AssemblyName Path? MemberDefinition? Language?",
)
def _add_type(call: Call) -> None:
    known = ("system.", "microsoft.web.")
    for name in call.texts("AssemblyName"):
        if not name.casefold().startswith(known):
            raise call.interpreter.unsupported(f"the assembly {name}", call.node)


@cmdlet("Get-Random", f"{_UTILITY}.GetRandomCommand", "Maximum:0 Minimum SetSeed InputObject?")
def _get_random(call: Call) -> None:
    import random

    low = int(to_number(call.value("Minimum", 0)))
    call.output(random.randrange(low, int(to_number(call.value("Maximum", 2**31 - 1)))))
