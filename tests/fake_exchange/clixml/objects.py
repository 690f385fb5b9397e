# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is an object before it becomes CLIXML? Plain records that mirror what PowerShell's
serializer distinguishes: type names, ToString, adapted properties, extended members, list items
and the primitive value inside an enum. Python's own None, bool, str, int (32 bit), bytes, datetime
and UUID become Nil, B, S, I32, BA, DT and G; the wrappers here become the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ENUM_BASES = ("System.Enum", "System.ValueType", "System.Object")


class Int64(int):
    """A value sent as ``I64``."""


class Byte(int):
    """A value sent as ``By``."""


class Uri(str):
    """A value sent as ``URI``."""

    __slots__ = ()


@dataclass(frozen=True)
class Primitive:
    """A value whose element Python has no type for: ``TS``, ``D``, ``C``, ``Version``."""

    tag: str
    text: str


@dataclass(frozen=True)
class SameObject:
    """A second mention of an object of the same fragment: a ``Ref`` if it was already sent."""

    target: ClrObject


class ClrObject:
    """One ``Obj`` of CLIXML; None for an element that is not sent at all."""

    __slots__ = (
        "dictionary",
        "items",
        "members",
        "properties",
        "to_string",
        "type_names",
        "value",
    )

    def __init__(
        self,
        type_names: tuple[str, ...],
        *,
        to_string: str | None = None,
        properties: Iterable[tuple[str, Any]] | None = None,
        members: Iterable[tuple[str, Any]] | None = None,
        items: Iterable[Any] | None = None,
        value: int | None = None,
        dictionary: Iterable[tuple[str, Any]] | None = None,
    ) -> None:
        self.dictionary = dictionary
        self.type_names = type_names
        self.to_string = to_string
        self.properties = properties
        self.members = members
        self.items = items
        self.value = value

    def __repr__(self) -> str:
        return f"ClrObject({self.type_names[0]}, {self.to_string!r})"


def enum(type_name: str, text: str, number: int) -> ClrObject:
    """An enum as it is sent at the first level of an object."""
    return ClrObject((type_name, *ENUM_BASES), to_string=text, value=number)


@dataclass(frozen=True)
class OutputObject:
    """What a cmdlet hands to the pipeline: properties are computed when somebody asks.

    ``getters`` maps every property that PowerShell would show to a function without arguments;
    ``whole`` builds the object as it crosses the wire when nothing selects from it. The two
    differ for certificates, whose serializer sends next to nothing.
    """

    type_name: str
    getters: Mapping[str, Callable[[], Any]]
    whole: Callable[[], Any]

    def names_matching(self, name: str) -> list[str]:
        """Real spelling of the properties that ``name`` means (case ignored, ``*`` wildcard)."""
        if name in self.getters:
            return [name]
        folded = name.casefold()
        if folded.endswith("*"):
            return [n for n in self.getters if n.casefold().startswith(folded[:-1])]
        return [n for n in self.getters if n.casefold() == folded]


def output_of(
    type_names: tuple[str, ...],
    to_string: str | None,
    getters: Mapping[str, Callable[[], Any]],
    members: Callable[[], Iterable[tuple[str, Any]]] = tuple,
) -> OutputObject:
    """An output whose whole form carries all its properties (everything but certificates)."""

    def whole() -> ClrObject:
        return ClrObject(
            type_names,
            to_string=to_string,
            properties=[(name, getter()) for name, getter in getters.items()],
            members=list(members()),
        )

    return OutputObject(type_names[0], getters, whole)
