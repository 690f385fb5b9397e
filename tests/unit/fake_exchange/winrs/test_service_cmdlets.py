# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do the service cmdlets and ServiceController do to the pretended server's services, and how
do they fail?"""

from __future__ import annotations

import threading

import pytest

from fake_exchange.faults import Fault
from fake_exchange.winrs.powershell import run_script_text

PATIENCE = 30.0
CAUGHT = (
    "catch { $_.FullyQualifiedErrorId.Split(',')[0]; $_.CategoryInfo.Category; "
    "$_.Exception.Message }"
)


def test_get_service_shows_what_windows_shows(lines) -> None:
    script = """
$s = Get-Service -Name msexchangetransport
$s.Name; $s.DisplayName; [string]$s.Status; [int]$s.Status; [string]$s.StartType; $s.MachineName
$s.ServicesDependedOn | ForEach-Object Name
$s.Status -eq 'Running'
"$s"
"""
    assert lines(script) == [
        "MSExchangeTransport",
        "Microsoft Exchange Transport",
        "Running",
        "4",
        "Automatic",
        ".",
        "MSExchangeADTopology",
        "True",
        "MSExchangeTransport",
    ]


def test_get_service_selects(lines) -> None:
    assert lines("Get-Service MSExchangeI* | ForEach-Object Name") == [
        "MSExchangeIMAP4",
        "MSExchangeIMAP4BE",
        "MSExchangeIS",
    ]
    assert lines("(Get-Service -DisplayName '*Transport' ).Name") == [
        "MSExchangeFrontEndTransport",
        "MSExchangeTransport",
    ]
    assert lines("'W3SVC', 'WAS' | Get-Service | ForEach-Object Name") == ["W3SVC", "WAS"]
    assert lines("@(Get-Service nothing*).Count") == ["0"]
    assert lines("(Get-Service WAS).DependentServices.Name") == ["W3SVC"]


def test_the_table_that_the_host_prints(lines) -> None:
    assert lines("Get-Service W3SVC")[1:4] == [
        "Status  Name  DisplayName",
        "------  ----  -----------",
        "Running W3SVC World Wide Web Publishing Service",
    ]


def test_stop_and_start_change_the_server(lines, server) -> None:
    lines("Stop-Service MSExchangeTransport")
    assert server.services["MSExchangeTransport"].Status == "Stopped"
    assert lines("(Start-Service MSExchangeTransport -PassThru).Status") == ["Running"]
    assert server.services["MSExchangeTransport"].starts == 1


def test_a_restart_starts_once(lines, organisation, server) -> None:
    lines("Restart-Service -Name MSExchangeTransport, MSExchangeFrontEndTransport")
    starts = organisation.counters.as_dict()["servers"]["EX01"]["service_starts"]
    assert starts == {"MSExchangeTransport": 1, "MSExchangeFrontEndTransport": 1}


def test_starting_what_runs_does_nothing(lines, server) -> None:
    lines("Start-Service W3SVC")
    assert server.services["W3SVC"].starts == 0


def test_dependents_keep_a_service_from_stopping(lines, server) -> None:
    assert lines(f"try {{ Stop-Service WAS -ErrorAction Stop }} {CAUGHT}") == [
        "ServiceHasDependentServices",
        "InvalidOperation",
        "Cannot stop service 'Windows Process Activation Service (WAS)' because it has dependent "
        "services. It can only be stopped if the Force flag is set.",
    ]
    assert server.services["WAS"].Status == "Running"


def test_force_takes_the_dependents_along(lines, server) -> None:
    lines("Stop-Service WAS -Force")
    assert server.services["W3SVC"].Status == "Stopped"
    lines("Start-Service W3SVC")
    assert server.services["WAS"].Status == "Running"


def test_a_forced_restart_brings_the_dependents_back(lines, server) -> None:
    lines("Restart-Service WAS -Force")
    assert server.services["W3SVC"].Status == "Running"
    assert server.services["W3SVC"].starts == 1


def test_a_disabled_service_does_not_start(lines, server) -> None:
    server.services["MSExchangePOP3"].StartType = "Disabled"
    assert lines(f"try {{ Start-Service MSExchangePOP3 -ErrorAction Stop }} {CAUGHT}") == [
        "CouldNotStartService",
        "OpenError",
        "Service 'Microsoft Exchange POP3 (MSExchangePOP3)' cannot be started due to the following "
        "error: Cannot start service MSExchangePOP3 on computer '.'.",
    ]


def test_a_service_that_fails_to_start(lines, organisation) -> None:
    organisation.faults.arm(Fault("service_start_fails", service="MSExchangeTransport"))
    assert lines(f"try {{ Restart-Service MSExchangeTransport -EA Stop }} {CAUGHT}") == [
        "StartServiceFailed",
        "OpenError",
        "Failed to start service 'Microsoft Exchange Transport (MSExchangeTransport)'.",
    ]


def test_what_if_changes_nothing(lines, server) -> None:
    lines("Stop-Service W3SVC -WhatIf")
    assert server.services["W3SVC"].Status == "Running"


class SlowStart:
    """Starts and stops of services take until they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.under_way = threading.Event()
        self.go_on = threading.Event()
        monkeypatch.setattr("fake_exchange.organisation.services.time.sleep", self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.under_way.set()
        assert self.go_on.wait(PATIENCE)


@pytest.fixture
def slow_start(monkeypatch: pytest.MonkeyPatch):
    slow = SlowStart(monkeypatch)
    yield slow
    slow.go_on.set()


def test_a_controller_starts_without_waiting(lines, server, slow_start) -> None:
    server.services["W3SVC"].Status = "Stopped"
    script = """
$s = Get-Service W3SVC
$s.Start()
"$($s.Status)"
$s.Refresh()
"$($s.Status)"
try { $s.WaitForStatus('Running', [TimeSpan]::FromMilliseconds(120)) } catch {
    $_.Exception.GetType().Name; $_.Exception.InnerException.GetType().FullName }
"""
    assert lines(script) == [
        "Stopped",
        "StartPending",
        "MethodInvocationException",
        "System.ServiceProcess.TimeoutException",
    ]


def test_waiting_for_a_status(lines, server, slow_start) -> None:
    slow_start.go_on.set()
    server.services["W3SVC"].Status = "Stopped"
    script = (
        "$s = Get-Service W3SVC; $s.Start(); $s.WaitForStatus('Running', '00:00:30'); $s.Status"
    )
    assert lines(script) == ["Running"]


def test_a_start_goes_on_when_its_process_is_ended(organisation, server, slow_start) -> None:
    service = server.services["W3SVC"]
    service.Status = "Stopped"
    stopped, settled = threading.Event(), threading.Event()
    organisation.service_observers.append(lambda *_: settled.set())
    process = threading.Thread(
        target=run_script_text,
        args=("Start-Service W3SVC",),
        kwargs={"organisation": organisation, "server": server, "stopped": stopped},
    )
    process.start()
    assert slow_start.under_way.wait(PATIENCE)
    stopped.set()
    process.join(PATIENCE)
    assert not process.is_alive()
    assert service.Status == "StartPending"
    slow_start.go_on.set()
    assert settled.wait(PATIENCE)
    assert service.Status == "Running"


def test_processes_of_services_have_other_numbers_after_a_restart(lines) -> None:
    script = """
$before = (Get-CimInstance Win32_Service -Filter "Name='MSExchangeTransport'").ProcessId
Restart-Service MSExchangeTransport
$after = (Get-CimInstance Win32_Service -Filter "Name='MSExchangeTransport'").ProcessId
$before -gt 0; $before -ne $after
"""
    assert lines(script) == ["True", "True"]


def test_iisreset_restarts_the_web_service(run, server) -> None:
    result = run("iisreset /noforce | Select-Object -Last 1; $LASTEXITCODE")
    assert result.stdout.splitlines() == ["Internet services successfully restarted", "0"]
    assert server.services["W3SVC"].starts == 1
