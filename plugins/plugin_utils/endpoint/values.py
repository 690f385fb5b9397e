# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How values cross between Python and a PowerShell session, in both directions, without a loss that
goes unseen.

psrpcore would send many Python types as empty objects and hand out results whose enums and
properties need care, so both directions are spelled out here. psrpcore is imported on use: reading
an option must not cost its import.
"""

from __future__ import annotations

import base64
import enum
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Context, Decimal
from queue import Queue
from typing import Any, Union

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.clixml_repair import (
    MEMBER_SET,
)

DESERIALIZED = "Deserialized."
MASK = "********"

# Exchange's own objects are at most 6 levels deep; the limits only stop hostile or broken answers.
_DEEPEST_RESULT = 40
_DEEPEST_PARAMETER = 20

# A decimal of .NET is an integer of 96 bits with up to 28 of its digits behind the point.
_DECIMAL_DIGITS = 28
_LARGEST_DECIMAL = 2**96 - 1
_WIDE = Context(prec=100)
_LARGEST_OFFSET = timedelta(hours=14)


@dataclass(frozen=True)
class RemoteEnum:
    """An enum value: `text` such as "IMAP, SMTP" and its number; compare by text, numbers are not
    documented."""

    text: str
    number: int
    type_names: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The single names of a flags enum; the zero value's name (None) counts as a name too."""
        return frozenset(part.strip() for part in self.text.split(",") if part.strip())


@dataclass(frozen=True)
class RemoteObject:
    """An object of the session: .NET type names (most special first), ToString text, properties by
    name."""

    type_names: tuple[str, ...] = ()
    text: str | None = None
    # Blobs of many kilobytes are among them: not for a repr.
    properties: dict[str, Value] = field(default_factory=dict, repr=False)

    def get(self, name: str, default: Value = None) -> Value:
        """The property's value, by name without regard to case as in PowerShell."""
        if name in self.properties:
            return self.properties[name]
        wanted = name.lower()
        for key, value in self.properties.items():
            if key.lower() == wanted:
                return value
        return default

    def has(self, name: str) -> bool:
        """Whether the answer carried the property at all (it may still be None)."""
        wanted = name.lower()
        return any(key.lower() == wanted for key in self.properties)

    def is_a(self, type_name: str) -> bool:
        """Whether the object is of this .NET type, given whole or as its last dotted part."""
        wanted = type_name.lower()
        return any(
            name.lower() == wanted or name.lower().endswith("." + wanted)
            for name in self.type_names
        )


Value = Union[
    None,
    bool,
    int,
    float,
    Decimal,
    str,
    bytes,
    datetime,
    timedelta,
    "list[Value]",
    "dict[str, Value]",
    RemoteEnum,
    RemoteObject,
]


