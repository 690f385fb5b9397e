# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates does the YAML file name, and which TlsCertificateName follows from them?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from fake_exchange.organisation import certificates, tls_names
from fake_exchange.organisation.certificates import CertificateData, SourceDataUnreadable
from fake_exchange.organisation.model import now
from fake_exchange.organisation.reading import Place, Section


@dataclass(frozen=True)
class NamedCertificate:
    """A certificate of the file, not yet on any server."""

    data: CertificateData
    friendly_name: str = ""
    exportable: bool = False

    @property
    def thumbprint(self) -> str:
        return self.data.certificate.fingerprint(hashes.SHA1()).hex().upper()


def read_named_certificates(group: Section) -> dict[str, NamedCertificate]:
    """The section `certificates:`, by the name the rest of the file uses."""
    named: dict[str, NamedCertificate] = {}
    authorities: dict[str, CertificateData] = {}
    for name in group.names():
        section = group.section(name)
        if "pfx" in section:
            place = section.at("pfx")
            path = section.file("pfx")
            password = section.text("password", None)
            try:
                data = certificates.read_certificate_data(path.read_bytes(), password)
            except SourceDataUnreadable:
                raise place.error(f"'{path}' cannot be read with this password") from None
        elif "fullchain" in section:
            data = read_pem_pair(section, "fullchain")
        elif "subject" in section:
            data = _made(section, authorities)
        else:
            raise section.place.error("needs 'pfx', or 'fullchain' and 'key', or 'subject'")
        named[name] = NamedCertificate(
            data,
            friendly_name=section.text("friendly_name", data.friendly_name),
            exportable=section.truth("exportable", False),
        )
        section.done()
    return named


def _made(section: Section, authorities: dict[str, CertificateData]) -> CertificateData:
    """A certificate made for this run; certificates with the same issuer share its authority."""
    subject = _name(section, "subject")
    issuer_text = section.text("issuer", None)
    issuer = _name(section, "issuer", issuer_text) if issuer_text else None
    dns_names = section.texts("dns_names", [])
    valid_days = section.number("valid_days", 90)
    expires_in_days = section.number("expires_in_days", valid_days)
    valid_from = now() + timedelta(days=expires_in_days - valid_days, hours=-1)
    if issuer is None:
        return certificates.self_signed(
            subject, dns_names=dns_names, years=valid_days / 365.25, valid_from=valid_from
        )
    if issuer_text not in authorities:
        authorities[issuer_text] = certificates.authority(issuer)
    return certificates.issued(
        authorities[issuer_text],
        subject,
        dns_names=dns_names,
        ip_addresses=["127.0.0.1"],
        valid_from=valid_from,
        valid_days=valid_days,
    )


def _name(section: Section, key: str, text: str | None = None) -> x509.Name:
    place = section.at(key)
    try:
        return tls_names.parse_name(text or section.text(key))
    except ValueError as error:
        raise place.error(str(error)) from None


def read_pem_pair(section: Section, certificate_key: str) -> CertificateData:
    """Certificates (PEM, leaf first) and private key from two files."""
    place = section.at(certificate_key)
    path = section.file(certificate_key)
    key_place = section.at("key")
    key_path = section.file("key")
    passphrase = section.text("passphrase", None)
    try:
        chain = x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError:
        raise place.error(f"'{path}' holds no PEM certificate") from None
    try:
        key: Any = serialization.load_pem_private_key(
            key_path.read_bytes(), passphrase.encode() if passphrase else None
        )
    except (ValueError, TypeError):
        raise key_place.error(f"'{key_path}' cannot be read with this passphrase") from None
    return CertificateData(chain[0], key, tuple(chain[1:]))


def read_certificate(path: Path, place: Place) -> x509.Certificate:
    """A certificate without key. Raises `LoadingError`."""
    try:
        return certificates.read_certificate_data(path.read_bytes(), None).certificate
    except SourceDataUnreadable:
        raise place.error(f"'{path}' holds no certificate") from None


def tls_certificate_name(section: Section, named: dict[str, NamedCertificate]) -> str | None:
    """The key `tls_certificate_name`: a stored text as it is, or `{of: certificate}` for the
    canonical one of a certificate."""
    place = section.at("tls_certificate_name")
    value = section.take("tls_certificate_name", None)
    if value is None or isinstance(value, str):
        return value
    reference = Section(value, place)
    certificate = find(reference.text("of"), named, place)
    reference.done()
    return tls_names.tls_certificate_name(certificate.data.certificate)


def find(name: str, named: dict[str, NamedCertificate], place: Place) -> NamedCertificate:
    if name not in named:
        raise place.error(f"there is no certificate '{name}'")
    return named[name]
