# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does an existing Receive connector get the TLS side that a task asks for?"""

from __future__ import annotations

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
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.properties import (
    RECEIVE_TLS_PROPERTIES,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ReceiveConnectorAction):
    """The action of M(mailops.exchange.exchange_receive_connector_tls)."""

    WHOLE = False
    PROPERTIES = RECEIVE_TLS_PROPERTIES
    ARGUMENT_SPEC = connector_options(RECEIVE_TLS_PROPERTIES)
