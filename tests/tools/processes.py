# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a program end everything that it started, however far down, and in other sessions too?

Tests start servers in sessions of their own, and a test that is ended does not stop them. On Linux
this process becomes the parent of whatever loses its own, so that nothing gets lost.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
# How long a process may take to end by itself.
PATIENCE = 10.0


def adopt_orphans() -> None:
    """Become the parent of every descendant whose parent ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants() -> None:
    """Ask every descendant to end, and kill what is left after a while."""
    deadline = time.monotonic() + PATIENCE
    while running := descendants(os.getpid()):
        number = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        time.sleep(0.2)
        if time.monotonic() > deadline + PATIENCE:
            return


def descendants(pid: int) -> list[int]:
    """Living children of a process and theirs, the nearest first; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The second field is a name in brackets and may hold anything.
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            children.setdefault(int(parent), []).append(int(entry.parent.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(0), [])
        found += below
        waiting += below
    return found
