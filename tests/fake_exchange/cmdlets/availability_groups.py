# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers stand in for each other? Get-DatabaseAvailabilityGroup."""

from __future__ import annotations

from collections.abc import Iterator

from fake_exchange.clixml import directory_types as directory
from fake_exchange.clixml.directory_types import Getters
from fake_exchange.clixml.objects import OutputObject, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import find
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.servers import TASKS, server_identity
from fake_exchange.organisation.model import Organisation, Server

GROUP = (
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.DatabaseAvailabilityGroup",
    "Microsoft.Exchange.Data.Directory.ADConfigurationObject",
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


CMDLETS = (
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
