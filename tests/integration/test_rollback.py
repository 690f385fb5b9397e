# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does a rotation roll back, by itself and by the playbook, whatever happened?"""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import pki
from support.example_organisation import NAMES, SUBJECT, authorities, write_example
from support.fake_process import FakeProcess
from support.fault_matrix import difference, sound
from support.rotation_stage import REPOSITORY, RotationStage

ROLLBACK = REPOSITORY / "playbooks" / "rollback_cert.yml"
SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Hamburg"}]
ROOT, FIRST_CA, SECOND_CA = authorities()
OLD = FIRST_CA.issue(*SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(80), valid_days=90)
Staging = Callable[..., RotationStage]


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    """Sets up an organization; everything is ended afterwards."""
    running: list[FakeProcess] = []

    def set_up(*, same_name: bool = False, **example: Any) -> RotationStage:
        issuer = FIRST_CA if same_name else SECOND_CA
        new = issuer.issue(*SUBJECT, dns=NAMES, valid_days=90)
        written = write_example(tmp_path, SERVERS, **{"old": OLD, "new": new, **example})
        running.append(FakeProcess.start(written.file))
        variables = {
            "rotate_record_directory": str(tmp_path / "runs"),
            "rotate_verify_retries": 2,
            "rotate_verify_delay": 0.5,
        }
        return RotationStage(tmp_path, written, running[-1], variables)

    yield set_up
    for fake in running:
        fake.stop()


def folder_of(stage: RotationStage) -> Path:
    """The folder of the last run that changes something."""
    return sorted((stage.directory / "runs").glob("*-rotate-*"))[-1]


def roll_back(stage: RotationStage, **keywords: Any) -> Any:
    return stage.run(playbook=ROLLBACK, rollback_run_folder=str(folder_of(stage)), **keywords)


def assert_as(stage: RotationStage, before: dict[str, Any]) -> None:
    actual = sound(stage.state())
    assert actual == before, difference(actual, before)
    assert stage.fake.get("/journal")["violations"] == []


@pytest.mark.long_variants
@pytest.mark.parametrize(
    "same_name",
    [
        pytest.param(False, id="another name", marks=pytest.mark.main_way),
        pytest.param(True, id="same name"),
    ],
)
def test_a_finished_rotation_is_rolled_back_and_a_second_rollback_changes_nothing(
    staging: Staging, same_name: bool
) -> None:
    stage = staging(same_name=same_name)
    before, presented = sound(stage.state()), stage.presented()
    stage.run().check()
    after = sound(stage.state())

    planned = roll_back(stage, check_mode=True).check()
    assert sound(stage.state()) == after
    assert stage.changing_cmdlets() == []
    assert planned.changed > 0

    roll_back(stage).check()
    assert_as(stage, before)
    assert stage.presented() == presented

    again = roll_back(stage).check()
    assert again.changed == 0
    assert stage.changing_cmdlets() == []
    document = json.loads((folder_of(stage) / "after.json").read_text())
    assert document["outcome"] == "rolled back"


def test_a_rotation_that_fails_rolls_back_by_itself_and_the_next_one_starts_again(
    staging: Staging,
) -> None:
    stage = staging()
    before = sound(stage.state())
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Set-ReceiveConnector", server="EX02")

    run = stage.run()

    assert run.return_code != 0
    assert "Everything is as it was before the run." in run.output
    assert "Point the Receive connectors" in run.output
    assert_as(stage, before)
    assert (folder_of(stage) / "after.json").exists()

    stage.run().check()
    assert stage.everywhere() == {stage.example.new.thumbprint}
    assert len(list((stage.directory / "runs").glob("*-rotate-*"))) == 2


def test_where_the_rollback_is_switched_off_the_next_run_resumes_the_same_record(
    staging: Staging,
) -> None:
    stage = staging()
    before = sound(stage.state())
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Set-ReceiveConnector", server="EX02")

    run = stage.run(rotate_rollback=False)
    assert run.return_code != 0
    assert "rotate_rollback is false" in run.output
    assert sound(stage.state()) != before

    stage.run().check()
    assert len(list((stage.directory / "runs").glob("*-rotate-*"))) == 1
    assert stage.everywhere() == {stage.example.new.thumbprint}

    roll_back(stage).check()
    assert_as(stage, before)


def test_a_server_that_cannot_be_reached_does_not_keep_the_others_from_being_rolled_back(
    staging: Staging,
) -> None:
    stage = staging()
    before = sound(stage.state())
    stage.run().check()
    stage.fake.post("/ports", server="EX02", port="powershell_http", closed=True)

    partly = roll_back(stage)

    assert partly.return_code != 0
    assert "Not as before the run: EX02" in partly.output
    state = sound(stage.state())
    assert state["servers"]["EX01"] == before["servers"]["EX01"]
    assert state["send connectors"] == before["send connectors"]
    assert state["servers"]["EX02"] != before["servers"]["EX02"]
    assert stage.fake.get("/journal")["violations"] == []

    stage.fake.post("/ports", server="EX02", port="powershell_http", closed=False)
    roll_back(stage).check()
    assert_as(stage, before)


