# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When do two values of a connector's property mean the same, and how is a value read and sent?

A kind of value knows four things: the option that takes it, the plain form of what Exchange shows,
the meaning by which two forms are compared, and what the cmdlet is sent. Whatever a kind reads can
be written again and means the same.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    Value,
    list_of,
    text_of,
    time_span_text,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
    is_canonical,
    read_stored,
)

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

UNLIMITED = "Unlimited"
HYBRID_FEATURES = (
    "FreeBusy",
    "MoveMailbox",
    "Mailtips",
    "MessageTracking",
    "OwaRedirection",
    "OnlineArchive",
    "SecureMail",
    "CentralizedTransport",
    "Photos",
)
_UNITS = {"b": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?b)?", re.IGNORECASE)
# What Exchange prints behind a rounded size, with separators of the server's language.
_EXACT_BYTES = re.compile(r"\(([\d.,'\s\u00a0\u202f]+)\s*bytes\)", re.IGNORECASE)
_TIME_SPAN = re.compile(r"(-?)(?:(\d+)\.)?(\d+):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?")


@dataclass(frozen=True)
class Kind:
    """A text, compared without case; empty and not set are the same. The base of all kinds."""

    argument: dict[str, Any] = field(default_factory=lambda: {"type": "str"})
    # How the documentation of a module shows the result.
    result: str = "str"

    def read(self, value: Value) -> object:
        """The plain, JSON-safe form of what Exchange shows."""
        return (text_of(value) or "").strip() or None

    def meaning(self, value: Any) -> object:
        """What is compared.

        Raises:
            InvalidInput: the value is none of this kind.
        """
        return str(value).strip().casefold() if value is not None else ""

    def normalize(self, value: Any) -> object:
        """The value that a task gives, in the form in which Exchange would show it."""
        return str(value).strip() or None

    def parameter(self, value: Any) -> object:
        """What the cmdlet is sent for a normalized value; None clears."""
        return value

    def same(self, wanted: Any, actual: Any) -> bool:
        """Whether both mean the same."""
        return self.meaning(wanted) == self.meaning(actual)


@dataclass(frozen=True)
class ExactText(Kind):
    """A text that people read, such as a comment: case counts."""

    def meaning(self, value: Any) -> object:
        return str(value or "").strip()

    def parameter(self, value: Any) -> object:
        return value or ""


@dataclass(frozen=True)
class CredentialUser(Kind):
    """Whom a connector logs in as; the password of such a credential is never shown."""

    def read(self, value: Value) -> object:
        user = value.get("UserName") if isinstance(value, RemoteObject) else value
        return (text_of(user) or "").strip() or None


@dataclass(frozen=True)
class Boolean(Kind):
    argument: dict[str, Any] = field(default_factory=lambda: {"type": "bool"})
    result: str = "bool"

    def read(self, value: Value) -> object:
        return value if isinstance(value, bool) else None

    def meaning(self, value: Any) -> object:
        return bool(value)

    def normalize(self, value: Any) -> object:
        return bool(value)


@dataclass(frozen=True)
class Number(Kind):
    argument: dict[str, Any] = field(default_factory=lambda: {"type": "int"})
    result: str = "int"

    def read(self, value: Value) -> object:
        text = text_of(value) or ""
        return int(text) if text.isdigit() else None

    def meaning(self, value: Any) -> object:
        return value

    def normalize(self, value: Any) -> object:
        if int(value) < 0:
            raise InvalidInput(f"'{value}' is no number from 0 up.")
        return int(value)


@dataclass(frozen=True)
class LimitedNumber(Kind):
    """A number, or Unlimited."""

    def meaning(self, value: Any) -> object:
        text = str(value if value is not None else "").strip()
        if text.casefold() == UNLIMITED.casefold():
            return UNLIMITED
        if text and not text.isdigit():
            raise InvalidInput(f"'{text}' is neither a number nor {UNLIMITED}.")
        return int(text) if text else None

    def normalize(self, value: Any) -> object:
        meaning = self.meaning(value)
        if meaning is None:
            raise InvalidInput(f"'' is neither a number nor {UNLIMITED}.")
        return str(meaning)


@dataclass(frozen=True)
class Size(Kind):
    """A number of bytes such as ``36 MB (37,748,736 bytes)``, ``36MB`` or ``37748736``."""

    limited: bool = False

    def meaning(self, value: Any) -> object:
        text = str(value if value is not None else "").strip()
        if not text:
            return None
        if self.limited and text.casefold() == UNLIMITED.casefold():
            return UNLIMITED
        exact = _EXACT_BYTES.search(text)
        if exact:
            return int(re.sub(r"\D", "", exact[1]))
        found = _SIZE.fullmatch(text)
        if not found:
            raise InvalidInput(
                f"'{text}' is no size: give a number with B, KB, MB or GB, such as 36 MB"
                + (f", or {UNLIMITED}." if self.limited else ".")
            )
        return round(float(found[1]) * _UNITS[(found[2] or "b").casefold()])

    def normalize(self, value: Any) -> object:
        meaning = self.meaning(value)
        if meaning is None:
            raise InvalidInput("'' is no size.")
        return meaning if meaning == UNLIMITED else size_text(int(str(meaning)))

    def parameter(self, value: Any) -> object:
        meaning = self.meaning(value)
        return meaning if meaning == UNLIMITED else f"{meaning} B"


