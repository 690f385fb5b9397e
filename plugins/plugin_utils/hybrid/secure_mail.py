# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which connectors carry secure mail between a server and Exchange Online, and what do they lack?

They are found by what they do and not by their name, which the Hybrid Configuration Wizard lets
people change. What they should be is what the wizard leaves (Microsoft's team blog on replacing the
certificate of a hybrid organization, KB3212872).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
    SendConnector,
    difference,
    leads_to_exchange_online,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.values import (
    IPAddress,
    IPRanges,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
    read_stored,
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
    # Of a Receive connector: ports on which it, and so the certificate that it names, is met.
    ports: tuple[int, ...] | None = None

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
        if self.ports is not None:
            result["ports"] = list(self.ports)
        return result


@dataclass(frozen=True, kw_only=True)
class CloudConnectors:
    """The Send connectors to Exchange Online: those of hybrid mail, and others with the reason."""

    hybrid: tuple[SendConnector, ...] = ()
    others: tuple[tuple[SendConnector, str], ...] = ()


def cloud_connectors(
    connectors: Iterable[SendConnector],
    *,
    certificates: Container[TlsCertificateName],
    followed: Container[str] = (),
) -> CloudConnectors:
    """Find the Send connectors to Exchange Online that carry the hybrid mail of this organization.

    They have the shape that the wizard leaves. Where several have it they may belong to several
    tenants, each with a certificate of its own, so their certificates decide.

    Args:
        certificates: what the hybrid configuration names, named before or shall name.
        followed: names of connectors that the new certificate takes over anyway.
    """
    found = [
        connector
        for connector in connectors
        if leads_to_exchange_online(
            connector.further.get("address_spaces") or (),
            connector.further.get("smart_hosts") or (),
        )
    ]
    several = sum(not _unlike_the_wizards(connector) for connector in found) > 1
    hybrid, others = [], []
    for connector in found:
        why = _unlike_the_wizards(connector)
        stored = connector.tls_certificate_name
        if (
            not why
            and several
            and stored
            and read_stored(stored) not in certificates
            and (connector.identity or connector.name) not in followed
        ):
            why = f"it is one of several and names another certificate ({stored})"
        if why:
            others.append((connector, why))
        else:
            hybrid.append(connector)
    return CloudConnectors(hybrid=tuple(hybrid), others=tuple(others))


def _unlike_the_wizards(connector: SendConnector) -> str:
    """How a connector differs from what the wizard leaves; empty where it does not."""
    smart_hosts = connector.further.get("smart_hosts") or ()
    if smart_hosts:
        return f"it sends to {', '.join(map(str, smart_hosts))} and not by DNS"
    if not connector.dns_routing_enabled:
        return "it does not send by DNS"
    if not leads_to_exchange_online(connector.further.get("address_spaces") or (), ()):
        return "it has no address space of the cloud"
    return ""


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
            and any(_port(item) == 25 for item in bindings)
            and any(str(item) in _EVERYBODY for item in ranges)
        ):
            found.append(connector)
    return found


def ports_met(
    connector: ReceiveConnector,
    frontends: Sequence[ReceiveConnector],
    connectors: Iterable[ReceiveConnector],
    address: IPAddress | None,
) -> tuple[int, ...]:
    """Return the ports on which a peer is served by this connector, or by another like it.

    Another one on the same port that is made for the peer's address is preferred by Exchange, and
    presents what it likes.

    Args:
        frontends: what ``frontend_connectors`` found.
        connectors: all of the server.
        address: of the peer; None where it is not known.
    """
    others = [
        item
        for item in connectors
        if item not in frontends
        and item.further.get("enabled") is not False
        and _takes_from(address, item.further.get("remote_ip_ranges") or ())
    ]
    taken = {_port(binding) for item in others for binding in item.further.get("bindings") or ()}
    ports = {_port(binding) for binding in connector.further.get("bindings") or ()}
    return tuple(sorted(port for port in ports - taken if port is not None))


def _port(binding: object) -> int | None:
    text = str(binding).rpartition(":")[2]
    return int(text) if text.isdecimal() else None


def _takes_from(address: IPAddress | None, ranges: Iterable[object]) -> bool:
    """Whether one of the ranges has the address; taken for granted where that is not known."""
    if address is None:
        return True
    for text in ranges:
        try:
            first, last = IPRanges().limits(str(text))
        except InvalidInput:
            return True
        if first.version == address.version and int(first) <= int(address) <= int(last):
            return True
    return False


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


def receive_needs(
    connector: ReceiveConnector, certificate: TlsCertificateName, *, ports: tuple[int, ...] = ()
) -> ConnectorNeeds:
    """What a Receive connector for mail from Exchange Online lacks; RequireTLS stays off there.

    Args:
        ports: on which the certificate that it names is presented, see ``ports_met``.
    """
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
    return replace(_needs(connector, wanted), ports=ports)


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
