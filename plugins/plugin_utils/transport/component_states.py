# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a component of a server down, and how is it released?

Exchange keeps a state for each requester. A component is Active only while no requester holds it
down, so what one requester set has to be reset under the same name (Set-ServerComponentState
page, KB2958835).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.cmdlet_errors import (
    explained,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    Value,
    in_utc,
    list_of,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import StateNotReached

HUB_TRANSPORT = "HubTransport"
MAINTENANCE = "Maintenance"
ACTIVE, DRAINING, INACTIVE = "Active", "Draining", "Inactive"
REQUESTERS = ("HealthAPI", MAINTENANCE, "Sidelined", "Functional", "Deployment")


@dataclass(frozen=True, kw_only=True)
class ComponentState:
    """A component as a server reports it: the state in effect, and what each requester asks."""

    server: str
    component: str
    state: str
    requesters: Mapping[str, str] = field(default_factory=dict)

    def asked_by(self, requester: str) -> str:
        """What this requester asks for; one that never asked lets it be."""
        wanted = requester.casefold()
        for name, state in self.requesters.items():
            if name.casefold() == wanted:
                return state
        return ACTIVE

    def held_by_others(self, requester: str) -> dict[str, str]:
        """The other requesters that hold it down."""
        return {
            name: state
            for name, state in self.requesters.items()
            if state != ACTIVE and name.casefold() != requester.casefold()
        }


def read_component_state(session: Session, server: str, component: str) -> ComponentState:
    """Return one component of a server.

    The whole object is read: the requesters are lists of objects, of which a projection would keep
    no more than a text.

    Raises:
        StateNotReached: the server does not know the component.
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    result = session.invoke(
        Cmdlet("Get-ServerComponentState", {"Identity": server, "Component": component})
    )
    for state in component_states_of(result.output, server):
        if state.component.casefold() == component.casefold():
            return state
    raise StateNotReached(
        f"{server} does not report the component {component}.",
        details={"cmdlet": "Get-ServerComponentState", "server": server},
    )


def component_states_of(output: Iterable[Value], server: str) -> list[ComponentState]:
    """Read what Get-ServerComponentState returns."""
    return [
        ComponentState(
            server=server,
            component=text_of(value.get("Component")) or "",
            state=text_of(value.get("State")) or "",
            requesters=_requesters(value),
        )
        for value in output
        if isinstance(value, RemoteObject)
    ]


def set_component_state(
    session: Session, server: str, component: str, *, state: str, requester: str
) -> CmdletResult:
    """Ask for a state in the name of a requester.

    Raises:
        CmdletFailed: with what was being set and the server's words.
        OutcomeUnknown: contact was lost; read the state before anything else.
    """
    with explained(
        f"Setting {component} of {server} to {state}",
        details={"server": server, "component": component},
    ):
        return session.invoke(
            Cmdlet(
                "Set-ServerComponentState",
                {
                    "Identity": server,
                    "Component": component,
                    "State": state,
                    "Requester": requester,
                },
            ),
            changing=True,
        )


def command_to_type(server: str, component: str, *, state: str, requester: str) -> str:
    """What a person types to do the same."""
    return (
        f"Set-ServerComponentState {server} -Component {component} -State {state} "
        f"-Requester {requester}"
    )


def _requesters(value: RemoteObject) -> dict[str, str]:
    """The server's registry and the directory each hold a list; the later of two entries counts."""
    found: dict[str, tuple[float, str]] = {}
    for source in ("LocalStates", "RemoteStates"):
        for item in list_of(value.get(source)):
            name, state = _requester(item)
            moment = _moment(item)
            if name and (name not in found or moment >= found[name][0]):
                found[name] = (moment, state)
    return {name: state for name, (_moment, state) in found.items()}


def _requester(item: Value) -> tuple[str, str]:
    if isinstance(item, RemoteObject):
        name, state = text_of(item.get("Requester")), text_of(item.get("State"))
        if name:
            return name, state or ""
    # "Requestor:Maintenance; State:Draining; Timestamp:..." where only the text came over.
    parts = dict(
        part.strip().split(":", 1) for part in (text_of(item) or "").split(";") if ":" in part
    )
    return parts.get("Requestor", ""), parts.get("State", "")


def _moment(item: Value) -> float:
    moment = item.get("Timestamp") if isinstance(item, RemoteObject) else None
    return in_utc(moment).timestamp() if isinstance(moment, datetime) else 0.0
