# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Edge Transport servers are subscribed, and is each still in step?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletNotAvailable,
    InvalidInput,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.edge_subscriptions import (
    EdgeSubscription,
    read_edge_subscriptions,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_edge_subscription_info)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        "test": {"type": "bool", "default": True},
        "fail_when_out_of_step": {"type": "bool", "default": False},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        if self.is_edge:
            raise InvalidInput(
                f"{self.server(options)} is an Edge Transport server, which cannot see the "
                "subscriptions: run this task on a Mailbox server."
            )
        try:
            found = read_edge_subscriptions(
                self.session, self.domain_controller, test=options["test"]
            )
        except CmdletNotAvailable as error:
            self.report.warn(
                [
                    "Edge subscriptions were not looked at: this account may not use "
                    f"{error.details.get('cmdlet')} (management role Edge Subscriptions)."
                ]
            )
            return {"visible": False, "edge_subscriptions": [], "out_of_step": []}
        broken = [item for item in found if item.in_step is False]
        result = {
            "visible": True,
            "edge_subscriptions": [item.to_result() for item in found],
            "out_of_step": [item.server for item in broken],
        }
        self.report.facts.update(result)
        if broken and options["fail_when_out_of_step"]:
            raise InvalidInput(" ".join(map(explained, broken)))
        return result


def explained(subscription: EdgeSubscription) -> str:
    """One sentence about a subscription that does not work, with what to do."""
    return (
        f"The Edge server {subscription.server} is not in step with the site {subscription.site} "
        f"({subscription.failure or subscription.status}): subscribe it again, as "
        "edge_subscriptions[].resubscribe says."
    )
