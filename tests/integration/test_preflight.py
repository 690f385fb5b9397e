# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does a rotation refuse to begin when something is wrong, and report everything at once?"""

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

PREFLIGHT = REPOSITORY / "playbooks" / "preflight.yml"
ROOT, FIRST_CA, SECOND_CA = authorities()
Staging = Callable[..., RotationStage]


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    running: list[FakeProcess] = []

    def set_up(*, servers: list[dict[str, Any]] | None = None, **example: Any) -> RotationStage:
        chosen = servers or [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Berlin"}]
        written = write_example(tmp_path, chosen, **example)
        running.append(FakeProcess.start(written.file))
        variables = {"rotate_record_directory": str(tmp_path / "runs")}
        return RotationStage(tmp_path, written, running[-1], variables)

    yield set_up
    for fake in running:
        fake.stop()


def findings(run: PlaybookRun, server: str) -> dict[str, str]:
    """The worst status of each check."""
    rank = {"pass": 0, "warn": 1, "fail": 2}
    worst: dict[str, str] = {}
    for item in run.result("Look at every server", server)["findings"]:
        known = worst.get(item["check"], "pass")
        worst[item["check"]] = max(known, item["status"], key=lambda status: rank[status])
    return worst


def test_a_sound_organization_passes_and_nothing_is_changed(staging: Staging) -> None:
    stage = staging()

    run = stage.run(playbook=PREFLIGHT, preflight_ca_path=str(stage.directory / "root.pem")).check()

    assert run.changed == 0
    assert stage.changing_cmdlets() == []
    first = findings(run, "EX01")
    assert {check for check, status in first.items() if status == "fail"} == set()
    assert {check for check, status in first.items() if status == "warn"} == {"build", "names"}
    assert set(first) >= {
        "validity", "wildcard", "common_name", "chain", "key", "signature", "usage", "self_signed",
        "revoked", "name_length", "exchange_endpoint", "windows_endpoint", "clock", "ports",
        "build", "builds", "services", "components", "queues", "back_pressure", "pending_requests",
        "permissions",
        "auth_certificate", "rollback", "backup",
    }  # fmt: skip


BROKEN = {
    "name": "EX02",
    "site": "Berlin",
    "version": "15.1.2375.7",
    "component_states": {"HubTransport": "Draining"},
    "services": {"MSExchangeEdgeSync": "Stopped"},
    "back_pressure": {"UsedDiskSpace": "High"},
    "clock_offset": 400,
    "queues": [{"name": "3", "MessageCount": 501, "Status": "Retry"}],
}


def test_everything_is_reported_at_once_and_nothing_begins(staging: Staging) -> None:
    stage = staging(
        servers=[{"name": "EX01", "site": "Berlin"}, BROKEN],
        new=SECOND_CA.issue(*SUBJECT, dns=[NAMES[0], "*.contoso.test"], valid_days=20),
    )

    run = stage.run()

    assert run.return_code != 0
    assert "Nothing was changed." in run.output
    assert stage.changing_cmdlets() == []
    assert not list((stage.directory / "runs").glob("*"))
    bad = {
        server: {check for check, status in findings(run, server).items() if status == "fail"}
        for server in ("EX01", "EX02")
    }
    assert bad["EX01"] == {"validity", "wildcard"}
    assert bad["EX02"] == {"build", "components", "services", "back_pressure", "clock", "queues"}
    message = run.result("Stop if anything speaks against it")["msg"]
    assert "EX01 (validity)" in message
    assert "EX02 (clock)" in message


@pytest.mark.parametrize("port", ["powershell_http", "winrm_http"])
def test_an_endpoint_that_does_not_answer_is_a_finding_like_any_other(
    staging: Staging, port: str
) -> None:
    stage = staging()
    stage.fake.post("/ports", server="EX02", port=port, closed=True)

    run = stage.run()

    assert run.return_code != 0
    name = "exchange_endpoint" if port.startswith("power") else "windows_endpoint"
    assert findings(run, "EX02")[name] == "fail"
    assert findings(run, "EX01")[name] == "pass"
    assert stage.changing_cmdlets() == []


@pytest.mark.parametrize(
    ("roles", "missing"),
    [
        ({"Small": {"Set-SendConnector": ["Identity"]}}, "Set-SendConnector -TlsCertificateName"),
        ({"Small": {"Get-SendConnector": []}}, "Set-SendConnector"),
    ],
)
def test_a_role_that_will_be_missing_half_way_is_missed_at_the_start(
    staging: Staging, roles: dict[str, Any], missing: str
) -> None:
    def adjust(organisation: dict[str, Any]) -> None:
        organisation["roles"] = roles
        organisation["accounts"][0] |= {
            "role_groups": [],
            "roles": [
                "Small", "Exchange Server Certificates", "Receive Connectors",
                "View-Only Configuration", "Monitoring", "Transport Queues",
            ],
        }  # fmt: skip

    stage = staging(adjust=adjust)

    run = stage.run()

    assert run.return_code != 0
    assert findings(run, "EX01")["permissions"] == "fail"
    assert missing in run.output
    assert stage.changing_cmdlets() == []


def test_where_commands_cannot_be_listed_that_is_reported_and_no_reason_to_stop(
    staging: Staging,
) -> None:
    stage = staging(behavior={"get_command": False})
    assert findings(stage.run(playbook=PREFLIGHT).check(), "EX01")["permissions"] == "warn"


def test_outside_of_the_maintenance_window_only_the_plan_is_made(staging: Staging) -> None:
    stage = staging()
    never = {"start": "00:00", "end": "00:01", "days": [pki.now().strftime("%a")]}
    tomorrow = {**never, "days": [(pki.now() + pki.days(2)).strftime("%a")]}

    run = stage.run(preflight_window=tomorrow)
    assert run.return_code != 0
    assert "outside of the maintenance window" in run.output
    assert stage.changing_cmdlets() == []

    stage.run(preflight_window=tomorrow, check_mode=True).check()
    assert stage.run(preflight_window={**never, "start": "25:00"}).return_code != 0


def test_the_same_name_and_a_key_that_cannot_be_exported_are_reported(staging: Staging) -> None:
    old = FIRST_CA.issue(*SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(80), valid_days=90)

    def adjust(organisation: dict[str, Any]) -> None:
        organisation["certificates"]["old"]["exportable"] = False

    stage = staging(old=old, new=FIRST_CA.issue(*SUBJECT, dns=NAMES, valid_days=90), adjust=adjust)

    found = findings(stage.run(playbook=PREFLIGHT).check(), "EX01")
    assert (found["rollback"], found["backup"]) == ("warn", "warn")
    refused = stage.run(playbook=PREFLIGHT, rotate_backup_password="long enough it is")
    assert findings(refused, "EX01")["backup"] == "fail"
    assert refused.return_code != 0
