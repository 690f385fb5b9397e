# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of the Windows endpoint against the fake: NTLM, Basic over TLS, Kerberos."""

from __future__ import annotations

import importlib.util
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from winrm.exceptions import WSManFaultError

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint import windows_session
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.windows_session import (
    WindowsSession,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    EndpointUnreachable,
    InvalidInput,
    OutcomeUnknown,
    WindowsScriptFailed,
)
from support import kdc
from support.one_server import PASSWORD, OneServer, start_one_server

TRANSPORT = "MSExchangeTransport"

_missing = [name for name in ("krb5", "kerberos") if importlib.util.find_spec(name) is None]
_missing += kdc.missing_programs()
needs_kerberos = [
    pytest.mark.kerberos,
    pytest.mark.skipif(bool(_missing), reason=f"missing for Kerberos: {', '.join(_missing)}"),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneServer]:
    server = start_one_server(tmp_path_factory.mktemp("one-server"))
    with server.fake:
        yield server


@pytest.fixture
def server(running: OneServer) -> OneServer:
    running.calm()
    return running


@pytest.fixture
def session(server: OneServer) -> Iterator[WindowsSession]:
    with WindowsSession(server.windows()) as opened:
        yield opened


def query(*names: str) -> dict[str, object]:
    return {"action": "query", "services": list(names), "timeout": 30}


def restart(*names: str) -> dict[str, object]:
    return {"action": "restart", "services": list(names), "timeout": 30}


def starts(server: OneServer, service: str = TRANSPORT) -> int:
    return int(server.fake.get("/counters")["total"]["service_starts"].get(service, 0))


# --- scripts -------------------------------------------------------------------------------------


def test_services_are_queried(session: WindowsSession) -> None:
    found, absent = session.run("services", query(TRANSPORT, "NoSuchService"))["services"]
    assert found["status"] == "Running"
    assert found["exists"] is True
    assert found["changed"] is False
    assert absent == {"name": "NoSuchService", "exists": False}


def test_a_restart_brings_dependents_back_too(server: OneServer, session: WindowsSession) -> None:
    (report,) = session.run("services", restart("MSExchangeADTopology"), changing=True)["services"]
    assert report["status"] == "Running"
    assert TRANSPORT in report["dependents"]
    assert starts(server) == 1
    assert starts(server, "MSExchangeADTopology") == 1


def test_a_service_that_went_along_is_not_restarted_twice(
    server: OneServer, session: WindowsSession
) -> None:
    session.run("services", restart("MSExchangeADTopology", TRANSPORT), changing=True)
    assert starts(server) == 1


def test_a_service_that_does_not_come_back_stops_the_rest(
    server: OneServer, session: WindowsSession
) -> None:
    server.fault("service_start_fails", service=TRANSPORT)
    first, second = session.run("services", restart(TRANSPORT, "W3SVC"), changing=True)["services"]
    assert TRANSPORT in first["error"]
    assert first["status"] == "Stopped"
    assert second["skipped"] is True
    assert second["changed"] is False
    assert starts(server, "W3SVC") == 0
    repaired = {"action": "start", "services": [TRANSPORT], "timeout": 30}
    (report,) = session.run("services", repaired, changing=True)["services"]
    assert (report["status_before"], report["status"]) == ("Stopped", "Running")


def test_https_bindings_name_their_certificates(session: WindowsSession) -> None:
    bindings = session.run("https_bindings", {})["bindings"]
    (front,) = [
        one
        for one in bindings
        if one["site"] == "Default Web Site" and one["ip"] in ("", "*") and one["port"] == 443
    ]
    assert len(front["thumbprint"]) == 40
    assert front["thumbprint"] == front["thumbprint"].upper()
    assert front["host_header"] == ""


def test_scripts_share_one_shell_and_one_connection(
    server: OneServer, session: WindowsSession
) -> None:
    for _ in range(3):
        session.run("services", query(TRANSPORT))
    assert server.count("windows_shells") == 1
    assert server.count("connections") == 1
    assert session.shells == 1


def test_large_parameters_and_any_character_arrive(session: WindowsSession) -> None:
    names = [f"Dienst-ä-€-😀-{number:05}-'\"$(x)`" for number in range(4000)]
    reports = session.run("services", query(*names))["services"]
    assert [report["name"] for report in reports] == names
    assert len("".join(names).encode()) > 100_000


def test_nothing_of_script_or_parameters_is_on_the_command_line(session: WindowsSession) -> None:
    line = windows_session.command_line(windows_session.script_text("bootstrap"))
    session.run("services", query("Visible-Marker"))
    assert "Visible-Marker" not in line
    assert "DependentServices" not in line


