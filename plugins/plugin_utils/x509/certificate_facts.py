# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does the DER of a certificate say by itself, without Exchange or a private key?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.distinguished_name import (
    common_name,
    issuer_and_subject,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    thumbprint_of,
)

if TYPE_CHECKING:
    from cryptography import x509

    Extension = TypeVar("Extension", bound=x509.ExtensionType)

_KEY_USAGES = {"1.3.6.1.5.5.7.3.1": "serverAuth", "1.3.6.1.5.5.7.3.2": "clientAuth"}


@dataclass(frozen=True, kw_only=True)
class CertificateFacts:
    """Facts of one certificate; names as .NET prints them, times in UTC."""

    thumbprint: str
    subject: str
    issuer: str
    serial_number: str
    not_before: datetime
    not_after: datetime
    common_name: str | None
    subject_alternative_names: list[str]
    key_type: str
    key_size: int | None
    extended_key_usages: frozenset[str]
    is_certificate_authority: bool

    @property
    def dns_names(self) -> list[str]:
        """The alternative DNS names; where there are none, a common name that could be one."""
        if self.subject_alternative_names:
            return list(self.subject_alternative_names)
        name = self.common_name or ""
        return [name] if name and " " not in name else []

    @property
    def self_issued(self) -> bool:
        """Whether issuer and subject are the same."""
        return self.issuer == self.subject


def read_certificate_facts(der: bytes) -> CertificateFacts:
    """Read a DER encoded certificate.

    Raises:
        ValueError: the bytes are no certificate.
    """
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(der)
    issuer, subject = issuer_and_subject(der)
    key_type, key_size = _key(certificate)
    return CertificateFacts(
        thumbprint=thumbprint_of(der),
        subject=subject,
        issuer=issuer,
        serial_number=f"{certificate.serial_number:X}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        common_name=common_name(subject),
        subject_alternative_names=_dns_names(certificate),
        key_type=key_type,
        key_size=key_size,
        extended_key_usages=_extended_key_usages(certificate),
        is_certificate_authority=_is_certificate_authority(certificate),
    )


def _key(certificate: x509.Certificate) -> tuple[str, int | None]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "unknown", None
    kinds = (
        (rsa.RSAPublicKey, "RSA"),
        (ec.EllipticCurvePublicKey, "EC"),
        (dsa.DSAPublicKey, "DSA"),
    )
    for kind, name in kinds:
        if isinstance(key, kind):
            return name, key.key_size
    return type(key).__name__.removeprefix("_").removesuffix("PublicKey"), None


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        # A malformed extension must not hide the rest of a certificate in somebody's store.
        return None


def _dns_names(certificate: x509.Certificate) -> list[str]:
    from cryptography import x509

    extension = _extension(certificate, x509.SubjectAlternativeName)
    if extension is None:
        return []
    return list(extension.get_values_for_type(x509.DNSName))


def _extended_key_usages(certificate: x509.Certificate) -> frozenset[str]:
    from cryptography import x509

    extension = _extension(certificate, x509.ExtendedKeyUsage)
    if extension is None:
        return frozenset()
    return frozenset(
        _KEY_USAGES.get(usage.dotted_string, usage.dotted_string) for usage in extension
    )


def _is_certificate_authority(certificate: x509.Certificate) -> bool:
    from cryptography import x509

    extension = _extension(certificate, x509.BasicConstraints)
    return bool(extension is not None and extension.ca)
