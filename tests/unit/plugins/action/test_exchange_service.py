# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does exchange_service start, stop and restart services, and wait for SMTP?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.action import exchange_service
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    EndpointUnreachable,
    OutcomeUnknown,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.smtp_banner import (
    SmtpAnswer,
)
from support.action_runner import RecordingConnection, run_action

TRANSPORT = ["MSExchangeTransport", "MSExchangeFrontEndTransport"]
REACHED = {"start": "Running", "stop": "Stopped", "restart": "Running"}


@dataclass
class ModelWindows:
    """In place of a WindowsSession: services by name, and what was asked of them."""

    services: dict[str, str]
    start_types: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    # What happens at the next changing runs instead of an answer.
    lost: list[Exception] = field(default_factory=list)
    # After so many changing runs nothing fails any more.
    mended_after: int = 99

    def run(
        self,
        script_name: str,
        parameters: Mapping[str, Any],
        *,
        changing: bool = False,
        deadline: float | None = None,
    ) -> dict[str, Any]:
        assert script_name == "services"
        assert changing == (parameters["action"] != "query")
        self.runs.append(dict(parameters))
        if len(self.actions) > self.mended_after:
            self.errors.clear()
        if changing and self.lost:
            # The script died between stop and start.
            self.services.update(dict.fromkeys(parameters["services"], "Stopped"))
            raise self.lost.pop(0)
        return {
            "services": [self._one(name, parameters["action"]) for name in parameters["services"]]
        }

    def _one(self, name: str, action: str) -> dict[str, Any]:
        name = next((one for one in self.services if one.lower() == name.lower()), name)
        if name not in self.services:
            return {"name": name, "exists": False}
        before = self.services[name]
        if action != "query" and name not in self.errors:
            self.services[name] = REACHED[action]
        return {
            "name": name,
            "exists": True,
            "start_type": self.start_types.get(name, "Automatic"),
            "status_before": before,
            "status": self.services[name],
            "changed": action == "restart" or before != self.services[name],
            "seconds": 1.5,
            "error": self.errors.get(name),
        }

    @property
    def actions(self) -> list[tuple[str, list[str]]]:
        """The script runs that are not just questions."""
        return [(run["action"], run["services"]) for run in self.runs if run["action"] != "query"]


@dataclass
class Runner:
    windows: ModelWindows
    waited: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, *, check_mode: bool = False, diff: bool = False, **options: Any) -> Any:
        connection = RecordingConnection(
            windows=self.windows, options={"remote_addr": "ex01.contoso.test"}
        )
        return run_action(
            "exchange_service", options, connection=connection, check_mode=check_mode, diff=diff
        )


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Runner:
    runner = Runner(
        ModelWindows(
            {
                "MSExchangeTransport": "Running",
                "MSExchangeFrontEndTransport": "Running",
                "MSExchangeIMAP4": "Stopped",
                "MSExchangePOP3": "Running",
            }
        )
    )

    def wait(host: str, port: int, *, timeout: float) -> SmtpAnswer:
        runner.waited.append((host, port))
        return SmtpAnswer(host=host, port=port, banner="220 ready", seconds=0.5)

    monkeypatch.setattr(exchange_service, "wait_for_banner", wait)
    monkeypatch.setattr(exchange_service.ActionModule, "sleep", staticmethod(lambda seconds: None))
    return runner


def test_transport_is_restarted_in_one_script_and_smtp_waited_for(run: Runner) -> None:
    result = run(state="restarted")

    assert run.windows.actions == [("restart", TRANSPORT)]
    assert run.waited == [("ex01.contoso.test", 25)]
    assert result["changed"] is True
    assert result["changes"] == [f"Restarted {name} on EX01." for name in TRANSPORT]
    assert result["services"][0] == {
        "name": "MSExchangeTransport",
        "exists": True,
        "status_before": "Running",
        "status": "Running",
        "start_type": "Automatic",
        "seconds": 1.5,
    }
    assert result["smtp"] == [
        {"host": "ex01.contoso.test", "port": 25, "banner": "220 ready", "seconds": 0.5}
    ]


def test_names_in_another_case_are_those_of_the_server(run: Runner) -> None:
    result = run(state="restarted", names=["msexchangetransport"])

    assert run.windows.actions == [("restart", ["MSExchangeTransport"])]
    assert run.waited == [("ex01.contoso.test", 25)]
    assert result["changes"] == ["Restarted MSExchangeTransport on EX01."]


def test_what_runs_is_not_started_again(run: Runner) -> None:
    result = run(state="started")

    assert result["changed"] is False
    assert run.windows.actions == []