class Secret:
    """Text that travels as a SecureString and is never shown."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = str.__str__(text)

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(********)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> Any:
        raise TypeError("a Secret is not to be pickled")


@dataclass(frozen=True)
class Credential:
    """A user with a password, which travels as a PSCredential and is never shown."""

    user: str
    password: Secret


def contains_secret(value: object) -> bool:
    """Whether sending this value needs the session key."""
    if isinstance(value, (Secret, Credential)):
        return True
    if isinstance(value, Mapping):
        return any(contains_secret(item) for item in value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(contains_secret(item) for item in value)
    return False


def from_python(value: object) -> Any:
    """The value as psrpcore has to be given it.

    Strings, lists and mappings may be of Ansible's own subclasses; they come out as plain ones.

    Raises:
        TypeError: The type has no faithful form on the wire.
        ValueError: The value is out of range.
    """
    return _from_python(value, depth=0)


def _from_python(value: object, *, depth: int) -> Any:
    from psrpcore.types import PSCredential, PSDouble, PSInt64, PSSecureString, PSUInt64

    if depth > _DEEPEST_PARAMETER:
        raise ValueError("a parameter value is nested too deeply, or contains itself")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        raise TypeError(f"cannot send {type(value).__name__}: give the enum's name as text")
    if isinstance(value, Secret):
        return PSSecureString(_whole_characters(value.reveal()))
    if isinstance(value, Credential):
        password = PSSecureString(_whole_characters(value.password.reveal()))
        return PSCredential(UserName=_sendable_text(value.user), Password=password)
    if isinstance(value, str):
        return _sendable_text(str.__str__(value))
    if isinstance(value, int):
        number = int(value)
        if -(2**31) <= number < 2**31:
            return number
        # psrpcore would send numbers below -2^31 as Int32, which the server cannot read.
        if -(2**63) <= number < 2**63:
            return PSInt64(number)
        if 0 <= number < 2**64:
            return PSUInt64(number)
        raise ValueError("an integer parameter does not fit into 64 bits")
    if isinstance(value, float):
        # A plain float would be sent as a single and lose digits.
        return PSDouble(float(value))
    if isinstance(value, Decimal):
        return _sendable_decimal(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, uuid.UUID):
        return value
    if isinstance(value, datetime):
        return _sendable_date(value)
    if isinstance(value, timedelta):
        # psrpcore 0.3.1 drops the zeros of the seconds (10 s becomes PT1S); .NET parses this text.
        return time_span_text(value)
    if isinstance(value, Mapping):
        entries: dict[str, Any] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError("the keys of a mapping parameter must be text")
            entries[_sendable_text(str.__str__(key))] = _from_python(item, depth=depth + 1)
        return entries
    if isinstance(value, (list, tuple)):
        return [_from_python(item, depth=depth + 1) for item in value]
    if isinstance(value, (set, frozenset)):
        # Sorted, so that the same task always sends the same request.
        return [_from_python(item, depth=depth + 1) for item in sorted(value, key=repr)]
    raise TypeError(f"cannot send a value of type {type(value).__name__} to a cmdlet")


def _sendable_text(text: str) -> str:
    if any(character in "\ufffe\uffff" for character in text):
        raise ValueError("a text parameter contains U+FFFE or U+FFFF, which XML cannot carry")
    return _whole_characters(text)


def _whole_characters(text: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(
            "a text parameter contains half of a surrogate pair, which XML cannot carry"
        )
    return text


class _PlainDecimal(Decimal):
    """A number that writes all its digits: .NET reads no exponent where a decimal is due."""

    def __str__(self) -> str:
        return format(self, "f")


def _sendable_decimal(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError("a Decimal parameter must be finite")
    exponent = int(value.as_tuple().exponent)
    # The sizes first: all digits of 1E+999999 would be a text of a megabyte.
    if (
        value.adjusted() > _DECIMAL_DIGITS
        or exponent < -_DECIMAL_DIGITS
        or abs(int(value.scaleb(-min(exponent, 0), _WIDE))) > _LARGEST_DECIMAL
    ):
        raise ValueError("a Decimal parameter has more digits than a decimal of .NET (28)")
    return _PlainDecimal(value)


def _sendable_date(value: datetime) -> datetime:
    offset = value.utcoffset()
    if offset is None:
        value = value.replace(tzinfo=None)
    elif offset % timedelta(minutes=1) or abs(offset) > _LARGEST_OFFSET:
        # .NET reads offsets in whole minutes, of 14 hours at most; the moment stays the same.
        try:
            value = value.astimezone(timezone.utc)
        except OverflowError:
            raise ValueError("a date parameter is outside of the years that .NET has") from None
    if value.year < 1000:
        raise ValueError("a date parameter before the year 1000 cannot be sent")
    return value


def time_span_text(span: timedelta) -> str:
    """A time span in .NET's constant format, `[-][d.]hh:mm:ss[.fffffff]`."""
    sign = "-" if span < timedelta(0) else ""
    size = abs(span)
    minutes, seconds = divmod(size.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{size.days}." if size.days else ""
    fraction = f".{size.microseconds:06d}0" if size.microseconds else ""
    return f"{sign}{days}{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"


def to_plain(value: Any) -> Value:
    """A psrpcore result as plain Python.

    Adapted and extended properties are merged, extended ones last as in PowerShell; the seventh
    fraction digit of dates and times is cut; a part nested too deeply or containing itself is
    replaced by its text.
    """
    return _Reader().read(value)


class _Reader:
    """One conversion; remembers the objects above the current one."""

    def __init__(self) -> None:
        self._ancestors: set[int] = set()

    def read(self, value: Any) -> Value:
        if value is None or isinstance(value, bool):
            return value
        if _is_remote_enum(value):
            return _enum(value)
        if isinstance(value, int):
            return chr(value) if _is_character(value) else int(value)
        if isinstance(value, float):
            return float(value)
        if isinstance(value, Decimal):
            return Decimal(value)
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, bytes):
            return bytes(value)
        if isinstance(value, datetime):
            return _date(value)
        if isinstance(value, timedelta):
            return timedelta(
                days=value.days, seconds=value.seconds, microseconds=value.microseconds
            )
        if isinstance(value, uuid.UUID):
            return str(value)
        return self._read_nested(value)

    def _read_nested(self, value: Any) -> Value:
        if id(value) in self._ancestors or len(self._ancestors) >= _DEEPEST_RESULT:
            return _text(value)
        self._ancestors.add(id(value))
        try:
            if isinstance(value, list):
                return [self.read(item) for item in list.__iter__(value)]
            if isinstance(value, Queue):
                return [self.read(item) for item in list(value.queue)]
            if isinstance(value, dict):
                return {str(key): self.read(item) for key, item in dict.items(value)}
            return self._read_object(value)
        finally:
            self._ancestors.discard(id(value))

    def _read_object(self, value: Any) -> Value:
        from psrpcore.types import PSObject, PSSecureString, PSVersion

        if isinstance(value, PSSecureString):
            return MASK
        if isinstance(value, PSVersion):
            return str(value)
        if not isinstance(value, PSObject):
            raise TypeError(f"not a value of a PowerShell session: {type(value).__name__}")
        meta = value.PSObject
        properties: dict[str, Value] = {}
        for info in [*meta.adapted_properties, *meta.extended_properties]:
            properties.pop(info.name, None)
            item = info.get_value(value)
            if not _is_member_set(item):
                properties[info.name] = self.read(item)
        return RemoteObject(
            type_names=_type_names(meta.type_names), text=_text(value), properties=properties
        )


