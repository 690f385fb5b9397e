# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers stand in for each other? Get-DatabaseAvailabilityGroup and Get-MailboxServer."""

from __future__ import annotations

from collections.abc import Iterator

from fake_exchange.clixml import directory_types as directory
from fake_exchange.clixml.directory_types import Getters
from fake_exchange.clixml.objects import OutputObject, enum, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import CONFIGURATION, find
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.servers import MANAGEMENT, TASKS, server_identity
from fake_exchange.organisation.model import Organisation, Server

GROUP = (
    CONFIGURATION + "DatabaseAvailabilityGroup",
    "Microsoft.Exchange.Data.Directory.ADConfigurationObject",
    "System.Object",
)
MAILBOX_SERVER = (
    MANAGEMENT + "MailboxServer",
    MANAGEMENT + "ADPresentationObject",
    "System.Object",
)


def groups_of(organisation: Organisation) -> dict[str, list[Server]]:
    """Every database availability group with its members."""
    found: dict[str, list[Server]] = {}
    for server in organisation:
        if server.DatabaseAvailabilityGroup:
            found.setdefault(server.DatabaseAvailabilityGroup, []).append(server)
    return found


def group_output(organisation: Organisation, name: str, members: list[Server]) -> OutputObject:
    """A group: the documented properties that matter, no capture exists."""
    getters: Getters = {
        "Name": lambda: name,
        "Servers": lambda: directory.identities(
            server_identity(organisation, server) for server in members
        ),
        "WitnessServer": lambda: f"fs01.{organisation.domain}",
        "DatacenterActivationMode": lambda: "DagOnly",
        "Identity": lambda: name,
        "IsValid": lambda: True,
    }
    return output_of(GROUP, name, getters)


def _get_group(invocation: Invocation) -> Iterator[OutputObject]:
    with invocation.organisation.lock:
        groups = groups_of(invocation.organisation)
        found = find(
            invocation,
            list(groups),
            lambda name: (name,),
            identity=invocation.parameters.get("Identity"),
        )
    for name in found:
        yield group_output(invocation.organisation, name, groups[name])


def mailbox_server_output(organisation: Organisation, server: Server) -> OutputObject:
    """A server as the holder of databases: the documented properties that matter, no capture
    exists."""
    getters: Getters = {
        "Name": lambda: server.Name,
        "DatabaseAvailabilityGroup": lambda: server.DatabaseAvailabilityGroup or None,
        "DatabaseCopyAutoActivationPolicy": lambda: enum(
            CONFIGURATION + "DatabaseCopyAutoActivationPolicyType", "Unrestricted", 0
        ),
        "DatabaseCopyActivationDisabledAndMoveNow": lambda: False,
        "MaximumActiveDatabases": lambda: None,
        "Identity": lambda: server_identity(organisation, server),
        "IsValid": lambda: True,
    }
    return output_of(MAILBOX_SERVER, server.Name, getters)


def _get_mailbox_server(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    with organisation.lock:
        found = find(
            invocation,
            [server for server in organisation if not server.IsEdgeServer],
            lambda server: (server.Name, server.Fqdn, str(server.Guid)),
            identity=invocation.parameters.get("Identity"),
        )
    for server in found:
        yield mailbox_server_output(organisation, server)


CMDLETS = (
    CmdletDefinition(
        "Get-MailboxServer",
        TASKS + "GetMailboxServer",
        (
            Parameter("Identity", conversion.text, position=1),
            Parameter("Status", conversion.switch),
            Parameter("DomainController", conversion.domain_name),
        ),
        _get_mailbox_server,
    ),
    CmdletDefinition(
        "Get-DatabaseAvailabilityGroup",
        TASKS + "GetDatabaseAvailabilityGroup",
        (
            Parameter("Identity", conversion.text, position=1),
            Parameter("Status", conversion.switch),
            Parameter("DomainController", conversion.domain_name),
        ),
        _get_group,
    ),
)
