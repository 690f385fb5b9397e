# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a server component become Active, Draining or Inactive for one requester?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
    RECORD_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.component_states import (
    ACTIVE,
    DRAINING,
    HUB_TRANSPORT,
    INACTIVE,
    MAINTENANCE,
    REQUESTERS,
    ComponentState,
    read_component_state,
    set_component_state,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_component_state)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        "component": {"type": "str", "default": HUB_TRANSPORT},
        "state": {"type": "str", "choices": [ACTIVE, DRAINING, INACTIVE], "required": True},
        "requester": {"type": "str", "choices": list(REQUESTERS), "default": MAINTENANCE},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        server = self.server(options)
        before = read_component_state(self.session, server, options["component"])
        wanted, requester = options["state"], options["requester"]
        after = before
        if before.asked_by(requester) != wanted:
            if self.check_mode:
                after = predicted(before, wanted, requester)
                self.report.changes.append(sentence("Set", before, wanted, requester))
            else:
                after = self._change(before, wanted, requester)
        self.report.warn(reservations(after, wanted, requester))
        self.report.before, self.report.after = as_diff(before), as_diff(after)
        return {
            "component": after.component,
            "state": after.state,
            "state_before": before.state,
            "requesters": dict(after.requesters),
        }

    def _change(self, before: ComponentState, wanted: str, requester: str) -> ComponentState:
        server, component = before.server, before.component
        return self.carry_out(
            sentence("Set", before, wanted, requester),
            lambda: set_component_state(
                self.session, server, component, state=wanted, requester=requester
            ),
            read=lambda: read_component_state(self.session, server, component),
            reached=lambda after: after.asked_by(requester) == wanted,
            otherwise=lambda after: StateNotReached(
                f"{component} of {server} was set to {wanted} without an error, but "
                f"{requester} still asks for {after.asked_by(requester)}.",
                details={"server": server, "component": component},
            ),
        )


def predicted(before: ComponentState, wanted: str, requester: str) -> ComponentState:
    """The component as it will be, as far as that can be known."""
    requesters = {**before.requesters, requester: wanted}
    states = set(requesters.values())
    effective = next((state for state in (INACTIVE, DRAINING) if state in states), ACTIVE)
    return ComponentState(
        server=before.server, component=before.component, state=effective, requesters=requesters
    )


def reservations(after: ComponentState, wanted: str, requester: str) -> list[str]:
    """What keeps the state from taking effect."""
    others = after.held_by_others(requester)
    if wanted != ACTIVE or not others:
        return []
    holders = ", ".join(f"{name} ({state})" for name, state in others.items())
    return [
        f"{after.component} of {after.server} stays {after.state}, because it is also held down by "
        f"{holders}. Set it to Active for each of them."
    ]


def sentence(verb: str, before: ComponentState, wanted: str, requester: str) -> str:
    """What is done, as results and records say it."""
    return (
        f"{verb} {before.component} of {before.server} from {before.asked_by(requester)} to "
        f"{wanted} (requester {requester})."
    )


def as_diff(state: ComponentState) -> dict[str, Any]:
    """The part of the state that a diff shows."""
    return {"component": state.component, "state": state.state, "requesters": state.requesters}
