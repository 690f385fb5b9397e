# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What did a run leave in process lists and short-lived files? Nothing is too short to be seen."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

import psutil


class Watcher(threading.Thread):
    """Collects the command lines and environments of all descendants of this process, and what
    is written into a directory for temporary files: most of it is gone when the run ends."""

    def __init__(self, temporary: Path) -> None:
        super().__init__(daemon=True)
        self.seen: set[str] = set()
        self.files: dict[str, set[bytes]] = {}
        self._temporary = temporary
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.02):
            for process in psutil.Process().children(recursive=True):
                try:
                    self.seen.add(" ".join(process.cmdline()))
                    self.seen.add(" ".join(f"{k}={v}" for k, v in process.environ().items()))
                except psutil.Error:
                    continue
            self._look_at_files()

    def _look_at_files(self) -> None:
        for directory, _, names in os.walk(self._temporary):
            for path in (Path(directory, name) for name in names):
                with suppress(OSError):
                    if path.is_file():
                        self.files.setdefault(str(path), set()).add(path.read_bytes())

    def __enter__(self) -> Watcher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()
