# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exactly is on the wire where Exchange and WinRM differ from each other or from the book:
boundaries, pages, fault numbers, shells of both kinds?"""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
import requests
import winrm
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WSManFaultError

from fake_exchange.wsman.authentication import NtlmAccounts
from fake_exchange.wsman.envelope import NotSoap, parse, seconds_of
from fake_exchange.wsman.output import AnswerLost, OutputQueue


class EchoShell:
    """A cmd shell that echoes its command line; `wait` says nothing until stopped."""

    def __init__(self, opened):
        self.opened = opened
        self.commands = {}
        self.closed = False

    def command(self, command):
        queue = self.commands[command.command_id] = OutputQueue()
        if command.command != "wait":
            line = " ".join((command.command, *command.arguments))
            queue.put("stdout", line.encode())
            queue.put("stderr", b"no harm")
            if command.options["WINRS_CONSOLEMODE_STDIN"] == "TRUE":
                queue.finish(3)

    def send(self, command_id, stream, data, *, end):
        queue = self.commands[command_id]
        queue.put("stdout", data, end=end)
        if end:
            queue.finish(0)

    def output(self, command_id):
        return self.commands[command_id]

    def signal(self, command_id, code):
        self.commands.pop(command_id)

    def name_of(self, command_id):
        return ""

    def close(self):
        self.closed = True


@pytest.fixture
def shells():
    return []


@pytest.fixture
def cmd_shell(shells):
    def make(opened):
        shells.append(EchoShell(opened))
        return shells[-1]

    return lambda server: make


@pytest.fixture
def protocol(fake):
    def client(**options):
        settings = {
            "endpoint": f"http://127.0.0.1:{fake.ports['winrm_http']}/wsman",
            "transport": "ntlm",
            "username": r"CONTOSO\ansible",
            "password": fake.password,
            "operation_timeout_sec": 1,
            "read_timeout_sec": 9,
            "proxy": None,
            "ca_trust_path": None,
        }
        return winrm.Protocol(**{**settings, **options})

    return client


def test_pywinrm_runs_a_command_with_arguments(protocol, fake, shells):
    client = protocol()
    shell = client.open_shell(codepage=65001, idle_timeout="PT900S")
    command = client.run_command(shell, "echo", ["a", "b"])
    assert client.get_command_output(shell, command) == (b"echo a b", b"no harm", 3)
    client.cleanup_command(shell, command)
    client.close_shell(shell)
    assert shells[0].opened.idle_seconds == 900
    assert shells[0].opened.options["WINRS_CODEPAGE"] == "65001"
    assert shells[0].closed
    assert (fake.total["windows_shells"], fake.total["sessions"]) == (1, 0)


def test_pywinrm_sends_standard_input(protocol):
    client = protocol()
    shell = client.open_shell()
    command = client.run_command(shell, "cat", console_mode_stdin=False)
    client.send_command_input(shell, command, b"\x00\xffdata", end=True)
    assert client.get_command_output(shell, command) == (b"cat\x00\xffdata", b"no harm", 0)
    client.close_shell(shell)


def test_pywinrm_hears_that_there_is_nothing_yet(protocol):
    client = protocol()
    shell = client.open_shell()
    command = client.run_command(shell, "wait")
    with pytest.raises(WinRMOperationTimeoutError):
        client.get_command_output_raw(shell, command)
    client.close_shell(shell)


def test_pywinrm_with_a_wrong_password_is_refused(protocol):
    with pytest.raises(InvalidCredentialsError):
        protocol(password="wrong").open_shell()


def test_only_administrators_open_windows_shells(protocol, fake):
    fake.organisation.accounts[0].windows_administrator = False
    with pytest.raises(WSManFaultError) as caught:
        protocol().open_shell()
    assert caught.value.wsman_fault_code == 5


def test_a_shell_that_is_gone_has_its_number(protocol):
    with pytest.raises(WSManFaultError) as caught:
        protocol().run_command("11111111-1111-1111-1111-111111111111", "echo")
    assert caught.value.wsman_fault_code == 2150858843


@pytest.mark.parametrize(("endpoint", "line"), [("exchange", b"-- "), ("winrm", b"--")])
def test_exchange_writes_a_blank_into_the_boundary_and_winrm_does_not(
    fake, protocol, endpoint, line
):
    seen = []
    note = {"response": lambda response, **_: seen.append(response)}
    if endpoint == "exchange":
        session = fake.session("ntlm")
        wsman = session.wsman
        wsman.transport.session = wsman.transport._build_session()
        wsman.transport.session.hooks["response"].append(note["response"])
        with session:
            pass
    else:
        client = protocol()
        client.transport.build_session()
        client.transport.session.hooks["response"].append(note["response"])
        client.close_shell(client.open_shell())
    encrypted = [
        response.content
        for response in seen
        if response.headers.get("Content-Type", "").startswith("multipart/encrypted")
    ]
    assert encrypted
    for body in encrypted:
        assert body.startswith(line + b"Encrypted Boundary\r\n")
        assert body.endswith(line + b"Encrypted Boundary--\r\n")


def test_garbage_in_an_encrypted_body_gets_an_empty_400(fake):
    with fake.session("ntlm") as session:
        http = session.wsman.transport.session
        answer = http.post(
            session.wsman.transport.endpoint,
            data=b"--Encrypted Boundary\r\nrubbish",
            headers={"Content-Type": 'multipart/encrypted;boundary="Encrypted Boundary"'},
        )
    assert (answer.status_code, answer.content) == (400, b"")


def test_other_methods_than_post_are_not_allowed(fake):
    url = f"http://127.0.0.1:{fake.ports['powershell_http']}/PowerShell"
    assert requests.get(url, timeout=9).status_code == 405


def test_the_ntlm_accounts_are_private_and_hold_no_password(organisation):
    with NtlmAccounts(organisation.accounts) as accounts:
        path = accounts.path
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(path.parent).st_mode) == 0o700
        assert organisation.accounts[0].password not in Path(path).read_text()
        with accounts.in_environment():
            assert os.environ["NTLM_USER_FILE"] == str(path)
    assert not path.parent.exists()
    assert "NTLM_USER_FILE" not in os.environ


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT20S", 20), ("PT1.5S", 1.5), ("P1DT2H3M4S", 93784), ("PT15M", 900)]
)
def test_durations(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("body", [b"", b"<a/>", b"not xml", b"\xff\xfe"])
def test_what_is_no_soap_is_said_to_be_none(body):
    with pytest.raises(NotSoap):
        parse(body)


def test_a_receiver_whose_connection_died_takes_nothing_from_the_next_one():
    queue, outcome = OutputQueue(), []

    def wait_in_vain():
        try:
            queue.take(timeout=20, most=100)
        except AnswerLost:
            outcome.append("lost")

    stale = threading.Thread(target=wait_in_vain)
    stale.start()
    with queue._changed:
        queue._changed.wait_for(lambda: queue._receivers == 1)
    writer = threading.Thread(target=lambda: (stale.join(), queue.put("stdout", b"late")))
    writer.start()
    assert [chunk.data for chunk in queue.take(timeout=20, most=100).chunks] == [b"late"]
    assert outcome == ["lost"]
