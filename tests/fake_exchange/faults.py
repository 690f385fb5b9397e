# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may go wrong on purpose? A list of faults that tests arm and the fake fires: each says
what happens, where, and how often."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

#: What each kind does; `seconds` is used where the text says so.
KINDS: dict[str, str] = {
    "lose_answer": "execute the next request of `verb`, then close the connection unanswered",
    "drop_connection": "close the connection when the next request of `verb` arrives",
    "fail_cmdlet": "the next call of `cmdlet` ends with an error record (`message`)",
    "slow_cmdlet": "the next call of `cmdlet` takes `seconds` more (`stubborn`: also when stopped)",
    "lose_cmdlet": "the next call of `cmdlet` is executed, its answer never arrives",
    "kill_shell": "the shell of the next request is gone (fault 2150858843)",
    "throttle": "the next session is refused (too many shells)",
    "throttle_connections": "the same in the words of Exchange 2013 and later, on its first answer",
    "throttle_requests": "the same because too many requests came in a short time",
    "drop_idle": "every idle connection is closed, once and now (`server`, `port`)",
    "kill_shells": "every open shell is gone, once and now (`server`)",
    "exit_process": "the whole fake exits just before the next call of `cmdlet`",
    "service_start_fails": "the next start of the service `service` fails",
    "restart_site": "the web service behind the next request restarts and is back after `seconds`",
    "slow_request": "the next request is executed, its answer comes `seconds` late",
    "restart_server": "every service of the server stops, and is back after `seconds`",
    "hold": "the next request waits to be released, and is then dropped (with `execute`: executed)",
}

#: Kinds that strike at a request on the wire, so that `request` can say at which.
AT_REQUESTS = (
    "drop_connection",
    "hold",
    "kill_shell",
    "lose_answer",
    "restart_server",
    "restart_site",
    "slow_request",
)

#: Kinds that are not kept but happen when they are armed.
IMMEDIATE = ("drop_idle", "kill_shells")


@dataclass
class Fault:
    """One armed fault. Empty selectors match anything; `skip` lets the first n matches pass,
    `times` is how often it fires (-1: for ever)."""

    kind: str
    server: str | None = None
    cmdlet: str | None = None
    verb: str | None = None
    port: str | None = None
    service: str | None = None
    account: str | None = None
    message: str = "The operation couldn't be performed."
    seconds: float = 0.0
    request: int | None = None
    """The first request with this number, or a later one that matches the rest."""
    endpoint: str | None = None
    terminating: bool = False
    """Of fail_cmdlet: the pipeline fails, not just the cmdlet."""
    after: bool = False
    """Of fail_cmdlet: the cmdlet takes effect and reports an error all the same."""
    stubborn: bool = False
    """Of slow_cmdlet: it waits for something remote and does not notice that it is to stop."""
    execute: bool = False
    """Of hold: the request is executed when it is released, and answered."""
    skip: int = 0
    times: int = 1

    def matches(
        self, kind: str, where: Mapping[str, str | None], *, number: int | None, after: bool
    ) -> bool:
        if kind != self.kind or after != self.after:
            return False
        if self.request is not None and (number is None or number < self.request):
            return False
        for name, value in where.items():
            wanted = getattr(self, name)
            if wanted and (value is None or wanted.casefold() != value.casefold()):
                return False
        return True


class Faults:
    """The armed faults; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []
        self._fired: list[dict[str, object]] = []
        self._released = threading.Event()
        self._abandoned = False
        self._holding = 0
        self._actions: dict[str, list[Callable[[Fault], None]]] = {}

    def on(self, kind: str, action: Callable[[Fault], None]) -> None:
        """Have `action` called whenever a fault of an immediate kind is armed."""
        with self._lock:
            self._actions.setdefault(kind, []).append(action)

    def arm(self, fault: Fault) -> None:
        """Raises ValueError for a kind that does not exist, or for one that could never strike."""
        _check(fault)
        with self._lock:
            if fault.kind not in IMMEDIATE:
                self._armed.append(fault)
                return
            actions = list(self._actions.get(fault.kind, ()))
        for action in actions:
            action(fault)

    def clear(self) -> None:
        """Disarm all, forget what struck, and abandon what is held."""
        with self._lock:
            self._armed.clear()
            self._fired.clear()
            self._abandoned = True
            self._released.set()

    def armed(self) -> list[dict[str, object]]:
        with self._lock:
            return [asdict(fault) for fault in self._armed]

    def fired(self) -> list[dict[str, object]]:
        """The faults that struck since the last clearing, and where."""
        with self._lock:
            return list(self._fired)

    @property
    def holding(self) -> int:
        """How many requests wait to be released."""
        return self._holding

    def hold(self) -> bool:
        """Wait until released; False if the request has been abandoned instead."""
        with self._lock:
            self._released.clear()
            self._abandoned = False
            self._holding += 1
        self._released.wait()
        with self._lock:
            self._holding -= 1
            return not self._abandoned

    def release(self) -> None:
        """Let go of every request that is held."""
        self._released.set()

    def take(
        self,
        kind: str,
        where: Mapping[str, str | None],
        *,
        number: int | None = None,
        after: bool = False,
    ) -> Fault | None:
        """The fault to fire now, if one is armed for this place (server, cmdlet, verb, port,
        service, account, endpoint) and request number; counts it down."""
        with self._lock:
            for fault in self._armed:
                if not fault.matches(kind, where, number=number, after=after):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    return None
                if fault.times > 0:
                    fault.times -= 1
                    if fault.times == 0:
                        self._armed.remove(fault)
                self._fired.append({"kind": kind, "request": number, **where})
                return fault
        return None


def _check(fault: Fault) -> None:
    if fault.kind not in KINDS:
        raise ValueError(f"unknown fault '{fault.kind}'; known: {', '.join(sorted(KINDS))}")
    if fault.request is not None and fault.kind not in AT_REQUESTS:
        raise ValueError(f"request is for faults of the wire, not for {fault.kind}")
    if (fault.after or fault.terminating) and fault.kind != "fail_cmdlet":
        raise ValueError(f"after and terminating are for fail_cmdlet, not for {fault.kind}")
    if fault.stubborn and fault.kind != "slow_cmdlet":
        raise ValueError(f"stubborn is for slow_cmdlet, not for {fault.kind}")
    if fault.execute and fault.kind != "hold":
        raise ValueError(f"execute is for hold, not for {fault.kind}")
