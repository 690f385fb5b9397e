# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do the binary and unary operators give? Arithmetic, comparison, matching and text operators
with PowerShell's rules for mixed operands."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from .conversion import cast, to_bool, to_number, to_text
from .errors import PowerShellError, runtime_error
from .formatting import format_items
from .patterns import replacement_template, to_regex, wildcard_to_regex
from .type_names import is_instance, type_from_text, type_names_of
from .values import (
    INT32,
    INT64,
    Byte,
    Char,
    EnumValue,
    Hashtable,
    Int64,
    NetList,
    TypeRef,
    as_sequence,
    enumerate_output,
)


def add(left: object, right: object) -> object:
    if isinstance(left, list | NetList | bytes):
        return [*enumerate_output(left), *enumerate_output(right)]
    if isinstance(left, Hashtable):
        if isinstance(right, Hashtable):
            return Hashtable([*left.items(), *right.items()], ordered=left.ordered)
        raise runtime_error(
            "A hash table can only be added to another hash table.", "AddHashTableToNonHashTable"
        )
    if isinstance(left, str):
        return str(left) + to_text(right)
    if isinstance(left, datetime | timedelta) and isinstance(right, timedelta):
        return left + right
    if left is None:
        return right
    return _arithmetic(left, right, "+", lambda a, b: a + b, "op_Addition")


def subtract(left: object, right: object) -> object:
    if isinstance(left, datetime) and isinstance(right, datetime):
        if (left.tzinfo is None) != (right.tzinfo is None):
            return left.replace(tzinfo=None) - right.replace(tzinfo=None)
        return left - right
    if isinstance(left, datetime | timedelta) and isinstance(right, timedelta):
        return left - right
    return _arithmetic(left, right, "-", lambda a, b: a - b, "op_Subtraction")


def multiply(left: object, right: object) -> object:
    if isinstance(left, str):
        return str(left) * int(cast(right, TypeRef("System.Int32")))  # type: ignore[call-overload]
    items = as_sequence(left)
    if items is not None:
        return items * int(cast(right, TypeRef("System.Int32")))  # type: ignore[call-overload]
    return _arithmetic(left, right, "*", lambda a, b: a * b, "op_Multiply")


def divide(left: object, right: object) -> object:
    def quotient(a, b):  # type: ignore[no-untyped-def]
        if b == 0 and not isinstance(a, float) and not isinstance(b, float):
            raise ZeroDivisionError
        if isinstance(a, int) and isinstance(b, int):
            return a // b if a % b == 0 else a / b
        if b == 0:
            return math.nan if a == 0 else math.copysign(math.inf, a)
        return a / b

    return _arithmetic(left, right, "/", quotient, "op_Division")


def remainder(left: object, right: object) -> object:
    def rest(a, b):  # type: ignore[no-untyped-def]
        return math.fmod(a, b) if isinstance(a, float) or isinstance(b, float) else _rest(a, b)

    return _arithmetic(left, right, "%", rest, "op_Modulus")


def _rest(a: int | Decimal, b: int | Decimal) -> int | Decimal:
    """The sign follows the dividend, as in .NET."""
    if isinstance(a, Decimal) or isinstance(b, Decimal):
        return Decimal(a) % Decimal(b)
    result = abs(a) % abs(b)
    return -result if a < 0 else result


def _arithmetic(
    left: object,
    right: object,
    symbol: str,
    operate: Callable[..., object],
    method: str,
) -> object:
    try:
        a, b = to_number(left), to_number(right)
    except ValueError:
        wrong = right if _is_number(left) else left
        if isinstance(wrong, str):
            cast(wrong, TypeRef("System.Int32"))
        name = type_names_of(wrong)[0]
        raise runtime_error(
            f"Method invocation failed because [{name}] does not contain a method named "
            f"'{method}'.",
            "MethodNotFound",
            target=method,
            target_name=method,
            target_type="String",
        ) from None
    if isinstance(a, Decimal) and isinstance(b, float):
        a = float(a)
    if isinstance(b, Decimal) and isinstance(a, float):
        b = float(b)
    try:
        result = operate(a, b)
    except (ZeroDivisionError, ArithmeticError):
        raise runtime_error(
            "Attempted to divide by zero.", "RuntimeException", category="NotSpecified"
        ) from None
    return _in_range(result, a, b)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal)


