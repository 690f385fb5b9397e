# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers can take over the mail of one that is drained, and are the others well?

Neighbours are the other Mailbox servers of the same database availability group or Active Directory
site. No two of them may be down at once, so one that is not well stops a drain before it begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    list_of,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletNotAvailable,
    InvalidInput,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.component_states import (
    ACTIVE,
    HUB_TRANSPORT,
    read_component_state,
)

TRANSPORT = "MSExchangeTransport"


@dataclass(frozen=True, kw_only=True)
class TransportServer:
    """A Mailbox server as far as mail flow is concerned."""

    name: str
    fqdn: str
    site: str = ""
    availability_group: str = ""

    def is_called(self, name: str) -> bool:
        """Whether it is known by this name or FQDN, without case."""
        wanted = name.strip().casefold()
        return wanted in (self.name.casefold(), self.fqdn.casefold())


def read_transport_servers(session: Session) -> list[TransportServer]:
    """Return every Mailbox server of the organization with its site and availability group.

    Raises:
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    groups = _availability_groups(session)
    values = read_objects(
        session,
        Cmdlet("Get-ExchangeServer"),
        ("Name", "Fqdn", "Site", "ServerRole", "IsEdgeServer"),
    )
    return [
        TransportServer(
            name=text_of(value.get("Name")) or "",
            fqdn=text_of(value.get("Fqdn")) or "",
            site=text_of(value.get("Site")) or "",
            availability_group=groups.get((text_of(value.get("Name")) or "").casefold(), ""),
        )
        for value in values
        if value.get("IsEdgeServer") is not True
    ]


def _availability_groups(session: Session) -> dict[str, str]:
    """The group of each server that is in one; an account that may not see them knows of none."""
    try:
        values = read_objects(session, Cmdlet("Get-DatabaseAvailabilityGroup"), ("Name", "Servers"))
    except CmdletNotAvailable:
        return {}
    return {
        (text_of(server) or "").casefold(): text_of(value.get("Name")) or ""
        for value in values
        for server in list_of(value.get("Servers"))
    }


def find_server(servers: Iterable[TransportServer], name: str) -> TransportServer:
    """Return the server of this name.

    Raises:
        InvalidInput: there is none; the message names those that exist.
    """
    known = list(servers)
    for server in known:
        if server.is_called(name):
            return server
    raise InvalidInput(
        f"There is no Mailbox server '{name}' in the organization. Existing ones: "
        f"{', '.join(server.name for server in known) or 'none'}."
    )


def neighbours_of(
    server: TransportServer, servers: Iterable[TransportServer]
) -> list[TransportServer]:
    """The other servers of its availability group or site."""
    return [
        other
        for other in servers
        if other.name != server.name
        and (
            (other.availability_group and other.availability_group == server.availability_group)
            or other.site == server.site
        )
    ]


def why_not_well(session: Session, server: TransportServer) -> str | None:
    """Return why a server should not be left alone with the mail, or None if it is well."""
    state = read_component_state(session, server.name, HUB_TRANSPORT)
    if state.state != ACTIVE:
        holders = ", ".join(
            requester for requester, asked in state.requesters.items() if asked != ACTIVE
        )
        return f"HubTransport of {server.name} is {state.state} ({holders or 'unknown requester'})"
    for value in session.invoke(Cmdlet("Test-ServiceHealth", {"Server": server.name})).output:
        stopped = (
            [text_of(item) or "" for item in list_of(value.get("ServicesNotRunning"))]
            if isinstance(value, RemoteObject)
            else []
        )
        if TRANSPORT.casefold() in (name.casefold() for name in stopped):
            return f"{TRANSPORT} of {server.name} does not run"
    return None


def choose_targets(
    session: Session,
    server: TransportServer,
    servers: Sequence[TransportServer],
    *,
    named: Sequence[str],
) -> list[TransportServer]:
    """Return the servers that the messages are redirected to.

    Named ones are taken if they are well. Otherwise these are the neighbours of the availability
    group, else those of the site, else one of the other servers of the organization.

    Raises:
        InvalidInput: a neighbour is not well, or there is nobody to redirect to; nothing has been
            changed.
    """
    neighbours = neighbours_of(server, servers)
    ill = [reason for other in neighbours if (reason := why_not_well(session, other))]
    if ill:
        raise InvalidInput(
            f"{server.name} is not drained, because another server of its group or site is not "
            f"well: {'; '.join(ill)}. Mend that first, so that never two of them are down at once.",
            details={"server": server.name, "reasons": ill},
        )
    if named:
        return _named_targets(session, server, servers, named, well=neighbours)
    in_group = [
        other
        for other in neighbours
        if other.availability_group and other.availability_group == server.availability_group
    ]
    if in_group or neighbours:
        return in_group or neighbours
    for other in servers:
        if other.name != server.name and why_not_well(session, other) is None:
            return [other]
    raise InvalidInput(
        f"{server.name} cannot be drained: there is no other healthy Mailbox server to take over "
        "its messages. Restart it without drain; its messages are kept on its disk meanwhile.",
        details={"server": server.name},
    )


def _named_targets(
    session: Session,
    server: TransportServer,
    servers: Sequence[TransportServer],
    named: Sequence[str],
    *,
    well: Sequence[TransportServer],
) -> list[TransportServer]:
    targets = [find_server(servers, name) for name in named]
    # One list serves for all servers of a play: the one that is drained now is left out of it.
    targets = [target for target in targets if target.name != server.name]
    if not targets:
        raise InvalidInput(
            f"drain_targets names no server but {server.name} itself: name another one.",
            details={"server": server.name},
        )
    for target in targets:
        reason = None if target in well else why_not_well(session, target)
        if reason:
            raise InvalidInput(
                f"{server.name} cannot be drained to {target.name}: {reason}.",
                details={"server": server.name},
            )
    return targets
