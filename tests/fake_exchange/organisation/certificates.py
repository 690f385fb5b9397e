# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where do the servers' certificates come from? The self-signed ones that Exchange's setup makes,
ones read from PFX or PEM files, and the making of PKCS#12 data for exports."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fake_exchange.organisation.model import PrivateKey, StoredCertificate, now

AUTH_NAME = "Microsoft Exchange Server Auth Certificate"

#: DER of the identifiers of PBES2 and of SHA-256, which older Windows does not read in PKCS#12.
_MODERN_MARKS = (bytes.fromhex("06092a864886f70d01050d"), bytes.fromhex("0609608648016503040201"))


class SourceDataUnreadable(Exception):
    """Certificate data that Windows would refuse: wrong password, unsupported, or no such data."""


@dataclass(frozen=True)
class CertificateData:
    """What a file or FileData holds; `others` are the further certificates in it."""

    certificate: x509.Certificate
    private_key: PrivateKey | None
    others: tuple[x509.Certificate, ...] = ()
    friendly_name: str = ""


@cache
def shared_key(use: str) -> rsa.RSAPrivateKey:
    """One key pair per use and process: making one per server would take most of the start."""
    return new_rsa_key(2048)


def new_rsa_key(size: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


def self_signed(
    subject: x509.Name,
    *,
    dns_names: Iterable[str] = (),
    key: PrivateKey | None = None,
    years: float = 5,
    valid_from: datetime | None = None,
    subject_key_identifier: bytes | None = None,
) -> CertificateData:
    """A self-signed server certificate; a fresh RSA 2048 key if none is given, and the identifier
    that follows from the key."""
    key = key or new_rsa_key(2048)
    return CertificateData(
        _sign(
            subject,
            subject,
            key,
            key,
            dns_names=dns_names,
            lifetime=timedelta(days=365.25 * years),
            valid_from=valid_from,
            subject_key_identifier=subject_key_identifier,
        ),
        key,
    )


def issued(
    authority: CertificateData,
    subject: x509.Name,
    *,
    dns_names: Iterable[str] = (),
    ip_addresses: Iterable[str] = (),
    key: PrivateKey | None = None,
    valid_from: datetime | None = None,
    valid_days: float = 365,
) -> CertificateData:
    """A certificate signed by `authority`; valid from an hour ago by default."""
    assert authority.private_key is not None
    key = key or new_rsa_key(2048)
    certificate = _sign(
        subject,
        authority.certificate.subject,
        key,
        authority.private_key,
        dns_names=dns_names,
        ip_addresses=ip_addresses,
        lifetime=timedelta(days=valid_days),
        valid_from=valid_from,
    )
    return CertificateData(certificate, key, authority.others)


def authority(subject: x509.Name) -> CertificateData:
    """A certificate authority for ten years."""
    key = new_rsa_key(2048)
    certificate = _sign(
        subject,
        subject,
        key,
        key,
        dns_names=(),
        lifetime=timedelta(days=3650),
        valid_from=now() - timedelta(days=365),
        is_authority=True,
    )
    return CertificateData(certificate, key)


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    key: PrivateKey,
    issuer_key: PrivateKey,
    *,
    dns_names: Iterable[str],
    lifetime: timedelta,
    ip_addresses: Iterable[str] = (),
    valid_from: datetime | None = None,
    is_authority: bool = False,
    subject_key_identifier: bytes | None = None,
) -> x509.Certificate:
    start = (valid_from or now() - timedelta(hours=1)).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + lifetime)
    )
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns_names]
    names += [x509.IPAddress(ipaddress.ip_address(text)) for text in ip_addresses]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )
    issuer_public_key = issuer_key.public_key()
    identifier = (
        x509.SubjectKeyIdentifier(subject_key_identifier)
        if subject_key_identifier is not None
        else x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    )
    builder = (
        builder.add_extension(usage, critical=True)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public_key), critical=False
        )
    )
    if not is_authority:
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(usages, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def exchange_default(
    server: str, fqdn: str, valid_from: datetime | None = None
) -> StoredCertificate:
    """The certificate "Microsoft Exchange" that setup makes."""
    data = self_signed(
        common_name(server),
        dns_names=[server, fqdn],
        key=shared_key("Microsoft Exchange"),
        valid_from=valid_from,
    )
    return StoredCertificate(
        data.certificate,
        data.private_key,
        FriendlyName="Microsoft Exchange",
        Services={"IMAP", "POP", "IIS", "SMTP"},
        RootCAType="Registry",
        SelfSigned=True,
        network_service_allowed=True,
    )


def auth_certificate() -> CertificateData:
    """The OAuth certificate, one for the whole organisation."""
    return self_signed(common_name(AUTH_NAME), key=shared_key(AUTH_NAME))


def stored_auth_certificate(data: CertificateData) -> StoredCertificate:
    return StoredCertificate(
        data.certificate,
        data.private_key,
        FriendlyName=AUTH_NAME,
        PrivateKeyExportable=True,
        Services={"SMTP"},
        SelfSigned=True,
        network_service_allowed=True,
    )


def web_management(server: str) -> StoredCertificate:
    """The certificate of the IIS management service."""
    data = self_signed(common_name(f"WMSvc-SHA2-{server}"), key=shared_key("WMSVC-SHA2"), years=10)
    return StoredCertificate(
        data.certificate,
        data.private_key,
        FriendlyName="WMSVC-SHA2",
        PrivateKeyExportable=True,
        RootCAType="Registry",
        SelfSigned=True,
    )


def read_certificate_data(
    data: bytes, password: str | None, *, modern_pkcs12: bool = True
) -> CertificateData:
    """Read PKCS#12, PKCS#7, or a bare certificate (DER or PEM), as Import-ExchangeCertificate does.

    Without `modern_pkcs12`, files encrypted with PBES2 or protected by a SHA-256 MAC are refused
    the way older Windows does. Raises `SourceDataUnreadable`.
    """
    certificates = _certificates_without_key(data)
    if certificates:
        leaf, others = _leaf_first(certificates)
        return CertificateData(leaf, None, tuple(others))
    if not modern_pkcs12 and any(mark in data for mark in _MODERN_MARKS):
        raise SourceDataUnreadable("the PKCS#12 data is encrypted in a form Windows does not know")
    try:
        content = pkcs12.load_pkcs12(data, password.encode() if password is not None else None)
    except (ValueError, TypeError) as error:
        raise SourceDataUnreadable(str(error)) from None
    others = [entry.certificate for entry in content.additional_certs]
    name = b""
    if content.cert is not None:
        leaf, name = content.cert.certificate, content.cert.friendly_name or b""
    elif others:
        leaf, others = _leaf_first(others)
    else:
        raise SourceDataUnreadable("the PKCS#12 data holds no certificate")
    key = content.key
    if key is not None and not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise SourceDataUnreadable("keys of this kind are not supported")
    return CertificateData(leaf, key, tuple(others), name.decode("utf-8", "replace"))


def _certificates_without_key(data: bytes) -> list[x509.Certificate]:
    readers = (
        lambda: pkcs7.load_pem_pkcs7_certificates(data),
        lambda: pkcs7.load_der_pkcs7_certificates(data),
        lambda: x509.load_pem_x509_certificates(data),
        lambda: [x509.load_der_x509_certificate(data)],
    )
    for reader in readers:
        try:
            return list(reader())
        except Exception:  # The libraries raise many kinds for "not this format".
            continue
    return []


def _leaf_first(
    certificates: list[x509.Certificate],
) -> tuple[x509.Certificate, list[x509.Certificate]]:
    issuers = {
        certificate.issuer for certificate in certificates if not is_self_issued(certificate)
    }
    leaf = next((c for c in certificates if c.subject not in issuers), certificates[0])
    return leaf, [certificate for certificate in certificates if certificate is not leaf]


def is_self_issued(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject


def chain_above(
    certificate: x509.Certificate, available: Iterable[x509.Certificate]
) -> list[x509.Certificate]:
    """The issuers of `certificate` found among `available`, nearest first, root included."""
    pool, current = list(available), certificate
    chain: list[x509.Certificate] = []
    while not is_self_issued(current) and len(chain) < 8:
        issuer = next((candidate for candidate in pool if _issued_by(current, candidate)), None)
        if issuer is None:
            break
        chain.append(issuer)
        current = issuer
    return chain


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def pkcs12_of(stored: StoredCertificate, password: str) -> bytes:
    """The certificate and its key as Windows exports them: 3DES and a SHA-1 MAC, no chain."""
    encryption = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2000)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())
        .build(password.encode())
    )
    return pkcs12.serialize_key_and_certificates(
        stored.FriendlyName.encode() or None,
        stored.private_key,
        stored.certificate,
        None,
        encryption,
    )
