# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does the record of a run hold, and is there a run of these servers that has not finished?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.record import (
    run_lookup,
    running,
    runs,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_run_record_info)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        "folder": {"type": "path"},
        "directory": {"type": "path"},
        "servers": {"type": "dict"},
        "thumbprint": {"type": "str"},
        "operation": {"type": "str", "choices": list(runs.OPERATIONS), "default": "rotate"},
        "maximum_age_hours": {"type": "float"},
        "fail_when_running": {"type": "bool", "default": True},
    }
    # Either one run by its folder, or the directory of all runs together with servers.
    REQUIRED_ONE_OF = [("folder", "directory"), ("folder", "servers")]
    MUTUALLY_EXCLUSIVE = [
        ("folder", "directory"),
        ("folder", "servers"),
        ("folder", "thumbprint"),
        ("folder", "maximum_age_hours"),
    ]
    # Replaced by tests.
    playbook_process = staticmethod(running.playbook_process)

    # Only files of the control node are read.
    REQUIRES_CONNECTION = False

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        return self._read(options) if options["folder"] else self._find(options)

    def _read(self, options: Mapping[str, Any]) -> dict[str, Any]:
        run = runs.open_run(Path(options["folder"]))
        if options["fail_when_running"]:
            running.refuse_running(run, self.playbook_process())
        return {"run": run_lookup.run_result(run)}

    def _find(self, options: Mapping[str, Any]) -> dict[str, Any]:
        directory, servers = Path(options["directory"]), options["servers"]
        if options["fail_when_running"]:
            running.refuse_running_on(
                directory, runs.addresses_of(servers), self.playbook_process()
            )
        thumbprint = options["thumbprint"]
        return run_lookup.find_result(
            directory,
            operation=options["operation"],
            thumbprint=normalize_thumbprint(thumbprint) if thumbprint else None,
            servers=servers,
            maximum_age_hours=options["maximum_age_hours"],
            now=self.now(),
        )
