# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do certificates change on a server? Import, enable, internal transport certificate, export,
removal: the effects and the conditions; the cmdlets add texts, prompts and error records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from fake_exchange.organisation import certificates, selection, tls_names
from fake_exchange.organisation.certificates import CertificateData
from fake_exchange.organisation.model import Organisation, Server, StoredCertificate

FRONT_END_SITE = 1


class CertificateAlreadyExists(Exception):
    """A certificate with this thumbprint is in the store, with or without its key."""

    def __init__(self, thumbprint: str) -> None:
        super().__init__(thumbprint)
        self.thumbprint = thumbprint


class NotExportable(Exception):
    """The private key is missing or must not leave the server."""


class Refusal(Enum):
    """Why Remove-ExchangeCertificate says no."""

    INTERNAL_TRANSPORT = "internal transport certificate"
    SEND_CONNECTORS = "named by Send connectors"
    IIS = "bound to IIS"
    AUTH_CONFIG = "current or next certificate of the Auth configuration"


@dataclass(frozen=True)
class RemovalRefusal:
    reason: Refusal
    connectors: tuple[str, ...] = ()


def visible(server: Server) -> list[StoredCertificate]:
    """What Get-ExchangeCertificate shows: with private key, or waiting for the CA's reply."""
    return [s for s in server.certificates.values() if s.HasPrivateKey or s.request_pending]


def find(server: Server, thumbprint: str) -> StoredCertificate | None:
    """A visible certificate by thumbprint, without case and blanks."""
    stored = server.certificates.get(_plain(thumbprint))
    return (
        stored if stored is not None and (stored.HasPrivateKey or stored.request_pending) else None
    )


def find_even_without_key(server: Server, thumbprint: str) -> StoredCertificate | None:
    return server.certificates.get(_plain(thumbprint))


def _plain(thumbprint: str) -> str:
    return "".join(thumbprint.split()).upper()


def import_data(
    organisation: Organisation,
    server: Server,
    data: bytes,
    password: str | None,
    *,
    friendly_name: str | None = None,
    exportable: bool = False,
) -> StoredCertificate:
    """Put the certificate of `data` (PKCS#12, PKCS#7, DER, PEM) into the server's store.

    The reply to a pending request gets that request's key; any other certificate that comes
    without a key is stored but stays invisible. No service uses it yet - except that transport,
    at its next start, may choose it by name. Raises `certificates.SourceDataUnreadable`,
    `CertificateAlreadyExists`.
    """
    content = certificates.read_certificate_data(
        data, password, modern_pkcs12=organisation.behavior.modern_pkcs12
    )
    stored = StoredCertificate(
        content.certificate,
        content.private_key,
        FriendlyName=friendly_name if friendly_name is not None else content.friendly_name,
        PrivateKeyExportable=exportable,
        SelfSigned=certificates.is_self_issued(content.certificate),
    )
    with organisation.lock:
        existing = server.certificates.get(stored.Thumbprint)
        if existing is not None:
            raise CertificateAlreadyExists(stored.Thumbprint)
        if stored.private_key is None:
            _complete_request(server, stored)
        add(organisation, server, stored, others=content.others)
    return stored


def add(
    organisation: Organisation,
    server: Server,
    stored: StoredCertificate,
    *,
    others: Iterable[x509.Certificate] = (),
) -> None:
    """Put `stored` into the store, and the intermediates beside it into theirs."""
    if organisation.behavior.import_intermediates:
        for certificate in others:
            known = certificate in server.intermediates
            if not known and not certificates.is_self_issued(certificate):
                server.intermediates.append(certificate)
    judge(organisation, server, stored)
    server.certificates[stored.Thumbprint] = stored


def judge(organisation: Organisation, server: Server, stored: StoredCertificate) -> None:
    """Set trust and RootCAType. Without `trusted_roots` every CA counts as trusted."""
    if stored.SelfSigned:
        return
    chain = certificates.chain_above(
        stored.certificate, [*server.intermediates, *organisation.trusted_roots]
    )
    trusted = not organisation.trusted_roots or (
        bool(chain) and chain[-1] in organisation.trusted_roots
    )
    stored.trust = "Valid" if trusted else "Untrusted"
    stored.RootCAType = "ThirdParty" if trusted else "Unknown"


