# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a ServiceController know, and what can it do? Windows' view of the pretended server's
services: dependencies, states, and starts that take their time."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from fake_exchange.organisation import services

from ..conversion import cast, to_text
from ..dotnet_enums import enum_value
from ..environment import Machine
from ..values import NOTHING, MemberNotFound, MethodFailed, NetObject, TypeRef

if TYPE_CHECKING:
    from fake_exchange.organisation.model import Service

    from ..interpreter import Interpreter

_STATUS = "System.ServiceProcess.ServiceControllerStatus"
_START_MODE = "System.ServiceProcess.ServiceStartMode"
_TOPOLOGY = "MSExchangeADTopology"
_POLL_SECONDS = 0.05

#: Service -> services it depends on, as a Mailbox server has them (capture
#: service/exlab-GetServiceMSExchangeMitigationRunning.xml for the topology service).
_DEPENDENCIES: dict[str, tuple[str, ...]] = {
    "W3SVC": ("WAS",),
    "MSExchangeDiagnostics": (),
    "MSExchangeHM": (),
    _TOPOLOGY: (),
}


@dataclass(frozen=True)
class Known:
    """One installed service."""

    machine: Machine
    service: Service

    @property
    def name(self) -> str:
        return self.service.Name

    @property
    def display_name(self) -> str:
        return self.service.DisplayName

    @property
    def start_type(self) -> str:
        return self.service.StartType


def known_services(machine: Machine) -> list[Known]:
    """The installed services, by name."""
    if machine.server is None:
        return []
    every = sorted(machine.server.services.values(), key=lambda one: one.Name.casefold())
    return [Known(machine, one) for one in every]


def find_service(machine: Machine, name: str) -> Known | None:
    return next((k for k in known_services(machine) if k.name.casefold() == name.casefold()), None)


def state_text(known: Known) -> str:
    return known.service.Status


def process_id_of(known: Known) -> int:
    """A number that changes with each start; 0 while it does not run."""
    if known.service.Status == "Stopped":
        return 0
    return 1000 + 4 * ((zlib.crc32(known.name.encode()) + known.service.starts) % 12_000)


def depends_on(known: Known) -> list[Known]:
    names = _DEPENDENCIES.get(known.name)
    if names is None:
        names = (_TOPOLOGY,) if known.name.startswith("MSExchange") else ()
    found = (find_service(known.machine, name) for name in names)
    return [one for one in found if one is not None]


def dependents(known: Known) -> list[Known]:
    """The services that depend on this one."""
    return [
        other
        for other in known_services(known.machine)
        if any(base.name == known.name for base in depends_on(other))
    ]


def start(known: Known) -> None:
    """Start a service and, before it, what it depends on. Raises services.ServiceRefused."""
    organisation, server = known.machine.organisation, known.machine.server
    assert organisation is not None
    assert server is not None
    for base in depends_on(known):
        if base.service.Status != "Running":
            start(base)
    services.start(organisation, server, known.name)


def stop(known: Known) -> None:
    """Stop a service and, before it, what depends on it."""
    organisation, server = known.machine.organisation, known.machine.server
    assert organisation is not None
    assert server is not None
    for dependent in dependents(known):
        if dependent.service.Status != "Stopped":
            stop(dependent)
    services.stop(organisation, server, known.name)


