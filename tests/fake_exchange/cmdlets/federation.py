# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do the federation cmdlets do? So far Get-FederationTrust."""

from __future__ import annotations

from collections.abc import Iterator

from fake_exchange.clixml.directory_types import CONFIGURATION_OBJECT, Getters
from fake_exchange.clixml.objects import OutputObject, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import CONFIGURATION
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.organisation.model import FederationTrust

TASKS = "Microsoft.Exchange.Management.SystemConfigurationTasks."
FEDERATION = (CONFIGURATION + "FederationTrust", *CONFIGURATION_OBJECT)


def federation_output(trust: FederationTrust) -> OutputObject:
    """A federation trust: the documented properties that matter, no capture exists."""
    getters: Getters = {
        "Name": lambda: trust.Name,
        "ApplicationUri": lambda: None,
        "OrgPrivCertificate": lambda: trust.OrgPrivCertificate,
        "OrgPrevPrivCertificate": lambda: trust.OrgPrevPrivCertificate,
        "OrgNextPrivCertificate": lambda: trust.OrgNextPrivCertificate,
        "Identity": lambda: trust.Name,
        "IsValid": lambda: True,
    }
    return output_of(FEDERATION, trust.Name, getters)


def _get_federation_trust(invocation: Invocation) -> Iterator[OutputObject]:
    trust = invocation.organisation.federation_trust
    if trust is not None:
        yield federation_output(trust)


CMDLETS = (
    CmdletDefinition(
        "Get-FederationTrust",
        TASKS + "GetFederationTrust",
        (
            Parameter("Identity", conversion.text, position=1),
            Parameter("DomainController", conversion.domain_name),
        ),
        _get_federation_trust,
    ),
)
