# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does the organisation look like from outside? Its state as plain values, without secrets."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from fake_exchange.organisation import tls_names
from fake_exchange.organisation.model import Organisation, Server, StoredCertificate


def state_of(organisation: Organisation) -> dict[str, object]:
    """Everything worth looking at, without secrets."""
    with organisation.lock:
        return {
            "organization": organisation.Name,
            "domain": organisation.domain,
            "servers": {server.Name: _server(server) for server in organisation},
            "send_connectors": [plain(connector) for connector in organisation.send_connectors],
            "hybrid_configuration": plain(organisation.hybrid_configuration),
            "auth_config": plain(organisation.auth_config),
            "federation_trust": plain(organisation.federation_trust),
            "edge_subscriptions": [plain(item) for item in organisation.edge_subscriptions],
            "accepted_domains": [plain(domain) for domain in organisation.accepted_domains],
        }


def _server(server: Server) -> dict[str, object]:
    return {
        "Name": server.Name,
        "Fqdn": server.Fqdn,
        "Site": server.Site,
        "ServerRole": server.ServerRole,
        "AdminDisplayVersion": server.AdminDisplayVersion,
        "InternalTransportCertificateThumbprint": server.InternalTransportCertificateThumbprint,
        "certificates": {t: _certificate(stored) for t, stored in server.certificates.items()},
        "intermediates": [tls_names.render_name(c.subject) for c in server.intermediates],
        "receive_connectors": [plain(connector) for connector in server.receive_connectors],
        "services": {
            service.Name: {
                "Status": service.Status,
                "StartType": service.StartType,
                "starts": service.starts,
                "loaded": {
                    port: {"Thumbprint": loaded.Thumbprint, "failure": loaded.failure}
                    for port, loaded in service.loaded.items()
                },
            }
            for service in server.services.values()
        },
        "mail_access": {name: plain(item) for name, item in server.mail_access.items()},
        "web_bindings": [plain(binding) for binding in server.web_bindings],
        "require_ssl": server.require_ssl,
        "component_states": {s.Component: s.State for s in server.component_states.values()},
        "requesters": {s.Component: dict(s.requesters) for s in server.component_states.values()},
        "queues": [
            {
                "Identity": queue.Identity,
                "MessageCount": queue.MessageCount,
                "Status": queue.Status,
                "LastError": queue.LastError,
                "DeliveryType": queue.DeliveryType,
                "NextHopDomain": queue.NextHopDomain,
            }
            for queue in server.queues
        ],
    }


def _certificate(stored: StoredCertificate) -> dict[str, object]:
    return {
        "Thumbprint": stored.Thumbprint,
        "Subject": tls_names.render_name(stored.certificate.subject),
        "Issuer": tls_names.render_name(stored.certificate.issuer),
        "CertificateDomains": tls_names.dns_names(stored.certificate),
        "NotBefore": stored.NotBefore.isoformat(),
        "NotAfter": stored.NotAfter.isoformat(),
        "Services": stored.services_in_order,
        "Status": stored.Status,
        "RootCAType": stored.RootCAType,
        "SelfSigned": stored.SelfSigned,
        "FriendlyName": stored.FriendlyName,
        "HasPrivateKey": stored.HasPrivateKey,
        "PrivateKeyExportable": stored.PrivateKeyExportable,
        "network_service_allowed": stored.network_service_allowed,
    }


def plain(value: Any) -> Any:
    """A dataclass without keys or certificates as JSON-able values."""
    if value is None:
        return None
    return {
        field.name: _plain_item(getattr(value, field.name)) for field in dataclasses.fields(value)
    }


def _plain_item(item: Any) -> Any:
    if isinstance(item, datetime):
        return item.isoformat()
    if isinstance(item, list):
        return [plain(part) if dataclasses.is_dataclass(part) else part for part in item]
    return item
