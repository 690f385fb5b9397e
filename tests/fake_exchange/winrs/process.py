# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process runs on which machine? The pretended server behind a program, who has started it,
and how it is ended from outside."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from fake_exchange.organisation.service_manager import ServiceManager

if TYPE_CHECKING:
    from fake_exchange.organisation.model import Organisation, Server

#: The exit code of a process that was ended from outside (STATUS_CONTROL_C_EXIT).
STOPPED_EXIT_CODE = -1073741510


class Stopped(Exception):
    """The process was ended from outside; what it had under way continues."""


@dataclass(eq=False)
class Machine:
    """The server, and the user on it."""

    organisation: Organisation
    server: Server
    user: str = "CONTOSO\\Administrator"

    @property
    def name(self) -> str:
        return self.server.Name

    def utc_now(self) -> datetime:
        """The server's clock, which need not be right."""
        return datetime.now(timezone.utc) + timedelta(seconds=self.server.clock_offset)


@dataclass(eq=False)
class Process:
    """One running program. Every wait is one of `sleep`, which ends with the process."""

    machine: Machine
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def organisation(self) -> Organisation:
        return self.machine.organisation

    @property
    def server(self) -> Server:
        return self.machine.server

    @property
    def services(self) -> ServiceManager:
        return ServiceManager(self.organisation, self.server)

    def seconds(self) -> float:
        """A clock that only runs forward."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Raises Stopped as soon as the process is ended."""
        if self.stopped.wait(seconds):
            raise Stopped

    def check_stopped(self) -> None:
        self.sleep(0)
