# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a unit test start, finish and read the record of a run?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.action_runner import RecordingConnection, run_action

NEW = "0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43"
OTHER = "D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90"
SERVERS = {"EX01": {"address": "ex01.contoso.com"}}


def record(*, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """Run exchange_run_record on the control node."""
    connection = RecordingConnection(transport="local")
    return run_action("exchange_run_record", options, connection=connection, check_mode=check_mode)


def info(*, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """Run exchange_run_record_info on the control node."""
    connection = RecordingConnection(transport="local")
    return run_action(
        "exchange_run_record_info", options, connection=connection, check_mode=check_mode
    )


def start(directory: Path, **changes: Any) -> dict[str, Any]:
    """Start a run of EX01 to the certificate NEW."""
    options: dict[str, Any] = {
        "state": "started",
        "directory": str(directory),
        "thumbprint": NEW,
        "servers": SERVERS,
        "plan": {"servers": {"EX01": ["Import it."]}},
        "summary": "The plan.",
        **changes,
    }
    return record(**options)


def finish(folder: str | Path, **changes: Any) -> dict[str, Any]:
    """Finish a run that has reached its goal."""
    options: dict[str, Any] = {
        "state": "finished",
        "folder": str(folder),
        "outcome": "rotated",
        "summary": "Done.",
        "servers": SERVERS,
        **changes,
    }
    return record(**options)


def content(directory: Path) -> dict[str, bytes]:
    """Every file below a folder, to see that nothing was written."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
