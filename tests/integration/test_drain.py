# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is a server emptied of mail before its transport restarts, and released whatever happens?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.example_organisation import USER, write_example
from support.fake_process import FakeProcess
from support.run_playbook import PlaybookRun, play, run_playbook, task, write_inventory

SERVERS = [
    {"name": "EX01", "site": "Berlin", "dag": "DAG1"},
    {"name": "EX02", "site": "Berlin", "dag": "DAG1"},
    {"name": "EX03", "site": "Hamburg"},
]
Restart = Callable[..., PlaybookRun]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeProcess, str]]:
    directory = tmp_path_factory.mktemp("drain")
    example = write_example(directory, SERVERS)
    with FakeProcess.start(example.file) as fake:
        fake.post("/snapshot", name="start")
        yield fake, example.password


@pytest.fixture
def fake(shared: tuple[FakeProcess, str]) -> FakeProcess:
    shared[0].post("/snapshot/restore", name="start")
    return shared[0]


@pytest.fixture
def restart(fake: FakeProcess, shared: tuple[FakeProcess, str], tmp_path: Path) -> Restart:
    """Restarts transport of EX01, drained."""

    def run(*, check_mode: bool = False, deadline: float = 60, **options: Any) -> PlaybookRun:
        fake.post("/counters/reset")
        values = {
            "state": "restarted",
            "drain": True,
            "smtp_ports": [],
            "drain_timeout": 4,
            **options,
        }
        return run_playbook(
            tmp_path,
            [play("EX01", [task("Restart", "exchange_service", values)])],
            inventory=write_inventory(
                tmp_path,
                fake.endpoints,
                user=USER,
                password=shared[1],
                variables={"ansible_exchange_deadline": deadline},
            ),
            check_mode=check_mode,
        )

    return run


def hub(fake: FakeProcess, server: str = "EX01") -> str:
    return str(fake.get("/state")["servers"][server]["component_states"]["HubTransport"])


def queued(fake: FakeProcess, server: str) -> int:
    return sum(map(len, fake.get("/mail")["queued"][server].values()))


def starts(fake: FakeProcess) -> int:
    counters = fake.get("/counters")["servers"].get("EX01", {"service_starts": {}})
    return int(counters["service_starts"].get("MSExchangeTransport", 0))


def test_messages_go_to_the_neighbour_and_none_is_lost(fake: FakeProcess, restart: Restart) -> None:
    fake.post("/mail", server="EX01", queue="3", count=5, stuck=True)
    fake.post("/mail", server="EX01", queue="Poison", count=1)

    planned = restart(check_mode=True).check()
    assert "Drain EX01 to ex02.contoso.test." in planned.result("Restart")["changes"]
    assert (hub(fake), queued(fake, "EX01"), starts(fake)) == ("Active", 6, 0)

    result = restart().check().result("Restart")

    assert result["drain"]["targets"] == ["ex02.contoso.test"]
    assert (result["drain"]["messages_before"], result["drain"]["messages_left"]) == (5, 0)
    assert (hub(fake), queued(fake, "EX01"), starts(fake)) == ("Active", 1, 1)
    mail = fake.get("/mail")
    assert (mail["lost"], mail["doubled"], len(mail["delivered"])) == ([], [], 5)
    changes = [c["what"] for c in fake.get("/journal")["changes"]]
    assert changes == [
        "Set-ServerComponentState",
        "Redirect-Message",
        "MSExchangeTransport Stopped",
        "MSExchangeTransport Running",
        "MSExchangeFrontEndTransport Stopped",
        "MSExchangeFrontEndTransport Running",
        "Set-ServerComponentState",
    ]


@pytest.mark.parametrize(
    ("targets", "chosen"),
    [(["EX03"], "ex03.contoso.test"), (["EX01", "ex03.contoso.test"], "ex03.contoso.test")],
)
def test_targets_are_named_for_all_servers_at_once(
    fake: FakeProcess, restart: Restart, targets: list[str], chosen: str
) -> None:
    assert restart(drain_targets=targets).check().result("Restart")["drain"]["targets"] == [chosen]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"drain_targets": ["EX09"]}, "EX09"),
        ({"drain_targets": ["EX01"]}, "no server but EX01"),
        ({"drain_timeout": 0}, "drain_timeout"),
        ({"state": "started"}, "restarted only"),
    ],
)
def test_bad_input_is_refused_before_anything_is_changed(
    fake: FakeProcess, restart: Restart, options: dict[str, Any], said: str
) -> None:
    run = restart(**options)

    assert run.return_code != 0
    assert said in run.result("Restart")["msg"]
    assert fake.get("/journal")["changes"] == []