def test_only_what_is_not_running_is_started(run: Runner) -> None:
    run.windows.services["MSExchangeTransport"] = "Stopped"

    result = run(state="started", diff=True)

    assert run.windows.actions == [("start", ["MSExchangeTransport"])]
    assert result["changes"] == ["Started MSExchangeTransport on EX01."]
    assert result["diff"]["before"]["MSExchangeTransport"] == "Stopped"
    assert result["diff"]["after"]["MSExchangeTransport"] == "Running"
    assert run(state="started")["changed"] is False


def test_stopping_waits_for_no_smtp_and_happens_once(run: Runner) -> None:
    assert run(state="stopped")["changed"] is True
    assert run(state="stopped")["changed"] is False
    assert run.windows.actions == [("stop", TRANSPORT)]
    assert run.waited == []


@pytest.mark.parametrize("state", ["started", "stopped", "restarted"])
def test_check_mode_only_asks(run: Runner, state: str) -> None:
    run.windows.services["MSExchangeTransport"] = "Stopped" if state == "started" else "Running"

    result = run(state=state, check_mode=True, diff=True)

    assert result["changed"] is True
    assert run.windows.actions == []
    assert run.waited == []
    assert result["diff"]["before"] != result["diff"]["after"]


def test_an_optional_service_may_be_missing(run: Runner) -> None:
    result = run(state="started", names=[], optional_names=["MSExchangeUMCR", "MSExchangeIMAP4"])

    assert run.windows.actions == [("start", ["MSExchangeIMAP4"])]
    assert result["services"][0]["exists"] is False
    assert result["services"][0]["status"] is None


def test_an_optional_service_that_does_not_run_is_not_restarted(run: Runner) -> None:
    result = run(state="restarted", names=[], optional_names=["MSExchangePOP3", "MSExchangeIMAP4"])

    assert run.windows.actions == [("restart", ["MSExchangePOP3"])]
    assert result["services"][1]["status"] == "Stopped"


def test_a_missing_service_fails_before_any_is_touched(run: Runner) -> None:
    result = run(state="restarted", names=[*TRANSPORT, "MSExchangeNothing"])

    assert result["failed"] is True
    assert "EX01 has no service MSExchangeNothing" in result["msg"]
    assert result["missing"] == ["MSExchangeNothing"]
    assert run.windows.actions == []


def test_a_disabled_service_fails_before_any_is_touched(run: Runner) -> None:
    run.windows.start_types["MSExchangeFrontEndTransport"] = "Disabled"

    result = run(state="restarted")

    assert result["failed"] is True
    assert "is disabled" in result["msg"]
    assert run.windows.actions == []


def test_a_service_that_does_not_come_back_is_a_failure_with_the_words_of_windows(
    run: Runner,
) -> None:
    run.windows.services["MSExchangeTransport"] = "Stopped"
    run.windows.errors["MSExchangeTransport"] = "Service cannot be started."

    result = run(state="started")

    assert result["failed"] is True
    assert "Service cannot be started." in result["msg"]
    assert result["service"] == "MSExchangeTransport"
    assert result["services_left_alone"] == []
    assert "skipped" not in result
    assert result["services"][0]["status"] == "Stopped"


def test_a_failure_reports_how_the_service_is_and_what_was_left_alone() -> None:
    touched = {
        "MSExchangeTransport": {"status": "Stopped", "error": "Service cannot be started."},
        "MSExchangeFrontEndTransport": {"status": "Running", "skipped": True},
    }
    with pytest.raises(StateNotReached) as caught:
        exchange_service.check_reached(touched, "restarted", server="EX01")
    assert caught.value.message.startswith(
        "MSExchangeTransport on EX01 could not be restarted: Service cannot be started. "
        "It is Stopped now. Left alone after that: MSExchangeFrontEndTransport."
    )
    assert caught.value.details == {
        "server": "EX01",
        "service": "MSExchangeTransport",
        "services_left_alone": ["MSExchangeFrontEndTransport"],
    }


