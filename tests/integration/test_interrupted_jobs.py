# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is a scheduled job that was killed resumed by the next one, or else rolled back by it?

What the certificates serve does not show it: connectors, restarts and drains come after that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.example_organisation import NAMES, write_example
from support.fake_process import FakeProcess
from support.fault_matrix import difference, sound
from support.pebble import Pebble, missing_programs
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import PlaybookRun, has_collection

SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Berlin"}]
NEWEST = REPOSITORY / "playbooks" / "rotate_newest.yml"
ACME = REPOSITORY / "playbooks" / "renew_acme.yml"
ROLLBACK = REPOSITORY / "playbooks" / "rollback_cert.yml"
PATIENCE = 180.0
# A cmdlet that takes as long as this was never answered, and did nothing.
FOR_EVER = 3600

pytestmark = pytest.mark.once
needs_an_authority = [
    pytest.mark.skipif(bool(missing_programs()), reason="pebble is missing (Debian: pebble)"),
    pytest.mark.skipif(
        not has_collection("community.crypto"),
        reason="community.crypto could not be downloaded from PyPI (package ansible)",
    ),
]


class Job:
    """A scheduled job, which can be killed when something has happened."""

    def __init__(self, stage: RotationStage, playbook: Path, variables: dict[str, Any]) -> None:
        self.stage = stage
        self.playbook = playbook
        self.variables = variables

    def run(self, *, check_mode: bool = False, **more: Any) -> PlaybookRun:
        return self.stage.run(
            playbook=self.playbook,
            check_mode=check_mode,
            give_certificate=False,
            **{**self.variables, **more},
        )

    @contextmanager
    def held_when(self, happened: Callable[[], bool]) -> Iterator[psutil.Popen]:
        """Have it at work until the end of the block, and kill it then."""
        process = self.stage.start(playbook=self.playbook, give_certificate=False, **self.variables)
        deadline = time.monotonic() + PATIENCE
        while not happened():
            assert process.poll() is None, "the job has ended"
            assert time.monotonic() < deadline, "the moment did not come"
            time.sleep(0.05)
        yield process
        family = [process, *process.children(recursive=True)]
        for member in family:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                pass
        psutil.wait_procs(family, timeout=10)
        assert self.records() == {False}

    def kill_when(self, happened: Callable[[], bool]) -> None:
        with self.held_when(happened):
            pass

    @contextmanager
    def held_in(self, cmdlet: str, *, server: str | None = None) -> Iterator[psutil.Popen]:
        """Have it wait for this cmdlet, of this server, until the end of the block."""
        where = {"server": server} if server else {}
        self.stage.fake.post(
            "/faults", kind="slow_cmdlet", cmdlet=cmdlet, seconds=FOR_EVER, **where
        )
        with self.held_when(lambda: not self.stage.fake.get("/faults")["armed"]) as process:
            yield process

    def kill_in(self, cmdlet: str, *, server: str | None = None) -> None:
        """Kill the job while this cmdlet, of this server, is waited for."""
        with self.held_in(cmdlet, server=server):
            pass

    def records(self) -> set[bool]:
        """Whether the rotations have finished."""
        folders = (self.stage.directory / "runs").glob("*-rotate-*")
        return {(folder / "after.json").exists() for folder in folders}

    def certificates(self) -> list[str]:
        """Thumbprints of what was issued."""
        return [
            path.name.split(".")[0]
            for path in (self.stage.directory / "acme").rglob("*.fullchain.pem")
        ]


def newest(stage: RotationStage, **variables: Any) -> Job:
    folder = stage.directory / "fetched"
    folder.mkdir(exist_ok=True)
    stage.example.new.write_fullchain(folder / "fullchain.pem")
    stage.example.new.write_key(folder / "privkey.pem")
    said = {
        "newest_certificate_directory": str(folder),
        "newest_certificate_names": list(NAMES),
        **variables,
    }
    return Job(stage, NEWEST, said)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[RotationStage]:
    example = write_example(tmp_path, SERVERS)
    with FakeProcess.start(example.file) as fake:
        yield RotationStage(tmp_path, example, fake)


@pytest.fixture
def renewing(tmp_path: Path) -> Iterator[RotationStage]:
    """The same with an authority, whose root the servers do not know."""
    example = write_example(tmp_path, SERVERS, adjust=lambda whole: whole.pop("trusted_roots"))
    with Pebble(tmp_path / "pebble") as pebble, FakeProcess.start(example.file) as fake:
        yield RotationStage(tmp_path, example, fake, variables=pebble.variables(tmp_path))


def serves_everywhere(stage: RotationStage, thumbprint: str) -> bool:
    return all(
        "IIS" in (server["certificates"].get(thumbprint) or {"Services": []})["Services"]
        for server in stage.state()["servers"].values()
    )


def transport_states(stage: RotationStage) -> set[str]:
    return {it["component_states"]["HubTransport"] for it in stage.state()["servers"].values()}


def assert_reached(job: Job, thumbprint: str) -> None:
    """Everything presents it, every connector that names one names it, and nothing is held down."""
    stage = job.stage
    state = stage.state()
    assert stage.everywhere() == {thumbprint}
    held = state["servers"]["EX01"]["certificates"][thumbprint]
    named = {name for name in stage.connector_names().values() if name}
    assert {held["Subject"] in name and held["Issuer"] in name for name in named} == {True}
    assert transport_states(stage) == {"Active"}
    for server in state["servers"].values():
        assert server["services"]["MSExchangeTransport"]["Status"] == "Running"
    assert job.records() == {True}
    again = job.run().check()
    assert again.changed == 0
    assert stage.fake.get("/counters")["servers"]["EX01"]["cmdlets"] == {
        "Get-ExchangeCertificate": 1
    }


