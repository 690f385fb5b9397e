# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why is a certificate still needed, so that it must not be removed?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_configuration import (  # noqa: E501
    AuthConfiguration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    HybridConfiguration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.access import (
    connectors_naming,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
    SendConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import covers
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    read_stored,
)


def removal_obstacles(
    certificate: ExchangeCertificate,
    *,
    others: Iterable[ExchangeCertificate] = (),
    internal_transport_thumbprint: str | None = None,
    send_connectors: Iterable[SendConnector] = (),
    receive_connectors: Iterable[ReceiveConnector] = (),
    auth_configuration: AuthConfiguration | None = None,
    hybrid_configuration: HybridConfiguration | None = None,
    expired_successor_counts: bool = False,
    now: datetime | None = None,
) -> list[str]:
    """Return one sentence for each reason that speaks against removing a certificate.

    Exchange itself refuses for the Send connectors (also where a renewed certificate has the same
    issuer and subject) and for the internal transport certificate; the other reasons are those
    that break something without a word.

    Args:
        others: the server's other certificates. A Receive connector or hybrid configuration that
            names the certificate stands in the way only if no valid other one bears the name.
        expired_successor_counts: whether also an expired one does, as in a rollback to it.
        now: aware time that the validity of the others is judged by; the present if left out.
    """
    name = certificate.tls_certificate_name
    now = now or datetime.now(timezone.utc)
    successors = [
        other
        for other in same_name_certificates(certificate, others)
        if expired_successor_counts or other.not_after is None or other.not_after > now
    ]
    obstacles = [
        f"{connector.title} names it (TlsCertificateName): Exchange refuses to remove a "
        "certificate whose issuer and subject a Send connector names"
        + (
            ", and a renewed certificate has the same name. Leave it until it expires, or let "
            "release_send_connectors clear the value for the moment of the removal."
            if successors
            else ". Point the connector to another certificate first."
        )
        for connector in connectors_naming(send_connectors, name)
    ]
    if not successors:
        obstacles += [
            f"{connector.title} names it (TlsCertificateName). Point the connector to another "
            "certificate first."
            for connector in connectors_naming(receive_connectors, name)
        ]
        if hybrid_configuration and read_stored(hybrid_configuration.tls_certificate_name) == name:
            obstacles.append(
                "The hybrid configuration names it (TlsCertificateName). Run the Hybrid "
                "Configuration Wizard or Set-HybridConfiguration with another certificate first."
            )
    if internal_transport_thumbprint == certificate.thumbprint:
        obstacles.append(
            "It is the server's internal transport certificate; without it the transport service "
            "would stop. Enable another certificate for SMTP with internal_transport_certificate: "
            "replace first."
        )
    if "IIS" in (certificate.services or ()):
        obstacles.append(
            "It is bound to the Exchange Back End site of IIS; web access and management would "
            "stop. Bind another certificate to that site in IIS first."
            if certificate.is_bound_to_back_end_only
            else "It is bound to IIS; web access and management would stop. Enable another "
            "certificate for IIS first."
        )
    obstacles += _auth_obstacles(certificate.thumbprint, auth_configuration)
    return obstacles


def host_name_obstacles(
    certificate: ExchangeCertificate,
    others: Sequence[ExchangeCertificate],
    connectors: Iterable[ReceiveConnector],
    *,
    now: datetime,
) -> list[str]:
    """Receive connectors that go by their own name, which no other certificate for SMTP bears."""
    if "SMTP" not in (certificate.services or ()):
        return []
    staying = [
        name
        for other in others
        if other.thumbprint != certificate.thumbprint
        and "SMTP" in (other.services or ())
        and (other.not_after is None or other.not_after > now)
        for name in other.names
    ]
    return [
        f"{connector.title} goes by the name {connector.fqdn}, for which no other valid "
        "certificate on the server serves SMTP; STARTTLS would be gone. Enable another certificate "
        "with this name first."
        for connector in connectors
        if not connector.tls_certificate_name
        and connector.fqdn
        and covers(certificate.names, connector.fqdn)
        and not covers(staying, connector.fqdn)
    ]


def same_name_certificates(
    certificate: ExchangeCertificate, others: Iterable[ExchangeCertificate]
) -> list[ExchangeCertificate]:
    """The others of the same issuer and subject that serve SMTP: a connector's name finds them."""
    return [
        other
        for other in others
        if other.thumbprint != certificate.thumbprint
        and other.tls_certificate_name == certificate.tls_certificate_name
        and "SMTP" in (other.services or ())
    ]


def federation_obstacles(certificate: ExchangeCertificate, named: set[str]) -> list[str]:
    """Why a certificate is needed for federation; ``named`` are those of the federation trusts."""
    if certificate.thumbprint not in named and "Federation" not in (certificate.services or ()):
        return []
    return [
        "It belongs to the federation trust. Put another one in its place with Set-FederationTrust "
        "first."
    ]


def service_obstacles(certificate: ExchangeCertificate) -> list[str]:
    """Which services besides SMTP a certificate serves; SMTP can be taken from none."""
    if certificate.services is None:
        return ["It is not known which services it serves; renew the Auth certificate first."]
    served = certificate.services & {"IMAP", "POP", "UM", "UMCallRouter"}
    if not served:
        return []
    return [f"It serves {', '.join(sorted(served))}. Enable another certificate for that first."]


def _auth_obstacles(thumbprint: str, configuration: AuthConfiguration | None) -> list[str]:
    if configuration is None:
        return []
    roles = (
        ("current", configuration.current),
        ("next", configuration.next),
        ("previous", configuration.previous),
    )
    return [
        f"It is the organization's {role} Auth certificate (OAuth); sign-in to OWA and ECP would "
        "fail on every server. Replace the Auth certificate with Set-AuthConfig first."
        for role, found in roles
        if found == thumbprint
    ]
