# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How is a server, and the organization, now, in the form in which a record keeps it?"""

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
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.recorded_state import (
    organization_to_json,
    read_server,
    server_to_json,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_state_info)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        "organization": {"type": "bool", "default": False},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        found = read_server(
            self.session,
            self.server(options),
            self.domain_controller,
            organization=options["organization"],
            edge=self.is_edge,
        )
        self.report.warn(found.warnings)
        result: dict[str, Any] = {"state": server_to_json(found)}
        if found.organization is not None:
            result["organization"] = organization_to_json(found.organization)
        return result
