# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do New-ReceiveConnector and Remove-ReceiveConnector do? The usage types with what each
gives, asks for and forbids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fake_exchange.clixml.objects import OutputObject
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import (
    DATA,
    Change,
    normalise_tls_certificate_name,
)
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter, binding_error
from fake_exchange.cmdlets.receive_connector import (
    SETTINGS,
    TASKS,
    receive_connector_output,
    single,
)
from fake_exchange.cmdlets.receive_connector_rules import check_settings
from fake_exchange.organisation import services
from fake_exchange.organisation.model import ReceiveConnector


@dataclass(frozen=True)
class Usage:
    """What a usage type gives; without bindings or ranges they have to be given, with them they
    must not be."""

    mechanisms: tuple[str, ...]
    groups: tuple[str, ...]
    bindings: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()


USAGES = {
    "Custom": Usage(("Tls",), ()),
    "Internet": Usage(("Tls",), ("AnonymousUsers",), ranges=("0.0.0.0-255.255.255.255",)),
    "Internal": Usage(
        ("Tls", "ExchangeServer"),
        ("ExchangeServers", "ExchangeLegacyServers"),
        bindings=("0.0.0.0:25",),
    ),
    "Client": Usage(
        ("Tls", "Integrated", "BasicAuth", "BasicAuthRequireTLS"),
        ("ExchangeUsers",),
        bindings=("0.0.0.0:587",),
    ),
    "Partner": Usage(("Tls",), ("Partners",)),
}
#: What only Set-ReceiveConnector takes.
_NOT_YET = ("Name", "BareLinefeedRejectionEnabled", "SmtpUtf8Enabled")


def chosen_usage(invocation: Invocation, names: tuple[str, ...]) -> str:
    """The one usage type given, as -Usage or as a switch; Custom if there is none."""
    parameters = invocation.parameters
    given = [name for name in names if parameters.switch(name)]
    if "Usage" in parameters:
        given.append(parameters.get("Usage"))
    if len(given) > 1:
        raise binding_error(
            invocation.definition,
            "Parameter set cannot be resolved using the specified named parameters.",
            "AmbiguousParameterSet",
        )
    return given[0] if given else "Custom"


def _check_addresses(invocation: Invocation, name: str, usage: Usage) -> None:
    for parameter, default in (("Bindings", usage.bindings), ("RemoteIPRanges", usage.ranges)):
        given = parameter in invocation.parameters
        if default and given:
            raise binding_error(
                invocation.definition,
                "Parameter set cannot be resolved using the specified named parameters.",
                "AmbiguousParameterSet",
            )
        if not default and not given:
            raise binding_error(
                invocation.definition,
                "Cannot process command because of one or more missing mandatory parameters: "
                f"{parameter}.",
                "MissingMandatoryParameter",
            )


def _new(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    name = chosen_usage(invocation, tuple(USAGES))
    usage = USAGES[name]
    _check_addresses(invocation, name, usage)
    server = invocation.server_or_landed()
    connector = ReceiveConnector(
        Name=invocation.parameters.get("Name").strip(),
        Server=server.Name,
        TransportRole="HubTransport",
        Bindings=list(usage.bindings),
        AuthMechanism=list(usage.mechanisms),
        PermissionGroups=list(usage.groups),
        RemoteIPRanges=list(usage.ranges),
        Fqdn=server.Fqdn,
        ProtocolLoggingLevel="None",
    )
    invocation.changed = connector.Identity
    if server.IsEdgeServer and server is not invocation.context.landed_server:
        raise invocation.error(
            f"Receive connectors of the Edge Transport server '{server.Name}' can only be created "
            "on that server.",
            category="InvalidArgument",
        )
    if not invocation.should_process(f'Creating Receive connector "{connector.Identity}".'):
        return
    with organisation.lock:
        change = Change(invocation, connector, SETTINGS)
        change.given.update(Bindings=change["Bindings"], Name=connector.Name)
        normalise_tls_certificate_name(invocation, change)
        check_settings(invocation, server, change, connector)
        change.write()
        server.receive_connectors.append(connector)
        services.notice_connector(organisation, server, connector)
        output = receive_connector_output(organisation, server, connector)
    yield output


def _remove(invocation: Invocation) -> Iterator[OutputObject]:
    server, connector = single(invocation, invocation.parameters.get("Identity"))
    if not invocation.should_process(f'Removing Receive connector "{connector.Identity}".'):
        return
    with invocation.organisation.lock:
        server.receive_connectors.remove(connector)
        services.forget_connector(server, connector.Name)
    yield from ()


_DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)

CMDLETS = (
    CmdletDefinition(
        "New-ReceiveConnector",
        TASKS + "NewReceiveConnector",
        (
            Parameter("Name", conversion.required_text, position=1, required=True),
            Parameter("Usage", conversion.enumeration(DATA + "UsageType", tuple(USAGES))),
            *(Parameter(name, conversion.switch) for name in USAGES),
            *(setting.parameter for setting in SETTINGS if setting.name not in _NOT_YET),
            Parameter("Server", conversion.required_text),
            _DOMAIN_CONTROLLER,
        ),
        _new,
        should_process=True,
    ),
    CmdletDefinition(
        "Remove-ReceiveConnector",
        TASKS + "RemoveReceiveConnector",
        (
            Parameter("Identity", conversion.required_text, position=1, required=True),
            _DOMAIN_CONTROLLER,
        ),
        _remove,
        should_process=True,
        asks_confirmation=True,
    ),
)
