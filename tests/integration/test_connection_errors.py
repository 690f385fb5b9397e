# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every way in which no session can be had ends in one line that says what to do."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.exchange_session import (
    Cmdlet,
    ExchangeSession,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.settings import (
    ExchangeEndpointSettings,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    EndpointUnreachable,
    ExchangeError,
    InvalidInput,
    MissingLibrary,
)
from support.one_server import PASSWORD, SERVER, OneServer, start_one_server

READ = Cmdlet("Get-ExchangeServer", {"Identity": SERVER})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneServer]:
    server = start_one_server(tmp_path_factory.mktemp("one-server"))
    with server.fake:
        yield server


@pytest.fixture
def server(running: OneServer) -> OneServer:
    running.calm()
    return running


def failure_of(settings: ExchangeEndpointSettings) -> ExchangeError:
    with ExchangeSession(settings) as session, pytest.raises(ExchangeError) as failure:
        session.invoke(READ)
    error = failure.value
    assert "\n" not in error.message
    assert PASSWORD not in error.message
    assert PASSWORD not in repr(error.details)
    return error


def unreachable(settings: ExchangeEndpointSettings, reason: str) -> str:
    error = failure_of(settings)
    assert isinstance(error, EndpointUnreachable)
    assert error.details["reason"] == reason
    assert error.details["server"] == settings.host
    assert error.message.startswith(f"Cannot open a session on {settings.url}: ")
    return error.message


def free_port() -> int:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        return int(finder.getsockname()[1])


# --- who, where ----------------------------------------------------------------------------------


def test_wrong_password(server: OneServer) -> None:
    message = unreachable(server.exchange(password="wrong"), "login_refused")
    assert r"CONTOSO\ansible" in message
    assert "wrong" not in message


def test_wrong_password_with_basic_over_tls(server: OneServer) -> None:
    unreachable(server.exchange_over_tls(password="wrong"), "login_refused")


def test_refused_connection(server: OneServer) -> None:
    message = unreachable(server.exchange(port=free_port()), "connection_refused")
    assert "firewall" in message


def test_unknown_name(server: OneServer) -> None:
    unreachable(server.exchange(host="ex01.does-not-exist.invalid"), "name_unknown")


def test_a_port_that_never_answers(server: OneServer) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        settings = server.exchange(port=port, open_timeout=1, operation_timeout=1, read_timeout=6)
        unreachable(settings, "timed_out")


def test_wrong_path(server: OneServer) -> None:
    message = unreachable(server.exchange(path="Powershll/"), "wrong_path")
    assert "404" in message
    assert "Powershll/" in message


def test_the_ordinary_winrm_service_instead_of_exchange_s(server: OneServer) -> None:
    settings = server.exchange(port=server.ports["winrm_http"], path="wsman")
    assert "Dial port 80" in unreachable(settings, "wrong_endpoint")


def test_a_web_page_instead_of_exchange(server: OneServer) -> None:
    """Following its redirect would hand the login to a host that nobody has named."""
    assert "redirects" in unreachable(server.exchange_over_tls(path="owa/"), "wrong_path")


def test_tls_on_a_port_without_it(server: OneServer) -> None:
    settings = server.exchange_over_tls(port=server.ports["powershell_http"])
    unreachable(settings, "tls_not_spoken")


def test_http_on_a_tls_port(server: OneServer) -> None:
    error = failure_of(server.exchange(port=server.ports["https"]))
    assert isinstance(error, EndpointUnreachable)
    assert "scheme http fits the port" in error.message


def test_an_account_without_any_role(server: OneServer) -> None:
    message = unreachable(server.exchange(user_name=r"CONTOSO\nobody"), "no_roles")
    assert "role group" in message


@pytest.mark.parametrize("kind", ["throttle", "throttle_connections", "throttle_requests"])
def test_throttled(server: OneServer, kind: str) -> None:
    server.fault(kind, times=-1)
    assert "PowerShellMaxConcurrency" in unreachable(server.exchange(), "throttled")


def test_too_many_sessions_of_one_account(server: OneServer) -> None:
    server.behave(maximum_sessions_per_user=1)
    with ExchangeSession(server.exchange()) as first:
        first.invoke(READ)
        unreachable(server.exchange(), "throttled")