class Transition:
    """A start or stop under way: it goes on when nobody waits for it any more, as in Windows."""

    def __init__(self, known: Known, *, starting: bool) -> None:
        self.failure: services.ServiceRefused | None = None
        self._known = known
        self._action = start if starting else stop
        self._thread = threading.Thread(target=self._run, name=f"service {known.name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._action(self._known)
        except services.ServiceRefused as refused:
            self.failure = refused

    def wait(self, interpreter: Interpreter, seconds: float) -> bool:
        """Whether it is over after at most `seconds`. Raises Stopped with the process."""
        waited = 0.0
        while self._thread.is_alive() and waited < seconds:
            self._thread.join(_POLL_SECONDS)
            interpreter.check_stopped()
            waited += _POLL_SECONDS
        return not self._thread.is_alive()


class ServiceController(NetObject):
    """System.ServiceProcess.ServiceController: the status is that of the last look, until
    Refresh()."""

    type_names = (
        "System.ServiceProcess.ServiceController",
        "System.ComponentModel.Component",
        "System.MarshalByRefObject",
        "System.Object",
    )

    def __init__(self, interpreter: Interpreter, known: Known) -> None:
        self._interpreter = interpreter
        self.known = known
        self._status: str | None = known.service.Status

    @classmethod
    def named(cls, interpreter: Interpreter, name: str) -> ServiceController:
        """Raises MethodFailed if there is no such service."""
        known = find_service(interpreter.machine, name)
        if known is None:
            raise MethodFailed(
                "System.InvalidOperationException",
                f"Service {name} was not found on computer '.'.",
            )
        return cls(interpreter, known)

    def to_text(self) -> str:
        return self.known.name

    @property
    def status(self) -> str:
        if self._status is None:
            self._status = self.known.service.Status
        return self._status

    def _several(self, every: Iterable[Known]) -> list[object]:
        return [ServiceController(self._interpreter, one) for one in every]

    def get(self, name: str) -> object:
        match name.casefold():
            case "name" | "servicename":
                return self.known.name
            case "displayname":
                return self.known.display_name
            case "status":
                return enum_value(_STATUS, self.status)
            case "starttype":
                return enum_value(_START_MODE, self.known.start_type)
            case "servicetype":
                return enum_value("System.ServiceProcess.ServiceType", "Win32OwnProcess")
            case "servicesdependedon" | "requiredservices":
                return self._several(depends_on(self.known))
            case "dependentservices":
                return self._several(dependents(self.known))
            case "machinename":
                return "."
            case "canstop" | "canshutdown":
                return self.status == "Running"
            case "canpauseandcontinue":
                return False
            case "servicehandle" | "site" | "container":
                return None
        raise MemberNotFound(name)

    def property_names(self) -> list[str]:
        return [
            "Name",
            "RequiredServices",
            "CanPauseAndContinue",
            "CanShutdown",
            "CanStop",
            "DisplayName",
            "DependentServices",
            "MachineName",
            "ServiceName",
            "ServicesDependedOn",
            "ServiceHandle",
            "Status",
            "ServiceType",
            "StartType",
            "Site",
            "Container",
        ]

    def call(self, name: str, arguments: list[object]) -> object:
        match name.casefold(), arguments:
            case ("refresh", []):
                self._status = None
            case ("close" | "dispose", []):
                pass
            case ("waitforstatus", [wanted, *span]):
                self._wait(wanted, span[0] if span else None)
            case ("start", _):
                self._start()
            case ("stop", []):
                self._stop()
            case _:
                raise MemberNotFound(name)
        return NOTHING

    def _start(self) -> None:
        if self.known.start_type == "Disabled" or self.known.service.Status == "Running":
            raise MethodFailed(
                "System.InvalidOperationException",
                f"Cannot start service {self.known.name} on computer '.'.",
            )
        Transition(self.known, starting=True)
        self._settle_pending("Stopped")

    def _stop(self) -> None:
        if self.known.service.Status == "Stopped":
            raise MethodFailed(
                "System.InvalidOperationException",
                f"Cannot stop service {self.known.name} on computer '.'.",
            )
        Transition(self.known, starting=False)
        self._settle_pending("Running")

    def _settle_pending(self, before: str) -> None:
        """Start() and Stop() return when the service manager has taken the order."""
        for _ in range(20):
            if self.known.service.Status != before:
                return
            self._interpreter.sleep(_POLL_SECONDS / 10)

    def _wait(self, wanted: object, span: object) -> None:
        status = to_text(cast(wanted, TypeRef(_STATUS)))
        limit: timedelta | None = None
        if span is not None:
            converted = cast(span, TypeRef("System.TimeSpan"))
            assert isinstance(converted, timedelta)
            limit = converted
        began = self._interpreter.machine.ticks()
        while self.known.service.Status != status:
            elapsed = self._interpreter.machine.ticks() - began
            if limit is not None and elapsed >= limit.total_seconds():
                raise MethodFailed(
                    "System.ServiceProcess.TimeoutException",
                    "Time out has expired and the operation has not been completed.",
                )
            self._interpreter.sleep(_POLL_SECONDS)
        self._status = status
