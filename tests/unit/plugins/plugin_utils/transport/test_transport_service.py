# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The internal transport certificate is read, watched, and restored if a change took it."""

from __future__ import annotations

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import StateNotReached
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.transport_service import (
    keep_internal_transport_certificate,
    read_internal_transport_thumbprint,
    services_to_restore,
)
from support.recording_session import RecordingSession, remote

OLD, NEW = "A" * 40, "B" * 40


def transport(name: str, thumbprint: str | None) -> object:
    return remote(Name=name, Identity=name, InternalTransportCertificateThumbprint=thumbprint)


def own_certificate(*services: str, sites: tuple[str, ...] | None = None) -> ExchangeCertificate:
    return ExchangeCertificate(
        thumbprint=OLD,
        subject="CN=EX01",
        issuer="CN=EX01",
        services=frozenset(services),
        iis_sites=sites,
    )


class TestReading:
    @pytest.mark.parametrize(
        ("asked", "known"),
        [
            pytest.param("EX01", "EX01", id="same"),
            pytest.param("ex01", "EX01", id="case"),
            pytest.param("ex01.contoso.com", "EX01", id="qualified in the question"),
        ],
    )
    def test_the_own_server_is_picked_from_all(self, asked: str, known: str) -> None:
        everything = [
            transport("EX02", NEW),
            transport(known, OLD.lower()),
            transport("EX010", NEW),
        ]
        session = RecordingSession({"Get-TransportService": [everything]})
        assert read_internal_transport_thumbprint(session, asked) == OLD
        assert session.calls[0].parameters == {"Identity": asked}

    def test_an_unknown_server_is_said(self) -> None:
        session = RecordingSession({"Get-TransportService": [[transport("EX02", NEW)]]})
        with pytest.raises(StateNotReached, match="knows no server 'EX01'"):
            read_internal_transport_thumbprint(session, "EX01")

    def test_servers_of_one_name_in_two_domains_are_distinguished(self) -> None:
        answer = [
            remote(Name="ex01.b.test", InternalTransportCertificateThumbprint=NEW),
            remote(Name="ex01.a.test", InternalTransportCertificateThumbprint=OLD),
        ]
        session = RecordingSession({"Get-TransportService": [answer]})
        assert read_internal_transport_thumbprint(session, "ex01.a.test") == OLD

    @pytest.mark.parametrize("value", [None, "", "nonsense"])
    def test_an_unset_value_is_none(self, value: str | None) -> None:
        session = RecordingSession({"Get-TransportService": [[transport("EX01", value)]]})
        assert read_internal_transport_thumbprint(session, "EX01") is None


@pytest.mark.parametrize(
    ("certificate", "taken", "restored"),
    [
        pytest.param(own_certificate("SMTP"), {"SMTP"}, {"SMTP"}, id="only SMTP"),
        pytest.param(
            own_certificate("IMAP", "POP", "IIS", "SMTP"),
            {"IIS", "SMTP"},
            {"IMAP", "POP", "SMTP"},
            id="IIS went to the new certificate",
        ),
        pytest.param(
            own_certificate("IIS", "SMTP", sites=("IIS://EX01/W3SVC/2",)),
            {"SMTP"},
            {"SMTP"},
            id="bound to the back end only",
        ),
        pytest.param(
            own_certificate("IMAP", "POP", "SMTP"),
            {"IMAP", "SMTP"},
            {"POP", "SMTP"},
            id="IMAP went",
        ),
        pytest.param(own_certificate("Federation", "SMTP"), {"SMTP"}, {"SMTP"}, id="Federation"),
        pytest.param(None, {"SMTP"}, {"SMTP"}, id="services not known"),
    ],
)
def test_which_services_are_restored(
    certificate: ExchangeCertificate | None, taken: set[str], restored: set[str]
) -> None:
    assert services_to_restore(certificate, frozenset(taken)) == restored


class TestKeeping:
    def keep(self, session: RecordingSession, **changes: object) -> str | None:
        options: dict[str, object] = {
            "server": "EX01",
            "before": OLD,
            "certificates_before": [own_certificate("IMAP", "POP", "IIS", "SMTP")],
            "taken": frozenset({"IIS", "SMTP"}),
        }
        return keep_internal_transport_certificate(session, **{**options, **changes})  # type: ignore[arg-type]

    def test_unchanged_costs_one_look(self) -> None:
        session = RecordingSession({"Get-TransportService": [[transport("EX01", OLD)]]})
        assert self.keep(session) is None
        assert session.cmdlets == ["Get-TransportService"]

    def test_it_is_restored_with_force_and_without_iis(self) -> None:
        session = RecordingSession(
            {"Get-TransportService": [[transport("EX01", NEW)], [transport("EX01", OLD)]]}
        )
        sentence = self.keep(session)
        assert sentence is not None
        assert OLD in sentence
        assert session.cmdlets == [
            "Get-TransportService",
            "Enable-ExchangeCertificate",
            "Get-TransportService",
        ]
        assert session.calls[1].parameters == {
            "Server": "EX01",
            "Thumbprint": OLD,
            "Services": "IMAP, POP, SMTP",
            "Force": True,
        }

    def test_if_that_does_not_help_it_is_said(self) -> None:
        session = RecordingSession({"Get-TransportService": [[transport("EX01", NEW)]]})
        with pytest.raises(StateNotReached, match="even after enabling"):
            self.keep(session)

    def test_what_is_gone_cannot_be_restored(self) -> None:
        session = RecordingSession({"Get-TransportService": [[transport("EX01", NEW)]]})
        with pytest.raises(StateNotReached, match="not among the server's certificates"):
            self.keep(session, certificates_before=[])
        assert session.cmdlets == ["Get-TransportService"]

    def test_nothing_known_before_means_nothing_to_restore(self) -> None:
        session = RecordingSession({"Get-TransportService": [[transport("EX01", NEW)]]})
        assert self.keep(session, before=None) is None
