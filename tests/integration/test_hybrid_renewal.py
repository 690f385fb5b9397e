# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the playbook renew the certificate of hybrid mail and report what is left for the wizard?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import pki
from support.example_organisation import NAMES, SUBJECT, authorities, write_example
from support.fake_process import FakeProcess
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import PlaybookRun, play, task

PLAYBOOK = REPOSITORY / "playbooks" / "renew_hybrid.yml"
SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Berlin"}]
CLOUD = "mail.protection.outlook.com"
OUTBOUND = "Outbound to Office 365"
Setting = Callable[..., RotationStage]
ROOT, FIRST_CA, SECOND_CA = authorities()


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    running: list[FakeProcess] = []

    def set_up(
        *,
        new: pki.Issued | None = None,
        adjust: Callable[[dict[str, Any]], None] = lambda organisation: None,
        hybrid: bool = True,
    ) -> RotationStage:
        def make_hybrid(organisation: dict[str, Any]) -> None:
            if hybrid:
                organisation["hybrid_configuration"] = {
                    "TlsCertificateName": {"of": "old"},
                    "Domains": ["contoso.test"],
                    "Features": ["SecureMail", "FreeBusy"],
                }
            adjust(organisation)

        example = write_example(tmp_path, SERVERS, new=new, adjust=make_hybrid)
        running.append(FakeProcess.start(example.file))
        return RotationStage(tmp_path, example, running[-1])

    yield set_up
    for fake in running:
        fake.stop()


def renew(stage: RotationStage, *, check_mode: bool = False, **variables: Any) -> PlaybookRun:
    return stage.run(playbook=PLAYBOOK, check_mode=check_mode, **variables)


def outbound(stage: RotationStage) -> dict[str, Any]:
    connectors = stage.state()["send_connectors"]
    found: dict[str, Any] = next(item for item in connectors if item["Name"] == OUTBOUND)
    return found


def frontend(stage: RotationStage, server: str) -> dict[str, Any]:
    connectors = stage.state()["servers"][server]["receive_connectors"]
    found: dict[str, Any] = next(
        item for item in connectors if item["Name"] == f"Default Frontend {server}"
    )
    return found


def shown(run: PlaybookRun) -> str:
    return "\n".join(run.result("Report whether the wizard has to run")["msg"])


WITHOUT_A_NAME = SECOND_CA.issue(
    ("CN", "smtp.contoso.test"),
    *SUBJECT[1:],
    dns=["smtp.contoso.test", *NAMES[1:]],
    valid_days=90,
)


def leaving_a_name(stage: RotationStage) -> dict[str, Any]:
    """What the role has to be given so that it takes such a certificate."""
    return {
        "rotate_outgoing": [stage.example.old.thumbprint],
        "preflight_required_names": ["smtp.contoso.test"],
        "rotate_ports": [],
        "rotate_mail_port": 25,
    }


def assert_reports_the_lost_name(run: PlaybookRun) -> None:
    assert "Exchange Online has to be changed" in shown(run)
    assert "-eq 'mail.contoso.test' } | Set-InboundConnector -TlsSenderCertificateName" in shown(
        run
    )
    assert "Set-OutboundConnector -TlsDomain 'smtp.contoso.test'" in shown(run)


def test_everything_on_premises_is_set_and_the_wizard_need_not_run(setting: Setting) -> None:
    stage = setting()

    planned = renew(stage, check_mode=True).check()
    assert stage.changing_cmdlets() == []
    assert "for hybrid mail." in planned.output

    run = renew(stage).check()

    name = stage.state()["hybrid_configuration"]["TlsCertificateName"]
    assert "Contoso Issuing CA 2" in name
    connector = outbound(stage)
    assert connector["TlsCertificateName"] == name
    assert connector["RequireTLS"] is True
    assert connector["TlsAuthLevel"] == "DomainValidation"
    assert connector["TlsDomain"] == CLOUD
    assert connector["CloudServicesMailEnabled"] is True
    for server in ("EX01", "EX02"):
        assert frontend(stage, server)["TlsCertificateName"] == name
        assert frontend(stage, server)["TlsDomainCapabilities"] == [
            f"{CLOUD}:AcceptCloudServicesMail"
        ]
        assert frontend(stage, server)["RequireTLS"] is False
    assert stage.everywhere() == {stage.example.new.thumbprint}
    assert "need not run again; Microsoft recommends it all the same" in shown(run)
    assert "The issuer changed." in shown(run)
    assert "Set-InboundConnector" not in shown(run)

    again = renew(stage).check()
    assert again.changed == 0
    assert stage.changing_cmdlets() == []


