# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a Receive connector get what a task asks for?

ReceiveConnectorAction is also the base of exchange_receive_connector_tls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mailops.exchange.plugins.action.exchange_send_connector import (
    ConnectorAction,
    connector_options,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.argument_specs import (
    EXTENDED_RIGHTS_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connector_access import (
    read_receive_connectors,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connector_creation import (
    Creation,
    plan_receive_creation,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connector_properties import (  # noqa: E501
    RECEIVE_PROPERTIES,
    RECEIVE_USAGES,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connectors import Connector


class ReceiveConnectorAction(ConnectorAction):
    """What the modules of Receive connectors have in common."""

    # Whether all properties are read, or the TLS side alone.
    WHOLE = True

    def server(self, options: Mapping[str, Any]) -> str:
        """The server of the task, else the one before the connector's name, else the host's."""
        prefix, separator, _name = options["name"].rpartition("\\")
        if separator and not options["server"]:
            return str(prefix)
        return super().server(options)

    def read_all(self, options: Mapping[str, Any]) -> Sequence[Connector]:
        return read_receive_connectors(
            self.session, self.server(options), self.domain_controller, whole=self.WHOLE
        )

    def kind(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {"server": self.server(options)}


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
        name = options["name"].rpartition("\\")[2].strip()
        return plan_receive_creation(name, self.server(options), desired, usage=options["usage"])
