# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings of a Receive connector go together? The documented dependencies, and what it has
to have in common with the other connectors of its server and with the organisation."""

from __future__ import annotations

from fake_exchange.cmdlets.connector_settings import Change, already_exists, refuse
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.organisation import bindings
from fake_exchange.organisation.model import ReceiveConnector, Server

NAME_LIMIT = 64


def check_settings(
    invocation: Invocation,
    server: Server,
    change: Change,
    connector: ReceiveConnector,
) -> None:
    """Refuse a change (or a new connector, which is a change of defaults) that cannot be."""
    change.check_limits(invocation)
    _check_name(invocation, server, change, connector)
    _check_mechanisms(invocation, server, change)
    _check_groups(invocation, change)
    _check_extensions(invocation, change)
    _check_time_outs(invocation, change)
    _check_default_domain(invocation, change)
    if {"Bindings", "RemoteIPRanges", "TransportRole"} & set(change.given):
        _check_bindings(invocation, server, change, connector)


def _check_name(
    invocation: Invocation, server: Server, change: Change, connector: ReceiveConnector
) -> None:
    name = change["Name"]
    if len(name) > NAME_LIMIT:
        raise refuse(
            invocation,
            f"The name '{name}' is too long. The maximum length is {NAME_LIMIT} characters.",
        )
    for other in server.receive_connectors:
        if other is not connector and other.Name.casefold() == name.casefold():
            raise already_exists(invocation, f"{server.Name}\\{name}")


def _check_mechanisms(invocation: Invocation, server: Server, change: Change) -> None:
    mechanisms = change["AuthMechanism"]
    if change["RequireTLS"] and "Tls" not in mechanisms:
        raise refuse(
            invocation,
            "The RequireTLS parameter can only be set to $true if the AuthMechanism parameter "
            "contains Tls.",
        )
    if "BasicAuthRequireTLS" in mechanisms and not {"BasicAuth", "Tls"} <= set(mechanisms):
        raise refuse(
            invocation,
            "The AuthMechanism value BasicAuthRequireTLS also requires the values BasicAuth and "
            "Tls.",
        )
    if "ExternalAuthoritative" in mechanisms:
        if set(mechanisms) - {"ExternalAuthoritative", "Tls"}:
            raise refuse(
                invocation,
                "The AuthMechanism value ExternalAuthoritative can only be combined with Tls.",
            )
        if "ExchangeServers" not in change["PermissionGroups"]:
            raise refuse(
                invocation,
                "The AuthMechanism value ExternalAuthoritative requires the value ExchangeServers "
                "in the PermissionGroups parameter.",
            )
    mutual = "Tls" in mechanisms and "ExternalAuthoritative" not in mechanisms
    if change["DomainSecureEnabled"] and not mutual:
        raise refuse(
            invocation,
            "The DomainSecureEnabled parameter can only be set to $true if the AuthMechanism "
            "parameter contains Tls and doesn't contain ExternalAuthoritative.",
        )
    if "ExchangeServer" in mechanisms and {"Fqdn", "AuthMechanism"} & set(change.given):
        _check_fqdn(invocation, server, change["Fqdn"])


def _check_fqdn(invocation: Invocation, server: Server, fqdn: str | None) -> None:
    allowed = (server.Fqdn.casefold(), server.Name.casefold())
    if fqdn is not None and fqdn.casefold() not in allowed:
        raise refuse(
            invocation,
            "When the AuthMechanism parameter on a Receive connector is set to the value "
            "ExchangeServer, you must set the FQDN parameter on the Receive connector to one of "
            f'the following values: the FQDN of the transport server "{server.Fqdn}", the NetBIOS '
            f'name of the transport server "{server.Name}", or $null.',
        )


def _check_groups(invocation: Invocation, change: Change) -> None:
    if "Custom" in change.given.get("PermissionGroups", ()):
        raise refuse(
            invocation,
            "The value Custom of the PermissionGroups parameter can't be set. It's shown for a "
            "connector whose permissions were changed with Add-ADPermission or "
            "Remove-ADPermission.",
        )


def _check_extensions(invocation: Invocation, change: Change) -> None:
    if change["BinaryMimeEnabled"] and not change["ChunkingEnabled"]:
        raise refuse(
            invocation,
            "The BinaryMimeEnabled parameter can only be set to $true if the ChunkingEnabled "
            "parameter is set to $true.",
        )
    if change["LongAddressesEnabled"] and change["TransportRole"] != "HubTransport":
        raise refuse(
            invocation,
            "The LongAddressesEnabled parameter can only be set to $true on a Receive connector "
            "in the Transport service.",
        )
    banner = change["Banner"]
    if banner and not banner.startswith("220"):
        raise refuse(
            invocation, f"The value '{banner}' of the Banner parameter must start with 220."
        )


def _check_time_outs(invocation: Invocation, change: Change) -> None:
    if change["ConnectionInactivityTimeout"] >= change["ConnectionTimeout"]:
        raise refuse(
            invocation,
            "The value of the ConnectionInactivityTimeout parameter must be less than the value of "
            "the ConnectionTimeout parameter.",
        )


def _check_default_domain(invocation: Invocation, change: Change) -> None:
    wanted = change.given.get("DefaultDomain")
    if not wanted:
        return
    for accepted in invocation.organisation.accepted_domains:
        known = (accepted.Name or accepted.DomainName, accepted.DomainName, str(accepted.Guid))
        if wanted.casefold() in (name.casefold() for name in known):
            change.given["DefaultDomain"] = known[0]
            return
    raise invocation.object_not_found(wanted)


def _check_bindings(
    invocation: Invocation, server: Server, change: Change, connector: ReceiveConnector
) -> None:
    for name in ("Bindings", "RemoteIPRanges"):
        if not change[name]:
            raise refuse(invocation, f"The {name} parameter needs at least one value.")
    for other, other_service in bindings.conflicting(
        server,
        transport_role=change["TransportRole"],
        bindings=change["Bindings"],
        ranges=change["RemoteIPRanges"],
        besides=connector,
    ):
        reason = (
            "Receive connectors assigned to different Transport roles on a single server must "
            "listen on unique local IP address & port bindings."
            if other_service
            else "Receive connectors with the same bindings need different remote IP address "
            "ranges, of which one may lie within another."
        )
        raise refuse(
            invocation,
            "The values that you specified for the Bindings and RemoteIPRanges parameters conflict "
            f'with the settings on Receive connector "{other.Identity}". {reason}',
        )
