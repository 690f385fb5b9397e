# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which static members and constructors do .NET types offer to scripts here?"""

from __future__ import annotations

import base64
import binascii
import math
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from .clixml_output import serialize
from .conversion import cast, to_bool, to_number, to_text
from .dotnet_enums import ENUMERATIONS, enum_value
from .dotnet_objects import (
    Encoding,
    Stopwatch,
    StringBuilder,
    TextWriter,
    encoding_by_name,
)
from .errors import NetException, PowerShellError, exception_bases, runtime_error
from .formatting import format_items
from .members import invocation_error
from .patterns import replacement_template, to_regex
from .values import (
    NOTHING,
    CustomObject,
    EnumValue,
    Hashtable,
    MethodFailed,
    NetList,
    TypeRef,
    as_sequence,
    enumerate_output,
)

if TYPE_CHECKING:
    from .interpreter import Interpreter

Method = Callable[["Interpreter", list[object]], object]


def get_static(interpreter: Interpreter, owner: TypeRef, name: str) -> object:
    """`[owner]::name`."""
    if owner.name in ENUMERATIONS:
        found = enum_value(owner.name, name)
        if found is not None:
            return found
    getter = _PROPERTIES.get((owner.name, name.casefold()))
    if getter is not None:
        return getter(interpreter)
    if interpreter.strict or owner.name in ENUMERATIONS:
        raise runtime_error(
            f"The property '{name}' cannot be found on this object. Verify that the property "
            "exists.",
            "PropertyNotFoundStrict",
            category="NotSpecified",
        )
    raise interpreter.unsupported(f"[{owner}]::{name}")


def set_static(interpreter: Interpreter, owner: TypeRef, name: str, value: object) -> None:
    """`[owner]::name = value`; only the console's encodings can be set."""
    if owner.name == "System.Console" and isinstance(value, Encoding):
        if name.casefold() == "inputencoding":
            interpreter.streams.input_codec = value.codec
            return
        if name.casefold() == "outputencoding":
            interpreter.streams.output_codec = value.codec
            return
    raise interpreter.unsupported(f"setting [{owner}]::{name}")


def call_static(
    interpreter: Interpreter, owner: TypeRef, name: str, arguments: list[object]
) -> object:
    """`[owner]::name(arguments)`."""
    if name.casefold() == "new":
        return construct(interpreter, owner, arguments)
    method = _METHODS.get((owner.name, name.casefold()))
    if method is None:
        if owner.name in ENUMERATIONS or name.casefold() == "parse":
            return _parse(interpreter, owner, name, arguments)
        raise interpreter.unsupported(f"[{owner}]::{name}()")
    try:
        return method(interpreter, arguments)
    except MethodFailed as failure:
        raise invocation_error(name, arguments, failure) from None
    except (IndexError, ValueError, TypeError):
        raise runtime_error(
            f'Cannot find an overload for "{name}" and the argument count: "{len(arguments)}".',
            "MethodCountCouldNotFindBest",
            category="NotSpecified",
            exception_type="System.Management.Automation.MethodException",
        ) from None


def construct(interpreter: Interpreter, wanted: TypeRef, arguments: list[object]) -> object:
    """`New-Object` and `[wanted]::new()`."""
    name = wanted.name
    if name.endswith("Exception") and exception_bases(name):
        inner = arguments[1] if len(arguments) > 1 else None
        message = to_text(arguments[0]) if arguments else f"Exception of type '{name}' was thrown."
        return NetException(name, message, inner=inner if isinstance(inner, NetException) else None)
    maker = _CONSTRUCTORS.get(name)
    if maker is None:
        raise interpreter.unsupported(f"an object of type {wanted}")
    try:
        return maker(interpreter, wanted, arguments)
    except MethodFailed as failure:
        raise invocation_error(".ctor", arguments, failure) from None


