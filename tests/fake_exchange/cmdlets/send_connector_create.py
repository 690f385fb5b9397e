# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do New-SendConnector and Remove-SendConnector do? The usage types, and what a new connector
is where nothing is said."""

from __future__ import annotations

from collections.abc import Iterator

from fake_exchange.clixml.objects import OutputObject
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import (
    DATA,
    Change,
    normalise_tls_certificate_name,
    refuse,
)
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.receive_connector_create import chosen_usage
from fake_exchange.cmdlets.send_connector import (
    SETTINGS,
    TASKS,
    keep_user_name,
    send_connector_output,
    single,
)
from fake_exchange.cmdlets.send_connector_rules import check_settings
from fake_exchange.organisation import connector_permissions
from fake_exchange.organisation.model import SendConnector

USAGES = ("Custom", "Internal", "Internet", "Partner")
_OF_ITS_OWN = ("Name", "AddressSpaces")


def _take_usage(invocation: Invocation, change: Change, usage: str) -> None:
    """What a usage type asks for, and gives where nothing else is said."""
    if change["SmartHosts"]:
        change.given.setdefault("DNSRoutingEnabled", False)
    if usage == "Internal" and not change["SmartHosts"]:
        raise refuse(
            invocation, "The SmartHosts parameter must be specified for the usage type Internal."
        )
    if usage == "Internal":
        change.given.setdefault("SmartHostAuthMechanism", "ExchangeServer")
    if usage == "Partner":
        if change["SmartHosts"]:
            raise refuse(
                invocation, "The SmartHosts parameter can't be used with the usage type Partner."
            )
        change.given.setdefault("DomainSecureEnabled", True)


def _new(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    usage = chosen_usage(invocation, USAGES)
    name = invocation.parameters.get("Name").strip()
    invocation.changed = name
    connector = SendConnector(
        Name=name, AddressSpaces=[], SourceTransportServers=[invocation.context.landed_server.Name]
    )
    if not invocation.should_process(f'Creating Send connector "{name}".'):
        return
    with organisation.lock:
        change = Change(invocation, connector, SETTINGS)
        change.given["Name"] = name
        _take_usage(invocation, change, usage)
        normalise_tls_certificate_name(invocation, change)
        check_settings(invocation, change, connector)
        keep_user_name(change)
        change.write()
        connector.access = connector_permissions.of_usage(organisation, usage)
        organisation.send_connectors.append(connector)
        output = send_connector_output(organisation, connector)
    yield output


def _remove(invocation: Invocation) -> Iterator[OutputObject]:
    connector = single(invocation, invocation.parameters.get("Identity"))
    if not invocation.should_process(f'Removing Send connector "{connector.Identity}".'):
        return
    with invocation.organisation.lock:
        invocation.organisation.send_connectors.remove(connector)
    yield from ()


_DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)
_ADDRESS_SPACES = next(setting for setting in SETTINGS if setting.name == "AddressSpaces")

CMDLETS = (
    CmdletDefinition(
        "New-SendConnector",
        TASKS + "NewSendConnector",
        (
            Parameter("Name", conversion.required_text, position=1, required=True),
            Parameter("AddressSpaces", _ADDRESS_SPACES.convert, required=True),
            Parameter("Usage", conversion.enumeration(DATA + "UsageType", USAGES)),
            *(Parameter(name, conversion.switch) for name in USAGES),
            *(setting.parameter for setting in SETTINGS if setting.name not in _OF_ITS_OWN),
            Parameter("Force", conversion.switch),
            _DOMAIN_CONTROLLER,
        ),
        _new,
        should_process=True,
    ),
    CmdletDefinition(
        "Remove-SendConnector",
        TASKS + "RemoveSendConnector",
        (
            Parameter("Identity", conversion.required_text, position=1, required=True),
            _DOMAIN_CONTROLLER,
        ),
        _remove,
        should_process=True,
        asks_confirmation=True,
    ),
)
