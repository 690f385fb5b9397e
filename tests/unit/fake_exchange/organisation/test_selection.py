# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate does inbound STARTTLS take?"""

from __future__ import annotations

import pytest

from fake_exchange.organisation import selection
from fake_exchange.organisation.tls_names import tls_certificate_name
from support import pki
from support.stocked_server import (
    ISSUER,
    NAME,
    OTHER_ISSUER,
    StockedServer,
    issued,
)


def chosen(stock: StockedServer) -> str | None:
    found = selection.for_starttls(stock.organisation, stock.server, stock.front_end)
    return found.Thumbprint if found else None


def failure(stock: StockedServer) -> str | None:
    found = selection.for_starttls(stock.organisation, stock.server, stock.front_end)
    assert found is not None
    return found.failure


def test_without_any_name_the_server_fqdn_leads_to_the_self_signed_certificate(
    stock: StockedServer,
) -> None:
    stock.front_end.Fqdn = None
    assert chosen(stock) == stock.default.Thumbprint


def test_the_fqdn_of_the_connector_counts_before_that_of_the_server(stock: StockedServer) -> None:
    public = stock.store(issued(), "SMTP")
    stock.front_end.Fqdn = NAME
    assert chosen(stock) == public.Thumbprint


def test_the_certificate_name_counts_before_the_fqdn(stock: StockedServer) -> None:
    stock.store(issued(), "SMTP")
    other = stock.store(issued(issuer=OTHER_ISSUER), "SMTP")
    stock.front_end.Fqdn = NAME
    stock.front_end.TlsCertificateName = tls_certificate_name(other.certificate)
    assert chosen(stock) == other.Thumbprint


def test_a_wildcard_covers_one_label(stock: StockedServer) -> None:
    wildcard = stock.store(issued(("CN", "*.contoso.test"), dns=["*.contoso.test"]), "SMTP")
    stock.front_end.Fqdn = NAME
    assert chosen(stock) == wildcard.Thumbprint
    stock.front_end.Fqdn = "a.b.contoso.test"
    assert chosen(stock) is None


def test_a_name_that_matches_nothing_leaves_no_certificate(stock: StockedServer) -> None:
    stock.store(issued(), "SMTP")
    stock.front_end.TlsCertificateName = "<I>CN=Nobody<S>CN=nothing"
    assert chosen(stock) is None


@pytest.mark.parametrize(
    "spelling",
    [
        '<I>CN=Issuer A<S>CN=mail.contoso.test, O="Contoso, Ltd."',
        '<i>cn=issuer a<s>CN=MAIL.contoso.test,O="Contoso, Ltd."',
    ],
)
def test_case_and_blanks_of_a_certificate_name_do_not_count(
    stock: StockedServer, spelling: str
) -> None:
    public = stock.store(issued(), "SMTP")
    stock.front_end.TlsCertificateName = spelling
    assert chosen(stock) == public.Thumbprint


def test_closing_tags_in_a_certificate_name_match_nothing(stock: StockedServer) -> None:
    stock.store(issued(), "SMTP")
    stock.front_end.TlsCertificateName = (
        '<I>CN=Issuer A</I><S>CN=mail.contoso.test, O="Contoso, Ltd."</S>'
    )
    assert chosen(stock) is None


def test_of_two_with_one_name_the_newest_valid_from_wins(stock: StockedServer) -> None:
    renewed = stock.store(issued(started_days_ago=1, valid_days=47), "SMTP")
    stock.store(issued(started_days_ago=30, valid_days=200), "SMTP")
    stock.front_end.TlsCertificateName = tls_certificate_name(renewed.certificate)
    assert chosen(stock) == renewed.Thumbprint


def test_the_tie_break_by_longest_remaining_lifetime_can_be_switched_on(
    stock: StockedServer,
) -> None:
    renewed = stock.store(issued(started_days_ago=1, valid_days=47), "SMTP")
    longer = stock.store(issued(started_days_ago=30, valid_days=200), "SMTP")
    stock.front_end.TlsCertificateName = tls_certificate_name(renewed.certificate)
    stock.organisation.behavior.certificate_tie_break = "longest_remaining_lifetime"
    assert chosen(stock) == longer.Thumbprint


def test_an_issued_certificate_goes_before_a_newer_self_signed_one(stock: StockedServer) -> None:
    own = pki.self_signed(("CN", NAME), dns=[NAME])
    public = stock.store(issued(), "SMTP")
    stock.store(own, "SMTP")
    stock.front_end.Fqdn = NAME
    assert chosen(stock) == public.Thumbprint


def test_a_self_signed_certificate_goes_before_an_expired_one(stock: StockedServer) -> None:
    own = stock.store(pki.self_signed(("CN", NAME), dns=[NAME]), "SMTP")
    stock.store(issued(started_days_ago=100, valid_days=90), "SMTP")
    stock.front_end.Fqdn = NAME
    assert chosen(stock) == own.Thumbprint


def test_an_expired_certificate_is_still_offered_when_there_is_no_other(
    stock: StockedServer,
) -> None:
    expired = stock.store(issued(started_days_ago=100, valid_days=90), "SMTP")
    stock.front_end.Fqdn = NAME
    assert expired.Status == "DateInvalid"
    assert chosen(stock) == expired.Thumbprint


def test_a_renewal_that_is_not_enabled_yet_is_chosen_and_cannot_be_used(
    stock: StockedServer,
) -> None:
    old = stock.store(issued(started_days_ago=80), "SMTP")
    renewed = stock.store(issued(started_days_ago=1))
    stock.front_end.TlsCertificateName = tls_certificate_name(old.certificate)
    assert chosen(stock) == renewed.Thumbprint
    assert failure(stock) is not None
    stock.enable(renewed, "SMTP")
    assert failure(stock) is None


def test_a_certificate_without_private_key_is_not_chosen(stock: StockedServer) -> None:
    old = stock.store(issued(started_days_ago=80), "SMTP")
    keyless = stock.store(issued(started_days_ago=1), "SMTP")
    keyless.private_key = None
    stock.front_end.TlsCertificateName = tls_certificate_name(old.certificate)
    assert chosen(stock) == old.Thumbprint


def test_the_root_is_not_presented_but_known_intermediates_are(stock: StockedServer) -> None:
    intermediate = ISSUER.intermediate(("CN", "Issuer A 1"))
    public = stock.store(issued(issuer=intermediate), "SMTP")
    loaded = selection.as_loaded(stock.organisation, stock.server, public)
    assert loaded.chain == (intermediate.certificate,)


def test_without_the_intermediate_in_the_store_only_the_leaf_is_presented(
    stock: StockedServer,
) -> None:
    stock.organisation.behavior.import_intermediates = False
    public = stock.store(issued(issuer=ISSUER.intermediate(("CN", "Issuer A 1"))), "SMTP")
    assert selection.as_loaded(stock.organisation, stock.server, public).chain == ()


def test_imap_uses_its_holder_and_nothing_once_that_is_gone(stock: StockedServer) -> None:
    found = selection.for_mail_access(stock.organisation, stock.server, "IMAP")
    assert found is not None
    assert found.Thumbprint == stock.default.Thumbprint
    stock.server.mail_access_certificates.clear()
    assert selection.for_mail_access(stock.organisation, stock.server, "IMAP") is None
