# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates does a server have, as Exchange sees them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    Services,
    ordered,
    read_services,
    services_of_number,
    services_of_string_form,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.binary_formatter import (
    MalformedStream,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.serialization_data import (
    CertificateSerialization,
    read_certificate_serialization,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    Value,
    in_utc,
    list_of,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    ExchangeError,
    InvalidInput,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_facts import (
    CertificateFacts,
    read_certificate_facts,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.distinguished_name import (
    common_name,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)

Known = TypeVar("Known")

SELECTED_PROPERTIES = (
    "Thumbprint",
    "Subject",
    "Issuer",
    "NotBefore",
    "NotAfter",
    "Services",
    "ServicesStringForm",
    "Status",
    "RootCAType",
    "IsSelfSigned",
    "FriendlyName",
    "PrivateKeyExportable",
    "HasPrivateKey",
    "CertificateDomains",
    "IISServices",
    "Identity",
    "RawData",
    "SerializationData",
)
# Names as documented, numbers inferred from their order and the captures (1 and 0, 3 seen).
_STATUS = (
    "Unknown",
    "Valid",
    "Revoked",
    "DateInvalid",
    "Untrusted",
    "Invalid",
    "RevocationCheckFailure",
    "PendingRequest",
)
_ROOT_CA_TYPE = ("None", "ThirdParty", "Enterprise", "Registry", "GroupPolicy", "Unknown")


@dataclass(frozen=True, kw_only=True)
class ExchangeCertificate:
    """A certificate of a server's store; None means that the server's answer does not say.

    Names are as .NET prints them, times in UTC, services as Exchange spells them.
    """

    thumbprint: str
    subject: str
    issuer: str
    dns_names: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None
    services: Services | None = None
    status: str | None = None
    root_ca_type: str | None = None
    self_signed: bool | None = None
    friendly_name: str | None = None
    exportable: bool | None = None
    key_type: str | None = None
    key_size: int | None = None
    has_private_key: bool | None = None
    # IIS://<server>/W3SVC/<site id>: 1 is the Default Web Site, 2 the Exchange Back End.
    iis_sites: tuple[str, ...] | None = None
    serial_number: str | None = None
    identity: str | None = None
    server: str = ""

    @property
    def tls_certificate_name(self) -> TlsCertificateName:
        """The name that connectors know this certificate by, in the server's own words."""
        return TlsCertificateName(self.issuer, self.subject)

    @property
    def common_name(self) -> str | None:
        """The CN of the subject."""
        return common_name(self.subject)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it covers; the common name only where it has no other."""
        return self.dns_names or ((self.common_name,) if self.common_name else ())

    @property
    def is_pending_request(self) -> bool:
        """Whether this is a request that waits for its certificate."""
        return (self.status or "").casefold() == "pendingrequest"

    @property
    def is_bound_to_back_end_only(self) -> bool:
        """Whether its IIS service means just the Exchange Back End site."""
        sites = self.iis_sites or ()
        return bool(sites) and all(site.rstrip("/").endswith("/2") for site in sites)

    def days_left(self, now: datetime) -> int | None:
        """Whole days until it expires, negative after that; None where the date is unknown."""
        return None if self.not_after is None else (self.not_after - now).days

    def to_result(self, now: datetime) -> dict[str, object]:
        """Return the JSON-safe form that the modules document under RETURN."""
        return {
            "thumbprint": self.thumbprint,
            "subject": self.subject,
            "issuer": self.issuer,
            "serial_number": self.serial_number,
            "dns_names": list(self.dns_names),
            "not_before": _iso(self.not_before),
            "not_after": _iso(self.not_after),
            "days_left": self.days_left(now),
            "services": None if self.services is None else ordered(self.services),
            "status": self.status,
            "root_ca_type": self.root_ca_type,
            "self_signed": self.self_signed,
            "friendly_name": self.friendly_name,
            "exportable": self.exportable,
            "key_type": self.key_type,
            "key_size": self.key_size,
            "has_private_key": self.has_private_key,
            "tls_certificate_name": self.tls_certificate_name.render(),
            "server": self.server,
        }


def read_certificates(
    session: Session, server: str, domain_controller: str | None = None
) -> list[ExchangeCertificate]:
    """Return every certificate of a server that Exchange shows, in one pipeline.

    Raises:
        ExchangeError: the server answers without any detail of its certificates.
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    parameters: dict[str, object] = {"Server": server}
    if domain_controller:
        parameters["DomainController"] = domain_controller
    values = read_objects(
        session, Cmdlet("Get-ExchangeCertificate", parameters), SELECTED_PROPERTIES
    )
    read = [certificate_of(value, server=server) for value in values]
    found = [certificate for certificate in read if certificate is not None]
    if values and not found:
        raise ExchangeError(
            f"Get-ExchangeCertificate on {server} returned {len(values)} certificate(s) without "
            "any details. That happens when serialization signing is on and the Exchange Auth "
            "certificate has expired or is missing: renew the Auth certificate first.",
            details={"cmdlet": "Get-ExchangeCertificate", "server": server},
        )
    return found


def find_certificate(
    certificates: Sequence[ExchangeCertificate], thumbprint: str
) -> ExchangeCertificate | None:
    """Return the certificate with this thumbprint (normalized), or None."""
    return next((item for item in certificates if item.thumbprint == thumbprint), None)


def certificate_of(value: RemoteObject, *, server: str = "") -> ExchangeCertificate | None:
    """Return what an object says about a certificate, or None if it says nothing usable.

    Named properties (Select-Object) come first, then the certificate's own bytes, then the
    serialized copy; a whole object carries only the latter two.
    """
    serialization = _serialization(value.get("SerializationData"))
    facts = _facts(value.get("RawData")) or _facts(serialization.certificate)
    identity = _text(value, "Identity") or serialization.identity
    thumbprint = _thumbprint(value, facts, identity)
    if thumbprint is None:
        return None
    return ExchangeCertificate(
        thumbprint=thumbprint,
        subject=_first(_text(value, "Subject"), facts.subject if facts else None) or "",
        issuer=_first(_text(value, "Issuer"), facts.issuer if facts else None) or "",
        dns_names=_dns_names(value, facts),
        not_before=facts.not_before if facts else _utc(value.get("NotBefore")),
        not_after=facts.not_after if facts else _utc(value.get("NotAfter")),
        services=_services(value, serialization),
        status=_first(_text(value, "Status"), _name_of(_STATUS, serialization.status)),
        root_ca_type=_first(
            _text(value, "RootCAType"), _name_of(_ROOT_CA_TYPE, serialization.root_ca_type)
        ),
        self_signed=_first(
            _boolean(value, "IsSelfSigned"),
            serialization.self_signed,
            facts.self_issued if facts else None,
        ),
        friendly_name=_first(_text(value, "FriendlyName"), serialization.friendly_name),
        exportable=_first(
            _boolean(value, "PrivateKeyExportable"), serialization.private_key_exportable
        ),
        key_type=facts.key_type if facts else None,
        key_size=facts.key_size if facts else None,
        has_private_key=_first(_boolean(value, "HasPrivateKey"), serialization.has_private_key),
        iis_sites=_iis_sites(value, serialization),
        serial_number=facts.serial_number if facts else None,
        identity=identity,
        server=server,
    )


def _serialization(blob: Value) -> CertificateSerialization:
    if isinstance(blob, bytes):
        try:
            return read_certificate_serialization(blob)
        except MalformedStream:
            pass  # only a fallback: what it would have said stays unknown
    return CertificateSerialization()


def _facts(der: Value) -> CertificateFacts | None:
    if not isinstance(der, bytes) or not der:
        return None
    try:
        return read_certificate_facts(der)
    except ValueError:
        return None


def _thumbprint(
    value: RemoteObject, facts: CertificateFacts | None, identity: str | None
) -> str | None:
    if facts:
        return facts.thumbprint
    for text in (_text(value, "Thumbprint"), (identity or "").rpartition("\\")[2]):
        try:
            return normalize_thumbprint(text or "")
        except InvalidInput:
            continue
    return None


def _services(value: RemoteObject, serialization: CertificateSerialization) -> Services | None:
    services = read_services(value.get("Services"))
    if services is None:
        services = services_of_string_form(_text(value, "ServicesStringForm"))
    if services is None and serialization.services is not None:
        services = services_of_number(serialization.services)
    return services


def _dns_names(value: RemoteObject, facts: CertificateFacts | None) -> tuple[str, ...]:
    if facts:
        return tuple(facts.dns_names)
    return tuple(filter(None, (text_of(item) for item in list_of(value.get("CertificateDomains")))))


def _iis_sites(
    value: RemoteObject, serialization: CertificateSerialization
) -> tuple[str, ...] | None:
    if serialization.iis_services is not None:
        return serialization.iis_services
    if value.get("IISServices") is None:
        return None
    sites = []
    for item in list_of(value.get("IISServices")):
        name = item.get("ServiceName") if isinstance(item, RemoteObject) else item
        sites.append(text_of(name) or "")
    return tuple(site for site in sites if "W3SVC" in site.upper()) or None


def _text(value: RemoteObject, name: str) -> str | None:
    return text_of(value.get(name))


def _boolean(value: RemoteObject, name: str) -> bool | None:
    found = value.get(name)
    return found if isinstance(found, bool) else None


def _first(*candidates: Known | None) -> Known | None:
    return next((candidate for candidate in candidates if candidate is not None), None)


def _name_of(names: tuple[str, ...], number: int | None) -> str | None:
    if number is None:
        return None
    return names[number] if 0 <= number < len(names) else str(number)


def _utc(value: Value) -> datetime | None:
    return in_utc(value) if isinstance(value, datetime) else None


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
