# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does exchange_connector_info report the certificate that a port then really presents, and why?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.module_stage import ModuleStage, module_stage
from support.presented import thumbprint
from support.run_playbook import PlaybookRun, task

# Of modules alone, in which no version of ansible-core makes a difference.
pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleStage]:
    with module_stage(tmp_path_factory.mktemp("connectors"), servers=5) as running:
        yield running


def read(stage: ModuleStage, server: str, **options: Any) -> PlaybookRun:
    return stage.run(task("Read", "exchange_connector_info", options), hosts=server).check()


def receive(stage: ModuleStage, server: str, **options: Any) -> dict[str, dict[str, Any]]:
    found = read(stage, server, kind="receive", **options).result("Read")["receive_connectors"]
    return {item["name"]: item for item in found}


def starttls(connector: dict[str, Any]) -> dict[str, Any]:
    (found,) = (item for item in connector["presents"] if item["extension"] == "STARTTLS")
    return dict(found)


def port_presents(stage: ModuleStage, server: str, port: str) -> str | None:
    where = stage.fake.server(server)
    return thumbprint(where["address"], where["ports"][port], starttls=True, name="")


def test_what_is_reported_is_what_the_ports_present(stage: ModuleStage) -> None:
    server = stage.fresh_server()

    connectors = receive(stage, server)

    frontend = starttls(connectors[f"Default Frontend {server}"])
    assert frontend["thumbprint"] == stage.example.old.thumbprint
    assert frontend["thumbprint"] == port_presents(stage, server, "smtp")
    assert frontend["reason"].startswith("By TlsCertificateName: ")
    assert frontend["in_order"] is True
    client = starttls(connectors[f"Client Frontend {server}"])
    assert client["thumbprint"] == port_presents(stage, server, "submission")
    assert client["reason"].startswith("By Fqdn, as TlsCertificateName is not set: ")
    internal = stage.server(server)["InternalTransportCertificateThumbprint"]
    anonymous = [
        item["thumbprint"]
        for connector in connectors.values()
        for item in connector["presents"]
        if item["extension"] == "X-ANONYMOUSTLS"
    ]
    assert set(anonymous) == {internal}
    assert stage.calls(changing=True) == []


def test_a_name_that_leads_nowhere_is_reported(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    name = f"Default Frontend {server}"
    nowhere = "<I>CN=Nobody<S>CN=mail.contoso.test"
    options = {"name": name, "tls_certificate_name": nowhere}
    stage.run(task("Set", "exchange_receive_connector_tls", options), hosts=server).check()

    found = starttls(receive(stage, server, name=name)[name])

    assert found["thumbprint"] is None
    assert found["in_order"] is False
    assert "No certificate that Exchange can use" in found["reason"]


def test_a_newer_one_of_the_name_is_reported_before_transport_loads_it(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    new = {**stage.source, "services": ["SMTP"]}
    stage.run(task("Import", "exchange_certificate", new), hosts=server).check()

    found = starttls(receive(stage, server)[f"Client Frontend {server}"])

    assert found["thumbprint"] == stage.example.new.thumbprint


def test_send_connectors_are_reported_for_each_source_server(stage: ModuleStage) -> None:
    server = stage.fresh_server()

    run = read(stage, server, kind="send", name="outbound to office 365", extended_rights=True)

    (found,) = run.result("Read")["send_connectors"]
    assert {item["server"] for item in found["presents"]} == set(found["source_transport_servers"])
    assert {item["thumbprint"] for item in found["presents"]} <= {
        stage.example.old.thumbprint,
        stage.example.new.thumbprint,
    }
    assert found["address_spaces"] == ["smtp:contoso.mail.onmicrosoft.com;1"]
    assert isinstance(found["extended_rights"], list)


def test_a_server_that_cannot_be_read_hides_nothing_of_the_others(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Get-TransportService")

    run = read(stage, server, kind="send")

    presents = [item for c in run.result("Read")["send_connectors"] for item in c["presents"]]
    unknown = [item for item in presents if item["in_order"] is None]
    assert len(unknown) >= 1
    assert any(item["in_order"] for item in presents)
    assert "could not be read" in run.result("Read")["warnings"][0]


def test_a_connector_that_is_not_there_is_an_error_that_names_the_others(
    stage: ModuleStage,
) -> None:
    run = stage.run(
        task("Read", "exchange_connector_info", {"kind": "send", "name": "Nowhere"}), hosts="EX01"
    )
    assert "Existing ones" in run.result("Read")["msg"]