def test_an_internal_transport_certificate_that_exchange_replaced_all_the_same_comes_back(
    staging: Staging,
) -> None:
    stage = staging()
    before = sound(stage.state())
    stage.run(rotate_internal_transport_certificate="replace").check()
    replaced = sound(stage.state())["servers"]["EX01"]["internal transport"]
    assert replaced == stage.example.new.thumbprint

    roll_back(stage).check()

    assert_as(stage, before)


def test_a_certificate_that_somebody_removed_is_reported_before_anything_is_changed(
    staging: Staging,
) -> None:
    stage = staging()
    stage.run().check()
    state = stage.fake.get("/state")
    remove = [
        {
            "name": "Remove it behind our back",
            "mailops.exchange.exchange_certificate": {
                "thumbprint": OLD.thumbprint,
                "state": "absent",
            },
        }
    ]
    play = {"hosts": "EX01", "gather_facts": False, "tasks": remove}
    stage.run(playbook=[play]).check()
    assert OLD.thumbprint in state["servers"]["EX01"]["certificates"]

    run = roll_back(stage)

    assert run.return_code != 0
    assert "Nothing was rolled back." in run.output
    assert "backup" in run.output
    assert stage.changing_cmdlets() == []


def test_without_a_folder_the_run_that_was_interrupted_is_rolled_back(staging: Staging) -> None:
    stage = staging()
    before = sound(stage.state())
    empty = stage.run(playbook=ROLLBACK, rollback_run_folder="").check()
    assert "There is nothing to roll back" in empty.output
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Set-ReceiveConnector", server="EX02")
    stage.run(rotate_rollback=False)
    interrupted = sound(stage.state())
    assert interrupted != before

    too_old = stage.run(playbook=ROLLBACK, rollback_maximum_age_hours=0.00001).check()
    assert f"{folder_of(stage)} has not finished" in reported(too_old)
    planned = stage.run(playbook=ROLLBACK, check_mode=True).check()
    assert sound(stage.state()) == interrupted
    assert planned.changed > 0

    done = stage.run(playbook=ROLLBACK).check()
    assert f"is taken: {folder_of(stage)}," in reported(done)
    assert_as(stage, before)

    again = stage.run(playbook=ROLLBACK).check()
    assert "There is nothing to roll back" in again.output
    assert (again.changed, stage.changing_cmdlets()) == (0, [])


def reported(run: Any) -> str:
    """What was reported about the folder."""
    return str(run.result("Say which one is taken")["msg"])


def test_a_rotation_that_has_finished_is_not_rolled_back_without_being_named(
    staging: Staging,
) -> None:
    stage = staging()
    stage.run().check()
    after = sound(stage.state())

    run = stage.run(playbook=ROLLBACK).check()

    assert "There is nothing to roll back" in reported(run)
    assert sound(stage.state()) == after
    assert (run.changed, stage.changing_cmdlets()) == (0, [])


@pytest.mark.parametrize("folder", ["/nonexistent/run", "."])
def test_a_folder_that_holds_no_record_is_refused(staging: Staging, folder: str) -> None:
    stage = staging()

    run = stage.run(playbook=ROLLBACK, rollback_run_folder=folder)

    assert run.return_code != 0
    assert stage.changing_cmdlets() == []


def test_the_record_is_for_its_owner_alone_and_shows_every_change(staging: Staging) -> None:
    stage = staging()
    stage.run().check()

    folder = folder_of(stage)
    files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert files == dict.fromkeys(
        ("before.json", "plan.json", "events.jsonl", "after.json", "summary.md"), 0o600
    )
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    begun = [event for event in events if event["event"] == "begin"]
    done = [event for event in events if event["event"] == "done"]
    assert len(begun) >= 8
    assert {event["server"] for event in done} == {"EX01", "EX02"}
    text = "".join(file.read_text() for file in folder.iterdir())
    assert stage.example.password not in text
    assert stage.example.pfx_password not in text


def test_a_plan_that_is_required_has_to_be_made_for_exactly_this_run(staging: Staging) -> None:
    stage = staging()

    refused = stage.run(rotate_require_plan=True)
    assert refused.return_code != 0
    assert "--check" in refused.output
    assert stage.changing_cmdlets() == []

    stage.run(check_mode=True).check()
    stage.run(rotate_require_plan=True).check()
    assert stage.everywhere() == {stage.example.new.thumbprint}
