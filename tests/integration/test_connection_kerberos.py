# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kerberos against a real KDC: encrypted messages over http, tickets from passwords and caches."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.exchange_session import (
    Cmdlet,
    ExchangeSession,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.kerberos_ticket import (
    KerberosTicket,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    EndpointUnreachable,
    MissingLibrary,
    OutcomeUnknown,
)
from support import kdc
from support.one_server import PASSWORD, SERVER, OneServer, start_one_server

READ = Cmdlet("Get-ExchangeServer", {"Identity": SERVER})
USER = "ansible@CONTOSO.TEST"

_missing = [name for name in ("gssapi", "krb5") if importlib.util.find_spec(name) is None]
_missing += kdc.missing_programs()
pytestmark = [
    pytest.mark.kerberos,
    pytest.mark.skipif(bool(_missing), reason=f"missing for Kerberos: {', '.join(_missing)}"),
]


@pytest.fixture(scope="module")
def domain() -> Iterator[kdc.Kdc]:
    with (
        kdc.Kdc(users={"ansible": PASSWORD}, hosts=["ex01.contoso.test"]) as running,
        running.in_environment(),
    ):
        yield running


@pytest.fixture(scope="module")
def running(domain: kdc.Kdc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneServer]:
    server = start_one_server(
        tmp_path_factory.mktemp("one-server"),
        kerberos={"keytab": str(domain.keytab)},
        environment=domain.environment,
    )
    with server.fake:
        yield server


@pytest.fixture
def server(running: OneServer) -> OneServer:
    running.calm()
    return running


def with_kerberos(server: OneServer, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "host": "localhost",
        "authentication": "kerberos",
        "user_name": USER,
    }
    return server.exchange(**values | changes)


def reason_of(settings: Any) -> tuple[object, str]:
    with ExchangeSession(settings) as session, pytest.raises(EndpointUnreachable) as failure:
        session.invoke(READ)
    assert PASSWORD not in failure.value.message
    return failure.value.details["reason"], failure.value.message


def test_user_and_password(server: OneServer, domain: kdc.Kdc) -> None:
    with ExchangeSession(with_kerberos(server)) as session:
        assert len(session.invoke(READ).output) == 1
    assert not (domain.directory / "tickets").exists(), "the user's own cache has been touched"


def test_the_principal_s_host_name_can_differ_from_the_dialled_one(server: OneServer) -> None:
    settings = with_kerberos(server, host="127.0.0.1", service_host_name="ex01.contoso.test")
    with ExchangeSession(settings) as session:
        assert len(session.invoke(READ).output) == 1


def test_negotiate_over_tls(server: OneServer) -> None:
    settings = server.exchange_over_tls(authentication="negotiate", user_name=USER)
    with ExchangeSession(settings) as session:
        assert len(session.invoke(READ).output) == 1


def test_a_ticket_from_the_cache(server: OneServer, domain: kdc.Kdc) -> None:
    ticket = KerberosTicket(USER, PASSWORD)
    try:
        with (
            ticket.active(),
            ExchangeSession(with_kerberos(server, password=None)) as session,
        ):
            assert len(session.invoke(READ).output) == 1
        with (
            ticket.active(),
            ExchangeSession(with_kerberos(server, user_name=None, password=None)) as session,
        ):
            assert len(session.invoke(READ).output) == 1
    finally:
        ticket.close()


def test_a_dropped_idle_connection_is_renewed(server: OneServer) -> None:
    with ExchangeSession(with_kerberos(server)) as session:
        session.invoke(READ)
        server.fault("drop_idle")
        session.invoke(
            Cmdlet("Set-SendConnector", {"Identity": "Partner 01", "Comment": "x"}), changing=True
        )
    assert server.executed("Set-SendConnector") == 1
    assert server.count("sessions") == 1


def test_a_lost_result_of_a_change_is_not_repeated(server: OneServer) -> None:
    with ExchangeSession(with_kerberos(server)) as session:
        session.invoke(READ)
        server.fault("lose_answer", verb="Receive")
        with pytest.raises(OutcomeUnknown):
            session.invoke(
                Cmdlet("Set-SendConnector", {"Identity": "Partner 01", "Comment": "x"}),
                changing=True,
            )
    assert server.executed("Set-SendConnector") == 1


# --- what goes wrong -----------------------------------------------------------------------------


def test_wrong_password(server: OneServer) -> None:
    reason, message = reason_of(with_kerberos(server, password="wrong"))
    assert reason == "login_refused"
    assert USER in message
    assert "password" in message


