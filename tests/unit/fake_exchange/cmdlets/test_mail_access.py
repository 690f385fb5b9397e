# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate do POP3 and IMAP4 present, and what can be set of them?"""

from __future__ import annotations

from typing import Any

import pytest

from fake_exchange.organisation import services
from fake_exchange.organisation.accounts import permissions_of
from fake_exchange.organisation.model import Organisation, Server
from support import pki
from support.cmdlet_shell import Outcome, Shell

SERVICE = {"Pop": "MSExchangePOP3", "Imap": "MSExchangeIMAP4"}
PORT = {"Pop": "pop3s", "Imap": "imaps"}
ROOT = pki.root(("CN", "Test Root"))


@pytest.fixture(params=["Pop", "Imap"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def change(shell: Shell, kind: str, **parameters: Any) -> Outcome:
    return shell.run((f"Set-{kind}Settings", parameters))


def shown(shell: Shell, kind: str, **parameters: Any) -> dict[str, str]:
    (row,) = shell.run((f"Get-{kind}Settings", parameters)).succeeded().rows
    return {
        name: ", ".join(str(item) for item in value)
        if isinstance(value, list)
        else value.PSObject.to_string
        if hasattr(value, "PSObject")
        else str(value)
        for name, value in row.items()
    }


def install(shell: Shell, kind: str, *dns: str, common_name: str = "", enable: bool = True) -> str:
    """A certificate for these names on EX01, and its thumbprint."""
    issued = ROOT.issue(("CN", common_name or dns[0]), dns=list(dns))
    parameters = {"FileData": issued.pfx("x"), "Password": pki_password("x")}
    shell.run(("Import-ExchangeCertificate", parameters)).succeeded()
    if enable:
        parameters = {"Thumbprint": issued.thumbprint, "Services": kind.upper()}
        shell.run(("Enable-ExchangeCertificate", parameters)).succeeded()
    return issued.thumbprint


def pki_password(text: str) -> Any:
    from fake_exchange.cmdlets.registry import SecureText

    return SecureText(text)


def presented(organisation: Organisation, kind: str) -> str | None:
    """After a restart of the service on EX01."""
    server = organisation.servers["EX01"]
    services.restart(organisation, server, SERVICE[kind])
    loaded = services.presented(organisation, server, PORT[kind])
    return loaded.Thumbprint if loaded is not None else None


# Which certificate ------------------------------------------------------------------------------


def test_setup_names_the_server(
    shell: Shell, organisation: Organisation, server: Server, kind: str
) -> None:
    assert shown(shell, kind)["X509CertificateName"] == "EX01"
    default = server.certificates[str(presented(organisation, kind))]
    assert default.FriendlyName == "Microsoft Exchange"


def test_enabling_a_certificate_names_it(
    shell: Shell, organisation: Organisation, kind: str
) -> None:
    thumbprint = install(shell, kind, "mail.contoso.test", "pop.contoso.test")
    assert shown(shell, kind)["X509CertificateName"] == "mail.contoso.test"
    assert presented(organisation, kind) == thumbprint


def test_where_enabling_does_not_name_it_the_settings_have_to(
    shell: Shell, organisation: Organisation, kind: str
) -> None:
    organisation.behavior.enable_sets_x509_certificate_name = False
    thumbprint = install(shell, kind, "mail.contoso.test", "pop.contoso.test")
    assert presented(organisation, kind) is None
    change(shell, kind, X509CertificateName="POP.contoso.test").succeeded()
    assert presented(organisation, kind) == thumbprint


def test_the_name_alone_is_not_enough(shell: Shell, organisation: Organisation, kind: str) -> None:
    install(shell, kind, "mail.contoso.test", enable=False)
    change(shell, kind, X509CertificateName="mail.contoso.test").succeeded()
    assert presented(organisation, kind) is None


def test_a_wildcard_needs_only_the_name(
    shell: Shell, organisation: Organisation, kind: str
) -> None:
    thumbprint = install(shell, kind, "*.contoso.test", enable=False)
    change(shell, kind, X509CertificateName="mail.contoso.test").succeeded()
    assert presented(organisation, kind) == thumbprint


def test_a_running_service_keeps_what_it_has(
    shell: Shell, organisation: Organisation, server: Server, kind: str
) -> None:
    before = presented(organisation, kind)
    install(shell, kind, "mail.contoso.test")
    loaded = services.presented(organisation, server, PORT[kind])
    assert loaded is not None
    assert loaded.Thumbprint == before


# Settings ---------------------------------------------------------------------------------------


def test_a_change_says_what_has_to_be_restarted(
    shell: Shell, organisation: Organisation, kind: str
) -> None:
    parameters = {"X509CertificateName": "mail.contoso.test", "Server": "ex02.contoso.test"}
    (warning,) = change(shell, kind, **parameters).succeeded().warnings
    assert warning.endswith("services are restarted on server EX02.")
    (warning,) = change(shell, kind, **parameters).succeeded().warnings
    assert "no settings of 'EX02\\1' have been modified" in warning
    assert shown(shell, kind)["X509CertificateName"] == "EX01"
    journal: Any = organisation.journal.as_dict()["changes"]
    assert {(e["server"], e["detail"]) for e in journal} == {("EX02", "EX02\\1")}


def test_what_setup_leaves(shell: Shell) -> None:
    pop, imap = shown(shell, "Pop"), shown(shell, "Imap")
    assert (pop["ProtocolName"], imap["ProtocolName"]) == ("POP3", "IMAP4")
    assert (pop["SSLBindings"], imap["SSLBindings"]) == (
        "[::]:995, 0.0.0.0:995",
        "[::]:993, 0.0.0.0:993",
    )
    assert imap["InternalConnectionSettings"] == (
        "ex01.contoso.test:993:SSL, ex01.contoso.test:143:TLS"
    )
    assert (pop["LoginType"], pop["Identity"], pop["Server"]) == ("SecureLogin", "EX01\\1", "EX01")
    assert ("MessageRetrievalSortOrder" in pop, "ShowHiddenFoldersEnabled" in pop) == (True, False)


def test_settings_are_kept_and_shown(shell: Shell, kind: str) -> None:
    parameters = {
        "LoginType": "PlainTextLogin",
        "ExternalConnectionSettings": ["mail.contoso.test:995:ssl", "mail.contoso.test:110"],
        "AuthenticatedConnectionTimeout": "00:10:00",
        "LogPerFileSizeQuota": "2MB",
        "ProtocolLogEnabled": True,
        "MaxConnections": 100,
    }
    change(shell, kind, **parameters).succeeded()
    after = shown(shell, kind)
    assert {name: after[name] for name in parameters} == {
        "LoginType": "PlainTextLogin",
        "ExternalConnectionSettings": "mail.contoso.test:995:SSL, mail.contoso.test:110",
        "AuthenticatedConnectionTimeout": "00:10:00",
        "LogPerFileSizeQuota": "2 MB (2,097,152 bytes)",
        "ProtocolLogEnabled": "True",
        "MaxConnections": "100",
    }
    assert "no settings" in change(shell, kind, **parameters).succeeded().warnings[0]


def test_the_numbers_of_the_documentation_are_understood(shell: Shell, kind: str) -> None:
    change(shell, kind, LoginType=1, CalendarItemRetrievalOption=1).succeeded()
    after = shown(shell, kind)
    assert (after["LoginType"], after["CalendarItemRetrievalOption"]) == (
        "PlainTextLogin",
        "intranetUrl",
    )


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"X509CertificateName": "*.contoso.test"}, "isn't a fully qualified domain name"),
    ({"X509CertificateName": "a.test, b.test"}, "isn't a fully qualified domain name"),
    ({"MaxConnections": 0}, "isn't between"),
    ({"PreAuthenticatedConnectionTimeout": "00:00:29"}, "isn't between"),
    ({"CalendarItemRetrievalOption": "Custom"}, "OwaServerUrl"),
    ({"Server": "EX77"}, "was not found"),
]


@pytest.mark.parametrize(("given", "message"), REFUSALS)
def test_what_cannot_be_is_refused(
    shell: Shell, kind: str, given: dict[str, Any], message: str
) -> None:
    assert message in change(shell, kind, **given).error.message
    assert shown(shell, kind)["X509CertificateName"] == "EX01"


def test_an_edge_server_has_neither(shell: Shell, organisation: Organisation, kind: str) -> None:
    organisation.servers["EX02"].mail_access.clear()
    outcome = shell.run((f"Get-{kind}Settings", {"Server": "EX02"}))
    assert "isn't installed on server EX02" in outcome.error.message


def test_server_administrators_may(shell: Shell, kind: str) -> None:
    shell.account.permissions = permissions_of(["Server Management"])
    assert shell.account.may_run(f"Set-{kind}Settings")
    shell.account.permissions = permissions_of(["View-Only Organization Management"])
    assert shell.account.may_run(f"Get-{kind}Settings")
    assert not shell.account.may_run(f"Set-{kind}Settings")
