# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does Windows' service control manager say to a request? Its states, dependencies and error
numbers; a start or stop that it has taken continues when nobody waits for it any more."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from fake_exchange.organisation import services

if TYPE_CHECKING:
    from fake_exchange.organisation.model import Organisation, Server, Service

DEPENDENT_SERVICES_RUNNING = 1051
SERVICE_ALREADY_RUNNING = 1056
SERVICE_DISABLED = 1058
SERVICE_CANNOT_ACCEPT_CTRL = 1061
SERVICE_NOT_ACTIVE = 1062
SERVICE_DEPENDENCY_FAIL = 1068

#: What a Win32Exception says.
ERROR_TEXTS = {
    5: "Access is denied",
    1051: "A stop control has been sent to a service that other running services are dependent on",
    1052: "The requested control is not valid for this service",
    1056: "An instance of the service is already running",
    1058: "The service cannot be started, either because it is disabled or because it has no "
    "enabled devices associated with it",
    1061: "The service cannot accept control messages at this time",
    1062: "The service has not been started",
    1068: "The dependency service or group failed to start",
}


class Win32Error(Exception):
    """A request was refused with this number of Windows."""

    def __init__(self, number: int) -> None:
        super().__init__(ERROR_TEXTS[number])
        self.number = number


class ServiceManager:
    """The services of one server."""

    def __init__(self, organisation: Organisation, server: Server) -> None:
        self.organisation = organisation
        self.server = server

    def installed(self) -> list[Service]:
        return list(self.server.services.values())

    def status(self, service: Service) -> str:
        return service.Status

    def dependents(self, service: Service) -> list[Service]:
        """All that depend on it, directly or not, each behind its own dependents."""
        found: list[Service] = []
        for other in self.installed():
            if service.Name in other.depends_on:
                found += [*self.dependents(other), other]
        return found

    def start(self, service: Service) -> None:
        """StartService: returns as soon as the start is under way. Raises Win32Error."""
        if self.status(service) != "Stopped":
            raise Win32Error(SERVICE_ALREADY_RUNNING)
        if service.StartType == "Disabled":
            raise Win32Error(SERVICE_DISABLED)
        for name in service.depends_on:
            base = self.server.services[name]
            if self.status(base) == "Stopped":
                try:
                    self.start(base)
                except Win32Error:
                    raise Win32Error(SERVICE_DEPENDENCY_FAIL) from None
        self._begin(service, starting=True)

    def stop(self, service: Service) -> None:
        """ControlService with SERVICE_CONTROL_STOP: returns as soon as the stop is under way.

        Raises Win32Error.
        """
        status = self.status(service)
        if status == "Stopped":
            raise Win32Error(SERVICE_NOT_ACTIVE)
        if status != "Running":
            raise Win32Error(SERVICE_CANNOT_ACCEPT_CTRL)
        if any(self.status(other) != "Stopped" for other in self.dependents(service)):
            raise Win32Error(DEPENDENT_SERVICES_RUNNING)
        self._begin(service, starting=False)

    def _begin(self, service: Service, *, starting: bool) -> None:
        begin = services.begin_start if starting else services.begin_stop
        finish = begin(self.organisation, self.server, service.Name)

        def complete() -> None:
            # A service that fails to start is Stopped again; that is all Windows says of it.
            with suppress(services.ServiceRefused):
                finish()

        name = f"service {service.Name}"
        threading.Thread(target=complete, name=name, daemon=True).start()
