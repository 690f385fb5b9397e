# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does [PSSerializer]::Serialize($objects, 4) make of a cmdlet's output, and Select-Object
before it? A property of an object costs one level of the depth; what lies deeper is left with its
text alone. Lists, dictionaries and the notes of a custom object cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fake_exchange.clixml.objects import ClrObject, OutputObject, SameObject
from fake_exchange.clixml.writer import fragment

_OPENING = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
_DEPTH = 4
_LIST = ("System.Object[]", "System.Array", "System.Object")
_CUSTOM = ("System.Management.Automation.PSCustomObject", "System.Object")


def serialized(objects: list[Any]) -> str:
    """The document of a list of what cmdlets write."""
    whole = ClrObject(_LIST, items=objects)
    return f"{_OPENING}\r\n  {fragment(_Reduction().of(whole, _DEPTH))}\r\n</Objs>"


def selected(item: Any, names: list[str]) -> Any:
    """`Select-Object -Property` of one object; null stays null, which Select-Object drops."""
    if not isinstance(item, OutputObject):
        return item if item is None else ClrObject(_CUSTOM, members=[(n, None) for n in names])
    members: list[tuple[str, Any]] = []
    for name in names:
        found = item.names_matching(name)
        members += [(one, _read(item.getters[one])) for one in found]
        if not found and "*" not in name:
            members.append((name, None))
    return ClrObject((f"Selected.{item.type_name}", *_CUSTOM), members=members)


def _read(getter: Callable[[], Any]) -> Any:
    """A property that cannot be read is null."""
    try:
        return getter()
    except UnreadableProperty:
        return None


class UnreadableProperty(Exception):
    """The getter of a property throws."""


class _Reduction:
    """The objects of one document without what lies too deep."""

    def __init__(self) -> None:
        self._same: dict[int, ClrObject] = {}

    def of(self, value: Any, depth: int) -> Any:
        if isinstance(value, OutputObject):
            value = _with_all_properties(value)
        if isinstance(value, SameObject):
            return self._mentioned(value.target, depth)
        if not isinstance(value, ClrObject):
            return value
        if depth <= 0 and value.items is None and value.dictionary is None:
            return value.to_string if value.to_string is not None else value.type_names[0]
        return ClrObject(
            value.type_names,
            to_string=value.to_string,
            properties=self._members(value.properties, depth - 1),
            members=self._members(value.members, depth),
            items=None if value.items is None else [self.of(one, depth) for one in value.items],
            value=value.value,
            dictionary=self._members(value.dictionary, depth),
        )

    def _mentioned(self, target: ClrObject, depth: int) -> Any:
        if id(target) not in self._same:
            self._same[id(target)] = self.of(target, depth)
        return SameObject(self._same[id(target)])

    def _members(
        self, members: Iterable[tuple[str, Any]] | None, depth: int
    ) -> list[tuple[str, Any]] | None:
        if members is None:
            return None
        return [(name, self.of(value, depth)) for name, value in members]


def _with_all_properties(item: OutputObject) -> Any:
    """The object as this server's own shell has it: with everything that can be read."""
    whole = item.whole()
    if not item.getters:
        return whole
    return ClrObject(
        (item.type_name, "System.Object"),
        to_string=whole.to_string if isinstance(whole, ClrObject) else None,
        properties=list(_readable(item)),
    )


def _readable(item: OutputObject) -> Iterable[tuple[str, Any]]:
    for name, getter in item.getters.items():
        try:
            yield name, getter()
        except UnreadableProperty:
            continue
