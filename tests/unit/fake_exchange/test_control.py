# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a harness see of a running fake through its control endpoint, and is it restored?"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pypsrp.exceptions import WSManFaultError
from pypsrp.wsman import WSMan

from fake_exchange.organisation import services
from fake_exchange.organisation.loading import load_organisation
from fake_exchange.organisation.model import FederationTrust, Organisation, Server
from fake_exchange.running import RunningFake
from support.remote_powershell import RemotePowerShell

PASSWORD = "Correct-Horse-7"
ORGANISATION = f"""
organization: {{name: Contoso, domain: contoso.test}}
accounts:
  - {{user: ansible, password: {PASSWORD}, role_groups: [Organization Management]}}
defaults:
  services: {{MSExchangeIMAP4: Running}}
servers:
  - {{name: EX01}}
  - {{name: EX02}}
"""
SHELL_IS_GONE = 2150858843


@pytest.fixture(scope="module")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    file: Path = tmp_path_factory.mktemp("organisation") / "contoso.yml"
    file.write_text(ORGANISATION)
    return load_organisation(file)


@pytest.fixture(scope="module")
def running(organisation: Organisation) -> Iterator[RunningFake]:
    with RunningFake(organisation) as fake:
        yield fake


@pytest.fixture
def fake(running: RunningFake) -> Iterator[RunningFake]:
    """As it was at the beginning, and restored at the end."""
    post(running, "/snapshot", name="beginning of the test")
    yield running
    post(running, "/snapshot/restore", name="beginning of the test")


@pytest.fixture
def server(organisation: Organisation) -> Server:
    return organisation.servers["EX01"]


def get(fake: RunningFake, path: str) -> Any:
    status, answer = fake.control.answer("GET", path, None)
    assert status == 200, answer
    return answer


def post(fake: RunningFake, path: str, **values: Any) -> Any:
    status, answer = fake.control.answer("POST", path, json.dumps(values).encode())
    assert status == 200, answer
    return answer


def refused(fake: RunningFake, path: str, **values: Any) -> str:
    """What is said to a request without sense."""
    status, answer = fake.control.answer("POST", path, json.dumps(values).encode())
    assert status == 400
    assert isinstance(answer, dict)
    return str(answer["error"])


def session(server: Server) -> RemotePowerShell:
    return RemotePowerShell(
        WSMan(
            "127.0.0.1",
            port=server.ports["powershell_http"],
            path="PowerShell",
            username=r"CONTOSO\ansible",
            password=PASSWORD,
            auth="ntlm",
            ssl=False,
            encryption="always",
            no_proxy=True,
            operation_timeout=5,
            read_timeout=20,
        )
    )


def listens(server: Server, port: str) -> bool:
    with socket.socket() as client:
        client.settimeout(10)
        return client.connect_ex(("127.0.0.1", server.ports[port])) == 0


def set_comment(server: Server, comment: str) -> None:
    parameters = {"Identity": f"{server.Name}\\Default Frontend {server.Name}", "Comment": comment}
    with session(server) as opened:
        assert opened.invoke(("Set-ReceiveConnector", parameters)).errors == []


# Looking ----------------------------------------------------------------------------------------


def test_requests_are_listed_with_what_they_are_about(fake: RunningFake, server: Server) -> None:
    post(fake, "/counters/reset")
    set_comment(server, "one")
    found = get(fake, "/requests")
    assert found[0] == {
        "number": 1,
        "server": "EX01",
        "endpoint": "exchange",
        "verb": "Create",
        "cmdlet": "",
    }
    assert {request["cmdlet"] for request in found} == {"", "Set-ReceiveConnector"}
    post(fake, "/counters/reset")
    assert get(fake, "/requests") == []


def test_the_journal_shows_changes_until_it_is_reset(fake: RunningFake, server: Server) -> None:
    set_comment(server, "one")
    (change,) = get(fake, "/journal")["changes"]
    assert (change["what"], change["server"]) == ("Set-ReceiveConnector", "EX01")
    post(fake, "/journal/reset")
    assert get(fake, "/journal") == {"changes": [], "violations": []}


def test_the_auth_servicelet_runs_when_asked_to(
    fake: RunningFake, organisation: Organisation
) -> None:
    auth = organisation.auth_config
    former = auth.CurrentCertificateThumbprint
    first, second = organisation
    following = next(t for t in first.certificates if t != former)
    first.certificates[following].PrivateKeyExportable = True
    auth.NextCertificateThumbprint = following
    auth.NextCertificateEffectiveDate = datetime.now(timezone.utc) + timedelta(hours=49)
    post(fake, "/auth-servicelet", server="EX02")
    assert following in second.certificates
    assert auth.CurrentCertificateThumbprint == former
    changes = post(fake, "/auth-servicelet", hours_later=50)["changes"]
    assert [(change["what"], change["detail"]) for change in changes] == [
        ("AuthAdmin published", following)
    ]
    assert auth.CurrentCertificateThumbprint == following


