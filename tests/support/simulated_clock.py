# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do months pass in minutes? Processes started with `environment` read the time from one
file (libfaketime), so all of them are on the same day. Go programs ask the kernel and not the C
library; run by qemu's user emulation, which asks the library for them, they follow, too."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

_FOR_PROGRAMS, _FOR_SERVERS = "libfaketime.so.1", "libfaketimeMT.so.1"
_FOLDERS = ("/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/faketime", "/usr/lib64/faketime")
_EMULATOR = "qemu-x86_64"


def missing_programs() -> list[str]:
    """What this machine lacks (Debian: faketime, qemu-user)."""
    missing = [] if _library(_FOR_SERVERS) else ["libfaketime"]
    return missing + ([] if shutil.which(_EMULATOR) else [_EMULATOR])


class SimulatedClock:
    """A clock that runs as fast as the real one, some days ahead of it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ahead = timedelta()
        self._write()

    @property
    def environment(self) -> dict[str, str]:
        """For a program that ends before the clock is changed.

        Not the library for threads: its lock may be held while Ansible forks, and for ever after.
        """
        library = _library(_FOR_PROGRAMS)
        return {"LD_PRELOAD": str(library), "FAKETIME": f"+{int(self._ahead.total_seconds())}"}

    @property
    def server_environment(self) -> dict[str, str]:
        """For a server that lives through it."""
        return {
            "LD_PRELOAD": str(_library(_FOR_SERVERS)),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # The file is read again for every question, so running processes see a new day.
            "FAKETIME_NO_CACHE": "1",
        }

    @property
    def go_environment(self) -> dict[str, str]:
        """The same for a Go program, whose waiting does not survive a leap of every clock."""
        return {**self.server_environment, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    @property
    def go_programs(self) -> Sequence[str]:
        """What a Go program has to be started by."""
        return (_EMULATOR,)

    @property
    def now(self) -> datetime:
        """The time, UTC."""
        return datetime.now(timezone.utc) + self._ahead

    def advance(self, days: float) -> None:
        """Let days pass."""
        self._ahead += timedelta(days=days)
        self._write()

    def _write(self) -> None:
        self._file.write_text(f"+{int(self._ahead.total_seconds())}\n", encoding="ascii")


def _library(name: str) -> Path | None:
    found = (Path(folder) / name for folder in _FOLDERS)
    return next((path for path in found if path.exists()), None)
