# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What are PowerShell's values here? Python's own where they fit (None, bool, int, float, Decimal,
str, bytes, list for arrays, datetime, timedelta) and the classes of this file for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .syntax import Node

INT32 = range(-(2**31), 2**31)
INT64 = range(-(2**63), 2**63)

Emit = Callable[[object], None]


class _Nothing:
    """AutomationNull: what a pipeline without output gives. Behaves as $null in expressions, but
    is no element of a pipeline or array."""

    def __repr__(self) -> str:
        return "NOTHING"


NOTHING = _Nothing()


class Int64(int):
    """An integer that is Int64 although it would fit Int32."""


class Byte(int):
    """System.Byte."""


class Char(str):
    """System.Char: one UTF-16 unit."""


class MemberNotFound(Exception):
    """The object has no such property or method."""


class PipedArray(list[object]):
    """An array that a cmdlet wrote as one object: it wears an invisible wrapper, which only
    ConvertTo-Json of 5.1 shows."""


class NetObject:
    """An object with members. Names are looked up without case."""

    type_names: tuple[str, ...] = ("System.Object",)

    def get(self, name: str) -> object:
        """The value of a property. Raises MemberNotFound."""
        raise MemberNotFound(name)

    def set(self, name: str, value: object) -> None:
        raise MemberNotFound(name)

    def call(self, name: str, arguments: list[object]) -> object:
        """Call a method; NOTHING for void. Raises MemberNotFound."""
        raise MemberNotFound(name)

    def property_names(self) -> list[str]:
        return []

    def to_text(self) -> str:
        return self.type_names[0]


class CustomObject(NetObject):
    """[pscustomobject], and any object with plain properties. Property order is kept."""

    def __init__(
        self,
        properties: Iterable[tuple[str, object]] = (),
        *,
        type_names: tuple[str, ...] = (
            "System.Management.Automation.PSCustomObject",
            "System.Object",
        ),
        text: str | None = None,
    ) -> None:
        self.type_names = type_names
        self.text = text
        self._names: dict[str, str] = {}
        self._values: dict[str, object] = {}
        for name, value in properties:
            self.add(name, value)

    def add(self, name: str, value: object) -> None:
        key = name.casefold()
        self._names.setdefault(key, name)
        self._values[key] = value

    def remove(self, name: str) -> None:
        self._names.pop(name.casefold(), None)
        self._values.pop(name.casefold(), None)

    def get(self, name: str) -> object:
        try:
            return self._values[name.casefold()]
        except KeyError:
            raise MemberNotFound(name) from None

    def set(self, name: str, value: object) -> None:
        if name.casefold() not in self._values:
            raise MemberNotFound(name)
        self._values[name.casefold()] = value

    def property_names(self) -> list[str]:
        return list(self._names.values())

    def items(self) -> list[tuple[str, object]]:
        return [(name, self._values[key]) for key, name in self._names.items()]

    def to_text(self) -> str:
        if self.text is not None:
            return self.text
        from .conversion import to_text

        return "@{" + "; ".join(f"{name}={to_text(value)}" for name, value in self.items()) + "}"


class Hashtable(NetObject):
    """Hashtable, or OrderedDictionary if `ordered`. String keys are compared without case. Order is
    that of insertion in both; a real Hashtable promises none."""

    def __init__(self, items: Iterable[tuple[object, object]] = (), *, ordered: bool = False):
        self.ordered = ordered
        name = "Specialized.OrderedDictionary" if ordered else "Hashtable"
        self.type_names = (f"System.Collections.{name}", "System.Object")
        self._keys: dict[object, object] = {}
        self._values: dict[object, object] = {}
        for key, value in items:
            self[key] = value

    @staticmethod
    def _key(key: object) -> object:
        if isinstance(key, str):
            return key.casefold()
        return ("number", key) if isinstance(key, int) and not isinstance(key, bool) else key

    def __setitem__(self, key: object, value: object) -> None:
        self._keys.setdefault(self._key(key), key)
        self._values[self._key(key)] = value

    def __contains__(self, key: object) -> bool:
        return self._key(key) in self._values

    def lookup(self, key: object) -> object:
        return self._values.get(self._key(key))

    def remove(self, key: object) -> None:
        self._keys.pop(self._key(key), None)
        self._values.pop(self._key(key), None)

    def items(self) -> list[tuple[object, object]]:
        return [(key, self._values[folded]) for folded, key in self._keys.items()]

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, name: str) -> object:
        if name in self:
            return self.lookup(name)
        match name.casefold():
            case "count":
                return len(self)
            case "keys":
                return [key for key, _ in self.items()]
            case "values":
                return [value for _, value in self.items()]
        raise MemberNotFound(name)

    def set(self, name: str, value: object) -> None:
        self[name] = value

    def call(self, name: str, arguments: list[object]) -> object:
        match name.casefold(), arguments:
            case ("containskey" | "contains", [key]):
                return key in self
            case ("containsvalue", [wanted]):
                return any(value == wanted for _, value in self.items())
            case ("add", [key, value]):
                if key in self:
                    raise MethodFailed(
                        "System.ArgumentException",
                        f"Item has already been added. Key in dictionary: '{key}'  "
                        f"Key being added: '{key}'",
                    )
                self[key] = value
                return NOTHING
            case ("remove", [key]):
                self.remove(key)
                return NOTHING
            case ("clear", []):
                self._keys.clear()
                self._values.clear()
                return NOTHING
            case ("clone", []):
                return Hashtable(self.items(), ordered=self.ordered)
            case ("getenumerator", []):
                return [DictionaryEntry(key, value) for key, value in self.items()]
        raise MemberNotFound(name)


