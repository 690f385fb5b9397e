# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the playbook keep the OAuth certificate valid, on the servers of every site?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.example_organisation import write_example
from support.fake_process import FakeProcess
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import PlaybookRun

PLAYBOOK = REPOSITORY / "playbooks" / "renew_auth.yml"
SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Hamburg"}]
PLAN = "See what is due for the Auth certificate"
Setting = Callable[..., RotationStage]


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    """Sets up an organization whose Auth certificate ends in so many days."""
    running: list[FakeProcess] = []

    def set_up(
        *, days: int, exportable: bool = True, next_is_nowhere: bool = False
    ) -> RotationStage:
        def adjust(organisation: dict[str, Any]) -> None:
            organisation["certificates"]["auth"] = {
                "subject": "CN=Microsoft Exchange Server Auth Certificate",
                "valid_days": 1825,
                "expires_in_days": days,
                "exportable": exportable,
            }
            organisation["defaults"]["certificates"].append({"certificate": "auth"})
            organisation["auth_config"] = {"current": "auth"}
            if next_is_nowhere:
                organisation["certificates"]["gone"] = {"subject": "CN=gone", "valid_days": 1825}
                organisation["auth_config"]["next"] = "gone"

        example = write_example(tmp_path, SERVERS, adjust=adjust)
        running.append(FakeProcess.start(example.file))
        return RotationStage(tmp_path, example, running[-1])

    yield set_up
    for fake in running:
        fake.stop()


def renew(stage: RotationStage, *, check_mode: bool = False, **variables: Any) -> PlaybookRun:
    return stage.run(playbook=PLAYBOOK, check_mode=check_mode, **variables)


def auth(stage: RotationStage) -> dict[str, Any]:
    found: dict[str, Any] = stage.state()["auth_config"]
    return found


def holders(stage: RotationStage, thumbprint: str) -> set[str]:
    servers = stage.state()["servers"].items()
    return {name for name, server in servers if thumbprint in server["certificates"]}


def internal_transport(stage: RotationStage) -> dict[str, str]:
    return {
        name: server["InternalTransportCertificateThumbprint"]
        for name, server in stage.state()["servers"].items()
    }


def test_nothing_due_changes_nothing(setting: Setting) -> None:
    stage = setting(days=400)

    run = renew(stage).check()

    assert run.changed == 0
    assert stage.changing_cmdlets() == []
    assert "The current certificate has 399 days left." in run.output


def test_at_sixty_days_the_next_one_is_staged_on_every_site_and_takes_over(
    setting: Setting,
) -> None:
    stage = setting(days=50)
    old, internal = auth(stage)["CurrentCertificateThumbprint"], internal_transport(stage)

    planned = renew(stage, check_mode=True).check()
    assert planned.result(PLAN, "EX01")["plan"]["action"] == "stage"
    assert stage.changing_cmdlets() == []

    renew(stage).check()
    assert stage.changing_cmdlets() == [
        "New-ExchangeCertificate",
        "Export-ExchangeCertificate",
        "Import-ExchangeCertificate",
        "Set-AuthConfig",
    ]
    new = auth(stage)["NextCertificateThumbprint"]
    assert auth(stage)["CurrentCertificateThumbprint"] == old
    assert holders(stage, new) == {"EX01", "EX02"}
    assert internal_transport(stage) == internal
    # The new one serves nothing that another certificate served.
    for server in stage.state()["servers"].values():
        assert set(server["certificates"][new]["Services"]) <= {"SMTP"}

    again = renew(stage).check()
    assert again.changed == 0
    assert stage.changing_cmdlets() == []

    stage.fake.post("/auth-servicelet", hours_later=50)
    assert auth(stage)["CurrentCertificateThumbprint"] == new
    assert renew(stage).check().changed == 0


def test_an_expired_one_is_replaced_at_once_and_loaded_everywhere(setting: Setting) -> None:
    stage = setting(days=-2)
    internal = internal_transport(stage)

    planned = renew(stage, check_mode=True).check()
    assert planned.result(PLAN, "EX01")["plan"]["action"] == "replace"
    assert stage.changing_cmdlets() == []

    run = renew(stage).check()

    new = auth(stage)["CurrentCertificateThumbprint"]
    assert auth(stage)["PreviousCertificateThumbprint"] == ""
    assert holders(stage, new) == {"EX01", "EX02"}
    assert internal_transport(stage) == internal
    for name in ("EX01", "EX02"):
        web = stage.state()["servers"][name]["services"]["W3SVC"]
        assert web["loaded"]["MSExchangeOWAAppPool"]["Thumbprint"] == new
        assert run.of("Recycle the application pools", name).status == "changed"

    again = renew(stage).check()
    assert again.changed == 0
    assert stage.changing_cmdlets() == []