@pytest.mark.long
@pytest.mark.once
def test_the_same_issuer_and_subject_change_no_connector(setting: Setting, tmp_path: Path) -> None:
    """Nor does the cloud, for a name that was dropped renewals ago and is still in the store."""
    names = [*NAMES, "legacy.contoso.test"]
    older = FIRST_CA.issue(*SUBJECT, dns=names, not_before=pki.now() - pki.days(200), valid_days=90)
    older.write_pfx(tmp_path / "older.pfx", "older")

    def keep(organisation: dict[str, Any]) -> None:
        organisation["certificates"]["older"] = {"pfx": "older.pfx", "password": "older"}
        organisation["defaults"]["certificates"].append({"certificate": "older", "services": []})

    stage = setting(new=FIRST_CA.issue(*SUBJECT, dns=NAMES, valid_days=90), adjust=keep)
    run = renew(stage).check()
    assert "Issuer and subject are as before" in shown(run)
    assert "The Hybrid Configuration Wizard need not run again:" in shown(run)


@pytest.mark.once
def test_a_lost_name_means_the_cloud_and_the_commands_are_shown(setting: Setting) -> None:
    stage = setting(new=WITHOUT_A_NAME)
    assert_reports_the_lost_name(renew(stage, **leaving_a_name(stage)).check())


@pytest.mark.long
@pytest.mark.once
def test_a_resumed_run_reports_the_name_that_the_first_one_dropped(setting: Setting) -> None:
    """By then the hybrid configuration names the new certificate already."""
    stage = setting(new=WITHOUT_A_NAME)
    given = leaving_a_name(stage)
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Set-ReceiveConnector", server="EX02")
    first = renew(stage, rotate_rollback=False, **given)
    assert first.return_code != 0
    named = stage.state()["hybrid_configuration"]["TlsCertificateName"]
    assert "smtp.contoso.test" in named

    assert_reports_the_lost_name(renew(stage, check_mode=True, **given).check())
    assert stage.changing_cmdlets() == []
    assert_reports_the_lost_name(renew(stage, **given).check())
    assert "Set-HybridConfiguration" not in stage.changing_cmdlets()
    assert renew(stage, **given).check().changed == 0


@pytest.mark.once
def test_connectors_are_found_by_what_they_do(setting: Setting) -> None:
    def rename(organisation: dict[str, Any]) -> None:
        organisation["send_connectors"][0]["name"] = "To the cloud"

    stage = setting(adjust=rename)
    renew(stage).check()
    connector = next(
        item for item in stage.state()["send_connectors"] if item["Name"] == "To the cloud"
    )
    assert connector["TlsAuthLevel"] == "DomainValidation"


OF_FABRIKAM = "<I>CN=Fabrikam CA<S>CN=mail.fabrikam.test"


@pytest.mark.long
def test_the_connectors_of_another_tenant_and_of_a_relay_are_left_alone(setting: Setting) -> None:
    def two_more(organisation: dict[str, Any]) -> None:
        organisation["send_connectors"] += [
            {
                "name": "Outbound to Fabrikam",
                "address_spaces": ["smtp:fabrikam.mail.onmicrosoft.com;1"],
                "tls_certificate_name": OF_FABRIKAM,
            },
            {
                "name": "My company to Office 365",
                "address_spaces": ["smtp:*;5"],
                "smart_hosts": ["contoso-test.mail.protection.outlook.com"],
                "dns_routing_enabled": False,
            },
        ]

    def others() -> list[dict[str, Any]]:
        return [item for item in stage.state()["send_connectors"] if item["Name"] != OUTBOUND]

    stage = setting(adjust=two_more)
    before = others()

    planned = renew(stage, check_mode=True).check()
    plan = "\n".join(planned.result("Show the plan")["msg"])
    assert "names another certificate (" + OF_FABRIKAM in plan
    assert "contoso-test.mail.protection.outlook.com and not by DNS" in plan
    run = renew(stage).check()

    assert others() == before
    assert outbound(stage)["CloudServicesMailEnabled"] is True
    assert shown(run).count("leave it alone") == 2
    assert renew(stage).check().changed == 0


