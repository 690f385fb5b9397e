# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do addresses and hosts look on the wire? IP addresses, bindings, ranges, smart hosts and
network addresses in the captured shapes."""

from __future__ import annotations

import ipaddress
import struct
from functools import lru_cache

from fake_exchange.clixml.binary_formatter import Member, NetObject, class_member, enum_member
from fake_exchange.clixml.objects import ClrObject, Int64
from fake_exchange.clixml.value_types import DATA, DATA_LIBRARY, KEEP, blob_of

_TRANSPORT_LIBRARY = (
    f"{DATA}.Transport, Version=15.2.1748.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35"
)
_SYSTEM_LIBRARY = "System, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089"


def _address_object(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> NetObject:
    family, number, words = 2, int.from_bytes(address.packed, "little"), [0] * 8
    if address.version == 6:
        family, number = 23, 0
        words = list(struct.unpack(">8H", address.packed))
    return NetObject(
        "System.Net.IPAddress",
        _SYSTEM_LIBRARY,
        (
            Member("m_Address", "Int64", number),
            enum_member("m_Family", "System.Net.Sockets.AddressFamily", _SYSTEM_LIBRARY, family),
            Member("m_Numbers", "Array of UInt16", words),
            Member("m_ScopeId", "Int64", 0),
            Member("m_HashCode", "Int32", 0),
        ),
    )


@lru_cache(maxsize=KEEP)
def ip_address(text: str) -> ClrObject:
    address = ipaddress.ip_address(text)
    family = ("AddressFamily", "InterNetwork" if address.version == 4 else "InterNetworkV6")
    if address.version == 4:
        number = Int64(int.from_bytes(address.packed, "little"))
        first = [("Address", number), family]
    else:
        first = [family, ("ScopeId", Int64(0))]
    return ClrObject(
        ("System.Net.IPAddress", "System.Object"),
        to_string=str(address),
        properties=[
            *first,
            ("IsIPv6Multicast", address.version == 6 and address.is_multicast),
            ("IsIPv6LinkLocal", address.version == 6 and address.is_link_local),
            ("IsIPv6SiteLocal", address.version == 6 and address.is_site_local),
            ("IsIPv6Teredo", address.version == 6 and address.teredo is not None),
            ("IsIPv4MappedToIPv6", address.version == 6 and address.ipv4_mapped is not None),
        ],
        members=[("IPAddressToString", str(address))],
    )


@lru_cache(maxsize=KEEP)
def ip_binding(text: str) -> ClrObject:
    """``0.0.0.0:25`` or ``[::]:25``."""
    host, _, port = text.rpartition(":")
    address = ipaddress.ip_address(host.strip("[]"))
    family = "InterNetwork" if address.version == 4 else "InterNetworkV6"
    return ClrObject(
        (f"{DATA}.IPBinding", "System.Net.IPEndPoint", "System.Net.EndPoint", "System.Object"),
        to_string=text,
        properties=[
            ("Port", int(port)),
            ("AddressFamily", family),
            ("Address", ip_address(str(address))),
        ],
        members=blob_of(
            f"{DATA}.IPBinding",
            class_member("IPEndPoint+m_Address", _address_object(address)),
            Member("IPEndPoint+m_Port", "Int32", int(port)),
        ),
    )


def _address_bytes(name: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Member:
    """IPvxAddress: 16 bytes; IPv4 as mapped into IPv6."""
    number = int(address) + (0xFFFF << 32 if address.version == 4 else 0)
    value = NetObject(
        f"{DATA}.IPvxAddress",
        DATA_LIBRARY,
        (
            Member("highBytes", "UInt64", number >> 64),
            Member("lowBytes", "UInt64", number & 0xFFFFFFFFFFFFFFFF),
        ),
        True,
    )
    return class_member(name, value)


@lru_cache(maxsize=KEEP)
def ip_range(text: str) -> ClrObject:
    """``a-b``, ``a/prefix`` or a single address."""
    if "-" in text:
        low, high = (ipaddress.ip_address(part) for part in text.split("-", 1))
        form, number = "LoHi", 3
    elif "/" in text:
        network = ipaddress.ip_network(text, strict=False)
        low, high, form, number = network[0], network[-1], "CIDR", 2
    else:
        low = high = ipaddress.ip_address(text)
        form, number = "SingleAddress", 0
    size = min(int(high) - int(low) + 1, (1 << 128) - 1)
    enumeration = f"{DATA}.IPRange+Format"
    return ClrObject(
        (f"{DATA}.IPRange", "System.Object"),
        to_string=text,
        properties=[
            ("LowerBound", str(low)),
            ("UpperBound", str(high)),
            ("RangeFormat", form),
            ("Size", str(ipaddress.IPv6Address(size))),
            ("Expression", text),
        ],
        members=blob_of(
            f"{DATA}.IPRange",
            _address_bytes("startAddress", low),
            _address_bytes("endAddress", high),
            enum_member("format", enumeration, DATA_LIBRARY, number),
            Member("exceptionMessage", "String", None),
            Member("originalExpression", "String", text),
        ),
    )


@lru_cache(maxsize=KEEP)
def smart_host(text: str, *, address: ClrObject | None = None) -> ClrObject:
    """A smart host: a name, or an address in square brackets."""
    plain = text.strip("[]")
    try:
        ipaddress.ip_address(plain)
        is_address = True
    except ValueError:
        is_address = False
    number = plain if is_address else "0.0.0.0"
    domain = None if is_address else text
    name_type = f"{DATA}.Transport.RoutingHostName"
    name = NetObject(
        name_type, _TRANSPORT_LIBRARY, (Member("hostnamestring", "String", domain),), True
    )
    host = NetObject(
        f"{DATA}.Transport.RoutingHost",
        _TRANSPORT_LIBRARY,
        (
            class_member("domain", name),
            class_member("ipAddress", _address_object(ipaddress.ip_address(number))),
            Member("isFrontendAndHubColocatedServer", "Boolean", False),
        ),
    )
    host_name = NetObject(
        f"{DATA}.Hostname", DATA_LIBRARY, (class_member("routingHostName", name),)
    )
    return ClrObject(
        (f"{DATA}.SmartHost", "System.Object"),
        to_string=text,
        properties=[
            ("Address", address or ip_address(number)),
            ("IsIPAddress", is_address),
            ("Domain", domain),
        ],
        members=blob_of(
            f"{DATA}.SmartHost",
            class_member("routingHost", host),
            class_member("hostName", host_name),
        ),
    )


@lru_cache(maxsize=KEEP)
def network_address(text: str) -> ClrObject:
    """``ncacn_ip_tcp:ex01.contoso.test``; sent without extended members."""
    protocol, _, address = text.partition(":")
    return ClrObject(
        (
            f"{DATA}.CustomNetworkAddress",
            f"{DATA}.NetworkAddress",
            f"{DATA}.ProtocolAddress",
            "System.Object",
        ),
        to_string=text,
        properties=[("ProtocolType", protocol), ("AddressString", address)],
    )
