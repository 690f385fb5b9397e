# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is every change written down, and every moment at which a connector named what its server could
not present?"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from fake_exchange.cmdlets.registry import SecureText
from fake_exchange.organisation import services
from fake_exchange.organisation.journal import Change
from fake_exchange.organisation.model import Organisation
from fake_exchange.organisation.tls_names import tls_certificate_name
from support import pki
from support.cmdlet_shell import Outcome, Shell, small_organisation

PASSWORD = "correct horse"
MAIL = pki.root(("CN", "Test Root")).issue(("CN", "mail.contoso.test"), dns=["mail.contoso.test"])
NAME = tls_certificate_name(MAIL.certificate)
FRONT_END = "EX01\\Default Frontend EX01"


@pytest.fixture
def organisation() -> Organisation:
    return small_organisation("EX01", "EX02")


@pytest.fixture
def shell(organisation: Organisation) -> Shell:
    """A session on EX01."""
    return Shell(organisation, organisation.accounts[0], organisation.servers["EX01"])


def install(shell: Shell, server: str, *, smtp: bool = True) -> None:
    data, password = MAIL.pfx(PASSWORD), SecureText(PASSWORD)
    parameters = {"Server": server, "FileData": data, "Password": password}
    shell.run(("Import-ExchangeCertificate", parameters)).succeeded()
    if smtp:
        which = {"Server": server, "Thumbprint": MAIL.thumbprint}
        parameters = {**which, "Services": "SMTP", "Force": True}
        shell.run(("Enable-ExchangeCertificate", parameters)).succeeded()


def point(shell: Shell, connector: str, name: str | None = NAME) -> Outcome:
    cmdlet = "Set-ReceiveConnector" if "\\" in connector else "Set-SendConnector"
    return shell.run((cmdlet, {"Identity": connector, "TlsCertificateName": name}))


def changes(organisation: Organisation) -> list[dict[str, Any]]:
    found: Any = organisation.journal.as_dict()["changes"]
    return list(found)


def violations(organisation: Organisation) -> list[tuple[str, str, str]]:
    """Connector, server, and the change that made it so."""
    found: Any = organisation.journal.as_dict()["violations"]
    return [(item["connector"], item["server"], item["after"]) for item in found]


# Changes ----------------------------------------------------------------------------------------


def test_each_change_says_what_where_and_of_which_certificate(
    shell: Shell, organisation: Organisation
) -> None:
    began = datetime.now(timezone.utc)
    install(shell, "EX02")
    point(shell, FRONT_END)
    assert [(c["what"], c["server"], c["detail"], c["error"]) for c in changes(organisation)] == [
        ("Import-ExchangeCertificate", "EX02", MAIL.thumbprint, ""),
        ("Enable-ExchangeCertificate", "EX02", MAIL.thumbprint, ""),
        ("Set-ReceiveConnector", "EX01", FRONT_END, ""),
    ]
    times = [datetime.fromisoformat(change["time"]) for change in changes(organisation)]
    assert began <= times[0] <= times[1] <= times[2] <= datetime.now(timezone.utc)


def test_a_change_belongs_to_the_server_it_was_made_on_however_that_was_named(
    shell: Shell, organisation: Organisation
) -> None:
    point(shell, "EX02\\Default Frontend EX02", None).succeeded()
    install(shell, "ex02.contoso.test", smtp=False)
    parameters = {"Identity": f"EX02\\{MAIL.thumbprint}", "Confirm": False}
    shell.run(("Remove-ExchangeCertificate", parameters)).succeeded()
    assert [change["server"] for change in changes(organisation)] == ["EX02"] * 3


def test_what_was_done_twice_can_be_counted(shell: Shell, organisation: Organisation) -> None:
    install(shell, "EX01", smtp=False)
    again = {"FileData": MAIL.pfx(PASSWORD), "Password": SecureText(PASSWORD)}
    assert shell.run(("Import-ExchangeCertificate", again)).errors
    first, second = changes(organisation)
    assert (first["detail"], second["detail"]) == (MAIL.thumbprint, MAIL.thumbprint)
    assert first["error"] == ""
    assert "already exists" in second["error"]


