# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where do tests get certificates from? A root, intermediates, and leaves with any subject, names,
dates and key; written as PFX or PEM."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Attribute = tuple[str, str]
#: One relative distinguished name: an attribute, or several for a multi-valued one.
Part = Attribute | Sequence[Attribute]

ATTRIBUTES: dict[str, x509.ObjectIdentifier] = {
    "CN": NameOID.COMMON_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "L": NameOID.LOCALITY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "C": NameOID.COUNTRY_NAME,
    "E": NameOID.EMAIL_ADDRESS,
    "DC": NameOID.DOMAIN_COMPONENT,
    "STREET": NameOID.STREET_ADDRESS,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "T": NameOID.TITLE,
    "G": NameOID.GIVEN_NAME,
    "SN": NameOID.SURNAME,
}


def name(*parts: Part) -> x509.Name:
    """A distinguished name, most specific part first (`("CN", "mail"), ("O", "Contoso, Ltd.")`).

    A key that is no known attribute is taken as a dotted object identifier. The encoding has the
    reverse order, as certificate authorities write it.
    """
    rdns = []
    for part in reversed(parts):
        attributes = cast("list[Attribute]", [part] if isinstance(part[0], str) else list(part))
        rdns.append(
            x509.RelativeDistinguishedName(
                x509.NameAttribute(ATTRIBUTES.get(key) or x509.ObjectIdentifier(key), value)
                for key, value in attributes
            )
        )
    return x509.Name(rdns)


def new_key(kind: str = "rsa", size: int = 2048) -> PrivateKey:
    """A fresh private key; `kind` is `rsa` or `ec` (P-256; 384 gives P-384)."""
    if kind == "ec":
        return ec.generate_private_key(ec.SECP384R1() if size == 384 else ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


@cache
def kept_key(use: str, kind: str = "rsa", size: int = 2048) -> PrivateKey:
    """The same key for the same words, for where a fresh one would only cost time."""
    return new_key(kind, size)


def days(number: float) -> timedelta:
    return timedelta(days=number)


def now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key and the certificates between it and the root (root excluded)."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def thumbprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()

    def pfx(
        self,
        password: str,
        *,
        friendly_name: str | None = None,
        modern: bool = False,
        with_chain: bool = True,
        with_key: bool = True,
    ) -> bytes:
        """PKCS#12; `modern` uses AES and a SHA-256 MAC, otherwise 3DES and SHA-1."""
        builder = serialization.PrivateFormat.PKCS12.encryption_builder()
        if modern:
            builder = builder.kdf_rounds(2000).key_cert_algorithm(
                pkcs12.PBES.PBESv2SHA256AndAES256CBC
            )
            builder = builder.hmac_hash(hashes.SHA256())
        else:
            builder = builder.kdf_rounds(2000).key_cert_algorithm(
                pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC
            )
            builder = builder.hmac_hash(hashes.SHA1())
        return pkcs12.serialize_key_and_certificates(
            friendly_name.encode() if friendly_name else None,
            self.key if with_key else None,
            self.certificate,
            list(self.chain) if with_chain else None,
            builder.build(password.encode()),
        )

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def fullchain_pem(self) -> bytes:
        return b"".join(
            certificate.public_bytes(serialization.Encoding.PEM)
            for certificate in (self.certificate, *self.chain)
        )

    def key_pem(self, passphrase: str | None = None) -> bytes:
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            encryption = serialization.BestAvailableEncryption(passphrase.encode())
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )

    def write_pfx(self, path: Path, password: str, **options: bool | str | None) -> Path:
        path.write_bytes(self.pfx(password, **options))  # type: ignore[arg-type]
        return path

    def write_fullchain(self, path: Path) -> Path:
        path.write_bytes(self.fullchain_pem())
        return path

    def write_key(self, path: Path, passphrase: str | None = None) -> Path:
        path.write_bytes(self.key_pem(passphrase))
        return path