def _parse(interpreter: Interpreter, owner: TypeRef, name: str, arguments: list[object]) -> object:
    if name.casefold() != "parse" or not arguments:
        raise interpreter.unsupported(f"[{owner}]::{name}()")
    value = arguments[-1] if owner.name == "System.Enum" else arguments[0]
    try:
        return cast(value, owner)
    except PowerShellError:
        failure = MethodFailed(
            "System.FormatException", "Input string was not in a correct format."
        )
        raise invocation_error(name, arguments, failure) from None


# -- constructors ----------------------------------------------------------------------------------


def _list(interpreter: Interpreter, wanted: TypeRef, arguments: list[object]) -> NetList:
    items: list[object] = []
    if arguments and not isinstance(arguments[0], int):
        items = list(enumerate_output(arguments[0]))
    return NetList(items, type_name=str(wanted), returns_index="ArrayList" in wanted.name)


def _timespan(interpreter: Interpreter, wanted: TypeRef, arguments: list[object]) -> timedelta:
    numbers = [int(to_number(one)) for one in arguments]
    match numbers:
        case []:
            return timedelta()
        case [ticks]:
            return timedelta(microseconds=ticks / 10)
        case [hours, minutes, seconds]:
            return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    days, hours, minutes, seconds, *rest = numbers
    milliseconds = rest[0] if rest else 0
    return timedelta(days, seconds, 0, milliseconds, minutes, hours)


def _datetime(interpreter: Interpreter, wanted: TypeRef, arguments: list[object]) -> datetime:
    kinds = [to_text(one).casefold() for one in arguments if isinstance(one, str | EnumValue)]
    numbers = [int(to_number(one)) for one in arguments if not isinstance(one, str | EnumValue)]
    moment = datetime(*numbers[:6])  # type: ignore[arg-type]
    return moment.replace(tzinfo=timezone.utc) if "utc" in kinds else moment


def _string(interpreter: Interpreter, wanted: TypeRef, arguments: list[object]) -> str:
    match arguments:
        case [character, int(count)]:
            return to_text(character) * count
        case [characters]:
            items = as_sequence(characters)
            return "".join(to_text(one) for one in (items or [characters]))
    raise interpreter.unsupported("this constructor of System.String")


def _service_controller(
    interpreter: Interpreter, wanted: TypeRef, arguments: list[object]
) -> object:
    from .cmdlets.service_controller import ServiceController

    return ServiceController.named(interpreter, to_text(arguments[0]))


_CONSTRUCTORS: dict[str, Callable[..., object]] = {
    "System.Collections.ArrayList": _list,
    "System.Collections.Generic.List": _list,
    "System.Collections.Hashtable": lambda i, w, a: Hashtable(),
    "System.Collections.Generic.Dictionary": lambda i, w, a: Hashtable(),
    "System.Collections.Specialized.OrderedDictionary": lambda i, w, a: Hashtable(ordered=True),
    "System.Management.Automation.PSObject": lambda i, w, a: CustomObject(),
    "System.Object": lambda i, w, a: CustomObject(type_names=("System.Object",)),
    "System.Text.UTF8Encoding": lambda i, w, a: Encoding("utf-8"),
    "System.Text.UnicodeEncoding": lambda i, w, a: Encoding("utf-16-le"),
    "System.Text.ASCIIEncoding": lambda i, w, a: Encoding("ascii"),
    "System.Text.StringBuilder": lambda i, w, a: StringBuilder(to_text(a[0]) if a else ""),
    "System.Diagnostics.Stopwatch": lambda i, w, a: Stopwatch(i.machine.ticks),
    "System.TimeSpan": _timespan,
    "System.DateTime": _datetime,
    "System.String": _string,
    "System.ServiceProcess.ServiceController": _service_controller,
    "System.Version": lambda i, w, a: cast(a[0], w),
    "System.Guid": lambda i, w, a: cast(a[0], w),
}


# -- static methods --------------------------------------------------------------------------------


def _from_base64(text: object) -> bytes:
    try:
        return base64.b64decode("".join(to_text(text).split()), validate=True)
    except binascii.Error:
        raise MethodFailed(
            "System.FormatException",
            "The input is not a valid Base-64 string as it contains a non-base 64 character, more "
            "than two padding characters, or an illegal character among the padding characters. ",
        ) from None


