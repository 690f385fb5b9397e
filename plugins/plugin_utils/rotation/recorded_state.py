# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a server, and of the organization, has to be known to restore it?

Read in one session, turned into JSON for the record of a run (``before.json``, ``after.json``), and
read again from there. What is recorded is what a rotation may change, plus what shows whether a
rollback is possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    HybridConfiguration,
    read_hybrid_configuration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    ordered,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.access import (
    read_receive_connectors,
    read_send_connectors,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
    SendConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.properties import (
    RECEIVE_TLS_PROPERTIES,
    SEND_TLS_PROPERTIES,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletNotAvailable,
    InvalidInput,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.component_states import (
    HUB_TRANSPORT,
    read_component_state,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.transport_service import (
    read_internal_transport_thumbprint,
)

_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, kw_only=True)
class RequestedState:
    """What one requester asks of a server component; see Get-ServerComponentState."""

    component: str
    requester: str
    state: str


@dataclass(frozen=True, kw_only=True)
class OrganizationState:
    """What belongs to the organization."""

    send_connectors: tuple[SendConnector, ...] = ()
    hybrid_configuration: HybridConfiguration | None = None


@dataclass(frozen=True, kw_only=True)
class RecordedServer:
    """A server as it is, or as a record says that it was; None is "not known"."""

    server: str
    certificates: tuple[ExchangeCertificate, ...] = ()
    internal_transport: str | None = None
    receive_connectors: tuple[ReceiveConnector, ...] = ()
    component_states: tuple[RequestedState, ...] | None = None
    organization: OrganizationState | None = None
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def certificate(self, thumbprint: str) -> ExchangeCertificate | None:
        """The certificate with this thumbprint."""
        return next((item for item in self.certificates if item.thumbprint == thumbprint), None)


def read_server(
    session: Session,
    server: str,
    domain_controller: str | None = None,
    *,
    organization: bool = False,
    edge: bool = False,
    transport: bool = True,
) -> RecordedServer:
    """Read all that is recorded; an account that may not see a part of it gets a warning.

    Args:
        organization: whether to read what belongs to the organization, too.
        edge: whether it is an Edge Transport server, where the organization cannot be seen.
        transport: whether to read the internal transport certificate and the component states.

    Raises:
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    warnings: list[str] = []
    if organization and edge:
        warnings.append(
            f"{server} is an Edge Transport server: the Send connectors and the hybrid "
            "configuration of the organization were not looked at. Take a Mailbox server into the "
            "run to have them follow."
        )
    return RecordedServer(
        server=server,
        certificates=tuple(read_certificates(session, server, domain_controller)),
        receive_connectors=tuple(read_receive_connectors(session, server, domain_controller)),
        internal_transport=_internal_transport(session, server, domain_controller, warnings)
        if transport
        else None,
        component_states=_component_states(session, server, warnings) if transport else None,
        organization=_organization(session, domain_controller, edge=edge) if organization else None,
        warnings=tuple(warnings),
    )


def _organization(
    session: Session, domain_controller: str | None, *, edge: bool
) -> OrganizationState:
    if edge:
        return OrganizationState()
    return OrganizationState(
        send_connectors=tuple(
            read_send_connectors(session, domain_controller, source_servers=True)
        ),
        hybrid_configuration=read_hybrid_configuration(session, domain_controller),
    )


def _internal_transport(
    session: Session, server: str, domain_controller: str | None, warnings: list[str]
) -> str | None:
    try:
        return read_internal_transport_thumbprint(session, server, domain_controller)
    except CmdletNotAvailable:
        warnings.append(
            "This account may not use Get-TransportService: the internal transport certificate of "
            f"{server} is not in the record, and a rollback cannot restore it."
        )
        return None


def _component_states(
    session: Session, server: str, warnings: list[str]
) -> tuple[RequestedState, ...] | None:
    try:
        found = read_component_state(session, server, HUB_TRANSPORT)
    except CmdletNotAvailable:
        warnings.append(
            "This account may not use Get-ServerComponentState: it is not known whether "
            f"{server} was drained before the run."
        )
        return None
    return tuple(
        RequestedState(component=HUB_TRANSPORT, requester=requester, state=state)
        for requester, state in found.requesters.items()
    )


# -- to and from JSON ------------------------------------------------------------------------------


def server_to_json(recorded: RecordedServer) -> dict[str, Any]:
    """The form in which ``before.json`` and ``after.json`` hold a server."""
    return {
        "server": recorded.server,
        "certificates": [_certificate_to_json(item) for item in recorded.certificates],
        "internal_transport_certificate": recorded.internal_transport,
        "receive_connectors": [_connector_to_json(item) for item in recorded.receive_connectors],
        "component_states": None
        if recorded.component_states is None
        else [
            {"component": item.component, "requester": item.requester, "state": item.state}
            for item in recorded.component_states
        ],
    }


def organization_to_json(state: OrganizationState) -> dict[str, Any]:
    """The form in which they hold the organization."""
    hybrid = state.hybrid_configuration
    return {
        "send_connectors": [_connector_to_json(item) for item in state.send_connectors],
        "hybrid_configuration": hybrid
        and {
            "tls_certificate_name": hybrid.tls_certificate_name,
        },
    }


def server_of_json(document: Mapping[str, Any]) -> RecordedServer:
    """Read a server of a record.

    Raises:
        InvalidInput: the document has another shape.
    """
    try:
        states = document["component_states"]
        return RecordedServer(
            server=str(document["server"]),
            certificates=tuple(map(_certificate_of_json, document["certificates"])),
            internal_transport=document["internal_transport_certificate"],
            receive_connectors=tuple(
                ReceiveConnector(
                    **_connector_of_json(item, RECEIVE_TLS_PROPERTIES),
                )
                for item in document["receive_connectors"]
            ),
            component_states=None
            if states is None
            else tuple(RequestedState(**dict(item)) for item in states),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _misshapen("server", error) from error


def organization_of_json(document: Mapping[str, Any]) -> OrganizationState:
    """Read the organization of a record.

    Raises:
        InvalidInput: the document has another shape.
    """
    try:
        hybrid = document["hybrid_configuration"]
        return OrganizationState(
            send_connectors=tuple(
                SendConnector(
                    **_connector_of_json(item, SEND_TLS_PROPERTIES),
                    source_transport_servers=tuple(item["source_transport_servers"]),
                )
                for item in document["send_connectors"]
            ),
            hybrid_configuration=None
            if hybrid is None
            else HybridConfiguration(tls_certificate_name=hybrid["tls_certificate_name"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _misshapen("organization", error) from error


def _certificate_to_json(certificate: ExchangeCertificate) -> dict[str, Any]:
    return {
        "thumbprint": certificate.thumbprint,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "dns_names": list(certificate.dns_names),
        "not_before": _time_to_json(certificate.not_before),
        "not_after": _time_to_json(certificate.not_after),
        "services": None if certificate.services is None else ordered(certificate.services),
        "self_signed": certificate.self_signed,
        "friendly_name": certificate.friendly_name,
        "exportable": certificate.exportable,
        "iis_sites": None if certificate.iis_sites is None else list(certificate.iis_sites),
    }


def _certificate_of_json(document: Mapping[str, Any]) -> ExchangeCertificate:
    services, sites = document["services"], document["iis_sites"]
    return ExchangeCertificate(
        thumbprint=document["thumbprint"],
        subject=document["subject"],
        issuer=document["issuer"],
        dns_names=tuple(document["dns_names"]),
        not_before=_time_of_json(document["not_before"]),
        not_after=_time_of_json(document["not_after"]),
        services=None if services is None else frozenset(services),
        self_signed=document["self_signed"],
        friendly_name=document["friendly_name"],
        exportable=document["exportable"],
        iis_sites=None if sites is None else tuple(sites),
    )


def _connector_to_json(connector: SendConnector | ReceiveConnector) -> dict[str, Any]:
    document = {**connector.to_result(), "guid": connector.guid}
    if isinstance(connector, SendConnector):
        document["source_transport_servers"] = list(connector.source_transport_servers)
        document["dns_routing_enabled"] = connector.dns_routing_enabled
    return document


def _connector_of_json(document: Mapping[str, Any], options: Iterable[Any]) -> dict[str, Any]:
    values = {option.name: document[option.name] for option in options}
    if "auth_mechanism" in values:
        values["auth_mechanism"] = frozenset(values["auth_mechanism"])
        values["tls_domain_capabilities"] = tuple(values["tls_domain_capabilities"])
    else:
        values["dns_routing_enabled"] = document["dns_routing_enabled"]
    return {
        "name": document["name"],
        "identity": document["identity"],
        "guid": document["guid"],
        **values,
    }


def _time_to_json(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime(_TIME_FORMAT)


def _time_of_json(text: str | None) -> datetime | None:
    if text is None:
        return None
    return datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=timezone.utc)


def _misshapen(what: str, error: Exception) -> InvalidInput:
    return InvalidInput(
        f"The record of the {what} cannot be understood ({type(error).__name__}: {error}): give "
        "what before.json holds, unchanged."
    )