def _in_range(result: object, left: object, right: object) -> object:
    """Int32 results that overflow become Double, as do those of Int64."""
    if not isinstance(result, int) or isinstance(result, bool):
        return result
    wide = any(
        isinstance(x, Int64) or (isinstance(x, int) and x not in INT32) for x in (left, right)
    )
    if wide:
        return Int64(result) if result in INT64 else float(result)
    return int(result) if result in INT32 else float(result)


def range_of(left: object, right: object) -> list[object]:
    """The operator `..`."""
    first = int(cast(left, TypeRef("System.Int32")))  # type: ignore[call-overload]
    last = int(cast(right, TypeRef("System.Int32")))  # type: ignore[call-overload]
    step = 1 if first <= last else -1
    return list(range(first, last + step, step))


def equal(left: object, right: object, *, case: bool = False) -> bool:
    """-eq for single operands: the right one is converted to the type of the left one."""
    if left is None or right is None:
        return left is None and right is None
    if isinstance(left, Char) and isinstance(right, int) and not isinstance(right, bool):
        return ord(left) == right
    if isinstance(left, str):
        return _fold(left, case) == _fold(to_text(right), case)
    if isinstance(left, bool):
        return left == to_bool(right)
    if _is_number(left):
        try:
            return to_number(left) == to_number(right)
        except ValueError:
            return False
    if isinstance(left, EnumValue):
        try:
            return left == cast(right, TypeRef(left.type_name))
        except PowerShellError:
            return False
    if isinstance(left, datetime | timedelta):
        wanted = "System.DateTime" if isinstance(left, datetime) else "System.TimeSpan"
        try:
            return _ticks(left) == _ticks(cast(right, TypeRef(wanted)))
        except PowerShellError:
            return False
    if isinstance(left, TypeRef):
        return isinstance(right, TypeRef) and str(left) == str(right)
    return left is right


def _ticks(value: object) -> object:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def _fold(text: str, case: bool) -> str:
    return str(text) if case else text.casefold()


def order(left: object, right: object, *, case: bool = False) -> int:
    """Below, equal or above zero, as -lt, -gt and sorting see two single values."""
    if left is None or right is None:
        return (left is not None) - (right is not None)
    if isinstance(left, str) and not isinstance(left, Char):
        return _sign(_fold(left, case), _fold(to_text(right), case))
    if isinstance(left, datetime | timedelta):
        wanted = "System.DateTime" if isinstance(left, datetime) else "System.TimeSpan"
        return _sign(_ticks(left), _ticks(cast(right, TypeRef(wanted))))
    if isinstance(left, EnumValue):
        other = cast(right, TypeRef(left.type_name))
        return _sign(left.number, other.number)  # type: ignore[attr-defined]
    if isinstance(left, Char) and isinstance(right, str):
        return _sign(_fold(left, case), _fold(right, case))
    try:
        return _sign(to_number(left), to_number(right))
    except ValueError:
        if isinstance(right, str):
            cast(right, TypeRef("System.Int32"))
        message = (
            f'Cannot compare "{to_text(left)}" to "{to_text(right)}" because the objects are not '
            'the same type or the object does not implement "IComparable".'
        )
        raise runtime_error(message, "PSObjectCompareTo") from None


def _sign(left: object, right: object) -> int:
    return (left > right) - (left < right)  # type: ignore[operator]


def _filtering(test: Callable[[object, object, bool], bool]) -> Callable[..., object]:
    """A comparison that gives a truth for one value and the passing elements for a collection."""

    def compare(left: object, right: object, *, case: bool) -> object:
        items = as_sequence(left)
        if items is None:
            return test(left, right, case)
        return [item for item in items if test(item, right, case)]

    return compare


def _contains(items: object, wanted: object, case: bool) -> bool:
    sequence = as_sequence(items)
    candidates = sequence if sequence is not None else [items]
    return any(equal(item, wanted, case=case) for item in candidates)


def _like(left: object, right: object, case: bool) -> bool:
    pattern = wildcard_to_regex(to_text(right), ignore_case=not case)
    return pattern.fullmatch(to_text(left)) is not None


def _match(left: object, right: object, case: bool) -> bool:
    return to_regex(to_text(right), ignore_case=not case).search(to_text(left)) is not None


