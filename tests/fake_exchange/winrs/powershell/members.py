# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which properties and methods do plain values have? Strings, arrays, numbers, dates, types; and
member access on anything, with enumeration over the elements of an array."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from .conversion import cast, to_text
from .errors import NetException, PowerShellError, runtime_error
from .formatting import format_value
from .operators import equal, order
from .string_methods import call_string_method
from .type_names import is_instance, type_from_text, type_names_of
from .values import (
    NOTHING,
    Char,
    CustomObject,
    EnumValue,
    Hashtable,
    MemberNotFound,
    MethodFailed,
    NetObject,
    TypeRef,
    as_sequence,
)


def get_member(value: object, name: str, *, strict: bool = False) -> object:
    """`value.name`; $null if there is no such property, an error in strict mode."""
    try:
        return _property(value, name)
    except MemberNotFound:
        pass
    items = as_sequence(value)
    if items is not None:
        found = [result for item in items for result in _enumerated(item, name)]
        if found:
            return found[0] if len(found) == 1 else found
    if strict:
        raise runtime_error(
            f"The property '{name}' cannot be found on this object. Verify that the property "
            "exists.",
            "PropertyNotFoundStrict",
            category="NotSpecified",
            exception_type="System.Management.Automation.PropertyNotFoundException",
        )
    return None


def _enumerated(item: object, name: str) -> list[object]:
    try:
        found = _property(item, name)
    except MemberNotFound:
        return []
    items = as_sequence(found)
    return [found] if items is None else items


def has_property(value: object, name: str) -> bool:
    try:
        _property(value, name)
    except MemberNotFound:
        return False
    return True


def _property(value: object, name: str) -> object:
    key = name.casefold()
    match value:
        case None:
            if key in ("count", "length"):
                return 0
            raise MemberNotFound(name)
        case NetObject():
            return _object_property(value, name)
        case list() | bytes():
            if key in ("count", "length", "longlength"):
                return len(value)
            if key == "rank":
                return 1
            raise MemberNotFound(name)
        case str() if not isinstance(value, Char) and key == "length":
            return len(value.encode("utf-16-le")) // 2
        case datetime():
            if key in _DATE_PROPERTIES:
                return _DATE_PROPERTIES[key](value)
        case timedelta():
            if key in _SPAN_PROPERTIES:
                return _SPAN_PROPERTIES[key](value)
        case EnumValue() if key == "value__":
            return value.number
        case TypeRef():
            return _type_property(value, name)
    if key in ("count", "length"):
        return 1
    if key == "pstypenames":
        return list(type_names_of(value))
    raise MemberNotFound(name)


def _object_property(value: NetObject, name: str) -> object:
    try:
        return value.get(name)
    except MemberNotFound:
        key = name.casefold()
        if key == "psobject":
            return PSObjectView(value)
        if key == "pstypenames":
            return list(value.type_names)
        if key in ("count", "length") and as_sequence(value) is None:
            return 1
        raise


def _type_property(value: TypeRef, name: str) -> object:
    full = str(value)
    match name.casefold():
        case "fullname":
            return full
        case "name":
            return full.rpartition(".")[2]
        case "namespace":
            return full.rpartition(".")[0]
        case "basetype":
            return TypeRef("System.Object")
        case "isarray":
            return value.element is not None
    raise MemberNotFound(name)


class PSObjectView(NetObject):
    """`.PSObject`: the properties of an object as data."""

    type_names = ("System.Management.Automation.PSMemberSet", "System.Object")

    def __init__(self, owner: NetObject) -> None:
        self._owner = owner

    def get(self, name: str) -> object:
        match name.casefold():
            case "properties":
                return PropertyCollection(self._owner)
            case "typenames":
                return list(self._owner.type_names)
            case "baseobject":
                return self._owner
        raise MemberNotFound(name)


