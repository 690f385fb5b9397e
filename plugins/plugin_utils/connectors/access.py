# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How are connectors read and changed?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.cmdlet_errors import (
    explained,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    Connector,
    Difference,
    ReceiveConnector,
    SendConnector,
    difference,
    leads_to_exchange_online,
    receive_connector_of,
    send_connector_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.properties import (
    RECEIVE_PROPERTIES,
    RECEIVE_TLS_PROPERTIES,
    SEND_PROPERTIES,
    SEND_TLS_PROPERTIES,
)
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
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
    read_stored,
)

_NAMES = ("Name", "Identity", "Guid")
# No more than is compared: a connector lists each source server as an object of many properties.
_SEND_TLS = (*_NAMES, *(item.parameter for item in SEND_TLS_PROPERTIES), "DNSRoutingEnabled")
_SEND_WHOLE = (*_NAMES, *(item.parameter for item in SEND_PROPERTIES))
_RECEIVE_TLS = (*_NAMES, *(item.parameter for item in RECEIVE_TLS_PROPERTIES))
_RECEIVE_WHOLE = (*_NAMES, *(item.parameter for item in RECEIVE_PROPERTIES))

AnyConnector = TypeVar("AnyConnector", bound=Connector)


def read_send_connectors(
    session: Session,
    domain_controller: str | None = None,
    *,
    source_servers: bool = False,
    whole: bool = False,
) -> list[SendConnector]:
    """Return every Send connector of the organization.

    Args:
        source_servers: whether to read the source servers beside the TLS side.
        whole: whether to read all properties.
    """
    cmdlet = Cmdlet("Get-SendConnector", _with_domain_controller({}, domain_controller))
    properties = _SEND_TLS + (("SourceTransportServers",) if source_servers else ())
    values = read_objects(session, cmdlet, _SEND_WHOLE if whole else properties)
    return [send_connector_of(item, whole=whole) for item in values]


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
    session: Session, server: str, domain_controller: str | None = None, *, whole: bool = False
) -> list[ReceiveConnector]:
    """Return every Receive connector of a server, with its TLS side or as a whole."""
    cmdlet = Cmdlet(
        "Get-ReceiveConnector", _with_domain_controller({"Server": server}, domain_controller)
    )
    values = read_objects(session, cmdlet, _RECEIVE_WHOLE if whole else _RECEIVE_TLS)
    return [receive_connector_of(item, whole=whole) for item in values]


def connector_of_name(connectors: Iterable[AnyConnector], name: str) -> AnyConnector | None:
    """Return the connector of this name, ``SERVER\\name`` or GUID, or None."""
    wanted = name.strip().casefold()
    for connector in connectors:
        names = {connector.name, connector.identity, connector.guid}
        names.add(connector.identity.rpartition("\\")[2])
        if wanted in {text.casefold() for text in names if text}:
            return connector
    return None


def find_connector(
    connectors: Iterable[AnyConnector], name: str, *, server: str | None = None
) -> AnyConnector:
    """Return the connector of this name, ``SERVER\\name`` or GUID, compared literally without case.

    Raises:
        InvalidInput: there is none; the message names those that exist.
    """
    known = list(connectors)
    found = connector_of_name(known, name)
    if found is not None:
        return found
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


def create_connector(
    session: Session,
    title: str,
    parameters: Mapping[str, object],
    *,
    send: bool,
    domain_controller: str | None = None,
) -> CmdletResult:
    """Create a connector with the parameters of its New cmdlet.

    Raises:
        CmdletFailed: with what was being created and the server's words.
        OutcomeUnknown: contact was lost; read the connectors before anything else.
    """
    verb = "New-SendConnector" if send else "New-ReceiveConnector"
    with explained(f"Creating {title}"):
        return session.invoke(
            Cmdlet(verb, _with_domain_controller(parameters, domain_controller)), changing=True
        )


def remove_connector(
    session: Session, connector: Connector, *, domain_controller: str | None = None
) -> CmdletResult:
    """Remove a connector.

    Raises:
        CmdletFailed: with what was being removed and the server's words.
        OutcomeUnknown: contact was lost; read the connectors before anything else.
    """
    send = isinstance(connector, SendConnector)
    parameters: dict[str, object] = {
        "Identity": connector.identity or connector.guid or connector.name,
        "Confirm": False,
    }
    with explained(f"Removing {connector.title}"):
        return session.invoke(
            Cmdlet(
                "Remove-SendConnector" if send else "Remove-ReceiveConnector",
                _with_domain_controller(parameters, domain_controller),
            ),
            changing=True,
        )


def still_different(desired: Mapping[str, object], actual: Connector) -> StateNotReached:
    """The error for a connector that after a change is not what was asked for; it names what."""
    remaining = difference(desired, actual)
    return StateNotReached(
        f"After the change {actual.title} still differs in {', '.join(remaining.changed)}. If the "
        "directory replicates slowly, name one domain controller with "
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
