# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does an object become the bytes of one PIPELINE_OUTPUT message? Wire form as PowerShell's
remoting serializer writes it: no Objs element, no namespace, no white space, ids of objects and
of type names counted from 0 in each fragment, ToString before the properties."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from fake_exchange.clixml.objects import Byte, ClrObject, Int64, Primitive, SameObject, Uri

# Control characters, surrogates, the two non-characters, and an underscore that would look like
# the start of an escape are written as _xHHHH_ (PowerShell's EncodeString).
_NEEDS_ESCAPE = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\U00010000-\U0010ffff]|_(?=[xX])"
)
_NEEDS_ENTITY = re.compile("[&<>]")


def _escape_character(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(
        f"_x{int.from_bytes(units[i : i + 2], 'big'):04X}_" for i in range(0, len(units), 2)
    )


def escape(text: str) -> str:
    """Text content as CLIXML wants it."""
    if _NEEDS_ESCAPE.search(text):
        text = _NEEDS_ESCAPE.sub(_escape_character, text)
    if _NEEDS_ENTITY.search(text):
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text


def double_text(number: float) -> str:
    """A double as .NET Framework's round trip format prints it (15 digits, else 17)."""
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "INF" if number > 0 else "-INF"
    short = f"{number:.15g}"
    return (short if float(short) == number else f"{number:.17g}").upper()


def date_text(moment: datetime) -> str:
    """An aware or naive moment as XmlConvert's round trip format prints it."""
    text = moment.replace(microsecond=0, tzinfo=None).isoformat()
    if moment.microsecond:
        text += f".{moment.microsecond:06d}".rstrip("0")
    offset = moment.utcoffset()
    if offset is None:
        return text
    minutes = int(offset.total_seconds()) // 60
    if minutes == 0 and moment.tzname() in ("UTC", "Z"):
        return text + "Z"
    sign = "-" if minutes < 0 else "+"
    return f"{text}{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


@lru_cache(maxsize=2048)
def _type_name_elements(type_names: tuple[str, ...], prefixed: bool) -> str:
    names = type_names
    if prefixed:
        names = tuple(f"Deserialized.{n.removeprefix('Deserialized.')}" for n in type_names)
    return "".join(f"<T>{escape(name)}</T>" for name in names)


class FragmentWriter:
    """Writes one top-level value; make a new one for each."""

    def __init__(self, *, deserialized_types: bool = False) -> None:
        self._parts: list[str] = []
        self._type_ids: dict[tuple[str, ...], int] = {}
        self._object_ids: dict[int, int] = {}
        self._next_object = 0
        self._prefixed = deserialized_types

    def write(self, value: Any) -> str:
        """The fragment's text."""
        self._write(value, "")
        return "".join(self._parts)

    def _write(self, value: Any, name: str) -> None:
        append = self._parts.append
        attribute = f' N="{name}"' if name else ""
        if value is None:
            append(f"<Nil{attribute} />")
        elif isinstance(value, ClrObject):
            self._write_object(value, attribute)
        elif isinstance(value, str):
            tag = "URI" if isinstance(value, Uri) else "S"
            append(f"<{tag}{attribute}>{escape(value)}</{tag}>")
        elif value is True or value is False:
            append(f"<B{attribute}>{'true' if value else 'false'}</B>")
        elif isinstance(value, int):
            tag = "I64" if isinstance(value, Int64) else "By" if isinstance(value, Byte) else "I32"
            append(f"<{tag}{attribute}>{int(value)}</{tag}>")
        elif isinstance(value, float):
            append(f"<Db{attribute}>{double_text(value)}</Db>")
        elif isinstance(value, bytes):
            append(f"<BA{attribute}>{b64encode(value).decode()}</BA>")
        elif isinstance(value, datetime):
            append(f"<DT{attribute}>{date_text(value)}</DT>")
        elif isinstance(value, UUID):
            append(f"<G{attribute}>{value}</G>")
        elif isinstance(value, Primitive):
            append(f"<{value.tag}{attribute}>{escape(value.text)}</{value.tag}>")
        elif isinstance(value, SameObject):
            known = self._object_ids.get(id(value.target))
            if known is None:
                self._write_object(value.target, attribute)
            else:
                append(f'<Ref{attribute} RefId="{known}" />')
        else:
            raise TypeError(f"no CLIXML form for {type(value).__name__}")

    def _write_object(self, item: ClrObject, attribute: str) -> None:
        append = self._parts.append
        identifier = self._next_object
        self._next_object += 1
        self._object_ids[id(item)] = identifier
        append(f'<Obj{attribute} RefId="{identifier}">')
        type_id = self._type_ids.get(item.type_names)
        if type_id is None:
            type_id = self._type_ids[item.type_names] = len(self._type_ids)
            names = _type_name_elements(item.type_names, self._prefixed)
            append(f'<TN RefId="{type_id}">{names}</TN>')
        else:
            append(f'<TNRef RefId="{type_id}" />')
        if item.to_string is not None:
            append(f"<ToString>{escape(item.to_string)}</ToString>")
        if item.value is not None:
            append(f"<I32>{item.value}</I32>")
        write = self._write
        if item.properties is not None:
            append("<Props>")
            for name, value in item.properties:
                write(value, name)
            append("</Props>")
        if item.items is not None:
            append("<LST>")
            for value in item.items:
                write(value, "")
            append("</LST>")
        if item.dictionary is not None:
            append("<DCT>")
            for key, value in item.dictionary:
                append("<En>")
                write(key, "Key")
                write(value, "Value")
                append("</En>")
            append("</DCT>")
        if item.members:
            append("<MS>")
            for name, value in item.members:
                write(value, name)
            append("</MS>")
        append("</Obj>")


def fragment(value: Any, *, deserialized_types: bool = False) -> str:
    """CLIXML text of one top-level value."""
    return FragmentWriter(deserialized_types=deserialized_types).write(value)