def test_a_chosen_server_that_is_left_out_stops_the_run(setting: Setting) -> None:
    stage = setting()

    limited = stage.run(playbook=PLAYBOOK, arguments=("--limit=EX01",))
    assert limited.return_code != 0
    assert "EX02 carries hybrid mail and is not in this play" in limited.output
    assert stage.changing_cmdlets() == []


def by_one_name(organisation: dict[str, Any]) -> None:
    """As on a new server: no connector names a certificate, and all greet with the server's name,
    for which each presents the self-signed one."""
    organisation["defaults"]["receive_connectors"] = {"Default Frontend": {}, "Client Frontend": {}}


def presented_by(stage: RotationStage, port: str) -> set[str | None]:
    return {shown for (_server, name), shown in stage.presented().items() if name == port}


@pytest.mark.once
def test_a_killed_run_leaves_a_restart_that_the_next_one_does(setting: Setting) -> None:
    """By then nothing is left to be set on EX01, and nothing that it presents is replaced."""
    stage = setting(adjust=by_one_name)
    self_signed = presented_by(stage, "submission")
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Set-ReceiveConnector", server="EX02")
    assert renew(stage, rotate_rollback=False).return_code != 0
    assert frontend(stage, "EX01")["TlsCertificateName"] is not None
    assert presented_by(stage, "smtp") & self_signed

    planned = renew(stage, check_mode=True).check()
    assert [line for line in planned.result("Show the plan")["msg"] if "Restart for SMTP" in line]
    renew(stage).check()

    assert presented_by(stage, "smtp") == {stage.example.new.thumbprint}
    # Nobody asked for these.
    assert presented_by(stage, "submission") == self_signed
    assert renew(stage).check().changed == 0


@pytest.mark.long
@pytest.mark.once
def test_port_25_that_still_presents_another_certificate_fails_the_run(setting: Setting) -> None:
    """Here what is forwarded as port 25 is port 587 of the server."""
    stage = setting(adjust=by_one_name)
    for name in ("EX01", "EX02"):
        submission = stage.fake.server(name)["ports"]["submission"]
        port = {"port": submission, "server_port": 25, "protocol": "smtp", "service": "SMTP"}
        stage.host_variables[name] = {"rotate_ports": [port]}

    run = renew(stage, rotate_verify_retries=1, rotate_verify_delay=0.1)

    assert run.return_code != 0
    assert "Wait until every port presents the new certificate" in run.output
    assert "Everything is as it was before the run." in run.output


@pytest.mark.long
@pytest.mark.once
def test_a_port_is_passed_over_where_a_connector_for_the_control_node_answers(
    setting: Setting,
) -> None:
    def relay(organisation: dict[str, Any]) -> None:
        by_one_name(organisation)
        organisation["defaults"]["receive_connectors"]["Relay"] = {
            "bindings": ["0.0.0.0:25"],
            "remote_ip_ranges": ["127.0.0.0-127.255.255.255"],
        }

    stage = setting(adjust=relay)
    run = stage.run(playbook=[play("EX01", [task("Look", "exchange_hybrid_info", {})])]).check()
    (connector,) = run.result("Look")["receive_connectors"]
    assert connector["ports"] == []


@pytest.mark.long_variants
@pytest.mark.parametrize("named", ["old", None])
def test_a_source_server_that_is_left_out_stops_the_run(
    setting: Setting, named: str | None
) -> None:
    """Also one that the hybrid configuration does not name, and a connector without certificate."""

    def send_from_ex03(organisation: dict[str, Any]) -> None:
        organisation["servers"].append({"name": "EX03", "site": "Berlin"})
        organisation["hybrid_configuration"]["ReceivingTransportServers"] = ["EX01", "EX02"]
        organisation["hybrid_configuration"]["SendingTransportServers"] = ["EX01", "EX02"]
        connector = organisation["send_connectors"][0]
        connector["source_transport_servers"] = ["EX01", "EX03"]
        if named is None:
            del connector["tls_certificate_name"]

    stage = setting(adjust=send_from_ex03)
    limit = ("--limit=EX01,EX02",)

    refused = stage.run(playbook=PLAYBOOK, arguments=limit)
    assert refused.return_code != 0
    problems = refused.result("Stop if anything is in the way")["msg"]
    assert problems.count("also sends from EX03") == 1
    assert stage.changing_cmdlets() == []

    prepared = stage.run(
        playbook=PLAYBOOK, arguments=limit, check_mode=True, rotate_prepared_servers=["EX03"]
    )
    prepared.check()


