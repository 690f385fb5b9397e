# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is the federation trust's certificate renewed, with the step between that a person has to do?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.example_organisation import write_example
from support.fake_process import FakeProcess
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import PlaybookRun

PLAYBOOK = REPOSITORY / "playbooks" / "renew_federation.yml"
SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Hamburg"}]
TASK = "See to the federation certificate"
Setting = Callable[..., RotationStage]


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    """Sets up an organization whose federation certificate ends in so many days."""
    running: list[FakeProcess] = []

    def set_up(*, days: int | None) -> RotationStage:
        def adjust(organisation: dict[str, Any]) -> None:
            if days is None:
                return
            organisation["certificates"]["federation"] = {
                "subject": "CN=Federation",
                "valid_days": 1825,
                "expires_in_days": days,
                "exportable": True,
            }
            organisation["defaults"]["certificates"].append({"certificate": "federation"})
            organisation["federation_trust"] = {
                "Name": "Azure AD authentication",
                "current": "federation",
            }

        example = write_example(tmp_path, SERVERS, adjust=adjust)
        running.append(FakeProcess.start(example.file))
        return RotationStage(tmp_path, example, running[-1])

    yield set_up
    for fake in running:
        fake.stop()


def renew(stage: RotationStage, *, check_mode: bool = False, **variables: Any) -> PlaybookRun:
    return stage.run(playbook=PLAYBOOK, check_mode=check_mode, **variables)


def trust(stage: RotationStage) -> dict[str, Any]:
    found: dict[str, Any] = stage.state()["federation_trust"]
    return found


def test_without_a_trust_there_is_nothing_to_do(setting: Setting) -> None:
    stage = setting(days=None)
    run = renew(stage).check()
    assert run.changed == 0
    assert "has no federation trust" in run.output


def test_nothing_due_changes_nothing(setting: Setting) -> None:
    stage = setting(days=400)
    run = renew(stage).check()
    assert run.changed == 0
    assert stage.changing_cmdlets() == []


def test_it_is_staged_waits_for_its_records_and_is_published(setting: Setting) -> None:
    stage = setting(days=50)
    old = trust(stage)["OrgPrivCertificate"]

    planned = renew(stage, check_mode=True).check()
    assert planned.result(TASK, "EX01")["plan"]["action"] == "stage"
    assert stage.changing_cmdlets() == []

    run = renew(stage).check()
    new = trust(stage)["OrgNextPrivCertificate"]
    assert new
    assert trust(stage)["OrgPrivCertificate"] == old
    for server in stage.state()["servers"].values():
        assert new in server["certificates"]
    (proof,) = run.result(TASK, "EX01")["proofs"]
    assert (proof["domain"], proof["thumbprint"]) == ("contoso.test", new)
    assert f"contoso.test TXT {proof['txt']}" in run.output

    waiting = renew(stage).check()
    assert waiting.changed == 0
    assert waiting.result(TASK, "EX01")["plan"]["action"] == "wait"
    assert stage.changing_cmdlets() == []

    planned = renew(stage, check_mode=True, federation_certificate_proofs_published=True).check()
    assert planned.result(TASK, "EX01")["plan"]["action"] == "publish"
    assert stage.changing_cmdlets() == []
    renew(stage, federation_certificate_proofs_published=True).check()
    assert stage.changing_cmdlets() == ["Set-FederationTrust"]
    assert trust(stage)["OrgPrivCertificate"] == new
    assert trust(stage)["OrgPrevPrivCertificate"] == old

    again = renew(stage, federation_certificate_proofs_published=True).check()
    assert again.changed == 0


def test_an_expired_one_is_explained_and_nothing_is_tried(setting: Setting) -> None:
    stage = setting(days=-3)

    run = renew(stage)

    assert run.return_code != 0
    message = run.result(TASK, "EX01")["msg"]
    assert "cannot be renewed any more" in message
    assert "Remove-FederatedDomain -DomainName contoso.test -Force" in message
    assert "New-FederationTrust -Name 'Azure AD authentication'" in message
    assert stage.changing_cmdlets() == []


def test_an_interrupted_run_is_finished_by_the_next(setting: Setting) -> None:
    stage = setting(days=50)
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Set-FederationTrust")

    assert renew(stage).return_code != 0
    renew(stage).check()

    assert stage.changing_cmdlets() == ["Set-FederationTrust"]
    assert trust(stage)["OrgNextPrivCertificate"]


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"federation_certificate_thumbprint": "A" * 40}, "No Mailbox server holds a certificate"),
        ({"federation_certificate_stage_days": -1}, "must not be negative"),
    ],
)
def test_a_wrong_input_is_refused(setting: Setting, variables: dict[str, Any], reason: str) -> None:
    stage = setting(days=50)
    assert reason in renew(stage, **variables).output
    assert stage.changing_cmdlets() == []
