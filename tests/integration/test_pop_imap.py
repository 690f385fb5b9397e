# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do POP3 and IMAP4 present the certificate of the name that they are given?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.example_organisation import write_example
from support.fake_process import FakeProcess
from support.presented import thumbprint
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import PlaybookRun

PLAYBOOK = REPOSITORY / "playbooks" / "pop_imap.yml"
SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Berlin"}]
NAMES = {"pop_imap_pop_name": "pop.contoso.test", "pop_imap_imap_name": "imap.contoso.test"}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[RotationStage]:
    example = write_example(
        tmp_path, SERVERS, behavior={"enable_sets_x509_certificate_name": False}
    )
    with FakeProcess.start(example.file) as fake:
        yield RotationStage(tmp_path, example, fake)


def run(stage: RotationStage, *, check_mode: bool = False, **variables: Any) -> PlaybookRun:
    return stage.run(playbook=PLAYBOOK, check_mode=check_mode, **variables)


def names(stage: RotationStage) -> dict[tuple[str, str], str]:
    return {
        (server, protocol): settings["X509CertificateName"]
        for server, state in stage.state()["servers"].items()
        for protocol, settings in state["mail_access"].items()
    }


def test_the_names_are_set_and_the_services_restarted(stage: RotationStage) -> None:
    before = names(stage)
    assert "pop.contoso.test" not in before.values()

    planned = run(stage, check_mode=True, **NAMES).check()
    assert planned.changed > 0
    assert names(stage) == before
    assert stage.changing_cmdlets() == []

    run(stage, **NAMES).check()

    assert names(stage) == {
        (server, protocol): f"{protocol.lower()}.contoso.test"
        for server in ("EX01", "EX02")
        for protocol in ("POP", "IMAP")
    }
    for server in ("EX01", "EX02"):
        where = stage.fake.server(server)
        for port, name in (("pop3s", "pop.contoso.test"), ("imaps", "imap.contoso.test")):
            presented = thumbprint(
                where["address"], where["ports"][port], starttls=False, name=name
            )
            assert presented == stage.example.old.thumbprint

    again = run(stage, **NAMES).check()
    assert again.changed == 0
    assert stage.changing_cmdlets() == []


def test_a_name_that_leads_to_no_certificate_is_refused_before_anything_changes(
    stage: RotationStage,
) -> None:
    before = names(stage)

    refused = run(stage, **{**NAMES, "pop_imap_imap_name": "nowhere.contoso.test"})

    assert refused.return_code != 0
    assert "has no valid certificate with the name nowhere.contoso.test" in refused.output
    assert names(stage) == before
    accepted = run(
        stage,
        pop_imap_imap_name="nowhere.contoso.test",
        pop_imap_require_certificate=False,
        pop_imap_restart=False,
    ).check()
    assert accepted.changed == 2


@pytest.mark.parametrize("name", ["*.contoso.test", "localhost", "mail contoso.test", ""])
def test_what_is_no_host_name_is_refused(stage: RotationStage, name: str) -> None:
    refused = run(stage, pop_imap_pop_name=name)
    assert "has to be one full host name" in refused.output
    assert stage.changing_cmdlets() == []


def test_a_lost_answer_is_looked_up(stage: RotationStage) -> None:
    stage.fake.post("/faults", kind="lose_cmdlet", cmdlet="Set-PopSettings")
    run(stage, **NAMES).check()
    assert set(names(stage).values()) == {"pop.contoso.test", "imap.contoso.test"}
    assert stage.changing_cmdlets().count("Set-PopSettings") == 2


def test_a_restart_that_was_not_possible_is_done_by_the_next_run(
    stage: RotationStage,
) -> None:
    stage.fake.post("/ports", server="EX02", port="winrm_http", closed=True)
    assert run(stage, **NAMES).return_code != 0
    assert stage.changing_cmdlets().count("Set-PopSettings") == 2
    stage.fake.post("/ports", server="EX02", port="winrm_http", closed=False)

    again = run(stage, **NAMES).check()

    assert "An earlier run was stopped before its restart" in again.output
    assert stage.changing_cmdlets() == []
    assert stage.fake.get("/counters")["servers"]["EX02"]["service_starts"]["MSExchangePOP3"] == 1
    assert run(stage, **NAMES).check().changed == 0
