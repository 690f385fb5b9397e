# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is a certificate on the control node, and which PFX of it does Windows take?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_facts import (
    CertificateFacts,
    read_certificate_facts,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.distinguished_name import (
    issuer_and_subject,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import (
    is_wildcard,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    EDGE_MAXIMUM_LENGTH,
    TlsCertificateName,
)

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

# The password is random and used once; more rounds would only slow old servers down.
_KEY_DERIVATION_ROUNDS = 2048
# Import-ExchangeCertificate page: a friendly name has fewer than 64 characters.
FRIENDLY_NAME_MAXIMUM_LENGTH = 63


@dataclass(frozen=True, kw_only=True)
class LoadedCertificate:
    """A certificate with its private key and ordered chain, checked and ready to be sent."""

    leaf: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    # None where only the public part was asked for and given.
    private_key: PrivateKeyTypes | None = field(repr=False)
    origin: str
    # The name kept in a PFX.
    friendly_name: str | None = None
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        _check_key_type(self)
        self.warnings.extend(_reservations(self))

    @cached_property
    def facts(self) -> CertificateFacts:
        """Everything that can be read out of the certificate itself."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return read_certificate_facts(self.leaf.public_bytes(Encoding.DER))

    @property
    def thumbprint(self) -> str:
        """SHA-1 thumbprint, 40 upper-case hexadecimal digits."""
        return self.facts.thumbprint

    @property
    def subject(self) -> str:
        """Subject as .NET prints it."""
        return self.facts.subject

    @property
    def issuer(self) -> str:
        """Issuer as .NET prints it."""
        return self.facts.issuer

    @property
    def tls_certificate_name(self) -> TlsCertificateName:
        """The name that connectors know this certificate by."""
        return TlsCertificateName(self.facts.issuer, self.facts.subject)

    @property
    def dns_names(self) -> list[str]:
        """Subject alternative DNS names; the common name where there are none."""
        return self.facts.dns_names

    @property
    def not_before(self) -> datetime:
        """Start of validity, UTC."""
        return self.facts.not_before

    @property
    def not_after(self) -> datetime:
        """End of validity, UTC."""
        return self.facts.not_after

    @property
    def key_type(self) -> str:
        """``RSA`` or ``EC``."""
        return self.facts.key_type

    @property
    def key_size(self) -> int | None:
        """Bits of the key."""
        return self.facts.key_size

    @property
    def is_wildcard(self) -> bool:
        """Whether one of the names is a wildcard."""
        return any(is_wildcard(name) for name in self.dns_names)

    @property
    def is_self_signed(self) -> bool:
        """Whether the certificate is its own issuer."""
        return self.facts.self_issued

    @property
    def chain_is_complete(self) -> bool:
        """Whether the file brings everything up to, or up to just below, a root.

        A root may be left out, as servers do not send it; so one missing issuer can only be called
        missing when the certificate below it is the leaf itself.
        """
        return self.is_self_signed or bool(self.chain)

    @property
    def description(self) -> str:
        """How messages name the certificate."""
        return describe(self.leaf)

    def days_left(self, now: datetime) -> int:
        """Whole days until the certificate expires; negative after that."""
        return (self.not_after - now).days

    def pkcs12(self, password: str, friendly_name: str | None = None) -> bytes:
        """Return key, certificate and chain as a PFX that every supported Windows can read.

        3DES with SHA-1 and a SHA-1 MAC: older Windows answers "wrong password" to the AES and
        SHA-256 of today's defaults. The secrecy rests on the password, which must be random.
        """
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

        if self.private_key is None:
            raise InvalidInput(f"{self.origin} was given without its private key.")
        encryption = (
            PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(_KEY_DERIVATION_ROUNDS)
            .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
            .hmac_hash(hashes.SHA1())
            .build(password.encode("ascii"))
        )
        return pkcs12.serialize_key_and_certificates(
            friendly_name.encode("utf-8") if friendly_name else None,
            self.private_key,  # type: ignore[arg-type]
            self.leaf,
            list(self.chain) or None,
            encryption,
        )


def describe(certificate: x509.Certificate) -> str:
    """Return how messages name a certificate: its subject, or its first name if that is empty."""
    from cryptography.hazmat.primitives.serialization import Encoding

    facts = read_certificate_facts(certificate.public_bytes(Encoding.DER))
    return f"'{facts.subject or ', '.join(facts.dns_names[:1]) or facts.thumbprint}'"


def order_chain(
    leaf: x509.Certificate, certificates: Iterable[x509.Certificate]
) -> tuple[list[x509.Certificate], list[x509.Certificate]]:
    """Return the issuers of ``leaf`` from the nearest upwards, and what does not belong to them."""
    pool = [certificate for certificate in dict.fromkeys(certificates) if certificate != leaf]
    chain: list[x509.Certificate] = []
    current = leaf
    while (issuer := _issuer_in(pool, current)) is not None:
        pool.remove(issuer)
        chain.append(issuer)
        current = issuer
    return chain, pool


def _issuer_in(
    pool: Sequence[x509.Certificate], child: x509.Certificate
) -> x509.Certificate | None:
    issuer, subject = names_of(child)
    if issuer == subject:
        return None
    for candidate in pool:
        if names_of(candidate)[1] == issuer and has_issued(candidate, child):
            return candidate
    return None


def public_key_of(certificate: x509.Certificate) -> bytes | None:
    """Return a certificate's public key (DER), or None where it is of a kind nobody here knows."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    return encoded_public_key(key)


def encoded_public_key(key: object) -> bytes:
    """Return a public key as DER, by which keys are compared."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    data: bytes = key.public_bytes(  # type: ignore[attr-defined]
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return data


def names_of(certificate: x509.Certificate) -> tuple[str, str]:
    """Return issuer and subject of a certificate as .NET prints them."""
    from cryptography.hazmat.primitives.serialization import Encoding

    # Not certificate.subject: it refuses the 8-bit characters of some old authorities' names.
    return issuer_and_subject(certificate.public_bytes(Encoding.DER))


def has_issued(issuer: x509.Certificate, child: x509.Certificate) -> bool:
    """Whether one certificate was signed by the key of another, under its name."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        child.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False  # another key under the same name
    return True


def _check_key_type(loaded: LoadedCertificate) -> None:
    if loaded.key_type not in ("RSA", "EC"):
        raise InvalidInput(
            f"The certificate {loaded.description} in {loaded.origin} has a {loaded.key_type} key; "
            "Exchange can use RSA keys, and EC keys where they are enabled. Request it with RSA."
        )


def _reservations(loaded: LoadedCertificate) -> list[str]:
    """Return what is unusual but no reason to refuse."""
    found = []
    if loaded.key_type == "EC":
        found.append(
            "The certificate has an EC key. Exchange uses it only since the April 2024 update, and "
            "since November 2024 only with the registry value EnableEccCertificateSupport=1 under "
            "HKLM\\SOFTWARE\\Microsoft\\ExchangeServer\\v15\\Diagnostics "
            "on every server; never for the federation trust, the Auth certificate or AD FS. RSA "
            "works everywhere."
        )
    if loaded.key_type == "RSA" and (loaded.key_size or 0) < 2048:
        found.append(f"The RSA key has only {loaded.key_size} bits; peers expect 2048 or more.")
    if not loaded.facts.common_name:
        found.append(
            "The certificate has no common name: its TlsCertificateName ends in an empty or "
            "nameless subject and the Hybrid Configuration Wizard stumbles over such certificates. "
            "Request one with a common name."
        )
    if loaded.facts.extended_key_usages and "serverAuth" not in loaded.facts.extended_key_usages:
        found.append("The certificate is not meant for servers (no serverAuth key usage).")
    if not loaded.chain_is_complete:
        found.append(
            f"No certificate of the issuer '{loaded.issuer}' is in {loaded.origin}. Unless that is "
            "a root which every peer already has, peers will not trust the certificate: give the "
            "full chain."
        )
    if len(loaded.tls_certificate_name.render()) > EDGE_MAXIMUM_LENGTH:
        found.append(
            f"The TlsCertificateName is longer than {EDGE_MAXIMUM_LENGTH} characters: an Edge "
            "server's directory refuses it until rangeUpper of ms-Exch-Smtp-TLS-Certificate is "
            "raised there (support article KB4052493)."
        )
    return found
