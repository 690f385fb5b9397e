# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a Receive connector get what a task asks for?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXTENDED_RIGHTS_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.connector_action import (  # noqa: E501
    connector_options,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.receive_connector_action import (  # noqa: E501
    ReceiveConnectorAction,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.creation import (
    Creation,
    plan_receive_creation,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.properties import (
    RECEIVE_PROPERTIES,
    RECEIVE_USAGES,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ReceiveConnectorAction):
    """The action of M(mailops.exchange.exchange_receive_connector)."""

    PROPERTIES = RECEIVE_PROPERTIES
    ARGUMENT_SPEC = {
        **connector_options(RECEIVE_PROPERTIES),
        **EXTENDED_RIGHTS_OPTIONS,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "usage": {"type": "str", "choices": list(RECEIVE_USAGES)},
    }

    def plan_creation(self, options: Mapping[str, Any], desired: Mapping[str, Any]) -> Creation:
        return plan_receive_creation(
            self.wanted_name(options), self.server(options), desired, usage=options["usage"]
        )
