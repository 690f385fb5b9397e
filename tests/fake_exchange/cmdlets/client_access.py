# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where do clients inside find Autodiscover? Get-ClientAccessService."""

from __future__ import annotations

from collections.abc import Iterator

from fake_exchange.clixml import directory_types as directory
from fake_exchange.clixml.directory_types import Getters
from fake_exchange.clixml.objects import OutputObject, Uri, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import find
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.servers import MANAGEMENT, TASKS, server_identity
from fake_exchange.organisation.model import Organisation, Server

CLIENT_ACCESS = (MANAGEMENT + "ClientAccessServer", MANAGEMENT + "ADPresentationObject")


def autodiscover_uri(server: Server) -> str:
    """As setup leaves it, unless the file says otherwise."""
    return server.AutoDiscoverServiceInternalUri or (
        f"https://{server.Fqdn}/Autodiscover/Autodiscover.xml"
    )


def client_access_output(organisation: Organisation, server: Server) -> OutputObject:
    """The client access side of a server: the documented properties, no capture exists."""
    getters: Getters = {
        "Name": lambda: server.Name,
        "Fqdn": lambda: server.Fqdn,
        "OutlookAnywhereEnabled": lambda: True,
        "AutoDiscoverServiceCN": lambda: server.Name,
        "AutoDiscoverServiceInternalUri": lambda: Uri(autodiscover_uri(server)),
        "AutoDiscoverSiteScope": lambda: directory.strings([server.Site]),
        "Identity": lambda: server_identity(organisation, server),
        "IsValid": lambda: True,
    }
    return output_of(CLIENT_ACCESS, server.Name, getters)


def _get_client_access_service(invocation: Invocation) -> Iterator[OutputObject]:
    with invocation.organisation.lock:
        found = find(
            invocation,
            [server for server in invocation.organisation if not server.IsEdgeServer],
            lambda server: (server.Name, server.Fqdn, str(server.Guid)),
            identity=invocation.parameters.get("Identity"),
        )
    for server in found:
        yield client_access_output(invocation.organisation, server)


CMDLETS = (
    CmdletDefinition(
        "Get-ClientAccessService",
        TASKS + "GetClientAccessServer",
        (
            Parameter("Identity", conversion.text, position=1),
            Parameter("DomainController", conversion.domain_name),
        ),
        _get_client_access_service,
    ),
)
