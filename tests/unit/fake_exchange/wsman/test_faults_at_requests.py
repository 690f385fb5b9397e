# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is every request numbered, and does a fault strike at exactly the one it was armed for, at both
endpoints of a running fake?"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
import winrm
from pypsrp.exceptions import WSManFaultError
from pypsrp.wsman import WSMan
from winrm.exceptions import WSManFaultError as WindowsFaultError

from fake_exchange.faults import Fault, Faults
from fake_exchange.organisation.loading import load_organisation
from fake_exchange.organisation.model import Organisation, Server
from fake_exchange.running import RunningFake
from support.remote_powershell import RemotePowerShell

PASSWORD = "Correct-Horse-7"
ORGANISATION = f"""
organization: {{name: Contoso, domain: contoso.test}}
accounts:
  - {{user: ansible, password: {PASSWORD}, role_groups: [Organization Management]}}
servers:
  - name: EX01
    queues: [{{name: 3, MessageCount: 2, Status: Retry}}]
"""
SHELL_IS_GONE = 2150858843
GET_DOMAIN = ("Get-AcceptedDomain", {})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organisation]:
    file: Path = tmp_path_factory.mktemp("organisation") / "contoso.yml"
    file.write_text(ORGANISATION)
    organisation = load_organisation(file)
    with RunningFake(organisation):
        yield organisation


@pytest.fixture
def organisation(running: Organisation) -> Iterator[Organisation]:
    """Without faults, with empty logs."""
    running.wire_log.reset()
    running.cmdlet_log.reset()
    yield running
    running.faults.clear()


@pytest.fixture
def server(organisation: Organisation) -> Server:
    return organisation.servers["EX01"]


@pytest.fixture
def faults(organisation: Organisation) -> Faults:
    return organisation.faults


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
            reconnection_retries=0,
            operation_timeout=5,
            read_timeout=20,
        )
    )


def windows(server: Server) -> winrm.Protocol:
    return winrm.Protocol(
        f"http://127.0.0.1:{server.ports['winrm_http']}/wsman",
        transport="ntlm",
        username=r"CONTOSO\ansible",
        password=PASSWORD,
        operation_timeout_sec=5,
        read_timeout_sec=20,
        proxy=None,
    )


def say_hello(server: Server) -> bytes:
    """What a command writes, through a shell of its own."""
    protocol = windows(server)
    shell = protocol.open_shell(codepage=65001)
    command = protocol.run_command(shell, "echo", ["hello"])
    output = protocol.get_command_output(shell, command)[0]
    protocol.cleanup_command(shell, command)
    protocol.close_shell(shell)
    return bytes(output)


def executed(organisation: Organisation) -> list[str]:
    return [call.cmdlet for call in organisation.cmdlet_log.calls()]


def log(organisation: Organisation) -> list[tuple[object, ...]]:
    """Endpoint, verb and cmdlet of every request."""
    return [(r["endpoint"], r["verb"], r["cmdlet"]) for r in organisation.wire_log.as_list()]


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def is_running(server: Server, *services: str) -> bool:
    return all(server.services[name].Status == "Running" for name in services)


# The log of requests ------------------------------------------------------------------------------


