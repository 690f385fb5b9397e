# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is imported once per run of Ansible instead of once per task?"""

from __future__ import annotations

import importlib
from contextlib import suppress

# By the name of this module, which the names of its siblings begin with.
_PLUGIN_UTILS = __name__.rsplit(".", 2)[0]

# What a worker needs for an Exchange session; see preload().
PRELOADED_FOR_EXCHANGE = (
    "cryptography.x509",
    "cryptography.hazmat.primitives.serialization.pkcs12",
    "psrpcore",
    "psrpcore.types",
    "pypsrp.wsman",
    f"{_PLUGIN_UTILS}.endpoint.exchange_session",
    f"{_PLUGIN_UTILS}.endpoint.runspace_pool",
    f"{_PLUGIN_UTILS}.endpoint.pipeline_run",
)
PRELOADED_FOR_WINDOWS = (
    "winrm",
    f"{_PLUGIN_UTILS}.endpoint.windows_session",
)


def preload(*names: str) -> None:
    """Import modules while the action is loaded.

    The strategy loads an action in Ansible's main process, and every worker is forked from it: what
    is imported here is paid for once per run instead of once per task. A missing library is no
    matter yet; whoever needs it says so.
    """
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)
