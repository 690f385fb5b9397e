# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do the web sites of a server name the certificate that they should, and are they set right?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.example_organisation import USER
from support.module_stage import ModuleStage, module_stage
from support.run_playbook import REPOSITORY, run_playbook, task, write_inventory

LOOPBACK, FRONT, BACK = "127.0.0.1:443:", ":443:", "*:444:"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleStage]:
    with module_stage(tmp_path_factory.mktemp("iis"), servers=2) as running:
        running.fake.post("/snapshot", name="start")
        yield running


@pytest.fixture(autouse=True)
def start(stage: ModuleStage) -> None:
    stage.fake.post("/snapshot/restore", name="start")


def named(stage: ModuleStage, server: str = "EX01") -> dict[str, str]:
    """Thumbprint by https binding."""
    return {
        item["bindingInformation"]: item["certificateHash"]
        for item in stage.server(server)["web_bindings"]
        if item["protocol"] == "https"
    }


def break_binding(stage: ModuleStage, binding: str, thumbprint: str, server: str = "EX01") -> None:
    stage.fake.post("/bindings", server=server, binding=binding, thumbprint=thumbprint)


def own(stage: ModuleStage) -> str:
    """The self-signed certificate that setup has given the server."""
    return named(stage)[BACK]


def bind(stage: ModuleStage, *, check_mode: bool = False, **options: Any) -> Any:
    return stage.run(
        task("Bind", "exchange_iis_binding", options), hosts="EX01", check_mode=check_mode
    )


def read(stage: ModuleStage) -> dict[str, Any]:
    run = stage.run(task("Read", "exchange_iis_binding_info", {}), hosts="EX01").check()
    return run.result("Read")


def test_a_sound_server_is_reported_as_it_is_and_left_alone(stage: ModuleStage) -> None:
    old = stage.example.old.thumbprint

    found = read(stage)

    assert [(item["role"], item["port"], item["thumbprint"]) for item in found["bindings"]] == [
        ("front_end", 443, old),
        ("front_end", 443, old),
        ("back_end", 444, own(stage)),
    ]
    assert found["bindings"][0]["certificate"]["subject"].startswith("CN=mail.contoso.test")
    assert found["problems"] == []

    run = bind(stage).check()
    assert run.changed == 0
    assert run.result("Bind")["thumbprint"] == old
    assert stage.fake.get("/journal")["changes"] == []


@pytest.mark.parametrize("replaces", [False, True])
def test_a_binding_that_was_changed_by_hand_is_set_right(
    stage: ModuleStage, replaces: bool
) -> None:
    old = stage.example.old.thumbprint
    break_binding(stage, LOOPBACK, own(stage))
    assert "name different certificates" in read(stage)["problems"][0]

    with stage.behavior(iis_replaces_certificates=replaces):
        planned = bind(stage, check_mode=True, thumbprint=old).check().result("Bind")
        assert planned["changed"] is True
        assert named(stage)[LOOPBACK] == own(stage)

        done = bind(stage, thumbprint=old).check().result("Bind")

    assert done["changes"] == planned["changes"]
    assert done["changes"] == [
        f"Bind Default Web Site (127.0.0.1:443) on EX01 to certificate {old} instead of "
        f"{own(stage)}."
    ]
    assert named(stage) == {FRONT: old, LOOPBACK: old, BACK: own(stage)}
    assert read(stage)["problems"] == []
    assert bind(stage, thumbprint=old).check().changed == 0


def test_where_the_bindings_disagree_nothing_is_guessed(stage: ModuleStage) -> None:
    break_binding(stage, LOOPBACK, own(stage))

    run = bind(stage)

    assert run.return_code != 0
    message = run.result("Bind")["msg"]
    assert "several certificates" in message
    assert stage.example.old.thumbprint in message
    assert own(stage) in message
    assert named(stage)[LOOPBACK] == own(stage)


def test_what_exchange_says_is_taken_where_it_is_clear(stage: ModuleStage) -> None:
    """The loopback binding names a certificate that is gone from the store."""
    break_binding(stage, LOOPBACK, "0" * 40)
    assert "which Exchange cannot see" in read(stage)["problems"][0]

    bind(stage).check()

    assert named(stage)[LOOPBACK] == stage.example.old.thumbprint


