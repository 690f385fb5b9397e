# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where is real PowerShell, and how does it run the stage of tests/powershell_stage?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from support.powershell_recordings import SCRIPTS, TESTS, Recording

STAGE = TESTS / "powershell_stage"
#: Says where pwsh is if it is neither on PATH nor beside the checkout.
VARIABLE = "REAL_POWERSHELL"
_PATIENCE = 600


@cache
def program() -> str | None:
    """PowerShell 7; None if it is not there."""
    beside = TESTS.parent.parent / "shared" / "tools" / "pwsh"
    named = os.environ.get(VARIABLE)
    if named:
        return named
    return shutil.which("pwsh") or (str(beside) if beside.exists() else None)


def missing(instead: str) -> str:
    """Why a test is skipped, and what was compared instead."""
    return f"no PowerShell (pwsh on PATH, or {VARIABLE}): {instead}"


def run(script: str, **files: str) -> None:
    """Run a script of the stage with parameters, in UTC and English.

    Raises AssertionError with what it has printed if it does not end well.
    """
    pwsh = program()
    assert pwsh is not None
    command = [pwsh, "-NoLogo", "-NoProfile", "-NonInteractive", "-File", str(STAGE / script)]
    for name, value in files.items():
        command += [f"-{name}", value]
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def perform(recordings: Iterable[Recording], scripts: Path = SCRIPTS) -> list[dict[str, Any]]:
    """What real PowerShell answers in the recorded situations: name, answer (a document or None),
    exit_code (None where it cannot be known), log, ended, sha256, pwsh_version."""
    with tempfile.TemporaryDirectory() as folder:
        entries, out = Path(folder) / "entries.jsonl", Path(folder) / "out.jsonl"
        lines = [json.dumps(one) + "\n" for one in recordings]
        entries.write_text("".join(lines), encoding="utf-8")
        run("run.ps1", Entries=str(entries), Scripts=str(scripts), Out=str(out))
        results = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    for result in results:
        result["answer"] = json.loads(result["answer"]) if result["answer"] else None
    return results


def parse(texts: dict[str, str]) -> dict[str, Any]:
    """What PowerShell's parser finds in each text: errors, newer, commands, members."""
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "texts.json", Path(folder) / "out.json"
        given.write_text(json.dumps(texts), encoding="utf-8")
        run("parse.ps1", Texts=str(given), Out=str(out))
        found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found
