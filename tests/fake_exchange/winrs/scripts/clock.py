# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""clock.ps1: the server's clock, in UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fake_exchange.winrs.process import Process


def run(process: Process, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"utc": process.machine.utc_now().strftime("%Y-%m-%dT%H:%M:%S")}
