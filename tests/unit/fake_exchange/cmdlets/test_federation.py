# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a federation certificate come into being, to all servers and into use?"""

from __future__ import annotations

import base64
import uuid
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from fake_exchange.organisation import certificates, federation_certificate, services
from fake_exchange.organisation.accounts import permissions_of
from fake_exchange.organisation.model import (
    FederationTrust,
    Organisation,
    Server,
    StoredCertificate,
    now,
)
from support.cmdlet_shell import Outcome, Prompted, Shell

TRUST = "Azure AD authentication"
NO = 2


def make(shell: Shell, *, exportable: bool = True) -> str:
    """A certificate as Microsoft's page makes it, on EX01."""
    shell.host = Prompted(NO)
    parameters = {
        "DomainName": "Federation",
        "FriendlyName": "Exchange Delegation Federation",
        "Services": "Federation",
        "SubjectKeyIdentifier": uuid.uuid4().hex,
        "PrivateKeyExportable": exportable,
    }
    outcome = shell.run(
        ("New-ExchangeCertificate", parameters), ("Select-Object", {"Property": "Thumbprint"})
    )
    (row,) = outcome.succeeded().rows
    assert shell.host.questions == []
    return str(row["Thumbprint"])


def put(server: Server, *, days: float = 365) -> str:
    """A federation certificate in a server's store; with negative days it has expired."""
    data = certificates.self_signed(
        certificates.common_name("Federation"),
        key=certificates.shared_key("federation"),
        valid_from=now() - timedelta(days=400),
        years=(400 + days) / 365.25,
    )
    stored = StoredCertificate(data.certificate, data.private_key, PrivateKeyExportable=True)
    server.certificates[stored.Thumbprint] = stored
    return stored.Thumbprint


@pytest.fixture
def trust(organisation: Organisation) -> FederationTrust:
    """A trust whose certificate every server holds."""
    first, *others = organisation
    thumbprint = put(first)
    for server in others:
        server.certificates[thumbprint] = first.certificates[thumbprint]
    made = FederationTrust(
        Name=TRUST,
        OrgPrivCertificate=thumbprint,
        ApplicationUri="FYDIBOHF25SPDLT.contoso.test",
        AccountNamespace="FYDIBOHF25SPDLT.contoso.test",
        Domains=["FYDIBOHF25SPDLT.contoso.test", "contoso.test"],
    )
    organisation.federation_trust = made
    return made


def change(shell: Shell, **parameters: Any) -> Outcome:
    return shell.run(("Set-FederationTrust", {"Identity": TRUST, **parameters}))


def names(shell: Shell) -> tuple[str, str, str]:
    """Current, previous and next."""
    (row,) = shell.run("Get-FederationTrust").succeeded().rows
    return (
        row["OrgPrivCertificate"],
        row["OrgPrevPrivCertificate"],
        row["OrgNextPrivCertificate"],
    )


def states(shell: Shell, thumbprint: str) -> list[str]:
    rows = shell.run("Test-FederationTrustCertificate").succeeded().rows
    assert all("Server" not in row for row in rows)
    return [row["State"].PSObject.to_string for row in rows if row["Thumbprint"] == thumbprint]


# Made -------------------------------------------------------------------------------------------


def test_it_is_made_with_the_identifier_it_is_given(shell: Shell, server: Server) -> None:
    identifier = uuid.uuid4().hex
    parameters = {"DomainName": "Federation", "Services": "Federation"}
    parameters["SubjectKeyIdentifier"] = identifier
    shell.run(("New-ExchangeCertificate", parameters)).succeeded()
    stored = list(server.certificates.values())[-1]
    extension = stored.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    assert extension.value.digest.hex() == identifier
    assert stored.Services == {"Federation"}
    parameters["SubjectKeyIdentifier"] = "no number"
    error = shell.run(("New-ExchangeCertificate", parameters)).error
    assert "isn't a hexadecimal number" in error.message


# Staged and brought to all servers --------------------------------------------------------------


def test_a_certificate_is_staged_and_brought_to_the_others_when_their_service_host_starts(
    shell: Shell, organisation: Organisation, trust: FederationTrust
) -> None:
    current, thumbprint = trust.OrgPrivCertificate, make(shell)
    other = organisation.servers["EX02"]
    other.Site = "Hamburg"
    change(shell, Thumbprint=thumbprint.lower(), RefreshMetadata=True).succeeded()
    assert names(shell) == (current, "", thumbprint)
    assert states(shell, thumbprint) == ["Installed", "NotInstalled"]
    services.restart(organisation, other, "MSExchangeServiceHost")
    assert states(shell, thumbprint) == ["Installed", "Installed"]
    assert other.certificates[thumbprint].Services == {"Federation"}
    journal: Any = organisation.journal.as_dict()["changes"]
    assert ("Federation deployed", "EX02") in [(e["what"], e["server"]) for e in journal]


