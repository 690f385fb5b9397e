# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which machine does a script run? The pretended server behind the cmdlets, its clock, its
environment variables and its encodings."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .values import CustomObject, Hashtable

if TYPE_CHECKING:
    from fake_exchange.organisation.model import Organisation, Server


@dataclass(eq=False)
class Machine:
    """`server` and `organisation` are what the stub cmdlets act on; without them (None) scripts
    run, and those cmdlets find nothing."""

    organisation: Organisation | None = None
    server: Server | None = None
    user: str = "CONTOSO\\Administrator"
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given: Mapping[str, str] = dict(self.environment)
        self.environment = {
            "COMPUTERNAME": self.name,
            "USERNAME": self.user.rpartition("\\")[2],
            "SYSTEMROOT": r"C:\Windows",
            "WINDIR": r"C:\Windows",
            "TEMP": r"C:\Users\Administrator\AppData\Local\Temp",
            "PROGRAMDATA": r"C:\ProgramData",
            "PROCESSOR_ARCHITECTURE": "AMD64",
            **{name.upper(): value for name, value in given.items()},
        }

    @property
    def name(self) -> str:
        return self.server.Name if self.server else "SERVER"

    def environment_variable(self, name: str) -> str | None:
        return self.environment.get(name.upper())

    @staticmethod
    def version_table() -> Hashtable:
        def version(text: str) -> CustomObject:
            names = ("Major", "Minor", "Build", "Revision")
            parts = [(n, int(v)) for n, v in zip(names, text.split("."), strict=False)]
            return CustomObject(parts, type_names=("System.Version", "System.Object"), text=text)

        return Hashtable(
            [
                ("PSVersion", version("5.1.20348.2849")),
                ("PSEdition", "Desktop"),
                ("CLRVersion", version("4.0.30319.42000")),
                ("BuildVersion", version("10.0.20348.2849")),
            ]
        )

    @staticmethod
    def host_object() -> CustomObject:
        return CustomObject(
            [("Name", "ConsoleHost"), ("Version", "5.1.20348.2849")],
            type_names=(
                "System.Management.Automation.Internal.Host.InternalHost",
                "System.Object",
            ),
            text="System.Management.Automation.Internal.Host.InternalHost",
        )

    def now(self) -> datetime:
        """The server's clock, which need not be right."""
        offset = self.server.clock_offset if self.server else 0.0
        return datetime.now() + timedelta(seconds=offset)

    @staticmethod
    def ticks() -> float:
        """Seconds of the monotonic clock, for stopwatches."""
        return time.monotonic()
