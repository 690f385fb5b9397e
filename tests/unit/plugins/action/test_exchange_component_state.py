# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a component become active, draining or inactive for one requester?"""

from __future__ import annotations

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import OutcomeUnknown
from support.model_server import ModelServer, raising

MODULE = "exchange_component_state"


def test_a_component_is_set_and_read_back(run, server: ModelServer) -> None:  # type: ignore[no-untyped-def]
    result = run(state="Draining")

    assert run.sent == [
        "Get-ServerComponentState",
        "Set-ServerComponentState",
        "Get-ServerComponentState",
    ]
    assert server.component_states["HubTransport"] == {"Maintenance": "Draining"}
    assert (result["changed"], result["state_before"], result["state"]) == (
        True,
        "Active",
        "Draining",
    )
    assert run(state="Draining")["changed"] is False
    assert run.changing == []


def test_check_mode_reports_and_sends_nothing(run, server: ModelServer) -> None:  # type: ignore[no-untyped-def]
    result = run(state="Draining", check_mode=True, diff=True)

    assert result["changes"] == [
        "Set HubTransport of EX01 from Active to Draining (requester Maintenance)."
    ]
    assert result["state"] == "Draining"
    assert result["diff"]["after"]["state"] == "Draining"
    assert run.changing == []


def test_another_requester_that_holds_it_down_is_reported(run, server: ModelServer) -> None:  # type: ignore[no-untyped-def]
    server.component_states["HubTransport"] = {"Maintenance": "Draining", "Sidelined": "Inactive"}

    result = run(state="Active")

    assert server.component_states["HubTransport"]["Sidelined"] == "Inactive"
    assert result["state"] == "Inactive"
    assert "Sidelined (Inactive)" in result["warnings"][0]


@pytest.mark.parametrize("took_effect", [True, False])
def test_a_lost_answer_is_looked_up(run, server: ModelServer, took_effect: bool) -> None:  # type: ignore[no-untyped-def]
    def lost():  # type: ignore[no-untyped-def]
        if took_effect:
            server.component_states["HubTransport"] = {"Maintenance": "Draining"}
        return raising(OutcomeUnknown("contact was lost"))()

    server.instead["Set-ServerComponentState"] = lost

    result = run(state="Draining")

    assert result.get("failed", False) is not took_effect
    assert run.sent.count("Set-ServerComponentState") == 1