def test_a_directory_that_demands_tls(server: OneServer) -> None:
    """Require SSL shows as 403; the fake has no such switch, so a plain listener answers."""
    with answering(
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ) as port:
        assert "https" in unreachable(server.exchange(port=port), "require_ssl")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (b"503 Service Unavailable", "unavailable"),
        (b"413 Too Large", "too_large"),
        (b"418 Teapot", "http_status"),
        (b"200 OK", "no_authentication"),
    ],
)
def test_other_answers_of_a_web_server(server: OneServer, status: bytes, reason: str) -> None:
    with answering(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n") as port:
        unreachable(server.exchange(port=port), reason)


def test_a_server_without_the_wanted_authentication(server: OneServer) -> None:
    refusal = (
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"
    )
    with answering(refusal) as port:
        message = unreachable(server.exchange(port=port), "authentication_not_offered")
    assert "Basic" in message


# --- TLS -----------------------------------------------------------------------------------------


def test_an_unknown_authority(server: OneServer) -> None:
    settings = server.exchange_over_tls(ca_file=None)
    assert "ansible_exchange_ca_file" in unreachable(settings, "tls_untrusted")


def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    other = start_one_server(tmp_path, dns=("mail.contoso.test",), ip=())
    with other.fake:
        assert "localhost" in unreachable(other.exchange_over_tls(), "tls_name_mismatch")


def test_the_check_can_be_switched_off(server: OneServer) -> None:
    settings = server.exchange_over_tls(ca_file=None, validate_certificates=False)
    with ExchangeSession(settings) as session:
        assert len(session.invoke(READ).output) == 1


def test_an_expired_certificate(tmp_path: Path) -> None:
    expired = start_one_server(tmp_path, valid_days=-1)
    with expired.fake:
        assert "expired" in unreachable(expired.exchange_over_tls(), "tls_expired")


# --- refused before anything is sent -------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"authentication": "basic"}, "basic over http"),
        ({"message_encryption": "never"}, "message_encryption never over http"),
        ({"password": None}, "ansible_password is not set"),
        ({"user_name": None}, "ansible_user is not set"),
        ({"authentication": "digest"}, "must be one of"),
        ({"authentication": "kerberos"}, "name@REALM"),
        ({"read_timeout": 5}, "must be longer"),
        ({"port": 0}, "no port"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_settings_that_cannot_work(server: OneServer, changes: dict[str, Any], words: str) -> None:
    error = failure_of(server.exchange(**changes))
    assert isinstance(error, InvalidInput)
    assert words in error.message
    assert server.count("connections") == 0


def test_a_ca_file_that_does_not_exist(server: OneServer, tmp_path: Path) -> None:
    error = failure_of(server.exchange_over_tls(ca_file=str(tmp_path / "none.pem")))
    assert isinstance(error, InvalidInput)
    assert "does not exist" in error.message


def test_a_ca_file_without_certificates(server: OneServer, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing\n")
    error = failure_of(server.exchange_over_tls(ca_file=str(tmp_path / "empty.pem")))
    assert isinstance(error, InvalidInput)
    assert "no certificates" in error.message


# --- libraries -----------------------------------------------------------------------------------


def test_a_missing_library(server: OneServer, monkeypatch: pytest.MonkeyPatch) -> None:
    package = "ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint"
    for name in ("runspace_pool", "shell_transport", "pipeline_run"):
        monkeypatch.delitem(sys.modules, f"{package}.{name}", raising=False)
        monkeypatch.delattr(sys.modules[package], name, raising=False)
    monkeypatch.setitem(sys.modules, "psrpcore", None)
    error = failure_of(server.exchange())
    assert isinstance(error, MissingLibrary)
    assert "psrpcore" in error.message
    assert "pip install" in error.message


def test_a_missing_kerberos_library(server: OneServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "gssapi"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "gssapi", None)
    monkeypatch.setattr("spnego._gss.HAS_GSSAPI", False, raising=False)
    monkeypatch.setattr("spnego._gss.GSSAPI_IMP_ERR", "No module named gssapi", raising=False)
    error = failure_of(server.exchange(authentication="kerberos", user_name="ansible@CONTOSO.TEST"))
    assert isinstance(error, MissingLibrary)
    assert "pypsrp[kerberos]" in error.message


# --- a web server that always says the same ------------------------------------------------------


class answering:
    """A listener that gives the same bytes to every request."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def __enter__(self) -> int:
        import threading

        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *exc: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    while b"\r\n\r\n" in connection.recv(65536):
                        connection.sendall(self._answer)
                except OSError:
                    continue
