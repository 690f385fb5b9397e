# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do the collection's scripts do to the pretended servers? What they answer in every situation
is pinned by recordings (test_recordings.py); here is what the model makes of it."""

from __future__ import annotations

import threading
from datetime import timedelta
from email.message import Message
from typing import Any

import pytest

from fake_exchange.faults import Fault
from fake_exchange.fronts.https import page
from fake_exchange.organisation import (
    certificate_rules,
    certificates,
    installation,
    services,
)
from fake_exchange.organisation.model import Organisation, Server, StoredCertificate, now
from fake_exchange.wsman.http import HttpRequest
from support.cmdlet_shell import small_organisation
from support.windows_scripts import run_script, script, words_of

FRONT_END = "B30B89B96AD0351B53D73EC2B5EA7A8B6A746B2B"
CONNECTOR = "EDGE01\\Default internal receive connector EDGE01"
OWA, ECP = services.APPLICATION_POOLS
PAGES = {OWA: "/owa/auth/logon.aspx", ECP: "/ecp/"}


def test_the_bootstrap_fits_a_command_line() -> None:
    assert len(words_of(script("bootstrap"))[-1]) < 8000


# services ----------------------------------------------------------------------------------------


@pytest.fixture
def act(organisation: Organisation, server: Server):
    """Runs services.ps1; the reports by the name of the service."""

    def run(action: str, *names: str, timeout: int = 5) -> dict[str, dict[str, Any]]:
        document = run_script(
            organisation, server, "services", action=action, services=list(names), timeout=timeout
        )
        assert (document["code"], document["ok"]) == (0, True)
        return {one["name"]: one for one in document["answer"]["services"]}

    return run


def test_query_says_what_is_there_under_the_names_that_windows_has(act, server: Server) -> None:
    found = act("query", "MSExchangeTransport", "msexchangepop3", "MSExchangeUM")
    transport = found["MSExchangeTransport"]
    assert (transport["status"], transport["start_type"]) == ("Running", "Automatic")
    assert found["MSExchangePOP3"]["status"] == "Stopped"
    assert found["MSExchangeUM"]["exists"] is False


def test_restart_goes_through_the_services_in_order(act, organisation: Organisation) -> None:
    seen: list[tuple[str, str]] = []
    organisation.service_observers.append(
        lambda server, service: seen.append((service.Name, service.Status))
    )
    names = ["MSExchangeTransport", "MSExchangeFrontEndTransport"]
    found = act("restart", *names)
    assert seen == [(name, status) for name in names for status in ("Stopped", "Running")]
    assert all(found[name]["changed"] for name in names)


def test_a_restart_takes_dependents_along_and_brings_them_back(act, server: Server) -> None:
    assert act("restart", "WAS")["WAS"]["dependents"] == ["W3SVC"]
    assert (server.services["W3SVC"].Status, server.services["W3SVC"].starts) == ("Running", 1)


def test_a_service_that_needs_another_starts_it(act, server: Server) -> None:
    act("stop", "WAS")
    act("start", "W3SVC")
    assert [server.services[name].Status for name in ("WAS", "W3SVC")] == ["Running", "Running"]


def test_a_service_that_fails_to_start_is_reported(act, organisation: Organisation) -> None:
    organisation.faults.arm(Fault("service_start_fails", service="MSExchangeTransport"))
    found = act("restart", "MSExchangeTransport", "W3SVC")
    assert "stopped again while it started" in found["MSExchangeTransport"]["error"]
    assert found["MSExchangeTransport"]["status"] == "Stopped"
    assert found["W3SVC"]["skipped"] is True


@pytest.mark.parametrize("pending", ["StartPending", "StopPending"])
def test_a_service_that_does_not_come_in_time_is_reported(
    act, server: Server, monkeypatch: pytest.MonkeyPatch, pending: str
) -> None:
    released = threading.Event()
    monkeypatch.setattr(
        "fake_exchange.organisation.services.time.sleep", lambda seconds: released.wait(30)
    )
    server.services["W3SVC"].Status = "Stopped" if pending == "StartPending" else "Running"
    try:
        report = act("restart", "W3SVC", timeout=0)["W3SVC"]
    finally:
        released.set()
    assert f"Service W3SVC is {pending} and did not become" in report["error"]
    assert report["status"] == pending


def test_a_service_that_is_stopping_is_waited_for(
    act, organisation: Organisation, server: Server
) -> None:
    finish = services.begin_stop(organisation, server, "W3SVC")
    timer = threading.Timer(0.3, finish)
    timer.start()
    report = act("restart", "W3SVC")["W3SVC"]
    assert (report["status_before"], report["error"], report["status"]) == (
        "StopPending",
        None,
        "Running",
    )


# IIS and the store -------------------------------------------------------------------------------


@pytest.fixture
def stored(organisation: Organisation, server: Server) -> StoredCertificate:
    """A certificate of the server's store that no binding names."""
    made = certificates.exchange_default(server.Name, server.Fqdn)
    certificate_rules.add(organisation, server, made)
    return made