def _complete_request(server: Server, stored: StoredCertificate) -> None:
    wanted = _public_key(stored.certificate)
    for pending in list(server.certificates.values()):
        if pending.request_pending and _public_key(pending.certificate) == wanted:
            stored.private_key = pending.private_key
            stored.FriendlyName = stored.FriendlyName or pending.FriendlyName
            stored.PrivateKeyExportable = pending.PrivateKeyExportable
            del server.certificates[pending.Thumbprint]


def _public_key(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def asks_to_overwrite(server: Server, stored: StoredCertificate) -> bool:
    """Whether enabling SMTP on `stored` asks to replace the internal transport certificate."""
    return server.InternalTransportCertificateThumbprint != stored.Thumbprint


def enable(
    organisation: Organisation,
    server: Server,
    stored: StoredCertificate,
    services: Iterable[str],
    *,
    replace_internal_transport: bool,
    require_ssl: bool = True,
    network_service_allowed: bool = False,
) -> None:
    """Add `services` to the certificate; nothing is ever taken away from it here.

    IIS moves to it on the front-end site, IMAP and POP move to it; SMTP stays on the others too.
    With `replace_internal_transport` and SMTP it becomes the internal transport certificate.
    """
    wanted = set(services) - {"None"}
    with organisation.lock:
        stored.Services |= wanted - {"IIS", "IMAP", "POP"}
        stored.network_service_allowed |= network_service_allowed or "SMTP" in wanted
        if "SMTP" in wanted and replace_internal_transport:
            set_internal_transport(server, stored)
        if "SMTP" in wanted and organisation.behavior.extra_services:
            stored.Services.add("IMAP")
        for name in wanted & {"IMAP", "POP"}:
            for other in server.certificates.values():
                other.Services.discard(name)
            stored.Services.add(name)
            server.mail_access_certificates[name] = stored.Thumbprint
            if organisation.behavior.enable_sets_x509_certificate_name:
                _name_mail_access(server, stored, name)
        if "IIS" in wanted:
            bind(server, stored, FRONT_END_SITE)
            server.require_ssl = require_ssl or server.require_ssl


def _name_mail_access(server: Server, stored: StoredCertificate, service: str) -> None:
    names = [tls_names.common_name(stored.certificate), *tls_names.dns_names(stored.certificate)]
    name = next((name for name in names if name and "*" not in name and " " not in name), None)
    if name is not None and service in server.mail_access:
        server.mail_access[service].X509CertificateName = name


def set_internal_transport(server: Server, stored: StoredCertificate) -> None:
    server.InternalTransportCertificateThumbprint = stored.Thumbprint
    server.published_internal_certificate = stored.certificate.public_bytes(
        serialization.Encoding.DER
    )


def bind(server: Server, stored: StoredCertificate, site_id: int) -> None:
    """Put the certificate on every https binding of an IIS site."""
    for binding in server.web_bindings:
        if binding.site_id == site_id and binding.protocol == "https":
            binding.certificateHash = stored.Thumbprint
            binding.certificateStoreName = "MY"
    refresh_iis(server)


def refresh_iis(server: Server) -> None:
    """IIS is among the services of the certificates that some https binding names: the default
    certificate keeps it through the back-end site."""
    bound = {b.certificateHash for b in server.web_bindings if b.protocol == "https"}
    for stored in server.certificates.values():
        if stored.Thumbprint in bound:
            stored.Services.add("IIS")
        else:
            stored.Services.discard("IIS")


def removal_refusal(
    organisation: Organisation, server: Server, stored: StoredCertificate
) -> RemovalRefusal | None:
    """Why the certificate cannot be removed, None if it can. Another one with the same issuer and
    subject in the store does not help: Send connectors are matched by name."""
    with organisation.lock:
        if stored.Thumbprint == server.InternalTransportCertificateThumbprint:
            return RemovalRefusal(Refusal.INTERNAL_TRANSPORT)
        names = tuple(
            connector.Name
            for connector in organisation.send_connectors
            if connector.TlsCertificateName
            and tls_names.names_certificate(connector.TlsCertificateName, stored.certificate)
        )
        if names:
            return RemovalRefusal(Refusal.SEND_CONNECTORS, names)
        return _harsher_refusal(organisation, server, stored)


def _harsher_refusal(
    organisation: Organisation, server: Server, stored: StoredCertificate
) -> RemovalRefusal | None:
    """What only some servers are said to refuse, each behind its switch."""
    behavior, auth = organisation.behavior, organisation.auth_config
    bound = {b.certificateHash for b in server.web_bindings if b.protocol == "https"}
    if behavior.refuse_removal_of_iis_certificate and stored.Thumbprint in bound:
        return RemovalRefusal(Refusal.IIS)
    in_use = {auth.CurrentCertificateThumbprint, auth.NextCertificateThumbprint}
    if behavior.refuse_removal_of_auth_certificate and stored.Thumbprint in in_use:
        return RemovalRefusal(Refusal.AUTH_CONFIG)
    return None


def remove(organisation: Organisation, server: Server, stored: StoredCertificate) -> None:
    """Take the certificate out of the store. What services have loaded stays with them, and an
    IIS binding keeps naming it."""
    with organisation.lock:
        server.certificates.pop(stored.Thumbprint, None)
        for service, thumbprint in list(server.mail_access_certificates.items()):
            if thumbprint == stored.Thumbprint:
                del server.mail_access_certificates[service]


def export(stored: StoredCertificate, password: str) -> bytes:
    """PKCS#12 of the certificate. Raises `NotExportable`."""
    if stored.private_key is None or not stored.PrivateKeyExportable:
        raise NotExportable(stored.Thumbprint)
    return certificates.pkcs12_of(stored, password)


def create(
    organisation: Organisation,
    server: Server,
    subject: x509.Name,
    *,
    dns_names: Iterable[str],
    friendly_name: str,
    exportable: bool,
    key_size: int = 2048,
    subject_key_identifier: bytes | None = None,
) -> StoredCertificate:
    """A new self-signed certificate in the store, enabled for nothing yet."""
    key = certificates.new_rsa_key(key_size)
    data: CertificateData = certificates.self_signed(
        subject, dns_names=dns_names, key=key, subject_key_identifier=subject_key_identifier
    )
    stored = StoredCertificate(
        data.certificate,
        data.private_key,
        FriendlyName=friendly_name,
        PrivateKeyExportable=exportable,
        SelfSigned=True,
    )
    with organisation.lock:
        add(organisation, server, stored)
    return stored


def create_request(
    organisation: Organisation,
    server: Server,
    subject: x509.Name,
    *,
    dns_names: Iterable[str],
    friendly_name: str,
    exportable: bool,
    key_size: int = 2048,
) -> tuple[StoredCertificate, x509.CertificateSigningRequest]:
    """A pending request in the store, and what goes to the CA."""
    stored = create(
        organisation,
        server,
        subject,
        dns_names=dns_names,
        friendly_name=friendly_name,
        exportable=exportable,
        key_size=key_size,
    )
    stored.request_pending = True
    return stored, signing_request(stored)


def signing_request(stored: StoredCertificate) -> x509.CertificateSigningRequest:
    """What goes to the CA for a pending request."""
    assert stored.private_key is not None
    builder = x509.CertificateSigningRequestBuilder().subject_name(stored.certificate.subject)
    names = [x509.DNSName(name) for name in tls_names.dns_names(stored.certificate)]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(stored.private_key, certificates.hashes.SHA256())


def usable_names(organisation: Organisation, text: str) -> list[StoredCertificate]:
    """Certificates of any server that TlsCertificateName `text` means."""
    return [stored for server in organisation for stored in selection.matching(server, text)]
