# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does one certificate look like to the client? Whole, it is RawData and SerializationData
only; under Select-Object it has every property of ExchangeCertificate; and where signing is on but
the Auth certificate is expired or gone, nothing but RawData is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fake_exchange.clixml.directory_types import local_time, strings
from fake_exchange.clixml.objects import ClrObject, OutputObject, enum
from fake_exchange.clixml.serialization_data import CertificateState, certificate_blob, signed
from fake_exchange.clixml.value_types import PUBLIC_KEY, smtp_domain_with_subdomains
from fake_exchange.organisation import tls_names
from fake_exchange.organisation.model import SERVICE_NAMES, Organisation, Server, StoredCertificate

TASKS = "Microsoft.Exchange.Management.SystemConfigurationTasks."
_X509 = "System.Security.Cryptography.X509Certificates."
TYPE_NAMES = (
    TASKS + "ExchangeCertificate",
    _X509 + "X509Certificate2",
    _X509 + "X509Certificate",
    "System.Object",
)
_DOMAINS = (
    "System.Collections.Generic.List`1[[Microsoft.Exchange.Data.SmtpDomainWithSubdomains, "
    f"Microsoft.Exchange.Data, {PUBLIC_KEY}]]",
    "System.Object",
)
_ACCESS_RULES = (
    "System.Collections.Generic.List`1[[System.Security.AccessControl.AccessRule, mscorlib, "
    "Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089]]",
    "System.Object",
)
STATUSES = (
    "Unknown",
    "Valid",
    "Revoked",
    "DateInvalid",
    "Untrusted",
    "Invalid",
    "RevocationCheckFailure",
    "PendingRequest",
)
ROOT_CA_TYPES = ("None", "ThirdParty", "Enterprise", "Registry", "GroupPolicy", "Unknown")


@dataclass(frozen=True)
class _Constants:
    """What follows from the certificate and the servers' time zone alone."""

    der: bytes
    thumbprint: str
    subject: str
    issuer: str
    serial: str
    key_identifier: bytes
    key_size: int
    domains: tuple[str, ...]
    text: str