class DictionaryEntry(CustomObject):
    def __init__(self, key: object, value: object) -> None:
        super().__init__(
            [("Name", key), ("Key", key), ("Value", value)],
            type_names=("System.Collections.DictionaryEntry", "System.Object"),
            text="System.Collections.DictionaryEntry",
        )


class NetList(NetObject):
    """System.Collections.Generic.List and System.Collections.ArrayList."""

    def __init__(self, items: Iterable[object] = (), *, type_name: str, returns_index: bool):
        self.items = list(items)
        self.returns_index = returns_index
        self.type_names = (type_name, "System.Object")

    def __iter__(self) -> Iterator[object]:
        return iter(self.items)

    def get(self, name: str) -> object:
        if name.casefold() == "count":
            return len(self.items)
        raise MemberNotFound(name)

    def call(self, name: str, arguments: list[object]) -> object:
        match name.casefold(), arguments:
            case ("add", [item]):
                self.items.append(item)
                return len(self.items) - 1 if self.returns_index else NOTHING
            case ("addrange", [list() | NetList() as more]):
                self.items.extend(more)
                return NOTHING
            case ("insert", [int(index), item]):
                self.items.insert(index, item)
                return NOTHING
            case ("remove", [item]):
                found = item in self.items
                if found:
                    self.items.remove(item)
                return NOTHING if self.returns_index else found
            case ("removeat", [int(index)]):
                del self.items[index]
                return NOTHING
            case ("clear", []):
                self.items.clear()
                return NOTHING
            case ("contains", [item]):
                return item in self.items
            case ("indexof", [item]):
                return self.items.index(item) if item in self.items else -1
            case ("toarray", []):
                return list(self.items)
            case ("reverse", []):
                self.items.reverse()
                return NOTHING
        raise MemberNotFound(name)


@dataclass(frozen=True)
class EnumValue:
    """A value of a .NET enumeration."""

    type_name: str
    name: str
    number: int

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class TypeRef:
    """A type: full .NET name; `element` for arrays, `arguments` for generic types."""

    name: str
    element: TypeRef | None = None
    arguments: tuple[TypeRef, ...] = ()

    def __str__(self) -> str:
        if self.element is not None:
            return f"{self.element}[]"
        if self.arguments:
            inner = ",".join(f"[{argument}]" for argument in self.arguments)
            return f"{self.name}`{len(self.arguments)}[{inner}]"
        return self.name


@dataclass(eq=False)
class ScriptBlock:
    """Code as a value: a `script_block` or `program` node and the parameters before it. The body of
    a filter runs once for each object of the pipeline."""

    body: Node
    parameters: Node | None
    text: str
    is_filter: bool = False


class MethodFailed(Exception):
    """A .NET exception raised inside a member, before PowerShell wraps it."""

    def __init__(self, exception_type: str, message: str) -> None:
        super().__init__(message)
        self.exception_type = exception_type
        self.message = message


@dataclass(eq=False)
class Reference:
    """A typed variable's slot: assignments convert to `type`."""

    value: object = None
    type: TypeRef | None = field(default=None)


def unwrap(value: object) -> object:
    """`value` as expressions see it: AutomationNull is $null."""
    return None if value is NOTHING else value


def enumerate_output(value: object) -> Iterator[object]:
    """The pipeline elements `value` becomes when a statement writes it."""
    if value is NOTHING:
        return
    if isinstance(value, list | bytes | NetList):
        yield from value
    else:
        yield value


def as_sequence(value: object) -> list[object] | None:
    """The elements of a collection, or None if `value` is a single thing."""
    if isinstance(value, list):
        return value
    if isinstance(value, NetList):
        return value.items
    if isinstance(value, bytes):
        return [Byte(one) for one in value]
    return None
