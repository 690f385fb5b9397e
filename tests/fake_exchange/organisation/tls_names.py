# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does Windows print a distinguished name, and how does Exchange read `<I>issuer<S>subject`?
(.NET's X500DistinguishedName: reversed order, comma and blank, its own keys and quoting.)"""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.x509.oid import NameOID

#: Keys as CertNameToStr prints them.
KEYS: dict[str, str] = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "S",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "T",
    "2.5.4.42": "G",
    "2.5.4.43": "I",
    "1.2.840.113549.1.9.1": "E",
    "0.9.2342.19200300.100.1.25": "DC",
}
_IDENTIFIERS = {key: oid for oid, key in KEYS.items()} | {
    "ST": "2.5.4.8",
    "EMAIL": "1.2.840.113549.1.9.1",
    "EMAILADDRESS": "1.2.840.113549.1.9.1",
    "TITLE": "2.5.4.12",
    "GIVENNAME": "2.5.4.42",
    "SURNAME": "2.5.4.4",
}
_NEEDS_QUOTES = re.compile(r'[,+="\n<>#;]|^[ \t\n\r]|[ \t\n\r]$|^$')
_TAGS = re.compile(r"^\s*<I>(?P<issuer>.*?)<S>(?P<subject>.*)$", re.IGNORECASE | re.DOTALL)


def render_name(name: x509.Name) -> str:
    """`name` as X509Certificate2.Subject prints it, e.g. `CN=mail, O="Contoso, Ltd.", C=DE`."""
    return ", ".join(
        " + ".join(_render_attribute(attribute) for attribute in rdn) for rdn in reversed(name.rdns)
    )


def _render_attribute(attribute: x509.NameAttribute) -> str:
    dotted = attribute.oid.dotted_string
    value = attribute.value
    if isinstance(value, bytes):
        return f"{KEYS.get(dotted, f'OID.{dotted}')}=#{value.hex().upper()}"
    if _NEEDS_QUOTES.search(value):
        value = '"' + value.replace('"', '""') + '"'
    return f"{KEYS.get(dotted, f'OID.{dotted}')}={value}"


def parse_name(text: str) -> x509.Name:
    """The name that is written in `text` (most specific part first, .NET's quoting).

    Raises ValueError if it is none.
    """
    rdns = []
    for part in _split(text, ",;"):
        attributes = []
        for piece in _split(part, "+"):
            key, equals, value = piece.partition("=")
            key = key.strip().upper()
            dotted = _IDENTIFIERS.get(key, key.removeprefix("OID."))
            if not equals or not re.fullmatch(r"\d+(\.\d+)+", dotted):
                raise ValueError(f"'{piece.strip()}' is no part of a distinguished name")
            oid = x509.ObjectIdentifier(dotted)
            attributes.append(x509.NameAttribute(oid, _unquote(value.strip())))
        rdns.append(x509.RelativeDistinguishedName(attributes))
    return x509.Name(reversed(rdns))


def _split(text: str, separators: str) -> list[str]:
    """`text` cut at `separators` outside quotes; no parts for blank text."""
    parts, current, quoted = [], "", False
    for character in text:
        if character == '"':
            quoted = not quoted
        if character in separators and not quoted:
            parts.append(current)
            current = ""
        else:
            current += character
    if quoted:
        raise ValueError(f"a quote is missing in '{text.strip()}'")
    parts.append(current)
    return parts if text.strip() else []


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return value[1:-1].replace('""', '"')
    return value


def tls_certificate_name(certificate: x509.Certificate) -> str:
    """`<I>issuer<S>subject` of a certificate."""
    return f"<I>{render_name(certificate.issuer)}<S>{render_name(certificate.subject)}"


def split_tls_certificate_name(text: str) -> tuple[str, str] | None:
    """Issuer and subject of `<I>..<S>..` (tags in any case), None if it is no such text."""
    match = _TAGS.match(text)
    return (match["issuer"].strip(), match["subject"].strip()) if match else None


def normalised(text: str) -> str:
    """`text` as Exchange stores it: the tags in capitals. Raises ValueError if malformed."""
    parts = split_tls_certificate_name(text)
    if parts is None:
        raise ValueError(f"'{text}' is not of the form <I>issuer<S>subject")
    return f"<I>{parts[0]}<S>{parts[1]}"


def names_certificate(text: str, certificate: x509.Certificate) -> bool:
    """Whether TlsCertificateName `text` means `certificate`; case and white space do not count."""
    return _folded(text) == _folded(tls_certificate_name(certificate))


def _folded(text: str) -> str:
    return re.sub(r"\s+", "", text).casefold()


def common_name(certificate: x509.Certificate) -> str:
    """The last CN of the subject, "" if there is none."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[-1].value) if names else ""


def dns_names(certificate: x509.Certificate) -> list[str]:
    """CertificateDomains: the DNS names of the extension, or the CN where there is none."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        names: list[str] = []
    else:
        names = extension.value.get_values_for_type(x509.DNSName)
    first = common_name(certificate)
    if first and " " not in first and first.casefold() not in (n.casefold() for n in names):
        names = [first, *names]
    return names


def has_name(certificate: x509.Certificate, fqdn: str) -> bool:
    """Whether `fqdn` itself is one of the certificate's names, no wildcard for it."""
    return fqdn.casefold() in (name.casefold() for name in dns_names(certificate))


def covers(certificate: x509.Certificate, fqdn: str) -> bool:
    """Whether one of the certificate's names is `fqdn`, or a wildcard for it."""
    wanted = fqdn.casefold()
    parent = wanted.partition(".")[2]
    return any(
        name.casefold() in (wanted, f"*.{parent}" if parent else wanted)
        for name in dns_names(certificate)
    )
