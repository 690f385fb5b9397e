# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do import, enable, export and removal do to a server?"""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from fake_exchange.organisation import certificate_rules
from fake_exchange.organisation.certificate_rules import Refusal
from fake_exchange.organisation.certificates import SourceDataUnreadable
from fake_exchange.organisation.model import SendConnector
from fake_exchange.organisation.tls_names import parse_name, tls_certificate_name
from support.stocked_server import ISSUER, OTHER_ISSUER, StockedServer, issued


def bound(stock: StockedServer, site_id: int) -> set[str]:
    """The thumbprints on the https bindings of an IIS site."""
    return {
        b.certificateHash
        for b in stock.server.web_bindings
        if b.site_id == site_id and b.protocol == "https"
    }


def test_an_import_changes_no_service(stock: StockedServer) -> None:
    stored = stock.store(issued())
    assert stored.Services == set()
    assert stock.default.Services == {"IMAP", "POP", "IIS", "SMTP"}
    assert bound(stock, 1) == {stock.default.Thumbprint}


def test_services_are_added_never_taken_away(stock: StockedServer) -> None:
    stored = stock.store(issued(), "SMTP", "IIS")
    stock.enable(stored, "POP")
    stock.enable(stored, "None")
    assert stored.services_in_order == ["POP", "IIS", "SMTP"]
    assert stored.services_number == 26


def test_smtp_stays_on_the_certificates_that_had_it(stock: StockedServer) -> None:
    first, second = stock.store(issued(), "SMTP"), stock.store(issued(), "SMTP")
    assert "SMTP" in first.Services & second.Services & stock.default.Services


def test_imap_and_pop_leave_the_certificate_that_had_them(stock: StockedServer) -> None:
    first = stock.store(issued(), "IMAP", "POP")
    second = stock.store(issued(), "IMAP")
    assert (first.Services, second.Services) == ({"POP"}, {"IMAP"})
    assert stock.default.Services & {"IMAP", "POP"} == set()


def test_iis_leaves_the_certificate_that_had_it_on_the_front_end(stock: StockedServer) -> None:
    first = stock.store(issued(), "IIS")
    second = stock.store(issued(), "IIS")
    assert bound(stock, 1) == {second.Thumbprint}
    assert first.Services == set()


def test_the_back_end_site_keeps_the_default_certificate_and_that_keeps_iis(
    stock: StockedServer,
) -> None:
    stock.store(issued(), "IIS")
    assert bound(stock, 2) == {stock.default.Thumbprint}
    assert "IIS" in stock.default.Services


def test_the_internal_transport_certificate_is_replaced_only_on_request(
    stock: StockedServer,
) -> None:
    stored = stock.store(issued())
    stock.enable(stored, "SMTP", replace_internal_transport=False)
    assert stock.server.InternalTransportCertificateThumbprint == stock.default.Thumbprint
    stock.enable(stored, "SMTP", replace_internal_transport=True)
    assert stock.server.InternalTransportCertificateThumbprint == stored.Thumbprint
    assert stock.server.published_internal_certificate == stored.certificate.public_bytes(
        Encoding.DER
    )


def test_other_services_never_touch_the_internal_transport_certificate(
    stock: StockedServer,
) -> None:
    stock.enable(stock.store(issued()), "IIS", "POP", replace_internal_transport=True)
    assert stock.server.InternalTransportCertificateThumbprint == stock.default.Thumbprint


def test_enabling_smtp_asks_unless_it_already_is_the_internal_certificate(
    stock: StockedServer,
) -> None:
    assert certificate_rules.asks_to_overwrite(stock.server, stock.store(issued()))
    assert not certificate_rules.asks_to_overwrite(stock.server, stock.default)


def test_smtp_shows_imap_too_where_that_is_switched_on(stock: StockedServer) -> None:
    stock.organisation.behavior.extra_services = True
    stored = stock.store(issued(), "SMTP")
    assert stored.Services == {"SMTP", "IMAP"}
    assert stock.server.mail_access_certificates["IMAP"] == stock.default.Thumbprint


def test_the_same_certificate_cannot_be_imported_twice(stock: StockedServer) -> None:
    certificate = issued()
    stock.store(certificate)
    with pytest.raises(certificate_rules.CertificateAlreadyExists):
        stock.store(certificate)


def test_a_certificate_without_key_is_invisible_and_still_in_the_way(stock: StockedServer) -> None:
    certificate = issued()
    certificate_rules.import_data(
        stock.organisation, stock.server, certificate.certificate_pem(), None
    )
    assert certificate_rules.find(stock.server, certificate.thumbprint) is None
    with pytest.raises(certificate_rules.CertificateAlreadyExists):
        stock.store(certificate)


