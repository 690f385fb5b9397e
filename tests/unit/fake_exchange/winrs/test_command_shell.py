# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a remote Windows shell do, seen without HTTP around it?"""

from __future__ import annotations

import threading

import pytest

from fake_exchange.winrs.command_line import split_words
from fake_exchange.winrs.process import STOPPED_EXIT_CODE, Machine
from fake_exchange.winrs.shell import CommandShell, Quotas
from fake_exchange.wsman.envelope import Fault
from fake_exchange.wsman.shells import CommandLine
from support.windows_scripts import answer_of, bootstrap, stdin_of, words_of

PATIENCE = 30.0


@pytest.fixture
def shell(organisation, server):
    shell = CommandShell(Machine(organisation, server), options={"WINRS_CODEPAGE": "65001"})
    yield shell
    shell.close()


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


def order(action: str, *names: str) -> bytes:
    return stdin_of("services", action=action, services=list(names), timeout=5)


def test_a_script_gets_its_input_when_it_ends(shell) -> None:
    start(shell, "powershell.exe", *bootstrap(), **PIPED)
    stdin = order("query", "Gr\u00fc\u00dfe")
    shell.send("C1", "stdin", stdin[:100], end=False)
    shell.send("C1", "stdin", stdin[100:], end=True)
    stdout, stderr, code = finish(shell)
    (report,) = answer_of(stdout)["answer"]["services"]
    assert (report["name"], stderr, code) == ("Gr\u00fc\u00dfe", b"", 0)


def test_exit_code_of_a_script_that_fails(shell) -> None:
    start(shell, "powershell.exe", *bootstrap(), **PIPED)
    stdin = stdin_of("bind_https", site="", binding_information="", thumbprint="0" * 40)
    shell.send("C1", "stdin", stdin, end=True)
    stdout, _, code = finish(shell)
    assert (code, answer_of(stdout)["category"]) == (1, "ObjectNotFound")


def test_large_output_comes_in_pieces(shell) -> None:
    start(shell, "powershell.exe", *bootstrap(), **PIPED)
    shell.send("C1", "stdin", order("query", *("x" * 1000 for _ in range(200))), end=True)
    first = shell.output("C1").take(timeout=PATIENCE, most=100_000)
    size = sum(len(chunk.data) for chunk in first.chunks)
    assert 0 < size <= 100_000
    assert size + len(finish(shell)[0]) > 200_000


# What was never recorded -------------------------------------------------------------------------


def test_a_script_that_was_not_recorded_is_refused_by_name(shell) -> None:
    start(shell, "powershell.exe", *bootstrap(), **PIPED)
    shell.send("C1", "stdin", b"# Does something new.\n1\0\0\0\0{}", end=True)
    stdout, stderr, code = finish(shell)
    assert (stdout, code) == (b"", 1)
    assert b"'Does something new.'" in stderr
    assert b"was not recorded: run make record-powershell" in stderr


@pytest.mark.parametrize("words", [words_of("1 + 1"), ["-Command", "1 + 1"]])
def test_a_command_that_is_not_the_bootstrap_is_refused(shell, words: list[str]) -> None:
    start(shell, "powershell.exe", *words)
    stdout, stderr, code = finish(shell)
    assert (stdout, code) == (b"", 1)
    assert b"was not recorded: run make record-powershell" in stderr


def test_a_script_without_parameters_is_refused(shell) -> None:
    start(shell, "powershell.exe", *bootstrap(), **PIPED)
    shell.send("C1", "stdin", order("query").partition(b"\0")[0], end=True)
    assert b"was not recorded" in finish(shell)[1]


def test_a_command_that_is_not_encoded_properly(shell) -> None:
    start(shell, "powershell.exe", "-EncodedCommand", "%%%")
    stdout, stderr, code = finish(shell)
    assert (stdout, code) == (b"", -196608)
    assert b"not properly encoded" in stderr


# cmd.exe -----------------------------------------------------------------------------------------


def test_cmd_takes_8191_characters(shell) -> None:
    start(shell, "echo", "x" * 8186)
    assert finish(shell)[2] == 0
    start(shell, "echo", "x" * 8187)
    assert finish(shell) == (b"", b"The command line is too long.\r\n", 1)


