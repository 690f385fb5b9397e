# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Are internal transport certificates reported, recreated and restored, Edge servers in mind?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.example_organisation import write_example
from support.fake_process import FakeProcess
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import PlaybookRun, play, task

PLAYBOOK = REPOSITORY / "playbooks" / "renew_internal_transport.yml"
INTERNAL = "InternalTransportCertificateThumbprint"
Setting = Callable[..., RotationStage]


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    running: list[FakeProcess] = []

    def set_up(*, edge: bool = False, expired: bool = False) -> RotationStage:
        servers: list[dict[str, Any]] = [
            {"name": "EX01", "site": "Berlin"},
            {"name": "EX02", "site": "Berlin"},
        ]
        if edge:
            servers.append(
                {
                    "name": "EDGE01",
                    "site": "Berlin",
                    "role": "Edge",
                    "services": {},
                    "certificates": [{"certificate": "old", "services": ["SMTP"]}],
                }
            )

        def adjust(organisation: dict[str, Any]) -> None:
            if expired:
                organisation["certificates"]["worn"] = {
                    "subject": "CN=EX01",
                    "valid_days": 1825,
                    "expires_in_days": -3,
                }
                organisation["defaults"]["certificates"].append(
                    {"certificate": "worn", "services": ["SMTP"], "internal_transport": True}
                )
            if edge:
                organisation["edge_subscriptions"] = ["EDGE01"]
                defaults = organisation.pop("defaults")
                for server in organisation["servers"][:2]:
                    server.update(
                        certificates=defaults["certificates"], services=defaults["services"]
                    )

        example = write_example(tmp_path, servers, adjust=adjust)
        running.append(FakeProcess.start(example.file))
        return RotationStage(tmp_path, example, running[-1])

    yield set_up
    for fake in running:
        fake.stop()


def renew(stage: RotationStage, *, check_mode: bool = False, **variables: Any) -> PlaybookRun:
    return stage.run(playbook=PLAYBOOK, check_mode=check_mode, **variables)


def internal(stage: RotationStage) -> dict[str, str]:
    return {name: server[INTERNAL] for name, server in stage.state()["servers"].items()}


def take_the_role_away(stage: RotationStage, server: str) -> str:
    """As a script with -Force does it; returns the certificate that has the role now."""
    options = {
        "pfx_path": str(stage.example.pfx),
        "pfx_password": stage.example.pfx_password,
        "services": ["SMTP"],
        "internal_transport_certificate": "replace",
    }
    stage.run(playbook=[play(server, [task("Take", "exchange_certificate", options)])]).check()
    return stage.example.new.thumbprint


def test_good_ones_are_left_alone(setting: Setting) -> None:
    stage = setting()
    before = internal(stage)

    run = renew(stage).check()

    assert run.changed == 0
    assert stage.changing_cmdlets() == []
    assert internal(stage) == before


def test_one_that_ends_soon_is_recreated_and_loaded(setting: Setting) -> None:
    stage = setting()
    before = internal(stage)
    soon = {"internal_certificate_days_left": 2000}

    planned = renew(stage, check_mode=True, **soon).check()
    assert planned.changed > 0
    assert internal(stage) == before
    assert stage.changing_cmdlets() == []

    renew(stage, **soon).check()
    after = internal(stage)
    for name, server in stage.state()["servers"].items():
        assert after[name] != before[name]
        made = server["certificates"][after[name]]
        assert made["Subject"] == f"CN={name}"
        # The certificate in use for everything else keeps its services.
        assert set(server["certificates"][stage.example.old.thumbprint]["Services"]) >= {"SMTP"}
    assert renew(stage).check().changed == 0


def test_a_restart_that_failed_is_done_by_the_next_run(setting: Setting) -> None:
    stage = setting(expired=True)
    stage.fake.post("/faults", kind="service_start_fails", service="MSExchangeTransport")
    assert renew(stage).return_code != 0
    made = internal(stage)

    run = renew(stage).check()

    assert "An earlier run was stopped before its restart" in run.output
    assert internal(stage) == made
    assert stage.changing_cmdlets() == []
    for name in made:
        starts = stage.fake.get("/counters")["servers"][name]["service_starts"]
        assert starts["MSExchangeTransport"] == 1
    assert renew(stage).check().changed == 0


def test_an_expired_one_is_recreated(setting: Setting) -> None:
    stage = setting(expired=True)
    before = internal(stage)

    run = renew(stage).check()

    assert "expired on" in run.output
    after = internal(stage)
    assert all(after[name] != before[name] for name in before)
    assert renew(stage).check().changed == 0


def test_the_role_is_restored_to_the_former_one(setting: Setting) -> None:
    stage = setting()
    former = internal(stage)["EX01"]
    take_the_role_away(stage, "EX01")
    options = {"thumbprint": former}

    def run(check_mode: bool = False) -> PlaybookRun:
        tasks = [task("Restore", "exchange_internal_transport_certificate", options)]
        return stage.run(playbook=[play("EX01", tasks)], check_mode=check_mode)

    assert run(check_mode=True).check().changed == 1
    assert internal(stage)["EX01"] != former
    run().check()
    assert internal(stage)["EX01"] == former
    assert run().check().changed == 0


def test_with_edge_servers_nothing_is_changed_unless_it_is_accepted(setting: Setting) -> None:
    stage = setting(edge=True)
    before = internal(stage)
    always = {"internal_certificate_recreate": "always"}

    refused = renew(stage, **always)
    assert refused.return_code != 0
    assert "EDGE01 would have to be subscribed again" in refused.output
    assert internal(stage) == before
    assert stage.changing_cmdlets() == []

    run = renew(stage, internal_certificate_accept_resubscription=True, **always).check()
    after = internal(stage)
    assert all(after[name] != before[name] for name in before)
    assert "EDGE01 has to be subscribed again:" in run.output
    assert "New-EdgeSubscription -FileName" in run.output


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"thumbprint": "A" * 40}, "has no certificate"),
        ({"days_left": -1}, "must not be negative"),
    ],
)
def test_a_wrong_input_is_refused(setting: Setting, options: dict[str, Any], reason: str) -> None:
    stage = setting()
    tasks = [task("Do", "exchange_internal_transport_certificate", options)]
    run = stage.run(playbook=[play("EX01", tasks)])
    assert reason in run.result("Do")["msg"]
    assert stage.changing_cmdlets() == []
