# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does an OAuth certificate come into being, to all servers and into use?"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from fake_exchange.organisation import auth_certificate, services
from fake_exchange.organisation.model import Organisation, Server
from support import pki
from support.cmdlet_shell import Outcome, Prompted, Shell

YES, NO = 0, 2
SOON = timedelta(hours=47)
LATER = timedelta(hours=49)


def now() -> datetime:
    return datetime.now(timezone.utc)


def make(shell: Shell, server: str = "EX01", *, exportable: bool = True) -> str:
    """A certificate as Microsoft's page makes it, the internal transport certificate kept."""
    shell.host = Prompted(NO)
    parameters = {
        "KeySize": 2048,
        "PrivateKeyExportable": exportable,
        "SubjectName": "cn=Microsoft Exchange Server Auth Certificate",
        "FriendlyName": "Microsoft Exchange Server Auth Certificate",
        "DomainName": [],
        "Server": server,
    }
    outcome = shell.run(
        ("New-ExchangeCertificate", parameters), ("Select-Object", {"Property": "Thumbprint"})
    )
    (row,) = outcome.succeeded().rows
    shell.host = None
    return str(row["Thumbprint"])


def set_auth(shell: Shell, **parameters: Any) -> Outcome:
    return shell.run(("Set-AuthConfig", parameters))


def stage(shell: Shell, thumbprint: str, ahead: timedelta = LATER, **parameters: Any) -> Outcome:
    return set_auth(
        shell,
        NewCertificateThumbprint=thumbprint,
        NewCertificateEffectiveDate=now() + ahead,
        **parameters,
    )


def names(shell: Shell) -> tuple[str, str, str]:
    """Current, previous and next."""
    (row,) = shell.run("Get-AuthConfig").succeeded().rows
    return (
        row["CurrentCertificateThumbprint"],
        row["PreviousCertificateThumbprint"],
        row["NextCertificateThumbprint"],
    )


@pytest.fixture
def current(organisation: Organisation) -> str:
    return organisation.auth_config.CurrentCertificateThumbprint


@pytest.fixture
def other(organisation: Organisation) -> Server:
    return organisation.servers["EX02"]


# Made -------------------------------------------------------------------------------------------


def test_making_one_asks_about_the_internal_transport_certificate(
    shell: Shell, server: Server
) -> None:
    before = server.InternalTransportCertificateThumbprint
    thumbprint = make(shell)
    assert server.InternalTransportCertificateThumbprint == before
    stored = server.certificates[thumbprint]
    assert (stored.FriendlyName, stored.PrivateKeyExportable) == (
        "Microsoft Exchange Server Auth Certificate",
        True,
    )
    assert stored.certificate.subject.rfc4514_string() == (
        "CN=Microsoft Exchange Server Auth Certificate"
    )


def test_answered_with_yes_it_becomes_the_internal_transport_certificate(
    shell: Shell, server: Server
) -> None:
    outcome = shell.run(("New-ExchangeCertificate", {"Force": True, "SubjectName": "cn=x"}))
    outcome.succeeded()
    assert server.InternalTransportCertificateThumbprint == list(server.certificates)[-1]


# Staged -----------------------------------------------------------------------------------------


def test_a_certificate_is_staged_with_its_date(shell: Shell, current: str) -> None:
    thumbprint = make(shell)
    stage(shell, thumbprint.lower()).succeeded()
    assert names(shell) == (current, "", thumbprint)
    (row,) = shell.run("Get-AuthConfig").rows
    shown = row["NextCertificateEffectiveDate"]
    assert abs(shown - now() - LATER) < timedelta(minutes=1)


def test_staging_the_same_again_warns(shell: Shell) -> None:
    thumbprint, date = make(shell), now() + LATER
    parameters = {"NewCertificateThumbprint": thumbprint, "NewCertificateEffectiveDate": date}
    assert set_auth(shell, **parameters).succeeded().warnings == []
    (warning,) = set_auth(shell, **parameters).succeeded().warnings
    assert "no settings of 'Auth Configuration' have been modified" in warning


@pytest.mark.parametrize("ahead", [SOON, timedelta(0), timedelta(days=-1)])
def test_less_than_48_hours_are_asked_about(shell: Shell, current: str, ahead: timedelta) -> None:
    thumbprint = make(shell)
    shell.host = Prompted(NO)
    stage(shell, thumbprint, ahead).succeeded()
    ((_, question),) = shell.host.questions
    assert "not 48 hours into the future" in question
    assert names(shell) == (current, "", "")
    shell.host = Prompted(YES)
    stage(shell, thumbprint, ahead).succeeded()
    assert names(shell) == (current, "", thumbprint)


