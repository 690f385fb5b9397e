# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a Receive connector of one server get the TLS side that a task asks for?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.action.exchange_send_connector import (
    CONNECTOR_OPTIONS,
    ConnectorAction,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connector_access import (
    find_connector,
    read_receive_connectors,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connectors import (
    AUTH_MECHANISMS,
    Connector,
)


class ActionModule(ConnectorAction):
    """The action of M(mailops.exchange.exchange_receive_connector_tls)."""

    ARGUMENT_SPEC = {
        **CONNECTOR_OPTIONS,
        "auth_mechanism": {
            "type": "list",
            "elements": "str",
            "choices": ["None", *AUTH_MECHANISMS],
        },
        "tls_domain_capabilities": {"type": "list", "elements": "str"},
        "suppress_x_anonymous_tls": {"type": "bool"},
    }
    SETTINGS = (
        *ConnectorAction.SETTINGS,
        "auth_mechanism",
        "tls_domain_capabilities",
        "suppress_x_anonymous_tls",
    )

    def server(self, options: Mapping[str, Any]) -> str:
        """The server of the task, else the one before the connector's name, else the host's."""
        prefix, separator, _name = options["name"].rpartition("\\")
        if separator and not options["server"]:
            return str(prefix)
        return super().server(options)

    def read(self, options: Mapping[str, Any]) -> Connector:
        server = self.server(options)
        connectors = read_receive_connectors(self.session, server, self.domain_controller)
        return find_connector(connectors, options["name"], server=server)
