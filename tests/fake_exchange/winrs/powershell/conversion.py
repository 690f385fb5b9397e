# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a value become as text, truth or number, or as a given type?"""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation

from .dotnet_enums import ENUMERATIONS, enum_value
from .errors import NetException, PowerShellError, runtime_error
from .type_names import is_instance, type_from_text, type_names_of
from .values import (
    INT32,
    INT64,
    NOTHING,
    Byte,
    Char,
    CustomObject,
    EnumValue,
    Hashtable,
    Int64,
    NetList,
    NetObject,
    ScriptBlock,
    TypeRef,
    as_sequence,
)

_INTEGERS = {
    "System.Byte": range(256),
    "System.Int16": range(-(2**15), 2**15),
    "System.UInt16": range(2**16),
    "System.Int32": INT32,
    "System.UInt32": range(2**32),
    "System.Int64": INT64,
    "System.UInt64": range(2**64),
}
_MULTIPLIERS = {"kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40, "pb": 2**50}


def to_text(value: object) -> str:
    """As in string interpolation: invariant culture, arrays joined by a blank."""
    match value:
        case None:
            return ""
        case bool():
            return "True" if value else "False"
        case str():
            return str(value)
        case float():
            return float_text(value)
        case int():
            return str(int(value))
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.strftime("%m/%d/%Y %H:%M:%S")
        case timedelta():
            return timespan_text(value)
        case EnumValue() | TypeRef():
            return str(value)
        case ScriptBlock():
            return value.text
        case list() | bytes() | NetList():
            return " ".join(to_text(item) for item in value)
        case NetObject():
            return value.to_text()
    return "" if value is NOTHING else str(value)


def float_text(value: float) -> str:
    """Double.ToString() of .NET Framework: 15 significant digits."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    text = f"{value:.15g}"
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        if -5 <= int(exponent) < 15:
            return f"{value:f}".rstrip("0").rstrip(".")
        return f"{mantissa}E{exponent[0]}{int(exponent[1:]):02}"
    return text


def timespan_text(value: timedelta) -> str:
    """TimeSpan's constant format, `[-][d.]hh:mm:ss[.fffffff]`."""
    microseconds = value // timedelta(microseconds=1)
    sign = "-" if microseconds < 0 else ""
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    days, seconds = divmod(seconds, 86_400)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    text = f"{days}.{text}" if days else text
    return f"{sign}{text}.{fraction * 10:07}" if fraction else f"{sign}{text}"


def to_bool(value: object) -> bool:
    match value:
        case None:
            return False
        case bool():
            return value
        case str():
            return value != "" if not isinstance(value, Char) else value != "\0"
        case int() | float() | Decimal():
            return value != 0
        case EnumValue():
            return value.number != 0
        case NetObject() if type(value).__name__ == "SwitchValue":
            return bool(value)
        case NOTHING.__class__():
            return False
    items = as_sequence(value)
    if items is None or isinstance(value, NetList):
        return bool(items is None or items)
    if len(items) == 1:
        return to_bool(items[0])
    return bool(items)


def to_number(value: object) -> int | float | Decimal:
    """The number an arithmetic operand stands for. Raises ValueError if there is none."""
    match value:
        case None:
            return 0
        case bool():
            return int(value)
        case Char():
            return ord(value)
        case int() | float() | Decimal():
            return value
        case str():
            return number_from_text(value)
        case EnumValue():
            return value.number
        case timedelta():
            raise ValueError(value)
    raise ValueError(value)


def number_from_text(text: str) -> int | float:
    """A number as PowerShell reads strings: blanks around, hexadecimal, multipliers.

    Raises ValueError."""
    stripped = text.strip().replace(",", "") if "," in text else text.strip()
    if not stripped:
        return 0
    found = re.fullmatch(r"(?i)([+-]?)0x([0-9a-f]+)(l?)(kb|mb|gb|tb|pb)?", stripped)
    if found:
        number = int(found.group(2), 16)
        if not found.group(3) and number in range(2**31, 2**32):
            number -= 2**32
        number *= _MULTIPLIERS.get((found.group(4) or "").lower(), 1)
        return -number if found.group(1) == "-" else number
    found = re.fullmatch(r"(?i)([+-]?\d*\.?\d*(?:e[+-]?\d+)?)(l|d)?(kb|mb|gb|tb|pb)?", stripped)
    if not found or not re.search(r"\d", found.group(1)):
        raise ValueError(text)
    digits, suffix, multiplier = found.group(1), (found.group(2) or ""), found.group(3)
    factor = _MULTIPLIERS.get((multiplier or "").lower(), 1)
    if suffix.lower() == "l":
        return Int64(int(digits) * factor)
    if suffix.lower() == "d":
        return Decimal(digits) * factor  # type: ignore[return-value]
    if re.fullmatch(r"[+-]?\d+", digits):
        number = int(digits) * factor
        return number if number in INT64 else float(number)
    return float(digits) * factor


def cast(value: object, wanted: TypeRef) -> object:
    """`[wanted] value`. Raises PowerShellError if it cannot be converted."""
    value = None if value is NOTHING else value
    if wanted.element is not None:
        return _cast_array(value, wanted.element)
    try:
        return _cast_single(value, wanted)
    except OverflowError:
        raise _cannot_convert(value, wanted, _overflow(wanted)) from None
    except (ValueError, InvalidOperation, TypeError):
        raise _cannot_convert(value, wanted, None) from None


def _cast_array(value: object, element: TypeRef) -> object:
    if value is None:
        return None
    items = as_sequence(value)
    if element.name == "System.Char" and isinstance(value, str):
        return [Char(character) for character in value]
    converted = [cast(item, element) for item in ([value] if items is None else items)]
    return bytes(converted) if element.name == "System.Byte" else converted  # type: ignore[arg-type]


def _cast_single(value: object, wanted: TypeRef) -> object:
    name = wanted.name
    if name in ("System.Object", "System.Management.Automation.PSObject"):
        if isinstance(value, Hashtable) and name.endswith("PSObject"):
            return value
        return value
    if name in _INTEGERS:
        return _cast_integer(value, name)
    match name:
        case "System.String":
            return to_text(value)
        case "System.Boolean":
            return to_bool(value)
        case "System.Management.Automation.SwitchParameter":
            return to_bool(value)
        case "System.Double" | "System.Single":
            return float(to_number(value))
        case "System.Decimal":
            return Decimal(str(to_number(value)))
        case "System.Char":
            return _cast_char(value)
        case "System.DateTime":
            return _cast_datetime(value)
        case "System.TimeSpan":
            return _cast_timespan(value)
        case "System.Array":
            return value if isinstance(value, list | bytes) else [value]
        case "System.Management.Automation.PSCustomObject":
            return _cast_custom_object(value)
        case "System.Guid" | "System.Version":
            text = str(uuid.UUID(to_text(value))) if name == "System.Guid" else to_text(value)
            return CustomObject(type_names=(name, "System.Object"), text=text)
        case "System.Type":
            found = value if isinstance(value, TypeRef) else type_from_text(to_text(value))
            if found is None:
                raise ValueError(value)
            return found
        case "System.Void":
            return NOTHING
        case "System.Text.RegularExpressions.Regex":
            return CustomObject(type_names=(name, "System.Object"), text=to_text(value))
        case "System.Exception":
            if isinstance(value, str):
                return NetException("System.Exception", value)
    if name in ENUMERATIONS:
        return _cast_enum(value, name)
    if name in ("System.Collections.Generic.List", "System.Collections.ArrayList"):
        items = as_sequence(value)
        elements = list(items) if items is not None else [value]
        return NetList(elements, type_name=str(wanted), returns_index="ArrayList" in name)
    if value is None or is_instance(value, wanted):
        return value
    raise ValueError(value)


def _cast_integer(value: object, name: str) -> int:
    if isinstance(value, timedelta | datetime):
        raise ValueError(value)
    sequence = as_sequence(value)
    if sequence is not None:
        if len(sequence) != 1:
            raise ValueError(value)
        value = sequence[0]
    number = to_number(value)
    whole = number if isinstance(number, int) else round(number)
    if whole not in _INTEGERS[name]:
        raise OverflowError
    if name == "System.Byte":
        return Byte(whole)
    return Int64(whole) if name == "System.Int64" else int(whole)


def _cast_char(value: object) -> Char:
    if isinstance(value, str) and len(value) == 1:
        return Char(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Char(chr(value))
    raise ValueError(value)


def _cast_datetime(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    text = to_text(value)
    for layout in ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y", "%m/%d/%Y %H:%M"):
        try:
            return datetime.strptime(text, layout)
        except ValueError:
            continue
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.astimezone().replace(tzinfo=None) if moment.tzinfo else moment


def _cast_timespan(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int):
        return timedelta(microseconds=value / 10)
    found = re.fullmatch(
        r"(-?)(?:(\d+)\.)?(\d+):(\d+)(?::(\d+)(?:\.(\d{1,7}))?)?", to_text(value).strip()
    )
    if not found:
        days = int(to_text(value))
        return timedelta(days=days)
    sign, days_text, hours, minutes, seconds, fraction = found.groups()
    span = timedelta(
        days=int(days_text or 0),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds or 0),
        microseconds=int((fraction or "0").ljust(7, "0")) / 10,
    )
    return -span if sign else span


def _cast_custom_object(value: object) -> object:
    if isinstance(value, Hashtable):
        return CustomObject((to_text(key), item) for key, item in value.items())
    return value


def _cast_enum(value: object, name: str) -> EnumValue:
    if isinstance(value, EnumValue) and value.type_name == name:
        return value
    member = value if isinstance(value, int) else to_text(value).strip()
    found = enum_value(name, member)
    if found is None:
        raise ValueError(value)
    return found


def _overflow(wanted: TypeRef) -> str:
    short = wanted.name.rpartition(".")[2]
    return f"Value was either too large or too small for {_article(short)} {short}."


def _article(word: str) -> str:
    return "an" if word[0] in "AEIOU" else "a"


def _cannot_convert(value: object, wanted: TypeRef, detail: str | None) -> PowerShellError:
    names = type_names_of(value)
    source = names[0] if names else "null"
    if detail is None:
        detail = (
            "Input string was not in a correct format."
            if isinstance(value, str) and wanted.name in _INTEGERS
            else f"Invalid cast from '{source}' to '{wanted}'."
        )
    if value is None:
        message = f'Cannot convert null to type "{wanted}".'
    else:
        message = f'Cannot convert value "{to_text(value)}" to type "{wanted}". Error: "{detail}"'
    return runtime_error(
        message,
        "InvalidCastFromStringToInteger"
        if isinstance(value, str) and wanted.name in _INTEGERS
        else "ConvertToFinalInvalidCastException",
        category="InvalidArgument",
        exception_type="System.Management.Automation.RuntimeException",
        inner=NetException("System.Management.Automation.PSInvalidCastException", message),
    )


def utc(value: datetime) -> datetime:
    """`value` as an aware UTC time; a naive one is local time."""
    return value.astimezone(timezone.utc)
