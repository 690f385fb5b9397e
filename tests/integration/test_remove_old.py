# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is what was replaced removed days later, only when it serves nothing, connectors intact?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import pki
from support.example_organisation import NAMES, SUBJECT, authorities, write_example
from support.fake_process import FakeProcess
from support.rotation_stage import REPOSITORY, RotationStage

REMOVE_OLD = REPOSITORY / "playbooks" / "remove_old_cert.yml"
SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Hamburg"}]
ROOT, FIRST_CA, SECOND_CA = authorities()
OLD = FIRST_CA.issue(*SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(80), valid_days=90)
Staging = Callable[..., RotationStage]


@pytest.fixture
def rotated(tmp_path: Path) -> Iterator[Staging]:
    """Sets up an organization and rotates its certificate."""
    running: list[FakeProcess] = []

    def set_up(*, same_name: bool = False) -> RotationStage:
        new = (FIRST_CA if same_name else SECOND_CA).issue(*SUBJECT, dns=NAMES, valid_days=90)
        written = write_example(tmp_path, SERVERS, old=OLD, new=new)
        running.append(FakeProcess.start(written.file))
        runs = str(tmp_path / "runs")
        variables = {"rotate_record_directory": runs, "remove_old_record_directory": runs}
        stage = RotationStage(tmp_path, written, running[-1], variables)
        stage.run().check()
        stage.fake.post("/journal/reset")
        return stage

    yield set_up
    for fake in running:
        fake.stop()


def remove_old(stage: RotationStage, **variables: Any) -> Any:
    folder = sorted((stage.directory / "runs").glob("*-rotate-*"))[-1]
    values = {"remove_old_run_folder": str(folder), "remove_old_keep_days": 0, **variables}
    return stage.run(playbook=REMOVE_OLD, **values)


def holders(stage: RotationStage) -> list[str]:
    servers = stage.state()["servers"]
    return [name for name, server in servers.items() if OLD.thumbprint in server["certificates"]]


def stopped(stage: RotationStage) -> list[str]:
    servers = stage.state()["servers"]
    return [
        name
        for name, server in servers.items()
        if server["services"]["MSExchangeTransport"]["Status"] != "Running"
    ]


@pytest.mark.parametrize("same_name", [False, True], ids=["another name", "same name"])
def test_what_was_replaced_goes_and_everything_else_stays(
    rotated: Staging, same_name: bool
) -> None:
    stage = rotated(same_name=same_name)
    names = stage.connector_names()

    planned = remove_old(stage, check_mode=True).check()
    assert holders(stage) == ["EX01", "EX02"]
    assert stage.changing_cmdlets() == []
    assert planned.changed > 0

    remove_old(stage).check()
    assert holders(stage) == []
    assert stage.connector_names() == names
    assert stage.everywhere() == {stage.example.new.thumbprint}
    assert stopped(stage) == []
    stops = [
        change["server"]
        for change in stage.fake.get("/journal")["changes"]
        if change["what"] == "MSExchangeTransport Stopped"
    ]
    assert sorted(stops) == (["EX01", "EX02"] if same_name else [])

    assert remove_old(stage).check().changed == 0
    assert stage.changing_cmdlets() == []


def test_it_is_kept_as_long_as_a_rollback_may_be_wanted(rotated: Staging) -> None:
    stage = rotated()

    run = remove_old(stage, remove_old_keep_days=7)

    assert run.return_code != 0
    assert "kept for 7" in run.output
    assert holders(stage) == ["EX01", "EX02"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"remove_old_thumbprints": [OLD.thumbprint], "remove_old_keep_days": 7},
            "remove_old_run_folder",
        ),
        ({}, "what to remove"),
    ],
)
def test_without_a_record_it_has_to_be_said_what_and_when(
    rotated: Staging, variables: dict[str, Any], said: str
) -> None:
    stage = rotated()

    run = stage.run(playbook=REMOVE_OLD, **variables)

    assert run.return_code != 0
    assert said in run.output
    assert stage.changing_cmdlets() == []


def test_what_serves_anything_anywhere_is_removed_nowhere(rotated: Staging) -> None:
    stage = rotated()
    enable = {
        "name": "Let it serve POP on one server",
        "mailops.exchange.exchange_certificate": {
            "thumbprint": OLD.thumbprint,
            "services": ["POP"],
        },
    }
    stage.run(playbook=[{"hosts": "EX02", "gather_facts": False, "tasks": [enable]}]).check()

    run = remove_old(stage)

    assert run.return_code != 0
    assert "It serves POP" in run.output
    assert holders(stage) == ["EX01", "EX02"]


@pytest.mark.parametrize("fault", ["fail_cmdlet", "lose_cmdlet"])
def test_the_connectors_have_their_name_again_whatever_happens(
    rotated: Staging, fault: str
) -> None:
    stage = rotated(same_name=True)
    names = stage.connector_names()
    stage.fake.post("/faults", kind=fault, cmdlet="Remove-ExchangeCertificate", server="EX02")
    stage.inventory_variables["ansible_exchange_deadline"] = 4

    remove_old(stage)

    assert stage.connector_names() == names
    assert stopped(stage) == []
    stage.inventory_variables.clear()
    remove_old(stage).check()
    assert holders(stage) == []
    assert stage.connector_names() == names


def test_a_removal_that_was_killed_while_connectors_were_released_is_finished(
    rotated: Staging,
) -> None:
    """What was cleared is in the folder of the run; the next run sets it first."""
    stage = rotated(same_name=True)
    names = stage.connector_names()
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Remove-ExchangeCertificate", times=-1)
    remove_old(stage)
    stage.fake.post("/faults/clear")
    (folder,) = (stage.directory / "runs").glob("*-cleanup-*")
    clear = {
        "name": "As after a kill",
        "mailops.exchange.exchange_send_connector": {
            "name": "Outbound to Office 365",
            "tls_certificate_name": "",
        },
    }
    stage.run(playbook=[{"hosts": "EX01", "gather_facts": False, "tasks": [clear]}]).check()
    released = {"send_connectors": {"Outbound to Office 365": names["Outbound to Office 365"]}}
    (folder / "released-send-connectors.json").write_text(json.dumps(released))

    remove_old(stage).check()

    assert stage.connector_names() == names
    assert holders(stage) == []
    assert not (folder / "released-send-connectors.json").exists()