def test_the_back_end_gets_its_certificate_back(stage: ModuleStage) -> None:
    certificate = own(stage)
    break_binding(stage, BACK, "")
    (problem,) = read(stage)["problems"]
    assert "Exchange Back End (*:444) names no certificate" in problem
    assert "Remote PowerShell" in problem

    bind(stage, site="exchange back end", port=444, thumbprint=certificate).check()

    assert named(stage)[BACK] == certificate


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"thumbprint": "F" * 40}, "has no certificate FFFF"),
        ({"thumbprint": "nonsense"}, "nonsense"),
        ({"site": "Default Website", "thumbprint": "A" * 40}, "Existing ones: Default Web Site"),
        ({"port": 8443}, "on port 8443"),
        ({"port": 0}, "port 0 is not a port"),
        ({"site": "Exchange Back End", "port": 444}, "needs thumbprint"),
    ],
)
def test_bad_input_is_named_and_nothing_is_changed(
    stage: ModuleStage, options: dict[str, Any], said: str
) -> None:
    run = bind(stage, **options)

    assert run.return_code != 0
    assert said in run.result("Bind")["msg"]
    assert stage.fake.get("/journal")["changes"] == []


def test_an_answer_that_gets_lost_is_looked_for_at_the_server(stage: ModuleStage) -> None:
    old = stage.example.old.thumbprint
    break_binding(stage, LOOPBACK, own(stage))
    # The third answer with output is that of the script which binds: bindings are read before.
    stage.fake.post("/faults", kind="lose_answer", endpoint="windows", verb="Receive", skip=1)

    run = bind(stage, thumbprint=old).check()

    assert stage.fake.get("/faults")["fired"]
    assert run.result("Bind")["changed"] is True
    assert named(stage)[LOOPBACK] == old
    assert sum(item["what"].startswith("bind") for item in changes(stage)) <= 2


def changes(stage: ModuleStage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.fake.get("/journal")["changes"]
    return found


def repair(stage: ModuleStage, *, check_mode: bool = False, **variables: Any) -> Any:
    directory = stage.directory / f"repair-{len(list(stage.directory.iterdir()))}"
    directory.mkdir()
    stage.fake.post("/counters/reset")
    return run_playbook(
        directory,
        REPOSITORY / "playbooks" / "repair_iis_binding.yml",
        inventory=write_inventory(
            directory,
            stage.fake.endpoints,
            user=USER,
            password=stage.example.password,
        ),
        extra_variables={"iis_binding_hosts": "all", **variables},
        check_mode=check_mode,
    )


def test_the_playbook_sets_all_servers_right_and_restarts_those_one_by_one(
    stage: ModuleStage,
) -> None:
    old = stage.example.old.thumbprint
    for server in ("EX01", "EX02"):
        break_binding(stage, LOOPBACK, "0" * 40, server=server)

    repair(stage, check_mode=True).check()
    assert changes(stage) == []

    repair(stage).check()

    assert {named(stage, server)[LOOPBACK] for server in ("EX01", "EX02")} == {old}
    restarts = [item for item in changes(stage) if item["what"].startswith("W3SVC")]
    assert [item["what"].partition(" ")[2] for item in restarts] == ["Stopped", "Running"] * 2
    assert restarts[0]["server"] == restarts[1]["server"] != restarts[2]["server"]

    again = repair(stage).check()
    assert again.changed == 0
    for server in ("EX01", "EX02"):
        assert stage.counters(server)["service_starts"] == {}


def test_one_changed_server_has_all_of_them_restarted_by_default(
    stage: ModuleStage,
) -> None:
    break_binding(stage, LOOPBACK, "0" * 40, server="EX02")

    repair(stage).check()

    for server in ("EX01", "EX02"):
        assert stage.counters(server)["service_starts"]["W3SVC"] == 1
    break_binding(stage, LOOPBACK, "0" * 40, server="EX02")
    repair(stage, iis_binding_restart_all=False).check()
    assert stage.counters("EX01")["service_starts"] == {}
    assert stage.counters("EX02")["service_starts"]["W3SVC"] == 1


def test_a_restart_that_failed_is_done_by_the_next_run(stage: ModuleStage) -> None:
    break_binding(stage, LOOPBACK, "0" * 40, server="EX02")
    notes = stage.directory / "notes"
    stage.fake.post("/faults", kind="service_start_fails", service="W3SVC", server="EX01")
    assert repair(stage, restart_note_directory=str(notes)).return_code != 0
    left = {path.name for path in notes.iterdir()}
    assert {name.partition("-")[0] for name in left} == {"iis_binding"}
    assert len(left) == 2
    # Without the web service there is no endpoint, so somebody has to start it.
    stage.fake.post("/services", server="EX01", service="W3SVC", action="start")

    repair(stage, restart_note_directory=str(notes)).check()
    assert stage.counters("EX01")["service_starts"]["W3SVC"] == 1
    assert list(notes.iterdir()) == []
    assert repair(stage, restart_note_directory=str(notes)).check().changed == 0


def test_one_server_that_cannot_be_set_right_keeps_all_from_being_changed(
    stage: ModuleStage,
) -> None:
    break_binding(stage, LOOPBACK, "0" * 40, server="EX01")
    break_binding(stage, LOOPBACK, named(stage, "EX02")[BACK], server="EX02")

    run = repair(stage)

    assert run.return_code != 0
    assert "several certificates" in run.output
    assert changes(stage) == []