def test_a_script_that_fails_says_why(session: WindowsSession) -> None:
    missing = {"site": "Größe", "binding_information": ":443:", "thumbprint": "0" * 40}
    with pytest.raises(WindowsScriptFailed, match="Cannot find path") as failure:
        session.run("bind_https", missing)
    assert failure.value.details["exit_code"] == 1
    assert session.run("services", query(TRANSPORT))["services"]


def test_a_script_without_an_answer_is_a_failure(
    session: WindowsSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = windows_session.script_text
    monkeypatch.setattr(
        windows_session,
        "script_text",
        lambda name: "# Never recorded." if name == "services" else text(name),
    )
    with pytest.raises(WindowsScriptFailed, match=r"gave no answer.*Never recorded") as failure:
        session.run("services", {})
    assert failure.value.details["exit_code"] == 1


# --- ways to log in ------------------------------------------------------------------------------


def test_basic_over_tls(server: OneServer) -> None:
    settings = server.windows(
        host="127.0.0.1",
        port=server.ports["winrm_https"],
        scheme="https",
        authentication="basic",
        ca_file=server.ca_file,
    )
    with WindowsSession(settings) as session:
        assert session.run("services", query(TRANSPORT))["services"]


def test_ntlm_over_tls(server: OneServer) -> None:
    settings = server.windows(
        port=server.ports["winrm_https"], scheme="https", ca_file=server.ca_file
    )
    with WindowsSession(settings) as session:
        assert session.run("services", query(TRANSPORT))["services"]


@pytest.fixture(scope="module")
def domain() -> Iterator[kdc.Kdc]:
    with (
        kdc.Kdc(users={"ansible": PASSWORD}, hosts=["ex01.contoso.test"]) as running,
        running.in_environment(),
    ):
        yield running


@pytest.fixture(scope="module")
def kerberized(domain: kdc.Kdc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneServer]:
    server = start_one_server(
        tmp_path_factory.mktemp("kerberos"),
        kerberos={"keytab": str(domain.keytab)},
        environment=domain.environment,
    )
    with server.fake:
        yield server


class TestKerberos:
    pytestmark = needs_kerberos

    def settings(self, server: OneServer, **changes: Any) -> Any:
        values: dict[str, Any] = {
            "host": "localhost",
            "authentication": "kerberos",
            "user_name": "ansible@CONTOSO.TEST",
        }
        return server.windows(**values | changes)

    def test_user_and_password(self, kerberized: OneServer, domain: kdc.Kdc) -> None:
        before = dict(os.environ)
        with WindowsSession(self.settings(kerberized)) as session:
            for _ in range(2):
                assert session.run("services", query(TRANSPORT))["services"]
            assert dict(os.environ) == before
        assert dict(os.environ) == before
        assert not (domain.directory / "tickets").exists(), "the user's own cache was touched"

    def test_a_dropped_idle_connection_is_renewed(self, kerberized: OneServer) -> None:
        with WindowsSession(self.settings(kerberized)) as session:
            session.run("services", query(TRANSPORT))
            kerberized.fault("drop_idle")
            assert session.run("services", query(TRANSPORT))["services"]

    def test_another_host_name_in_the_principal(self, kerberized: OneServer) -> None:
        settings = self.settings(
            kerberized, host="127.0.0.1", service_host_name="ex01.contoso.test"
        )
        with WindowsSession(settings) as session:
            assert session.run("services", query(TRANSPORT))["services"]

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"password": "wrong"}, "login_refused"),
            ({"user_name": "nobody@CONTOSO.TEST"}, "kerberos_user_unknown"),
            ({"user_name": "ansible@FABRIKAM.TEST"}, "kerberos_realm_unknown"),
            ({"password": None}, "kerberos_no_ticket"),
            ({"service_host_name": "alias.contoso.test"}, "kerberos_service_unknown"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_goes_wrong(
        self, kerberized: OneServer, changes: dict[str, Any], reason: str
    ) -> None:
        with (
            WindowsSession(self.settings(kerberized, **changes)) as session,
            pytest.raises(EndpointUnreachable) as failure,
        ):
            session.run("services", query(TRANSPORT))
        assert failure.value.details["reason"] == reason
        assert PASSWORD not in failure.value.message


# --- trouble -------------------------------------------------------------------------------------


def test_a_dropped_idle_connection_costs_nothing(
    server: OneServer, session: WindowsSession
) -> None:
    session.run("services", query(TRANSPORT))
    server.fault("drop_idle")
    session.run("services", restart(TRANSPORT), changing=True)
    assert starts(server) == 1
    assert server.count("windows_shells") == 1


def test_a_connection_is_renewed_before_the_server_would_drop_it(server: OneServer) -> None:
    with WindowsSession(server.windows(idle_reset_seconds=0.0)) as session:
        session.run("services", restart(TRANSPORT), changing=True)
    assert starts(server) == 1
    assert server.count("windows_shells") == 1


def test_a_shell_that_is_gone_is_opened_again_before_anything_runs(
    server: OneServer, session: WindowsSession
) -> None:
    session.run("services", query(TRANSPORT))
    server.fault("kill_shells")
    session.run("services", restart(TRANSPORT), changing=True)
    assert starts(server) == 1
    assert session.shells == 2


@pytest.mark.parametrize("verb", ["Send", "Receive"])
def test_a_restart_whose_answer_is_lost_is_not_repeated(
    server: OneServer, session: WindowsSession, verb: str
) -> None:
    session.run("services", query(TRANSPORT))
    server.fault("lose_answer", verb=verb)
    with pytest.raises(OutcomeUnknown, match="still be running"):
        session.run("services", restart(TRANSPORT), changing=True)
    assert starts(server) <= 1
    assert session.run("services", query(TRANSPORT))["services"]


def test_a_query_whose_answer_is_lost_is_an_unreachable_server(
    server: OneServer, session: WindowsSession
) -> None:
    session.run("services", query(TRANSPORT))
    server.fault("lose_answer", verb="Receive")
    with pytest.raises(EndpointUnreachable):
        session.run("services", query(TRANSPORT))


def test_a_script_is_abandoned_at_its_deadline(server: OneServer) -> None:
    server.behave(service_restart_seconds=60.0)
    try:
        with (
            WindowsSession(server.windows(operation_timeout=1)) as session,
            pytest.raises(OutcomeUnknown, match="deadline"),
        ):
            # It keeps stopping for a minute, so no other test looks at it.
            session.run("services", restart("MSExchangeThrottling"), changing=True, deadline=1.5)
    finally:
        server.behave(service_restart_seconds=0.0)


def test_a_slow_restart_within_its_deadline_is_waited_for(server: OneServer) -> None:
    server.behave(service_restart_seconds=1.0)
    try:
        with WindowsSession(server.windows(operation_timeout=1)) as session:
            (report,) = session.run("services", restart(TRANSPORT), changing=True)["services"]
    finally:
        server.behave(service_restart_seconds=0.0)
    assert report["status"] == "Running"
    assert report["seconds"] >= 1


def test_shells_are_closed(server: OneServer) -> None:
    session = WindowsSession(server.windows())
    session.run("services", query(TRANSPORT))
    protocol, shell = session._open(), session._shell_id
    session.close()
    session.close()
    with pytest.raises(WSManFaultError) as failure:
        protocol.run_command(shell, "powershell.exe")
    assert failure.value.wsman_fault_code == 2150858843


def test_a_closed_session_opens_again_when_it_is_used(
    server: OneServer, session: WindowsSession
) -> None:
    session.run("services", query(TRANSPORT))
    session.close()
    assert session.run("services", query(TRANSPORT))["services"]
    assert session.shells == 2


# --- no session ----------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        return int(finder.getsockname()[1])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"password": "wrong"}, "login_refused"),
        ({"host": "no.such.name.invalid"}, "name_unknown"),
        ({"path": "nothing"}, "wrong_path"),
        ({"port": "free"}, "connection_refused"),
        (
            {"port": "winrm_https", "scheme": "https", "authentication": "basic"},
            "tls_untrusted",
        ),
        ({"port": "winrm_http", "scheme": "https"}, "tls_not_spoken"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_reason_is_one_line(server: OneServer, changes: dict[str, Any], reason: str) -> None:
    port = changes.get("port")
    if port is not None:
        changes = {**changes, "port": free_port() if port == "free" else server.ports[port]}
    with (
        WindowsSession(server.windows(**changes)) as session,
        pytest.raises(EndpointUnreachable) as failure,
    ):
        session.run("services", query(TRANSPORT))
    assert failure.value.details["reason"] == reason
    assert "\n" not in failure.value.message
    assert PASSWORD not in failure.value.message


def test_basic_over_http_is_refused_before_anything_is_sent(server: OneServer) -> None:
    with (
        WindowsSession(server.windows(authentication="basic")) as session,
        pytest.raises(InvalidInput, match="ansible_exchange_winrm_scheme"),
    ):
        session.run("services", query(TRANSPORT))
    assert server.count("connections") == 0
