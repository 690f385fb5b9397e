# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How is a certificate asked for without an Exchange server: key and request made in memory?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509 import distinguished_name
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import (
    normalize_host_name,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    encoded_public_key,
    public_key_of,
)

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey

KEY_SIZES = {"RSA": (2048, 3072, 4096), "EC": (256, 384)}

# RFC 5280, appendix A.1: the most characters an attribute may have. Checked here because
# cryptography checks it for some attributes, and only in newer versions.
_UPPER_BOUNDS = {
    "2.5.4.3": 64,  # CN
    "2.5.4.5": 64,  # SERIALNUMBER
    "2.5.4.7": 128,  # L
    "2.5.4.8": 128,  # S
    "2.5.4.10": 64,  # O
    "2.5.4.11": 64,  # OU
    "2.5.4.12": 64,  # T
    "1.2.840.113549.1.9.1": 255,  # E
}


@dataclass(frozen=True, kw_only=True)
class Key:
    """A private key and its PEM form, with its passphrase if it has one."""

    private_key: PrivateKey = field(repr=False)
    pem: str = field(repr=False)


def check_key_spec(key_type: str, key_size: int) -> None:
    """Refuse sizes that Exchange or an authority would refuse.

    Raises:
        InvalidInput: with the value.
    """
    if key_size not in KEY_SIZES[key_type]:
        sizes = ", ".join(map(str, KEY_SIZES[key_type]))
        raise InvalidInput(
            f"key_size has to be one of {sizes} for an {key_type} key, and is {key_size}."
        )


def make_key(key_type: str, key_size: int, passphrase: str | None = None) -> Key:
    """Make a key (PKCS#8, PEM)."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    check_key_spec(key_type, key_size)
    made: PrivateKey
    if key_type == "EC":
        made = ec.generate_private_key(ec.SECP384R1() if key_size == 384 else ec.SECP256R1())
    else:
        made = rsa.generate_private_key(public_exponent=65537, key_size=key_size)
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    return Key(private_key=made, pem=pem.decode("ascii"))


def load_key(pem: str, passphrase: str | None, *, origin: str) -> Key:
    """Read a key.

    Raises:
        InvalidInput: it cannot be read; the message holds nothing of it.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    loaded = None
    for secret in (None, passphrase.encode() if passphrase else None):
        try:
            loaded = load_pem_private_key(pem.encode(), secret)
            break
        except (TypeError, ValueError, UnsupportedAlgorithm):
            continue
    if not isinstance(loaded, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        # No "from": the text of the cause may describe the key.
        raise InvalidInput(
            f"{origin} holds no RSA or EC key in PEM form that can be opened"
            + (" with private_key_passphrase." if passphrase else " without a passphrase.")
        )
    return Key(private_key=loaded, pem=pem)


def make_request(subject: str, names: Sequence[str], key: Key) -> str:
    """Make the request (PKCS#10) as PEM.

    Raises:
        InvalidInput: the subject is no distinguished name, or holds what cannot be asked for.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    builder = x509.CertificateSigningRequestBuilder().subject_name(_subject(subject))
    if names:
        alternatives = [x509.DNSName(normalize_host_name(name)) for name in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    request = builder.sign(key.private_key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode("ascii")


def certificate_of_key(
    certificates: Sequence[x509.Certificate], key: Key
) -> x509.Certificate | None:
    """The certificate that was issued for the key."""
    own = encoded_public_key(key.private_key.public_key())
    return next((item for item in certificates if public_key_of(item) == own), None)


def asks_for_the_same(one: str, other: str) -> bool:
    """Whether two requests have the same subject, names and key."""
    from cryptography import x509

    try:
        first, second = (x509.load_pem_x509_csr(text.encode()) for text in (one, other))
    except ValueError:
        return False
    return (
        first.subject == second.subject
        and _names(first) == _names(second)
        and encoded_public_key(first.public_key()) == encoded_public_key(second.public_key())
    )


def _names(request: x509.CertificateSigningRequest) -> set[str]:
    from cryptography import x509

    try:
        extension = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return set()
    return set(extension.value.get_values_for_type(x509.DNSName))


def _subject(text: str) -> x509.Name:
    from cryptography import x509

    try:
        parts = distinguished_name.parse(text)
        # Written most specific first, and encoded the other way round.
        return x509.Name(
            x509.RelativeDistinguishedName(_name_attribute(item) for item in part)
            for part in reversed(parts)
        )
    except ValueError as error:
        raise InvalidInput(f"subject '{text}' cannot be asked for: {error}.") from error


def _name_attribute(attribute: distinguished_name.Attribute) -> x509.NameAttribute:
    from cryptography import x509

    bound = _UPPER_BOUNDS.get(attribute.oid or "")
    if bound and len(attribute.value) > bound:
        raise ValueError(
            f"{attribute.type_text} has {len(attribute.value)} characters, and {bound} are allowed"
        )
    return x509.NameAttribute(
        x509.ObjectIdentifier(attribute.oid or attribute.type_text), attribute.value
    )