def test_a_wrong_password_is_unreadable_data(stock: StockedServer) -> None:
    with pytest.raises(SourceDataUnreadable):
        certificate_rules.import_data(stock.organisation, stock.server, issued().pfx("a"), "b")


def test_a_modern_pkcs12_file_is_unreadable_unless_windows_is_recent(stock: StockedServer) -> None:
    data = issued().pfx("x", modern=True)
    with pytest.raises(SourceDataUnreadable):
        certificate_rules.import_data(stock.organisation, stock.server, data, "x")
    stock.organisation.behavior.modern_pkcs12 = True
    certificate_rules.import_data(stock.organisation, stock.server, data, "x")


def test_the_reply_to_a_request_gets_the_key_of_the_request(stock: StockedServer) -> None:
    pending, request = certificate_rules.create_request(
        stock.organisation,
        stock.server,
        parse_name("CN=mail.contoso.test"),
        dns_names=["mail.contoso.test"],
        friendly_name="new",
        exportable=True,
    )
    assert pending.Status == "PendingRequest"
    reply = ISSUER.issue(("CN", "mail.contoso.test"), key=pending.private_key)
    assert request.public_key() == reply.certificate.public_key()
    stored = certificate_rules.import_data(
        stock.organisation, stock.server, reply.certificate_pem(), None
    )
    assert (stored.HasPrivateKey, stored.Status) == (True, "Valid")
    assert certificate_rules.find(stock.server, pending.Thumbprint) is None


def test_only_known_roots_make_a_certificate_valid_where_roots_are_given(
    stock: StockedServer,
) -> None:
    stock.organisation.trusted_roots = [ISSUER.certificate]
    trusted = stock.store(issued(issuer=ISSUER))
    stranger = stock.store(issued(issuer=OTHER_ISSUER))
    assert (trusted.Status, trusted.RootCAType) == ("Valid", "ThirdParty")
    assert (stranger.Status, stranger.RootCAType) == ("Untrusted", "Unknown")


def test_an_exportable_certificate_comes_out_with_its_key(stock: StockedServer) -> None:
    stored = stock.store(issued())
    content = pkcs12.load_pkcs12(certificate_rules.export(stored, "new"), b"new")
    assert content.cert is not None
    assert content.cert.certificate == stored.certificate
    assert content.key is not None


def test_what_is_not_exportable_stays(stock: StockedServer) -> None:
    with pytest.raises(certificate_rules.NotExportable):
        certificate_rules.export(stock.default, "new")


def test_the_internal_transport_certificate_cannot_be_removed(stock: StockedServer) -> None:
    refusal = certificate_rules.removal_refusal(stock.organisation, stock.server, stock.default)
    assert refusal is not None
    assert refusal.reason is Refusal.INTERNAL_TRANSPORT


def test_a_certificate_named_by_a_send_connector_cannot_be_removed_nor_one_of_the_same_name(
    stock: StockedServer,
) -> None:
    old, renewed = stock.store(issued(started_days_ago=80)), stock.store(issued())
    name = tls_certificate_name(old.certificate)
    stock.organisation.send_connectors = [
        SendConnector("Internet", ["SMTP:*;1"], ["EX01"], TlsCertificateName=name)
    ]
    for stored in (old, renewed):
        refusal = certificate_rules.removal_refusal(stock.organisation, stock.server, stored)
        assert refusal is not None
        assert (refusal.reason, refusal.connectors) == (Refusal.SEND_CONNECTORS, ("Internet",))


def test_any_other_certificate_can_be_removed(stock: StockedServer) -> None:
    stored = stock.store(issued(), "IIS", "IMAP")
    assert certificate_rules.removal_refusal(stock.organisation, stock.server, stored) is None
    certificate_rules.remove(stock.organisation, stock.server, stored)
    assert certificate_rules.find(stock.server, stored.Thumbprint) is None
    assert "IMAP" not in stock.server.mail_access_certificates
    assert bound(stock, 1) == {stored.Thumbprint}


def test_a_thumbprint_may_be_written_with_blanks_and_small_letters(stock: StockedServer) -> None:
    written = " ".join(stock.default.Thumbprint.lower()[i : i + 2] for i in range(0, 40, 2))
    assert certificate_rules.find(stock.server, written) is stock.default


def test_the_request_carries_the_names(stock: StockedServer) -> None:
    _, request = certificate_rules.create_request(
        stock.organisation,
        stock.server,
        parse_name("CN=a.test"),
        dns_names=["a.test", "b.test"],
        friendly_name="",
        exportable=False,
    )
    extension = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert extension.value.get_values_for_type(x509.DNSName) == ["a.test", "b.test"]