def _bytes(value: object) -> bytes:
    converted = cast(value, TypeRef("System.Byte[]", element=TypeRef("System.Byte")))
    assert isinstance(converted, bytes)
    return converted


def _round(interpreter: Interpreter, arguments: list[object]) -> object:
    value = to_number(arguments[0])
    digits = int(to_number(arguments[1])) if len(arguments) > 1 else 0
    away = any("away" in to_text(one).casefold() for one in arguments[1:])
    mode = ROUND_HALF_UP if away else ROUND_HALF_EVEN
    if isinstance(value, Decimal):
        return value.quantize(Decimal(1).scaleb(-digits), rounding=mode)
    scaled = Decimal(float(value) * 10**digits).quantize(Decimal(1), rounding=mode)
    return float(scaled) / 10**digits


def _floating(function: Callable[[float], float]) -> Method:
    return lambda interpreter, arguments: float(function(float(to_number(arguments[0]))))


def _extreme(choose: Callable[..., object]) -> Method:
    return lambda interpreter, arguments: choose(*(to_number(one) for one in arguments))


def _console_write(stream: str, end: str) -> Method:
    def write(interpreter: Interpreter, arguments: list[object]) -> object:
        text = to_text(arguments[0]) if arguments else ""
        if len(arguments) > 1:
            text = format_items(text, arguments[1:])
        if stream == "out":
            interpreter.streams.out(text + end)
        else:
            interpreter.streams.raw_error_text(text + end)
        return NOTHING

    return write


def _create_block(interpreter: Interpreter, arguments: list[object]) -> object:
    return interpreter.create_block(to_text(arguments[0]))


def _sleep(interpreter: Interpreter, arguments: list[object]) -> object:
    value = arguments[0]
    seconds = value.total_seconds() if isinstance(value, timedelta) else None
    interpreter.sleep(float(to_number(value)) / 1000 if seconds is None else seconds)
    return NOTHING


def _parse_exact(interpreter: Interpreter, arguments: list[object]) -> object:
    layout = to_text(arguments[1])
    for net, python in (
        ("yyyy", "%Y"),
        ("MM", "%m"),
        ("dd", "%d"),
        ("HH", "%H"),
        ("mm", "%M"),
        ("ss", "%S"),
    ):
        layout = layout.replace(net, python)
    try:
        return datetime.strptime(to_text(arguments[0]), layout.replace("'", ""))
    except ValueError:
        raise MethodFailed(
            "System.FormatException", "String was not recognized as a valid DateTime."
        ) from None


def _join(interpreter: Interpreter, arguments: list[object]) -> str:
    items = as_sequence(arguments[1])
    rest = list(items) if items is not None and len(arguments) == 2 else arguments[1:]
    return to_text(arguments[0]).join(to_text(one) for one in rest)


def _compare_text(interpreter: Interpreter, arguments: list[object]) -> object:
    a, b = to_text(arguments[0]), to_text(arguments[1])
    if any("ignorecase" in to_text(o).casefold() or o is True for o in arguments[2:]):
        a, b = a.casefold(), b.casefold()
    return (a > b) - (a < b)


def _equal_text(interpreter: Interpreter, arguments: list[object]) -> object:
    return _compare_text(interpreter, arguments) == 0


def _environment_set(interpreter: Interpreter, arguments: list[object]) -> object:
    interpreter.machine.environment[to_text(arguments[0]).upper()] = to_text(arguments[1])
    return NOTHING


_SPAN = {
    "fromdays": "days",
    "fromhours": "hours",
    "fromminutes": "minutes",
    "fromseconds": "seconds",
    "frommilliseconds": "milliseconds",
}


def _span_of(unit: str) -> Method:
    return lambda interpreter, arguments: timedelta(**{unit: float(to_number(arguments[0]))})