@pytest.mark.parametrize("ill", ["service", "component"])
def test_it_refuses_while_a_neighbour_is_not_well(
    fake: FakeProcess, restart: Restart, tmp_path: Path, ill: str
) -> None:
    if ill == "service":
        fake.post("/services", server="EX02", service="MSExchangeTransport", action="stop")
    else:
        fake.post("/components", server="EX02", component="HubTransport", state="Draining")
    fake.post("/journal/reset")

    run = restart()

    assert run.return_code != 0
    assert "EX02" in run.result("Restart")["msg"]
    assert (hub(fake), starts(fake)) == ("Active", 0)
    assert fake.get("/journal")["changes"] == []


def test_queues_that_do_not_empty_leave_the_choice(fake: FakeProcess, restart: Restart) -> None:
    """Messages that come back: the neighbour takes none over, as if the network were slow."""
    fake.post("/mail", server="EX01", queue="3", count=2, stuck=True)
    fake.post("/behavior", redirect_moves=False)
    try:
        failed = restart(drain_timeout=1)
        assert failed.return_code != 0
        assert "EX01\\3" in failed.result("Restart")["msg"]
        assert (hub(fake), starts(fake)) == ("Active", 0)

        result = restart(drain_timeout=1, drain_on_timeout="restart").check().result("Restart")
        assert (result["drain"]["timed_out"], result["drain"]["messages_left"]) == (True, 2)
        assert "kept on its disk" in result["warnings"][0]
        assert (hub(fake), starts(fake), queued(fake, "EX01")) == ("Active", 1, 2)
    finally:
        fake.post("/behavior", redirect_moves=True)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "fail_cmdlet", "cmdlet": "Redirect-Message"},
        {"kind": "fail_cmdlet", "cmdlet": "Get-Queue"},
        {"kind": "lose_cmdlet", "cmdlet": "Redirect-Message"},
        {"kind": "lose_cmdlet", "cmdlet": "Set-ServerComponentState"},
        {"kind": "service_start_fails", "service": "MSExchangeTransport"},
        {"kind": "drop_connection", "verb": "Command", "endpoint": "windows", "skip": 1},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('cmdlet', '')}",
)
def test_whatever_fails_in_between_the_server_takes_messages_again(
    fake: FakeProcess, restart: Restart, fault: dict[str, Any]
) -> None:
    fake.post("/mail", server="EX01", queue="3", count=3, stuck=True)
    fake.post("/faults", server="EX01", **fault)

    restart(deadline=4)

    assert fake.get("/faults")["fired"], "the fault never struck"
    assert hub(fake) == "Active"
    assert fake.get("/mail")["lost"] == []
    assert fake.get("/mail")["doubled"] == []


def test_a_server_that_an_interrupted_run_left_draining_is_released(
    fake: FakeProcess, restart: Restart, tmp_path: Path
) -> None:
    record = tmp_path / "record"
    record.mkdir()
    fake.post("/components", server="EX01", component="HubTransport", state="Draining")

    kept = restart(record=str(record)).check().result("Restart")
    assert hub(fake) == "Draining"
    assert "is left so" in kept["warnings"][0]

    begun = {"event": "begin", "kind": "drain", "server": "EX01"}
    (record / "events.jsonl").write_text(json.dumps(begun) + "\n")
    ours = restart(record=str(record)).check().result("Restart")
    assert hub(fake) == "Active"
    assert "interrupted run" in ours["warnings"][0]


def test_a_server_whose_transport_is_stopped_is_started_and_keeps_its_messages(
    fake: FakeProcess, restart: Restart
) -> None:
    fake.post("/mail", server="EX01", queue="3", count=3, stuck=True)
    fake.post("/services", server="EX01", service="MSExchangeTransport", action="stop")

    result = restart().check().result("Restart")

    assert "does not run" in result["warnings"][0]
    assert (hub(fake), queued(fake, "EX01"), starts(fake)) == ("Active", 3, 1)
    assert "Set-ServerComponentState" not in fake.get("/counters")["total"]["cmdlets"]


def test_a_run_that_was_killed_between_stop_and_start_is_finished(
    fake: FakeProcess, restart: Restart, tmp_path: Path
) -> None:
    record = tmp_path / "record"
    record.mkdir()
    begun = {"event": "begin", "kind": "drain", "server": "EX01"}
    (record / "events.jsonl").write_text(json.dumps(begun) + "\n")
    fake.post("/mail", server="EX01", queue="3", count=3, stuck=True)
    fake.post("/components", server="EX01", component="HubTransport", state="Draining")
    fake.post("/services", server="EX01", service="MSExchangeTransport", action="stop")

    result = restart(record=str(record)).check().result("Restart")

    assert "interrupted run" in result["warnings"][0]
    assert (hub(fake), queued(fake, "EX01"), starts(fake)) == ("Active", 3, 1)


def test_nothing_is_drained_when_transport_is_not_restarted(
    fake: FakeProcess, restart: Restart
) -> None:
    result = restart(names=["MSExchangePOP3"]).check().result("Restart")

    assert "drain" not in result
    assert "is not to be restarted" in result["warnings"][0]
    assert "Set-ServerComponentState" not in fake.get("/counters")["total"]["cmdlets"]