def _type_names(names: list[str]) -> tuple[str, ...]:
    return tuple(plain_type_name(name) for name in names)


def plain_type_name(name: str) -> str:
    """A .NET type name without the prefix that every deserialization on its way has added."""
    while name.startswith(DESERIALIZED):
        name = name[len(DESERIALIZED) :]
    return str.__str__(name)


def _is_remote_enum(value: Any) -> bool:
    # At deeper levels an enum is a plain string, so only the type names decide.
    meta = getattr(value, "PSObject", None)
    if meta is None or not isinstance(value, int):
        return False
    return any(name.endswith("System.Enum") for name in meta.type_names)


def _enum(value: Any) -> RemoteEnum:
    if isinstance(value, enum.Enum):
        text = str(value.name)
    else:
        to_string = value.PSObject.to_string
        text = str.__str__(to_string) if to_string is not None else str(int(value))
    return RemoteEnum(
        text=text, number=int(value), type_names=_type_names(value.PSObject.type_names)
    )


def _is_member_set(value: Any) -> bool:
    # A named group of members, mostly of what to display; not a property for PowerShell either.
    meta = getattr(value, "PSObject", None)
    return meta is not None and _type_names(meta.type_names[:1]) == (MEMBER_SET,)


def _is_character(value: int) -> bool:
    from psrpcore.types import PSChar

    return isinstance(value, PSChar)


def _date(value: datetime) -> datetime:
    return datetime(
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        tzinfo=value.tzinfo,
    )


def _text(value: Any) -> str | None:
    meta = getattr(value, "PSObject", None)
    text = meta.to_string if meta is not None else None
    return None if text is None else str.__str__(text)


def text_of(value: Value) -> str | None:
    """The value as PowerShell would show it inside a string; None stays None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (RemoteEnum, RemoteObject)):
        return value.text
    if isinstance(value, timedelta):
        return time_span_text(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return ", ".join(text_of(item) or "" for item in value)
    return str(value)


def list_of(value: Value) -> list[Value]:
    """The value as a list: None is an empty one, a single value a list of one."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def to_json_safe(value: Value | Mapping[str, Any]) -> Any:
    """The value with nothing that JSON lacks: dates as ISO 8601, bytes as base64, enums and spans
    as text.

    An object becomes a dict of its properties, or its text when it has none.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return _utc_text(value)
    if isinstance(value, (timedelta, RemoteEnum)):
        return text_of(value)
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, RemoteObject):
        if not value.properties:
            return to_json_safe(value.text)
        return {name: to_json_safe(item) for name, item in value.properties.items()}
    if isinstance(value, Mapping):
        return {str(key): to_json_safe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json_safe(item) for item in value]
    raise TypeError(f"not a value of a PowerShell session: {type(value).__name__}")


def in_utc(moment: datetime) -> datetime:
    """A moment of the server in UTC, which a moment without a zone already is.

    At the ends of time, where .NET's MinValue and MaxValue are and UTC may have no such year, it is
    the first or the last moment that there is.
    """
    if moment.utcoffset() is None:
        return moment.replace(tzinfo=timezone.utc)
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError:
        end = datetime.min if moment.year == datetime.min.year else datetime.max
        return end.replace(tzinfo=timezone.utc)


def _utc_text(moment: datetime) -> str:
    if moment.utcoffset() is None:
        return moment.isoformat()
    return in_utc(moment).isoformat().replace("+00:00", "Z")
