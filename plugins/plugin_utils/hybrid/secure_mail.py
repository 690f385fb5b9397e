# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which connectors carry secure mail between a server and Exchange Online, and what do they lack?

They are found by what they do and not by their name, which the Hybrid Configuration Wizard lets
people change. What they should be is what the wizard leaves (Microsoft's team blog on replacing the
certificate of a hybrid organization, KB3212872).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connectors import (
    ReceiveConnector,
    SendConnector,
    difference,
    leads_to_exchange_online,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.tls_certificate_name import (  # noqa: E501
    TlsCertificateName,
)

CLOUD_HOST = "mail.protection.outlook.com"
CAPABILITY = f"{CLOUD_HOST}:AcceptCloudServicesMail"
_EVERYBODY = ("0.0.0.0-255.255.255.255", "0.0.0.0/0")
_FRONTEND, _HUB = "frontendtransport", "hubtransport"


@dataclass(frozen=True, kw_only=True)
class ConnectorNeeds:
    """What a connector lacks for secure hybrid mail: options of its module, and why."""

    name: str
    title: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    # Of a Send connector: all of them must have the certificate before the connector names it.
    source_transport_servers: tuple[str, ...] | None = None

    def to_result(self) -> dict[str, object]:
        """The entry as RETURN documents it."""
        result: dict[str, object] = {
            "name": self.name,
            "title": self.title,
            "settings": dict(self.settings),
            "parameters": list(self.parameters),
        }
        if self.source_transport_servers is not None:
            result["source_transport_servers"] = list(self.source_transport_servers)
        return result


def cloud_connectors(connectors: Iterable[SendConnector]) -> list[SendConnector]:
    """The Send connectors that lead to Exchange Online."""
    return [
        connector
        for connector in connectors
        if leads_to_exchange_online(
            connector.further.get("address_spaces") or (),
            connector.further.get("smart_hosts") or (),
        )
    ]


def frontend_connectors(
    connectors: Iterable[ReceiveConnector], *, edge: bool = False
) -> list[ReceiveConnector]:
    """The Receive connectors that take mail from everybody on port 25.

    On a Mailbox server that is ``Default Frontend``, on an Edge server the internal default one,
    whatever they are called.
    """
    found = []
    for connector in connectors:
        role = str(connector.further.get("transport_role") or "").casefold()
        bindings = connector.further.get("bindings") or ()
        ranges = connector.further.get("remote_ip_ranges") or ()
        if (
            (edge or role != _HUB)
            and connector.further.get("enabled") is not False
            and any(str(item).rpartition(":")[2] == "25" for item in bindings)
            and any(str(item) in _EVERYBODY for item in ranges)
        ):
            found.append(connector)
    return found


def send_needs(connector: SendConnector, certificate: TlsCertificateName) -> ConnectorNeeds:
    """What a Send connector to Exchange Online lacks."""
    wanted: dict[str, Any] = {
        "tls_certificate_name": certificate.render(),
        "require_tls": True,
        "tls_auth_level": "DomainValidation",
        "tls_domain": CLOUD_HOST,
        "cloud_services_mail_enabled": True,
    }
    return _needs(connector, wanted)


def receive_needs(connector: ReceiveConnector, certificate: TlsCertificateName) -> ConnectorNeeds:
    """What a Receive connector for mail from Exchange Online lacks; RequireTLS stays off there."""
    mechanisms = sorted(connector.auth_mechanism | {"Tls"})
    others = [
        entry
        for entry in connector.tls_domain_capabilities
        if entry.partition(":")[0].strip().casefold() != CLOUD_HOST
    ]
    wanted: dict[str, Any] = {
        "tls_certificate_name": certificate.render(),
        "auth_mechanism": mechanisms,
        "tls_domain_capabilities": [*others, CAPABILITY],
    }
    return _needs(connector, wanted)


def _needs(
    connector: SendConnector | ReceiveConnector, wanted: Mapping[str, Any]
) -> ConnectorNeeds:
    change = difference(wanted, connector)
    names = {item.name: item.parameter for item in connector.properties}
    return ConnectorNeeds(
        name=connector.identity or connector.name,
        title=connector.title,
        settings={name: wanted[name] for name in change.changed},
        parameters=tuple(names[name] for name in change.changed),
        source_transport_servers=connector.source_transport_servers
        if isinstance(connector, SendConnector)
        else None,
    )


def missing_servers(chosen: Sequence[str], known: Iterable[str]) -> list[str]:
    """The chosen servers that are not among others, by their short names."""
    have = {name.partition(".")[0].casefold() for name in known}
    return [name for name in chosen if name.partition(".")[0].casefold() not in have]