def size_text(count: int) -> str:
    """A number of bytes as Exchange prints it."""
    for unit in ("TB", "GB", "MB", "KB"):
        factor = _UNITS[unit.casefold()]
        if count >= factor:
            return f"{count / factor:.4g} {unit} ({count:,} bytes)"
    return f"{count} B ({count:,} bytes)"


@dataclass(frozen=True)
class TimeSpan(Kind):
    """A time span, ``[d.]hh:mm:ss`` as .NET writes it."""

    def meaning(self, value: Any) -> object:
        text = str(value if value is not None else "").strip()
        if not text:
            return None
        found = _TIME_SPAN.fullmatch(text)
        if found is None or int(found[4]) > 59 or int(found[5] or 0) > 59:
            raise InvalidInput(f"'{text}' is no time span: give it as [d.]hh:mm:ss.")
        sign, days, hours, minutes, seconds, fraction = found.groups()
        span = timedelta(
            days=int(days or 0),
            hours=int(hours),
            minutes=int(minutes),
            seconds=int(seconds or 0),
            microseconds=int((fraction or "").ljust(7, "0")[:6]),
        )
        return -span if sign else span

    def normalize(self, value: Any) -> object:
        meaning = self.meaning(value)
        if not isinstance(meaning, timedelta):
            raise InvalidInput("'' is no time span: give it as [d.]hh:mm:ss.")
        return time_span_text(meaning)


@dataclass(frozen=True)
class Choice(Kind):
    """One of an enum's names; with `clears`, that name means "not set"."""

    clears: str = ""

    def meaning(self, value: Any) -> object:
        text = str(value or "").strip().casefold()
        return "" if self.clears and text == self.clears.casefold() else text

    def normalize(self, value: Any) -> object:
        return str(value).strip() if self.meaning(value) else None


def choice(*names: str, clears: str = "") -> Choice:
    """The kind of an enum with these names."""
    names = (*names, clears) if clears else names
    return Choice(argument={"type": "str", "choices": list(names)}, clears=clears)


@dataclass(frozen=True)
class Flags(Kind):
    """Names of a flags enum: without order; `ignored` ones come and go by themselves."""

    argument: dict[str, Any] = field(default_factory=lambda: {"type": "list", "elements": "str"})
    result: str = "list"
    order: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    # The name of the value without any flag.
    empty: str = "None"

    def read(self, value: Value) -> object:
        return self._sorted(_parts(value))

    def meaning(self, value: Any) -> object:
        passed_over = {self.empty.casefold(), *(name.casefold() for name in self.ignored)}
        return frozenset(name.casefold() for name in _parts(value)) - passed_over

    def normalize(self, value: Any) -> object:
        names = _parts(value)
        if len(names) > 1 and self.empty.casefold() in {name.casefold() for name in names}:
            raise InvalidInput(f"{self.empty} stands alone.")
        return self._sorted(names)

    def parameter(self, value: Any) -> object:
        passed_over = {name.casefold() for name in self.ignored}
        return ", ".join(name for name in value if name.casefold() not in passed_over) or self.empty

    def _sorted(self, names: list[str]) -> list[str]:
        places = {name.casefold(): index for index, name in enumerate(self.order)}
        spelled = {name.casefold(): name for name in self.order}
        kept = dict.fromkeys(
            spelled.get(name.casefold(), name)
            for name in names
            if name.casefold() != self.empty.casefold()
        )
        return sorted(kept, key=lambda name: (places.get(name.casefold(), 99), name.casefold()))


def flags(*names: str, ignored: tuple[str, ...] = (), empty: str = "None") -> Flags:
    """The kind of a flags enum; the ignored ones are understood, and never sent."""
    choices = [empty, *names, *ignored]
    return Flags(
        argument={"type": "list", "elements": "str", "choices": choices},
        order=(*names, *ignored),
        ignored=ignored,
        empty=empty,
    )


@dataclass(frozen=True)
class TextList(Kind):
    """A list whose order means nothing, but how often an entry is in it does."""

    argument: dict[str, Any] = field(default_factory=lambda: {"type": "list", "elements": "str"})
    result: str = "list"

    def read(self, value: Value) -> object:
        return [text for item in list_of(value) if (text := (text_of(item) or "").strip())]

    def meaning(self, value: Any) -> object:
        return Counter(self.key(str(item)) for item in value or () if str(item).strip())

    def normalize(self, value: Any) -> object:
        entries = [text for item in value if (text := str(item).strip())]
        self.meaning(entries)
        return entries

    def parameter(self, value: Any) -> object:
        return list(value) or None

    def key(self, entry: str) -> object:
        """What an entry means.

        Raises:
            InvalidInput: nothing that Exchange would understand.
        """
        return entry.strip().casefold()


