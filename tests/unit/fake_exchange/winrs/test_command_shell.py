# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a remote Windows shell do, seen without HTTP around it?"""

from __future__ import annotations

import base64
import threading

import pytest

from fake_exchange.winrs.command_line import split_words
from fake_exchange.winrs.powershell import Machine
from fake_exchange.winrs.shell import CommandShell, Quotas
from fake_exchange.wsman.envelope import Fault
from fake_exchange.wsman.shells import CommandLine

PATIENCE = 30.0


@pytest.fixture
def shell(organisation, server):
    shell = CommandShell(Machine(organisation, server), options={"WINRS_CODEPAGE": "65001"})
    yield shell
    shell.close()


def powershell(script: str) -> tuple[str, ...]:
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    return ("-NoProfile", "-NonInteractive", "-EncodedCommand", encoded)


def start(shell: CommandShell, command: str, *arguments: str, **options: str) -> str:
    shell.command(CommandLine("C1", command, arguments, options))
    return "C1"


def finish(shell: CommandShell, command_id: str = "C1") -> tuple[bytes, bytes, int]:
    """Everything until Done, as a client collects it."""
    streams = {"stdout": b"", "stderr": b""}
    while True:
        output = shell.output(command_id).take(timeout=PATIENCE, most=100_000)
        for chunk in output.chunks:
            streams[chunk.stream] += chunk.data
        if output.exit_code is not None:
            return streams["stdout"], streams["stderr"], output.exit_code


PIPED = {"WINRS_CONSOLEMODE_STDIN": "FALSE"}


def test_a_script_gets_its_input_when_it_ends(shell) -> None:
    start(shell, "powershell.exe", *powershell('$input | ForEach-Object { "<$_>" }'), **PIPED)
    shell.send("C1", "stdin", b"one\ntw", end=False)
    shell.send("C1", "stdin", "\u00f6\n".encode(), end=True)
    stdout, stderr, code = finish(shell)
    assert (stdout.decode(), stderr, code) == ("<one>\r\n<tw\u00f6>\r\n", b"", 0)


def test_without_a_pipe_there_is_no_input(shell) -> None:
    start(shell, "powershell.exe", *powershell("@($input).Count"))
    assert finish(shell)[0] == b"0\r\n"


def test_exit_code_and_errors(shell) -> None:
    start(shell, "powershell.exe", *powershell("Get-Service nope; exit 9"))
    _, stderr, code = finish(shell)
    assert code == 9
    assert stderr.startswith(b"#< CLIXML\r\n<Objs ")


def test_large_output_comes_in_pieces(shell) -> None:
    start(shell, "powershell.exe", *powershell("[Console]::Out.Write('x' * 300000)"))
    first = shell.output("C1").take(timeout=PATIENCE, most=100_000)
    size = sum(len(chunk.data) for chunk in first.chunks)
    assert 0 < size <= 100_000
    assert size + len(finish(shell)[0]) == 300_000


def test_code_page_437_loses_what_it_cannot_hold(organisation, server) -> None:
    shell = CommandShell(Machine(organisation, server), options={})
    start(shell, "powershell.exe", *powershell("'\u00fc\u4e2d'"))
    assert finish(shell)[0] == b"\x81?\r\n"
    start(
        shell,
        "powershell.exe",
        *powershell("[Console]::OutputEncoding = New-Object System.Text.UTF8Encoding; '\u4e2d'"),
    )
    assert finish(shell)[0] == "\u4e2d\r\n".encode()


def test_cmd_takes_8191_characters(shell) -> None:
    start(shell, "echo", "x" * 8186)
    assert finish(shell)[2] == 0
    start(shell, "echo", "x" * 8187)
    assert finish(shell) == (b"", b"The command line is too long.\r\n", 1)


def test_without_cmd_the_line_may_be_longer(shell) -> None:
    options = {"WINRS_SKIP_CMD_SHELL": "TRUE"}
    start(shell, "powershell.exe", *powershell(f"'{'x' * 4000}'.Length"), **options)
    assert finish(shell)[0] == b"4000\r\n"


def test_an_unknown_program(shell) -> None:
    start(shell, "nope.exe")
    stdout, stderr, code = finish(shell)
    assert (stdout, code) == (b"", 1)
    assert stderr.startswith(b"'nope.exe' is not recognized as an internal or external command")
    with pytest.raises(Fault):
        start(shell, "nope.exe", WINRS_SKIP_CMD_SHELL="TRUE")


def test_other_programs(shell) -> None:
    start(shell, "hostname")
    assert finish(shell)[0] == b"EX01\r\n"
    start(shell, "cmd /c echo hello")
    assert finish(shell)[0] == b"hello\r\n"
    start(shell, "powershell -Command 1+1")
    assert finish(shell)[0] == b"2\r\n"


@pytest.mark.parametrize("script", ["Start-Sleep 600", "$input | Out-Null", "while ($true) { }"])
def test_a_signal_ends_a_command(shell, script: str) -> None:
    start(shell, "powershell.exe", *powershell(script), **PIPED)
    queue = shell.output("C1")
    shell.signal("C1", "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/terminate")
    while queue.take(timeout=PATIENCE, most=1000).exit_code is None:
        continue
    with pytest.raises(KeyError):
        shell.output("C1")


def test_a_command_nobody_reads_runs_to_its_end(shell, organisation, server) -> None:
    settled = threading.Event()

    def watch(_server, service) -> None:
        if service.Status == "Running":
            settled.set()

    organisation.service_observers.append(watch)
    start(shell, "powershell.exe", *powershell("Restart-Service MSExchangeTransport"))
    assert settled.wait(PATIENCE)
    assert server.services["MSExchangeTransport"].starts == 1


def test_the_quota_of_operations_is_never_given_back(organisation, server) -> None:
    shell = CommandShell(Machine(organisation, server), options={}, quotas=Quotas(operations=2))
    start(shell, "ver")
    finish(shell)
    with pytest.raises(Fault) as caught:
        start(shell, "ver")
    assert caught.value.code == 0x803381A6


def test_words_of_a_command_line() -> None:
    assert split_words('a "b c"  d"e f" ""') == ["a", "b c", "de f", ""]