def test_without_cmd_the_line_may_be_longer(shell) -> None:
    options = {"WINRS_SKIP_CMD_SHELL": "TRUE"}
    start(shell, "powershell.exe", *words_of(f"'{'x' * 4000}'.Length"), **options)
    assert b"was not recorded" in finish(shell)[1]


def test_code_page_437_loses_what_it_cannot_hold(organisation, server) -> None:
    shell = CommandShell(Machine(organisation, server), options={})
    start(shell, "cmd", "/c", "echo", "\u00fc\u4e2d")
    assert finish(shell)[0] == b"\x81?\r\n"


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


def test_iisreset_restarts_the_web_service(shell, server) -> None:
    start(shell, "iisreset", "/noforce")
    assert finish(shell)[0].endswith(b"Internet services successfully restarted\r\n")
    assert server.services["W3SVC"].starts == 1


# Ended from outside ------------------------------------------------------------------------------


def terminate(shell: CommandShell) -> int | None:
    queue = shell.output("C1")
    shell.signal("C1", "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/terminate")
    while (code := queue.take(timeout=PATIENCE, most=1000).exit_code) is None:
        continue
    return code


def test_a_signal_ends_a_command_that_waits_for_its_input(shell) -> None:
    start(shell, "powershell.exe", *bootstrap(), **PIPED)
    assert terminate(shell) == STOPPED_EXIT_CODE
    with pytest.raises(KeyError):
        shell.output("C1")


class SlowStart:
    """Starts and stops of services take until they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.under_way = threading.Event()
        self.released = threading.Event()
        monkeypatch.setattr("fake_exchange.organisation.services.time.sleep", self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.under_way.set()
        assert self.released.wait(PATIENCE)


@pytest.fixture
def slow_start(monkeypatch: pytest.MonkeyPatch):
    slow = SlowStart(monkeypatch)
    yield slow
    slow.released.set()


def test_a_start_continues_when_its_process_is_ended(
    shell, organisation, server, slow_start
) -> None:
    service = server.services["W3SVC"]
    service.Status = "Stopped"
    settled = threading.Event()
    organisation.service_observers.append(lambda *_: settled.set())
    start(shell, "powershell.exe", *bootstrap(), **PIPED)
    shell.send("C1", "stdin", order("start", "W3SVC"), end=True)
    assert slow_start.under_way.wait(PATIENCE)
    assert terminate(shell) == STOPPED_EXIT_CODE
    assert service.Status == "StartPending"
    slow_start.released.set()
    assert settled.wait(PATIENCE)
    assert service.Status == "Running"


def test_a_restart_whose_process_is_ended_stays_stopped(
    shell, organisation, server, slow_start
) -> None:
    settled = threading.Event()
    organisation.service_observers.append(lambda *_: settled.set())
    start(shell, "powershell.exe", *bootstrap(), **PIPED)
    shell.send("C1", "stdin", order("restart", "W3SVC"), end=True)
    assert slow_start.under_way.wait(PATIENCE)
    assert terminate(shell) == STOPPED_EXIT_CODE
    slow_start.released.set()
    assert settled.wait(PATIENCE)
    assert (server.services["W3SVC"].Status, server.services["W3SVC"].starts) == ("Stopped", 0)


def test_a_command_nobody_reads_runs_to_its_end(shell, organisation, server) -> None:
    settled = threading.Event()

    def watch(_server, service) -> None:
        if service.Status == "Running":
            settled.set()

    organisation.service_observers.append(watch)
    start(shell, "powershell.exe", *bootstrap(), **PIPED)
    shell.send("C1", "stdin", order("restart", "MSExchangeTransport"), end=True)
    assert settled.wait(PATIENCE)
    assert server.services["MSExchangeTransport"].starts == 1


# Quotas ------------------------------------------------------------------------------------------


def test_the_quota_of_operations_is_never_restored(organisation, server) -> None:
    shell = CommandShell(Machine(organisation, server), options={}, quotas=Quotas(operations=2))
    start(shell, "ver")
    finish(shell)
    with pytest.raises(Fault) as caught:
        start(shell, "ver")
    assert caught.value.code == 0x803381A6


def test_words_of_a_command_line() -> None:
    assert split_words('a "b c"  d"e f" ""') == ["a", "b c", "de f", ""]
