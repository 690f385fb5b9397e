# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which plain values does a .NET BinaryFormatter stream (MS-NRBF) hold?

Never a deserializer: no type is looked up and nothing is constructed. Only the record types that
Exchange's objects use are understood, only plain dicts, lists, text, numbers and bytes come out,
and every length, count and depth is checked against what is there, so a hostile stream costs no
more than its own size.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

_DEEPEST = 32
_MOST_RECORDS = 20_000


class MalformedStream(ValueError):
    """The stream ends early, contradicts itself, or uses something that is not understood."""


@dataclass(frozen=True)
class _Reference:
    object_id: int


@dataclass(frozen=True)
class _ClassLayout:
    name: str
    member_names: tuple[str, ...]
    # One per member: reads the value in place, without a record of its own (or with one).
    readers: tuple[Callable[[], object], ...]


@dataclass
class BinaryObject:
    """An object of the stream: its .NET class name and its members by name."""

    class_name: str
    members: dict[str, object] = field(default_factory=dict)


def read_stream(data: bytes) -> BinaryObject:
    """Return the root object of a stream, with every reference replaced by what it refers to.

    Raises:
        MalformedStream: anything but a complete stream of known records.
    """
    return _StreamReader(bytes(data)).read()


class _StreamReader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._records = 0
        self._depth = 0
        self._objects: dict[int, object] = {}
        self._layouts: dict[int, _ClassLayout] = {}
        self._libraries: dict[int, str] = {}
        self._record_readers: dict[int, Callable[[], object]] = {
            1: self._class_with_id,
            4: self._system_class,
            5: self._class_with_library,
            6: self._string_object,
            7: self._binary_array,
            8: self._typed_primitive,
            9: self._member_reference,
            10: self._null,
            13: self._nulls_256,
            14: self._nulls,
            15: self._primitive_array,
            16: self._object_array,
            17: self._string_array,
        }
        self._primitive_readers: dict[int, Callable[[], object]] = {
            1: lambda: self._take(1) != b"\0",
            2: lambda: self._unpack("<B"),
            3: self._character,
            5: self._text,  # Decimal travels as text
            6: lambda: self._unpack("<d"),
            7: lambda: self._unpack("<h"),
            8: self._int32,
            9: lambda: self._unpack("<q"),
            10: lambda: self._unpack("<b"),
            11: lambda: self._unpack("<f"),
            12: lambda: self._unpack("<q"),  # TimeSpan, ticks
            13: lambda: self._unpack("<q"),  # DateTime, ticks and kind
            14: lambda: self._unpack("<H"),
            15: lambda: self._unpack("<I"),
            16: lambda: self._unpack("<Q"),
            18: self._text,
        }

    def read(self) -> BinaryObject:
        if self._take(1) != b"\0":
            raise MalformedStream("the stream does not begin with a header")
        root_id, _header_id, major, minor = struct.unpack("<iiii", self._take(16))
        if (major, minor) != (1, 0):
            raise MalformedStream("the stream has an unknown version")
        while (record_type := self._byte()) != 11:
            self._record(record_type)
        root = self._objects.get(root_id)
        if not isinstance(root, BinaryObject):
            raise MalformedStream("the stream has no root object")
        self._resolve_all()
        return root

    # Bytes and primitives

    def _take(self, count: int) -> bytes:
        end = self._position + count
        if count < 0 or end > len(self._data):
            raise MalformedStream("the stream ends early")
        taken = self._data[self._position : end]
        self._position = end
        return taken

    def _byte(self) -> int:
        return self._take(1)[0]

    def _unpack(self, layout: str) -> object:
        return struct.unpack(layout, self._take(struct.calcsize(layout)))[0]

    def _int32(self) -> int:
        return int.from_bytes(self._take(4), "little", signed=True)

    def _count(self) -> int:
        """Read a count of things of at least one byte each, so it cannot exceed what is left."""
        count = self._int32()
        if not 0 <= count <= len(self._data) - self._position:
            raise MalformedStream("a count is larger than the stream")
        return count

    def _text(self) -> str:
        length = shift = 0
        while True:
            byte = self._byte()
            length |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
            shift += 7
            if shift > 28:
                raise MalformedStream("the length of a string is malformed")
        try:
            return self._take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedStream("a string is not UTF-8") from error

    def _character(self) -> str:
        first = self._byte()
        size = 1 if first < 0x80 else 2 if first < 0xE0 else 3
        try:
            return (bytes([first]) + self._take(size - 1)).decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedStream("a character is not UTF-8") from error

    # Records

    def _record(self, record_type: int | None = None) -> object:
        while True:
            self._records += 1
            if self._records > _MOST_RECORDS:
                raise MalformedStream("the stream has too many records")
            kind = self._byte() if record_type is None else record_type
            if kind == 12:
                library_id = self._int32()
                self._libraries[library_id] = self._text()
                if record_type is not None:
                    return None
                continue  # a library may precede the record that is really wanted
            reader = self._record_readers.get(kind)
            if reader is None:
                raise MalformedStream(f"record type {kind} is not understood")
            return self._nested(reader)

    def _nested(self, reader: Callable[[], object]) -> object:
        if self._depth >= _DEEPEST:
            raise MalformedStream("the stream is nested too deeply")
        self._depth += 1
        try:
            return reader()
        finally:
            self._depth -= 1

    def _keep(self, object_id: int, value: object) -> object:
        self._objects[object_id] = value
        return value

    def _class_with_id(self) -> object:
        object_id, layout_id = self._int32(), self._int32()
        layout = self._layouts.get(layout_id)
        if layout is None:
            raise MalformedStream("an object refers to a class that was not described")
        return self._members(object_id, layout)

    def _system_class(self) -> object:
        object_id, name, member_names = self._class_head()
        return self._described_class(object_id, name, member_names, self._member_readers)

    def _class_with_library(self) -> object:
        object_id, name, member_names = self._class_head()

        def member_readers(count: int) -> tuple[Callable[[], object], ...]:
            readers = self._member_readers(count)
            self._int32()  # the library's id
            return readers

        return self._described_class(object_id, name, member_names, member_readers)

    def _class_head(self) -> tuple[int, str, tuple[str, ...]]:
        object_id, name = self._int32(), self._text()
        return object_id, name, tuple(self._text() for _item in range(self._count()))

    def _described_class(
        self,
        object_id: int,
        name: str,
        member_names: tuple[str, ...],
        member_readers: Callable[[int], tuple[Callable[[], object], ...]],
    ) -> object:
        layout = _ClassLayout(name, member_names, member_readers(len(member_names)))
        self._layouts[object_id] = layout
        return self._members(object_id, layout)

    def _members(self, object_id: int, layout: _ClassLayout) -> BinaryObject:
        value = BinaryObject(layout.name)
        self._keep(object_id, value)
        for member_name, reader in zip(layout.member_names, layout.readers, strict=True):
            value.members[member_name] = reader()
        return value

    def _member_readers(self, count: int) -> tuple[Callable[[], object], ...]:
        kinds = [self._byte() for _item in range(count)]
        return tuple(self._type_reader(kind) for kind in kinds)

    def _type_reader(self, kind: int) -> Callable[[], object]:
        """Read what follows a BinaryType and return the reader of values of that type."""
        if kind == 0:
            return self._primitive_reader(self._byte())
        if kind == 3:
            self._text()
        elif kind == 4:
            self._text()
            self._int32()
        elif kind == 7:
            self._primitive_reader(self._byte())
        elif kind not in (1, 2, 5, 6):
            raise MalformedStream(f"member type {kind} is not understood")
        return self._record

    def _primitive_reader(self, kind: int) -> Callable[[], object]:
        reader = self._primitive_readers.get(kind)
        if reader is None:
            raise MalformedStream(f"primitive type {kind} is not understood")
        return reader

    def _string_object(self) -> object:
        object_id = self._int32()
        return self._keep(object_id, self._text())

    def _typed_primitive(self) -> object:
        return self._primitive_reader(self._byte())()

    def _member_reference(self) -> object:
        return _Reference(self._int32())

    def _null(self) -> object:
        return None

    def _nulls_256(self) -> object:
        return _Nulls(self._byte())

    def _nulls(self) -> object:
        return _Nulls(self._int32())

    def _primitive_array(self) -> object:
        object_id, length, kind = self._int32(), self._count(), self._byte()
        if kind == 2:
            return self._keep(object_id, self._take(length))
        reader = self._primitive_reader(kind)
        return self._keep(object_id, [reader() for _item in range(length)])

    def _object_array(self) -> object:
        object_id, length = self._int32(), self._int32()
        return self._array(object_id, length, self._record)

    _string_array = _object_array

    def _binary_array(self) -> object:
        object_id, shape, rank = self._int32(), self._byte(), self._int32()
        if shape != 0 or rank != 1:
            raise MalformedStream("only arrays of one dimension are understood")
        length = self._int32()
        return self._array(object_id, length, self._type_reader(self._byte()))

    def _array(self, object_id: int, length: int, reader: Callable[[], object]) -> object:
        items: list[object] = []
        self._keep(object_id, items)
        # A run of nulls is short on the wire, so the length is judged by the limit on records.
        if not 0 <= length <= _MOST_RECORDS:
            raise MalformedStream("an array is too long")
        while len(items) < length:
            item = reader()
            if isinstance(item, _Nulls):
                if not 0 < item.count <= length - len(items):
                    raise MalformedStream("a run of nulls does not fit its array")
                items.extend([None] * item.count)
            else:
                items.append(item)
        return items

    # References point forwards, so they are resolved once everything has been read.

    def _resolve_all(self) -> None:
        for value in self._objects.values():
            if isinstance(value, BinaryObject):
                for name, member in value.members.items():
                    value.members[name] = self._resolve(member)
            elif isinstance(value, list):
                value[:] = [self._resolve(item) for item in value]

    def _resolve(self, value: object) -> object:
        if not isinstance(value, _Reference):
            return value
        try:
            return self._objects[value.object_id]
        except KeyError:
            raise MalformedStream("a reference points to nothing") from None


@dataclass(frozen=True)
class _Nulls:
    count: int
