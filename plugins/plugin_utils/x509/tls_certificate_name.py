# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate does a ``TlsCertificateName`` (``<I>issuer<S>subject``) name?

The canonical text has upper-case tags, no closing tags, nothing between the parts, and both names
as .NET prints them (Set-SendConnector page). What people paste has closing tags, blanks and other
case; it is understood and rewritten. This file is the only place that knows the format.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509 import distinguished_name

if TYPE_CHECKING:
    from cryptography import x509

# AD LDS on an Edge server refuses longer values until its schema is changed (support KB4052493).
EDGE_MAXIMUM_LENGTH = 256

_OPENING_TAG = re.compile(r"\s*<\s*[iI]\s*>")
_TAG = re.compile(r"<\s*(/?)\s*([iIsS])\s*>")


@dataclass(frozen=True, eq=False)
class TlsCertificateName:
    """Issuer and subject, each as .NET prints it; equal without regard to case and blanks."""

    issuer: str
    subject: str

    @classmethod
    def parse(cls, text: str) -> TlsCertificateName:
        """Understand any usual spelling and keep the names in their canonical one.

        Raises:
            InvalidInput: the text has not both parts, or one of them is no distinguished name.
        """
        issuer, subject = _split(text)
        try:
            return cls(distinguished_name.rewrite(issuer), distinguished_name.rewrite(subject))
        except ValueError as error:
            raise InvalidInput(
                f"The TlsCertificateName '{text}' cannot be read: {error}."
            ) from error

    @classmethod
    def from_certificate(cls, certificate: x509.Certificate | bytes) -> TlsCertificateName:
        """Return the name that Exchange knows a certificate (object or DER bytes) by."""
        if not isinstance(certificate, bytes):
            from cryptography.hazmat.primitives.serialization import Encoding

            certificate = certificate.public_bytes(Encoding.DER)
        return cls(*distinguished_name.issuer_and_subject(certificate))

    def render(self) -> str:
        """Return the text to give to ``-TlsCertificateName``."""
        return f"<I>{self.issuer}<S>{self.subject}"

    __str__ = render

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TlsCertificateName):
            return NotImplemented
        return distinguished_name.equal(self.issuer, other.issuer) and distinguished_name.equal(
            self.subject, other.subject
        )

    def __hash__(self) -> int:
        return hash((_hash_key(self.issuer), _hash_key(self.subject)))


def read_stored(text: str | None) -> TlsCertificateName | None:
    """Return what a stored value names, or None where it is empty or cannot be understood."""
    if not text or not text.strip():
        return None
    try:
        return TlsCertificateName.parse(text)
    except InvalidInput:
        return None


def is_canonical(text: str) -> bool:
    """Whether a stored value is spelled so that Exchange finds the certificate.

    The case of letters does not matter to Exchange; closing tags, blanks between the parts and
    foreign spellings of the names do.
    """
    name = read_stored(text)
    return name is not None and name.render().casefold() == text.casefold()


def _split(text: str) -> tuple[str, str]:
    if "<" not in text and "&lt;" in text.lower():  # copied out of XML
        text = html.unescape(text)
    start = _OPENING_TAG.match(text)
    if start is None:
        raise InvalidInput(
            f"'{text}' is not a TlsCertificateName: expected <I>issuer<S>subject, "
            "for example <I>CN=Contoso CA, C=US<S>CN=mail.contoso.com."
        )
    tags = [
        tag for tag in _TAG.finditer(text, start.end()) if not _inside_quotes(text, tag.start())
    ]
    subject_tags = [tag for tag in tags if not tag.group(1) and tag.group(2) in "sS"]
    if len(subject_tags) != 1:
        problem = "has no <S>subject part" if not subject_tags else "has more than one <S> part"
        raise InvalidInput(
            f"The TlsCertificateName '{text}' {problem}: expected <I>issuer<S>subject."
        )
    subject_tag = subject_tags[0]
    closing = [tag for tag in tags if tag.group(1)]
    issuer_end = next(
        (tag.start() for tag in closing if tag.start() < subject_tag.start()), subject_tag.start()
    )
    subject_end = next((tag.start() for tag in closing if tag.start() > subject_tag.start()), None)
    return (
        text[start.end() : issuer_end].strip(distinguished_name.BLANKS),
        text[subject_tag.end() : subject_end].strip(distinguished_name.BLANKS),
    )


def _inside_quotes(text: str, position: int) -> bool:
    return text.count('"', 0, position) % 2 == 1


def _hash_key(name: str) -> str:
    # Coarse on purpose: equal names always share their CN, whatever their spelling.
    return " ".join((distinguished_name.common_name(name) or "").split()).casefold()
