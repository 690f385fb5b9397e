# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do the collection's scripts do on a server? One function for each, chosen by the SHA-256 of
the script's text and pinned by recordings of real PowerShell: a text that was never recorded is
refused, because nobody knows its answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from fake_exchange.winrs.process import Process
from fake_exchange.winrs.scripts import (
    app_pools,
    bind_https,
    clock,
    exchange_cmdlet,
    https_bindings,
    services,
    store_certificates,
)
from fake_exchange.winrs.scripts.failures import NotRecorded

#: Name of a script -> SHA-256 of the text that was recorded; written by `make record-powershell`.
SUMS = Path(__file__).parent / "sums.json"

Script = Callable[[Process, dict[str, Any]], dict[str, Any]]

FUNCTIONS: dict[str, Script] = {
    "app_pools": app_pools.run,
    "bind_https": bind_https.run,
    "clock": clock.run,
    "exchange_cmdlet": exchange_cmdlet.run,
    "https_bindings": https_bindings.run,
    "services": services.run,
    "store_certificates": store_certificates.run,
}


def sum_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def recorded_sums() -> dict[str, str]:
    found: dict[str, str] = json.loads(SUMS.read_text(encoding="utf-8"))
    return found


def is_bootstrap(text: str) -> bool:
    return sum_of(text) == recorded_sums()["bootstrap"]


def function_of(text: str) -> Script:
    """The function in the place of a script. Raises NotRecorded."""
    found = sum_of(text)
    for name, function in FUNCTIONS.items():
        if recorded_sums()[name] == found:
            return function
    raise NotRecorded(f"the script {describe(text)}")


def describe(text: str) -> str:
    """What a script says of itself in its first lines, and its sum."""
    lines = [line.lstrip("# ") for line in text.splitlines()]
    titles = [
        line for line in lines if line and not line.startswith(("Copyright", "GNU General", "SPDX"))
    ]
    return f"'{(titles or [''])[0][:100]}' (SHA-256 {sum_of(text)})"
