# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does everything run as AWX runs it: by ansible-runner, with prompts, artifacts, cancelling?"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import pki
from support.example_organisation import NAMES, SUBJECT, authorities, write_example
from support.fake_process import FakeProcess
from support.fault_matrix import difference, sound
from support.rotation_stage import RotationStage
from support.runner_job import RunnerJob

SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Hamburg"}]
ROOT, FIRST_CA, SECOND_CA = authorities()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[RotationStage]:
    example = write_example(tmp_path, SERVERS)
    with FakeProcess.start(example.file) as fake:
        yield RotationStage(tmp_path, example, fake)


def job(stage: RotationStage, template: str, name: str, **variables: object) -> RunnerJob:
    return RunnerJob(stage, template, name, variables)


def answers(stage: RotationStage) -> dict[str, object]:
    """Of the workflow's survey, which AWX gives to each of its jobs."""
    return {"rotate_pfx_path": str(stage.example.pfx), "rotate_thumbprint": ""}


@pytest.mark.parametrize("way", ["run", "run_by_mesh"])
def test_a_rotation_and_what_the_next_job_of_a_workflow_gets(
    stage: RotationStage, way: str
) -> None:
    rotation = job(stage, "rotate", "rotate", **answers(stage))

    done = getattr(rotation, way)()

    assert (done.return_code, done.status) == (0, "successful"), done.output[-3000:]
    assert stage.everywhere() == {stage.example.new.thumbprint}
    folder = Path(done.artifacts["rotate_run_folder"])
    assert (folder / "after.json").is_file()
    assert done.artifacts["rotate_run_thumbprint"] == stage.example.new.thumbprint
    # The secrets that AWX hands over are in none of the results.
    results = [path for path in rotation.directory.rglob("*") if "artifacts" in path.parts]
    for path in results:
        if path.is_file():
            text = path.read_bytes()
            assert stage.example.password.encode() not in text, path
            assert stage.example.pfx_password.encode() not in text, path

    # Artifacts of a job are variables of the next one.
    handed_on = {**answers(stage), **done.artifacts}
    verified = getattr(job(stage, "verify", "verify", **handed_on), way)()
    assert (verified.return_code, verified.status) == (0, "successful"), verified.output[-3000:]
    if way == "run":
        back = job(stage, "roll back", "back", **handed_on).run()
        assert (back.return_code, back.status) == (0, "successful"), back.output[-3000:]
        assert stage.everywhere() == {stage.example.old.thumbprint}
        found = job(stage, "verify", "missed", **answers(stage)).run()
        assert (found.return_code, found.status) == (2, "failed")
        assert "still to be done" in found.output


def cancel_in_the_middle(stage: RotationStage) -> None:
    """The certificate is installed, and not everything names it."""
    # So slow that nothing is over before the job is.
    stage.fake.post("/behavior", cmdlet_seconds=0.5, service_restart_seconds=1)
    cancelled = job(stage, "rotate", "cancelled", **answers(stage))
    process = cancelled.start()
    end = time.monotonic() + 120
    while not any(call["cmdlet"] == "Set-SendConnector" for call in stage.fake.get("/log")):
        assert process.poll() is None, "it ended before it was cancelled"
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=120)
    outcome = cancelled.outcome(cancelled.directory)
    assert outcome.status == "canceled"
    assert outcome.artifacts == {}, "the next job would get the folder"
    assert stage.everywhere() != {stage.example.new.thumbprint}
    stage.fake.post("/behavior", cmdlet_seconds=0, service_restart_seconds=0)


@pytest.mark.long
@pytest.mark.once
def test_a_cancelled_job_is_repaired_by_the_next(stage: RotationStage) -> None:
    cancel_in_the_middle(stage)

    repaired = job(stage, "rotate", "repaired", **answers(stage)).run()

    assert repaired.return_code == 0, repaired.output[-3000:]
    assert stage.everywhere() == {stage.example.new.thumbprint}
    runs = list((stage.directory / "runs").glob("*-rotate-*"))
    assert len(runs) == 1, "the second job did not resume the run of the first"


@pytest.mark.long
@pytest.mark.once
def test_a_workflow_takes_a_cancelled_job_back(stage: RotationStage) -> None:
    """The job left no artifact, so the survey's empty answer is all that the next one gets."""
    before = sound(stage.state())
    cancel_in_the_middle(stage)
    assert sound(stage.state()) != before

    handed_on = {**answers(stage), "rollback_run_folder": ""}
    back = job(stage, "roll back", "back", **handed_on).run()

    assert (back.return_code, back.status) == (0, "successful"), back.output[-3000:]
    assert sound(stage.state()) == before, difference(sound(stage.state()), before)
    again = job(stage, "roll back", "again", **handed_on).run()
    assert (again.return_code, again.status) == (0, "successful"), again.output[-3000:]
    assert "There is nothing to roll back" in again.output
    assert stage.changing_cmdlets() == []


@pytest.mark.once
def test_a_pfx_of_another_program_is_opened_with_the_password_that_awx_keeps(
    stage: RotationStage,
) -> None:
    folder = {"newest_certificate_directory": str(stage.example.pfx.parent)}
    renewed = RunnerJob(stage, "renew", "renew", folder, renew_playbook="rotate_newest.yml").run()
    assert (renewed.return_code, renewed.status) == (0, "successful"), renewed.output[-3000:]
    assert stage.everywhere() == {stage.example.new.thumbprint}


@pytest.mark.once
def test_a_workflow_can_go_by_the_exit_status_of_the_audit(tmp_path: Path) -> None:
    for name, used, expected in (("due", 80, (2, "failed")), ("fresh", 10, (0, "successful"))):
        folder = tmp_path / name
        folder.mkdir()
        old = FIRST_CA.issue(
            *SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(used), valid_days=90
        )
        example = write_example(folder, SERVERS[:1], old=old)
        with FakeProcess.start(example.file) as fake:
            stage = RotationStage(folder, example, fake)
            outcome = job(stage, "audit", "audit").run()
        assert (outcome.return_code, outcome.status) == expected
        assert outcome.artifacts["due_renewal"]["due"] is (name == "due")
