# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names are written as .NET writes them, understood in other spellings, and compared by meaning."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.mailops.exchange.plugins.plugin_utils.x509 import distinguished_name
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.der_reader import (
    MalformedDer,
)
from support import microsoft_answers, pki
from support.pki import name


def element(tag: int, *parts: bytes) -> bytes:
    """DER by hand, independent of the reader: short and two-byte lengths are enough here."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content


def der_name(*values: tuple[int, bytes]) -> bytes:
    """A name of common names with the given string types, first one least specific."""
    common_name = element(0x06, b"\x55\x04\x03")
    return element(
        0x30,
        *(
            element(0x31, element(0x30, common_name, element(tag, content)))
            for tag, content in values
        ),
    )


@pytest.mark.parametrize(
    ("parts", "written"),
    [
        pytest.param([("CN", "X")], "CN=X", id="one part"),
        pytest.param([], "", id="empty"),
        pytest.param(
            [("CN", "X"), ("O", "DigiCert Inc"), ("C", "US")],
            "CN=X, O=DigiCert Inc, C=US",
            id="most specific first",
        ),
        pytest.param(
            [
                ("CN", "mail.contoso.com"),
                ("OU", "IT"),
                ("O", "Contoso"),
                ("L", "Cologne"),
                ("ST", "NRW"),
                ("C", "DE"),
            ],
            "CN=mail.contoso.com, OU=IT, O=Contoso, L=Cologne, S=NRW, C=DE",
            id="state is S",
        ),
        pytest.param([("E", "a@b.example"), ("CN", "x")], "E=a@b.example, CN=x", id="e-mail is E"),
        pytest.param(
            [("CN", "Contoso Trusted Root CA"), ("DC", "Contoso"), ("DC", "lab")],
            "CN=Contoso Trusted Root CA, DC=Contoso, DC=lab",
            id="domain components",
        ),
        pytest.param(
            [("G", "Ada"), ("SN", "Lovelace"), ("T", "Countess"), ("SERIALNUMBER", "1")],
            "G=Ada, SN=Lovelace, T=Countess, SERIALNUMBER=1",
            id="person",
        ),
        pytest.param([("STREET", "Ring 1")], "STREET=Ring 1", id="street"),
        pytest.param(
            [("1.3.6.1.4.1.311.60.2.1.3", "US"), ("CN", "x")],
            "OID.1.3.6.1.4.1.311.60.2.1.3=US, CN=x",
            id="unknown type is OID",
        ),
        pytest.param(
            [("O", "Sectigo, Ltd.")], 'O="Sectigo, Ltd."', id="comma is quoted, not escaped"
        ),
        pytest.param([("CN", 'Common"Name')], 'CN="Common""Name"', id="quote is doubled"),
        pytest.param([("CN", " x")], 'CN=" x"', id="leading blank"),
        pytest.param([("CN", "x\t")], 'CN="x\t"', id="trailing tab"),
        *[
            pytest.param([("CN", f"a{sign}b")], f'CN="a{sign}b"', id=f"quoted because of {sign!r}")
            for sign in "+=\n<>#;"
        ],
        pytest.param([("CN", "a\\b")], "CN=a\\b", id="backslash is nothing special"),
        pytest.param([("CN", "*.contoso.com")], "CN=*.contoso.com", id="wildcard"),
        pytest.param([("CN", "Zürich 東京")], "CN=Zürich 東京", id="beyond ASCII"),
    ],
)
def test_written_as_dotnet_writes_it(parts: list[tuple[str, str]], written: str) -> None:
    assert distinguished_name.render(name(*parts)) == written


def test_multi_valued_parts_are_joined_by_a_plus_in_their_encoded_order() -> None:
    multi_valued = name([("O", "Microsoft"), ("CN", "James")], ("C", "US"))
    rendered = distinguished_name.render(multi_valued)
    assert rendered == "CN=James + O=Microsoft, C=US"  # DER sorts a set by its encoding


@pytest.mark.parametrize(
    ("tag", "content", "written"),
    [
        pytest.param(12, "Zürich".encode(), "CN=Zürich", id="UTF8String"),
        pytest.param(19, b"plain", "CN=plain", id="PrintableString"),
        pytest.param(20, "Zürich".encode("latin-1"), "CN=Zürich", id="TeletexString in Latin-1"),
        pytest.param(20, "Zürich".encode(), "CN=Zürich", id="TeletexString in UTF-8"),
        pytest.param(30, "東京".encode("utf-16-be"), "CN=東京", id="BMPString"),
        pytest.param(28, "東京".encode("utf-32-be"), "CN=東京", id="UniversalString"),
        pytest.param(22, b"a@b", "CN=a@b", id="IA5String"),
        pytest.param(4, b"\x01\xff", "CN=#040201FF", id="no string at all"),
        pytest.param(12, b"", 'CN=""', id="empty value"),
    ],
)
def test_every_kind_of_string_is_read(tag: int, content: bytes, written: str) -> None:
    assert distinguished_name.render_der(der_name((tag, content))) == written


def test_issuer_and_subject_come_out_of_the_certificate(issued: pki.Issued) -> None:
    der = issued.certificate.public_bytes(Encoding.DER)
    assert distinguished_name.issuer_and_subject(der) == (
        "CN=Test Issuing CA, O=Test PKI",
        'CN=mail.contoso.com, O="Contoso, Ltd.", C=DE',
    )


def test_a_damaged_certificate_is_an_error_and_never_a_crash(issued: pki.Issued) -> None:
    der = issued.certificate.public_bytes(Encoding.DER)
    for length in range(200):
        with pytest.raises(MalformedDer):
            distinguished_name.issuer_and_subject(der[:length])


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        pytest.param("CN=a, C=US", "CN=a, C=US", id="already canonical"),
        pytest.param("cn=a,c=US", "CN=a, C=US", id="no blank, lower case"),
        pytest.param(" CN = a ;  C = US ", "CN=a, C=US", id="stray blanks and semicolon"),
        pytest.param("CN=a, ST=WA", "CN=a, S=WA", id="OpenSSL's state"),
        pytest.param("emailAddress=x@y, CN=a", "E=x@y, CN=a", id="OpenSSL's e-mail"),
        pytest.param(r"O=Sectigo\, Ltd.", 'O="Sectigo, Ltd."', id="RFC 4514 escape"),
        pytest.param('O="Plain"', "O=Plain", id="needless quotes"),
        pytest.param('CN="Common""Name"', 'CN="Common""Name"', id="doubled quote"),
        pytest.param("CN=James+O=Microsoft", "CN=James + O=Microsoft", id="multi-valued"),
        pytest.param("oid.1.2.3=x", "OID.1.2.3=x", id="OID in lower case"),
        pytest.param("2.5.4.3=x", "CN=x", id="bare OID of a known type"),
        pytest.param("OID.2.5.4.17=50667", "OID.2.5.4.17=50667", id="OID as Windows may print it"),
        pytest.param("CN=#040201FF", "CN=#040201FF", id="encoded value stays unquoted"),
        pytest.param("CN=a\\b", "CN=a\\b", id="lone backslash stays"),
        pytest.param("CN=a\\, C=US", "CN=a\\, C=US", id="backslash at the end of a value"),
        pytest.param("CN=\\, C=US", "CN=\\, C=US", id="backslash alone"),
        pytest.param(
            "\u00a0CN\u00a0=a,\u00a0C=US", "CN=a, C=US", id="no-break space around a type"
        ),
        pytest.param("", "", id="empty"),
    ],
)
def test_other_spellings_are_rewritten(written: str, canonical: str) -> None:
    assert distinguished_name.rewrite(written) == canonical


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("mail.contoso.com", id="no attribute"),
        pytest.param("CN=a,", id="nothing after a comma"),
        pytest.param('CN="a', id="open quote"),
        pytest.param('CN="a"b', id="text after a quote"),
        pytest.param("=a", id="no type"),
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"position|quote"):
        distinguished_name.parse(text)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        pytest.param("CN=a, C=US", "cn=A,c=us", True, id="case and blanks"),
        pytest.param("CN=a, S=WA", "CN=a, ST=WA", True, id="spelling of a type"),
        pytest.param("E=x@y", "OID.1.2.840.113549.1.9.1=x@y", True, id="OID of a known type"),
        pytest.param('O="A, B"', r"O=A\, B", True, id="quoting"),
        pytest.param("CN=a + O=b", "O=b+CN=a", True, id="order inside a part"),
        pytest.param("O=A  B", "O=A B", True, id="inner blanks"),
        pytest.param("O=A\u00a0B", "O=A B", False, id="a no-break space is no blank"),
        pytest.param("O=A\u00a0", "O=A", False, id="nor is it at the end"),
        pytest.param("CN=a, C=US", "C=US, CN=a", False, id="order of parts"),
        pytest.param("CN=a", "CN=b", False, id="value"),
        pytest.param("CN=a", "OU=a", False, id="type"),
        pytest.param("CN=a", "CN=a, C=US", False, id="more parts"),
        pytest.param("nonsense", "NonSense", True, id="unreadable but the same text"),
    ],
)
def test_comparison_is_by_meaning(first: str, second: str, same: bool) -> None:
    assert distinguished_name.equal(first, second) is same


@pytest.mark.parametrize("blank", ["\u00a0", "\u3000", "\u0085", "\u2028", "\u000b", "\u2003"])
@pytest.mark.parametrize("place", ["CN={}mail, O=x", "CN=mail{}, O=x", "CN={}", "O=x, CN=a{}b"])
def test_a_blank_that_dotnet_does_not_strip_is_part_of_the_name(blank: str, place: str) -> None:
    """Pasted from a web page into a request, such a name is in use as it is."""
    written = place.format(blank)
    assert distinguished_name.rewrite(written) == written
    assert blank in (distinguished_name.common_name(written) or "")


@microsoft_answers.needs_microsoft_answers
def test_names_are_written_and_read_as_dotnet_wrote_them() -> None:
    names = microsoft_answers.names()
    assert len(names) == 1000
    for der, written in names:
        assert distinguished_name.render_der(der) == written
        assert distinguished_name.rewrite(written) == written


def test_what_is_rendered_can_be_read_back() -> None:
    values = ['a "b", c=d+e;f#g<h>', "  ", "x", "Île\n"]
    parts = zip(["CN", "OU", "O", "ST"], values, strict=True)
    rendered = distinguished_name.render(name(*parts))
    parsed = distinguished_name.parse(rendered)
    assert [part[0].value for part in parsed] == values
    assert distinguished_name.rewrite(rendered) == rendered
