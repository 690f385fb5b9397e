# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a Send connector get what a task asks for?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXTENDED_RIGHTS_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.connector_action import (  # noqa: E501
    ConnectorAction,
    connector_options,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.access import (
    read_send_connectors,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    Connector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.creation import (
    Creation,
    plan_send_creation,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.properties import (
    SEND_PROPERTIES,
    SEND_USAGES,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ConnectorAction):
    """The action of M(mailops.exchange.exchange_send_connector)."""

    PROPERTIES = SEND_PROPERTIES
    ARGUMENT_SPEC = {
        **connector_options(SEND_PROPERTIES),
        **EXTENDED_RIGHTS_OPTIONS,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "usage": {"type": "str", "choices": list(SEND_USAGES)},
        "authentication_password": {"type": "str", "no_log": True},
        "update_password": {
            "type": "str",
            "choices": ["on_create", "always"],
            "default": "on_create",
            "no_log": False,
        },
        "force": {"type": "bool", "default": False},
    }

    def read_all(self, options: Mapping[str, Any]) -> Sequence[Connector]:
        return read_send_connectors(self.session, self.domain_controller, whole=True)

    def plan_creation(self, options: Mapping[str, Any], desired: Mapping[str, Any]) -> Creation:
        return plan_send_creation(self.wanted_name(options), desired, usage=options["usage"])
