# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How is a private key kept in a file of the control node, for its owner alone or vaulted?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.key_file_action import (  # noqa: E501
    KeyFileAction,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput


class ActionModule(KeyFileAction):
    """The action of M(mailops.exchange.exchange_key_file)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        "path": {"type": "path", "required": True},
        "content": {"type": "str", "required": True, "no_log": True},
        "encrypt": {"type": "bool", "default": False},
        "vault_id": {"type": "str"},
    }
    # Only a file of the control node is written.
    REQUIRES_CONNECTION = False

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        if "PRIVATE KEY-----" not in options["content"]:
            raise InvalidInput("content is no private key in PEM form.")
        path = Path(options["path"]).expanduser().absolute()
        self.keep_key(
            path, options["content"], encrypt=options["encrypt"], vault_id=options["vault_id"]
        )
        return {"path": str(path), "encrypted": options["encrypt"]}