def test_smtp_that_does_not_answer_is_a_failure_that_reports_the_restart(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(host: str, port: int, *, timeout: float) -> SmtpAnswer:
        raise StateNotReached("SMTP did not greet.")

    monkeypatch.setattr(exchange_service, "wait_for_banner", wait)
    monkeypatch.setattr(exchange_service.ActionModule, "sleep", staticmethod(lambda seconds: None))

    result = run(state="restarted")

    assert result["failed"] is True
    assert result["changed"] is True
    assert result["msg"] == "SMTP did not greet."
    assert result["services"]


def test_the_ports_and_the_host_can_be_given(run: Runner) -> None:
    run(state="started", smtp_ports=[2525, 587], smtp_host="10.0.0.1")

    assert run.waited == [("10.0.0.1", 2525), ("10.0.0.1", 587)]


def test_no_port_is_waited_for_without_transport_or_with_an_empty_list(run: Runner) -> None:
    run(state="restarted", names=["MSExchangePOP3"])
    run(state="restarted", smtp_ports=[])

    assert run.waited == []


def test_nothing_to_do_asks_for_nothing(run: Runner) -> None:
    result = run(state="restarted", names=[])

    assert result["changed"] is False
    assert run.windows.runs == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({}, "missing required arguments: state", id="no-state"),
        pytest.param({"state": "reloaded"}, "must be one of", id="state"),
        pytest.param({"state": "started", "names": ["MSExchange*"]}, "no pattern", id="pattern"),
        pytest.param({"state": "started", "names": [""]}, "not a service name", id="empty-name"),
        pytest.param({"state": "started", "timeout": 0}, "at least 1 second", id="timeout"),
        pytest.param({"state": "started", "smtp_ports": [70000]}, "not a port", id="port"),
    ],
)
def test_bad_input_is_refused_before_windows_is_asked(
    run: Runner, options: dict[str, Any], words: str
) -> None:
    result = run(**options)

    assert result["failed"] is True
    assert words in result["msg"]
    assert run.windows.runs == []


def test_a_server_that_cannot_be_reached_is_unreachable(run: Runner) -> None:
    class Unreachable(ModelWindows):
        def run(self, *args: Any, **keywords: Any) -> dict[str, Any]:
            raise EndpointUnreachable("EX01 does not answer.")

    run.windows = Unreachable({})

    result = run(state="restarted")

    assert result["unreachable"] is True
    assert result["changed"] is False


def test_after_lost_contact_no_service_stays_stopped(run: Runner) -> None:
    run.windows.lost = [OutcomeUnknown("gone"), OutcomeUnknown("still gone")]

    result = run(state="restarted")

    assert result["failed"] is True
    assert result["msg"] == "gone"
    assert [action for action, _names in run.windows.actions] == ["restart", "start", "start"]
    assert {run.windows.services[name] for name in TRANSPORT} == {"Running"}
    assert result["warnings"] == [
        "Contact with EX01 was lost while MSExchangeTransport, MSExchangeFrontEndTransport "
        "restarted. MSExchangeTransport, MSExchangeFrontEndTransport run again; whether each of "
        "them was restarted is not known."
    ]


def test_after_lost_contact_only_what_was_seen_running_is_said_to_run(run: Runner) -> None:
    run.windows.lost = [OutcomeUnknown("gone")]
    run.windows.errors[TRANSPORT[1]] = "The service cannot be started"

    result = run(state="restarted")

    assert result["failed"] is True
    (warning,) = result["warnings"]
    assert "MSExchangeTransport runs again; whether it was restarted is not known." in warning
    assert (
        "MSExchangeFrontEndTransport does not run, it is Stopped: The service cannot be started."
    ) in warning


def test_after_lost_contact_a_service_that_still_stops_is_started_later(run: Runner) -> None:
    run.windows.lost = [OutcomeUnknown("gone")]
    run.windows.errors[TRANSPORT[0]] = "Service MSExchangeTransport is StopPending"
    run.windows.mended_after = 3

    result = run(state="restarted")

    assert [action for action, _ in run.windows.actions] == ["restart", "start", "start", "start"]
    assert "MSExchangeTransport, MSExchangeFrontEndTransport run again" in result["warnings"][0]


def test_a_start_that_fails_after_lost_contact_says_why(run: Runner) -> None:
    run.windows.services[TRANSPORT[0]] = "Stopped"
    run.windows.lost = [OutcomeUnknown("gone")]
    run.windows.errors[TRANSPORT[0]] = "Access is denied"

    result = run(state="started")

    assert result["failed"] is True
    assert "could not be started: Access is denied. It is Stopped now." in result["msg"]


def test_a_start_whose_answer_got_lost_is_finished(run: Runner) -> None:
    run.windows.services[TRANSPORT[0]] = "Stopped"
    run.windows.lost = [OutcomeUnknown("gone")]

    result = run(state="started")

    assert "failed" not in result
    assert run.windows.services[TRANSPORT[0]] == "Running"


def test_a_stop_whose_answer_got_lost_is_not_undone(run: Runner) -> None:
    run.windows.lost = [OutcomeUnknown("gone")]

    assert run(state="stopped")["msg"] == "gone"
    assert [action for action, _names in run.windows.actions] == ["stop"]


def test_a_server_that_stays_away_is_left_with_what_is_known(run: Runner) -> None:
    run.windows.lost = [OutcomeUnknown("gone"), *[EndpointUnreachable("away")] * 9]

    result = run(state="restarted")

    assert result["msg"] == "gone"
    assert len(run.windows.lost) == 4
    assert "warnings" not in result
