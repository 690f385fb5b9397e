# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is AWX configured by code, completely and once? Against a stand-in for its API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.awx_stub import TOKEN, AwxStub
from support.rotation_stage import REPOSITORY
from support.run_playbook import (
    OPTIONAL_COLLECTIONS,
    PlaybookRun,
    has_collection,
    run_playbook,
    write_yaml,
)

PLAYBOOK = REPOSITORY / "playbooks" / "awx_setup.yml"
PROJECT = REPOSITORY / "docs" / "awx-project"
NAME = "Exchange certificates"
SECRETS = {
    "awx_setup_exchange_password": "the password of the account",
    "awx_setup_pfx_password": "the password of the PFX",
    "awx_setup_backup_password": "the password of backups",
    "awx_setup_acme_account_key": "-----BEGIN PRIVATE KEY-----\nMIsecret\n-----END",
}
# With what is quoted in an answer.
RELAY_PASSWORD = "the relay's \"höchst\\geheim"
NOTIFICATION = {
    "host": "smtp.contoso.test",
    "port": 25,
    "sender": "awx@contoso.test",
    "recipients": ["postmaster@contoso.test"],
    "username": "awx",
    "password": RELAY_PASSWORD,
    "use_tls": False,
    "use_ssl": False,
    "timeout": 30,
}

pytestmark = pytest.mark.skipif(
    not has_collection("awx.awx"),
    reason="awx.awx could not be downloaded from PyPI (package ansible)",
)


@pytest.fixture
def awx() -> Iterator[AwxStub]:
    with AwxStub(PROJECT) as running:
        yield running


def set_up(
    folder: Path,
    awx: AwxStub,
    *,
    check_mode: bool = False,
    arguments: tuple[str, ...] = ("-vv",),
    **more: Any,
) -> PlaybookRun:
    return run_playbook(
        folder,
        PLAYBOOK,
        inventory=write_yaml(folder / "inventory.yml", {"all": {"hosts": {}}}),
        check_mode=check_mode,
        arguments=arguments,
        extra_variables={
            "awx_setup_controller_host": awx.url,
            "awx_setup_controller_token": TOKEN,
            "awx_setup_execution_environment_image": "registry.contoso.test/exchange:1",
            "awx_setup_project_url": "https://git.contoso.test/exchange.git",
            "awx_setup_exchange_user": "svc-mailops@CONTOSO.TEST",
            "awx_setup_variables": {"rotate_record_directory": "/var/lib/mailops/runs"},
            "awx_setup_notification_type": "email",
            "awx_setup_notification_configuration": NOTIFICATION,
            **SECRETS,
            **more,
        },
    )


def test_everything_is_made_once(tmp_path: Path, awx: AwxStub) -> None:
    run = set_up(tmp_path, awx).check()
    assert awx.refusals == []

    templates = {item["name"]: item for item in awx.objects["job_templates"].values()}
    assert {name.removeprefix(f"{NAME}, ") for name in templates} == {
        "plan",
        "rotate",
        "verify",
        "renew",
        "roll back",
        "audit",
    }
    assert templates[f"{NAME}, plan"]["job_type"] == "check"
    assert templates[f"{NAME}, rotate"]["job_type"] == "run"
    assert json.loads(templates[f"{NAME}, verify"]["extra_vars"]) == {
        "rotate_record_directory": "/var/lib/mailops/runs",
        "rotate_verify_only": True,
    }
    assert awx.list_of("job_templates", f"{NAME}, renew", "credentials") == {
        NAME,
        f"{NAME}, ACME account",
        f"{NAME}, backup password",
    }
    # Secrets reach AWX, as the variables of the playbooks.
    account = awx.named("credentials", f"{NAME}, ACME account")
    assert awx.secrets[account["id"]]["secret"] == SECRETS["awx_setup_acme_account_key"]
    kind = awx.named("credential_types", f"{NAME}, ACME account")
    assert kind["injectors"]["extra_vars"] == {"acme_renewal_account_key_content": "{{ secret }}"}
    assert shown_secrets(run) == []
    # What reads the certificate has its password: the proof of the workflow as well, which fails
    # without it, and has a good rotation rolled back.
    kind = awx.named("credential_types", f"{NAME}, PFX password")
    assert kind["injectors"]["extra_vars"] == {
        "rotate_pfx_password": "{{ secret }}",
        "newest_certificate_pfx_password": "{{ secret }}",
    }
    with_password = {
        name.removeprefix(f"{NAME}, ")
        for name in templates
        if f"{NAME}, PFX password" in awx.list_of("job_templates", name, "credentials")
    }
    assert with_password == {"plan", "rotate", "verify"}
    # A rotation that was killed leaves no folder, so a rollback must not insist on one.
    (question,) = templates[f"{NAME}, roll back"]["_survey"]["spec"]
    assert (question["variable"], question["required"]) == ("rollback_run_folder", False)
    # The workflow: plan, approval, rotation, proof, and the rollback after two of them.
    nodes = "workflow_job_template_nodes"
    assert awx.list_of(nodes, "plan", "success_nodes") == {"approval"}
    assert awx.list_of(nodes, "approval", "success_nodes") == {"rotate"}
    assert awx.list_of(nodes, "rotate", "success_nodes") == {"verify"}
    assert awx.list_of(nodes, "rotate", "failure_nodes") == {"roll-back"}
    assert awx.list_of(nodes, "verify", "failure_nodes") == {"roll-back"}
    schedules = {item["name"]: item["rrule"] for item in awx.objects["schedules"].values()}
    assert "FREQ=DAILY" in schedules[f"{NAME}, renew"]
    assert "FREQ=WEEKLY" in schedules[f"{NAME}, audit"]

    awx.changes.clear()
    again = set_up(tmp_path, awx).check()
    assert awx.changes == []
    assert again.changed == 0


