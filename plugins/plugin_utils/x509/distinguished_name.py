# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does .NET write an X.500 name, and do two written names mean the same?

Exchange stores and compares the text that ``X509Certificate2.Subject`` and ``.Issuer`` print: most
specific part first, comma and space between parts, ``S=`` for the state, ``E=`` for e-mail, double
quotes instead of backslashes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.der_reader import (
    DerElement,
    MalformedDer,
    read_der,
    read_object_identifier,
)

if TYPE_CHECKING:
    from cryptography import x509

# The names Windows prints (CertNameToStr, CERT_X500_NAME_STR); every other type is OID.<dotted>.
_WINDOWS_NAMES = {
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
    "2.5.4.13": "Description",
    "2.5.4.17": "PostalCode",
    "2.5.4.18": "POBox",
    "2.5.4.20": "Phone",
    "2.5.4.24": "X21Address",
    "2.5.4.42": "G",
    "2.5.4.43": "I",
    "2.5.4.46": "dnQualifier",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "E",
}
# Other spellings people and programs use for the same types (OpenSSL, RFC 4514, CertStrToName).
_SPELLINGS = {
    "ST": "2.5.4.8",
    "STREETADDRESS": "2.5.4.9",
    "TITLE": "2.5.4.12",
    "GIVENNAME": "2.5.4.42",
    "GN": "2.5.4.42",
    "SURNAME": "2.5.4.4",
    "INITIALS": "2.5.4.43",
    "EMAIL": "1.2.840.113549.1.9.1",
    "EMAILADDRESS": "1.2.840.113549.1.9.1",
} | {name.upper(): oid for oid, name in _WINDOWS_NAMES.items()}

_NEEDS_QUOTES = re.compile(r'[,+="\n<>#;]')
# The only blanks that .NET strips from a value or quotes it for. Others, such as the no-break space
# of a web page (U+00A0), U+3000 or U+2028, are part of the name.
BLANKS = " \t\r\n"
_BLANKS_BETWEEN_WORDS = re.compile(f"[{BLANKS}]+")
_DOTTED = re.compile(r"\d+(\.\d+)+")
_ATTRIBUTE_TYPE = re.compile(r"(?:[Oo][Ii][Dd]\.)?\d+(?:\.\d+)+|[A-Za-z][A-Za-z0-9-]*")
# A value may end with a backslash, which .NET does not escape: "CN=a\, C=US" is two attributes.
_NEXT_ATTRIBUTE = re.compile(f", (?:{_ATTRIBUTE_TYPE.pattern})=")

_ENCODED_VALUE = re.compile(r"#(?:[0-9A-Fa-f]{2})+")

_STRING_DECODERS = {
    12: "utf-8",  # UTF8String
    18: "ascii",  # NumericString
    19: "latin-1",  # PrintableString
    22: "latin-1",  # IA5String
    26: "latin-1",  # VisibleString
    28: "utf-32-be",  # UniversalString
    30: "utf-16-be",  # BMPString
}
_TELETEX_STRING = 20


@dataclass(frozen=True)
class Attribute:
    """One ``type=value`` of a name: the type as written, its OID if known, and the plain value."""

    type_text: str
    oid: str | None
    value: str
    # ``#`` and hexadecimal digits: an encoding that is no text, never quoted.
    is_encoded: bool = False

    @property
    def _key(self) -> tuple[str, str]:
        return (self.oid or self.type_text.upper(), _fold(self.value))


# Most specific first, as written; the inner tuple holds more than one attribute only for
# multi-valued parts such as ``CN=James + O=Microsoft``.
ParsedName = tuple[tuple[Attribute, ...], ...]


def render(name: x509.Name) -> str:
    """Return the name as .NET prints it, for example ``CN=mail.contoso.com, O="Contoso, Ltd."``."""
    return render_der(name.public_bytes())


def render_der(der: bytes) -> str:
    """Return a DER encoded X.501 Name as .NET prints it.

    Works on the DER itself because real certificates hold strings that ``x509.Name`` refuses
    (Latin-1 in a TeletexString, values that are no strings at all).

    Raises:
        MalformedDer: the bytes are no Name.
    """
    parts = []
    for relative_name in read_der(der).children():
        rendered = [_render_attribute(attribute) for attribute in relative_name.children()]
        parts.append(" + ".join(rendered))
    return ", ".join(reversed(parts))


def issuer_and_subject(certificate_der: bytes) -> tuple[str, str]:
    """Return issuer and subject of a DER encoded certificate, as .NET prints them.

    Raises:
        MalformedDer: the bytes are no certificate.
    """
    try:
        fields = read_der(certificate_der).children()[0].children()
        if fields[0].tag == 0xA0:  # the explicit version, absent in X.509 v1
            fields = fields[1:]
        _serial, _algorithm, issuer, _validity, subject = fields[:5]
    except (IndexError, ValueError) as error:
        raise MalformedDer("this is not an X.509 certificate") from error
    return render_der(issuer.encoded), render_der(subject.encoded)


def parse(text: str) -> ParsedName:
    """Read a written name; understands .NET quoting and, tolerantly, RFC 4514 escapes.

    Raises:
        ValueError: the text is no distinguished name; the message says where it stops being one.
    """
    if not text.strip():
        return ()
    parts: list[tuple[Attribute, ...]] = []
    attributes: list[Attribute] = []
    position = 0
    while True:
        attribute, position = _parse_attribute(text, position)
        attributes.append(attribute)
        separator = text[position : position + 1]
        if separator != "+":
            parts.append(tuple(attributes))
            attributes = []
        if not separator:
            return tuple(parts)
        position += 1