def test_force_asks_nothing(shell: Shell, current: str) -> None:
    thumbprint = make(shell)
    stage(shell, thumbprint, SOON, Force=True).succeeded()
    assert names(shell)[2] == thumbprint


def test_without_a_host_the_question_ends_the_pipeline(shell: Shell, current: str) -> None:
    thumbprint = make(shell)
    failure = stage(shell, thumbprint, SOON).failure
    assert failure is not None
    assert failure.error_id.startswith("HostFunctionNotImplemented,")
    assert names(shell) == (current, "", "")


def test_the_date_can_be_moved_alone(shell: Shell) -> None:
    thumbprint = make(shell)
    missing = set_auth(shell, NewCertificateEffectiveDate=now() + LATER)
    assert "NewCertificateThumbprint parameter must be specified" in missing.error.message
    stage(shell, thumbprint).succeeded()
    set_auth(shell, NewCertificateEffectiveDate=now() + timedelta(days=30)).succeeded()
    assert names(shell)[2] == thumbprint


def test_a_date_without_time_zone_is_the_servers(shell: Shell, organisation: Organisation) -> None:
    thumbprint = make(shell)
    naive = datetime(2040, 1, 2, 3, 4)
    parameters = {"NewCertificateThumbprint": thumbprint, "NewCertificateEffectiveDate": naive}
    set_auth(shell, **parameters).succeeded()
    date = organisation.auth_config.NextCertificateEffectiveDate
    assert date is not None
    assert date.utcoffset() == timedelta(hours=1)


def test_a_thumbprint_needs_a_date(shell: Shell) -> None:
    error = set_auth(shell, NewCertificateThumbprint=make(shell)).error
    assert "NewCertificateEffectiveDate parameter must be specified" in error.message


def test_the_current_certificate_cannot_be_the_next(shell: Shell, current: str) -> None:
    assert "current certificate already" in stage(shell, current).error.message


def unusable(server: Server, **keywords: Any) -> str:
    from fake_exchange.organisation.model import StoredCertificate

    issued = pki.root(("CN", "x")).issue(("CN", "auth"), **keywords)
    stored = StoredCertificate(issued.certificate, issued.key)  # type: ignore[arg-type]
    server.certificates[stored.Thumbprint] = stored
    return stored.Thumbprint


def test_only_what_the_session_server_holds_can_be_named(shell: Shell, other: Server) -> None:
    thumbprint = make(shell, "EX02")
    for outcome in (stage(shell, thumbprint), set_auth(shell, CertificateThumbprint=thumbprint)):
        assert "was not found on server EX01" in outcome.error.message


def test_an_expired_certificate_and_one_without_key_are_refused(
    shell: Shell, server: Server
) -> None:
    expired = unusable(server, not_before=now() - timedelta(days=10), valid_days=5)
    assert "reason: DateInvalid" in stage(shell, expired).error.message
    thumbprint = make(shell)
    server.certificates[thumbprint].private_key = None
    assert "reason: PrivateKeyMissing" in stage(shell, thumbprint).error.message


def test_an_account_without_the_role_cannot(shell: Shell) -> None:
    shell.account.permissions = {}
    assert set_auth(shell, PublishCertificate=True).failure is not None


# Distributed ------------------------------------------------------------------------------------


def test_a_staged_certificate_is_nowhere_else_until_the_service_host_starts(
    shell: Shell, organisation: Organisation, other: Server
) -> None:
    thumbprint = make(shell)
    stage(shell, thumbprint).succeeded()
    assert thumbprint not in other.certificates
    services.restart(organisation, other, "MSExchangeServiceHost")
    copy = other.certificates[thumbprint]
    assert (copy.HasPrivateKey, copy.PrivateKeyExportable, copy.Services) == (True, True, set())
    journal: Any = organisation.journal.as_dict()["changes"]
    assert ("AuthAdmin deployed", "EX02", thumbprint) in [
        (entry["what"], entry["server"], entry["detail"]) for entry in journal
    ]


def test_another_site_gets_nothing_by_itself(
    shell: Shell, organisation: Organisation, other: Server
) -> None:
    other.Site = "Hamburg"
    thumbprint = make(shell)
    stage(shell, thumbprint).succeeded()
    services.restart(organisation, other, "MSExchangeServiceHost")
    assert thumbprint not in other.certificates


def test_a_key_that_must_not_leave_its_server_does_not(
    shell: Shell, organisation: Organisation, other: Server
) -> None:
    thumbprint = make(shell, exportable=False)
    stage(shell, thumbprint).succeeded()
    auth_certificate.run_servicelet(organisation, other)
    assert thumbprint not in other.certificates


