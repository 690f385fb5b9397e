# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From which address does this control node come to a server? Receive connectors go by it."""

from __future__ import annotations

import ipaddress
import socket

# Any port will do: a datagram socket that is connected has sent nothing yet.
_PORT = 25


def own_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the local address of connections to a host; None where there is no way to it."""
    try:
        found = socket.getaddrinfo(host, _PORT, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return None
    for family, kind, protocol, _name, address in found:
        try:
            with socket.socket(family, kind, protocol) as route:
                route.connect(address)
                return ipaddress.ip_address(str(route.getsockname()[0]).partition("%")[0])
        except (OSError, ValueError):
            continue
    return None
