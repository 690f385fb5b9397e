# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rotation is known in full before its first change, also when an earlier one was interrupted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    HybridConfiguration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.new_certificate import (
    NewCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
    SendConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.server_plan import (
    ServerPlan,
    find_outgoing,
    plan_organization,
    plan_server,
)

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)
WANTED = frozenset({"IIS", "SMTP"})


def certificate(
    letter: str,
    *services: str,
    names: tuple[str, ...] = ("mail.contoso.com",),
    issuer: str = "CN=CA 1",
    days: int = 20,
    age: int = 300,
    **changes: object,
) -> ExchangeCertificate:
    whole = ExchangeCertificate(
        thumbprint=letter * 40,
        subject=f"CN={names[0]}" if names else "CN=Some Title",
        issuer=issuer,
        dns_names=names,
        not_before=NOW - timedelta(days=age),
        not_after=NOW + timedelta(days=days),
        services=frozenset(services),
        status="Valid",
        self_signed=False,
        has_private_key=True,
        server="EX01",
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


RENEWED = certificate("B", "IIS", "SMTP", days=365, age=1)
NEW = NewCertificate.from_stored(RENEWED)
NEW_ISSUER = NewCertificate.from_stored(replace(RENEWED, issuer="CN=CA 2"))
OLD = certificate("A", "IIS", "SMTP")
SELF_SIGNED = certificate(
    "E", "IMAP", "POP", "IIS", "SMTP", names=("EX01", "ex01.contoso.com"), self_signed=True
)
OLD_NAME = "<I>CN=CA 1<S>CN=mail.contoso.com"
NEW_NAME = "<I>CN=CA 2<S>CN=mail.contoso.com"


def receive(value: str | None, name: str = "Default Frontend EX01") -> ReceiveConnector:
    return ReceiveConnector(name=name, identity=f"EX01\\{name}", tls_certificate_name=value)


def plan(
    *certificates: ExchangeCertificate, new: NewCertificate = NEW, **changes: object
) -> ServerPlan:
    options: dict[str, object] = {"server": "EX01", "services": WANTED, "now": NOW}
    return plan_server(new, certificates=certificates, **{**options, **changes})  # type: ignore[arg-type]


class TestWhichOnesLeave:
    @pytest.mark.parametrize(
        ("other", "leaves"),
        [
            pytest.param(OLD, True, id="same names, wanted services"),
            pytest.param(certificate("A", "SMTP"), True, id="leftover that serves only SMTP"),
            pytest.param(certificate("A", "SMTP", days=-5), True, id="expired"),
            pytest.param(
                certificate("A", "SMTP", names=("*.contoso.com",)), False, id="wildcard, wider"
            ),
            pytest.param(
                certificate("A", "SMTP", names=("mail.contoso.com", "old.contoso.com")),
                False,
                id="one name more",
            ),
            pytest.param(
                certificate("A", "SMTP", names=(), subject="CN=mail.contoso.com"),
                True,
                id="only a common name",
            ),
            pytest.param(certificate("A", "SMTP", names=()), False, id="a title for a name"),
            pytest.param(certificate("A", "POP"), False, id="other services"),
            pytest.param(certificate("A"), False, id="no services"),
            pytest.param(certificate("A", services=None), True, id="services unknown"),
            pytest.param(certificate("A", "SMTP", self_signed=True), False, id="self-signed"),
            pytest.param(
                certificate("A", "SMTP", status="PendingRequest"), False, id="pending request"
            ),
            pytest.param(RENEWED, False, id="the new one itself"),
        ],
    )
    def test_found_by_itself(self, other: ExchangeCertificate, leaves: bool) -> None:
        found = find_outgoing(NEW, [SELF_SIGNED, other], services=WANTED)
        assert found == ([other] if leaves else [])

    def test_two_old_ones_with_one_name_both_leave(self) -> None:
        older = certificate("C", "SMTP", age=600, days=-100)
        assert plan(OLD, older).outgoing == (OLD, older)

    def test_a_wildcard_takes_over_all_its_hosts(self) -> None:
        wildcard = replace(NEW, dns_names=("*.contoso.com", "contoso.com"))
        several = certificate("A", "SMTP", names=("mail.contoso.com", "contoso.com"))
        deeper = certificate("C", "SMTP", names=("a.mail.contoso.com",))
        assert find_outgoing(wildcard, [several, deeper], services=WANTED) == [several]

    def test_named_ones_leave_whatever_they_are_and_no_others(self) -> None:
        result = plan(OLD, SELF_SIGNED, outgoing=["e" * 40, "F" * 40])
        assert result.outgoing == (SELF_SIGNED,)
        assert "EX01, ex01.contoso.com" in " ".join(result.warnings)

    def test_a_named_one_that_is_not_there_is_reported(self) -> None:
        (warning,) = plan(OLD, outgoing=["A" * 40, "F" * 40]).warnings
        assert f"outgoing names {'F' * 40}, which EX01 does not have" in warning

    def test_the_new_one_cannot_leave(self) -> None:
        assert "names the new certificate" in plan(OLD, outgoing=["B" * 40]).problems[0]


class TestInstalling:
    def test_a_server_that_has_never_seen_it(self) -> None:
        result = plan(OLD, SELF_SIGNED)
        assert result.needs_import
        assert result.install_needed
        assert result.services_to_enable == WANTED
        assert result.changes == (
            f"Import certificate {'B' * 40} (mail.contoso.com) on EX01.",
            f"Enable certificate {'B' * 40} (mail.contoso.com) for IIS, SMTP on EX01.",
        )
        assert result.problems == ()

    def test_imported_but_killed_before_enabling(self) -> None:
        result = plan(OLD, certificate("B", days=365, age=1))
        assert not result.needs_import
        assert result.services_to_enable == WANTED

    def test_one_service_is_missing(self) -> None:
        result = plan(OLD, certificate("B", "SMTP", "IMAP", days=365, age=1))
        assert result.services_to_enable == {"IIS"}

    def test_done_is_done(self) -> None:
        done = plan(certificate("A", "SMTP"), RENEWED, receive_connectors=[receive(OLD_NAME)])
        assert not done.install_needed
        assert done.changes == ()
        assert done.problems == done.warnings == ()

    def test_unknown_services_are_enabled_again_with_a_word(self) -> None:
        result = plan(replace(RENEWED, services=None))
        assert result.services_to_enable == WANTED
        assert "cannot be read" in result.warnings[0]


class TestProblems:
    def test_a_site_whose_names_would_be_lost(self) -> None:
        other = certificate("A", "IIS", names=("mail.contoso.com", "webmail.contoso.com"))
        (problem,) = plan(other).problems
        assert "lacks its names webmail.contoso.com" in problem
        assert f"outgoing: [{'A' * 40}]" in problem
        assert plan(other, outgoing=["A" * 40]).problems == ()

    def test_a_site_whose_certificate_the_list_leaves_out(self) -> None:
        listed = certificate("C", "SMTP")
        (problem,) = plan(OLD, listed, outgoing=["C" * 40]).problems
        assert "and outgoing leaves it out. Leave the service out, or name" in problem
        assert f"outgoing: [{OLD.thumbprint}]" in problem

    def test_the_self_signed_one_of_the_back_end_is_none(self) -> None:
        assert plan(SELF_SIGNED).problems == ()

    def test_a_site_is_no_matter_when_iis_is_not_wanted(self) -> None:
        other = certificate("A", "IIS", names=("webmail.contoso.com",))
        assert plan(other, services=frozenset({"SMTP"})).problems == ()

    def test_a_wildcard_for_pop(self) -> None:
        wildcard = replace(NEW, common_name="*.contoso.com", dns_names=("*.contoso.com",))
        assert "wildcard" in plan(new=wildcard, services=frozenset({"POP"})).problems[0]

    def test_present_without_its_key(self) -> None:
        assert (
            "without its private key" in plan(replace(RENEWED, has_private_key=False)).problems[0]
        )

    @pytest.mark.parametrize(
        ("status", "problems", "warnings"),
        [("Revoked", 1, 0), ("RevocationCheckFailure", 0, 1), ("Untrusted", 0, 1), ("Valid", 0, 0)],
    )
    def test_status_of_the_new_one(self, status: str, problems: int, warnings: int) -> None:
        result = plan(replace(RENEWED, status=status))
        assert (len(result.problems), len(result.warnings)) == (problems, warnings)


class TestWarnings:
    @pytest.mark.parametrize(
        ("stored", "said"),
        [
            pytest.param({"days": -1}, "expired on", id="expired"),
            pytest.param({"age": -1, "days": 90}, "is not valid before", id="not yet valid"),
            pytest.param({"status": "PendingRequest"}, "is a request", id="request"),
        ],
    )
    def test_a_new_one_that_nothing_may_name(self, stored: dict[str, Any], said: str) -> None:
        present = certificate("B", "IIS", "SMTP", **stored)
        result = plan(OLD, present, new=NewCertificate.from_stored(present))
        assert len(result.problems) == 1
        assert said in result.problems[0]

    def test_one_that_stays_and_expires_soon(self) -> None:
        partner = certificate("A", "SMTP", names=("partner.contoso.com",), days=3)
        (warning,) = plan(partner).warnings
        assert "has 3 days left" in warning
        assert plan(replace(partner, not_after=NOW + timedelta(days=90))).warnings == ()

    def test_a_later_one_of_the_same_name_would_win(self) -> None:
        later = certificate("A", "SMTP", age=0)
        assert "prefers the later one" in plan(later).warnings[0]
        assert plan(OLD).warnings == ()


class TestReceiveConnectors:
    def changes(
        self, *values: str | None, new: NewCertificate = NEW_ISSUER, **options: object
    ) -> list[tuple[str | None, str]]:
        connectors = [receive(value, f"C{index}") for index, value in enumerate(values)]
        certificates = options.pop("certificates", (OLD, SELF_SIGNED))
        result = plan(*certificates, new=new, receive_connectors=connectors, **options)  # type: ignore[misc]
        return [(change.before, change.after) for change in result.receive_connectors]

    def test_those_that_named_the_outgoing_one_are_repointed(self) -> None:
        others = [None, "<I>CN=EX01<S>CN=EX01", NEW_NAME]
        assert self.changes(OLD_NAME, *others, OLD_NAME.lower()) == [
            (OLD_NAME, NEW_NAME),
            (OLD_NAME.lower(), NEW_NAME),
        ]

    def test_the_same_name_needs_nothing(self) -> None:
        assert self.changes(OLD_NAME, OLD_NAME.lower(), new=NEW) == []

    def test_a_spelling_that_exchange_does_not_find_is_repaired(self) -> None:
        closing_tags = "<I>CN=CA 1</I><S>CN=mail.contoso.com</S>"
        assert self.changes(closing_tags, new=NEW) == [(closing_tags, OLD_NAME)]

    def test_one_whose_certificate_is_gone_is_followed_by_its_name(self) -> None:
        gone = "<I>CN=CA 0<S>CN=mail.contoso.com"
        assert self.changes(gone, "<I>CN=CA 0<S>CN=partner.example") == [(gone, NEW_NAME)]

    def test_named_outgoing_ones_are_followed_and_nothing_else(self) -> None:
        gone = "<I>CN=CA 0<S>CN=mail.contoso.com"
        assert self.changes(OLD_NAME, gone, outgoing=["A" * 40]) == [(OLD_NAME, NEW_NAME)]

    def test_one_that_lost_its_services_in_an_interrupted_run_is_still_followed(self) -> None:
        assert self.changes(OLD_NAME, certificates=(certificate("A"),)) == [(OLD_NAME, NEW_NAME)]

    def test_without_smtp_connectors_stay(self) -> None:
        assert self.changes(OLD_NAME, services=frozenset({"IIS"})) == []

    def test_a_name_with_commas_and_quotes(self) -> None:
        subject = 'CN=mail.contoso.com, O="Contoso ""Mail"", Ltd."'
        old = replace(OLD, subject=subject)
        new = NewCertificate.from_stored(replace(RENEWED, issuer="CN=CA 2", subject=subject))
        assert self.changes(f"<I>CN=CA 1<S>{subject}", new=new, certificates=(old,)) == [
            (f"<I>CN=CA 1<S>{subject}", f"<I>CN=CA 2<S>{subject}")
        ]


class TestOrganization:
    def test_every_send_connector_that_named_an_outgoing_one(self) -> None:
        connectors = [
            SendConnector(
                name=f"S{index}",
                tls_certificate_name=value,
                source_transport_servers=("EX01", "EX02"),
            )
            for index, value in enumerate([OLD_NAME, None, NEW_NAME, OLD_NAME])
        ]
        result = plan_organization(
            NEW_ISSUER, outgoing=[OLD], certificates=[OLD], send_connectors=connectors
        )
        assert [change.to_result() for change in result.send_connectors] == [
            {
                "name": name,
                "tls_certificate_name_before": OLD_NAME,
                "tls_certificate_name_after": NEW_NAME,
                "source_transport_servers": ["EX01", "EX02"],
            }
            for name in ("S0", "S3")
        ]
        assert len(result.changes) == 2
        assert not result.hybrid_names_outgoing

    def test_without_smtp_nothing_is_pointed_anywhere(self) -> None:
        web_only = plan(OLD, services=frozenset({"IIS"}))
        result = plan_organization(
            NEW_ISSUER,
            outgoing=[OLD],
            send_connectors=[SendConnector(name="S", tls_certificate_name=OLD_NAME)],
            hybrid_configuration=HybridConfiguration(tls_certificate_name=OLD_NAME),
            serves_smtp=web_only.serves_smtp,
        )
        assert result.changes == result.send_connectors == ()
        assert not result.hybrid_names_outgoing

    @pytest.mark.parametrize(
        ("new", "stored", "names_outgoing"),
        [
            pytest.param(NEW_ISSUER, OLD_NAME, True, id="old name"),
            pytest.param(NEW, OLD_NAME, False, id="same name"),
            pytest.param(NEW_ISSUER, NEW_NAME, False, id="new name already"),
            pytest.param(NEW_ISSUER, None, False, id="no name"),
        ],
    )
    def test_hybrid_configuration(
        self, new: NewCertificate, stored: str | None, names_outgoing: bool
    ) -> None:
        result = plan_organization(
            new,
            outgoing=[OLD],
            hybrid_configuration=HybridConfiguration(tls_certificate_name=stored),
        )
        assert result.hybrid_names_outgoing is names_outgoing
        assert bool(result.warnings) is names_outgoing
