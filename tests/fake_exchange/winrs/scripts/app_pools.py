# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""app_pools.ps1: see the application pools of IIS, and recycle some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fake_exchange.organisation import services
from fake_exchange.winrs.scripts.conversion import several, text, truth

if TYPE_CHECKING:
    from fake_exchange.winrs.process import Process


def run(process: Process, parameters: dict[str, Any]) -> dict[str, Any]:
    names = [text(name) for name in several(parameters.get("names"))]
    recycle = truth(parameters.get("recycle"))
    return {"pools": [_pool(process, name, recycle=recycle) for name in names]}


def _pool(process: Process, name: str, *, recycle: bool) -> dict[str, Any]:
    process.check_stopped()
    states = _states(process)
    # Without a name it is the path of all pools, and the states of all of them.
    state = states.get(name.casefold(), "") if name else " ".join(states.values())
    recycled = recycle and state == "Started"
    if recycled:
        services.recycle(process.organisation, process.server, name)
    return {"name": name, "state": state, "recycled": recycled}


def _states(process: Process) -> dict[str, str]:
    web = process.server.services.get("W3SVC")
    if web is None or process.server.IsEdgeServer:
        return {}
    state = "Started" if web.Status == "Running" else "Stopped"
    return {name.casefold(): state for name in services.APPLICATION_POOLS}
