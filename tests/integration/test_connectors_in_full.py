# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connectors with all their properties and rights: created, changed, removed, applied as read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.module_stage import ModuleStage, module_stage
from support.run_playbook import PlaybookRun, task

# Of modules alone, in which no version of ansible-core makes a difference.
pytestmark = pytest.mark.once

PASSWORD = "s3cret of the relay"
FABRIKAM = {
    "name": "To Fabrikam",
    "address_spaces": ["fabrikam.test", "*.fabrikam.test;5"],
    "smart_hosts": ["gateway.fabrikam.test", "[192.0.2.7]"],
    "dns_routing_enabled": False,
    "smart_host_auth_mechanism": "BasicAuth",
    "authentication_user": "contoso",
    "authentication_password": PASSWORD,
    "require_tls": True,
    "max_message_size": "20 MB",
    "comment": "ticket 17",
    "connection_inactivity_timeout": "00:05",
}
RELAY = {
    "name": "Relay",
    "transport_role": "FrontendTransport",
    "bindings": ["0.0.0.0:25"],
    "remote_ip_ranges": ["192.0.2.0/24", "198.51.100.7"],
    "auth_mechanism": ["Tls"],
    "permission_groups": ["AnonymousUsers"],
    "max_message_size": "100MB",
    "bare_linefeed_rejection_enabled": True,
    "extended_rights": [
        {
            "user": "NT AUTHORITY\\ANONYMOUS LOGON",
            "rights": ["ms-exch-smtp-accept-any-recipient", "Ms-Exch-Bypass-Anti-Spam"],
        }
    ],
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleStage]:
    with module_stage(tmp_path_factory.mktemp("connectors"), servers=9) as running:
        yield running


def send(stage: ModuleStage, server: str, spec: dict[str, Any], **more: Any) -> PlaybookRun:
    return stage.run(task("Do", "exchange_send_connector", spec), hosts=server, **more)


def receive(stage: ModuleStage, server: str, spec: dict[str, Any], **more: Any) -> PlaybookRun:
    return stage.run(task("Do", "exchange_receive_connector", spec), hosts=server, **more)


def send_connectors(stage: ModuleStage) -> dict[str, dict[str, Any]]:
    return {item["Name"]: item for item in stage.fake.get("/state")["send_connectors"]}


def receive_connectors(stage: ModuleStage, server: str) -> dict[str, dict[str, Any]]:
    return {item["Name"]: item for item in stage.server(server)["receive_connectors"]}


# Send connectors ----------------------------------------------------------------------------------


def test_a_send_connector_is_created_changed_and_removed(stage: ModuleStage) -> None:
    server = stage.fresh_server()

    planned = send(stage, server, FABRIKAM, check_mode=True, diff=True).check()
    assert planned.result("Do")["changes"] == ["Create Send connector 'To Fabrikam'."]
    assert stage.calls(changing=True) == []
    assert "To Fabrikam" not in send_connectors(stage)

    run = send(stage, server, FABRIKAM, diff=True).check()
    assert stage.calls() == ["Get-SendConnector", "New-SendConnector", "Get-SendConnector"]
    stored = send_connectors(stage)["To Fabrikam"]
    assert stored["SmartHosts"] == ["gateway.fabrikam.test", "[192.0.2.7]"]
    assert stored["RequireTLS"] is True
    assert run.result("Do")["connector"]["authentication_user"] == "contoso"
    assert PASSWORD not in run.output + json.dumps([item.result for item in run.results])

    again = send(stage, server, FABRIKAM).check()
    assert again.changed == 0
    assert stage.calls() == ["Get-SendConnector"]

    changed = {
        "name": "to fabrikam",
        "address_spaces": ["SMTP:*.fabrikam.test;5", "smtp:FABRIKAM.test;1"],
        "max_message_size": "unlimited",
        "port": 2525,
        "comment": "",
    }
    planned = send(stage, server, changed, check_mode=True, diff=True).check()
    assert stage.calls(changing=True) == []
    run = send(stage, server, changed, diff=True).check()
    assert (
        run.result("Do")["changes"]
        == planned.result("Do")["changes"]
        == [
            "Clear Comment of Send connector 'To Fabrikam'.",
            "Set MaxMessageSize of Send connector 'To Fabrikam'.",
            "Set Port of Send connector 'To Fabrikam'.",
        ]
    )
    assert run.result("Do")["diff"] == planned.result("Do")["diff"]
    assert send(stage, server, changed).check().changed == 0

    gone = {"name": "To Fabrikam", "state": "absent"}
    planned = send(stage, server, gone, check_mode=True).check()
    assert planned.result("Do")["changes"] == ["Remove Send connector 'To Fabrikam'."]
    assert "To Fabrikam" in send_connectors(stage)
    send(stage, server, gone).check()
    assert stage.calls(changing=True) == ["Remove-SendConnector"]
    assert "To Fabrikam" not in send_connectors(stage)
    assert send(stage, server, gone).check().changed == 0