_COMPARISONS: dict[str, Callable[..., object]] = {
    "eq": _filtering(lambda a, b, case: equal(a, b, case=case)),
    "ne": _filtering(lambda a, b, case: not equal(a, b, case=case)),
    "gt": _filtering(lambda a, b, case: order(a, b, case=case) > 0),
    "ge": _filtering(lambda a, b, case: order(a, b, case=case) >= 0),
    "lt": _filtering(lambda a, b, case: order(a, b, case=case) < 0),
    "le": _filtering(lambda a, b, case: order(a, b, case=case) <= 0),
    "like": _filtering(_like),
    "notlike": _filtering(lambda a, b, case: not _like(a, b, case)),
    "match": _filtering(_match),
    "notmatch": _filtering(lambda a, b, case: not _match(a, b, case)),
    "contains": lambda a, b, *, case: _contains(a, b, case),
    "notcontains": lambda a, b, *, case: not _contains(a, b, case),
    "in": lambda a, b, *, case: _contains(b, a, case),
    "notin": lambda a, b, *, case: not _contains(b, a, case),
    "replace": lambda a, b, *, case: _replace(a, b, case),
    "split": lambda a, b, *, case: split(a, b, case=case),
    "join": lambda a, b, *, case: join(a, to_text(b)),
    "is": lambda a, b, *, case: is_instance(a, _as_type(b)),
    "isnot": lambda a, b, *, case: not is_instance(a, _as_type(b)),
    "as": lambda a, b, *, case: _as(a, _as_type(b)),
    "shl": lambda a, b, *, case: int(to_number(a)) << int(to_number(b)),
    "shr": lambda a, b, *, case: int(to_number(a)) >> int(to_number(b)),
}


def compare(operator: str, left: object, right: object) -> object:
    """A comparison operator by its name with dash, e.g. `-eq`, `-cne`, `-ilike`."""
    name = operator.lower().lstrip("-")
    if name in _COMPARISONS:
        return _COMPARISONS[name](left, right, case=False)
    return _COMPARISONS[name[1:]](left, right, case=name[0] == "c")


def _as_type(value: object) -> TypeRef:
    if isinstance(value, TypeRef):
        return value
    found = type_from_text(to_text(value).strip("[]"))
    if found is None:
        raise runtime_error(f"Unable to find type [{to_text(value)}].", "TypeNotFound")
    return found


def _as(value: object, wanted: TypeRef) -> object:
    try:
        return cast(value, wanted)
    except PowerShellError:
        return None


def _replace(left: object, right: object, case: bool) -> object:
    parts = as_sequence(right) if as_sequence(right) is not None else [right]
    assert parts is not None
    pattern = to_regex(to_text(parts[0]) if parts else "", ignore_case=not case)
    template = replacement_template(to_text(parts[1]) if len(parts) > 1 else "")
    items = as_sequence(left)
    if items is None:
        return pattern.sub(template, to_text(left))
    return [pattern.sub(template, to_text(item)) for item in items]


def split(left: object, right: object, *, case: bool = False) -> list[object]:
    """Binary -split: a regular expression, optionally a maximum count and SimpleMatch."""
    parts = as_sequence(right)
    parts = [right] if parts is None else parts
    maximum = int(to_number(parts[1])) if len(parts) > 1 else 0
    simple = len(parts) > 2 and "simplematch" in to_text(parts[2]).casefold()
    delimiter = to_text(parts[0])
    pattern = to_regex(re.escape(delimiter) if simple else delimiter, ignore_case=not case)
    items = as_sequence(left)
    result: list[object] = []
    for item in [left] if items is None else items:
        count = maximum - 1 if maximum > 0 else 0
        text = to_text(item)
        result += (
            [text] if maximum == 1 else [p for p in pattern.split(text, count) if p is not None]
        )
    return result


def split_blanks(value: object) -> list[object]:
    """Unary -split: at white space."""
    items = as_sequence(value)
    texts = [to_text(value)] if items is None else [to_text(item) for item in items]
    return [word for text in texts for word in text.split()]


def join(value: object, separator: str) -> str:
    items = as_sequence(value)
    return separator.join(to_text(item) for item in ([value] if items is None else items))


def format_operator(template: object, arguments: object) -> str:
    items = as_sequence(arguments)
    if isinstance(arguments, bytes):
        items = [Byte(one) for one in arguments]
    return format_items(to_text(template), [arguments] if items is None else items)


def logical(operator: str, left: bool, right: Callable[[], object]) -> bool:
    match operator:
        case "-and":
            return left and to_bool(right())
        case "-or":
            return left or to_bool(right())
    return left != to_bool(right())


def bitwise(operator: str, left: object, right: object) -> int:
    a, b = int(to_number(left)), int(to_number(right))
    match operator:
        case "-band":
            return a & b
        case "-bor":
            return a | b
    return a ^ b


ARITHMETIC: dict[str, Callable[[object, object], object]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
}