def test_services_are_followed(organisation: Organisation) -> None:
    services.restart(organisation, organisation.servers["EX02"], "W3SVC")
    assert [(c["what"], c["server"]) for c in changes(organisation)] == [
        ("W3SVC Stopped", "EX02"),
        ("W3SVC Running", "EX02"),
    ]


def test_reading_is_no_change(shell: Shell, organisation: Organisation) -> None:
    shell.run("Get-SendConnector", ("Select-Object", {"Property": "Name"})).succeeded()
    shell.run("Test-ServiceHealth")
    assert changes(organisation) == []


def test_no_secret_is_written_down(shell: Shell, organisation: Organisation) -> None:
    install(shell, "EX01")
    assert PASSWORD not in str(organisation.journal.as_dict())


# Violations -------------------------------------------------------------------------------------


def test_first_the_certificate_then_the_names_is_sound(
    shell: Shell, organisation: Organisation
) -> None:
    for server in ("EX01", "EX02"):
        install(shell, server)
    point(shell, FRONT_END).succeeded()
    point(shell, "Outbound").succeeded()
    assert violations(organisation) == []


def test_a_name_before_its_certificate_is_not(shell: Shell, organisation: Organisation) -> None:
    point(shell, FRONT_END).succeeded()
    assert violations(organisation) == [(FRONT_END, "EX01", "Set-ReceiveConnector on EX01")]


def test_it_stays_on_record_when_all_is_well_again(
    shell: Shell, organisation: Organisation
) -> None:
    point(shell, FRONT_END).succeeded()
    install(shell, "EX01")
    point(shell, FRONT_END, None).succeeded()
    (violation,) = organisation.journal.as_dict()["violations"]  # type: ignore[misc,attr-defined]
    assert violation["names"] == NAME
    assert violation["time"] == changes(organisation)[0]["time"]


def test_a_certificate_without_smtp_cannot_be_presented(
    shell: Shell, organisation: Organisation
) -> None:
    install(shell, "EX01", smtp=False)
    point(shell, FRONT_END).succeeded()
    assert [server for _connector, server, _after in violations(organisation)] == ["EX01"]


def test_a_certificate_without_its_key_cannot_be_presented(
    shell: Shell, organisation: Organisation
) -> None:
    install(shell, "EX01")
    organisation.servers["EX01"].certificates[MAIL.thumbprint].private_key = None
    point(shell, FRONT_END).succeeded()
    assert [server for _connector, server, _after in violations(organisation)] == ["EX01"]


@pytest.mark.parametrize("role", ["Mailbox", "Edge"])
def test_a_send_connector_is_judged_on_each_of_its_source_servers(
    shell: Shell, organisation: Organisation, role: str
) -> None:
    organisation.servers["EX02"].ServerRole = role
    install(shell, "EX01")
    point(shell, "Outbound").succeeded()
    assert violations(organisation) == [("Outbound", "EX02", "Set-SendConnector on EX01")]


def test_a_removal_can_be_what_made_it_so(shell: Shell, organisation: Organisation) -> None:
    install(shell, "EX01")
    point(shell, FRONT_END).succeeded()
    server = organisation.servers["EX01"]
    # Only the internal transport certificate and those of Send connectors are protected.
    server.InternalTransportCertificateThumbprint = None
    parameters = {"Thumbprint": MAIL.thumbprint, "Confirm": False}
    shell.run(("Remove-ExchangeCertificate", parameters)).succeeded()
    assert violations(organisation) == [(FRONT_END, "EX01", "Remove-ExchangeCertificate on EX01")]


def test_a_lasting_one_is_kept_once_with_the_change_that_began_it(
    shell: Shell, organisation: Organisation
) -> None:
    point(shell, FRONT_END).succeeded()
    organisation.journal.record(organisation, Change("anything", "EX02"))
    assert violations(organisation) == [(FRONT_END, "EX01", "Set-ReceiveConnector on EX01")]


def test_both_are_forgotten_on_request(shell: Shell, organisation: Organisation) -> None:
    point(shell, FRONT_END).succeeded()
    organisation.journal.reset()
    assert organisation.journal.as_dict() == {"changes": [], "violations": []}
