# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Receive connectors can live together on a server? Bindings and remote address ranges as
numbers, and Exchange's rules about them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from fake_exchange.organisation.model import ReceiveConnector, Server

#: First and last address of a range, with the version.
Range = tuple[int, int, int]


def parse_range(text: str) -> Range:
    """An address, ``first-last`` or ``address/prefix``. Raises ValueError."""
    plain = text.replace(" ", "").partition("%")[0]
    if "/" in plain:
        network = ipaddress.ip_network(plain, strict=False)
        return network.version, int(network[0]), int(network[-1])
    first, dash, last = plain.partition("-")
    begin = ipaddress.ip_address(first)
    end = ipaddress.ip_address(last) if dash else begin
    if begin.version != end.version or int(begin) > int(end):
        raise ValueError(text)
    return begin.version, int(begin), int(end)


def parse_binding(text: str) -> tuple[str, int]:
    """Address (`0.0.0.0` and `::` for any) and port. Raises ValueError."""
    host, _, port = text.rpartition(":")
    number = int(port)
    if not 0 < number < 65536:
        raise ValueError(text)
    return str(ipaddress.ip_address(host.strip("[]"))), number


def _same_port(one: str, other: str) -> bool:
    """Whether two bindings listen on a common address; the wildcard contains the others."""
    (address, port), (other_address, other_port) = parse_binding(one), parse_binding(other)
    if port != other_port or (":" in address) != (":" in other_address):
        return False
    any_address = "::" if ":" in address else "0.0.0.0"
    return address == other_address or any_address in (address, other_address)


def _ranges_conflict(one: Range, other: Range) -> bool:
    """The same range, or two of which each has a part of its own; one inside the other is fine."""
    (version, first, last), (other_version, other_first, other_last) = one, other
    if version != other_version or last < other_first or other_last < first:
        return False
    if (first, last) == (other_first, other_last):
        return True
    inside = other_first <= first and last <= other_last
    around = first <= other_first and other_last <= last
    return not (inside or around)


def conflicting(
    server: Server,
    *,
    transport_role: str,
    bindings: Iterable[str],
    ranges: Iterable[str],
    besides: ReceiveConnector | None = None,
) -> Iterator[tuple[ReceiveConnector, bool]]:
    """Connectors of the server that exclude one with these settings, and whether it is because
    they belong to another transport service: such need bindings of their own. Within one service
    the same binding is shared if the remote ranges distinguish the connectors."""
    wanted, wanted_ranges = list(bindings), [parse_range(text) for text in ranges]
    for connector in server.receive_connectors:
        if connector is besides:
            continue
        if connector.TransportRole != transport_role:
            if any(_same_port(a, b) for a in wanted for b in connector.Bindings):
                yield connector, True
            continue
        same = {parse_binding(text) for text in wanted} & {
            parse_binding(text) for text in connector.Bindings
        }
        theirs = [parse_range(text) for text in connector.RemoteIPRanges]
        if same and any(_ranges_conflict(a, b) for a in wanted_ranges for b in theirs):
            yield connector, False


def answering(server: Server, port: int, peer: str = "127.0.0.1") -> ReceiveConnector | None:
    """The connector that takes connections from `peer` on a port: the one with the smallest
    range around it, else the first that listens there at all."""
    version, address, _ = parse_range(peer)
    listening = [
        connector
        for connector in server.receive_connectors
        if connector.Enabled and port in (parse_binding(text)[1] for text in connector.Bindings)
    ]

    def narrowest(connector: ReceiveConnector) -> int | None:
        sizes = [
            last - first
            for kind, first, last in map(parse_range, connector.RemoteIPRanges)
            if kind == version and first <= address <= last
        ]
        return min(sizes, default=None)

    around = [(size, c) for c in listening if (size := narrowest(c)) is not None]
    if around:
        return min(around, key=lambda pair: pair[0])[1]
    return next(iter(listening), None)
