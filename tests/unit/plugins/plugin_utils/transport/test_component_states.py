# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds a component down?"""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteEnum,
    RemoteObject,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import StateNotReached
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.component_states import (
    command_to_type,
    component_states_of,
    read_component_state,
)
from support.action_runner import RecordingSession


def requester(name: str, state: str, hour: int) -> RemoteObject:
    """As captured: the state is a plain text at this depth."""
    moment = datetime(2027, 1, 1, hour, tzinfo=timezone.utc)
    return RemoteObject(properties={"Requester": name, "State": state, "Timestamp": moment})


def component(name: str, state: str, *, local: list[object], remote: list[object]) -> RemoteObject:
    return RemoteObject(
        properties={
            "Component": name,
            "State": RemoteEnum(state, 0),
            "LocalStates": local,
            "RemoteStates": remote,
        }  # type: ignore[dict-item]
    )


def test_the_later_of_two_entries_of_a_requester_counts() -> None:
    value = component(
        "HubTransport",
        "Draining",
        local=[requester("Maintenance", "Active", 1)],
        remote=[requester("Maintenance", "Draining", 2), requester("Functional", "Active", 1)],
    )

    (found,) = component_states_of([value], "EX01")

    assert found.asked_by("maintenance") == "Draining"
    assert found.asked_by("HealthAPI") == "Active"
    assert found.held_by_others("Functional") == {"Maintenance": "Draining"}


def test_a_requester_that_never_had_a_moment_is_the_oldest() -> None:
    never = RemoteObject(
        properties={"Requester": "Sidelined", "State": "Inactive", "Timestamp": datetime.min}
    )
    value = component("HubTransport", "Active", local=[never], remote=[])
    value.properties["RemoteStates"] = [requester("Sidelined", "Active", 1)]

    assert component_states_of([value], "EX01")[0].requesters == {"Sidelined": "Active"}


def test_a_requester_that_came_over_as_text_is_read() -> None:
    text = RemoteObject(
        text="Requestor:Maintenance; State:Inactive; Timestamp:9/28/2021 5:20:23 PM"
    )
    value = component("HubTransport", "Inactive", local=[text], remote=[])

    assert component_states_of([value], "EX01")[0].requesters == {"Maintenance": "Inactive"}


def test_asked_for_one_component_the_others_are_ignored() -> None:
    """The documented trap: what does not exist may bring everything."""
    values = [
        component(name, "Active", local=[], remote=[]) for name in ("Monitoring", "HubTransport")
    ]
    session = RecordingSession(lambda cmdlet, **_: CmdletResult(output=list(values)))

    assert read_component_state(session, "EX01", "hubtransport").component == "HubTransport"
    with pytest.raises(StateNotReached, match="does not report"):
        read_component_state(session, "EX01", "Nonsense")


def test_the_command_to_type_is_complete() -> None:
    assert command_to_type("EX01", "HubTransport", state="Active", requester="Maintenance") == (
        "Set-ServerComponentState EX01 -Component HubTransport -State Active -Requester Maintenance"
    )