def test_a_password_is_sent_again_only_when_asked_for(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    spec = {**FABRIKAM, "name": "To Northwind", "address_spaces": ["northwind.test"]}
    send(stage, server, spec).check()

    run = send(stage, server, {**spec, "update_password": "always"}).check()

    assert run.result("Do")["changes"] == [
        "Set AuthenticationCredential of Send connector 'To Northwind'."
    ]
    assert PASSWORD not in run.output + json.dumps([item.result for item in run.results])
    without = {key: spec[key] for key in spec if key != "authentication_password"}
    assert send(stage, server, without).check().changed == 0
    refused = send(stage, server, {**without, "authentication_user": "another"})
    assert "needs its authentication_password" in refused.result("Do")["msg"]
    assert stage.calls(changing=True) == []


def test_every_send_connector_applied_as_it_is_read_is_no_change(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    for name in ("Outbound to Office 365", "Internet"):
        shown = send(stage, server, {"name": name}).check().result("Do")["connector"]
        spec = {
            key: value for key, value in shown.items() if key != "identity" and value is not None
        }
        assert len(spec) > 20
        run = send(stage, server, spec).check()
        assert run.changed == 0, run.result("Do")["changes"]
        assert stage.calls(changing=True) == []


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"name": "Nowhere", "fqdn": "mail.contoso.test"}, "There is no Send connector 'Nowhere'"),
        ({"name": "Nowhere", "usage": "Internet"}, "without address_spaces"),
        (
            {"name": "Nowhere", "usage": "Internal", "address_spaces": ["a.test"]},
            "without smart_hosts",
        ),
        ({"name": "Internet", "smart_hosts": ["relay.test"]}, "dns_routing_enabled: false"),
        ({"name": "Internet", "max_message_size": "big"}, "is no size"),
        ({"name": "Internet", "address_spaces": []}, "at least one address space"),
        ({"name": "Internet", "connection_inactivity_timeout": "soon"}, "hh:mm:ss"),
        ({"name": "Internet", "error_policies": ["Default", "UpgradeCustomFailures"]}, "alone"),
        (
            {"name": "Internet", "extended_rights": [{"user": "a@contoso.test", "rights": ["x"]}]},
            "DOMAIN",
        ),
    ],
)
def test_a_wrong_spec_is_refused_before_anything_changes(
    stage: ModuleStage, spec: dict[str, Any], reason: str
) -> None:
    run = send(stage, "EX01", spec)
    assert run.return_code != 0
    assert reason in run.result("Do")["msg"]
    assert stage.calls(changing=True) == []


