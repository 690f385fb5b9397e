# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Exchange cmdlets in the local shell of an Edge server, which has no remote PowerShell: a
snap-in brings them, objects keep their properties, and nobody is there to answer a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

from fake_exchange.clixml.objects import ENUM_BASES, ClrObject, OutputObject, SameObject
from fake_exchange.cmdlet_faults import CmdletFaults
from fake_exchange.cmdlets.registry import (
    CmdletContext,
    Command,
    ErrorSpec,
    SecureText,
    TerminatingError,
    definitions,
    run_in_local_shell,
)
from fake_exchange.organisation.accounts import EDGE_CMDLETS, Account

from ..conversion import to_text
from ..errors import ErrorRecord
from ..invocation import Call
from ..values import (
    Byte,
    CustomObject,
    EnumValue,
    Hashtable,
    NetObject,
    as_sequence,
)
from .registry import Cmdlet, CmdletParameter, cmdlet

if TYPE_CHECKING:
    from ..interpreter import Interpreter

_CORE = "Microsoft.PowerShell.Commands"
#: Any of these brings the cmdlets.
SNAPINS = (
    "Microsoft.Exchange.Management.PowerShell.E2010",
    "Microsoft.Exchange.Management.PowerShell.SnapIn",
)


class SecureString(NetObject):
    """System.Security.SecureString; shows nothing."""

    type_names = ("System.Security.SecureString", "System.Object")

    def __init__(self, text: str) -> None:
        self.secret = SecureText(text)


@cmdlet(
    "ConvertTo-SecureString",
    f"{_CORE}.ConvertToSecureStringCommand",
    "String:0 AsPlainText! Force! Key? SecureKey?",
)
def _convert_to_secure_string(call: Call) -> None:
    if not (call.flag("AsPlainText") and call.flag("Force")):
        raise call.interpreter.unsupported("ConvertTo-SecureString without -AsPlainText", call.node)
    texts = [to_text(item) for item in call.items] if call.piped else [call.text("String")]
    for text in texts:
        call.output(SecureString(text))


def _is_edge(interpreter: Interpreter) -> bool:
    server = interpreter.machine.server
    return server is not None and server.IsEdgeServer


@cmdlet("Add-PSSnapin", f"{_CORE}.AddPSSnapinCommand", "Name:0+ PassThru!")
def _add_snapin(call: Call) -> None:
    known = {name.casefold(): name for name in SNAPINS} if _is_edge(call.interpreter) else {}
    for wanted in call.texts("Name"):
        name = known.get(wanted.casefold())
        if name is None:
            call.error(
                call.record(
                    "No snap-ins have been registered for Windows PowerShell version 5.",
                    "AddPSSnapInRead",
                    category="InvalidArgument",
                    exception_type="System.Management.Automation.PSArgumentException",
                    target=wanted,
                )
            )
            continue
        call.interpreter.snapins.add(name)
        if call.flag("PassThru"):
            call.output(_snapin(name))


@cmdlet("Get-PSSnapin", f"{_CORE}.GetPSSnapinCommand", "Name:0+ Registered!")
def _get_snapin(call: Call) -> None:
    there = call.interpreter.snapins
    if call.flag("Registered"):
        there = set(SNAPINS) if _is_edge(call.interpreter) else set()
    wanted = [name.casefold() for name in call.texts("Name")]
    for name in SNAPINS:
        if name in there and (not wanted or name.casefold() in wanted):
            call.output(_snapin(name))


def _snapin(name: str) -> CustomObject:
    return CustomObject(
        [("Name", name), ("PSVersion", "1.0")],
        type_names=("System.Management.Automation.PSSnapInInfo", "System.Object"),
        text=name,
    )


def find_exchange_cmdlet(interpreter: Interpreter, name: str) -> Cmdlet | None:
    """The cmdlet, if the snap-in is there and an Edge server has it."""
    if not interpreter.snapins or not _is_edge(interpreter):
        return None
    known = {one.casefold(): one for one in EDGE_CMDLETS}
    found = known.get(name.casefold().rpartition("\\")[2])
    return _cmdlet(found) if found is not None else None


@cache
def _cmdlet(name: str) -> Cmdlet:
    definition = definitions()[name.lower()]
    return Cmdlet(
        name,
        definition.class_name,
        tuple(
            CmdletParameter(one.name, position=one.position, switch=one.is_switch)
            for one in definition.parameters
        ),
        run=_run,
    )


def _run(call: Call) -> None:
    organisation, server = call.machine.organisation, call.machine.server
    assert organisation is not None
    assert server is not None
    domain, _, user = call.machine.user.rpartition("\\")
    context = CmdletContext(
        organisation,
        Account(user, domain, domain, "", permissions=_everything()),
        server,
        host=None,
        write_error=lambda error: call.error(_record(call, error)),
        write_warning=call.warning,
        stopped=call.interpreter.stopped,
        faults=CmdletFaults(),
    )
    try:
        for item in run_in_local_shell(context, _command(call)):
            call.output(_object(item))
    except TerminatingError as failure:
        raise call.fail(_record(call, failure.error)) from None


def _everything() -> dict[str, frozenset[str] | None]:
    return dict.fromkeys(name.lower() for name in EDGE_CMDLETS)


def _command(call: Call) -> Command:
    given = {p.name: p for p in call.cmdlet.parameters if call.given(p.name)}
    values: list[tuple[str | None, object]] = [(name, _plain(call.value(name))) for name in given]
    values += [
        (name, call.common[name.casefold()])
        for name in ("WhatIf", "Confirm")
        if name.casefold() in call.common
    ]
    return Command(call.cmdlet.name, values)


def _plain(value: object) -> object:
    """A value of the script as a cmdlet takes it."""
    if isinstance(value, SecureString):
        return value.secret
    if isinstance(value, EnumValue):
        return value.name
    if isinstance(value, Hashtable):
        return {to_text(key): _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, float, bytes, datetime)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    items = as_sequence(value)
    return [_plain(item) for item in items] if items is not None else to_text(value)


def _record(call: Call, error: ErrorSpec) -> ErrorRecord:
    record = call.record(
        error.message,
        "",
        category=error.category,
        exception_type=error.exception_type,
        target=error.target,
    )
    record.error_id = error.error_id
    return record


def _object(item: OutputObject) -> object:
    """An object of the pipeline with all its properties."""
    if not item.getters:
        return _value(item.whole())
    whole = item.whole()
    text = whole.to_string if isinstance(whole, ClrObject) else None
    return CustomObject(
        [(name, _value(getter())) for name, getter in item.getters.items()],
        type_names=(item.type_name, "System.Object"),
        text=text,
    )


def _value(value: object) -> object:
    if isinstance(value, SameObject):
        return _value(value.target)
    if isinstance(value, ClrObject):
        return _clr(value)
    if isinstance(value, bytes):
        return [Byte(number) for number in value]
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone().replace(tzinfo=None)
    return value


def _clr(value: ClrObject) -> object:
    if value.items is not None:
        return [_value(item) for item in value.items]
    if value.type_names[1:] == ENUM_BASES:
        return EnumValue(value.type_names[0], value.to_string or "", value.value or 0)
    return CustomObject(
        _properties(value),
        type_names=value.type_names,
        text=value.to_string if value.to_string is not None else value.type_names[0],
    )


def _properties(value: ClrObject) -> Iterator[tuple[str, object]]:
    for name, item in value.properties or ():
        yield name, _value(item)