@dataclass(frozen=True)
class AddressSpaces(TextList):
    """``contoso.com`` is ``SMTP:contoso.com;1``."""

    def key(self, entry: str) -> object:
        # An X.400 address has semicolons of its own; only a number behind the last one is a cost.
        head, semicolon, cost = entry.strip().rpartition(";")
        if not semicolon or not cost.strip().isdigit():
            head, cost = entry.strip(), "1"
        kind, colon, address = head.partition(":")
        if not colon:
            kind, address = "SMTP", head
        if not address.strip():
            raise InvalidInput(
                f"'{entry}' is no address space: give it as domain, domain;cost or "
                "type:address;cost."
            )
        return kind.strip().casefold(), address.strip().casefold(), int(cost)


@dataclass(frozen=True)
class SmartHosts(TextList):
    """Names, or addresses that may stand in brackets."""

    def key(self, entry: str) -> object:
        text = entry.strip().casefold()
        return _address(text[1:-1] if text.startswith("[") and text.endswith("]") else text) or text


@dataclass(frozen=True)
class Servers(TextList):
    """Servers, whose first label is their name in Exchange."""

    def key(self, entry: str) -> object:
        return entry.strip().partition(".")[0].casefold()


@dataclass(frozen=True)
class HybridDomains(TextList):
    """Domains of a hybrid configuration; ``autod:`` marks the one whose Autodiscover serves all."""


@dataclass(frozen=True)
class HybridFeatures(TextList):
    """Features of a hybrid configuration; Microsoft's page calls one Centralized."""

    argument: dict[str, Any] = field(
        default_factory=lambda: {
            "type": "list",
            "elements": "str",
            "choices": list(HYBRID_FEATURES),
        }
    )

    def key(self, entry: str) -> object:
        name = entry.strip().casefold()
        return "centralizedtransport" if name == "centralized" else name


@dataclass(frozen=True)
class IPBindings(TextList):
    """Local addresses with a port, ``0.0.0.0:25`` and ``[::]:25``."""

    def key(self, entry: str) -> object:
        host, colon, port = entry.strip().rpartition(":")
        address = _address(host.strip("[]"))
        if not colon or not port.isdigit() or int(port) > 65535 or address is None:
            raise InvalidInput(
                f"'{entry}' is no binding: give it as address:port, such as 0.0.0.0:25 or [::]:25."
            )
        return address, int(port)


@dataclass(frozen=True)
class IPRanges(TextList):
    """Remote addresses: single ones, ranges with a hyphen, networks with a prefix or a mask."""

    def key(self, entry: str) -> object:
        return self.limits(entry)

    def limits(self, entry: str) -> tuple[IPAddress, IPAddress]:
        """The first and the last address."""
        text = entry.strip()
        try:
            # A single address as well as 192.0.2.0/24, 192.0.2.0(255.255.255.0).
            if "-" not in text:
                plain = text.replace("(", "/").rstrip(")")
                network = ipaddress.ip_network(plain, strict=False)
                return network[0], network[-1]
            first, last = (ipaddress.ip_address(part.strip()) for part in text.split("-"))
        except ValueError:
            raise InvalidInput(
                f"'{entry}' is no IP range: give an address, first-last, or a network such as "
                "192.0.2.0/24."
            ) from None
        if first.version != last.version or int(first) > int(last):
            raise InvalidInput(f"'{entry}' is no IP range: it ends before it begins.")
        return first, last


@dataclass(frozen=True)
class Address(Kind):
    """An IP address; the unspecified one is the default."""

    def meaning(self, value: Any) -> object:
        text = str(value or "").strip() or "0.0.0.0"
        address = _address(text)
        if address is None:
            raise InvalidInput(f"'{text}' is no IP address.")
        return address

    def normalize(self, value: Any) -> object:
        return str(self.meaning(value))


@dataclass(frozen=True)
class DomainCapabilities(TextList):
    """``domain:Capability,Capability``: capabilities without order, one entry for each domain."""

    def meaning(self, value: Any) -> object:
        return {self.key(str(item)) for item in value or () if str(item).strip()}

    def key(self, entry: str) -> object:
        domain, _colon, capabilities = entry.partition(":")
        names = (part.strip().casefold() for part in capabilities.split(","))
        return domain.strip().casefold(), frozenset(filter(None, names))


@dataclass(frozen=True)
class CertificateName(Kind):
    """``<I>issuer<S>subject``; a stored spelling that Exchange cannot use counts as different."""

    def meaning(self, value: Any) -> object:
        return read_stored(str(value)) if value else None

    def normalize(self, value: Any) -> object:
        return TlsCertificateName.parse(str(value)).render() if value else None

    def same(self, wanted: Any, actual: Any) -> bool:
        if not wanted or not actual:
            return not wanted and not actual
        stored = str(actual)
        return TlsCertificateName.parse(str(wanted)) == read_stored(stored) and is_canonical(stored)


def _parts(value: Any) -> list[str]:
    """The names of a flags enum, a comma-separated text, or a list of them."""
    if value is None:
        return []
    items: Iterable[Any] = value if isinstance(value, (list, tuple, frozenset, set)) else [value]
    texts = (item if isinstance(item, str) else text_of(item) or "" for item in items)
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def _address(text: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError:
        return None
