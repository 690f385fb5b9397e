# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests came over the wire, in their order, and what were they about? Each gets a number,
by which a fault can be armed for exactly it."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, replace

LONGEST = 20_000


@dataclass(frozen=True)
class WireRequest:
    """One WSMan request; `endpoint` is exchange or windows."""

    number: int
    server: str
    endpoint: str
    verb: str
    cmdlet: str = ""
    """The cmdlet or program in flight, where there is one and it is known."""


class WireLog:
    """The requests since the last reset, numbered from 1; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[WireRequest] = []
        self._last = 0

    def add(self, server: str, endpoint: str, verb: str, cmdlet: str = "") -> int:
        """Note a request that has come in; its number."""
        with self._lock:
            self._last += 1
            self._requests.append(WireRequest(self._last, server, endpoint, verb, cmdlet))
            del self._requests[:-LONGEST]
            return self._last

    def is_about(self, number: int, cmdlet: str) -> None:
        """Note what a request was about, which is known once it has been executed."""
        with self._lock:
            # From the end: whoever was just executed came in just before.
            for index in range(len(self._requests) - 1, -1, -1):
                if self._requests[index].number == number:
                    self._requests[index] = replace(self._requests[index], cmdlet=cmdlet)
                    return

    def reset(self) -> None:
        with self._lock:
            self._requests.clear()
            self._last = 0

    def as_list(self) -> list[dict[str, object]]:
        with self._lock:
            return [asdict(request) for request in self._requests]
