# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""exchange_service and exchange_tls_probe in the real ansible-playbook, against the fake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.module_stage import ModuleStage, module_stage
from support.run_playbook import task

TRANSPORT = ["MSExchangeTransport", "MSExchangeFrontEndTransport"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleStage]:
    with module_stage(tmp_path_factory.mktemp("services"), servers=6) as running:
        yield running


def service(name: str, **options: Any) -> dict[str, Any]:
    ports = ["{{ fake_ports.smtp }}", "{{ fake_ports.submission }}"]
    return task(name, "exchange_service", {"smtp_ports": ports, **options})


def status(stage: ModuleStage, server: str, name: str) -> str:
    services = stage.server(server)["services"]
    found = (
        services[name]
        if isinstance(services, dict)
        else next(item for item in services if item["Name"] == name)
    )
    return str(found["Status"])


@pytest.mark.main_way
def test_transport_is_restarted_and_smtp_answers(stage: ModuleStage) -> None:
    server = stage.fresh_server()

    run = stage.run(
        service("Plan", state="restarted") | {"check_mode": True},
        service("Restart", state="restarted"),
        hosts=server,
    ).check()

    assert run.result("Plan")["changed"] is True
    assert run.result("Restart")["changed"] is True
    assert [item["name"] for item in run.result("Restart")["services"]] == TRANSPORT
    assert [item["banner"][:3] for item in run.result("Restart")["smtp"]] == ["220", "220"]
    starts = stage.counters(server)["service_starts"]
    assert {name: starts[name] for name in TRANSPORT} == dict.fromkeys(TRANSPORT, 1)
    assert stage.counters(server)["sessions"] == 0


def test_services_are_stopped_and_started_once(stage: ModuleStage) -> None:
    server = stage.fresh_server()

    run = stage.run(
        service("Stop", state="stopped"),
        service("Stop again", state="stopped"),
        hosts=server,
    ).check()

    assert [item.status for item in run.results] == ["changed", "ok"]
    assert status(stage, server, "MSExchangeTransport") == "Stopped"
    run = stage.run(
        service("Start", state="started"),
        service("Start again", state="started"),
        hosts=server,
    ).check()
    assert [item.status for item in run.results] == ["changed", "ok"]
    assert status(stage, server, "MSExchangeTransport") == "Running"


def test_names_that_this_role_lacks_may_be_optional(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    optional = {"state": "restarted", "names": [], "optional_names": ["MSExchangeUMCR", "W3SVC"]}

    run = stage.run(
        service("Optional", **optional),
        service("Required", state="restarted", names=["W3SVC", "MSExchangeUMCR"])
        | {"ignore_errors": True},
        hosts=server,
    ).check()

    reports = {item["name"]: item for item in run.result("Optional")["services"]}
    assert reports["MSExchangeUMCR"]["exists"] is False
    assert reports["W3SVC"]["status"] == "Running"
    assert run.of("Required").status == "failed"
    assert run.result("Required")["missing"] == ["MSExchangeUMCR"]
    assert stage.counters(server)["service_starts"].get("W3SVC") == 1


def test_a_service_that_does_not_start_is_a_failure_with_the_words_of_windows(
    stage: ModuleStage,
) -> None:
    server = stage.fresh_server()
    stage.fake.post(
        "/faults", kind="service_start_fails", server=server, service="MSExchangeTransport"
    )

    run = stage.run(service("Restart", state="restarted"), hosts=server)

    assert run.failed == 1
    assert "MSExchangeTransport" in run.result("Restart")["msg"]
    assert run.result("Restart")["service"] == "MSExchangeTransport"


PORTS = ["smtp", "submission", "https", "imaps", "pop3s"]
PROTOCOLS = {"smtp": "smtp", "submission": "smtp", "https": "https"}


def probes(stage: ModuleStage, **options: Any) -> dict[str, Any]:
    return task(
        "Probe",
        "exchange_tls_probe",
        {
            "port": "{{ fake_ports[item.port] }}",
            "protocol": "{{ item.protocol }}",
            "server_name": "mail.contoso.test",
            "ca_path": str(stage.directory / "root.pem"),
            **options,
        },
    ) | {"loop": [{"port": port, "protocol": PROTOCOLS.get(port, port)} for port in PORTS]}


def test_every_port_is_examined_without_a_session(stage: ModuleStage) -> None:
    server = stage.fresh_server()

    run = stage.run(
        probes(
            stage,
            expect_thumbprint=stage.example.old.thumbprint,
            expect_host_name="mail.contoso.test",
            expect_trusted=True,
            expect_complete_chain=True,
        ),
        hosts=server,
    ).check()

    found = [item["probe"] for item in run.result("Probe")["results"]]
    assert [item["as_expected"] for item in found] == [True] * len(PORTS)
    assert {item["certificate"]["thumbprint"] for item in found} == {stage.example.old.thumbprint}
    assert {item["complete"] for item in found} == {True}
    assert found[0]["banner"].startswith("220 ")
    assert stage.counters(server)["sessions"] == 0
    assert stage.counters(server)["windows_shells"] == 0


def test_a_probe_works_with_any_connection_and_needs_no_login(stage: ModuleStage) -> None:
    server = stage.fresh_server()
    probe = {"port": "{{ fake_ports.smtp }}", "expect_days_left": 1}
    delegated = task("Delegated", "exchange_tls_probe", probe) | {"delegate_to": "localhost"}
    local = task("Local", "exchange_tls_probe", probe) | {"vars": {"ansible_connection": "local"}}

    run = stage.run(delegated, local, hosts=server, password="wrong-Passw0rd").check()

    assert [item.result["probe"]["as_expected"] for item in run.results] == [True, True]


def test_what_is_not_as_expected_is_a_failure_or_a_finding(stage: ModuleStage) -> None:
    expected = {"expect_thumbprint": stage.example.new.thumbprint}
    port = {"port": "{{ fake_ports.smtp }}"}

    run = stage.run(
        task("Look", "exchange_tls_probe", {**port, **expected, "fail_when_unexpected": False}),
        task("Insist", "exchange_tls_probe", {**port, **expected, "retries": 1, "delay": 0}),
        hosts="EX01",
    )

    assert run.of("Look").status == "ok"
    assert run.result("Look")["probe"]["as_expected"] is False
    assert run.of("Insist").status == "failed"
    assert run.result("Insist")["probe"]["attempts"] == 2
    assert stage.example.old.thumbprint in run.result("Insist")["msg"]
