# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""exchange_certificate and exchange_certificate_info in the real ansible-playbook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.module_stage import ModuleStage, module_stage
from support.run_playbook import task

IGNORED = {"ignore_errors": True, "ignore_unreachable": True}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleStage]:
    with module_stage(tmp_path_factory.mktemp("certificates"), servers=18) as running:
        yield running


def install(stage: ModuleStage, name: str = "Install", **options: Any) -> dict[str, Any]:
    return task(
        name, "exchange_certificate", {**stage.source, "services": ["IIS", "SMTP"], **options}
    )


@pytest.mark.main_way
def test_a_certificate_is_planned_installed_and_found_installed(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    internal = stage.server(server)["InternalTransportCertificateThumbprint"]
    new = stage.example.new.thumbprint

    planned = stage.run(install(stage), hosts=server, check_mode=True, diff=True).check()

    assert stage.calls(changing=True) == []
    assert stage.certificate(server, new) is None
    done = stage.run(install(stage), hosts=server, diff=True).check()
    assert stage.calls() == [
        "Get-ExchangeCertificate",
        "Get-TransportService",
        "Import-ExchangeCertificate",
        "Enable-ExchangeCertificate",
        "Get-TransportService",
        "Get-ExchangeCertificate",
    ]
    assert stage.counters(server)["sessions"] == 1
    assert planned.result("Install")["diff"] == done.result("Install")["diff"]
    held = stage.certificate(server, new)
    assert held is not None
    assert set(held["Services"]) == {"IIS", "SMTP"}
    assert held["FriendlyName"] == "mail.contoso.test 2027"
    assert stage.server(server)["InternalTransportCertificateThumbprint"] == internal

    again = stage.run(install(stage), hosts=server).check()

    assert again.changed == 0
    assert stage.calls() == ["Get-ExchangeCertificate"]


def test_the_result_of_check_mode_has_the_shape_of_the_real_one(stage: ModuleStage) -> None:
    server = stage.fresh_server()

    run = stage.run(install(stage, "Plan") | {"check_mode": True}, install(stage), hosts=server)

    planned, done = run.check().result("Plan"), run.result("Install")
    unknown_before = {"status", "root_ca_type"}
    assert {
        key: value for key, value in planned["certificate"].items() if key not in unknown_before
    } == {key: value for key, value in done["certificate"].items() if key not in unknown_before}


def test_the_internal_transport_certificate_is_replaced_when_asked(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    replace = {"services": ["SMTP"], "internal_transport_certificate": "replace"}

    run = stage.run(install(stage, **replace), install(stage, "Again", **replace), hosts=server)

    assert run.check().result("Install")["changed"] is True
    assert run.result("Again")["changed"] is False
    assert (
        stage.server(server)["InternalTransportCertificateThumbprint"]
        == stage.example.new.thumbprint
    )


def test_a_thumbprint_enables_further_services(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    only_thumbprint = {"thumbprint": stage.example.new.thumbprint, "services": ["imap"]}

    run = stage.run(
        install(stage, services=[]),
        task("Enable", "exchange_certificate", only_thumbprint),
        task("Again", "exchange_certificate", only_thumbprint),
        hosts=server,
    ).check()

    assert run.result("Enable")["changed"] is True
    assert run.result("Again")["changed"] is False
    held = stage.certificate(server, stage.example.new.thumbprint)
    assert held is not None
    assert "IMAP" in held["Services"]


def test_services_beyond_the_wanted_ones_are_no_endless_change(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    with stage.behavior(extra_services=True):
        run = stage.run(
            install(stage, services=["SMTP"]),
            install(stage, "Again", services=["SMTP"]),
            hosts=server,
        ).check()

    assert run.result("Again")["changed"] is False
    assert any("IMAP" in text for text in run.result("Again")["warnings"])


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param({"select_object": False}, id="no-select-object"),
        pytest.param(
            {"select_object": False, "signed_serialization": True}, id="signed-serialization"
        ),
        pytest.param({"select_object": False, "deserialized_types": True}, id="deserialized-types"),
    ],
)
def test_harsher_forms_of_the_endpoint_give_the_same_result(
    stage: ModuleStage, switches: dict[str, Any]
) -> None:
    server = stage.fresh_server()
    with stage.behavior(**switches):
        run = stage.run(install(stage), install(stage, "Again"), hosts=server).check()

    assert run.result("Install")["certificate"]["services"] == ["IIS", "SMTP"]
    assert run.result("Again")["changed"] is False


def test_without_any_details_services_are_unknown_and_not_none(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    with stage.behavior(select_object=False, serialization_data=False):
        run = stage.run(
            task("Read", "exchange_certificate_info", {"dns_name": "mail.contoso.test"}),
            install(stage),
            hosts=server,
        ).check()

    read = run.result("Read")["certificates"]
    assert [item["thumbprint"] for item in read] == [stage.example.old.thumbprint]
    assert read[0]["services"] is None
    assert any("does not report which services" in x for x in run.result("Install")["warnings"])


def test_elliptic_curve_and_other_warnings_are_shown_to_the_user(stage: ModuleStage) -> None:
    from support import pki

    server = stage.fresh_server()
    issued = pki.root().issue(
        ("CN", "ec.contoso.test"), dns=["ec.contoso.test"], key=pki.new_key("ec")
    )
    issued.write_pfx(stage.directory / "ec.pfx", "ec-Passw0rd")
    source = {"pfx_path": str(stage.directory / "ec.pfx"), "pfx_password": "ec-Passw0rd"}

    run = stage.run(
        task("Install", "exchange_certificate", {**source, "services": ["SMTP"]}),
        hosts=server,
        check_mode=True,
    ).check()

    assert "[WARNING]" in run.output
    assert "EnableEccCertificateSupport" in " ".join(run.output.split())


def test_removal_is_refused_with_reasons_and_then_done(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    old = {"thumbprint": stage.example.old.thumbprint, "state": "absent"}

    refused = stage.run(task("Remove", "exchange_certificate", old), hosts=server)

    result = refused.result("Remove")
    assert refused.failed == 1
    assert stage.calls(changing=True) == []
    assert any("IIS" in reason for reason in result["reasons"])
    assert any("Outbound to Office 365" in reason for reason in result["reasons"])
    assert any(f"Default Frontend {server}" in reason for reason in result["reasons"])

    unused = {"thumbprint": stage.example.new.thumbprint, "state": "absent"}
    run = stage.run(
        install(stage, services=[]),
        task("Plan", "exchange_certificate", unused) | {"check_mode": True},
        task("Remove", "exchange_certificate", unused),
        task("Again", "exchange_certificate", unused),
        hosts=server,
    ).check()
    assert run.result("Plan")["changed"] is True
    assert run.result("Remove")["changed"] is True
    assert run.result("Again")["changed"] is False
    assert stage.certificate(server, stage.example.new.thumbprint) is None


@pytest.mark.parametrize("role", ["the server's internal transport", "current Auth"])
def test_removal_of_exchange_s_own_certificates_is_explained(stage: ModuleStage, role: str) -> None:
    server = stage.fresh_server()
    held = stage.server(server)
    thumbprint = held["InternalTransportCertificateThumbprint"]
    if role == "current Auth":
        thumbprint = next(
            item["Thumbprint"]
            for item in held["certificates"].values()
            if "Auth Certificate" in item["Subject"]
        )

    run = stage.run(
        task("Remove", "exchange_certificate", {"thumbprint": thumbprint, "state": "absent"}),
        hosts=server,
    )

    assert f"{role} certificate" in run.result("Remove")["msg"].replace(
        " Certificate", " certificate"
    )
    assert stage.calls(changing=True) == []


def test_a_failure_of_enabling_is_reported_with_what_was_done_and_repaired_by_the_next_run(
    stage: ModuleStage,
) -> None:
    server = stage.fresh_server()
    stage.fake.post(
        "/faults",
        kind="fail_cmdlet",
        cmdlet="Enable-ExchangeCertificate",
        server=server,
        message="The RPC server is unavailable.",
    )

    failed = stage.run(install(stage), hosts=server)

    result = failed.result("Install")
    assert failed.failed == 1
    assert result["changed"] is True
    assert len(result["changes"]) == 1
    assert result["cmdlet"] == "Enable-ExchangeCertificate"
    assert result["category"]
    assert "The RPC server is unavailable." in result["msg"]
    repaired = stage.run(install(stage), hosts=server).check()
    assert repaired.changed == 1
    assert stage.calls(changing=True) == ["Enable-ExchangeCertificate"]


def test_an_import_whose_answer_is_lost_is_not_sent_twice(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    stage.fake.post(
        "/faults", kind="lose_cmdlet", cmdlet="Import-ExchangeCertificate", server=server
    )

    run = stage.run(install(stage), hosts=server, variables={"ansible_exchange_deadline": 5})

    assert stage.calls().count("Import-ExchangeCertificate") == 1
    assert run.check().result("Install")["changed"] is True
    held = stage.certificate(server, stage.example.new.thumbprint)
    assert held is not None
    assert set(held["Services"]) == {"IIS", "SMTP"}


def test_items_of_a_loop_share_one_session(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    loop = task("Read", "exchange_certificate_info", {"services": ["{{ item }}"]})

    run = stage.run(loop | {"loop": ["IIS", "SMTP", "IMAP"]}, hosts=server).check()

    assert len(run.result("Read")["results"]) == 3
    assert stage.counters(server)["sessions"] == 1


def test_defaults_for_the_group_reach_every_module(stage: ModuleStage) -> None:
    server, other = stage.fresh_server(), stage.fresh_server()
    tasks = [
        task("Read", "exchange_certificate_info", {"connectors": False}),
        task("Probe", "exchange_tls_probe", {"port": "{{ fake_ports.smtp }}"}),
        task("Service", "exchange_service", {"state": "started", "smtp_ports": []}),
    ]

    run = stage.run(
        *tasks,
        hosts=server,
        module_defaults={"group/mailops.exchange.exchange": {"server": other}},
    ).check()

    assert {item["server"] for item in run.result("Read")["certificates"]} == {other}
    assert run.result("Probe")["probe"]["server"] == other