def shown_secrets(run: PlaybookRun) -> list[str]:
    """Secrets in the output, also as parts that quoting leaves alone."""
    parts = [*SECRETS.values(), "MIsecret", "relay's", "geheim"]
    return [part for part in parts if part in run.output.replace("\\", "")]


@pytest.mark.long
@pytest.mark.once
def test_check_mode_changes_nothing_on_an_awx_that_has_nothing_and_on_one_that_has_all(
    tmp_path: Path, awx: AwxStub
) -> None:
    first = set_up(tmp_path, awx, check_mode=True).check()
    assert (awx.changes, awx.refusals) == ([], [])
    for name in ("plan", "rotate", "verify", "renew", "roll back", "audit", "with approval"):
        assert f"{NAME}, {name}" in first.output
    # The organization, the types of credentials, and everything that needs these.
    assert first.changed == 3

    set_up(tmp_path, awx).check()
    awx.changes.clear()
    image = {"awx_setup_execution_environment_image": "registry.contoso.test/exchange:2"}
    planned = set_up(tmp_path, awx, check_mode=True, **image).check()
    assert planned.changed == 1
    assert awx.changes == []


@pytest.mark.once
def test_what_is_set_otherwise_is_changed_and_nothing_else(tmp_path: Path, awx: AwxStub) -> None:
    set_up(tmp_path, awx).check()
    awx.changes.clear()
    changed = {
        "awx_setup_execution_environment_image": "registry.contoso.test/exchange:2",
        "awx_setup_renew_schedule": "",
        "awx_setup_renew_playbook": "rotate_newest.yml",
        "awx_setup_notification_configuration": {**NOTIFICATION, "timeout": 20},
    }
    set_up(tmp_path, awx, **changed).check()
    assert awx.changes == [
        f"PATCH execution_environments {NAME}",
        f"PATCH notification_templates {NAME}",
        f"PATCH job_templates {NAME}, renew",
        f"POST credentials of {NAME}, renew",
        f"DELETE schedules {NAME}, renew",
    ]
    # Another program's PFX is opened with the same password.
    assert f"{NAME}, PFX password" in awx.list_of("job_templates", f"{NAME}, renew", "credentials")
    assert [item["name"] for item in awx.objects["schedules"].values()] == [f"{NAME}, audit"]

    awx.changes.clear()
    assert set_up(tmp_path, awx, **changed).check().changed == 0
    assert awx.changes == []
    set_up(tmp_path, awx, awx_setup_update_secrets=True, **changed).check()
    assert f"PATCH notification_templates {NAME}" in awx.changes


@pytest.mark.once
def test_only_what_was_given_becomes_a_credential(tmp_path: Path, awx: AwxStub) -> None:
    nothing = dict.fromkeys([name for name in SECRETS if "exchange" not in name], "")
    set_up(tmp_path, awx, **nothing).check()
    assert [item["name"] for item in awx.objects["credentials"].values()] == [NAME]


@pytest.mark.once
@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"awx_setup_renew_schedule": "FREQ=DAILY"}, "valid DTSTART required"),
        ({"awx_setup_renew_playbook": "nothing.yml"}, "nothing.yml not found for project"),
        ({"awx_setup_notification_type": "pigeon"}, "pigeon"),
        (
            {
                "awx_setup_notification_configuration": {
                    name: value for name, value in NOTIFICATION.items() if name != "sender"
                }
            },
            "notification_configuration: ['sender']",
        ),
        ({"awx_setup_machine_credential_kind": "Pigeons"}, "credential_types/?name=Pigeons"),
        ({"awx_setup_machine_credential_kind": "Vault"}, "inputs: ['password', 'username']"),
        ({"awx_setup_controller_host": "http://127.0.0.1:9"}, "AWX cannot be asked"),
        ({"awx_setup_controller_token": "wrong"}, "Invalid authentication credentials"),
    ],
)
def test_what_awx_refuses_is_reported(
    tmp_path: Path, awx: AwxStub, variables: dict[str, Any], reason: str
) -> None:
    refused = set_up(tmp_path, awx, arguments=("-vvvv",), **variables)
    assert refused.return_code != 0
    assert reason in refused.output
    assert shown_secrets(refused) == []


@pytest.mark.once
def test_a_missing_collection_is_reported(
    tmp_path: Path, awx: AwxStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(OPTIONAL_COLLECTIONS)
    refused = set_up(tmp_path, awx)
    assert refused.return_code != 0
    assert "ansible-galaxy collection install 'awx.awx" in refused.output


def test_the_project_has_what_the_templates_name() -> None:
    for playbook in PROJECT.glob("*.yml"):
        text = playbook.read_text(encoding="utf-8")
        assert f"mailops.exchange.{playbook.stem}" in text
        assert (REPOSITORY / "playbooks" / playbook.name).is_file()
