# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Are Edge Transport servers, which have no remote PowerShell, managed as the others are?

Their cmdlets run in the Exchange shell of the server, started through WinRM. Nobody can answer a
question there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.example_organisation import (
    EDGE_AND_MAILBOX,
    EDGE_CONNECTOR,
    with_edge,
    write_example,
)
from support.fake_process import FakeProcess
from support.presented import thumbprint
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import play, task


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[RotationStage]:
    example = write_example(tmp_path, EDGE_AND_MAILBOX, adjust=with_edge)
    with FakeProcess.start(example.file) as fake:
        yield RotationStage(tmp_path, example, fake)


def edge(stage: RotationStage) -> dict[str, Any]:
    """What the Edge server holds."""
    found: dict[str, Any] = stage.state()["servers"]["EDGE01"]
    return found


def presented(stage: RotationStage) -> str | None:
    server = stage.fake.server("EDGE01")
    return thumbprint(server["address"], server["ports"]["smtp"], starttls=True, name="")


def connector_name(stage: RotationStage) -> str | None:
    (found,) = (
        item for item in edge(stage)["receive_connectors"] if item["Name"] == EDGE_CONNECTOR
    )
    name: str | None = found["TlsCertificateName"]
    return name


def test_a_rotation_takes_the_edge_server_along(stage: RotationStage) -> None:
    before = edge(stage)
    assert presented(stage) == stage.example.old.thumbprint

    run = stage.run().check()

    new = stage.example.new.thumbprint
    assert edge(stage)["certificates"][new]["Services"] == ["SMTP"]
    assert presented(stage) == new
    assert "Contoso Issuing CA 2" in (connector_name(stage) or "")
    # The subscription is bound to it.
    internal = "InternalTransportCertificateThumbprint"
    assert edge(stage)[internal] == before[internal]
    # What belongs to the organization followed, although the Edge server comes first.
    assert "Contoso Issuing CA 2" in (stage.connector_names()["Outbound to Office 365"] or "")

    assert "Edge server EDGE01: its subscription holds (Normal)" in run.output

    again = stage.run().check()
    assert again.changed == 0
    assert stage.changing_cmdlets() == []


def test_check_mode_shows_the_edge_server_and_changes_nothing(stage: RotationStage) -> None:
    before = stage.state()

    run = stage.run(check_mode=True).check()

    assert stage.state() == before
    assert stage.changing_cmdlets() == []
    plan = run.result("Show the plan", "EDGE01")["msg"]
    assert [line for line in plan if "Point Receive connector" in line and EDGE_CONNECTOR in line]


@pytest.mark.long
@pytest.mark.once
def test_the_former_internal_transport_certificate_is_back_within_the_same_process(
    stage: RotationStage,
) -> None:
    """Nobody can say No in that shell, so Enable takes the role away and restores it at once."""
    internal = edge(stage)["InternalTransportCertificateThumbprint"]

    stage.run().check()

    enabled = [
        (call["parameters"]["Thumbprint"], call["parameters"].get("Force"), bool(call["error"]))
        for call in stage.fake.get("/log")
        if call["cmdlet"] == "Enable-ExchangeCertificate" and call["server"] == "EDGE01"
    ]
    new = stage.example.new.thumbprint
    assert enabled == [(new, None, True), (new, "True", False), (internal, "True", False)]


@pytest.mark.once
def test_a_failure_on_another_server_puts_the_edge_server_back(stage: RotationStage) -> None:
    before = edge(stage)
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Set-ReceiveConnector", server="EX01")

    run = stage.run()

    assert run.return_code != 0
    assert "Everything is as it was before the run." in run.output
    after = edge(stage)
    assert set(after["certificates"]) == set(before["certificates"])
    assert connector_name(stage) == next(
        item["TlsCertificateName"]
        for item in before["receive_connectors"]
        if item["Name"] == EDGE_CONNECTOR
    )
    assert presented(stage) == stage.example.old.thumbprint


@pytest.mark.long
def test_edge_servers_alone_are_rotated_with_a_word_about_the_organization(
    stage: RotationStage,
) -> None:
    run = stage.run(arguments=("--limit=EDGE01",)).check()

    assert presented(stage) == stage.example.new.thumbprint
    assert "Contoso Issuing CA 1" in (stage.connector_names()["Outbound to Office 365"] or "")
    # ansible-core before 2.19 breaks warnings at the width of the terminal.
    assert "Take a Mailbox server into the run" in " ".join(run.output.split())


def test_a_mailbox_server_taken_for_an_edge_server_is_refused(stage: RotationStage) -> None:
    stage.host_variables = {"EX01": {"ansible_exchange_role": "edge"}}
    before = stage.state()

    run = stage.run()

    assert run.return_code != 0
    assert "no Exchange Management Shell of its own" in run.output
    assert stage.state() == before


@pytest.mark.long
@pytest.mark.once
def test_a_replaced_internal_transport_certificate_is_reported_with_the_steps_to_take(
    stage: RotationStage,
) -> None:
    run = stage.run(rotate_internal_transport_certificate="replace").check()

    new = stage.example.new.thumbprint
    assert edge(stage)["InternalTransportCertificateThumbprint"] == new
    assert "Edge server EDGE01 is NOT in step with the site Berlin" in run.output
    assert "New-EdgeSubscription -FileName" in run.output


def test_hybrid_mail_through_the_edge_server_is_renewed_with_it(stage: RotationStage) -> None:
    """The hybrid configuration names Edge servers in place of Mailbox servers."""
    options = {
        "edge_transport_servers": ["EDGE01"],
        "receiving_transport_servers": [],
        "sending_transport_servers": [],
    }
    hybrid = [task("Set", "exchange_hybrid_configuration", options)]
    stage.run(playbook=[play("EX01", hybrid)]).check()

    run = stage.run(playbook=REPOSITORY / "playbooks" / "renew_hybrid.yml").check()

    (connector,) = (
        item for item in edge(stage)["receive_connectors"] if item["Name"] == EDGE_CONNECTOR
    )
    assert "Contoso Issuing CA 2" in connector["TlsCertificateName"]
    assert connector["TlsDomainCapabilities"] == [
        "mail.protection.outlook.com:AcceptCloudServicesMail"
    ]
    assert "need not run again" in run.output
    assert stage.run(playbook=REPOSITORY / "playbooks" / "renew_hybrid.yml").check().changed == 0


@pytest.mark.long
@pytest.mark.parametrize(
    ("playbook", "variables"),
    [
        ("pop_imap", {"pop_imap_pop_name": "pop.contoso.test"}),
        ("repair_iis_binding", {}),
        ("renew_auth", {}),
        ("renew_federation", {}),
    ],
)
def test_what_an_edge_server_does_not_have_is_done_on_the_others(
    stage: RotationStage, playbook: str, variables: dict[str, Any]
) -> None:
    """The Edge server comes first in the inventory."""
    before = edge(stage)
    for _second_time in (False, True):
        stage.run(playbook=REPOSITORY / "playbooks" / f"{playbook}.yml", **variables).check()
        assert edge(stage) == before


@pytest.mark.parametrize("playbook", ["renew_auth", "renew_federation"])
def test_edge_servers_alone_cannot_show_the_organization(
    stage: RotationStage, playbook: str
) -> None:
    hosts = "auth_certificate_hosts" if playbook == "renew_auth" else "federation_certificate_hosts"
    run = stage.run(playbook=REPOSITORY / "playbooks" / f"{playbook}.yml", **{hosts: "EDGE01"})
    assert run.return_code != 0
    assert "No Mailbox server is among EDGE01" in run.output