def test_one_that_an_interrupted_run_created_is_taken(setting: Setting) -> None:
    stage = setting(days=50)
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Set-AuthConfig")

    assert renew(stage).return_code != 0
    renew(stage).check()

    assert stage.changing_cmdlets() == ["Set-AuthConfig"]
    assert holders(stage, auth(stage)["NextCertificateThumbprint"]) == {"EX01", "EX02"}


def test_a_lost_answer_creates_no_second_one(setting: Setting) -> None:
    stage = setting(days=50)
    # The cmdlet asks, so the answer that never comes is waited for until the deadline.
    stage.inventory_variables = {"ansible_exchange_deadline": 15}
    stage.fake.post("/faults", kind="lose_cmdlet", cmdlet="New-ExchangeCertificate")

    renew(stage).check()

    assert stage.changing_cmdlets().count("New-ExchangeCertificate") == 1
    assert auth(stage)["NextCertificateThumbprint"]


def test_one_of_ones_own_is_staged_published_and_the_former_forgotten(setting: Setting) -> None:
    stage = setting(days=400)
    old = auth(stage)["CurrentCertificateThumbprint"]
    own = stage.example.old.thumbprint

    renew(stage, auth_certificate_state="staged", auth_certificate_thumbprint=own).check()
    assert auth(stage)["NextCertificateThumbprint"] == own
    assert (
        renew(stage, auth_certificate_state="staged", auth_certificate_thumbprint=own).changed == 0
    )

    renew(stage, auth_certificate_state="published").check()
    assert auth(stage)["CurrentCertificateThumbprint"] == own
    assert auth(stage)["PreviousCertificateThumbprint"] == old
    assert renew(stage, auth_certificate_state="published").check().changed == 0

    renew(stage, auth_certificate_state="cleared").check()
    assert auth(stage)["PreviousCertificateThumbprint"] == ""
    assert renew(stage, auth_certificate_state="cleared").check().changed == 0


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"auth_certificate_thumbprint": "A" * 40}, "has no meaning with state: managed"),
        (
            {"auth_certificate_state": "staged", "auth_certificate_thumbprint": "A" * 40},
            "No Mailbox server holds a certificate",
        ),
        ({"auth_certificate_stage_days": -1}, "must not be negative"),
    ],
)
def test_a_wrong_input_is_refused_before_anything_changes(
    setting: Setting, variables: dict[str, Any], reason: str
) -> None:
    stage = setting(days=50)

    run = renew(stage, **variables)

    assert run.return_code != 0
    assert reason in run.output
    assert stage.changing_cmdlets() == []


def test_a_server_that_cannot_be_read_is_reported_and_keeps_nothing_from_being_done(
    setting: Setting,
) -> None:
    stage = setting(days=50)
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Get-ExchangeCertificate", times=1)

    run = renew(stage).check()

    assert auth(stage)["NextCertificateThumbprint"]
    assert "could not be read" in str(run.result(PLAN, "EX01")["warnings"])


def test_the_only_server_with_the_current_one_does_not_answer_and_nothing_is_replaced(
    setting: Setting,
) -> None:
    stage = setting(days=400)
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Get-ExchangeCertificate", times=2)

    run = renew(stage)

    assert run.return_code != 0
    assert "is on no server that could be read" in run.output
    assert stage.changing_cmdlets() == []


def test_a_staged_one_that_is_gone_is_not_published_and_check_mode_promises_nothing(
    setting: Setting,
) -> None:
    stage = setting(days=400, next_is_nowhere=True)
    gone = auth(stage)["NextCertificateThumbprint"]

    run = renew(stage, auth_certificate_state="published")
    assert run.return_code != 0
    assert f"No server holds the next certificate {gone}" in run.output
    assert stage.changing_cmdlets() == []

    # The current one has time, and what nobody holds cannot be brought to anybody.
    planned = renew(stage, check_mode=True).check()
    assert planned.changed == 0
    assert renew(stage).check().changed == 0


def test_a_restart_that_failed_is_done_by_the_next_run(setting: Setting) -> None:
    stage = setting(days=-2)
    stage.fake.post("/faults", kind="service_start_fails", service="MSExchangeServiceHost")

    assert renew(stage).return_code != 0
    new = auth(stage)["CurrentCertificateThumbprint"]

    run = renew(stage).check()
    assert "An earlier run was stopped before its restart" in run.output
    assert stage.changing_cmdlets() == []
    for server in stage.state()["servers"].values():
        web = server["services"]["W3SVC"]
        assert web["loaded"]["MSExchangeOWAAppPool"]["Thumbprint"] == new
    assert renew(stage).check().changed == 0
