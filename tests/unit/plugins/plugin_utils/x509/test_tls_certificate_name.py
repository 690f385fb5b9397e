# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One small file decides what a TlsCertificateName is; every usual spelling is understood."""

from __future__ import annotations

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
    is_canonical,
    read_stored,
)
from support import captures, microsoft_answers, pki

CANONICAL = "<I>CN=Contoso CA, C=US<S>CN=mail.contoso.com"


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param(CANONICAL, id="canonical"),
        pytest.param("<i>CN=Contoso CA, C=US<s>CN=mail.contoso.com", id="lower-case tags"),
        pytest.param("<I>CN=Contoso CA, C=US</I><S>CN=mail.contoso.com</S>", id="closing tags"),
        pytest.param("<I>CN=Contoso CA, C=US<S>CN=mail.contoso.com</S>", id="one closing tag"),
        pytest.param(" < I > CN=Contoso CA,C=US  < S > CN=mail.contoso.com ", id="stray blanks"),
        pytest.param("<I>CN=Contoso CA, C=US\n<S>CN=mail.contoso.com\n", id="line breaks"),
        pytest.param(
            "&lt;I&gt;CN=Contoso CA, C=US&lt;S&gt;CN=mail.contoso.com", id="copied out of XML"
        ),
    ],
)
def test_any_spelling_becomes_the_canonical_one(spelling: str) -> None:
    parsed = TlsCertificateName.parse(spelling)
    assert parsed.render() == CANONICAL
    assert parsed == TlsCertificateName("CN=Contoso CA, C=US", "CN=mail.contoso.com")


def test_tags_inside_quotes_belong_to_the_name() -> None:
    name = TlsCertificateName.parse('<I>O="a <S> b"<S>CN="</S>"')
    assert (name.issuer, name.subject) == ('O="a <S> b"', 'CN="</S>"')
    assert TlsCertificateName.parse(name.render()) == name


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("mail.contoso.com", "expected <I>issuer<S>subject", id="a host name"),
        pytest.param("", "expected <I>issuer<S>subject", id="empty"),
        pytest.param("<I>CN=a", "has no <S>subject part", id="no subject"),
        pytest.param("<S>CN=a<I>CN=b", "expected <I>issuer", id="wrong order"),
        pytest.param("<I>CN=a<S>CN=b<S>CN=c", "more than one <S>", id="two subjects"),
        pytest.param("<I>Contoso CA<S>CN=b", "cannot be read", id="issuer is no name"),
    ],
)
def test_what_it_is_not_is_said(text: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        TlsCertificateName.parse(text)
    assert read_stored(text) is None
    assert not is_canonical(text)


@pytest.mark.parametrize(
    ("stored", "found_by_exchange"),
    [
        pytest.param(CANONICAL, True, id="canonical"),
        pytest.param(CANONICAL.lower(), True, id="case does not matter"),
        pytest.param("<I>CN=Contoso CA, C=US</I><S>CN=mail.contoso.com</S>", False, id="closing"),
        pytest.param("<I>CN=Contoso CA,C=US<S>CN=mail.contoso.com", False, id="missing blank"),
        pytest.param("<I>CN=a, ST=WA<S>CN=b", False, id="foreign spelling of the state"),
        pytest.param("<I>CN=a, OID.2.5.4.17=1<S>CN=b", True, id="OID as some Windows prints it"),
        pytest.param("<I>CN=a<S>", True, id="empty subject"),
        pytest.param("<I>CN=a\u00a0<S>CN=b\u3000", True, id="blanks that .NET does not strip"),
        pytest.param("<I>CN=a<S>\u00a0CN=b", False, id="no-break space between the parts"),
    ],
)
def test_only_the_canonical_spelling_is_found_by_exchange(
    stored: str, found_by_exchange: bool
) -> None:
    assert is_canonical(stored) is found_by_exchange


@microsoft_answers.needs_microsoft_answers
def test_names_of_dotnet_are_no_drift() -> None:
    for _der, written in microsoft_answers.names():
        assert is_canonical(f"<I>{written}<S>{written}")


def test_the_name_of_a_certificate_has_the_words_of_dotnet(issued: pki.Issued) -> None:
    name = TlsCertificateName.from_certificate(issued.certificate)
    assert name.render() == (
        '<I>CN=Test Issuing CA, O=Test PKI<S>CN=mail.contoso.com, O="Contoso, Ltd.", C=DE'
    )
    assert is_canonical(name.render())


def test_equal_names_have_equal_hashes() -> None:
    spellings = [CANONICAL, CANONICAL.lower(), "<I>CN=Contoso CA,C=US<S>cn=mail.contoso.com</S>"]
    assert len({TlsCertificateName.parse(text) for text in spellings}) == 1
    assert TlsCertificateName("CN=a", "CN=b") != TlsCertificateName("CN=b", "CN=a")


@captures.needs_captures
@pytest.mark.parametrize(
    ("file", "position", "issuer", "subject"),
    [
        pytest.param(
            "receive-connector/exlab-GetReceiveConnector.first3",
            2,
            "CN=WIN-CTD3L0RGEN4",
            "CN=WIN-CTD3L0RGEN4",
            id="receive connector",
        ),
        pytest.param(
            "hybrid-configuration/365labs-GetHybridConfiguration",
            0,
            "CN=GeoTrust TLS RSA CA G1, OU=www.digicert.com, O=DigiCert Inc, C=US",
            "CN=mail.contoso.com",
            id="hybrid configuration",
        ),
    ],
)
def test_captured_values_are_canonical(file: str, position: int, issuer: str, subject: str) -> None:
    stored = captures.read(file)[position].get("TlsCertificateName")
    assert stored.text == f"<I>{issuer}<S>{subject}"
    assert is_canonical(stored.text)
    name = TlsCertificateName.parse(stored.text)
    assert name.issuer == stored.get("CertificateIssuer")
    assert name.subject == stored.get("CertificateSubject")
