# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which unfinished run is young enough to count, and what do tasks return of a run?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.record import (
    run_folder,
    running,
    runs,
)


def find_result(
    directory: Path,
    *,
    operation: str,
    thumbprint: str | None,
    servers: Mapping[str, Any],
    maximum_age_hours: float | None,
    now: datetime,
) -> dict[str, Any]:
    """Return the unfinished run as `run`, or else the folder of one that is too old as `too_old`.

    Args:
        thumbprint, servers: as for `runs.find_unfinished`, each server with its `address`.
        maximum_age_hours: how long ago the run may have written its last event; None for any time.

    Raises:
        InvalidInput: the age is not more than 0, or the folder cannot be read.
    """
    if maximum_age_hours is not None and maximum_age_hours <= 0:
        raise InvalidInput("maximum_age_hours must be more than 0.")
    run = runs.find_unfinished(
        directory,
        operation=operation,
        thumbprint=thumbprint,
        addresses=runs.addresses_of(servers),
    )
    if run is None:
        return {"run": None, "too_old": None}
    if maximum_age_hours is not None and runs.hours_since(run, now) > maximum_age_hours:
        return {"run": None, "too_old": str(run.folder)}
    return {"run": run_result(run), "too_old": None}


def run_result(run: runs.Run) -> dict[str, Any]:
    """The run as RETURN of `exchange_run_record_info` documents it.

    Raises:
        InvalidInput: a document in its folder is damaged.
    """
    return {
        "folder": str(run.folder),
        "finished": run.finished,
        "running": running.is_running(run),
        "before": dict(run.before),
        "after": run_folder.read_document(run.folder, run_folder.AFTER),
        "plan": run_folder.read_document(run.folder, run_folder.PLAN),
    }
