# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How are IIS application pools of a server recycled, so that they load the certificate again?"""

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
    PRELOADED_FOR_WINDOWS,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

preload(*PRELOADED_FOR_WINDOWS)

_STARTED = "Started"


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_app_pool)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        "names": {
            "type": "list",
            "elements": "str",
            "default": ["MSExchangeOWAAppPool", "MSExchangeECPAppPool"],
        },
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        server, names = self.server(options), options["names"]
        before = self._pools(names, recycle=False)
        missing = [name for name, pool in before.items() if not pool["state"]]
        if missing:
            raise InvalidInput(
                f"{server} has no application pool {', '.join(missing)}: give names of pools that "
                "IIS Manager shows.",
                details={"server": server},
            )
        running = [name for name, pool in before.items() if pool["state"] == _STARTED]
        self.report.warn(
            f"The application pool {name} on {server} is {pool['state']} and was left alone."
            for name, pool in before.items()
            if pool["state"] != _STARTED
        )
        if self.check_mode:
            self.report.changes += [f"Recycle {name} on {server}." for name in running]
            return {"app_pools": list(before.values())}
        self.begin(f"Recycle {', '.join(running)} on {server}.")
        after = self._pools(names, recycle=True)
        for name, pool in after.items():
            if pool["recycled"]:
                self.done(f"Recycled {name} on {server}.")
        return {"app_pools": list(after.values())}

    def _pools(self, names: list[str], *, recycle: bool) -> dict[str, dict[str, Any]]:
        answer = self.windows.run(
            "app_pools", {"names": names, "recycle": recycle}, changing=recycle
        )
        return {
            str(item["name"]): {
                "name": str(item["name"]),
                "state": str(item["state"]),
                "recycled": bool(item["recycled"]),
            }
            for item in answer["pools"]
        }
