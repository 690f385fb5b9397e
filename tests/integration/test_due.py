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

    def set_up(*, used: int, lifetime: int = 90, **more: Any) -> RotationStage:
        old = FIRST_CA.issue(
            *SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(used), valid_days=lifetime
        )
        example = write_example(tmp_path, SERVERS, old=old, **more)
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


def look(stage: RotationStage, *, check_mode: bool = False, **variables: Any) -> PlaybookRun:
    return stage.run(playbook=PLAYBOOK, check_mode=check_mode, **variables)


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


@pytest.mark.parametrize("why", ["commercial", "revoked"])
def test_a_former_certificate_that_ends_later_makes_nothing_due(setting: Setting, why: str) -> None:
    """From 398 or 200 days to 90: SMTP stays on the former one, and nobody can take it away."""
    stage = (
        setting(used=270, lifetime=398) if why == "commercial" else setting(used=5, lifetime=200)
    )
    old = stage.example.old.thumbprint
    variables = {"due_revoked_thumbprints": [old]} if why == "revoked" else {}
    assert verdict(look(stage, **variables))["due"] is True

    stage.run().check()

    for server in stage.state()["servers"].values():
        assert "SMTP" in server["certificates"][old]["Services"]
    assert verdict(look(stage, **variables))["due"] is False
    assert look(stage, check_mode=True, **variables).check().changed == 0


@pytest.mark.once
def test_a_former_certificate_counts_by_the_names_that_are_used(
    setting: Setting, tmp_path: Path
) -> None:
    """One of the corporate authority for a server's own name, which nothing goes by any more."""
    corporate = FIRST_CA.issue(
        ("CN", "ex01.corp.local"),
        dns=("ex01.corp.local",),
        not_before=pki.now() - pki.days(600),
        valid_days=700,
    )
    corporate.write_pfx(tmp_path / "corporate.pfx", "corporate")

    def with_it(organisation: dict[str, Any]) -> None:
        organisation["certificates"]["corporate"] = {
            "pfx": "corporate.pfx",
            "password": "corporate",
        }
        held = organisation["defaults"]["certificates"]
        held.insert(0, {"certificate": "corporate", "services": ["SMTP"]})

    stage = setting(used=10, adjust=with_it)

    # Nobody says which names are used: it may be in use, and whoever looks decides.
    found = verdict(look(stage))
    assert {corporate.thumbprint in reason for reason in found["reasons"]} == {True}
    for variables in (
        {"due_names_in_use": list(NAMES)},
        {"due_names": list(NAMES)},
        {"acme_renewal_names": list(NAMES)},
    ):
        assert verdict(look(stage, **variables))["due"] is False
    used = {"due_names": list(NAMES), "due_names_in_use": [*NAMES, "ex01.corp.local"]}
    assert verdict(look(stage, **used))["due"] is True


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
