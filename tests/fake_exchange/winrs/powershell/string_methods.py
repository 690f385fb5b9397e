# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do the methods of System.String return?"""

from __future__ import annotations

from .conversion import to_bool, to_number, to_text
from .formatting import format_items
from .values import Char, EnumValue, MethodFailed, as_sequence

_BLANKS = " \t\r\n\f\v\u00a0\ufeff"


def call_string_method(text: str, name: str, arguments: list[object]) -> object:
    """The result; NotImplemented if there is no such method. `name` is in lower case."""
    match name, arguments:
        case ("trim", _):
            return text.strip(_characters(arguments))
        case ("trimstart", _):
            return text.lstrip(_characters(arguments))
        case ("trimend", _):
            return text.rstrip(_characters(arguments))
        case ("toupper" | "toupperinvariant", []):
            return text.upper()
        case ("tolower" | "tolowerinvariant", []):
            return text.lower()
        case ("startswith", [part, *options]):
            a, b = _comparable(text, part, options)
            return a.startswith(b)
        case ("endswith", [part, *options]):
            a, b = _comparable(text, part, options)
            return a.endswith(b)
        case ("contains", [part]):
            return to_text(part) in text
        case ("indexof", [part, *options]):
            a, b = _comparable(text, part, [o for o in options if not isinstance(o, int)])
            start = next((o for o in options if isinstance(o, int)), 0)
            return a.find(b, start)
        case ("lastindexof", [part, *options]):
            a, b = _comparable(text, part, options)
            return a.rfind(b)
        case ("replace", [old, new]):
            if to_text(old) == "":
                raise MethodFailed("System.ArgumentException", "String cannot be of zero length.")
            return text.replace(to_text(old), to_text(new))
        case ("substring", [start]):
            return _substring(text, _integer(start), None)
        case ("substring", [start, length]):
            return _substring(text, _integer(start), _integer(length))
        case ("split", _):
            return _split(text, arguments)
        case ("padleft", [width, *fill]):
            return text.rjust(_integer(width), to_text(fill[0]) if fill else " ")
        case ("padright", [width, *fill]):
            return text.ljust(_integer(width), to_text(fill[0]) if fill else " ")
        case ("insert", [index, part]):
            return text[: _integer(index)] + to_text(part) + text[_integer(index) :]
        case ("remove", [start]):
            return text[: _integer(start)]
        case ("remove", [start, count]):
            return text[: _integer(start)] + text[_integer(start) + _integer(count) :]
        case ("tochararray", []):
            return [Char(character) for character in text]
        case ("equals", [other, *options]):
            a, b = _comparable(text, other, options)
            return a == b
        case ("normalize" | "tostring" | "clone", []):
            return text
        case ("format", [template, *items]):
            return format_items(to_text(template), items)
    return NotImplemented


def _characters(arguments: list[object]) -> str:
    found: list[str] = []
    for argument in arguments:
        items = as_sequence(argument)
        found += [to_text(argument)] if items is None else [to_text(item) for item in items]
    return "".join(found) or _BLANKS


def _comparable(text: str, other: object, options: list[object]) -> tuple[str, str]:
    wanted = to_text(other)
    for option in options:
        name = option.name if isinstance(option, EnumValue) else to_text(option)
        if "ignorecase" in name.casefold() or (isinstance(option, bool) and to_bool(option)):
            return text.casefold(), wanted.casefold()
    return text, wanted


def _integer(value: object) -> int:
    return int(to_number(value))


def _substring(text: str, start: int, length: int | None) -> str:
    if start < 0 or start > len(text):
        raise MethodFailed(
            "System.ArgumentOutOfRangeException",
            "startIndex cannot be larger than length of string.\r\nParameter name: startIndex",
        )
    if length is None:
        return text[start:]
    if length < 0 or start + length > len(text):
        raise MethodFailed(
            "System.ArgumentOutOfRangeException",
            "Index and length must refer to a location within the string.\r\n"
            "Parameter name: length",
        )
    return text[start : start + length]


def _split(text: str, arguments: list[object]) -> list[object]:
    """String.Split of .NET Framework: without a string[] argument, every character of the first
    one separates."""
    if not arguments:
        return list(text.split())
    first = as_sequence(arguments[0])
    options = arguments[1:]
    by_strings = first is not None and any(isinstance(o, (EnumValue, str)) for o in options)
    if by_strings and first is not None and not all(isinstance(item, Char) for item in first):
        separators = [to_text(item) for item in first]
    else:
        separators = list(_characters(arguments[:1]))
    drop_empty = any(
        "removeempty" in to_text(o).casefold() or (type(o) is int and o == 1 and by_strings)
        for o in options
    )
    maximum = next((o for o in options if type(o) is int), 0)
    parts = _split_at(text, [s for s in separators if s], maximum)
    return [part for part in parts if part or not drop_empty]


def _split_at(text: str, separators: list[str], maximum: int) -> list[object]:
    parts: list[object] = []
    current, position = 0, 0
    while position < len(text):
        found = next((s for s in separators if text.startswith(s, position)), None)
        if found is None or (maximum and len(parts) == maximum - 1):
            position += 1
            continue
        parts.append(text[current:position])
        position += len(found)
        current = position
    parts.append(text[current:])
    return parts