class PropertyCollection(NetObject):
    """`.PSObject.Properties`: enumerable, indexed by name."""

    type_names = ("System.Management.Automation.PSMemberInfoCollection", "System.Object")

    def __init__(self, owner: NetObject) -> None:
        self.owner = owner

    def elements(self) -> list[object]:
        return [self.item(name) for name in self.owner.property_names()]

    def item(self, name: str) -> object:
        for known in self.owner.property_names():
            if known.casefold() == name.casefold():
                return CustomObject(
                    [
                        ("Name", known),
                        ("Value", self.owner.get(known)),
                        ("MemberType", "NoteProperty"),
                    ],
                    type_names=("System.Management.Automation.PSNoteProperty", "System.Object"),
                )
        return None

    def get(self, name: str) -> object:
        if name.casefold() == "name":
            return list(self.owner.property_names())
        if name.casefold() == "value":
            return [self.owner.get(known) for known in self.owner.property_names()]
        if name.casefold() in ("count", "length"):
            return len(self.owner.property_names())
        raise MemberNotFound(name)

    def call(self, name: str, arguments: list[object]) -> object:
        if name.casefold() == "match" and len(arguments) == 1:
            found = self.item(to_text(arguments[0]))
            return [] if found is None else [found]
        if name.casefold() == "remove" and isinstance(self.owner, CustomObject):
            self.owner.remove(to_text(arguments[0]))
            return NOTHING
        raise MemberNotFound(name)


def set_member(value: object, name: str, new: object) -> None:
    """`value.name = new`."""
    items = as_sequence(value)
    targets = items if items is not None else [value]
    for target in targets:
        try:
            if not isinstance(target, NetObject):
                raise MemberNotFound(name)
            target.set(name, new)
        except MemberNotFound:
            raise runtime_error(
                f"The property '{name}' cannot be found on this object. Verify that the property "
                "exists and can be set.",
                "PropertyNotFound",
            ) from None


def call_method(value: object, name: str, arguments: list[object]) -> object:
    """`value.name(arguments)`. .NET exceptions come wrapped as PowerShell does it."""
    if value is None:
        raise runtime_error(
            "You cannot call a method on a null-valued expression.", "InvokeMethodOnNull"
        )
    try:
        return _method(value, name, arguments)
    except MemberNotFound:
        pass
    except MethodFailed as failure:
        raise invocation_error(name, arguments, failure) from None
    items = as_sequence(value)
    if items:
        return [call_method(item, name, arguments) for item in items]
    type_name = type_names_of(value)[0]
    raise runtime_error(
        f"Method invocation failed because [{type_name}] does not contain a method named '{name}'.",
        "MethodNotFound",
        target_name=name,
        target_type="String",
    )


def invocation_error(name: str, arguments: list[object], failure: MethodFailed) -> PowerShellError:
    """MethodInvocationException around a .NET exception."""
    inner = NetException(failure.exception_type, failure.message)
    return runtime_error(
        f'Exception calling "{name}" with "{len(arguments)}" argument(s): "{failure.message}"',
        failure.exception_type.rpartition(".")[2],
        category="NotSpecified",
        exception_type="System.Management.Automation.MethodInvocationException",
        inner=inner,
    )


def _method(value: object, name: str, arguments: list[object]) -> object:
    key = name.casefold()
    if isinstance(value, NetObject):
        try:
            return value.call(name, arguments)
        except MemberNotFound:
            if isinstance(value, CustomObject | Hashtable) or key in _COMMON:
                return _common_method(value, key, arguments)
            raise
    if isinstance(value, str) and not isinstance(value, Char):
        result = call_string_method(str(value), key, arguments)
        if result is not NotImplemented:
            return result
    if isinstance(value, datetime) and key in _DATE_METHODS:
        return _DATE_METHODS[key](value, *arguments)
    if isinstance(value, timedelta) and key in ("add", "subtract") and len(arguments) == 1:
        other = arguments[0]
        assert isinstance(other, timedelta)
        return value + other if key == "add" else value - other
    if isinstance(value, list):
        match key, arguments:
            case ("contains", [wanted]):
                return any(equal(item, wanted, case=True) for item in value)
            case ("indexof", [wanted]):
                matches = [i for i, item in enumerate(value) if equal(item, wanted, case=True)]
                return matches[0] if matches else -1
            case ("clone", []):
                return list(value)
            case ("getvalue", [int(index)]):
                return value[index]
    if isinstance(value, TypeRef) and key == "isinstanceoftype":
        return is_instance(arguments[0], value)
    return _common_method(value, key, arguments)