def test_a_server_whose_service_host_stands_is_unreachable(
    shell: Shell, organisation: Organisation, trust: FederationTrust
) -> None:
    services.stop(organisation, organisation.servers["EX02"], "MSExchangeServiceHost")
    assert states(shell, trust.OrgPrivCertificate) == ["Installed", "ServerUnreachable"]


def test_staging_twice_warns(shell: Shell, trust: FederationTrust) -> None:
    thumbprint = make(shell)
    assert change(shell, Thumbprint=thumbprint).succeeded().warnings == []
    (warning,) = change(shell, Thumbprint=thumbprint).succeeded().warnings
    assert f"no settings of '{TRUST}' have been modified" in warning


def test_what_the_session_server_lacks_or_cannot_use_is_refused(
    shell: Shell, organisation: Organisation, trust: FederationTrust
) -> None:
    first, second = organisation
    missing = change(shell, Thumbprint=put(second, days=100)).error
    assert missing.message.endswith("cannot be found.")
    assert missing.category_reason == "FederationCertificateInvalidException"
    expired = change(shell, Thumbprint=put(first, days=-5)).error
    assert "isn't valid at the moment" in expired.message
    fixed = change(shell, Thumbprint=make(shell, exportable=False)).error
    assert "isn't exportable" in fixed.message
    current = change(shell, Thumbprint=trust.OrgPrivCertificate).error
    assert "current certificate already" in current.message


def test_the_trust_has_to_be_named_right(shell: Shell, trust: FederationTrust) -> None:
    parameters = {"Identity": "Microsoft Federation Gateway", "RefreshMetadata": True}
    assert "couldn't be found" in shell.run(("Set-FederationTrust", parameters)).error.message


# Published --------------------------------------------------------------------------------------


def test_publishing_moves_all_of_them_on(shell: Shell, trust: FederationTrust) -> None:
    current, thumbprint = trust.OrgPrivCertificate, make(shell)
    change(shell, Thumbprint=thumbprint).succeeded()
    change(shell, PublishFederationCertificate=True).succeeded()
    assert names(shell) == (thumbprint, current, "")
    error = change(shell, PublishFederationCertificate=True).error
    assert "no next certificate" in error.message


def test_with_an_expired_certificate_the_gateway_does_not_listen(
    shell: Shell, server: Server, trust: FederationTrust
) -> None:
    trust.OrgPrivCertificate = put(server, days=-5)
    change(shell, Thumbprint=make(shell)).succeeded()
    before = names(shell)
    error = change(shell, PublishFederationCertificate=True).error
    assert "1007 AccessDenied" in error.message
    assert names(shell) == before


def test_what_if_publishes_nothing(shell: Shell, trust: FederationTrust) -> None:
    change(shell, Thumbprint=make(shell)).succeeded()
    before = names(shell)
    change(shell, PublishFederationCertificate=True, WhatIf=True).succeeded()
    assert names(shell) == before


@pytest.mark.parametrize(
    "given",
    [
        {"Thumbprint": "AA", "PublishFederationCertificate": True},
        {"ApplicationUri": "a.test", "RefreshMetadata": True},
    ],
)
def test_parameters_of_different_sets_exclude_each_other(
    shell: Shell, trust: FederationTrust, given: dict[str, Any]
) -> None:
    failure = change(shell, **given).failure
    assert failure is not None
    assert failure.error_id.startswith("AmbiguousParameterSet,")


def test_other_settings(shell: Shell, trust: FederationTrust) -> None:
    assert "https URL" in change(shell, MetadataUrl="/metadata.xml").error.message
    change(shell, MetadataUrl="https://example.test/metadata.xml").succeeded()
    change(shell, ApplicationUri="contoso.test", Name="Trust").succeeded()
    (row,) = shell.run(("Get-FederationTrust", {"Identity": "trust"})).succeeded().rows
    assert (str(row["MetadataEpr"]), str(row["ApplicationUri"]), row["Name"]) == (
        "https://example.test/metadata.xml",
        "contoso.test",
        "Trust",
    )


# Proofs -----------------------------------------------------------------------------------------


