# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What did each task of a playbook return? One JSON document per result, for run_playbook.py."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: record_results
type: notification
short_description: Record task results as JSON lines
description: Test support. Writes to the file that E(MAILOPS_RECORD_RESULTS) names.
requirements: []
"""

_HEAVY = ("OpenSSL", "cryptography", "psrpcore", "pypsrp", "winrm")


def _name_of(task: Any) -> str:
    """A task's own name; that of an included role takes no argument."""
    try:
        return str(task.get_name(include_role_fqcn=False))
    except TypeError:
        return str(task.get_name())


class CallbackModule(CallbackBase):
    """Records what a test asserts on; the ordinary output stays as a user sees it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record_results"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._path = os.environ.get("MAILOPS_RECORD_RESULTS")
        self.disabled = self._path is None

    def _write(self, document: dict[str, Any]) -> None:
        assert self._path is not None
        with open(self._path, "a", encoding="utf-8") as stream:
            json.dump(document, stream, default=str)
            stream.write("\n")

    def _record(self, status: str, result: Any) -> None:
        # ansible-core 2.19 made these public and deprecated the underscored ones.
        new = hasattr(result, "result")
        task = result.task if new else result._task
        self._write(
            {
                "kind": "result",
                "status": status,
                "host": (result.host if new else result._host).get_name(),
                "task": _name_of(task),
                "action": str(task.action),
                "result": result.result if new else result._result,
            }
        )

    def v2_runner_on_ok(self, result: Any) -> None:
        values = result.result if hasattr(result, "result") else result._result
        self._record("changed" if values.get("changed") else "ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._record("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._record("skipped", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._write(
            {
                "kind": "stats",
                "hosts": {host: stats.summarize(host) for host in sorted(stats.processed)},
                # What Ansible's main process has imported; workers inherit it.
                "imported": sorted(name for name in _HEAVY if name in sys.modules),
            }
        )
