# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does .NET's BinaryFormatter write an object? The records of MS-NRBF that occur in Exchange's
SerializationData, in the order the real formatter writes them: value types in place, reference
types behind a reference and written when their turn comes."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_PRIMITIVES: dict[str, tuple[int, str]] = {
    "Boolean": (1, "<?"),
    "Byte": (2, "<B"),
    "Int16": (7, "<h"),
    "Int32": (8, "<i"),
    "Int64": (9, "<q"),
    "TimeSpan": (12, "<q"),
    "UInt16": (14, "<H"),
    "UInt64": (16, "<Q"),
}


@dataclass(frozen=True)
class Member:
    """One field: ``kind`` is a primitive's name, ``String``, ``Class``, ``SystemClass`` or
    ``Array of <primitive>``. ``type_name`` and ``library`` describe a class."""

    name: str
    kind: str
    value: Any = None
    type_name: str = ""
    library: str = ""


@dataclass(frozen=True)
class NetObject:
    """An instance of a class; ``library`` is empty for classes of mscorlib."""

    class_name: str
    library: str
    members: Sequence[Member]
    is_value_type: bool = False


@dataclass(frozen=True)
class ObjectArray:
    """A one-dimensional array of objects of one class, filled up with nulls to ``capacity``."""

    class_name: str
    library: str
    items: Sequence[NetObject]
    capacity: int = 0


def class_member(
    name: str,
    value: NetObject | None,
    *,
    type_name: str = "",
    library: str = "",
    system: bool = False,
) -> Member:
    """A field that holds an object (or null, then with the declared type)."""
    if value is not None:
        type_name, library = type_name or value.class_name, library or value.library
    return Member(name, "SystemClass" if system else "Class", value, type_name, library)


def enum_member(name: str, type_name: str, library: str, number: int) -> Member:
    """A field that holds an enum of 32 bits."""
    value = NetObject(type_name, library, (Member("value__", "Int32", number),), True)
    return Member(name, "Class", value, type_name, library)


def _text(text: str) -> bytes:
    data = text.encode("utf-8")
    length, prefix = len(data), b""
    while length > 127:
        prefix += bytes([length & 127 | 128])
        length >>= 7
    return prefix + bytes([length]) + data


class _Writer:
    def __init__(self) -> None:
        self.out = bytearray()
        self.identifiers: dict[int, int] = {}
        self.libraries: dict[str, int] = {}
        self.classes: dict[str, int] = {}
        self.waiting: deque[Any] = deque()
        self.keep: list[Any] = []
        self.next_identifier = 2

    def new_identifier(self) -> int:
        self.next_identifier += 1
        return self.next_identifier - 1

    def declare_libraries(self, item: Any) -> None:
        names = [item.library] if item.library else []
        if isinstance(item, NetObject):
            for member in item.members:
                if member.kind == "Class" and member.library:
                    names.append(member.library)
        for name in names:
            if name not in self.libraries:
                self.libraries[name] = identifier = self.new_identifier()
                self.out += b"\x0c" + struct.pack("<i", identifier) + _text(name)
        children = item.items if isinstance(item, ObjectArray) else ()
        if isinstance(item, NetObject):
            children = [m.value for m in item.members if isinstance(m.value, NetObject)]
        for child in children:
            if child.is_value_type:
                self.declare_libraries(child)

    def object_record(self, item: NetObject, identifier: int) -> None:
        known = self.classes.get(item.class_name)
        if known is not None:
            self.out += b"\x01" + struct.pack("<ii", identifier, known)
        else:
            self.classes[item.class_name] = identifier
            self.class_description(item, identifier)
        for member in item.members:
            self.member_value(member)

    def class_description(self, item: NetObject, identifier: int) -> None:
        out = self.out
        out += b"\x05" if item.library else b"\x04"
        out += struct.pack("<i", identifier) + _text(item.class_name)
        out += struct.pack("<i", len(item.members))
        for member in item.members:
            out += _text(member.name)
        details = b""
        for member in item.members:
            if member.kind in _PRIMITIVES:
                out += b"\x00"
                details += bytes([_PRIMITIVES[member.kind][0]])
            elif member.kind == "String":
                out += b"\x01"
            elif member.kind == "Class":
                out += b"\x04"
                details += _text(member.type_name)
                details += struct.pack("<i", self.libraries[member.library])
            elif member.kind == "SystemClass":
                out += b"\x03"
                details += _text(member.type_name)
            elif member.kind == "Object":
                out += b"\x02"
            else:
                out += b"\x07"
                details += bytes([_PRIMITIVES[member.kind.removeprefix("Array of ")][0]])
        out += details
        if item.library:
            out += struct.pack("<i", self.libraries[item.library])

    def member_value(self, member: Member) -> None:
        value, kind = member.value, member.kind
        if kind in _PRIMITIVES:
            self.out += struct.pack(_PRIMITIVES[kind][1], value)
        elif value is None:
            self.out += b"\x0a"
        elif isinstance(value, str):
            self.out += b"\x06" + struct.pack("<i", self.new_identifier()) + _text(value)
        elif isinstance(value, NetObject) and value.is_value_type:
            self.object_record(value, -self.new_identifier())
        else:
            self.reference(value, kind)

    def reference(self, value: Any, kind: str) -> None:
        identifier = self.identifiers.get(id(value))
        if identifier is None:
            identifier = self.identifiers[id(value)] = self.new_identifier()
            self.keep.append(value)
            self.waiting.append((value, identifier, kind))
        self.out += b"\x09" + struct.pack("<i", identifier)

    def top_level(self, value: Any, identifier: int, kind: str) -> None:
        if isinstance(value, NetObject):
            self.declare_libraries(value)
            self.object_record(value, identifier)
        elif isinstance(value, ObjectArray):
            self.declare_libraries(value)
            self.out += b"\x07" + struct.pack("<i", identifier) + b"\x00"
            length = max(value.capacity, len(value.items))
            self.out += struct.pack("<ii", 1, length) + b"\x04" + _text(value.class_name)
            self.out += struct.pack("<i", self.libraries[value.library])
            for item in value.items:
                if item.is_value_type:
                    self.object_record(item, -self.new_identifier())
                else:
                    self.reference(item, "Class")
            if length > len(value.items):
                self.out += bytes([0x0D, length - len(value.items)])
        else:
            code, form = _PRIMITIVES[kind.removeprefix("Array of ")]
            self.out += b"\x0f" + struct.pack("<ii", identifier, len(value)) + bytes([code])
            if isinstance(value, bytes):
                self.out += value
            else:
                self.out += b"".join(struct.pack(form, number) for number in value)


def serialize(root: NetObject) -> bytes:
    """The complete stream of one object."""
    writer = _Writer()
    writer.out += b"\x00" + struct.pack("<iiii", 1, -1, 1, 0)
    writer.top_level(root, 1, "Class")
    while writer.waiting:
        writer.top_level(*writer.waiting.popleft())
    writer.out += b"\x0b"
    return bytes(writer.out)
