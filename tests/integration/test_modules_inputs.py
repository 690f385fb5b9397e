# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes into the modules from playbooks, and what must not come out of them?"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from support.module_stage import ModuleStage, module_stage
from support.run_playbook import playbook_environment, task

VAULT_PASSWORD = "vault-Passw0rd"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleStage]:
    with module_stage(tmp_path_factory.mktemp("inputs"), servers=4) as running:
        yield running


def test_a_vaulted_pfx_and_a_vaulted_password_leave_no_trace(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
    vaulted = stage.directory / "vaulted.pfx"
    vaulted.write_bytes(vault.encrypt(stage.example.pfx.read_bytes()))
    password_file = stage.directory / "vault-password"
    password_file.write_text(VAULT_PASSWORD)
    variables = stage.directory / "vaulted-variables.yml"
    variables.write_bytes(
        vault.encrypt(yaml.safe_dump({"pfx_password": stage.example.pfx_password}))
    )

    run = stage.run(
        task(
            "Install",
            "exchange_certificate",
            {
                "pfx_path": str(vaulted),
                "pfx_password": "{{ pfx_password }}",
                "services": ["SMTP"],
            },
        ),
        hosts=server,
        vars_files=[str(variables)],
        arguments=[f"--vault-password-file={password_file}", "-vvvv", "--diff"],
    ).check()

    assert run.result("Install")["changed"] is True
    secrets = [
        stage.example.pfx_password,
        stage.example.password,
        base64.b64encode(stage.example.pfx.read_bytes()).decode()[:60],
        "PRIVATE KEY",
    ]
    for secret in secrets:
        assert secret not in run.output
    written = [
        path
        for path in (stage.directory / f"run-{stage._runs}").rglob("*")
        if path.is_file() and path.name != "inventory.yml"
    ]
    assert written
    for path in written:
        content = path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in content, path


def test_an_inline_vaulted_password_is_understood(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
    text = vault.encrypt(stage.example.pfx_password).decode()
    variables = stage.directory / "inline.yml"
    indented = "\n".join(f"  {line}" for line in text.splitlines())
    variables.write_text(f"pfx_password: !vault |\n{indented}\n")
    password_file = stage.directory / "vault-password-inline"
    password_file.write_text(VAULT_PASSWORD)

    run = stage.run(
        task(
            "Plan",
            "exchange_certificate",
            {"pfx_path": str(stage.example.pfx), "pfx_password": "{{ pfx_password }}"},
        ),
        hosts=server,
        check_mode=True,
        vars_files=[str(variables)],
        arguments=[f"--vault-password-file={password_file}"],
    ).check()

    assert run.result("Plan")["changed"] is True


def test_secrets_stay_out_of_failures_too(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    wrong = {**stage.source, "pfx_password": "wrong-pfx-Passw0rd", "services": ["SMTP"]}
    stage.fake.post(
        "/faults",
        kind="fail_cmdlet",
        cmdlet="Import-ExchangeCertificate",
        server=server,
        message=f"cannot use {stage.example.pfx_password}",
    )

    run = stage.run(
        task("Wrong", "exchange_certificate", wrong) | {"ignore_errors": True},
        task("Echo", "exchange_certificate", {**stage.source, "services": ["SMTP"]}),
        hosts=server,
        arguments=["-vvvv"],
    )

    assert [item.status for item in run.results] == ["failed", "failed"]
    assert "password is wrong" in run.result("Wrong")["msg"]
    assert "********" in run.result("Echo")["msg"]
    for secret in ("wrong-pfx-Passw0rd", stage.example.pfx_password, stage.example.password):
        assert secret not in run.output


def test_wrong_options_are_one_line_and_send_nothing(stage: ModuleStage) -> None:
    tasks = [
        task("Unknown", "exchange_certificate", {"thumbprint": "A" * 40, "servces": ["SMTP"]}),
        task("Choice", "exchange_service", {"state": "reloaded"}),
        task("Missing", "exchange_send_connector", {"fqdn": "mail.contoso.test"}),
        task("Federation", "exchange_certificate", {**stage.source, "services": ["Federation"]}),
        task("File", "exchange_rotation_info", {"pfx_path": "nowhere.pfx"}),
    ]

    run = stage.run(*(item | {"ignore_errors": True} for item in tasks), hosts="EX01").check()

    words = {
        "Unknown": "servces",
        "Choice": "one of",
        "Missing": "name",
        "Federation": "Set-FederationTrust",
        "File": "was not found",
    }
    for name, word in words.items():
        assert run.of(name).status == "failed"
        assert word in run.result(name)["msg"]
        assert "\n" not in run.result(name)["msg"]
    assert stage.counters("EX01")["sessions"] == 0


MAIL = {"sender": "monitor@partner.test", "recipient": "test@contoso.test"}
NOTICE = {
    "host": "127.0.0.1",
    "sender": "a@b.test",
    "recipients": ["c@b.test"],
    "subject": "x",
    "body": "y",
}
BACKUP = {"thumbprint": "A" * 40, "directory": "/nowhere"}
WINDOW = {"start": "22:00", "end": "02:00"}
BAD_VALUES: list[tuple[str, dict[str, Any], str]] = [
    ("exchange_preflight", {"minimum_days": -1}, "minimum_days must not be negative, and is -1"),
    ("exchange_preflight", {"minimum_rsa_bits": 512}, "minimum_rsa_bits"),
    ("exchange_preflight", {"known_builds": [{"name": "x", "build": "15"}]}, "'15' is no build"),
    ("exchange_preflight", {"revoked_thumbprints": ["F00"]}, "F00"),
    ("exchange_preflight", {"window": {**WINDOW, "end": "25:00"}}, "'25:00' is no time"),
    ("exchange_preflight", {"window": {**WINDOW, "time_zone": "Mars"}}, "'Mars' is no time zone"),
    ("exchange_preflight", {"window": {**WINDOW, "days": ["Freitag"]}}, "Freitag"),
    ("exchange_preflight", {"activities": ["sleep"]}, "sleep"),
    ("exchange_mail_flow", {**MAIL, "sender": "nobody"}, "'nobody' is not a mail address"),
    ("exchange_mail_flow", {**MAIL, "port": 70000}, "70000 is not a port"),
    ("exchange_mail_flow", {**MAIL, "timeout": 0}, "timeout must be more than 0"),
    ("exchange_mail_flow", {**MAIL, "user": "u"}, "user needs password"),
    ("exchange_notification_mail", {**NOTICE, "recipients": []}, "recipients is empty"),
    ("exchange_notification_mail", {**NOTICE, "port": 0}, "port 0 is not a port"),
    ("exchange_certificate_backup", {**BACKUP, "password": "Pw7-x"}, "too short"),
    ("exchange_component_state", {"component": "HubTransport", "state": "Asleep"}, "Asleep"),
    ("exchange_service", {"state": "stopped", "drain": True}, "restarted only"),
    ("exchange_service", {"state": "restarted", "drain": True, "drain_timeout": 0}, "not 0"),
    ("exchange_run_record_info", {"folder": "/nowhere/run"}, "/nowhere/run"),
    ("exchange_run_record", {"state": "resumed", "folder": "/nowhere/run"}, "/nowhere/run"),
]


def test_bad_values_are_named_in_one_line_and_nothing_is_sent(stage: ModuleStage) -> None:
    tasks = [
        task(f"Bad {number:02}", module, {**options}) | {"ignore_errors": True}
        for number, (module, options, _words) in enumerate(BAD_VALUES)
    ]

    run = stage.run(*tasks, hosts="EX01").check()

    for number, (module, _options, words) in enumerate(BAD_VALUES):
        assert run.of(f"Bad {number:02}").status == "failed", module
        message = run.result(f"Bad {number:02}")["msg"]
        assert words in message, (module, message)
        assert "\n" not in message, (module, message)
        assert "Traceback" not in message, (module, message)
    assert stage.counters("EX01")["sessions"] == 0


def test_a_deprecated_state_still_works_and_says_what_takes_its_place(stage: ModuleStage) -> None:
    servers = {"EX01": {"address": "ex01.contoso.test"}}
    found = {"state": "found", "directory": str(stage.directory / "runs"), "servers": servers}

    run = stage.run(task("Find", "exchange_run_record", found), hosts="EX01").check()

    assert run.result("Find")["run"] is None
    # The callback breaks lines at the width of the terminal.
    output = " ".join(run.output.split())
    assert "[DEPRECATION WARNING]" in output
    assert "state=found of mailops.exchange.exchange_run_record is deprecated" in output
    assert "0.4.0" in output


def test_another_connection_is_refused_in_one_sentence(stage: ModuleStage) -> None:
    run = stage.run(
        task("Here", "exchange_certificate_info", {}) | {"delegate_to": "localhost"},
        hosts="EX01",
    )

    assert run.of("Here").status == "failed"
    assert "needs the connection mailops.exchange.exchange" in run.result("Here")["msg"]


def test_an_unreachable_server_is_unreachable_and_says_what_to_do(stage: ModuleStage) -> None:
    run = stage.run(
        task("Read", "exchange_certificate_info", {}), hosts="EX01", password="wrong-Passw0rd"
    )

    assert run.of("Read").status == "unreachable"
    assert "\n" not in run.result("Read")["msg"]
    assert "wrong-Passw0rd" not in run.output


def test_workers_inherit_the_heavy_libraries_and_others_do_not_pay(stage: ModuleStage) -> None:
    exchange = stage.run(
        task("Read", "exchange_certificate_info", {"connectors": False}), hosts="EX01"
    ).check()
    plain = stage.run(
        {"name": "Plain", "ansible.builtin.debug": {"msg": "x"}}, hosts="EX01"
    ).check()

    assert {"psrpcore", "pypsrp", "cryptography"} <= set(exchange.imported)
    # Ansible itself looks at all its connection plugins, and so at pypsrp and winrm.
    assert not {"psrpcore", "OpenSSL"} & set(plain.imported)


def test_reading_the_documentation_imports_no_heavy_library(
    stage: ModuleStage, tmp_path: Path
) -> None:
    process = subprocess.run(
        [
            *(sys.executable, "-X", "importtime", "-m", "ansible", "doc", "-t", "module"),
            "mailops.exchange.exchange_certificate",
        ],
        env=playbook_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert "Install, enable or remove" in process.stdout or "pfx_path" in process.stdout
    for library in ("psrpcore", "pypsrp", "winrm", "OpenSSL"):
        assert f" {library}\n" not in process.stderr
