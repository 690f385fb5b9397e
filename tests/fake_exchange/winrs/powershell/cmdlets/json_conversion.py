# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ConvertTo-Json and ConvertFrom-Json as Windows PowerShell 5.1 has them."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from ..conversion import float_text, to_text
from ..errors import ErrorRecord
from ..invocation import Call
from ..values import (
    NOTHING,
    Byte,
    CustomObject,
    EnumValue,
    Hashtable,
    NetObject,
    PipedArray,
    ScriptBlock,
    TypeRef,
    as_sequence,
)
from .registry import cmdlet

_UTILITY = "Microsoft.PowerShell.Commands"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class InvalidJson(Exception):
    """The text is no JSON; the message is JavaScriptSerializer's."""


@cmdlet(
    "ConvertTo-Json",
    f"{_UTILITY}.ConvertToJsonCommand",
    "InputObject:0 Depth Compress!",
    in_module=True,
)
def _convert_to_json(call: Call) -> None:
    if call.piped:
        value: object = call.items[0] if len(call.items) == 1 else call.items
        if not call.items:
            return
    else:
        value = call.value("InputObject")
    depth = call.number("Depth", 2)
    if not 1 <= depth <= 100:
        raise call.fail(
            call.record(
                f"Cannot validate argument on parameter 'Depth'. The {depth} argument is out of "
                "range.",
                "ParameterArgumentValidationError",
                category="InvalidData",
                exception_type="System.Management.Automation.ParameterBindingException",
            )
        )
    call.output(to_json(value, depth=depth, compress=call.flag("Compress")))


def to_json(value: object, *, depth: int = 2, compress: bool = False) -> str:
    """The JSON text. Deeper than `depth`, values become their text, silently."""
    plain = _plain(value, depth, 0)
    return _compact(plain) if compress else _pretty(plain, 0)


def _plain(value: object, depth: int, level: int) -> object:
    match value:
        case None | bool() | str() | float() | Decimal() | datetime():
            return value
        case EnumValue():
            return value.number
        case int():
            return int(value)
        case TypeRef() | ScriptBlock():
            return to_text(value)
    if value is NOTHING:
        return None
    if level > depth:
        return to_text(value)
    if isinstance(value, PipedArray) and level > 0:
        members = [_plain(item, depth, level + 1) for item in value]
        return {"value": members, "Count": len(members)}
    items = [Byte(b) for b in value] if isinstance(value, bytes) else as_sequence(value)
    if items is not None:
        return [_plain(item, depth, level + 1) for item in items]
    if isinstance(value, Hashtable):
        return {to_text(key): _plain(item, depth, level + 1) for key, item in value.items()}
    if isinstance(value, timedelta):
        return {name: _plain(item, depth, level + 1) for name, item in _span_members(value)}
    if isinstance(value, NetObject):
        names = value.property_names()
        if isinstance(value, ErrorRecord):
            names = [name for name in names if name != "InvocationInfo"]
        return {name: _plain(value.get(name), depth, level + 1) for name in names}
    return to_text(value)


def _span_members(value: timedelta) -> list[tuple[str, object]]:
    from ..members import get_member

    names = [
        "Ticks",
        "Days",
        "Hours",
        "Milliseconds",
        "Minutes",
        "Seconds",
        "TotalDays",
        "TotalHours",
        "TotalMilliseconds",
        "TotalMinutes",
        "TotalSeconds",
    ]
    return [(name, get_member(value, name)) for name in names]