def test_requests_of_an_exchange_session_are_numbered_and_say_what_they_are_about(
    organisation: Organisation, server: Server
) -> None:
    with session(server) as opened:
        opened.invoke(GET_DOMAIN)
    assert log(organisation)[0] == ("exchange", "Create", "")
    assert ("exchange", "Command", "Get-AcceptedDomain") in log(organisation)
    assert ("exchange", "Receive", "Get-AcceptedDomain") in log(organisation)
    assert ("exchange", "Signal", "Get-AcceptedDomain") in log(organisation)
    assert log(organisation)[-1] == ("exchange", "Delete", "")
    numbers = [request["number"] for request in organisation.wire_log.as_list()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert {request["server"] for request in organisation.wire_log.as_list()} == {"EX01"}


def test_requests_of_a_windows_shell_are_numbered_in_the_same_row(
    organisation: Organisation, server: Server
) -> None:
    with session(server) as opened:
        opened.invoke(GET_DOMAIN)
    before = len(log(organisation))
    assert say_hello(server).strip() == b"hello"
    assert log(organisation)[before:] == [
        ("windows", "Create", ""),
        ("windows", "Command", "echo"),
        ("windows", "Receive", "echo"),
        ("windows", "Signal", "echo"),
        ("windows", "Delete", ""),
    ]


def test_the_numbers_begin_again_after_a_reset(organisation: Organisation, server: Server) -> None:
    say_hello(server)
    organisation.wire_log.reset()
    assert log(organisation) == []
    say_hello(server)
    assert organisation.wire_log.as_list()[0]["number"] == 1


# Faults at a request of a number -----------------------------------------------------------------


def number_of(organisation: Organisation, server: Server, verb: str, cmdlet: str) -> int:
    """The number of a request in an undisturbed run, which every later run repeats."""
    with session(server) as opened:
        opened.invoke(GET_DOMAIN)
    found = [
        request["number"]
        for request in organisation.wire_log.as_list()
        if (request["verb"], request["cmdlet"]) == (verb, cmdlet)
    ]
    organisation.wire_log.reset()
    organisation.cmdlet_log.reset()
    number = found[0]
    assert isinstance(number, int)
    return number


def test_a_connection_is_dropped_at_that_request_and_nothing_was_executed(
    organisation: Organisation, server: Server, faults: Faults
) -> None:
    number = number_of(organisation, server, "Command", "Get-AcceptedDomain")
    faults.arm(Fault("drop_connection", request=number))
    opened = session(server)
    opened.open()
    with pytest.raises(requests.ConnectionError):
        opened.start(GET_DOMAIN)
    assert executed(organisation) == []
    (struck,) = faults.fired()
    assert (struck["request"], struck["verb"], struck["server"]) == (number, "Command", "EX01")


def test_the_answer_to_that_request_is_lost_but_it_was_executed(
    organisation: Organisation, server: Server, faults: Faults
) -> None:
    number = number_of(organisation, server, "Command", "Get-AcceptedDomain")
    faults.arm(Fault("lose_answer", request=number))
    opened = session(server)
    opened.open()
    with pytest.raises(requests.ConnectionError):
        opened.start(GET_DOMAIN)
    wait_until(lambda: executed(organisation) == ["Get-AcceptedDomain"])
    (struck,) = faults.fired()
    assert (struck["request"], struck["cmdlet"]) == (number, "Get-AcceptedDomain")


def test_the_shell_is_gone_at_that_request(
    organisation: Organisation, server: Server, faults: Faults
) -> None:
    number = number_of(organisation, server, "Command", "Get-AcceptedDomain")
    faults.arm(Fault("kill_shell", request=number))
    opened = session(server)
    opened.open()
    with pytest.raises(WSManFaultError) as caught:
        opened.start(GET_DOMAIN)
    assert caught.value.code == SHELL_IS_GONE
    assert executed(organisation) == []


def test_a_point_that_is_never_reached_is_known_as_such(
    organisation: Organisation, server: Server, faults: Faults
) -> None:
    faults.arm(Fault("drop_connection", request=1000))
    with session(server) as opened:
        opened.invoke(GET_DOMAIN)
    assert faults.fired() == []
    assert len(faults.armed()) == 1


def test_a_fault_for_a_cmdlet_waits_for_a_request_about_it(
    organisation: Organisation, server: Server, faults: Faults
) -> None:
    faults.arm(Fault("drop_connection", verb="Receive", cmdlet="Get-AcceptedDomain"))
    opened = session(server)
    opened.open()
    opened.invoke(("Get-ExchangeServer", {}))
    pipeline = opened.start(GET_DOMAIN)
    with pytest.raises(requests.ConnectionError):
        opened.receive_once(pipeline)
    assert [struck["cmdlet"] for struck in faults.fired()] == ["Get-AcceptedDomain"]


@pytest.mark.parametrize("kind", ["drop_connection", "lose_answer"])
def test_a_windows_request_can_be_struck_too(server: Server, faults: Faults, kind: str) -> None:
    faults.arm(Fault(kind, endpoint="windows", verb="Command"))
    with session(server) as opened:  # the other endpoint does not feel it
        opened.invoke(GET_DOMAIN)
    protocol = windows(server)
    shell = protocol.open_shell()
    with pytest.raises(requests.ConnectionError):
        protocol.run_command(shell, "ver")
    assert [struck["endpoint"] for struck in faults.fired()] == ["windows"]


# Slow answers -----------------------------------------------------------------------------------


def test_a_slow_answer_comes_in_the_end(
    organisation: Organisation, server: Server, faults: Faults
) -> None:
    faults.arm(Fault("slow_request", verb="Command", seconds=0.2))
    with session(server) as opened:
        began = time.monotonic()
        opened.invoke(GET_DOMAIN)
        assert time.monotonic() - began >= 0.2  # it is what was asked for, not a speed
    assert executed(organisation) == ["Get-AcceptedDomain"]
    assert [struck["kind"] for struck in faults.fired()] == ["slow_request"]


# Restarts ---------------------------------------------------------------------------------------


def test_the_site_behind_exchange_restarts_with_its_sessions_and_comes_back(
    organisation: Organisation, server: Server, faults: Faults
) -> None:
    opened = session(server)
    opened.open()
    protocol = windows(server)
    shell = protocol.open_shell()
    faults.arm(Fault("restart_site", endpoint="exchange", verb="Command", seconds=0.2))
    with pytest.raises(requests.ConnectionError):
        opened.start(GET_DOMAIN)
    assert executed(organisation) == []
    wait_until(lambda: is_running(server, "W3SVC"))
    again = session(server)
    again.shell_id = opened.shell_id
    with pytest.raises(WSManFaultError) as caught:
        again.start(GET_DOMAIN)
    assert caught.value.code == SHELL_IS_GONE
    # WinRM is a service of its own.
    protocol.cleanup_command(shell, protocol.run_command(shell, "ver"))
    protocol.close_shell(shell)


def test_winrm_restarts_with_its_shells_and_comes_back(server: Server, faults: Faults) -> None:
    with session(server) as opened:
        protocol = windows(server)
        shell = protocol.open_shell()
        faults.arm(Fault("restart_site", endpoint="windows", verb="Command", seconds=0.2))
        with pytest.raises(requests.ConnectionError):
            protocol.run_command(shell, "ver")
        wait_until(lambda: is_running(server, "WinRM"))
        with pytest.raises(WindowsFaultError):
            windows(server).run_command(shell, "ver")
        assert opened.invoke(GET_DOMAIN).errors == []


def test_a_server_restarts_as_a_whole_and_keeps_queues_and_stopped_services(
    organisation: Organisation, server: Server, faults: Faults
) -> None:
    protocol = windows(server)
    shell = protocol.open_shell()
    starts = server.services["MSExchangeTransport"].starts
    running = {name for name, service in server.services.items() if service.Status == "Running"}
    messages = [queue.MessageCount for queue in server.queues]
    faults.arm(Fault("restart_server", endpoint="exchange", verb="Create", seconds=0.3))
    with pytest.raises(requests.ConnectionError):
        session(server).open()
    with pytest.raises(requests.ConnectionError):
        windows(server).open_shell()
    wait_until(lambda: is_running(server, *running))
    assert server.services["MSExchangePOP3"].Status == "Stopped"
    assert server.services["MSExchangeTransport"].starts == starts + 1
    assert [queue.MessageCount for queue in server.queues] == messages
    with pytest.raises(WindowsFaultError):
        windows(server).run_command(shell, "ver")
    with session(server) as opened:
        assert opened.invoke(GET_DOMAIN).errors == []


# Held requests ----------------------------------------------------------------------------------


class Client(threading.Thread):
    """Somebody who asks for the accepted domains and waits for the answer."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self.answered = False
        self._session = session(server)
        self._session.open()
        self.start()

    def run(self) -> None:
        with contextlib.suppress(requests.ConnectionError):
            self._session.invoke(GET_DOMAIN)
            self.answered = True


def test_a_held_request_is_dropped_when_it_is_released(
    organisation: Organisation, server: Server, faults: Faults
) -> None:
    faults.arm(Fault("hold", verb="Command"))
    client = Client(server)
    wait_until(lambda: faults.holding == 1)
    assert executed(organisation) == []
    faults.release()
    client.join(timeout=20)
    assert not client.answered
    assert executed(organisation) == []


def test_a_held_request_is_executed_when_it_is_released_if_wanted_so(
    organisation: Organisation, server: Server, faults: Faults
) -> None:
    faults.arm(Fault("hold", verb="Command", execute=True))
    client = Client(server)
    wait_until(lambda: faults.holding == 1)
    assert executed(organisation) == []
    faults.release()
    client.join(timeout=20)
    assert client.answered
    assert executed(organisation) == ["Get-AcceptedDomain"]


def test_a_held_request_is_abandoned_when_faults_are_cleared(
    organisation: Organisation, server: Server, faults: Faults
) -> None:
    faults.arm(Fault("hold", verb="Command", execute=True))
    client = Client(server)
    wait_until(lambda: faults.holding == 1)
    faults.clear()
    client.join(timeout=20)
    assert not client.answered
    assert executed(organisation) == []