@pytest.mark.long_variants
@pytest.mark.parametrize("moment", ["connectors", "drain"])
def test_a_rotation_killed_after_the_certificate_serves_is_finished(
    stage: RotationStage, moment: str
) -> None:
    job = newest(stage, rotate_drain=True)
    new = stage.example.new.thumbprint
    if moment == "connectors":
        job.kill_in("Set-SendConnector")
    else:
        job.kill_when(lambda: "Draining" in transport_states(stage))
        assert transport_states(stage) == {"Active", "Draining"}
    assert serves_everywhere(stage, new)

    planned = job.run(check_mode=True).check()
    assert stage.changing_cmdlets() == []
    assert planned.changed > 0
    assert job.records() == {False}

    done = job.run().check()

    assert f"The rotation to {new} was interrupted" in done.output
    assert_reached(job, new)


def test_while_one_is_at_work_no_other_begins_and_nothing_is_rolled_back(
    stage: RotationStage,
) -> None:
    job = newest(stage)
    with job.held_in("Set-SendConnector") as process:
        meanwhile = [
            job.run(),
            job.run(check_mode=True),
            stage.run(),
            stage.run(playbook=ROLLBACK, give_certificate=False),
        ]
        (folder,) = (stage.directory / "runs").glob("*-rotate-*")
        named = stage.run(
            playbook=ROLLBACK, give_certificate=False, rollback_run_folder=str(folder)
        )
        for refused in [*meanwhile, named]:
            assert refused.return_code != 0
            assert refused.changed == 0
            said = f"Another playbook is at work on these servers: process {process.pid} "
            assert said in refused.output
        assert stage.changing_cmdlets() == []

    job.run().check()

    assert_reached(job, stage.example.new.thumbprint)


@pytest.mark.long
def test_a_rotation_is_finished_although_its_certificate_was_replaced_in_the_folder(
    stage: RotationStage,
) -> None:
    job = newest(stage)
    job.kill_in("Set-SendConnector")
    for path in (stage.directory / "fetched").iterdir():
        path.unlink()

    job.run().check()

    assert stage.everywhere() == {stage.example.new.thumbprint}
    assert job.records() == {True}


@pytest.mark.long
def test_a_rotation_that_was_interrupted_long_ago_is_reported_and_left_alone(
    stage: RotationStage,
) -> None:
    job = newest(stage)
    job.kill_in("Set-SendConnector")
    time.sleep(4)

    left = job.run(rotate_interrupted_maximum_age_hours=0.001).check()

    assert left.changed == 0
    assert "A rotation has not finished" in left.output
    assert job.records() == {False}


def test_a_rotation_whose_certificate_is_gone_is_rolled_back(stage: RotationStage) -> None:
    before = sound(stage.state())
    job = newest(stage)
    job.kill_in("Import-ExchangeCertificate", server="EX02")
    for path in (stage.directory / "fetched").iterdir():
        path.unlink()

    rolled_back = job.run().check()

    assert "The next run gets another certificate when one is due" in rolled_back.output
    after = sound(stage.state())
    assert after == before, difference(after, before)
    newest(stage).run().check()
    assert_reached(job, stage.example.new.thumbprint)


class TestWithAnAuthority:
    pytestmark = needs_an_authority

    @pytest.mark.long_variants
    @pytest.mark.parametrize("keep", ["nowhere", "file"])
    def test_a_renewal_killed_after_the_certificate_serves_is_finished_with_that_certificate(
        self, renewing: RotationStage, keep: str
    ) -> None:
        job = Job(renewing, ACME, {"acme_renewal_keep_key": keep})
        job.kill_in("Set-SendConnector")
        (issued,) = job.certificates()
        assert serves_everywhere(renewing, issued)

        job.run().check()

        assert job.certificates() == [issued]
        assert_reached(job, issued)

    def test_a_renewal_killed_between_the_servers_is_resumed_with_a_certificate_that_is_kept(
        self, renewing: RotationStage
    ) -> None:
        job = Job(renewing, ACME, {"acme_renewal_keep_key": "file"})
        job.kill_in("Import-ExchangeCertificate", server="EX02")
        (issued,) = job.certificates()

        job.run().check()

        assert job.certificates() == [issued]
        assert_reached(job, issued)

    def test_a_renewal_killed_between_the_servers_is_rolled_back_when_nothing_is_kept(
        self, renewing: RotationStage
    ) -> None:
        before = sound(renewing.state())
        job = Job(renewing, ACME, {"acme_renewal_keep_key": "nowhere"})
        job.kill_in("Import-ExchangeCertificate", server="EX02")
        (first,) = job.certificates()

        planned = job.run(check_mode=True).check()
        assert "would be rolled back" in planned.output
        assert renewing.changing_cmdlets() == []

        job.run().check()
        after = sound(renewing.state())
        assert after == before, difference(after, before)
        assert job.certificates() == [first]

        job.run().check()
        (second,) = set(job.certificates()) - {first}
        assert_reached(job, second)