def test_a_created_connector_whose_answer_is_lost_is_found_again(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    spec = {"name": "To Tailspin", "address_spaces": ["tailspin.test"]}
    stage.fake.post("/faults", kind="lose_cmdlet", cmdlet="New-SendConnector")

    run = send(stage, server, spec).check()

    assert run.result("Do")["changes"] == ["Created Send connector 'To Tailspin'."]
    assert stage.calls(changing=True) == ["New-SendConnector"]
    assert send(stage, server, spec).check().changed == 0


# Receive connectors -------------------------------------------------------------------------------


def test_a_relay_is_created_with_its_rights_and_removed(stage: ModuleStage) -> None:
    server = stage.fresh_server()

    planned = receive(stage, server, RELAY, check_mode=True).check()
    assert len(planned.result("Do")["changes"]) == 2
    assert stage.calls(changing=True) == []

    run = receive(stage, server, RELAY).check()
    # What New- does not take is set afterwards.
    assert stage.calls(changing=True) == [
        "New-ReceiveConnector",
        "Set-ReceiveConnector",
        "Add-ADPermission",
    ]
    stored = receive_connectors(stage, server)["Relay"]
    assert stored["other"]["BareLinefeedRejectionEnabled"] is True
    assert stored["RemoteIPRanges"] == ["192.0.2.0/24", "198.51.100.7"]
    granted = {
        item["right"]
        for item in run.result("Do")["extended_rights"]
        if item["user"].endswith("ANONYMOUS LOGON") and not item["inherited"]
    }
    assert {"ms-exch-smtp-accept-any-recipient"} <= {name.lower() for name in granted}

    again = receive(stage, server, RELAY).check()
    assert again.changed == 0
    assert stage.calls(changing=True) == []

    fewer = [
        {**RELAY["extended_rights"][0], "rights": ["Ms-Exch-Bypass-Anti-Spam"], "state": "absent"}
    ]
    without = {"name": f"{server}\\Relay", "extended_rights": fewer}
    planned = receive(stage, server, without, check_mode=True).check()
    assert planned.changed == 1
    assert stage.calls(changing=True) == []
    receive(stage, server, without).check()
    assert stage.calls(changing=True) == ["Remove-ADPermission"]
    assert receive(stage, server, without).check().changed == 0

    receive(stage, server, {"name": "relay", "state": "absent"}).check()
    assert "Relay" not in receive_connectors(stage, server)


def test_the_server_before_the_name_may_be_written_in_full(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    full = {**RELAY, "name": f"{server}.contoso.test\\Relay"}

    receive(stage, server, full).check()
    assert "Relay" in receive_connectors(stage, server)
    assert receive(stage, server, full).check().changed == 0

    gone = {"name": full["name"], "state": "absent"}
    assert receive(stage, server, gone, check_mode=True).check().changed == 1
    assert "Relay" in receive_connectors(stage, server)
    receive(stage, server, gone).check()
    assert "Relay" not in receive_connectors(stage, server)
    assert receive(stage, server, gone).check().changed == 0


def test_an_existing_receive_connector_changes_only_what_differs(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    spec = {
        "name": f"Default Frontend {server}",
        "max_message_size": "100 MB",
        "tarpit_interval": "00:00:07",
        "permission_groups": ["exchangeservers", "ExchangeLegacyServers", "AnonymousUsers"],
        "remote_ip_ranges": ["0.0.0.0-255.255.255.255", "::/0"],
    }

    run = receive(stage, server, spec).check()

    assert {sentence.split(" of ")[0] for sentence in run.result("Do")["changes"]} == {
        "Set MaxMessageSize",
        "Set TarpitInterval",
    }
    assert receive(stage, server, spec).check().changed == 0


def test_every_receive_connector_applied_as_it_is_read_is_no_change(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    for name in receive_connectors(stage, server):
        shown = receive(stage, server, {"name": name}).check().result("Do")["connector"]
        spec = {
            key: value for key, value in shown.items() if key != "identity" and value is not None
        }
        assert len(spec) > 45
        run = receive(stage, server, spec).check()
        assert run.changed == 0, run.result("Do")["changes"]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"name": "Nowhere", "comment": "x"}, "There is no Receive connector 'Nowhere' on EX01"),
        ({"name": "Nowhere", "bindings": ["0.0.0.0:26"]}, "without remote_ip_ranges"),
        (
            {"name": "Nowhere", "usage": "Internal", "bindings": ["0.0.0.0:26"]},
            "brings by itself",
        ),
        ({"name": "Default Frontend EX01", "bindings": ["localhost"]}, "is no binding"),
        ({"name": "Default Frontend EX01", "banner": "welcome"}, "must begin with 220"),
        ({"name": "Default Frontend EX01", "remote_ip_ranges": []}, "at least one value"),
        (
            {"name": "EX02\\Relay", "server": "EX01", "state": "absent"},
            "is a connector of EX02, and server is EX01",
        ),
    ],
)
def test_a_wrong_receive_spec_is_refused_before_anything_changes(
    stage: ModuleStage, spec: dict[str, Any], reason: str
) -> None:
    run = receive(stage, "EX01", spec)
    assert run.return_code != 0
    assert reason in run.result("Do")["msg"]
    assert stage.calls(changing=True) == []


def test_what_exchange_itself_refuses_is_reported_in_its_words(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    spec = {**RELAY, "remote_ip_ranges": ["0.0.0.0-255.255.255.255"]}

    run = receive(stage, server, spec)

    assert "conflict" in run.result("Do")["msg"]
    assert "Relay" not in receive_connectors(stage, server)