def of_an_unknown_kind(issued: Issued) -> bytes:
    """A certificate as PEM whose key, on P-256, says that it is on a curve nobody implements."""
    p256, other = (
        bytes.fromhex(f"06082a8648ce3d0301{last}")
        for last in ("07", "02")  # prime192v2
    )
    der = issued.certificate.public_bytes(serialization.Encoding.DER)
    assert der.count(p256) == 1
    odd = x509.load_der_x509_certificate(der.replace(p256, other))
    return odd.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Authority:
    """A root or intermediate certificate authority."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()
    """What goes below it: this certificate and the intermediates above, without the root."""

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, path: Path) -> Path:
        path.write_bytes(self.certificate_pem())
        return path

    def intermediate(self, *parts: Part, valid_days: float = 1825) -> Authority:
        """A certificate authority below this one."""
        subject = name(*(parts or (("CN", "Test Issuing CA"), ("O", "Test PKI"))))
        key = kept_key(subject.rfc4514_string())
        builder = _builder(
            subject,
            self.certificate.subject,
            key,
            not_before=now() - days(30),
            valid_days=valid_days,
        )
        builder = _with_authority_extensions(builder, key, self.key, path_length=0)
        certificate = builder.sign(self.key, hashes.SHA256())
        return Authority(certificate, key, (certificate, *self.chain))

    def issue(
        self,
        *parts: Part,
        dns: Iterable[str] = (),
        ip: Iterable[str] = ("127.0.0.1",),
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        valid_days: float = 365,
        key: PrivateKey | None = None,
        usages: Sequence[x509.ObjectIdentifier] = (
            ExtendedKeyUsageOID.SERVER_AUTH,
            ExtendedKeyUsageOID.CLIENT_AUTH,
        ),
    ) -> Issued:
        """A leaf certificate.

        The IP address 127.0.0.1 is among the names by default, so that clients can
        check a server on loopback. Without `parts` the subject is empty.
        """
        own_key = key or new_key()
        start = not_before or now() - days(1)
        builder = _builder(
            name(*parts),
            self.certificate.subject,
            own_key,
            not_before=start,
            valid_days=valid_days,
            not_after=not_after,
        )
        names: list[x509.GeneralName] = [x509.DNSName(text) for text in dns]
        names += [x509.IPAddress(ipaddress.ip_address(text)) for text in ip]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signing=False), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(own_key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return Issued(builder.sign(self.key, hashes.SHA256()), own_key, self.chain)


def answer(authority: Authority, request_pem: str, *, valid_days: float = 200) -> x509.Certificate:
    """What an authority sends for a request: subject, names and key under its own name."""
    request = x509.load_pem_x509_csr(request_pem.encode())
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(authority.certificate.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - days(1))
        .not_valid_after(now() + days(valid_days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    for extension in request.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(authority.key, hashes.SHA256())


def root(*parts: Part, valid_days: float = 3650) -> Authority:
    """A self-signed root."""
    subject = name(*(parts or (("CN", "Test Root CA"), ("O", "Test PKI"))))
    key = kept_key(subject.rfc4514_string())
    builder = _builder(subject, subject, key, not_before=now() - days(60), valid_days=valid_days)
    builder = _with_authority_extensions(builder, key, key, path_length=None)
    return Authority(builder.sign(key, hashes.SHA256()), key)


def self_signed(*parts: Part, dns: Iterable[str] = (), valid_days: float = 1825) -> Issued:
    """A self-signed leaf."""
    subject = name(*parts)
    key = new_key()
    builder = _builder(subject, subject, key, not_before=now() - days(1), valid_days=valid_days)
    names = [x509.DNSName(text) for text in dns]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return Issued(builder.sign(key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: PrivateKey,
    *,
    not_before: datetime,
    valid_days: float,
    not_after: datetime | None = None,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after or not_before + days(valid_days))
    )


def _with_authority_extensions(
    builder: x509.CertificateBuilder,
    key: PrivateKey,
    issuer_key: PrivateKey,
    *,
    path_length: int | None,
) -> x509.CertificateBuilder:
    return (
        builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=path_length), critical=True
        )
        .add_extension(_key_usage(signing=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )


def _key_usage(*, signing: bool) -> x509.KeyUsage:
    """`signing`: of a certificate authority, otherwise of a server."""
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=not signing,
        key_cert_sign=signing,
        crl_sign=signing,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
