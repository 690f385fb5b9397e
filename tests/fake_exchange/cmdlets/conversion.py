# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What value does a parameter take? Conversions as PowerShell's binder does them for the .NET type
a cmdlet declares, from what PSRP delivers: lists for arrays and multi-valued properties, names for
enums, numbers for booleans. Everything else is refused, as there."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fake_exchange.cmdlets.registry import Credential, SecureText
from fake_exchange.organisation import bindings

#: From a delivered value to the cmdlet's value; raises `ConversionError`.
Converter = Callable[[Any], Any]

_TYPE_NAMES = {
    str: "System.String",
    bool: "System.Boolean",
    int: "System.Int32",
    float: "System.Double",
    bytes: "System.Byte[]",
    list: "System.Collections.ArrayList",
    dict: "System.Collections.Hashtable",
    datetime: "System.DateTime",
    SecureText: "System.Security.SecureString",
    Credential: "System.Management.Automation.PSCredential",
}


class ConversionError(Exception):
    """The value does not fit; the text goes into the binder's message."""


def type_name(value: Any) -> str:
    return _TYPE_NAMES.get(type(value), type(value).__name__)


def _refuse(value: Any, wanted: str) -> ConversionError:
    """Names the type, and the value only where it cannot be a secret."""
    shown = f'"{value}"' if isinstance(value, (str, int, float)) else f'"{type_name(value)}"'
    if wanted == "System.Security.SecureString":
        shown = "the"
    return ConversionError(
        f'Cannot convert {shown} value of type "{type_name(value)}" to type "{wanted}".'
    )


def text(value: Any) -> str | None:
    """System.String: numbers are printed, lists and byte arrays refused."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return str(value)
    raise _refuse(value, "System.String")


def text_or_empty(value: Any) -> str:
    """A text property of the directory: $null clears it, and it is shown as empty."""
    return text(value) or ""


def required_text(value: Any) -> str:
    converted = text(value)
    if not converted:
        raise ConversionError("The argument is null or empty.")
    return converted


def boolean(value: Any) -> bool:
    """System.Boolean: only booleans and numbers, no text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value != 0
    raise ConversionError(
        f'Cannot convert value "{type_name(value)}" to type "System.Boolean". Boolean parameters '
        "accept only Boolean values and numbers, such as $True, $False, 1 or 0."
    )


def switch(value: Any) -> bool:
    """SwitchParameter; given without a value it is true."""
    if value is None:
        return True
    try:
        return boolean(value)
    except ConversionError:
        raise _refuse(value, "System.Management.Automation.SwitchParameter") from None


def integer(value: Any) -> int:
    """System.Int32, also from digits."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d+\s*", value):
        value = int(value)
    if isinstance(value, int) and -(2**31) <= value < 2**31:
        return value
    raise _refuse(value, "System.Int32")


def byte_array(value: Any) -> bytes:
    """System.Byte[]: bytes, or a list of numbers below 256."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, list) and all(type(item) is int and 0 <= item < 256 for item in value):
        return bytes(value)
    raise _refuse(value, "System.Byte[]")


def secure_text(value: Any) -> SecureText | None:
    """System.Security.SecureString: plain text is refused."""
    if value is None or isinstance(value, SecureText):
        return value
    raise _refuse(value, "System.Security.SecureString")


def credential(value: Any) -> Credential | None:
    """System.Management.Automation.PSCredential; a name alone would ask for the password."""
    if value is None or isinstance(value, Credential):
        return value
    raise _refuse(value, "System.Management.Automation.PSCredential")


def moment(value: Any) -> datetime:
    """System.DateTime, also from ISO text."""
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _refuse(value, "System.DateTime") from None


def strings(value: Any) -> list[str]:
    """System.String[]: one text is a list of one."""
    items = value if isinstance(value, list) else [value]
    return [required_text(item) for item in items]


@dataclass(frozen=True)
class MultiValue:
    """A change of a multi-valued property: a new list, or additions and removals."""

    replace: tuple[str, ...] | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def applied_to(self, current: Iterable[str]) -> list[str]:
        """The list after the change; names are compared without case."""
        if self.replace is not None:
            return list(self.replace)
        dropped = {item.casefold() for item in self.remove}
        kept = [item for item in current if item.casefold() not in dropped]
        present = {item.casefold() for item in kept}
        return kept + [item for item in self.add if item.casefold() not in present]


def multi_value(item: Callable[[Any], str] = required_text) -> Converter:
    """MultiValuedProperty: a value, a list, ``@{Add=..;Remove=..}`` or $null (empties it)."""

    def several(value: Any) -> tuple[str, ...]:
        return tuple(item(one) for one in (value if isinstance(value, list) else [value]))

    def convert(value: Any) -> MultiValue:
        if value is None:
            return MultiValue(replace=())
        if not isinstance(value, dict):
            return MultiValue(replace=several(value))
        keys = {str(key).casefold(): content for key, content in value.items()}
        unknown = set(keys) - {"add", "remove"}
        if unknown or not keys:
            raise ConversionError(
                "The hashtable of a multi-valued property takes the keys Add and Remove only."
            )
        return MultiValue(
            add=several(keys["add"]) if keys.get("add") is not None else (),
            remove=several(keys["remove"]) if keys.get("remove") is not None else (),
        )

    return convert


