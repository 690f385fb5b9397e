# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback that writes how long each task of each host took, one JSON document a line."""

from __future__ import annotations

import json
import os
import time
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_seconds
type: aggregate
short_description: Write the seconds of every task to the file named by TASK_SECONDS_FILE
description: Used by the benchmarks and the demonstration.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_seconds"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._file = open(os.environ["TASK_SECONDS_FILE"], "a", encoding="utf-8")  # noqa: SIM115
        self._started: dict[tuple[str, str], float] = {}

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        self._started[host.name, task._uuid] = time.monotonic()

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._write(result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._write(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._write(result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._write(result)

    def _write(self, result: t.Any) -> None:
        # ansible-core 2.19 renamed the private fields; both spellings are read.
        task = getattr(result, "task", None) or result._task
        host = getattr(result, "host", None) or result._host
        seconds = time.monotonic() - self._started[host.name, task._uuid]
        entry = {"host": host.name, "task": task.name, "seconds": seconds}
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()
