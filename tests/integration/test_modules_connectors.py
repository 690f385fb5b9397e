# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connector modules and exchange_rotation_info in the real ansible-playbook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.module_stage import ModuleStage, module_stage
from support.run_playbook import task

CLOUD = "Outbound to Office 365"
HYBRID = "mail.protection.outlook.com:AcceptCloudServicesMail"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleStage]:
    with module_stage(tmp_path_factory.mktemp("connectors"), servers=6) as running:
        yield running


def send_connector(stage: ModuleStage, name: str) -> dict[str, Any]:
    connectors = stage.fake.get("/state")["send_connectors"]
    found: dict[str, Any] = next(item for item in connectors if item["Name"] == name)
    return found


def receive_connector(stage: ModuleStage, server: str, name: str) -> dict[str, Any]:
    connectors = stage.server(server)["receive_connectors"]
    found: dict[str, Any] = next(item for item in connectors if item["Name"] == f"{name} {server}")
    return found


def test_a_send_connector_gets_its_tls_side_in_one_cmdlet(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    options = {
        "name": CLOUD,
        **stage.source,
        "require_tls": True,
        "tls_auth_level": "DomainValidation",
        "tls_domain": "mail.protection.outlook.com",
        "cloud_services_mail_enabled": True,
        "fqdn": "mail.contoso.test",
    }

    planned = stage.run(
        task("Set", "exchange_send_connector", options), hosts=server, check_mode=True, diff=True
    ).check()

    assert stage.calls(changing=True) == []
    run = stage.run(
        task("Set", "exchange_send_connector", options), hosts=server, diff=True
    ).check()
    assert stage.calls() == ["Get-SendConnector", "Set-SendConnector", "Get-SendConnector"]
    assert run.result("Set")["diff"] == planned.result("Set")["diff"]
    stored = send_connector(stage, CLOUD)
    assert "Issuing CA 2" in stored["TlsCertificateName"]
    assert stored["TlsAuthLevel"] == "DomainValidation"
    assert stored["TlsDomain"] == "mail.protection.outlook.com"
    assert stored["CloudServicesMailEnabled"] is True

    again = stage.run(task("Set", "exchange_send_connector", options), hosts=server).check()

    assert again.changed == 0
    assert stage.calls() == ["Get-SendConnector"]


def test_a_send_connector_is_cleared_and_given_a_value_in_any_spelling(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    spelling = (
        '<i>CN=Contoso Issuing CA 2,O="Contoso, Ltd."</i>'
        '<s>CN=mail.contoso.test,O="Contoso, Ltd.",C=DE</s>'
    )
    clear = {"name": "Internet", "tls_certificate_name": "", "fqdn": ""}
    give = {"name": "Internet", "tls_certificate_name": spelling}

    run = stage.run(
        task("Give", "exchange_send_connector", give),
        task("Give again", "exchange_send_connector", give),
        task("Clear", "exchange_send_connector", clear),
        task("Clear again", "exchange_send_connector", clear),
        hosts=server,
    ).check()

    changed = [run.of(name).status for name in ("Give again", "Clear again")]
    assert changed == ["ok", "ok"]
    given = next(item for item in run.results if item.task == "Give").result
    assert given["connector"]["tls_certificate_name"] == (
        '<I>CN=Contoso Issuing CA 2, O="Contoso, Ltd."'
        '<S>CN=mail.contoso.test, O="Contoso, Ltd.", C=DE'
    )
    assert send_connector(stage, "Internet")["TlsCertificateName"] is None
    assert send_connector(stage, "Internet")["Fqdn"] is None


def test_a_receive_connector_gets_its_tls_side(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    options = {
        "name": f"{server}\\Default Frontend {server}",
        **stage.source,
        "tls_domain_capabilities": [HYBRID],
        "auth_mechanism": ["tls", "Integrated", "BasicAuth", "BasicAuthRequireTLS"],
        "domain_secure_enabled": True,
    }

    run = stage.run(
        task("Plan", "exchange_receive_connector_tls", options) | {"check_mode": True},
        task("Set", "exchange_receive_connector_tls", options),
        task("Again", "exchange_receive_connector_tls", options),
        hosts=server,
    ).check()

    assert run.result("Plan")["connector"] == run.result("Set")["connector"]
    assert run.result("Set")["changed"] is True
    assert run.result("Again")["changed"] is False
    assert stage.calls(changing=True) == ["Set-ReceiveConnector"]
    stored = receive_connector(stage, server, "Default Frontend")
    assert "Issuing CA 2" in stored["TlsCertificateName"]
    assert stored["DomainSecureEnabled"] is True
    assert run.result("Set")["connector"]["tls_domain_capabilities"] == [HYBRID]

    cleared = {
        "name": f"Default Frontend {server}",
        "tls_certificate_name": "",
        "tls_domain_capabilities": [],
    }
    run = stage.run(
        task("Clear", "exchange_receive_connector_tls", cleared),
        task("Again", "exchange_receive_connector_tls", cleared),
        hosts=server,
    ).check()
    assert run.result("Again")["changed"] is False
    stored = receive_connector(stage, server, "Default Frontend")
    assert stored["TlsCertificateName"] is None
    assert stored["TlsDomainCapabilities"] == []


def test_a_connector_that_is_not_there_names_those_that_are(stage: ModuleStage) -> None:
    server = stage.fresh_server()

    run = stage.run(
        task("Set", "exchange_receive_connector_tls", {"name": "Nowhere", "require_tls": True}),
        hosts=server,
    )

    assert run.failed == 1
    assert f"'Default Frontend {server}'" in run.result("Set")["msg"]
    assert stage.calls(changing=True) == []


def test_a_name_that_exchange_refuses_is_a_failure_with_its_words(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    unknown = {"name": "Internet", "tls_certificate_name": "<I>CN=Nobody<S>CN=nothing.test"}
    with stage.behavior(refuse_unknown_tls_certificate_name=True):
        run = stage.run(task("Set", "exchange_send_connector", unknown), hosts=server)

    result = run.result("Set")
    assert run.failed == 1
    assert result["changed"] is False
    assert result["cmdlet"] == "Set-SendConnector"
    assert result["category"]
    assert result["error_id"]


def test_a_rotation_is_planned_with_four_reads(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    plan = task(
        "Plan",
        "exchange_rotation_info",
        {**stage.source, "services": ["IIS", "SMTP", "IMAP", "POP"], "organization": True},
    )

    run = stage.run(plan, hosts=server).check()

    rotation = run.result("Plan")["rotation"]
    assert stage.calls() == [
        "Get-ExchangeCertificate",
        "Get-ReceiveConnector",
        "Get-SendConnector",
        "Get-HybridConfiguration",
    ]
    assert [item["thumbprint"] for item in rotation["outgoing"]] == [stage.example.old.thumbprint]
    assert rotation["install_needed"] is True
    assert [item["name"] for item in rotation["receive_connectors"]] == [
        f"{server}\\Default Frontend {server}"
    ]
    assert rotation["problems"] == []