def test_without_a_hybrid_configuration_it_is_refused(setting: Setting) -> None:
    stage = setting(hybrid=False)
    run = renew(stage)
    assert "The organization has no hybrid configuration" in run.output
    assert stage.changing_cmdlets() == []


@pytest.mark.once
def test_a_failure_puts_hybrid_mail_back_as_it_was(setting: Setting) -> None:
    stage = setting()
    before = (outbound(stage), frontend(stage, "EX01"), stage.state()["hybrid_configuration"])
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Set-ReceiveConnector", server="EX02")

    run = renew(stage)

    assert run.return_code != 0
    assert "Everything is as it was before the run." in run.output

    def settings(item: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in item.items() if not key.startswith("When")}

    after = (outbound(stage), frontend(stage, "EX01"), stage.state()["hybrid_configuration"])
    assert [settings(item) for item in after] == [settings(item) for item in before]


def test_the_prerequisites_of_the_wizard_are_reported_one_by_one(setting: Setting) -> None:
    def break_them(organisation: dict[str, Any]) -> None:
        organisation["send_connectors"].append(
            {
                "name": "Second to the cloud",
                "address_spaces": ["smtp:fabrikam.mail.onmicrosoft.com;1"],
            }
        )
        organisation["servers"][1]["version"] = "15.2.1544.4"

    stage = setting(adjust=break_them)
    stage.fake.post("/services", server="EX01", service="MSExchangeServiceHost", action="stop")

    run = stage.run(playbook=[play("exchange", [task("Look", "exchange_hybrid_info", {})])]).check()

    def failures(server: str) -> dict[str, str]:
        found = run.result("Look", server)["findings"]
        return {item["check"]: item["message"] for item in found if item["status"] == "fail"}

    assert "HCW8011" in failures("EX01")["send_connector"]
    assert "ApplicationIdentifier" in failures("EX01")["builds"]
    assert "does not run on EX01" in failures("EX01")["service_host"]
    assert "cannot be read" in failures("EX01")["certificates"]
    assert "service_host" not in failures("EX02")
    checks = {item["check"] for item in run.result("Look", "EX02")["findings"]}
    assert checks == {
        "same_certificate",
        "third_party_issuer",
        "smtp_enabled",
        "subjects",
        "receive_connector",
        "service_host",
        "send_connector",
        "builds",
    }


def test_the_hybrid_configuration_is_set_read_and_compared(setting: Setting) -> None:
    stage = setting()
    desired = {
        "domains": ["CONTOSO.test"],
        "features": ["freebusy", "SecureMail", "MoveMailbox"],
        "receiving_transport_servers": ["ex01.contoso.test"],
        "on_premises_smart_host": "mail.contoso.test",
    }

    def run(options: dict[str, Any], *, check_mode: bool = False) -> PlaybookRun:
        tasks = [task("Set", "exchange_hybrid_configuration", options)]
        return stage.run(playbook=[play("EX01", tasks)], check_mode=check_mode)

    assert run({}).check().changed == 0
    planned = run(desired, check_mode=True).check()
    assert stage.changing_cmdlets() == []
    done = run(desired).check()
    assert done.result("Set")["changes"] == planned.result("Set")["changes"]
    assert len(done.result("Set")["changes"]) == 3
    assert done.result("Set")["hybrid_configuration"]["receiving_transport_servers"] == ["EX01"]
    assert run(desired).check().changed == 0
    both = run({"edge_transport_servers": ["EDGE01"]})
    assert "exclude each other" in both.result("Set")["msg"]
    assert stage.changing_cmdlets() == []