def test_the_federation_servicelet_runs_when_asked_to(
    fake: RunningFake, organisation: Organisation
) -> None:
    first, second = organisation
    thumbprint = next(iter(first.certificates))
    first.certificates[thumbprint].PrivateKeyExportable = True
    organisation.federation_trust = FederationTrust(OrgNextPrivCertificate=thumbprint)
    changes = post(fake, "/federation-servicelet")["changes"]
    assert [(change["what"], change["server"], change["detail"]) for change in changes] == [
        ("Federation deployed", "EX02", thumbprint)
    ]
    assert second.certificates[thumbprint].Services == {"Federation"}


def test_a_fault_that_struck_is_reported_with_its_request(
    fake: RunningFake, server: Server
) -> None:
    post(fake, "/faults", kind="kill_shell", verb="Command", server="EX01")
    opened = session(server)
    opened.open()
    with pytest.raises(WSManFaultError):
        opened.start(("Get-AcceptedDomain", {}))
    answer = get(fake, "/faults")
    (struck,) = answer["fired"]
    known = {request["number"]: request for request in get(fake, "/requests")}
    assert known[struck["request"]]["verb"] == "Command"
    assert (answer["armed"], answer["holding"]) == ([], 0)


@pytest.mark.parametrize(
    ("path", "values", "complaint"),
    [
        ("/snapshot/restore", {"name": "never kept"}, "there is no snapshot 'never kept'"),
        ("/faults", {"kind": "fail_cmdlet", "request": 3}, "request is for faults of the wire"),
        ("/faults", {"kind": "drop_connection", "execute": True}, "execute is for hold"),
        ("/auth-servicelet", {"server": "EX77"}, "there is no server 'EX77'"),
        ("/auth-servicelet", {"hours_later": "two"}, "hours_later has to be a number"),
    ],
)
def test_what_makes_no_sense_is_refused(
    fake: RunningFake, path: str, values: dict[str, Any], complaint: str
) -> None:
    assert complaint in refused(fake, path, **values)


# Restoring it -----------------------------------------------------------------------------------


def test_the_state_comes_back_while_everything_runs(
    fake: RunningFake, organisation: Organisation, server: Server
) -> None:
    post(fake, "/snapshot", name="before")
    before, endpoints = get(fake, "/state"), get(fake, "/endpoints")
    set_comment(server, "changed")
    services.stop(organisation, organisation.servers["EX02"], "MSExchangeTransport")
    assert get(fake, "/state") != before
    post(fake, "/snapshot/restore", name="before")
    assert get(fake, "/state") == before
    assert get(fake, "/endpoints") == endpoints
    set_comment(server, "changed again")


def test_ports_open_and_close_as_their_services_did_then(
    fake: RunningFake, organisation: Organisation, server: Server
) -> None:
    post(fake, "/snapshot", name="imap runs")
    services.stop(organisation, server, "MSExchangeIMAP4")
    assert not listens(server, "imap")
    post(fake, "/snapshot", name="imap is stopped")
    post(fake, "/snapshot/restore", name="imap runs")
    assert listens(server, "imap")
    post(fake, "/snapshot/restore", name="imap is stopped")
    assert not listens(server, "imap")
    assert listens(server, "powershell_http")


def test_open_sessions_are_gone(fake: RunningFake, server: Server) -> None:
    post(fake, "/snapshot", name="before")
    opened = session(server)
    opened.open()
    post(fake, "/snapshot/restore", name="before")
    with pytest.raises(WSManFaultError) as caught:
        opened.start(("Get-AcceptedDomain", {}))
    assert caught.value.code == SHELL_IS_GONE


def test_counters_log_journal_and_faults_begin_empty(fake: RunningFake, server: Server) -> None:
    post(fake, "/snapshot", name="before")
    post(fake, "/faults", kind="slow_cmdlet", cmdlet="Set-ReceiveConnector", seconds=0)
    post(fake, "/faults", kind="drop_connection", request=100_000)
    set_comment(server, "one")
    assert get(fake, "/faults")["fired"]
    post(fake, "/snapshot/restore", name="before")
    answer = get(fake, "/faults")
    assert (answer["armed"], answer["fired"]) == ([], [])
    assert get(fake, "/counters")["total"]["sessions"] == 0
    assert (get(fake, "/log"), get(fake, "/requests")) == ([], [])
    assert get(fake, "/journal") == {"changes": [], "violations": []}