def bind(organisation: Organisation, server: Server, thumbprint: str) -> dict[str, Any]:
    return run_script(
        organisation,
        server,
        "bind_https",
        site="Default Web Site",
        binding_information="127.0.0.1:443:",
        thumbprint=thumbprint,
    )


@pytest.mark.parametrize("replaces", [False, True])
def test_a_binding_takes_another_certificate_and_iis_shows_it(
    organisation: Organisation, server: Server, stored: StoredCertificate, replaces: bool
) -> None:
    organisation.behavior.iis_replaces_certificates = replaces
    assert bind(organisation, server, stored.Thumbprint)["answer"] == {"former": FRONT_END}
    hashes = [binding.certificateHash for binding in server.web_bindings]
    assert hashes[:3] == ["", FRONT_END, stored.Thumbprint]
    assert "IIS" in stored.Services
    written = [change["what"] for change in organisation.journal.as_dict()["changes"]]  # type: ignore[attr-defined]
    assert len([what for what in written if what.startswith("bind ")]) == (1 if replaces else 2)


def test_a_certificate_without_a_key_leaves_the_binding_alone(
    organisation: Organisation, server: Server, stored: StoredCertificate
) -> None:
    stored.private_key = None
    assert "no private key" in bind(organisation, server, stored.Thumbprint)["message"]
    assert server.web_bindings[2].certificateHash == FRONT_END


def test_certificates_of_the_store_are_listed(
    organisation: Organisation, server: Server, stored: StoredCertificate
) -> None:
    (found,) = run_script(organisation, server, "store_certificates")["answer"]["certificates"]
    assert (found["thumbprint"], found["subject"]) == (stored.Thumbprint, "CN=EX01")


@pytest.fixture
def exchange() -> Organisation:
    """A server that was started with an OAuth certificate."""
    organisation = small_organisation("EX01")
    services.restart(organisation, organisation.servers["EX01"], "W3SVC")
    return organisation


def name_certificate(organisation: Organisation, *, expired: bool = False) -> str:
    """Another current certificate of the Auth configuration."""
    data = certificates.self_signed(
        certificates.common_name("Auth"),
        key=certificates.shared_key("test"),
        valid_from=now() - timedelta(days=400),
        years=1 if expired else 5,
    )
    stored = StoredCertificate(data.certificate, data.private_key)
    organisation.servers["EX01"].certificates[stored.Thumbprint] = stored
    organisation.auth_config.CurrentCertificateThumbprint = stored.Thumbprint
    return stored.Thumbprint


def loaded(organisation: Organisation, pool: str) -> str | None:
    found = organisation.servers["EX01"].services["W3SVC"].loaded.get(pool)
    return found.Thumbprint if found is not None else None


def recycle(organisation: Organisation, *names: str) -> list[dict[str, Any]]:
    server = organisation.servers["EX01"]
    document = run_script(organisation, server, "app_pools", names=list(names), recycle=True)
    pools: list[dict[str, Any]] = document["answer"]["pools"]
    return pools


@pytest.mark.parametrize("pool", [OWA, ECP])
def test_a_pool_keeps_its_certificate_until_it_is_recycled(
    exchange: Organisation, pool: str
) -> None:
    before = loaded(exchange, pool)
    thumbprint = name_certificate(exchange)
    assert loaded(exchange, pool) == before
    assert recycle(exchange, pool) == [{"name": pool, "state": "Started", "recycled": True}]
    assert loaded(exchange, pool) == thumbprint
    assert [loaded(exchange, other) for other in PAGES if other != pool] == [before]
    counters: Any = exchange.counters.as_dict()["servers"]
    assert counters["EX01"]["application_pool_starts"] == {pool: 1}


