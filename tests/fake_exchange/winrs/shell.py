# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens inside a remote Windows shell? Commands run in threads of their own; they keep
running when nobody reads them any more, and end early only on a signal or with their shell."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_exchange.winrs.command_line import split_words
from fake_exchange.winrs.process import STOPPED_EXIT_CODE, Machine, Process, Stopped
from fake_exchange.winrs.programs import Console, find_program
from fake_exchange.wsman.envelope import Fault
from fake_exchange.wsman.output import OutputQueue
from fake_exchange.wsman.shells import CommandLine, OpenShell, ShellFactory

if TYPE_CHECKING:
    from fake_exchange.organisation.model import Organisation, Server

#: What cmd.exe takes as one command line, in characters.
CMD_LINE_LIMIT = 8191
_CHUNK_SIZE = 32_768
_SIGNALS = ("terminate", "ctrl_c", "ctrl_break", "crtl_c", "powershell/signal/crtl_c")


@dataclass(frozen=True)
class Quotas:
    """What a shell allows; None is no limit. `operations` counts every request of the shell and is
    never released, as in WinRS."""

    processes: int | None = 25
    operations: int | None = None


class CommandShell:
    """One shell of the resource `.../windows/shell/cmd`. Thread-safe."""

    def __init__(
        self,
        machine: Machine,
        *,
        options: dict[str, str],
        quotas: Quotas | None = None,
        on_command: Callable[[str], None] = lambda program: None,
    ) -> None:
        self._machine = machine
        self._options = {name.upper(): value for name, value in options.items()}
        self._quotas = quotas or Quotas()
        self._on_command = on_command
        self._operations = 0
        self._lock = threading.Lock()
        self._commands: dict[str, _Running] = {}

    @property
    def code_page(self) -> int:
        try:
            return int(self._options.get("WINRS_CODEPAGE", "437"))
        except ValueError:
            return 437

    def command(self, command: CommandLine) -> None:
        """Start a command. Raises Fault: quota, or a program that does not exist."""
        self._count_operation()
        with self._lock:
            alive = sum(one.is_alive() for one in self._commands.values())
            limit = self._quotas.processes
            if limit is not None and alive >= limit:
                raise _too_many_processes(limit)
        options = {name.upper(): value.upper() for name, value in command.options.items()}
        line = " ".join((command.command, *command.arguments)).strip()
        words = split_words(line)
        through_cmd = options.get("WINRS_SKIP_CMD_SHELL") != "TRUE"
        program = find_program(words[0] if words else "", with_built_ins=through_cmd)
        if not through_cmd and program is None:
            raise _file_not_found()
        name = (words[0] if words else "").rpartition("\\")[2].lower()
        running = _Running(
            self._machine,
            name=name,
            code_page=self.code_page,
            has_input=options.get("WINRS_CONSOLEMODE_STDIN", "TRUE") != "TRUE",
        )
        self._on_command(name)
        with self._lock:
            self._commands[command.command_id] = running
        if through_cmd and len(line) > CMD_LINE_LIMIT:
            running.refuse("The command line is too long.")
        elif program is None:
            running.refuse(
                f"'{words[0] if words else ''}' is not recognized as an internal or external "
                "command,\r\noperable program or batch file."
            )
        else:
            running.start(program, words[1:])

    def send(self, command_id: str | None, stream: str, data: bytes, *, end: bool) -> None:
        self._count_operation()
        self._running(command_id).feed(data, end=end)

    def output(self, command_id: str | None) -> OutputQueue:
        self._count_operation()
        return self._running(command_id).queue

    def signal(self, command_id: str, code: str) -> None:
        """Every code of WinRS ends the command; `terminate` also forgets it."""
        self._count_operation()
        running = self._running(command_id)
        name = code.rpartition("/")[2].lower()
        if name not in _SIGNALS:
            return
        running.stop()
        if name == "terminate":
            with self._lock:
                self._commands.pop(command_id, None)

    def name_of(self, command_id: str) -> str:
        with self._lock:
            running = self._commands.get(command_id)
        return running.name if running else ""

    def close(self) -> None:
        """The shell's processes end with it."""
        with self._lock:
            every = list(self._commands.values())
            self._commands.clear()
        for running in every:
            running.stop()

    def _running(self, command_id: str | None) -> _Running:
        with self._lock:
            return self._commands[command_id or ""]

    def _count_operation(self) -> None:
        self._operations += 1
        limit = self._quotas.operations
        if limit is not None and self._operations > limit:
            raise _too_many_operations()


