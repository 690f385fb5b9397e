# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How are names printed and compared?"""

from __future__ import annotations

import pytest
from cryptography import x509

from fake_exchange.organisation import tls_names
from support import pki


@pytest.mark.parametrize(
    ("parts", "printed"),
    [
        pytest.param(
            [("CN", "X"), ("O", "DigiCert Inc"), ("C", "US")], "CN=X, O=DigiCert Inc, C=US"
        ),
        pytest.param([("CN", "X"), ("ST", "Washington")], "CN=X, S=Washington", id="state"),
        pytest.param([("CN", "X"), ("E", "a@b.test")], "CN=X, E=a@b.test", id="e-mail"),
        pytest.param([("CN", "R"), ("DC", "Contoso"), ("DC", "lab")], "CN=R, DC=Contoso, DC=lab"),
        pytest.param([("CN", "X"), ("O", "Sectigo, Ltd.")], 'CN=X, O="Sectigo, Ltd."', id="comma"),
        pytest.param([("CN", 'Common"Name')], 'CN="Common""Name"', id="quote"),
        pytest.param([("CN", " X")], 'CN=" X"', id="leading blank"),
        pytest.param([("CN", "a+b")], 'CN="a+b"', id="plus"),
        pytest.param([("CN", "a/b:c(d)")], "CN=a/b:c(d)", id="nothing to quote"),
        pytest.param(
            [("CN", "X"), ("1.3.6.1.4.1.311.60.2.1.3", "US")],
            "CN=X, OID.1.3.6.1.4.1.311.60.2.1.3=US",
            id="unknown attribute",
        ),
    ],
)
def test_a_name_is_printed_as_windows_does_and_read_back(
    parts: list[pki.Part], printed: str
) -> None:
    name = pki.name(*parts)
    assert tls_names.render_name(name) == printed
    assert tls_names.parse_name(printed) == name


def test_several_attributes_in_one_part_are_joined_by_plus() -> None:
    name = x509.Name(
        [
            x509.RelativeDistinguishedName(
                [
                    x509.NameAttribute(x509.NameOID.COMMON_NAME, "James"),
                    x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Microsoft"),
                ]
            )
        ]
    )
    assert set(tls_names.render_name(name).split(" + ")) == {"CN=James", "O=Microsoft"}


@pytest.mark.parametrize("text", ["mail.contoso.test", "CN", 'CN="a', "QQ=x"])
def test_a_text_that_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"distinguished name|quote"):
        tls_names.parse_name(text)


def test_the_tags_are_stored_in_capitals() -> None:
    assert tls_names.normalised("<i>CN=a<s>CN=b") == "<I>CN=a<S>CN=b"


def test_a_text_without_tags_is_malformed() -> None:
    with pytest.raises(ValueError, match="<I>issuer<S>subject"):
        tls_names.normalised("mail.contoso.test")


def test_the_common_name_is_among_the_names_of_a_certificate() -> None:
    certificate = pki.self_signed(("CN", "a.test"), dns=["b.test"]).certificate
    assert tls_names.dns_names(certificate) == ["a.test", "b.test"]
