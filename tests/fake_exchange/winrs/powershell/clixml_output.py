# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does [PSSerializer]::Serialize() make of a value of a script? Each object and each array
costs one level of the depth; what lies deeper is left with its text alone."""

from __future__ import annotations

from datetime import datetime, timedelta

from fake_exchange.clixml import objects as clixml
from fake_exchange.clixml.writer import fragment

from .conversion import to_text
from .type_names import type_names_of
from .values import (
    Byte,
    CustomObject,
    EnumValue,
    Hashtable,
    Int64,
    NetList,
    as_sequence,
)

_OPENING = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
_CUSTOM = "System.Management.Automation.PSCustomObject"
_DEFAULT_DEPTH = 1


def serialize(value: object, depth: int | None = None) -> str:
    """The document of one value."""
    levels = _DEFAULT_DEPTH if depth is None else depth
    return f"{_OPENING}\r\n  {fragment(_plain(value, levels))}\r\n</Objs>"


def _plain(value: object, depth: int) -> object:
    if value is None or isinstance(value, (bool, float, str, bytes)):
        return value
    if isinstance(value, Byte):
        return clixml.Byte(value)
    if isinstance(value, int):
        big = isinstance(value, Int64) or not -(2**31) <= value < 2**31
        return clixml.Int64(value) if big else int(value)
    if isinstance(value, datetime):
        # A date without a zone is one of the server's clock.
        return value if value.tzinfo else value.astimezone()
    if isinstance(value, EnumValue):
        if depth <= 0:
            return value.name
        return clixml.enum(value.type_name, value.name, value.number)
    items = as_sequence(value)
    if items and all(isinstance(item, Byte) for item in items):
        return bytes(items)  # type: ignore[arg-type]
    type_names = tuple(type_names_of(value))
    if depth <= 0 or isinstance(value, timedelta):
        return to_text(value)
    if items is not None:
        name = type_names[0] if isinstance(value, NetList) else "System.Object[]"
        return clixml.ClrObject(
            (name, "System.Array", "System.Object"),
            items=[_plain(item, depth - 1) for item in items],
        )
    if isinstance(value, Hashtable):
        return clixml.ClrObject(
            type_names,
            dictionary=[(to_text(key), _plain(item, depth - 1)) for key, item in value.items()],
        )
    if isinstance(value, CustomObject):
        properties = [(name, _plain(item, depth - 1)) for name, item in value.items()]
        if _CUSTOM in type_names:
            return clixml.ClrObject(type_names, to_string=to_text(value), members=properties)
        return clixml.ClrObject(type_names, to_string=to_text(value), properties=properties)
    return clixml.ClrObject(type_names, to_string=to_text(value))
