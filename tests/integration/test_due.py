# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the job notice what is due, and end after one read of each server when nothing is?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import pki
from support.example_organisation import NAMES, SUBJECT, authorities, write_example
from support.fake_process import FakeProcess
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import PlaybookRun

PLAYBOOK = REPOSITORY / "playbooks" / "due.yml"
SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Berlin"}]
ROOT, FIRST_CA, SECOND_CA = authorities()
Setting = Callable[..., RotationStage]


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    """Sets up an organization whose certificate is so many days old."""
    running: list[FakeProcess] = []

    def set_up(*, used: int, lifetime: int = 90) -> RotationStage:
        old = FIRST_CA.issue(
            *SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(used), valid_days=lifetime
        )
        example = write_example(tmp_path, SERVERS, old=old)
        running.append(FakeProcess.start(example.file))
        return RotationStage(tmp_path, example, running[-1])

    yield set_up
    for fake in running:
        fake.stop()


def verdict(run: PlaybookRun) -> dict[str, Any]:
    found: dict[str, Any] = run.check().result("Note the verdict", "EX01")["ansible_facts"][
        "due_renewal"
    ]
    return found


def look(stage: RotationStage, **variables: Any) -> PlaybookRun:
    return stage.run(playbook=PLAYBOOK, **variables)


def test_nothing_due_costs_one_session_and_one_read_for_each_server(setting: Setting) -> None:
    stage = setting(used=30)

    run = look(stage)

    assert verdict(run)["due"] is False
    assert run.changed == 0
    assert "Nothing is due" in run.output
    for server in ("EX01", "EX02"):
        counters = stage.fake.get("/counters")["servers"][server]
        assert counters["sessions"] == 1
        assert counters["windows_shells"] == 0
        assert counters["cmdlets"] == {"Get-ExchangeCertificate": 1}


@pytest.mark.parametrize("lifetime", [90, 47])
def test_two_thirds_of_the_lifetime_are_due_without_another_setting(
    setting: Setting, lifetime: int
) -> None:
    stage = setting(used=lifetime * 2 // 3 + 1, lifetime=lifetime)
    found = verdict(look(stage))
    assert found["due"] is True
    assert len(found["reasons"]) == 2
    assert f"EX01, {stage.example.old.thumbprint}" in found["reasons"][0]


@pytest.mark.once
@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"due_names": ["missing.contoso.test"]}, "has the names missing.contoso.test"),
        (
            {"due_distrusted_issuers": [{"issuer": "Issuing CA 1", "from": "2026-01-01"}]},
            "do not trust its issuer",
        ),
        ({"due_minimum_days": 80}, "days left"),
    ],
)
def test_other_reasons(setting: Setting, variables: dict[str, Any], reason: str) -> None:
    stage = setting(used=30)
    found = verdict(look(stage, **variables))
    assert found["due"] is True
    assert reason in " ".join(found["reasons"])


def test_after_a_rotation_the_former_certificate_makes_nothing_due(setting: Setting) -> None:
    stage = setting(used=80)
    assert verdict(look(stage))["due"] is True
    stage.run().check()
    assert verdict(look(stage))["due"] is False


@pytest.mark.once
@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"due_lifetime_percent": 0}, "above 0 and at most 100"),
        ({"due_jitter_days": -1}, "must not be negative"),
        ({"due_distrusted_issuers": [{"issuer": "x", "from": "soon"}]}, "is no day"),
    ],
)
def test_what_makes_no_sense_is_refused(
    setting: Setting, variables: dict[str, Any], reason: str
) -> None:
    run = look(setting(used=30), **variables)
    assert run.return_code != 0
    assert reason in run.output