# Published --------------------------------------------------------------------------------------


def test_the_servicelet_publishes_when_the_date_has_come(
    shell: Shell, organisation: Organisation, current: str, server: Server
) -> None:
    thumbprint = make(shell)
    stage(shell, thumbprint).succeeded()
    auth_certificate.run_servicelet(organisation, server, now() + SOON)
    assert names(shell) == (current, "", thumbprint)
    auth_certificate.run_servicelet(organisation, server, now() + timedelta(hours=50))
    assert names(shell) == (thumbprint, current, "")
    (row,) = shell.run("Get-AuthConfig").rows
    assert row["NextCertificateEffectiveDate"] is None


def test_a_server_without_the_certificate_does_not_publish_it(
    shell: Shell, organisation: Organisation, current: str, other: Server
) -> None:
    other.Site = "Hamburg"
    stage(shell, make(shell)).succeeded()
    auth_certificate.run_servicelet(organisation, other, now() + timedelta(hours=50))
    assert names(shell)[0] == current


def test_publishing_at_once_brings_it_to_the_own_site(
    shell: Shell, organisation: Organisation, current: str, other: Server
) -> None:
    thumbprint = make(shell)
    stage(shell, thumbprint, timedelta(0), Force=True).succeeded()
    set_auth(shell, PublishCertificate=True).succeeded()
    assert names(shell) == (thumbprint, current, "")
    assert thumbprint in other.certificates
    set_auth(shell, ClearPreviousCertificate=True).succeeded()
    assert names(shell) == (thumbprint, "", "")


def test_it_does_not_reach_another_site_nor_a_server_whose_service_host_stands(
    shell: Shell, organisation: Organisation, other: Server
) -> None:
    services.stop(organisation, other, "MSExchangeServiceHost")
    thumbprint = make(shell)
    set_auth(shell, CertificateThumbprint=thumbprint).succeeded()
    assert thumbprint not in other.certificates


def test_publishing_before_the_date_asks(shell: Shell, current: str) -> None:
    thumbprint = make(shell)
    stage(shell, thumbprint).succeeded()
    shell.host = Prompted(NO)
    set_auth(shell, PublishCertificate=True).succeeded()
    assert names(shell) == (current, "", thumbprint)
    assert "isn't effective until" in shell.host.questions[0][1]
    set_auth(shell, PublishCertificate=True, Force=True).succeeded()
    assert names(shell)[0] == thumbprint


def test_without_a_next_certificate_there_is_nothing_to_publish(shell: Shell) -> None:
    assert "no next certificate" in set_auth(shell, PublishCertificate=True).error.message


def test_clearing_nothing_warns(shell: Shell) -> None:
    (warning,) = set_auth(shell, ClearPreviousCertificate=True).succeeded().warnings
    assert "no settings" in warning


def test_another_current_certificate_at_once(
    shell: Shell, current: str, other: Server, organisation: Organisation
) -> None:
    thumbprint = make(shell)
    parameters = {"CertificateThumbprint": thumbprint, "SkipImmediateCertificateDeployment": True}
    set_auth(shell, **parameters).succeeded()
    assert names(shell) == (thumbprint, current, "")
    assert thumbprint not in other.certificates
    set_auth(shell, CertificateThumbprint=thumbprint).succeeded()
    assert thumbprint in other.certificates


def test_realm_and_service_name_are_settings_of_their_own(shell: Shell) -> None:
    set_auth(shell, Realm="contoso.test").succeeded()
    (row,) = shell.run("Get-AuthConfig").rows
    assert row["Realm"] == "contoso.test"


@pytest.mark.parametrize(
    "given",
    [
        {"CertificateThumbprint": "AA", "PublishCertificate": True},
        {"NewCertificateThumbprint": "AA", "CertificateThumbprint": "AA"},
        {"Realm": "x", "PublishCertificate": True},
        {"Realm": "x", "Force": True},
    ],
)
def test_parameters_of_different_sets_exclude_each_other(
    shell: Shell, given: dict[str, Any]
) -> None:
    failure = set_auth(shell, **given).failure
    assert failure is not None
    assert failure.error_id.startswith("AmbiguousParameterSet,")


def test_there_is_no_server_parameter(shell: Shell) -> None:
    failure = set_auth(shell, CertificateThumbprint="AA", Server="EX02").failure
    assert failure is not None
    assert failure.error_id.startswith("NamedParameterNotFound,")


def test_what_if_changes_nothing(shell: Shell, current: str) -> None:
    set_auth(shell, CertificateThumbprint=make(shell), WhatIf=True).succeeded()
    assert names(shell) == (current, "", "")