def test_a_pool_that_stands_is_not_recycled(exchange: Organisation) -> None:
    services.stop(exchange, exchange.servers["EX01"], "W3SVC")
    assert recycle(exchange, OWA) == [{"name": OWA, "state": "Stopped", "recycled": False}]


def test_a_restart_of_iis_restarts_all_pools(exchange: Organisation) -> None:
    thumbprint = name_certificate(exchange)
    services.restart(exchange, exchange.servers["EX01"], "W3SVC")
    assert {loaded(exchange, pool) for pool in PAGES} == {thumbprint}


def test_without_a_valid_certificate_nobody_can_log_on(exchange: Organisation) -> None:
    show = page(exchange.servers["EX01"])

    def status(pool: str) -> int:
        return show(HttpRequest("GET", PAGES[pool], Message())).status

    assert status(OWA) == 200
    name_certificate(exchange, expired=True)
    recycle(exchange, OWA)
    assert (status(OWA), status(ECP)) == (500, 200)
    exchange.auth_config.CurrentCertificateThumbprint = "AA" * 20
    recycle(exchange, ECP)
    assert status(ECP) == 500


# The Exchange shell of an Edge server ------------------------------------------------------------


@pytest.fixture
def edge() -> Organisation:
    organisation = small_organisation("EX01")
    server = Server("EDGE01", "edge01.contoso.test", "Perimeter", ServerRole="Edge")
    organisation.servers["EDGE01"] = server
    installation.equip(organisation, server, None)
    return organisation


def cmdlet(organisation: Organisation, name: str, **arguments: Any) -> dict[str, Any]:
    """What one cmdlet answers on EDGE01."""
    command = {
        "name": name,
        "arguments": [{"name": k, "kind": "plain", "value": v} for k, v in arguments.items()],
        "properties": ["Name"],
    }
    server = organisation.servers["EDGE01"]
    document = run_script(organisation, server, "exchange_cmdlet", cmdlet=command, afterwards=None)
    answer: dict[str, Any] = document["answer"]["cmdlet"]
    return answer


def test_an_edge_server_sees_only_itself(edge: Organisation) -> None:
    answer = cmdlet(edge, "Get-ExchangeServer")
    assert '<S N="Name">EDGE01</S>' in answer["output"]
    assert "EX01" not in answer["output"]
    (error,) = cmdlet(edge, "Get-ExchangeCertificate", Server="EX01")["errors"]
    assert '"EX01" was not found' in error["message"]


@pytest.mark.parametrize("name", ["Set-SendConnector", "Set-AuthConfig", "Get-PopSettings"])
def test_an_edge_server_has_not_all_cmdlets(edge: Organisation, name: str) -> None:
    answer = cmdlet(edge, name)
    assert answer["errors"][0]["exception_type"].endswith("CommandNotFoundException")
    assert answer["completed"] is False


def test_faults_strike_there_too(edge: Organisation) -> None:
    edge.faults.arm(Fault("fail_cmdlet", cmdlet="Get-ReceiveConnector", server="EDGE01"))
    assert cmdlet(edge, "Get-ReceiveConnector")["errors"]
    assert cmdlet(edge, "Get-ReceiveConnector")["errors"] == []


def test_a_question_ends_the_cmdlet_with_the_words_of_a_console_that_cannot_ask(
    edge: Organisation,
) -> None:
    answer = cmdlet(
        edge,
        "Remove-ReceiveConnector",
        Identity="EDGE01\\Default internal receive connector EDGE01",
    )
    assert answer["completed"] is False
    assert {error["message"].partition(".")[0] for error in answer["errors"]} == {
        "Windows PowerShell is in NonInteractive mode"
    }
    assert edge.servers["EDGE01"].receive_connectors


def test_a_warning_is_a_text(edge: Organisation) -> None:
    answer = cmdlet(edge, "Set-ReceiveConnector", Identity=CONNECTOR, Comment="")
    assert "no settings of" in answer["warnings"][0]