_METHODS: dict[tuple[str, str], Method] = {
    ("System.Convert", "tobase64string"): lambda i, a: base64.b64encode(_bytes(a[0])).decode(),
    ("System.Convert", "frombase64string"): lambda i, a: _from_base64(a[0]),
    ("System.Convert", "toint32"): lambda i, a: (
        int(to_text(a[0]), int(to_number(a[1])))
        if len(a) > 1
        else cast(a[0], TypeRef("System.Int32"))
    ),
    ("System.Convert", "toint64"): lambda i, a: cast(a[0], TypeRef("System.Int64")),
    ("System.Convert", "tostring"): lambda i, a: to_text(a[0]),
    ("System.Convert", "toboolean"): lambda i, a: to_bool(a[0]),
    ("System.String", "isnullorempty"): lambda i, a: a[0] is None or to_text(a[0]) == "",
    ("System.String", "isnullorwhitespace"): lambda i, a: not to_text(a[0]).strip(),
    ("System.String", "join"): _join,
    ("System.String", "format"): lambda i, a: format_items(to_text(a[0]), a[1:]),
    ("System.String", "concat"): lambda i, a: "".join(to_text(one) for one in a),
    ("System.String", "compare"): _compare_text,
    ("System.String", "equals"): _equal_text,
    ("System.Math", "round"): _round,
    ("System.Math", "floor"): _floating(math.floor),
    ("System.Math", "ceiling"): _floating(math.ceil),
    ("System.Math", "truncate"): _floating(math.trunc),
    ("System.Math", "sqrt"): _floating(math.sqrt),
    ("System.Math", "pow"): lambda i, a: float(to_number(a[0])) ** float(to_number(a[1])),
    ("System.Math", "abs"): lambda i, a: abs(to_number(a[0])),
    ("System.Math", "max"): _extreme(max),
    ("System.Math", "min"): _extreme(min),
    ("System.Console", "write"): _console_write("out", ""),
    ("System.Console", "writeline"): _console_write("out", "\r\n"),
    ("System.Management.Automation.ScriptBlock", "create"): _create_block,
    ("System.Management.Automation.PSSerializer", "serialize"): lambda i, a: serialize(
        a[0], int(to_number(a[1])) if len(a) > 1 else None
    ),
    ("System.Threading.Thread", "sleep"): _sleep,
    ("System.Diagnostics.Stopwatch", "startnew"): lambda i, a: Stopwatch(
        i.machine.ticks, running=True
    ),
    ("System.Text.Encoding", "getencoding"): lambda i, a: encoding_by_name(a[0]),
    ("System.Guid", "newguid"): lambda i, a: cast(str(uuid.uuid4()), TypeRef("System.Guid")),
    ("System.DateTime", "parseexact"): _parse_exact,
    ("System.DateTime", "specifykind"): lambda i, a: a[0].replace(  # type: ignore[attr-defined]
        tzinfo=timezone.utc if to_text(a[1]) == "Utc" else None
    ),
    ("System.Text.RegularExpressions.Regex", "escape"): lambda i, a: _escaped_regex(to_text(a[0])),
    ("System.Text.RegularExpressions.Regex", "replace"): lambda i, a: to_regex(
        to_text(a[1]), ignore_case=False
    ).sub(replacement_template(to_text(a[2])), to_text(a[0])),
    ("System.Text.RegularExpressions.Regex", "ismatch"): lambda i, a: (
        to_regex(to_text(a[1]), ignore_case=False).search(to_text(a[0])) is not None
    ),
    ("System.Text.RegularExpressions.Regex", "match"): lambda i, a: _matches(a)[0],
    ("System.Text.RegularExpressions.Regex", "matches"): lambda i, a: [
        one for one in _matches(a) if one.get("Success")
    ],
    ("System.Environment", "getenvironmentvariable"): lambda i, a: i.machine.environment_variable(
        to_text(a[0])
    ),
    ("System.Environment", "setenvironmentvariable"): _environment_set,
    ("System.Environment", "exit"): lambda i, a: _exit(a),
    ("System.Reflection.Assembly", "loadwithpartialname"): lambda i, a: NOTHING,
    ("System.GC", "collect"): lambda i, a: NOTHING,
    ("System.Array", "indexof"): lambda i, a: (
        list(as_sequence(a[0]) or []).index(a[1]) if a[1] in (as_sequence(a[0]) or []) else -1
    ),
    **{("System.TimeSpan", name): _span_of(unit) for name, unit in _SPAN.items()},
}


