# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""services.ps1: query, start, stop or restart services in the given order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fake_exchange.organisation.service_manager import Win32Error
from fake_exchange.winrs.scripts.conversion import number, several, text

if TYPE_CHECKING:
    from fake_exchange.organisation.model import Service
    from fake_exchange.winrs.process import Process

_LOOK_AGAIN = 0.2


class _Trouble(Exception):
    """What ends up as `error` of a report."""


def run(process: Process, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"services": _Steps(process, parameters).reports()}


class _Steps:
    def __init__(self, process: Process, parameters: dict[str, Any]) -> None:
        self._process = process
        self._manager = process.services
        self._action = text(parameters.get("action")).casefold()
        self._timeout = number(parameters.get("timeout"))
        self._names = several(parameters.get("services"))
        self._restarted: set[str] = set()
        self._failed = False

    def reports(self) -> list[dict[str, Any]]:
        installed = {one.Name.casefold(): one for one in self._manager.installed()}
        reports = []
        for name in self._names:
            service = installed.get(text(name).casefold())
            missing = {"name": name, "exists": False}
            reports.append(missing if service is None else self._report(service))
        return reports

    def _report(self, service: Service) -> dict[str, Any]:
        self._process.check_stopped()
        before = self._manager.status(service)
        report: dict[str, Any] = {
            "name": service.Name,
            "exists": True,
            "display_name": service.DisplayName,
            "start_type": service.StartType,
            "status_before": before,
            "dependents": [],
            "changed": False,
            "skipped": self._failed,
            "error": None,
        }
        began = self._process.seconds()
        if not self._failed:
            try:
                self._act(service, before, report)
            except (_Trouble, Win32Error) as trouble:
                self._failed = True
                report["error"] = str(trouble)
        report["seconds"] = round(self._process.seconds() - began, 1)
        report["status"] = self._manager.status(service)
        return report

    def _act(self, service: Service, before: str, report: dict[str, Any]) -> None:
        dependents: list[Service] = []
        if self._action in ("stop", "restart"):
            every = self._manager.dependents(service)
            dependents = [one for one in every if self._manager.status(one) != "Stopped"]
            report["dependents"] = [one.Name for one in dependents]
        if self._action == "start" and before != "Running":
            report["changed"] = True
            self._start(service)
        if self._action == "stop" and before != "Stopped":
            report["changed"] = True
            self._stop(*dependents, service)
        if self._action == "restart" and service.Name not in self._restarted:
            report["changed"] = True
            if before != "Stopped":
                self._stop(*dependents, service)
            self._start(service, *reversed(dependents))
            self._restarted |= {service.Name, *report["dependents"]}

    def _stop(self, *services: Service) -> None:
        for service in services:
            if self._settled_status(service) != "Stopped":
                self._manager.stop(service)
            self._wait(service, "Stopped")

    def _start(self, *services: Service) -> None:
        for service in services:
            if self._settled_status(service) not in ("Running", "StartPending"):
                self._manager.start(service)
            self._wait(service, "Running")

    def _settled_status(self, service: Service) -> str:
        if self._manager.status(service) == "StopPending":
            self._wait(service, "Stopped")
        return self._manager.status(service)

    def _wait(self, service: Service, wanted: str) -> None:
        deadline = self._process.seconds() + self._timeout
        while (status := self._manager.status(service)) != wanted:
            if wanted == "Running" and status == "Stopped":
                raise _Trouble(f"Service {service.Name} stopped again while it started.")
            if self._process.seconds() > deadline:
                raise _Trouble(
                    f"Service {service.Name} is {status} and did not become {wanted} within "
                    f"{self._timeout} seconds."
                )
            self._process.sleep(_LOOK_AGAIN)