def test_unknown_user(server: OneServer) -> None:
    reason, message = reason_of(with_kerberos(server, user_name="nobody.here@CONTOSO.TEST"))
    assert reason == "kerberos_user_unknown"
    assert "nobody.here@CONTOSO.TEST" in message


def test_unknown_realm(server: OneServer) -> None:
    reason, message = reason_of(with_kerberos(server, user_name="ansible@FABRIKAM.TEST"))
    assert reason == "kerberos_realm_unknown"
    assert "FABRIKAM.TEST" in message


def test_no_ticket(server: OneServer) -> None:
    reason, message = reason_of(with_kerberos(server, user_name=None, password=None))
    assert reason == "kerberos_no_ticket"
    assert "kinit" in message


def test_no_ticket_of_this_user(server: OneServer) -> None:
    reason, message = reason_of(with_kerberos(server, password=None))
    assert reason == "kerberos_no_ticket"
    assert USER in message


def test_a_service_the_domain_does_not_know(server: OneServer) -> None:
    settings = with_kerberos(server, host="127.0.0.1", service_host_name="alias.contoso.test")
    reason, message = reason_of(settings)
    assert reason == "kerberos_service_unknown"
    assert "HTTP/alias.contoso.test" in message


def test_a_domain_that_does_not_answer(server: OneServer, domain: kdc.Kdc, tmp_path: Path) -> None:
    """In a process of its own: Kerberos libraries keep what they know of a realm."""
    configuration = tmp_path / "krb5.conf"
    text = (domain.directory / "krb5.conf").read_text()
    configuration.write_text(text.replace(f"127.0.0.1:{domain.port}", "127.0.0.1:9"))
    script = tmp_path / "dial.py"
    script.write_text(
        "import sys\n"
        "from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint import "
        "exchange_session, settings\n"
        "from ansible_collections.mailops.exchange.plugins.plugin_utils import errors\n"
        "chosen = settings.ExchangeEndpointSettings(host='localhost', port=int(sys.argv[1]),\n"
        f"    user_name={USER!r}, password=sys.stdin.read())\n"
        "try:\n"
        "    session = exchange_session.ExchangeSession(chosen)\n"
        "    session.invoke(exchange_session.Cmdlet('Get-ExchangeServer'))\n"
        "except errors.EndpointUnreachable as error:\n"
        "    print(error.details['reason'])\n"
    )
    done = subprocess.run(
        [sys.executable, str(script), str(server.ports["powershell_http"])],
        env={
            **os.environ,
            "KRB5_CONFIG": str(configuration),
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        input=PASSWORD,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "kerberos_kdc_unreachable", done.stderr


# --- private tickets -----------------------------------------------------------------------------


def test_a_private_ticket_leaves_no_trace(domain: kdc.Kdc) -> None:
    before = dict(os.environ)
    ticket = KerberosTicket(USER, PASSWORD)
    with ticket.active():
        assert os.environ["KRB5CCNAME"].startswith("MEMORY:")
    ticket.close()
    ticket.close()
    assert dict(os.environ) == before
    assert not (domain.directory / "tickets").exists()


def test_the_environment_is_restored_after_a_failure(
    domain: kdc.Kdc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KRB5CCNAME")
    ticket = KerberosTicket(USER, PASSWORD)
    with pytest.raises(RuntimeError), ticket.active():
        raise RuntimeError
    ticket.close()
    assert "KRB5CCNAME" not in os.environ


def test_two_tickets_do_not_disturb_each_other(domain: kdc.Kdc) -> None:
    first, second = KerberosTicket(USER, PASSWORD), KerberosTicket(USER, PASSWORD)
    assert first.cache_name != second.cache_name
    first.close()
    second.close()


def test_gssapi_serves_when_krb5_is_missing(
    server: OneServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "krb5", None)
    ticket = KerberosTicket(USER, PASSWORD)
    with (
        ticket.active(),
        ExchangeSession(with_kerberos(server, password=None)) as session,
    ):
        assert len(session.invoke(READ).output) == 1
    ticket.close()


def test_a_clear_word_when_both_libraries_are_missing(
    domain: kdc.Kdc, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint import (
        connection_errors,
        settings,
    )

    monkeypatch.setitem(sys.modules, "krb5", None)
    monkeypatch.setitem(sys.modules, "gssapi", None)
    with pytest.raises(ImportError) as failure:
        KerberosTicket(USER, PASSWORD)
    explained = connection_errors.explain(
        failure.value, settings.WindowsEndpointSettings(host="ex01")
    )
    assert isinstance(explained, MissingLibrary)
    assert "Kerberos" in explained.message