def _matches(arguments: list[object]) -> list[CustomObject]:
    """System.Text.RegularExpressions.Match objects; one without success if there is none."""
    pattern = to_regex(to_text(arguments[1]), ignore_case=False)
    found = [
        [(str(i), one.group(i)) for i in range(pattern.groups + 1)]
        + [(name, one.group(name)) for name in pattern.groupindex]
        for one in pattern.finditer(to_text(arguments[0]))
    ]
    return [_match_object(groups) for groups in found] or [_match_object([])]


def _match_object(groups: list[tuple[str, str | None]]) -> CustomObject:
    table = Hashtable()
    for name, value in groups:
        entry = CustomObject([("Success", value is not None), ("Value", value or "")], text=value)
        table[int(name) if name.isdigit() else name] = entry
    whole = (groups[0][1] or "") if groups else ""
    return CustomObject(
        [("Success", bool(groups)), ("Value", whole), ("Groups", table)],
        type_names=("System.Text.RegularExpressions.Match", "System.Object"),
        text=whole,
    )


def _escaped_regex(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\*+?|{[()^$.# " else c for c in text)


def _exit(arguments: list[object]) -> object:
    from .errors import ExitScript

    raise ExitScript(int(to_number(arguments[0])) if arguments else 0)


# -- static properties -----------------------------------------------------------------------------

_PROPERTIES: dict[tuple[str, str], Callable[[Interpreter], object]] = {
    ("System.Int32", "maxvalue"): lambda i: 2**31 - 1,
    ("System.Int32", "minvalue"): lambda i: -(2**31),
    ("System.Int64", "maxvalue"): lambda i: 2**63 - 1,
    ("System.Byte", "maxvalue"): lambda i: 255,
    ("System.Math", "pi"): lambda i: math.pi,
    ("System.String", "empty"): lambda i: "",
    ("System.DateTime", "now"): lambda i: i.now(),
    ("System.DateTime", "utcnow"): lambda i: i.now().astimezone(timezone.utc),
    ("System.DateTime", "today"): lambda i: i.now().replace(
        hour=0, minute=0, second=0, microsecond=0
    ),
    ("System.DateTime", "minvalue"): lambda i: datetime(1, 1, 1),
    ("System.DateTime", "maxvalue"): lambda i: datetime(9999, 12, 31, 23, 59, 59, 999999),
    ("System.TimeSpan", "zero"): lambda i: timedelta(),
    ("System.Guid", "empty"): lambda i: cast(str(uuid.UUID(int=0)), TypeRef("System.Guid")),
    ("System.Text.Encoding", "utf8"): lambda i: Encoding("utf-8"),
    ("System.Text.Encoding", "unicode"): lambda i: Encoding("utf-16-le"),
    ("System.Text.Encoding", "ascii"): lambda i: Encoding("ascii"),
    ("System.Text.Encoding", "default"): lambda i: Encoding("cp1252"),
    ("System.Console", "out"): lambda i: TextWriter(i.streams.out),
    ("System.Console", "error"): lambda i: TextWriter(i.streams.raw_error_text),
    ("System.Console", "inputencoding"): lambda i: Encoding(i.streams.input_codec),
    ("System.Console", "outputencoding"): lambda i: Encoding(i.streams.output_codec),
    ("System.Environment", "machinename"): lambda i: i.machine.name,
    ("System.Environment", "newline"): lambda i: "\r\n",
    ("System.Environment", "username"): lambda i: i.machine.environment_variable("USERNAME"),
    ("System.Environment", "is64bitprocess"): lambda i: True,
    ("System.Environment", "exitcode"): lambda i: 0,
    ("System.Globalization.CultureInfo", "invariantculture"): lambda i: CustomObject(
        type_names=("System.Globalization.CultureInfo", "System.Object"), text=""
    ),
}
