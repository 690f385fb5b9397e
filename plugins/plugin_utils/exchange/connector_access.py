# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How are connectors, and the other objects that name certificates, read and changed?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    list_of,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.cmdlet_errors import (
    explained,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connectors import (
    Connector,
    Difference,
    ReceiveConnector,
    SendConnector,
    difference,
    leads_to_exchange_online,
    receive_connector_of,
    send_connector_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.tls_certificate_name import (  # noqa: E501
    TlsCertificateName,
    read_stored,
)

# No more than is compared: a connector lists each source server as an object of many properties.
_SEND_PROPERTIES = (
    "Name",
    "Identity",
    "Guid",
    "TlsCertificateName",
    "RequireTLS",
    "TlsAuthLevel",
    "TlsDomain",
    "Fqdn",
    "DomainSecureEnabled",
    "CloudServicesMailEnabled",
    "IgnoreSTARTTLS",
    "DNSRoutingEnabled",
)
_RECEIVE_PROPERTIES = (
    "Name",
    "Identity",
    "Guid",
    "TlsCertificateName",
    "RequireTLS",
    "AuthMechanism",
    "Fqdn",
    "DomainSecureEnabled",
    "TlsDomainCapabilities",
    "SuppressXAnonymousTls",
)

AnyConnector = TypeVar("AnyConnector", SendConnector, ReceiveConnector)


@dataclass(frozen=True, kw_only=True)
class HybridConfiguration:
    """The part of the hybrid configuration that names a certificate."""

    tls_certificate_name: str | None


@dataclass(frozen=True, kw_only=True)
class AuthConfiguration:
    """The certificates that sign OAuth tokens, by thumbprint; None where there is none."""

    current: str | None = None
    previous: str | None = None
    next: str | None = None


def read_send_connectors(
    session: Session, domain_controller: str | None = None, *, source_servers: bool = False
) -> list[SendConnector]:
    """Return every Send connector of the organization, with its source servers if asked for."""
    cmdlet = Cmdlet("Get-SendConnector", _with_domain_controller({}, domain_controller))
    properties = _SEND_PROPERTIES + (("SourceTransportServers",) if source_servers else ())
    return [send_connector_of(item) for item in read_objects(session, cmdlet, properties)]


def read_cloud_routes(session: Session, domain_controller: str | None = None) -> set[str]:
    """Return the names of the Send connectors that lead to Exchange Online.

    They are known by where they lead to, as the Hybrid Configuration Wizard lets people rename
    them.
    """
    cmdlet = Cmdlet("Get-SendConnector", _with_domain_controller({}, domain_controller))
    values = read_objects(session, cmdlet, ("Name", "AddressSpaces", "SmartHosts"))
    return {
        text_of(value.get("Name")) or ""
        for value in values
        if leads_to_exchange_online(
            [text_of(item) or "" for item in list_of(value.get("AddressSpaces"))],
            [text_of(item) or "" for item in list_of(value.get("SmartHosts"))],
        )
    }


def read_receive_connectors(
    session: Session, server: str, domain_controller: str | None = None
) -> list[ReceiveConnector]:
    """Return every Receive connector of a server."""
    cmdlet = Cmdlet(
        "Get-ReceiveConnector", _with_domain_controller({"Server": server}, domain_controller)
    )
    return [
        receive_connector_of(item) for item in read_objects(session, cmdlet, _RECEIVE_PROPERTIES)
    ]


def read_hybrid_configuration(
    session: Session, domain_controller: str | None = None
) -> HybridConfiguration | None:
    """Return the organization's hybrid configuration, or None if it has none."""
    cmdlet = Cmdlet("Get-HybridConfiguration", _with_domain_controller({}, domain_controller))
    values = read_objects(session, cmdlet, ("Name", "Identity", "TlsCertificateName"))
    if not values:
        return None
    return HybridConfiguration(
        tls_certificate_name=text_of(values[0].get("TlsCertificateName")) or None
    )


def read_auth_configuration(
    session: Session, domain_controller: str | None = None
) -> AuthConfiguration:
    """Return which certificates sign OAuth tokens."""
    properties = {
        "current": "CurrentCertificateThumbprint",
        "previous": "PreviousCertificateThumbprint",
        "next": "NextCertificateThumbprint",
    }
    cmdlet = Cmdlet("Get-AuthConfig", _with_domain_controller({}, domain_controller))
    values = read_objects(session, cmdlet, tuple(properties.values()))
    if not values:
        return AuthConfiguration()
    return AuthConfiguration(
        **{
            name: (text_of(values[0].get(source)) or "").upper() or None
            for name, source in properties.items()
        }
    )


def read_federation_thumbprints(session: Session, domain_controller: str | None = None) -> set[str]:
    """Return the certificates that the federation trusts name: current, previous and next.

    Raises:
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    properties = ("OrgPrivCertificate", "OrgPrevPrivCertificate", "OrgNextPrivCertificate")
    cmdlet = Cmdlet("Get-FederationTrust", _with_domain_controller({}, domain_controller))
    values = read_objects(session, cmdlet, properties)
    found = {(text_of(value.get(name)) or "").upper() for value in values for name in properties}
    return found - {""}


def find_connector(
    connectors: Iterable[AnyConnector], name: str, *, server: str | None = None
) -> AnyConnector:
    """Return the connector of this name, ``SERVER\\name`` or GUID, compared literally without case.

    Raises:
        InvalidInput: there is none; the message names those that exist.
    """
    known = list(connectors)
    wanted = name.strip().casefold()
    for connector in known:
        names = {connector.name, connector.identity, connector.guid}
        names.add(connector.identity.rpartition("\\")[2])
        if wanted in {text.casefold() for text in names if text}:
            return connector
    kind, place = ("Receive", f" on {server}") if server else ("Send", " in the organization")
    existing = ", ".join(f"'{connector.name}'" for connector in known) or "none"
    raise InvalidInput(
        f"There is no {kind} connector '{name}'{place}. Existing ones: {existing}.",
        details={"server": server} if server else None,
    )


def set_connector(
    session: Session,
    connector: Connector,
    change: Difference,
    *,
    domain_controller: str | None = None,
) -> CmdletResult:
    """Send what differs, and nothing else.

    Raises:
        CmdletFailed: with what was being set and the server's words.
        OutcomeUnknown: contact was lost; read the connector before anything else.
    """
    verb = "Set-SendConnector" if isinstance(connector, SendConnector) else "Set-ReceiveConnector"
    parameters: dict[str, object] = {
        "Identity": connector.identity or connector.guid or connector.name,
        **change.parameters,
    }
    with explained(f"Setting {', '.join(change.parameters)} of {connector.title}"):
        return session.invoke(
            Cmdlet(verb, _with_domain_controller(parameters, domain_controller)), changing=True
        )


def set_hybrid_configuration(
    session: Session, tls_certificate_name: str | None, *, domain_controller: str | None = None
) -> CmdletResult:
    """Set or clear the certificate that the hybrid configuration names.

    The object only records what is wanted; the Hybrid Configuration Wizard applies it
    (Set-HybridConfiguration page).

    Raises:
        CmdletFailed: with what was being set and the server's words.
        OutcomeUnknown: contact was lost; read it before anything else.
    """
    parameters = {"TlsCertificateName": tls_certificate_name}
    with explained("Setting TlsCertificateName of the hybrid configuration"):
        return session.invoke(
            Cmdlet(
                "Set-HybridConfiguration", _with_domain_controller(parameters, domain_controller)
            ),
            changing=True,
        )


def check_reached(desired: Mapping[str, object], actual: Connector) -> None:
    """Compare what a connector reports after a change with what was asked for.

    Raises:
        StateNotReached: something still differs; the message names it.
    """
    remaining = difference(desired, actual)
    if remaining:
        raise StateNotReached(
            f"After the change {actual.title} still differs in {', '.join(remaining.changed)}. If "
            "the directory replicates slowly, name one domain controller with "
            "ansible_exchange_domain_controller."
        )


def connectors_naming(
    connectors: Iterable[AnyConnector], name: TlsCertificateName
) -> list[AnyConnector]:
    """Return the connectors whose TlsCertificateName means this certificate, in any spelling."""
    return [
        connector for connector in connectors if read_stored(connector.tls_certificate_name) == name
    ]


def _with_domain_controller(
    parameters: Mapping[str, object], domain_controller: str | None
) -> dict[str, object]:
    if domain_controller:
        return {**parameters, "DomainController": domain_controller}
    return dict(parameters)