def _enum_names(value: Any, names: Sequence[str], wanted: str) -> list[str]:
    known = {name.casefold(): name for name in names}
    items = value if isinstance(value, list) else [value]
    found = []
    for item in items:
        if not isinstance(item, str):
            raise _refuse(value, wanted)
        for word in item.split(","):
            name = known.get(word.strip().casefold())
            if name is None:
                raise ConversionError(
                    f'Cannot convert value "{item}" to type "{wanted}". Error: "Unable to match '
                    f"the identifier name {word.strip()} to a valid enumerator name. Specify one "
                    f'of the following enumerator names and try again: {", ".join(names)}"'
                )
            found.append(name)
    return found


def enumeration(wanted: str, names: Sequence[str], *, nullable: bool = False) -> Converter:
    """An enum with one value, by name or number (position in ``names``)."""

    def convert(value: Any) -> str | None:
        if value is None and nullable:
            return None
        if type(value) is int and 0 <= value < len(names):
            return names[value]
        found = _enum_names(value, names, wanted)
        if len(found) != 1:
            raise _refuse(value, wanted)
        return found[0]

    return convert


def flags(wanted: str, names: Sequence[str], *, none: str = "None") -> Converter:
    """A flags enum: names in a list or separated by commas, or the number (bit n is the nth
    name). The result keeps the enum's order; ``none`` is the name for no bit."""

    def convert(value: Any) -> list[str]:
        if type(value) is int:
            if value < 0 or value >> len(names):
                raise _refuse(value, wanted)
            return [name for bit, name in enumerate(names) if value >> bit & 1]
        found = set(_enum_names(value, [none, *names], wanted)) - {none}
        return [name for name in names if name in found]

    return convert


def domain_name(value: Any) -> str | None:
    """Fqdn and SmtpDomain; $null and empty text clear."""
    converted = text(value)
    if not converted:
        return None
    if not re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_-]*)(\.[A-Za-z0-9_-]+)*", converted):
        raise ConversionError(f'"{converted}" isn\'t a valid SMTP domain.')
    return converted


def domain_with_subdomains(value: Any) -> str | None:
    """SmtpDomainWithSubdomains: a domain, ``*.domain`` or ``*``."""
    converted = text(value)
    if converted in (None, "", "*"):
        return converted or None
    if converted.startswith("*."):
        return f"*.{domain_name(converted[2:])}"
    return domain_name(converted)


def duration(value: Any) -> int:
    """EnhancedTimeSpan as whole seconds, from a time span or ``[d.]hh:mm:ss``."""
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    match = re.fullmatch(r"(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2}))?", str(value).strip())
    if not match:
        raise _refuse(value, "Microsoft.Exchange.Data.EnhancedTimeSpan")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def size(value: Any) -> int:
    """ByteQuantifiedSize in bytes, from a number or ``35MB``, ``35 MB (36,700,160 bytes)``."""
    if type(value) is int and value >= 0:
        return value
    match = re.match(r"\s*(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)?\b", str(value), re.IGNORECASE)
    if not match:
        raise _refuse(value, "Microsoft.Exchange.Data.ByteQuantifiedSize")
    power = ("B", "KB", "MB", "GB", "TB").index((match[2] or "B").upper())
    return int(float(match[1]) * 1024**power)


def unlimited(convert: Converter) -> Converter:
    """Unlimited<T>: None for ``Unlimited``."""
    return lambda value: None if str(value).strip().casefold() == "unlimited" else convert(value)


def ip_address(value: Any) -> str:
    """System.Net.IPAddress."""
    try:
        return str(ipaddress.ip_address(required_text(value).strip()))
    except ValueError:
        raise _refuse(value, "System.Net.IPAddress") from None


def ip_binding(value: Any) -> str:
    """``address:port``; IPv6 in square brackets."""
    try:
        address, number = bindings.parse_binding(required_text(value).strip())
    except ValueError:
        raise _refuse(value, "Microsoft.Exchange.Data.IPBinding") from None
    return f"[{address}]:{number}" if ":" in address else f"{address}:{number}"


def ip_range(value: Any) -> str:
    """An address, ``a-b`` or ``a/prefix``."""
    converted = required_text(value).replace(" ", "")
    try:
        bindings.parse_range(converted)
    except ValueError:
        raise _refuse(value, "Microsoft.Exchange.Data.IPRange") from None
    return converted


def smart_host(value: Any) -> str:
    """A host name, or an address, which is kept in square brackets."""
    converted = required_text(value).strip()
    try:
        return f"[{ipaddress.ip_address(converted.strip('[]'))}]"
    except ValueError:
        pass
    if re.fullmatch(r"[0-9.]+|.*\s.*|.*:.*", converted):
        raise _refuse(value, "Microsoft.Exchange.Data.SmartHost")
    try:
        return domain_name(converted) or converted
    except ConversionError:
        raise _refuse(value, "Microsoft.Exchange.Data.SmartHost") from None


def address_space(value: Any) -> str:
    """``type:address;cost`` with everything said: SMTP and 1 are what may be left out."""
    converted = required_text(value).strip()
    kind, colon, rest = converted.partition(":")
    if not colon:
        kind, rest = "SMTP", converted
    address, _, cost = rest.rpartition(";") if ";" in rest else (rest, "", "1")
    if not re.fullmatch(r"\d{1,3}", cost) or not 1 <= int(cost) <= 100:
        raise _refuse(value, "Microsoft.Exchange.Data.AddressSpace")
    if not kind.strip() or not address.strip():
        raise _refuse(value, "Microsoft.Exchange.Data.AddressSpace")
    if kind.strip().upper() == "SMTP":
        try:
            domain_with_subdomains(address.removeprefix("--") or "x")
        except ConversionError:
            raise _refuse(value, "Microsoft.Exchange.Data.AddressSpace") from None
    return f"{kind.strip()}:{address.strip()};{int(cost)}"
