# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate does a port present? Exchange's documented selection for STARTTLS, the IIS
binding for https, the holder of the service for IMAP and POP."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509

from fake_exchange.organisation import tls_names
from fake_exchange.organisation.certificates import chain_above, is_self_issued
from fake_exchange.organisation.model import (
    LoadedCertificate,
    Organisation,
    ReceiveConnector,
    Server,
    StoredCertificate,
)


def name_searched_for(server: Server, connector: ReceiveConnector) -> str:
    """TlsCertificateName, else the connector's Fqdn, else the server's."""
    return connector.TlsCertificateName or connector.Fqdn or server.Fqdn


def matching(server: Server, name: str) -> list[StoredCertificate]:
    """Certificates of the store that carry `name` (`<I>..<S>..` or a host name).

    Only X.509 v3 with a private key; whether SMTP is enabled on them is *not* asked, which is why
    an imported but not yet enabled certificate can break TLS.
    """
    if tls_names.split_tls_certificate_name(name):
        found = (
            stored
            for stored in server.certificates.values()
            if tls_names.names_certificate(name, stored.certificate)
        )
    else:
        found = (
            stored
            for stored in server.certificates.values()
            if tls_names.covers(stored.certificate, name)
        )
    return [
        stored
        for stored in found
        if stored.HasPrivateKey
        and not stored.request_pending
        and stored.certificate.version is x509.Version.v3
    ]


def best(
    candidates: Iterable[StoredCertificate], *, tie_break: str = "newest_valid_from"
) -> StoredCertificate | None:
    """The first valid one issued by a CA, else the first self-signed one, else any (an expired
    certificate does not stop STARTTLS from being offered); newest Valid-from first."""

    def newest(stored: StoredCertificate) -> datetime:
        if tie_break == "longest_remaining_lifetime":
            return stored.NotAfter
        return stored.NotBefore

    ordered = sorted(candidates, key=newest, reverse=True)
    issued = [stored for stored in ordered if not stored.SelfSigned]
    valid = [stored for stored in issued if stored.Status in ("Valid", "RevocationCheckFailure")]
    self_signed = [stored for stored in ordered if stored.SelfSigned]
    return next(iter(valid + self_signed + issued), None)


def for_starttls(
    organisation: Organisation, server: Server, connector: ReceiveConnector
) -> LoadedCertificate | None:
    """What inbound STARTTLS on `connector` would use; None: STARTTLS is not advertised."""
    chosen = best(
        matching(server, name_searched_for(server, connector)),
        tie_break=organisation.behavior.certificate_tie_break,
    )
    if chosen is None:
        return None
    failure = None
    if "SMTP" not in chosen.Services:
        failure = "the certificate is not enabled for SMTP"
    return as_loaded(organisation, server, chosen, failure=failure)


def for_anonymous_tls(organisation: Organisation, server: Server) -> LoadedCertificate | None:
    """What TLS between Exchange servers uses: the internal transport certificate, if the store
    has it."""
    stored = server.certificates.get(server.InternalTransportCertificateThumbprint or "")
    return as_loaded(organisation, server, stored) if stored else None


def for_https(organisation: Organisation, server: Server, site_id: int) -> LoadedCertificate | None:
    """What the https binding of an IIS site uses."""
    for binding in server.web_bindings:
        if binding.site_id == site_id and binding.protocol == "https":
            stored = server.certificates.get(binding.certificateHash)
            return as_loaded(organisation, server, stored) if stored else None
    return None


def for_mail_access(
    organisation: Organisation, server: Server, service: str
) -> LoadedCertificate | None:
    """What IMAP or POP (`service`) uses: a certificate for the host name of its settings, which has
    to be enabled for the service unless it has that name by a wildcard."""
    settings = server.mail_access.get(service)
    name = settings.X509CertificateName if settings is not None else ""
    enabled = server.mail_access_certificates.get(service)
    chosen = best(
        (
            stored
            for stored in (matching(server, name) if name else ())
            if stored.Thumbprint == enabled or not tls_names.has_name(stored.certificate, name)
        ),
        tie_break=organisation.behavior.certificate_tie_break,
    )
    return as_loaded(organisation, server, chosen) if chosen else None


def for_tokens(organisation: Organisation, server: Server) -> LoadedCertificate | None:
    """What OWA and ECP sign with: the current certificate of the Auth configuration."""
    stored = server.certificates.get(organisation.auth_config.CurrentCertificateThumbprint)
    return as_loaded(organisation, server, stored) if stored is not None else None


def as_loaded(
    organisation: Organisation,
    server: Server,
    stored: StoredCertificate,
    *,
    failure: str | None = None,
) -> LoadedCertificate:
    """A copy to be kept in memory, with the intermediates this server can find."""
    if stored.private_key is None:
        failure = "the certificate has no private key"
    return LoadedCertificate(
        stored.certificate,
        stored.private_key,
        presented_chain(organisation, server, stored.certificate),
        failure,
    )


def presented_chain(
    organisation: Organisation, server: Server, certificate: x509.Certificate
) -> tuple[x509.Certificate, ...]:
    """The intermediates above `certificate` in this server's store; the root is not sent."""
    available = [*server.intermediates, *organisation.trusted_roots]
    return tuple(c for c in chain_above(certificate, available) if not is_self_issued(c))


def for_domain(server: Server, domain: str, *, tie_break: str) -> list[StoredCertificate]:
    """Certificates for `Get-ExchangeCertificate -DomainName`, the one Exchange would use first."""
    found = matching(server, domain)
    first = best(found, tie_break=tie_break)
    return [stored for stored in found if stored is first] + [
        stored for stored in found if stored is not first
    ]
