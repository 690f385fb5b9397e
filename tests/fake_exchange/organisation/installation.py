# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a server have the moment setup has finished? Its self-signed certificates, Receive
connectors, web bindings, services and component states."""

from __future__ import annotations

from fake_exchange.organisation import certificate_rules, certificates, services
from fake_exchange.organisation.certificates import CertificateData
from fake_exchange.organisation.model import (
    ComponentState,
    MailAccessSettings,
    Organisation,
    Queue,
    ReceiveConnector,
    Server,
    StoredCertificate,
    WebBinding,
)

ALL_MECHANISMS = ["Tls", "Integrated", "BasicAuth", "BasicAuthRequireTLS", "ExchangeServer"]

#: Name (before the server's), port, role, AuthMechanism, PermissionGroups.
MAILBOX_CONNECTORS: tuple[tuple[str, int, str, list[str], list[str]], ...] = (
    (
        "Default",
        2525,
        "HubTransport",
        ALL_MECHANISMS,
        ["ExchangeUsers", "ExchangeServers", "ExchangeLegacyServers"],
    ),
    ("Client Proxy", 465, "HubTransport", ALL_MECHANISMS, ["ExchangeUsers", "ExchangeServers"]),
    (
        "Default Frontend",
        25,
        "FrontendTransport",
        ALL_MECHANISMS,
        ["AnonymousUsers", "ExchangeServers", "ExchangeLegacyServers"],
    ),
    ("Outbound Proxy Frontend", 717, "FrontendTransport", ALL_MECHANISMS, ["ExchangeServers"]),
    ("Client Frontend", 587, "FrontendTransport", ALL_MECHANISMS[:4], ["ExchangeUsers"]),
)
EDGE_CONNECTORS = (
    (
        "Default internal receive connector",
        25,
        "HubTransport",
        ["Tls", "ExchangeServer"],
        ["AnonymousUsers", "ExchangeServers", "Partners"],
    ),
)

COMPONENTS = (
    "ServerWideOffline",
    "HubTransport",
    "FrontendTransport",
    "Monitoring",
    "RecoveryActionsEnabled",
    "AutoDiscoverProxy",
    "ActiveSyncProxy",
    "EcpProxy",
    "EwsProxy",
    "ImapProxy",
    "OabProxy",
    "OwaProxy",
    "PopProxy",
    "PushNotificationsProxy",
    "RpsProxy",
    "RwsProxy",
    "RpcProxy",
    "UMCallRouter",
    "XropProxy",
    "HttpProxyAvailabilityGroup",
    "ForwardSyncDaemon",
    "ProvisioningRps",
    "MapiProxy",
    "EdgeTransport",
    "HighAvailability",
    "SharedCache",
    "MailboxDeliveryProxy",
    "RoutingUpdates",
    "RestProxy",
    "DefaultProxy",
    "Lsass",
    "RoutingService",
    "E4EProxy",
    "CafeLAMv2",
)
INACTIVE_COMPONENTS = ("ForwardSyncDaemon", "ProvisioningRps")


def equip(organisation: Organisation, server: Server, auth: CertificateData | None) -> None:
    """Give `server` what setup gives it; `auth` is the organisation's OAuth certificate."""
    server.services = services.installed(server)
    server.receive_connectors = _connectors(server)
    server.component_states = {name: ComponentState(name) for name in COMPONENTS}
    for name in INACTIVE_COMPONENTS:
        server.component_states[name].requesters["Functional"] = "Inactive"
    server.queues = [Queue(f"{server.Name}\\Submission", DeliveryType="Undefined")]
    default = certificates.exchange_default(server.Name, server.Fqdn)
    certificate_rules.add(organisation, server, default)
    certificate_rules.set_internal_transport(server, default)
    if server.IsEdgeServer:
        default.Services = {"SMTP"}
        return
    server.mail_access_certificates = {"IMAP": default.Thumbprint, "POP": default.Thumbprint}
    server.mail_access = {
        "IMAP": _mail_access(server, plain_port=143, secure_port=993),
        "POP": _mail_access(server, plain_port=110, secure_port=995),
    }
    if auth is not None:
        certificate_rules.add(organisation, server, certificates.stored_auth_certificate(auth))
    certificate_rules.add(organisation, server, certificates.web_management(server.Name))
    server.web_bindings = _bindings(default)


def _mail_access(server: Server, *, plain_port: int, secure_port: int) -> MailAccessSettings:
    return MailAccessSettings(
        X509CertificateName=server.Name,
        UnencryptedOrTLSBindings=[f"[::]:{plain_port}", f"0.0.0.0:{plain_port}"],
        SSLBindings=[f"[::]:{secure_port}", f"0.0.0.0:{secure_port}"],
        InternalConnectionSettings=[
            f"{server.Fqdn}:{secure_port}:SSL",
            f"{server.Fqdn}:{plain_port}:TLS",
        ],
    )


def _connectors(server: Server) -> list[ReceiveConnector]:
    table = EDGE_CONNECTORS if server.IsEdgeServer else MAILBOX_CONNECTORS
    return [
        ReceiveConnector(
            Name=f"{name} {server.Name}",
            Server=server.Name,
            TransportRole=role,
            Bindings=[f"0.0.0.0:{port}", f"[::]:{port}"],
            AuthMechanism=list(mechanisms),
            PermissionGroups=list(groups),
            Fqdn=server.Fqdn,
            AdvertiseClientSettings=name == "Client Frontend",
        )
        for name, port, role, mechanisms, groups in table
    ]


def _bindings(default: StoredCertificate) -> list[WebBinding]:
    front, back = "Default Web Site", "Exchange Back End"

    def secure(site: str, site_id: int, information: str) -> WebBinding:
        return WebBinding(site, site_id, "https", information, default.Thumbprint, "MY")

    return [
        WebBinding(front, 1, "http", "*:80:"),
        secure(front, 1, ":443:"),
        WebBinding(front, 1, "http", "127.0.0.1:80:"),
        secure(front, 1, "127.0.0.1:443:"),
        WebBinding(back, 2, "http", "*:81:"),
        secure(back, 2, "*:444:"),
    ]
