# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do .NET format strings render values? The operator -f and ToString(format)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal

from .conversion import timespan_text, to_text
from .values import Byte, MethodFailed

_ITEM = re.compile(r"\{\{|\}\}|\{(\d+)(?:,(-?\d+))?(?::((?:[^{}]|\{\{|\}\})*))?\}|[{}]")


def format_items(template: str, items: list[object]) -> str:
    """String.Format. Raises MethodFailed (FormatException) for a broken template."""

    def render(found: re.Match[str]) -> str:
        text = found.group()
        if text in ("{{", "}}"):
            return text[0]
        if found.group(1) is None:
            raise MethodFailed(
                "System.FormatException", "Input string was not in a correct format."
            )
        index = int(found.group(1))
        if index >= len(items):
            raise MethodFailed(
                "System.FormatException",
                "Index (zero based) must be greater than or equal to zero and less than the size "
                "of the argument list.",
            )
        value = format_value(items[index], found.group(3) or "")
        width = int(found.group(2) or 0)
        return value.rjust(width) if width > 0 else value.ljust(-width)

    return _ITEM.sub(render, template)


def format_value(value: object, layout: str) -> str:
    """`value.ToString(layout)`, invariant culture."""
    if not layout:
        return to_text(value)
    if isinstance(value, datetime):
        return format_datetime(value, layout)
    if isinstance(value, timedelta):
        return _format_timespan(value, layout)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _format_number(value, layout)
    return to_text(value)


def _format_number(value: int | float | Decimal, layout: str) -> str:
    found = re.fullmatch(r"([A-Za-z])(\d{0,2})", layout)
    if not found:
        return _custom_number(value, layout)
    kind, digits = found.group(1), found.group(2)
    match kind.upper():
        case "D" if isinstance(value, int):
            sign = "-" if value < 0 else ""
            return sign + str(abs(int(value))).rjust(int(digits or 1), "0")
        case "X" if isinstance(value, int):
            bits = 8 if isinstance(value, Byte) else 32 if value >= -(2**31) else 64
            number = value if value >= 0 else value + (1 << bits)
            text = format(number, "x" if kind == "x" else "X")
            return text.rjust(int(digits or 1), "0")
        case "N":
            return format(_rounded(value, int(digits or 2)), f",.{int(digits or 2)}f")
        case "F":
            return format(_rounded(value, int(digits or 2)), f".{int(digits or 2)}f")
        case "P":
            places = int(digits or 2)
            return f"{_rounded(Decimal(str(value)) * 100, places):,.{places}f} %"
        case "G":
            return to_text(value)
    raise MethodFailed("System.FormatException", "Format specifier was invalid.")


def _rounded(value: int | float | Decimal, places: int) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _custom_number(value: int | float | Decimal, layout: str) -> str:
    found = re.fullmatch(r"([#0,]*)(?:\.([#0]*))?", layout)
    if not found:
        raise MethodFailed("System.FormatException", "Input string was not in a correct format.")
    whole_part, fraction_part = found.group(1), found.group(2) or ""
    rounded = _rounded(value, len(fraction_part))
    sign = "-" if rounded < 0 else ""
    whole, _, fraction = format(abs(rounded), "f").partition(".")
    least = whole_part.count("0")
    whole = "" if whole == "0" and least == 0 else whole.rjust(least, "0")
    if "," in whole_part and whole:
        whole = f"{int(whole):,}"
    required = fraction_part.rfind("0") + 1
    while len(fraction) > required and fraction.endswith("0"):
        fraction = fraction[:-1]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


_STANDARD_DATES = {
    "o": "yyyy-MM-ddTHH:mm:ss.fffffffK",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ssZ",
    "d": "MM/dd/yyyy",
    "t": "HH:mm",
    "T": "HH:mm:ss",
    "g": "MM/dd/yyyy HH:mm",
    "G": "MM/dd/yyyy HH:mm:ss",
    "r": "ddd, dd MMM yyyy HH:mm:ss GMT",
}
_DATE_TOKEN = re.compile(
    r"'[^']*'|\"[^\"]*\"|\\.|yyyy|yy|MMMM|MMM|MM|M|dddd|ddd|dd|d|HH|H|hh|h|mm|m|ss|s|f+|F+|tt|zzz|K"
)


def format_datetime(value: datetime, layout: str) -> str:
    layout = _STANDARD_DATES.get(layout, _STANDARD_DATES.get(layout.lower(), layout))

    def render(found: re.Match[str]) -> str:
        token = found.group()
        if token[0] in "'\"":
            return token[1:-1]
        if token[0] == "\\":
            return token[1]
        if token[0] in "fF":
            digits = f"{value.microsecond:06}0"[: len(token)]
            return digits if token[0] == "f" else digits.rstrip("0")
        return _DATE_PARTS[token](value)

    return _DATE_TOKEN.sub(render, layout)


def _zone(value: datetime) -> str:
    moment = value if value.tzinfo else value.astimezone()
    offset = moment.utcoffset() or timedelta()
    minutes = offset // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


_DATE_PARTS = {
    "yyyy": lambda d: f"{d.year:04}",
    "yy": lambda d: f"{d.year % 100:02}",
    "MMMM": lambda d: d.strftime("%B"),
    "MMM": lambda d: d.strftime("%b"),
    "MM": lambda d: f"{d.month:02}",
    "M": lambda d: str(d.month),
    "dddd": lambda d: d.strftime("%A"),
    "ddd": lambda d: d.strftime("%a"),
    "dd": lambda d: f"{d.day:02}",
    "d": lambda d: str(d.day),
    "HH": lambda d: f"{d.hour:02}",
    "H": lambda d: str(d.hour),
    "hh": lambda d: f"{d.hour % 12 or 12:02}",
    "h": lambda d: str(d.hour % 12 or 12),
    "mm": lambda d: f"{d.minute:02}",
    "m": lambda d: str(d.minute),
    "ss": lambda d: f"{d.second:02}",
    "s": lambda d: str(d.second),
    "tt": lambda d: "AM" if d.hour < 12 else "PM",
    "zzz": _zone,
    "K": lambda d: "Z" if d.tzinfo is timezone.utc else (_zone(d) if d.tzinfo else ""),
}


def _format_timespan(value: timedelta, layout: str) -> str:
    if layout in ("c", "g", "G", "t", "T"):
        return timespan_text(value)
    seconds, microseconds = abs(value) // timedelta(seconds=1), abs(value).microseconds
    parts = {
        "d": seconds // 86_400,
        "h": seconds // 3600 % 24,
        "m": seconds // 60 % 60,
        "s": seconds % 60,
    }

    def render(found: re.Match[str]) -> str:
        token = found.group()
        if token[0] == "\\":
            return token[1]
        if token[0] == "f":
            return f"{microseconds:06}0"[: len(token)]
        return str(parts[token[0]]).rjust(len(token), "0")

    return re.sub(r"\\.|d+|h+|m+|s+|f+", render, layout)
