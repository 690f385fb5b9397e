# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does one pipeline live? It runs its cmdlets in a thread of its own, writes their records to
the client, asks the client's host, and can be stopped."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psrpcore
from psrpcore.types import ChoiceDescription, HostInfo, PSInvocationState

from fake_exchange.cmdlets.registry import (
    Choice,
    CmdletContext,
    Command,
    ErrorSpec,
    PipelineStopped,
    TerminatingError,
)
from fake_exchange.psrp.commands import statements
from fake_exchange.psrp.records import category_of, exception_of, record_of
from fake_exchange.wsman.output import OutputQueue

if TYPE_CHECKING:
    from fake_exchange.psrp.runspace_pool import RunspacePoolShell

log = logging.getLogger(__name__)

#: Runs the commands of one statement; `cmdlets.registry.run_pipeline` in the real fake.
PipelineRunner = Callable[[CmdletContext, Sequence[Command]], None]


@dataclass(eq=False)
class _HostCall:
    """A question to the client's host and, later, its answer."""

    answered: bool = False
    result: object = None
    error: str | None = None


@dataclass(eq=False)
class RunningPipeline:
    """One pipeline of a runspace pool. Everything that touches psrpcore holds the pool's lock."""

    shell: RunspacePoolShell
    pipeline: psrpcore.ServerPipeline
    output: OutputQueue = field(default_factory=OutputQueue)
    stopped: threading.Event = field(default_factory=threading.Event)
    _host_calls: dict[int, _HostCall] = field(default_factory=dict)
    _activity: str = ""

    @property
    def name(self) -> str:
        """The first cmdlet that the client sent, empty until it has arrived."""
        metadata = self.pipeline.metadata
        sent = metadata.commands if isinstance(metadata, psrpcore.PowerShell) else []
        return str(sent[0].command_text) if sent and not sent[0].is_script else ""

    def start(self) -> None:
        """Run what the client sent, in a thread."""
        threading.Thread(target=self._run, name="pipeline", daemon=True).start()

    def stop(self) -> None:
        """Ask the cmdlets to end; the state follows when they have."""
        with self.shell.changed:
            self.stopped.set()
            self.shell.changed.notify_all()

    def _run(self) -> None:
        try:
            self._run_statements()
        except PipelineStopped:
            self._end(self.pipeline.stop)
        except TerminatingError as error:
            self._fail(error.error)
        except Exception as error:
            log.exception("a cmdlet broke")
            self._fail(ErrorSpec(f"{type(error).__name__}: {error}", error_id="FakeExchangeDefect"))
        else:
            self._end(self.pipeline.stop if self.stopped.is_set() else self.pipeline.complete)

    def _run_statements(self) -> None:
        metadata = self.pipeline.metadata
        if not isinstance(metadata, psrpcore.PowerShell):
            raise TerminatingError(
                ErrorSpec(
                    "Command metadata is not available.",
                    category="NotImplemented",
                    exception_type="System.NotImplementedException",
                    error_id="NotImplemented",
                )
            )
        wanted = statements(metadata.commands)
        context = self._context(metadata)
        for statement in wanted:
            self._activity = statement[0].name
            if any(self.shell.answer_is_lost(command.name) for command in statement):
                self.output.lose_answer()
            self.shell.run(context, statement)

    def _context(self, metadata: psrpcore.PowerShell) -> CmdletContext:
        return CmdletContext(
            organisation=self.shell.organisation,
            account=self.shell.account,
            landed_server=self.shell.server,
            host=self if self._has_user_interface(metadata.host) else None,
            emit_output=self._emit_output,
            write_error=self._write_error,
            write_warning=self._write_warning,
            write_verbose=self._write_verbose,
            stopped=self.stopped,
        )

    def _has_user_interface(self, own: HostInfo) -> bool:
        """A pipeline uses its own host, or the pool's where its host says so."""
        host = self.shell.pool.host if own.UseRunspaceHost else own
        return host is not None and not host.IsHostNull and not host.IsHostUINull

    # What cmdlets write ---------------------------------------------------------------------

    def _emit_output(self, clixml: str) -> None:
        with self._writing():
            self.shell.send_raw_output(self.pipeline.pipeline_id, clixml.encode())

    def _write_error(self, error: ErrorSpec) -> None:
        with self._writing():
            self.pipeline.write_error(
                exception_of(error),
                category_info=category_of(error, activity=self._activity),
                target_object=error.target,
                fully_qualified_error_id=error.error_id,
            )

    def _write_warning(self, text: str) -> None:
        with self._writing():
            self.pipeline.write_warning(text)

    def _write_verbose(self, text: str) -> None:
        with self._writing():
            self.pipeline.write_verbose(text)

    def _writing(self) -> _Writing:
        return _Writing(self)

    # The client's host ----------------------------------------------------------------------

    def prompt_for_choice(
        self, caption: str, message: str, choices: Sequence[Choice], default: int
    ) -> int:
        """Ask the client's user and wait for the answer.

        Raises `PipelineStopped`, and `TerminatingError` when the client's host threw.
        """
        described = [ChoiceDescription(c.label, c.help_message) for c in choices]
        call = _HostCall()
        with self._writing():
            requestor = psrpcore.ServerHostRequestor(self.pipeline)
            number = requestor.prompt_for_choice(caption, message, described, default)
            self._host_calls[number] = call
            self.output.pending = True
        with self.shell.changed:
            self.shell.changed.wait_for(lambda: call.answered or self.stopped.is_set())
            self.output.pending = False
            del self._host_calls[number]
        if self.stopped.is_set():
            raise PipelineStopped
        if call.error is not None or not isinstance(call.result, int):
            raise TerminatingError(
                ErrorSpec(
                    call.error or f"The host answered {call.result!r}.",
                    exception_type="System.Management.Automation.Host.HostException",
                    error_id="HostFunctionFailed",
                )
            )
        return int(call.result)

    def answer_host_call(self, number: int, result: object, error: str | None) -> None:
        """The client's answer has arrived (called with the pool's lock held)."""
        call = self._host_calls.get(number)
        if call is not None:
            call.result, call.error, call.answered = result, error, True
            self.shell.changed.notify_all()

    # The end --------------------------------------------------------------------------------

    def _fail(self, error: ErrorSpec) -> None:
        record = record_of(error, activity=self._activity)
        # psrpcore has no public way to end a pipeline with its reason.
        self._end(lambda: self.pipeline._change_state(PSInvocationState.Failed, record))

    def _end(self, change_state: Callable[[], None]) -> None:
        with self.shell.changed:
            if self.pipeline.state != PSInvocationState.Running:
                return
            change_state()
            self.shell.flush()
        self.output.finish()

    def close(self) -> None:
        """The client is done with this pipeline; one that still runs is stopped."""
        self.stop()
        with self.shell.changed:
            self.shell.pool.pipeline_table.pop(self.pipeline.pipeline_id, None)


@dataclass(frozen=True)
class _Writing:
    """Holds the pool's lock, refuses to write for a stopped pipeline, then sends."""

    running: RunningPipeline

    def __enter__(self) -> None:
        shell = self.running.shell
        shell.changed.acquire()
        if self.running.stopped.is_set():
            shell.changed.release()
            raise PipelineStopped

    def __exit__(self, *_: object) -> None:
        try:
            self.running.shell.flush()
        finally:
            self.running.shell.changed.release()


def pipeline_key(command_id: str) -> uuid.UUID:
    """A CommandId as psrpcore knows it. Raises KeyError for what is no GUID."""
    try:
        return uuid.UUID(command_id)
    except ValueError as error:
        raise KeyError(command_id) from error
