# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does running one command cost, with all its processes: time, processor time, memory?"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.25


@dataclass(frozen=True)
class Cost:
    """What a command cost.

    wall_seconds: from start to end. cpu_seconds: user and system time of the command and all its
    finished children. peak_memory_bytes: largest sum of the proportional set sizes of the
    process tree, so that memory shared between forked workers counts once.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int


class CommandFailed(Exception):
    """A measured command did not end with exit code 0; its output is the message."""


def run(command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> Cost:
    """Run the command to its end, its output going to the log file.

    Raises CommandFailed with the end of the log.
    """
    with log.open("wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            list(command), env=dict(environment), stdout=output, stderr=subprocess.STDOUT
        )
        sampler = _MemorySampler(process.pid)
        sampler.start()
        # Only wait4 reports the processor time of this child without that of other ones.
        _pid, status, usage = os.wait4(process.pid, 0)
        wall_seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        peak_memory = sampler.stop()
    if process.returncode != 0:
        tail = log.read_text(errors="replace")[-4000:]
        raise CommandFailed(f"exit code {process.returncode} of {' '.join(command)}:\n{tail}")
    return Cost(wall_seconds, usage.ru_utime + usage.ru_stime, peak_memory)


class _MemorySampler(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._ended = threading.Event()
        self._peak = 0

    def run(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self._peak = max(self._peak, _tree_memory(self._pid))

    def stop(self) -> int:
        self._ended.set()
        self.join()
        return self._peak


def _tree_memory(pid: int) -> int:
    total = 0
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total