def proofs(shell: Shell, **parameters: Any) -> dict[str, str]:
    """Certificate property and proof, for contoso.test."""
    parameters = {"DomainName": "contoso.test", **parameters}
    rows = shell.run(("Get-FederatedDomainProof", parameters)).succeeded().rows
    assert all(row["DnsRecord"] == f"contoso.test TXT IN {row['Proof']}" for row in rows)
    return {row["Name"]: row["Proof"] for row in rows}


def test_each_certificate_has_a_proof_of_its_own_that_stays_the_same(
    shell: Shell, trust: FederationTrust
) -> None:
    thumbprint = make(shell)
    change(shell, Thumbprint=thumbprint).succeeded()
    found = proofs(shell)
    assert set(found) == {"OrgPrivCertificate", "OrgNextPrivCertificate"}
    assert len(set(found.values())) == 2
    assert all(len(base64.b64decode(proof)) == 64 for proof in found.values())
    assert proofs(shell) == found
    assert proofs(shell, Thumbprint=thumbprint) == {"": found["OrgNextPrivCertificate"]}


def test_a_proof_needs_the_key(
    shell: Shell, organisation: Organisation, trust: FederationTrust
) -> None:
    del organisation.servers["EX01"].certificates[trust.OrgPrivCertificate]
    outcome = shell.run(("Get-FederatedDomainProof", {"DomainName": "contoso.test"}))
    assert "cannot be found" in outcome.error.message


def test_without_a_trust_a_certificate_has_to_be_named(shell: Shell) -> None:
    outcome = shell.run(("Get-FederatedDomainProof", {"DomainName": "contoso.test"}))
    assert "no federation trust" in outcome.error.message
    assert set(proofs(shell, Thumbprint=make(shell))) == {""}


# The organisation at the gateway ----------------------------------------------------------------


def test_the_identifier_names_the_federated_domains(shell: Shell, trust: FederationTrust) -> None:
    (row,) = shell.run("Get-FederatedOrganizationIdentifier").succeeded().rows
    assert [d.PSObject.to_string for d in row["Domains"]] == trust.Domains
    assert (row["AccountNamespace"], row["Enabled"]) == (trust.AccountNamespace, True)
    assert row["DelegationTrustLink"].PSObject.to_string == TRUST


def test_an_organisation_without_federation_has_an_empty_identifier(shell: Shell) -> None:
    (row,) = shell.run("Get-FederatedOrganizationIdentifier").succeeded().rows
    assert (list(row["Domains"]), row["Enabled"], row["DelegationTrustLink"]) == ([], False, None)
    assert shell.run("Test-FederationTrustCertificate").succeeded().rows == []


# Tested -----------------------------------------------------------------------------------------


def results(outcome: Outcome) -> dict[str, str]:
    return {row["Id"]: row["Type"].PSObject.to_string for row in outcome.rows}


def test_a_working_trust_passes(shell: Shell, trust: FederationTrust) -> None:
    found = results(shell.run("Test-FederationTrust").succeeded())
    assert list(found) == [
        "FederationTrustConfiguration",
        "FederationMetadata",
        "StsCertificate",
        "StsPreviousCertificate",
        "OrganizationCertificate",
        "TokenRequest",
    ]
    assert set(found.values()) == {"Success"}


def test_an_expired_or_missing_certificate_gets_no_token(
    shell: Shell, server: Server, trust: FederationTrust
) -> None:
    for thumbprint in (put(server, days=-5), "AA" * 20):
        trust.OrgPrivCertificate = thumbprint
        outcome = shell.run("Test-FederationTrust")
        found = results(outcome)
        assert (found["OrganizationCertificate"], found["TokenRequest"]) == ("Error", "Error")
        assert " F589C7F4," in outcome.error.error_id


def test_without_a_trust_there_is_nothing_to_test(shell: Shell) -> None:
    outcome = shell.run("Test-FederationTrust").succeeded()
    assert results(outcome) == {"FederationTrustConfiguration": "Error"}


# ------------------------------------------------------------------------------------------------


def test_the_servicelet_does_nothing_twice(
    shell: Shell, organisation: Organisation, trust: FederationTrust
) -> None:
    change(shell, Thumbprint=make(shell)).succeeded()
    other = organisation.servers["EX02"]
    assert len(federation_certificate.run_servicelet(organisation, other)) == 1
    assert federation_certificate.run_servicelet(organisation, other) == []


def test_only_some_may_change_the_trust(shell: Shell) -> None:
    shell.account.permissions = permissions_of(["Server Management"])
    assert shell.account.may_run("Test-FederationTrust")
    assert not shell.account.may_run("Set-FederationTrust")
