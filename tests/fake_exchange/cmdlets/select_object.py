# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does Select-Object do on the Exchange endpoint? It picks properties by name, the first
objects, or one property's values; calculated properties need script blocks, and those need a
language the endpoint does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from fake_exchange.clixml.objects import ClrObject, OutputObject
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter, binding_error
from fake_exchange.cmdlets.registry import ErrorSpec, TerminatingError

_CLASS = "Microsoft.PowerShell.Commands.SelectObjectCommand"


def _property_names(value: Any) -> list[Any]:
    """System.Object[]: texts stay, anything else is judged when the cmdlet starts."""
    return value if isinstance(value, list) else [value]


def _run(invocation: Invocation) -> Iterator[OutputObject]:
    wanted = invocation.parameters.get("Property")
    for name in wanted or ():
        if isinstance(name, dict):
            raise TerminatingError(
                ErrorSpec(
                    message=(
                        "The Expression key of a calculated property needs a script block, and "
                        "script blocks are not supported by this runspace. This can occur if the "
                        "runspace is in no-language mode."
                    ),
                    category="InvalidArgument",
                    category_reason="NotSupportedException",
                    category_activity=invocation.definition.name,
                    exception_type="System.NotSupportedException",
                    error_id=f"DictionaryKeyUnknown,{_CLASS}",
                )
            )
    if wanted is not None and not all(isinstance(name, str) for name in wanted):
        raise binding_error(
            invocation.definition,
            "Cannot convert a value to one of the following types {System.String, "
            "System.Management.Automation.ScriptBlock}.",
            "DictionaryKeyUnknown",
        )
    items = iter(invocation.input)
    if "First" in invocation.parameters:
        # The real one stops the commands before it as soon as it has enough.
        items = islice(items, invocation.parameters.get("First"))
    expanded = invocation.parameters.get("ExpandProperty")
    for item in items:
        if expanded is not None:
            yield from _expand(invocation, item, expanded)
        elif wanted is None:
            yield item
        else:
            yield selected(item, wanted)


def selected(item: OutputObject, wanted: list[str]) -> OutputObject:
    """A custom object with the wanted properties; one that does not exist is null."""
    getters: dict[str, Callable[[], Any]] = {}
    for name in wanted:
        for real in item.names_matching(name) or [name.rstrip("*") or name]:
            getters.setdefault(real, item.getters.get(real, _null))
    original = item.type_name.removeprefix("Selected.")
    type_names = (
        f"Selected.{original}",
        "System.Management.Automation.PSCustomObject",
        "System.Object",
    )

    def whole() -> ClrObject:
        return ClrObject(type_names, members=[(name, getter()) for name, getter in getters.items()])

    return OutputObject(type_names[0], getters, whole)


def _null() -> None:
    return None


def _expand(invocation: Invocation, item: OutputObject, name: str) -> Iterator[OutputObject]:
    names = item.names_matching(name)
    if not names:
        raise invocation.error(
            f'Property "{name}" cannot be found.',
            category="InvalidArgument",
            exception="System.Management.Automation.PSArgumentException",
        )
    value = item.getters[names[0]]()
    values = value.items if isinstance(value, ClrObject) and value.items is not None else [value]
    for single in values:
        yield plain(single)


def plain(value: Any) -> OutputObject:
    """A bare value as a pipeline object."""
    name = value.type_names[0] if isinstance(value, ClrObject) else type(value).__name__
    parts = dict(value.properties or ()) if isinstance(value, ClrObject) else {}
    getters = {part: (lambda content=content: content) for part, content in parts.items()}
    return OutputObject(name, getters, lambda: value)


CMDLETS = (
    CmdletDefinition(
        "Select-Object",
        _CLASS,
        (
            Parameter("Property", _property_names, sets=("Default",), position=0),
            Parameter("ExpandProperty", conversion.required_text, sets=("Default",)),
            Parameter("First", conversion.integer, sets=("Default",)),
        ),
        _run,
        default_set="Default",
        takes_input=True,
    ),
)
