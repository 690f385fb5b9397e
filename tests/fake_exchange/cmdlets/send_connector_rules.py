# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings of a Send connector go together? The documented dependencies: TLS, routing by
smart host or by DNS, logging on, servers and address spaces."""

from __future__ import annotations

from fake_exchange.cmdlets.connector_settings import Change, already_exists, refuse
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.organisation.model import SendConnector

NAME_LIMIT = 64
_NEEDS_CREDENTIAL = ("BasicAuth", "BasicAuthRequireTLS")


def check_settings(invocation: Invocation, change: Change, connector: SendConnector) -> None:
    """Refuse a change (or a new connector, which is a change of defaults) that cannot be."""
    change.check_limits(invocation)
    _check_name(invocation, change, connector)
    _check_servers(invocation, change)
    _check_addresses(invocation, change)
    _check_routing(invocation, change)
    _check_logon(invocation, change)
    _check_tls(invocation, change)


def _check_name(invocation: Invocation, change: Change, connector: SendConnector) -> None:
    name = change["Name"]
    if len(name) > NAME_LIMIT:
        raise refuse(
            invocation,
            f"The name '{name}' is too long. The maximum length is {NAME_LIMIT} characters.",
        )
    for other in invocation.organisation.send_connectors:
        if other is not connector and other.Name.casefold() == name.casefold():
            raise already_exists(invocation, name)


def _check_servers(invocation: Invocation, change: Change) -> None:
    if "SourceTransportServers" not in change.given:
        return
    names = [invocation.find_server(name).Name for name in change.given["SourceTransportServers"]]
    if not names:
        raise refuse(invocation, "The SourceTransportServers parameter needs at least one server.")
    change.given["SourceTransportServers"] = list(dict.fromkeys(names))


def _check_addresses(invocation: Invocation, change: Change) -> None:
    if "AddressSpaces" in change.given and not change["AddressSpaces"]:
        raise refuse(invocation, "The AddressSpaces parameter needs at least one address space.")
    others = [space for space in change["AddressSpaces"] if not _is_smtp(space)]
    if others and change["DNSRoutingEnabled"]:
        raise refuse(
            invocation,
            f"The address space '{others[0]}' isn't an SMTP address space, so the connector needs "
            "smart hosts, and the DNSRoutingEnabled parameter must be set to $false.",
        )
    if change.given.get("SourceIPAddress", "0.0.0.0") != "0.0.0.0":
        raise refuse(
            invocation,
            "The SourceIPAddress parameter is valid only for Send connectors on an Edge Transport "
            "server.",
        )


def _is_smtp(space: str) -> bool:
    kind, colon, _ = space.partition(":")
    return not colon or kind.strip().casefold() == "smtp"


def _check_routing(invocation: Invocation, change: Change) -> None:
    """Smart hosts exclude DNS routing, and switching DNS routing off names them in the same
    call."""
    if not {"SmartHosts", "DNSRoutingEnabled"} & set(change.given):
        return
    by_dns = change["DNSRoutingEnabled"]
    if by_dns and change["SmartHosts"]:
        raise refuse(
            invocation,
            "The DNSRoutingEnabled parameter must be set to $false if the SmartHosts parameter is "
            "specified.",
        )
    if not by_dns and not change["SmartHosts"]:
        raise refuse(
            invocation,
            "The SmartHosts parameter must be specified if the DNSRoutingEnabled parameter is set "
            "to $false.",
        )
    if change.given.get("DNSRoutingEnabled") is False and "SmartHosts" not in change.given:
        raise refuse(
            invocation,
            "The SmartHosts parameter must be specified on the same command line on which the "
            "DNSRoutingEnabled parameter is set to $false.",
        )


def _check_logon(invocation: Invocation, change: Change) -> None:
    mechanism = change["SmartHostAuthMechanism"]
    related = {"SmartHostAuthMechanism", "AuthenticationCredential", "DNSRoutingEnabled"}
    if not related & set(change.given):
        return
    if mechanism != "None" and change["DNSRoutingEnabled"]:
        raise refuse(
            invocation,
            "The SmartHostAuthMechanism parameter can only be used if a smart host is configured "
            "and the DNSRoutingEnabled parameter is set to $false.",
        )
    if mechanism in _NEEDS_CREDENTIAL and change["AuthenticationCredential"] is None:
        raise refuse(
            invocation,
            "The AuthenticationCredential parameter must be specified if the "
            f"SmartHostAuthMechanism parameter is set to {mechanism}.",
        )


def _check_tls(invocation: Invocation, change: Change) -> None:
    level = change["TlsAuthLevel"]
    ignores, requires = change["IgnoreSTARTTLS"], change["RequireTLS"]
    if requires and ignores:
        raise refuse(
            invocation,
            "The RequireTLS parameter can't be set to $true if the IgnoreSTARTTLS parameter is "
            "set to $true.",
        )
    if level is not None and (ignores or not requires):
        raise refuse(
            invocation,
            "The TLSAuthLevel parameter can only be set if the RequireTLS parameter is set to "
            "$true and the IgnoreSTARTTLS parameter is set to $false.",
        )
    if change["TlsDomain"] is not None and level != "DomainValidation":
        raise refuse(
            invocation,
            "The TLSDomain parameter can only be set if the TLSAuthLevel parameter is set to "
            "DomainValidation.",
        )
    smart_host = bool(change["SmartHosts"]) and not change["DNSRoutingEnabled"]
    if level == "DomainValidation" and smart_host and change["TlsDomain"] is None:
        raise refuse(
            invocation,
            "The TLSDomain parameter must be set if the TLSAuthLevel parameter is set to "
            "DomainValidation and the DNSRoutingEnabled parameter is set to $false.",
        )
    if change["DomainSecureEnabled"] and (ignores or not change["DNSRoutingEnabled"]):
        raise refuse(
            invocation,
            "The DomainSecureEnabled parameter can only be set to $true if the DNSRoutingEnabled "
            "parameter is set to $true and the IgnoreSTARTTLS parameter is set to $false.",
        )
    demands = invocation.organisation.behavior.require_tls_with_tls_certificate_name
    if demands and change["TlsCertificateName"] and not requires:
        raise refuse(
            invocation, "RequiredTls flag should be set to true if TlsCertificateName is specified."
        )
