# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long did each task of each host take in a run of ansible-playbook?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TaskSeconds:
    """One task on one host, from its start to its result."""

    host: str
    task: str
    seconds: float


def task_seconds_environment(record: Path) -> dict[str, str]:
    """The variables that make ansible-playbook write the file."""
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "task_seconds",
        "TASK_SECONDS_FILE": str(record),
    }


def read_task_seconds(record: Path) -> list[TaskSeconds]:
    """What the run wrote, in the order of the results."""
    lines = record.read_text(encoding="utf-8").splitlines()
    return [TaskSeconds(**json.loads(line)) for line in lines]
