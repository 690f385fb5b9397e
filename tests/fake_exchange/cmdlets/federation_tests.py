# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do Test-FederationTrust and Test-FederationTrustCertificate find? Whether the trust works
from the session's server, and on how many servers its certificates are."""

from __future__ import annotations

from collections.abc import Iterator

from fake_exchange.clixml import directory_types as directory
from fake_exchange.clixml.objects import OutputObject, enum, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.federation import TASKS
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.organisation import certificate_distribution, certificate_rules
from fake_exchange.organisation import federation_certificate as federation
from fake_exchange.organisation.model import FederationTrust, Organisation, Server

STATES = ("Installed", "NotInstalled", "ServerUnreachable")
RESULTS = ("Success", "Error")
_RESULT = ("Microsoft.Exchange.Management.Sharing.ResultEvent", "System.Object")
_STATE = (TASKS + "FederationTrustCertificateStatus", "System.Object")


def _result(identifier: str, result: str, message: str) -> OutputObject:
    return output_of(
        _RESULT,
        _RESULT[0],
        {
            "Id": lambda: identifier,
            "Type": lambda: enum(
                "Microsoft.Exchange.Management.Sharing.ResultType", result, RESULTS.index(result)
            ),
            "Message": lambda: message,
        },
    )


def _certificate_problem(server: Server, trust: FederationTrust) -> str | None:
    stored = certificate_rules.find(server, trust.OrgPrivCertificate)
    if stored is None or not stored.HasPrivateKey:
        return (
            f'Federation certificate with the thumbprint "{trust.OrgPrivCertificate}" cannot be '
            "found."
        )
    if stored.Status == "DateInvalid":
        return f'Federation certificate with the thumbprint "{stored.Thumbprint}" isn\'t valid.'
    return None


def _test_trust(invocation: Invocation) -> Iterator[OutputObject]:
    trust = invocation.organisation.federation_trust
    if trust is None:
        yield _result(
            "FederationTrustConfiguration",
            "Error",
            "Federation trust object not found in the organization.",
        )
        return
    yield _result("FederationTrustConfiguration", "Success", f'Found trust "{trust.Name}".')
    yield _result("FederationMetadata", "Success", "The metadata is up to date.")
    yield _result("StsCertificate", "Success", "The certificate of the gateway is valid.")
    yield _result("StsPreviousCertificate", "Success", "The former one of the gateway is valid.")
    problem = _certificate_problem(invocation.context.landed_server, trust)
    if problem is None:
        yield _result("OrganizationCertificate", "Success", "The certificate is valid.")
        yield _result("TokenRequest", "Success", "A token was received.")
        return
    yield _result("OrganizationCertificate", "Error", problem)
    yield _result("TokenRequest", "Error", "Failed to request a delegation token.")
    raise invocation.error(
        "Failed to request a delegation token.",
        category="NotSpecified",
        exception="LocalizedException",
        code="F589C7F4",
    )


def _state(server: Server, thumbprint: str) -> str:
    if not certificate_distribution.runs(server):
        return "ServerUnreachable"
    found = certificate_rules.find(server, thumbprint)
    return "Installed" if found is not None else "NotInstalled"


def _state_output(organisation: Organisation, server: Server, thumbprint: str) -> OutputObject:
    """One certificate on one server, which the object does not name, as in reality."""
    sites = f"CN=Sites,{directory.configuration_dn(organisation.domain)}"
    state = _state(server, thumbprint)
    return output_of(
        _STATE,
        _STATE[0],
        {
            "Site": lambda: directory.ad_object_id(f"CN={server.Site},{sites}"),
            "State": lambda: enum(
                TASKS + "FederationTrustCertificateState", state, STATES.index(state)
            ),
            "Thumbprint": lambda: thumbprint,
        },
    )


def _test_certificate(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    trust = organisation.federation_trust
    if trust is None:
        return
    with organisation.lock:
        found = [
            _state_output(organisation, server, thumbprint)
            for server in organisation
            if not server.IsEdgeServer
            for thumbprint in federation.named(trust).values()
        ]
    yield from found


_DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)

CMDLETS = (
    CmdletDefinition(
        "Test-FederationTrust",
        "Microsoft.Exchange.Management.Sharing.TestFederationTrust",
        (
            Parameter("UserIdentity", conversion.required_text),
            Parameter("MonitoringContext", conversion.boolean),
            _DOMAIN_CONTROLLER,
        ),
        _test_trust,
        should_process=True,
    ),
    CmdletDefinition(
        "Test-FederationTrustCertificate",
        TASKS + "TestFederationTrustCertificate",
        (_DOMAIN_CONTROLLER,),
        _test_certificate,
        should_process=True,
    ),
)