_COMMON = frozenset({"tostring", "gettype", "equals", "gethashcode", "compareto"})


def _common_method(value: object, key: str, arguments: list[object]) -> object:
    match key, arguments:
        case ("tostring", []):
            if isinstance(value, list | bytes):
                return type_names_of(value)[0]
            if isinstance(value, datetime):
                return format_value(value, "G")
            return to_text(value)
        case ("tostring", [layout, *_]):
            return format_value(value, to_text(layout) if isinstance(layout, str) else "")
        case ("gettype", []):
            name = type_names_of(value)[0]
            return type_from_text(name) or TypeRef(name)
        case ("equals", [other]):
            return type_names_of(value) == type_names_of(other) and equal(value, other, case=True)
        case ("compareto", [other]):
            return order(value, other, case=True)
        case ("gethashcode", []):
            return hash(to_text(value)) % 2**31
        case ("hasflag", [other]) if isinstance(value, EnumValue):
            flag = cast(other, TypeRef(value.type_name))
            assert isinstance(flag, EnumValue)
            return value.number & flag.number == flag.number
    raise MemberNotFound(key)


def _kind(value: datetime) -> EnumValue:
    if value.tzinfo is timezone.utc:
        return EnumValue("System.DateTimeKind", "Utc", 1)
    return EnumValue("System.DateTimeKind", "Local", 2)


def _date_ticks(value: datetime) -> int:
    return (value.replace(tzinfo=None) - datetime(1, 1, 1)) // timedelta(microseconds=1) * 10


def _to_universal(value: datetime) -> datetime:
    return value if value.tzinfo is timezone.utc else value.astimezone(timezone.utc)


def _to_local(value: datetime) -> datetime:
    return value.astimezone().replace(tzinfo=None) if value.tzinfo else value


_DATE_PROPERTIES: dict[str, Callable[[datetime], object]] = {
    "year": lambda d: d.year,
    "month": lambda d: d.month,
    "day": lambda d: d.day,
    "hour": lambda d: d.hour,
    "minute": lambda d: d.minute,
    "second": lambda d: d.second,
    "millisecond": lambda d: d.microsecond // 1000,
    "ticks": _date_ticks,
    "date": lambda d: d.replace(hour=0, minute=0, second=0, microsecond=0),
    "kind": _kind,
    "dayofyear": lambda d: d.timetuple().tm_yday,
    "dayofweek": lambda d: EnumValue("System.DayOfWeek", d.strftime("%A"), (d.weekday() + 1) % 7),
}
_DATE_METHODS: dict[str, Callable[..., object]] = {
    "touniversaltime": _to_universal,
    "tolocaltime": _to_local,
    "addmilliseconds": lambda d, n: d + timedelta(milliseconds=float(n)),
    "addseconds": lambda d, n: d + timedelta(seconds=float(n)),
    "addminutes": lambda d, n: d + timedelta(minutes=float(n)),
    "addhours": lambda d, n: d + timedelta(hours=float(n)),
    "adddays": lambda d, n: d + timedelta(days=float(n)),
    "add": lambda d, span: d + span,
    "subtract": lambda d, other: d - other,
}
_SPAN_PROPERTIES: dict[str, Callable[[timedelta], object]] = {
    "totaldays": lambda t: t / timedelta(days=1),
    "totalhours": lambda t: t / timedelta(hours=1),
    "totalminutes": lambda t: t / timedelta(minutes=1),
    "totalseconds": lambda t: t / timedelta(seconds=1),
    "totalmilliseconds": lambda t: t / timedelta(milliseconds=1),
    "days": lambda t: int(t / timedelta(days=1)),
    "hours": lambda t: abs(t) // timedelta(hours=1) % 24,
    "minutes": lambda t: abs(t) // timedelta(minutes=1) % 60,
    "seconds": lambda t: abs(t) // timedelta(seconds=1) % 60,
    "milliseconds": lambda t: abs(t).microseconds // 1000,
    "ticks": lambda t: t // timedelta(microseconds=1) * 10,
}
