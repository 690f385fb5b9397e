# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done to the organisation so far? Counters per server and in total, and the log of
every cmdlet with its parameters (secrets masked)."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timezone


@dataclass(frozen=True)
class CmdletCall:
    """One cmdlet that ran (or was refused). `server` is where the session had landed."""

    server: str
    account: str
    cmdlet: str
    parameters: dict[str, str]
    error: str | None = None
    warnings: tuple[str, ...] = ()
    at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))


@dataclass
class ServerCounters:
    """Plain counts since the last reset."""

    sessions: int = 0
    """PowerShell runspace pools opened."""
    windows_shells: int = 0
    """WinRS shells opened."""
    pipelines: int = 0
    cmdlets: Counter[str] = field(default_factory=Counter)
    scripts: Counter[str] = field(default_factory=Counter)
    """Commands run in WinRS shells, by name."""
    http_requests: int = 0
    wsman_requests: Counter[str] = field(default_factory=Counter)
    """WSMan requests that were understood, by verb: Create, Command, Receive and so on."""
    connections: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    errors: int = 0
    """Error records written by cmdlets."""
    prompts: int = 0
    handshakes: Counter[str] = field(default_factory=Counter)
    """TLS handshakes completed, by port name."""
    service_starts: Counter[str] = field(default_factory=Counter)
    application_pool_starts: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, object]:
        return {k: dict(v) if isinstance(v, Counter) else v for k, v in vars(self).items()}


class Counters:
    """Counts per server; thread-safe without the organisation's lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[str, ServerCounters] = {}

    def add(self, server: str, name: str, amount: int = 1, *, key: str | None = None) -> None:
        """Count `amount` more of `name`; `key` for the counts by name (cmdlets, handshakes)."""
        with self._lock:
            counters = self._servers.setdefault(server, ServerCounters())
            if key is None:
                setattr(counters, name, getattr(counters, name) + amount)
            else:
                getattr(counters, name)[key] += amount

    def reset(self) -> None:
        with self._lock:
            self._servers.clear()

    def as_dict(self) -> dict[str, object]:
        """`{"servers": {name: counts}, "total": counts}`."""
        with self._lock:
            total = ServerCounters()
            for counters in self._servers.values():
                for name, value in vars(counters).items():
                    if isinstance(value, Counter):
                        getattr(total, name).update(value)
                    else:
                        setattr(total, name, getattr(total, name) + value)
            servers = {name: counters.as_dict() for name, counters in self._servers.items()}
            return {"servers": servers, "total": total.as_dict()}


class CmdletLog:
    """The last cmdlet calls, oldest first."""

    def __init__(self, limit: int = 20_000) -> None:
        self._lock = threading.Lock()
        self._calls: deque[CmdletCall] = deque(maxlen=limit)

    def append(self, call: CmdletCall) -> None:
        with self._lock:
            self._calls.append(call)

    def reset(self) -> None:
        with self._lock:
            self._calls.clear()

    def calls(self) -> list[CmdletCall]:
        with self._lock:
            return list(self._calls)
