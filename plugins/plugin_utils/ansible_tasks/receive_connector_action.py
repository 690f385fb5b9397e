# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Receive connector does a task mean, and where is it looked for?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.connector_action import (  # noqa: E501
    ConnectorAction,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.access import (
    read_receive_connectors,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import Connector
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput


class ReceiveConnectorAction(ConnectorAction):
    """What the modules of Receive connectors have in common."""

    # Whether all properties are read, or the TLS side alone.
    WHOLE = True

    def server(self, options: Mapping[str, Any]) -> str:
        """The server of the task, else the one before the connector's name, else the host's.

        Raises:
            InvalidInput: the task names two servers.
        """
        prefix, separator, _name = options["name"].rpartition("\\")
        given = options["server"]
        if separator and given and _short(prefix) != _short(given):
            raise InvalidInput(
                f"name: '{options['name']}' is a connector of {prefix}, and server is {given}. "
                "Leave server out, or name the connector of that server."
            )
        return str(prefix) if separator and not given else super().server(options)

    def wanted_name(self, options: Mapping[str, Any]) -> str:
        """The name alone: every connector that is looked through is of the one server.

        What stands before it may be the full name or an address, which no identity has.
        """
        return str(options["name"].rpartition("\\")[2].strip())

    def read_all(self, options: Mapping[str, Any]) -> Sequence[Connector]:
        return read_receive_connectors(
            self.session, self.server(options), self.domain_controller, whole=self.WHOLE
        )

    def kind(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {"server": self.server(options)}


def _short(server: str) -> str:
    return server.strip().partition(".")[0].casefold()
