# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do an Edge server and the Mailbox servers of its site still trust each other? They do while each
has the internal transport certificate that it had when the subscription was made."""

from __future__ import annotations

from collections.abc import Iterator

from fake_exchange.organisation.model import EdgeSubscription, Organisation, Server


class NoMailboxServer(Exception):
    """There is nobody in the site who could be subscribed to."""


def members(organisation: Organisation, site: str) -> list[Server]:
    """The Mailbox servers of a site, which take part in EdgeSync."""
    return [server for server in organisation if server.Site == site and not server.IsEdgeServer]


def subscribe(organisation: Organisation, edge: Server, site: str) -> EdgeSubscription:
    """What exporting on the Edge server and importing in the site makes."""
    servers = members(organisation, site)
    if not servers:
        raise NoMailboxServer(site)
    return EdgeSubscription(
        edge.Name,
        site,
        trusted={
            server.Name: server.InternalTransportCertificateThumbprint or ""
            for server in (edge, *servers)
        },
    )


def problems(organisation: Organisation, subscription: EdgeSubscription) -> Iterator[str]:
    """Why nothing is synchronised any more, and mail in between stays; nothing if all is well."""
    edge = organisation.server(subscription.Name)
    if edge is None:
        yield f"The Edge Transport server {subscription.Name} can't be found."
        return
    for server in (edge, *members(organisation, subscription.Site)):
        known = subscription.trusted.get(server.Name)
        current = server.InternalTransportCertificateThumbprint or ""
        if known is None:
            yield f"The server {server.Name} isn't part of the Edge Subscription."
        elif known != current or current not in server.certificates:
            yield (
                f"The credentials of the server {server.Name} are encrypted with the certificate "
                f"{known}, which isn't its internal transport certificate any more."
            )