def rewrite(text: str) -> str:
    """Return the same name in the spelling of .NET (``ST=`` becomes ``S=``, quoting and spacing).

    Attribute types written as ``OID.<dotted>`` stay so: some Windows versions print them like that.

    Raises:
        ValueError: the text is no distinguished name.
    """
    return ", ".join(
        " + ".join(f"{_canonical_type(item)}={_written_value(item)}" for item in part)
        for part in parse(text)
    )


def equal(first: str, second: str) -> bool:
    """Whether two written names mean the same, without regard to case and white space."""
    try:
        return _comparable(parse(first)) == _comparable(parse(second))
    except ValueError:
        return _fold(first) == _fold(second)


def common_name(text: str) -> str | None:
    """Return the most specific CN of a written name, or None."""
    try:
        attributes = [attribute for part in parse(text) for attribute in part]
    except ValueError:
        return None
    return next((item.value for item in attributes if item.oid == "2.5.4.3"), None)


def _comparable(name: ParsedName) -> list[list[tuple[str, str]]]:
    return [sorted(attribute._key for attribute in part) for part in name]


def _fold(text: str) -> str:
    return _BLANKS_BETWEEN_WORDS.sub(" ", text.strip(BLANKS)).casefold()


def _render_attribute(attribute: DerElement) -> str:
    type_element, value_element = attribute.children()
    oid = read_object_identifier(type_element)
    return f"{_WINDOWS_NAMES.get(oid, 'OID.' + oid)}={_render_value(value_element)}"


def _render_value(value: DerElement) -> str:
    if value.tag == _TELETEX_STRING:
        # Windows tries UTF-8 first and falls back to 8-bit characters (CERT_RDN_ATTR page).
        try:
            return _quote(value.content.decode("utf-8"))
        except UnicodeDecodeError:
            return _quote(value.content.decode("latin-1"))
    encoding = _STRING_DECODERS.get(value.tag)
    if encoding is None:
        return "#" + value.encoded.hex().upper()
    return _quote(value.content.decode(encoding, errors="replace"))


def _quote(value: str) -> str:
    if value and value == value.strip(BLANKS) and not _NEEDS_QUOTES.search(value):
        return value
    return '"' + value.replace('"', '""') + '"'


def _written_value(attribute: Attribute) -> str:
    return attribute.value if attribute.is_encoded else _quote(attribute.value)


def _canonical_type(attribute: Attribute) -> str:
    written = attribute.type_text.upper()
    if written.startswith("OID."):
        return written
    if attribute.oid is None:
        return attribute.type_text
    return _WINDOWS_NAMES.get(attribute.oid, "OID." + attribute.oid)


def _parse_attribute(text: str, position: int) -> tuple[Attribute, int]:
    position = _skip_white_space(text, position)
    match = _ATTRIBUTE_TYPE.match(text, position)
    if match is None:
        raise ValueError(f"expected an attribute such as CN= at position {position + 1}")
    type_text = match.group()
    position = _skip_white_space(text, match.end())
    if text[position : position + 1] != "=":
        raise ValueError(f"expected '=' after {type_text} at position {position + 1}")
    position = _skip_blanks(text, position + 1)
    if text[position : position + 1] == '"':
        value, position = _parse_quoted(text, position)
        return Attribute(type_text, _oid_of(type_text), value), position
    value, position = _parse_unquoted(text, position)
    encoded = _ENCODED_VALUE.fullmatch(value) is not None
    return Attribute(type_text, _oid_of(type_text), value, encoded), position


def _parse_quoted(text: str, position: int) -> tuple[str, int]:
    characters: list[str] = []
    position += 1
    while position < len(text):
        if text.startswith('""', position):
            characters.append('"')
            position += 2
        elif text[position] == '"':
            position = _skip_white_space(text, position + 1)
            if text[position : position + 1] not in ("", ",", ";", "+"):
                raise ValueError(
                    f"unexpected text after a closing quote at position {position + 1}"
                )
            return "".join(characters), position
        else:
            characters.append(text[position])
            position += 1
    raise ValueError("a quote is opened and never closed")


def _parse_unquoted(text: str, position: int) -> tuple[str, int]:
    characters: list[str] = []
    while position < len(text) and text[position] not in ",;+":
        # RFC 4514 writes O=Contoso\, Ltd. where .NET writes O="Contoso, Ltd."
        if _is_escape(text, position):
            position += 1
        characters.append(text[position])
        position += 1
    return "".join(characters).strip(BLANKS), position


def _is_escape(text: str, position: int) -> bool:
    return (
        text[position] == "\\"
        and text[position + 1 : position + 2] in tuple(',;+="<>#')
        and not _NEXT_ATTRIBUTE.match(text, position + 1)
    )


def _skip_white_space(text: str, position: int) -> int:
    """Outside of values, where no blank of any kind can belong to the name."""
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _skip_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position] in BLANKS:
        position += 1
    return position


def _oid_of(type_text: str) -> str | None:
    written = type_text.upper().removeprefix("OID.")
    return written if _DOTTED.fullmatch(written) else _SPELLINGS.get(written)
