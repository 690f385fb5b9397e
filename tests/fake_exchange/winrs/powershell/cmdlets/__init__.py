# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cmdlets the interpreter knows, by the module they belong to."""

from __future__ import annotations

import importlib
import threading

_MODULES = (
    "certificates",
    "core",
    "exchange_shell",
    "json_conversion",
    "management",
    "objects",
    "output",
    "services",
    "utility",
    "web_administration",
)
_loaded = False
_loading = threading.Lock()


def load() -> None:
    """Register all cmdlets; later calls do nothing, simultaneous ones wait for the first."""
    global _loaded
    with _loading:
        if not _loaded:
            for name in _MODULES:
                importlib.import_module(f".{name}", __name__)
            _loaded = True