@lru_cache(maxsize=4096)
def _constants(certificate: x509.Certificate, time_zone: tzinfo) -> _Constants:
    key = certificate.public_key()
    subject = tls_names.render_name(certificate.subject)
    issuer = tls_names.render_name(certificate.issuer)
    number = f"{certificate.serial_number:X}"
    serial = number.rjust(len(number) + len(number) % 2, "0")
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()
    dates = [
        local_time(moment, time_zone).strftime("%m/%d/%Y %H:%M:%S")
        for moment in (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    ]
    headings = ("Subject", "Issuer", "Serial Number", "Not Before", "Not After", "Thumbprint")
    values = (subject, issuer, serial, *dates, thumbprint)
    parts = [f"[{h}]\r\n  {v}\r\n" for h, v in zip(headings, values, strict=True)]
    return _Constants(
        der=certificate.public_bytes(serialization.Encoding.DER),
        thumbprint=thumbprint,
        subject=subject,
        issuer=issuer,
        serial=serial,
        key_identifier=x509.SubjectKeyIdentifier.from_public_key(key).digest,
        key_size=key.key_size if isinstance(key, rsa.RSAPublicKey) else 0,
        domains=tuple(tls_names.dns_names(certificate)),
        text="\r\n".join(parts),
    )


def services_text(names: list[str]) -> str:
    """Services as the enum prints them."""
    return ", ".join(names) or "None"


def services_string_form(names: set[str]) -> str:
    """One letter per service, a point where it is not set: ``IP.WS.``"""
    order = zip("IPUWSF", SERVICE_NAMES[:6], strict=True)
    return "".join(letter if name in names else "." for letter, name in order)


def details_hidden(organisation: Organisation, server: Server) -> bool:
    """Whether serialization fails for want of a valid Auth certificate to sign with."""
    if not organisation.behavior.signed_serialization:
        return False
    auth = server.certificates.get(organisation.auth_config.CurrentCertificateThumbprint)
    return auth is None or auth.Status == "DateInvalid"


def _blob(organisation: Organisation, server: Server, stored: StoredCertificate) -> bytes | None:
    if not organisation.behavior.serialization_data:
        return None
    known = _constants(stored.certificate, organisation.time_zone)
    sites = {
        f"IIS://{server.Name}/W3SVC/{binding.site_id}": None
        for binding in server.web_bindings
        if binding.certificateHash == known.thumbprint
    }
    container = None
    if stored.private_key is not None:
        digits = known.thumbprint.lower()
        container = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"
    blob = certificate_blob(
        CertificateState(
            der=known.der,
            friendly_name=stored.FriendlyName,
            key_container=container,
            key_identifier=known.key_identifier,
            self_signed=stored.SelfSigned,
            status=STATUSES.index(stored.Status),
            root_ca_type=ROOT_CA_TYPES.index(stored.RootCAType),
            services=stored.services_number,
            private_key_exportable=stored.PrivateKeyExportable,
            identity=f"{server.Fqdn}\\{known.thumbprint}",
            iis_sites=tuple(sites),
        )
    )
    return signed(blob) if organisation.behavior.signed_serialization else blob


def certificate_output(
    organisation: Organisation, server: Server, stored: StoredCertificate, *, hidden: bool = False
) -> OutputObject:
    """One certificate of a server as the pipeline carries it; ``hidden`` as `details_hidden`."""
    known = _constants(stored.certificate, organisation.time_zone)

    def whole() -> ClrObject:
        blob = None if hidden else _blob(organisation, server, stored)
        names = tuple(f"Deserialized.{name}" for name in TYPE_NAMES) if hidden else TYPE_NAMES
        return ClrObject(
            names,
            to_string=known.text,
            properties=[("RawData", known.der)],
            members=[("SerializationData", blob)] if blob is not None else None,
        )

    getters: dict[str, Callable[[], Any]] = {"RawData": lambda: known.der}
    if not hidden:
        getters = _getters(organisation, server, stored)
    return OutputObject(TYPE_NAMES[0], getters, whole)


def _getters(
    organisation: Organisation, server: Server, stored: StoredCertificate
) -> dict[str, Callable[[], Any]]:
    known = _constants(stored.certificate, organisation.time_zone)
    services = set(stored.Services)
    number = stored.services_number
    status = stored.Status
    domains = [smtp_domain_with_subdomains(name) for name in known.domains]
    return {
        "AccessRules": lambda: ClrObject(_ACCESS_RULES, items=[]),
        "CertificateDomains": lambda: ClrObject(_DOMAINS, items=domains),
        "HasPrivateKey": lambda: stored.HasPrivateKey,
        "IsSelfSigned": lambda: stored.SelfSigned,
        "Issuer": lambda: known.issuer,
        "NotAfter": lambda: local_time(stored.NotAfter, organisation.time_zone),
        "NotBefore": lambda: local_time(stored.NotBefore, organisation.time_zone),
        "PublicKeySize": lambda: known.key_size,
        "RootCAType": lambda: enum(
            TASKS + "CertificateAuthorityType",
            stored.RootCAType,
            ROOT_CA_TYPES.index(stored.RootCAType),
        ),
        "SerialNumber": lambda: known.serial,
        "Services": lambda: enum(
            TASKS + "AllowedServices",
            services_text([name for name in SERVICE_NAMES if name in services]),
            number,
        ),
        "Status": lambda: enum(TASKS + "CertificateStatus", status, STATUSES.index(status)),
        "Subject": lambda: known.subject,
        "Thumbprint": lambda: known.thumbprint,
        "FriendlyName": lambda: stored.FriendlyName,
        "PrivateKeyExportable": lambda: stored.PrivateKeyExportable,
        "Identity": lambda: f"{server.Fqdn}\\{known.thumbprint}",
        "ServicesStringForm": lambda: services_string_form(services),
        "KeyIdentifier": lambda: known.key_identifier.hex().upper(),
        "SubjectKeyIdentifier": lambda: known.key_identifier.hex().upper(),
        "CertificateRequest": lambda: None,
        "IISServices": lambda: strings(
            f"IIS://{server.Name}/W3SVC/{binding.site_id}"
            for binding in server.web_bindings
            if binding.certificateHash == known.thumbprint
        ),
        "Version": lambda: stored.certificate.version.value + 1,
        "RawData": lambda: known.der,
        "SerializationData": lambda: _blob(organisation, server, stored),
    }