def _scalar(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            text = float_text(value)
            return text if re.search(r"[.EN]", text) else f"{text}.0"
        case int() | Decimal():
            return to_text(value)
        case datetime():
            return f'"\\/Date({(_aware(value) - _EPOCH) // timedelta(milliseconds=1)})\\/"'
    return f'"{_escaped(to_text(value))}"'


def _aware(value: datetime) -> datetime:
    return value.astimezone(timezone.utc)


_NAMED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def _escaped(text: str) -> str:
    """JavaScriptSerializer also escapes what could end a script element."""

    def one(found: re.Match[str]) -> str:
        character = found.group()
        return _NAMED.get(character) or f"\\u{ord(character):04x}"

    return re.sub(r"[\\\"\x00-\x1f<>&'\u0085\u2028\u2029]", one, text)


def _compact(value: object) -> str:
    if isinstance(value, dict):
        inner = ",".join(f'"{_escaped(key)}":{_compact(item)}' for key, item in value.items())
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(_compact(item) for item in value) + "]"
    return _scalar(value)


def _pretty(value: object, indent: int) -> str:
    """The layout of 5.1: two blanks after a colon, nested values below their opening bracket."""
    pad = " " * (indent + 4)
    end = "\r\n" + " " * indent
    if isinstance(value, dict):
        if not value:
            return "{" + f"\r\n{end}" + "}"
        lines = []
        for key, item in value.items():
            name = f'"{_escaped(key)}":  '
            lines.append(f"{pad}{name}{_pretty(item, indent + 4 + len(name))}")
        return "{\r\n" + ",\r\n".join(lines) + end + "}"
    if isinstance(value, list):
        if not value:
            return f"[\r\n{end}]"
        lines = [f"{pad}{_pretty(item, indent + 4)}" for item in value]
        return "[\r\n" + ",\r\n".join(lines) + end + "]"
    return _scalar(value)


@cmdlet("ConvertFrom-Json", f"{_UTILITY}.ConvertFromJsonCommand", "InputObject:0", in_module=True)
def _convert_from_json(call: Call) -> None:
    text = (
        "\n".join(to_text(item) for item in call.items)
        if call.piped
        else to_text(call.value("InputObject"))
    )
    if not text.strip():
        if not call.piped or call.items:
            raise call.fail(
                call.record(
                    "Cannot bind argument to parameter 'InputObject' because it is an empty "
                    "string.",
                    "ParameterArgumentValidationErrorEmptyStringNotAllowed",
                    category="InvalidData",
                    exception_type=(
                        "System.Management.Automation.ParameterBindingValidationException"
                    ),
                )
            )
        return
    try:
        # An array comes as one object: 5.1 does not enumerate it.
        value = from_json(text)
        call.output(PipedArray(value) if isinstance(value, list) else value)
    except InvalidJson as problem:
        raise call.fail(
            call.record(
                str(problem), "System.ArgumentException", exception_type="System.ArgumentException"
            )
        ) from None


def from_json(text: str) -> object:
    """Raises InvalidJson."""
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=Decimal,
            parse_constant=_no_constant,
            strict=False,
        )
    except json.JSONDecodeError as problem:
        rest = text[problem.pos :].strip()
        word = re.match(r"[^\s,:{}\[\]]+", rest)
        if word and problem.msg.startswith("Expecting value"):
            raise InvalidJson(f"Invalid JSON primitive: {word.group()}.") from None
        raise InvalidJson(
            f"Invalid object passed in, '{_expected(problem.msg)}' expected. "
            f"({problem.pos}): {text[:200]}"
        ) from None


def _expected(message: str) -> str:
    return ":" if "':'" in message else "}" if "','" in message else message


def _no_constant(word: str) -> object:
    raise InvalidJson(f"Invalid JSON primitive: {word}.")


def _object(pairs: list[tuple[str, object]]) -> CustomObject:
    seen: set[str] = set()
    for name, _ in pairs:
        if name.casefold() in seen:
            raise InvalidJson(
                f"Cannot convert the JSON string because a dictionary that was converted from the "
                f"string contains the duplicated keys '{name}' and '{name}'."
            )
        seen.add(name.casefold())
    return CustomObject((name, _dates(value)) for name, value in pairs)


def _dates(value: object) -> object:
    if isinstance(value, str):
        found = re.fullmatch(r"/Date\((-?\d+)\)/", value)
        if found:
            return _EPOCH + timedelta(milliseconds=int(found.group(1)))
    return value
