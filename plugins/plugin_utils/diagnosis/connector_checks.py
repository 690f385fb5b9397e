# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do a server's connectors and its internal transport certificate lead to usable certificates?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.certificate_choice import (  # noqa: E501
    Choice,
    WindowsCertificate,
    judge_choice,
    offers_starttls,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
    SendConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.check import (
    EXCHANGE,
    Check,
    failed,
    passed,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.accepted_domains import (
    AcceptedDomain,
    covers_domain,
)


@dataclass(frozen=True, kw_only=True)
class CertificatesOfServer:
    """What a server has, as Exchange and as Windows say; None is "could not be read"."""

    server: str
    certificates: Sequence[ExchangeCertificate]
    in_windows: Sequence[WindowsCertificate] | None
    now: datetime

    def receive_choice(self, connector: ReceiveConnector) -> Choice:
        """What STARTTLS presents on this connector."""
        return judge_choice(
            self.certificates,
            stored_name=connector.tls_certificate_name,
            host_name=connector.fqdn or self.server,
            in_windows=self.in_windows,
            not_found="receive_connector_certificate_not_found",
            now=self.now,
        )

    def send_choice(self, connector: SendConnector) -> Choice:
        """What this server shows when it sends through this connector."""
        return judge_choice(
            self.certificates,
            stored_name=connector.tls_certificate_name,
            host_name="",
            in_windows=self.in_windows,
            not_found="send_connector_certificate_not_found",
            now=self.now,
        )


def check_receive_connectors(
    connectors: Sequence[ReceiveConnector], server: CertificatesOfServer
) -> Iterator[Check]:
    """Check what each connector that offers STARTTLS leads to."""
    for connector in connectors:
        if not offers_starttls(connector):
            # Meant so for scanners and the like; a port that lacks STARTTLS is judged at the port.
            yield passed(
                "receive_connector",
                EXCHANGE,
                connector.title,
                "AuthMechanism has no Tls, so it offers no STARTTLS and needs no certificate.",
            )
            continue
        yield _check("receive_connector", connector.title, server.receive_choice(connector))


def check_send_connectors(
    connectors: Sequence[SendConnector], server: CertificatesOfServer
) -> Iterator[Check]:
    """Check what this server would show through each connector that it is a source server of."""
    for connector in connectors:
        if not connector.tls_certificate_name or not sends_from(connector, server.server):
            continue
        yield _check("send_connector", connector.title, server.send_choice(connector))


def sends_from(connector: SendConnector, server: str) -> bool:
    """Whether the server is a source server of the connector."""
    own = server.partition(".")[0].casefold()
    return own in {
        item.rpartition("/")[2].partition(".")[0].casefold()
        for item in connector.source_transport_servers
    }


def check_cloud_connector(
    connector: SendConnector,
    server: CertificatesOfServer,
    accepted: Sequence[AcceptedDomain],
) -> Iterator[Check]:
    """Check what Exchange Online goes by to know whose mail it is."""
    what = connector.title
    if not connector.tls_certificate_name:
        yield failed(
            "cloud_connector",
            EXCHANGE,
            what,
            "It leads to Exchange Online and has no TlsCertificateName.",
            "cloud_connector_without_certificate",
        )
        return
    if not connector.cloud_services_mail_enabled:
        yield failed(
            "cloud_connector",
            EXCHANGE,
            what,
            "It leads to Exchange Online and CloudServicesMailEnabled is off.",
            "cloud_mail_not_enabled",
        )
    chosen = server.send_choice(connector).certificate
    if chosen is None:
        return
    names = ", ".join(chosen.names)
    if any(_belongs(name, accepted) for name in chosen.names):
        yield passed(
            "cloud_connector",
            EXCHANGE,
            what,
            f"Its certificate has a name of an accepted domain ({names}).",
        )
    else:
        yield failed(
            "cloud_connector",
            EXCHANGE,
            what,
            f"Its certificate {chosen.thumbprint} is for {names}, and the accepted domains are "
            f"{', '.join(item.name for item in accepted) or 'none'}.",
            "certificate_name_not_accepted",
        )


def check_internal_transport(thumbprint: str | None, server: CertificatesOfServer) -> Check:
    """Check the certificate that Exchange servers know each other by."""
    name, what = "internal_transport_certificate", f"server {server.server}"
    if thumbprint is None:
        return failed(
            name,
            EXCHANGE,
            what,
            "InternalTransportCertificateThumbprint is empty or unreadable.",
            "internal_transport_certificate_unreadable",
        )
    certificate = find_certificate(list(server.certificates), thumbprint)
    if certificate is None:
        keyless = any(item.thumbprint == thumbprint for item in server.in_windows or ())
        return failed(
            name,
            EXCHANGE,
            what,
            f"{thumbprint} is in the Windows store without a private key that can be used."
            if keyless
            else f"{thumbprint} is not among the certificates of the server.",
            "private_key_unusable" if keyless else "internal_transport_certificate_missing",
        )
    if certificate.not_after is not None and certificate.not_after <= server.now:
        return failed(
            name,
            EXCHANGE,
            what,
            f"{thumbprint} expired on {certificate.not_after:%Y-%m-%d}.",
            "internal_transport_certificate_expired",
        )
    return passed(name, EXCHANGE, what, f"{thumbprint} is there and valid.")


def _check(name: str, title: str, choice: Choice) -> Check:
    if choice.problem:
        return failed(name, EXCHANGE, title, choice.evidence, choice.problem)
    return passed(name, EXCHANGE, title, choice.evidence)


def _belongs(name: str, accepted: Sequence[AcceptedDomain]) -> bool:
    """Whether a certificate's name is an accepted domain, or of a host in one."""
    plain = name.removeprefix("*.").casefold()
    return any(
        covers_domain(domain, plain) or plain.endswith(f".{domain.name.removeprefix('*.')}")
        for domain in accepted
    )
