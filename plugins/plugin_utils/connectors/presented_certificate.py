# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate would a connector present on a server, and why?

By the documented selections: for STARTTLS what TlsCertificateName or the connector's name leads to
(``certificate_choice``), for X-ANONYMOUSTLS between Exchange servers the server's internal
transport certificate. What a port really presents is the business of exchange_tls_probe: transport
shows what it loaded when it last started.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.certificate_choice import (  # noqa: E501
    judge_choice,
    offers_starttls,
    why_invalid,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    Connector,
    ReceiveConnector,
    SendConnector,
)

STARTTLS = "STARTTLS"
X_ANONYMOUSTLS = "X-ANONYMOUSTLS"


@dataclass(frozen=True, kw_only=True)
class ServerStore:
    """What of a server is needed to decide; ``unreadable`` is why nothing could be read of it."""

    server: str
    fqdn: str = ""
    certificates: Sequence[ExchangeCertificate] = ()
    internal_transport: str | None = None
    unreadable: str | None = None


@dataclass(frozen=True, kw_only=True)
class Presented:
    """What is presented by one extension of SMTP on one server."""

    server: str
    extension: str
    certificate: ExchangeCertificate | None
    reason: str
    in_order: bool | None

    def to_result(self) -> dict[str, object]:
        """The entry as RETURN documents it."""
        found = self.certificate
        return {
            "server": self.server,
            "extension": self.extension,
            "thumbprint": found.thumbprint if found else None,
            "subject": found.subject if found else None,
            "not_after": found.not_after.strftime("%Y-%m-%dT%H:%M:%SZ")
            if found and found.not_after
            else None,
            "reason": self.reason,
            "in_order": self.in_order,
        }


def presented_by_receive(
    connector: ReceiveConnector, store: ServerStore, *, now: datetime
) -> list[Presented]:
    """What a Receive connector presents to whoever connects."""
    if store.unreadable:
        return [_unknown(store, STARTTLS)]
    found = [_starttls_of_receive(connector, store, now)]
    mechanisms = {item.casefold() for item in connector.auth_mechanism}
    if "exchangeserver" in mechanisms and not connector.suppress_x_anonymous_tls:
        found.append(_internal_transport(store, now))
    return found


def presented_by_send(
    connector: SendConnector, store: ServerStore, *, now: datetime
) -> list[Presented]:
    """What a source server shows when it sends through a Send connector."""
    if store.unreadable:
        return [_unknown(store, STARTTLS)]
    if connector.ignore_starttls:
        return [_nothing(store, "IgnoreSTARTTLS is on, so it never uses TLS.")]
    return [_chosen(connector, store, now)]


def _starttls_of_receive(
    connector: ReceiveConnector, store: ServerStore, now: datetime
) -> Presented:
    if not offers_starttls(connector):
        return _nothing(store, "AuthMechanism has no Tls, so STARTTLS is not offered.")
    return _chosen(connector, store, now)


def _chosen(connector: Connector, store: ServerStore, now: datetime) -> Presented:
    if connector.tls_certificate_name:
        why = "TlsCertificateName"
    elif connector.fqdn:
        why = "Fqdn, as TlsCertificateName is not set"
    else:
        why = "the server's name, as neither TlsCertificateName nor Fqdn is set"
    choice = judge_choice(
        store.certificates,
        stored_name=connector.tls_certificate_name,
        host_name=connector.fqdn or store.fqdn or store.server,
        in_windows=None,
        not_found="not_found",
        now=now,
    )
    return Presented(
        server=store.server,
        extension=STARTTLS,
        certificate=choice.certificate,
        reason=f"By {why}: {choice.evidence}",
        in_order=not choice.problem,
    )


def _internal_transport(store: ServerStore, now: datetime) -> Presented:
    thumbprint = store.internal_transport
    certificate = find_certificate(list(store.certificates), thumbprint) if thumbprint else None
    where = "As the internal transport certificate of the server"
    if thumbprint is None:
        reason, in_order = f"{where}, which is not known.", False
    elif certificate is None:
        reason, in_order = f"{where}: {thumbprint}, which is not in its store.", False
    elif (invalid := why_invalid(certificate, now)) is not None:
        reason, in_order = f"{where}: {invalid[0]}", False
    else:
        reason, in_order = f"{where}, which is in order.", True
    return Presented(
        server=store.server,
        extension=X_ANONYMOUSTLS,
        certificate=certificate,
        reason=reason,
        in_order=in_order,
    )


def _nothing(store: ServerStore, reason: str) -> Presented:
    return Presented(
        server=store.server, extension=STARTTLS, certificate=None, reason=reason, in_order=True
    )


def _unknown(store: ServerStore, extension: str) -> Presented:
    return Presented(
        server=store.server,
        extension=extension,
        certificate=None,
        reason=f"The server could not be read: {store.unreadable}",
        in_order=None,
    )