class _Running:
    """One command: its input, its output, its thread."""

    def __init__(self, machine: Machine, *, name: str, code_page: int, has_input: bool) -> None:
        self.name = name
        self.queue = OutputQueue()
        self._machine = machine
        self._code_page = code_page
        self._stopped = threading.Event()
        self._input = bytearray()
        self._input_over = not has_input
        self._input_changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, program: Callable[[Console, list[str]], int], words: list[str]) -> None:
        console = Console(
            process=Process(self._machine, self._stopped),
            read_stdin=self._read_input,
            write_stdout=lambda data: self._write("stdout", data),
            write_stderr=lambda data: self._write("stderr", data),
            code_page=self._code_page,
        )
        self._thread = threading.Thread(
            target=self._run, args=(program, console, words), name="winrs command", daemon=True
        )
        self._thread.start()

    def refuse(self, message: str) -> None:
        """End at once with cmd.exe's message."""
        self._write("stderr", f"{message}\r\n".encode())
        self._finish(1)

    def feed(self, data: bytes, *, end: bool) -> None:
        with self._input_changed:
            self._input += data
            self._input_over = self._input_over or end
            self._input_changed.notify_all()

    def stop(self) -> None:
        self._stopped.set()
        with self._input_changed:
            self._input_changed.notify_all()

    def _run(
        self,
        program: Callable[[Console, list[str]], int],
        console: Console,
        words: list[str],
    ) -> None:
        try:
            code = program(console, words)
        except Stopped:
            code = STOPPED_EXIT_CODE
        except Exception as problem:  # a fault of the fake itself must reach whoever tests with it
            self._write("stderr", f"the fake failed: {problem!r}\r\n".encode())
            code = -1
        self._finish(code)

    def _finish(self, code: int) -> None:
        self.queue.put("stdout", b"", end=True)
        self.queue.put("stderr", b"", end=True)
        self.queue.finish(code)

    def _write(self, stream: str, data: bytes) -> None:
        for start in range(0, len(data), _CHUNK_SIZE):
            self.queue.put(stream, data[start : start + _CHUNK_SIZE])

    def _read_input(self) -> bytes:
        """All of stdin, once its end has come."""
        with self._input_changed:
            self._input_changed.wait_for(lambda: self._input_over or self._stopped.is_set())
            if self._stopped.is_set():
                raise Stopped
            return bytes(self._input)


def cmd_shells(organisation: Organisation) -> Callable[[Server], ShellFactory]:
    """What makes the WinRS shells of each server."""

    def of_server(server: Server) -> ShellFactory:
        def open_shell(opened: OpenShell) -> CommandShell:
            machine = Machine(organisation, server, user=opened.account.name)
            operations = organisation.behavior.windows_shell_operations
            return CommandShell(
                machine,
                options=dict(opened.options),
                quotas=Quotas(operations=operations),
                on_command=lambda name: organisation.counters.add(server.Name, "scripts", key=name),
            )

        return open_shell

    return of_server


def _too_many_operations() -> Fault:
    return Fault(
        2150859174,
        "w:QuotaLimit",
        "The WS-Management service cannot process the request. The maximum number of concurrent "
        "operations for this user has been exceeded. Close existing operations for this user, or "
        "raise the quota for this user.",
        sender=False,
    )


def _too_many_processes(limit: int) -> Fault:
    return Fault(
        2150859176,
        "w:QuotaLimit",
        "The WS-Management service cannot process the request. This shell is allowed a maximum "
        f"number of {limit} processes, which has been exceeded. Retry after sometime or raise the "
        "quota for this shell.",
        sender=False,
    )


def _file_not_found() -> Fault:
    return Fault(2147942402, "w:InternalError", "The system cannot find the file specified. ")
