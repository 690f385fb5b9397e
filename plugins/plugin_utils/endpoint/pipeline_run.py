# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One pipeline from start to end: its streams, its questions, its deadline."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from psrpcore import (
    ErrorRecordEvent,
    PipelineHostCallEvent,
    PipelineOutputEvent,
    PipelineStateEvent,
    VerboseRecordEvent,
    WarningRecordEvent,
)
from psrpcore.types import HostMethodIdentifier, PSInvocationState

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.connection_errors import (
    is_connection_trouble,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.error_records import (
    cmdlet_error,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.prompts import (
    AnsweredPrompt,
    Prompt,
    PromptPolicy,
    choice_index,
    plain_label,
    refusal_index,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.runspace_pool import (
    RunspacePool,
    Unreadable,
    is_void_call,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.shell_transport import (
    AnswerLost,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    Value,
    to_plain,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletError,
)

_STOP_GRACE_SECONDS = 10.0
_POOL_GUARD_SECONDS = 1


@dataclass
class PipelineOutcome:
    """What a pipeline did. `stopped` means that the deadline ended it, `stop_reason` why the server
    did so by itself. Without `ended` the server has not said that it is over, so that its pool
    cannot be used any more."""

    output: list[Value] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    verbose: list[str] = field(default_factory=list)
    errors: list[CmdletError] = field(default_factory=list)
    prompts: list[AnsweredPrompt] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    stop_reason: CmdletError | None = None
    completed: bool = False
    stopped: bool = False
    ended: bool = False


class PipelineRun:
    """Runs one pipeline in a pool. `started` turns True when it may have begun to execute."""

    def __init__(
        self,
        pool: RunspacePool,
        commands: Sequence[tuple[str, dict[str, Any]]],
        *,
        answer: PromptPolicy | None,
        deadline: float,
        changing: bool,
    ) -> None:
        self._pool = pool
        self._commands = commands
        self._answer = answer
        self._changing = changing
        self._ends_at = time.monotonic() + deadline
        self._outcome = PipelineOutcome()
        self.started = False

    def run(self) -> PipelineOutcome:
        """Send, receive until the end, stop at the deadline; the server forgets the pipeline in any
        case."""
        pipeline = self._pool.pipeline()
        try:
            for name, parameters in self._commands:
                pipeline.add_command(name)
                for parameter, value in parameters.items():
                    pipeline.add_parameter(parameter, value)
            self._start(pipeline)
            self._receive_until_ended(pipeline)
            return self._outcome
        finally:
            self._clean_up(pipeline)

    def _start(self, pipeline: Any) -> None:
        pipeline.start()
        try:
            self._pool.start(pipeline, patience=self._seconds_left())
        except AnswerLost:
            self.started = True
            raise
        self.started = True

    def _receive_until_ended(self, pipeline: Any) -> None:
        lost: AnswerLost | None = None
        while not _ended(pipeline):
            if self._seconds_left() <= 0:
                self._stop(pipeline)
                break
            try:
                answer = self._pool.receive(pipeline, patience=self._seconds_left())
            except AnswerLost as error:
                # The result is gone, but ending now would cut a change short: see it through.
                if lost is not None or not self._changing:
                    raise
                lost = error
                continue
            for event in answer:
                self._take(event)
            if answer.empty:
                self._listen_to_pool()
            if answer.done and not _ended(pipeline):
                if not self._outcome.unreadable:
                    # The command is over but its final state never came.
                    raise AnswerLost
                self._outcome.ended = True
                break
        self._outcome.ended = self._outcome.ended or _ended(pipeline)
        if lost is not None and not self._outcome.stopped:
            raise lost

    def _stop(self, pipeline: Any) -> None:
        # The server answers when the pipeline has stopped. One that waits for something remote does
        # not stop soon: then a fault or silence comes, and that is no loss of contact.
        grace_ends_at = time.monotonic() + _STOP_GRACE_SECONDS
        with _ignoring_connection_trouble():
            self._pool.stop(pipeline)
        with _ignoring_connection_trouble():
            done = False
            while not _ended(pipeline) and not done:
                answer = self._pool.receive(pipeline, patience=1)
                for event in answer:
                    self._take(event)
                self._outcome.ended = answer.done
                done = answer.done or time.monotonic() >= grace_ends_at
        # It may have come to its end while the request to stop was on its way.
        self._outcome.stopped = pipeline.state != PSInvocationState.Completed

    def _listen_to_pool(self) -> None:
        # Messages of the pool itself never arrive on the pipeline's Receive.
        for event in self._pool.receive(None, patience=_POOL_GUARD_SECONDS):
            self._pool.handle_pool_event(event)

    def _take(self, event: object) -> None:
        outcome = self._outcome
        if isinstance(event, Unreadable):
            outcome.unreadable.append(event.failure)
        elif isinstance(event, PipelineOutputEvent):
            self._take_output(event)
        elif isinstance(event, ErrorRecordEvent):
            self._take_error(event.record)
        elif isinstance(event, WarningRecordEvent):
            outcome.warnings.append(_record_text(event.record))
        elif isinstance(event, VerboseRecordEvent):
            outcome.verbose.append(_record_text(event.record))
        elif isinstance(event, PipelineStateEvent):
            self._take_state(event)
        elif isinstance(event, PipelineHostCallEvent):
            self._take_host_call(event)
        else:
            self._pool.handle_pool_event(event)

    def _take_output(self, event: PipelineOutputEvent) -> None:
        try:
            self._outcome.output.append(to_plain(event.data))
        except TypeError as error:
            self._outcome.unreadable.append(str(error))

    def _take_error(self, record: Any) -> None:
        error = cmdlet_error(record, cmdlet=self._commands[0][0])
        if error not in self._outcome.errors[-1:]:
            self._outcome.errors.append(error)

    def _take_state(self, event: PipelineStateEvent) -> None:
        self._outcome.completed = event.state == PSInvocationState.Completed
        if event.reason is None:
            return
        if event.state == PSInvocationState.Failed:
            self._take_error(event.reason)
        elif event.state == PSInvocationState.Stopped:
            self._outcome.stop_reason = cmdlet_error(event.reason, cmdlet=self._commands[0][0])

    def _take_host_call(self, event: PipelineHostCallEvent) -> None:
        if is_void_call(event):
            return
        if event.method_identifier != HostMethodIdentifier.PromptForChoice:
            self._refuse(event, _question(event))
            return
        prompt = _prompt(event)
        wanted = self._answer(prompt) if self._answer is not None else None
        index = choice_index(prompt.choices, wanted) if wanted is not None else None
        expected = index is not None
        if index is None:
            index = refusal_index(prompt.choices)
        if index is None:
            self._refuse(event, prompt)
            return
        self._outcome.prompts.append(AnsweredPrompt(prompt, prompt.choices[index], expected))
        self._pool.answer_host_call(event, index)

    def _refuse(self, event: PipelineHostCallEvent, prompt: Prompt) -> None:
        self._outcome.prompts.append(AnsweredPrompt(prompt, "refused", expected=False))
        self._pool.refuse_host_call(event)

    def _clean_up(self, pipeline: Any) -> None:
        try:
            # What does not stop does not end either; the server ends it with the pool.
            if self.started and (self._outcome.ended or not self._outcome.stopped):
                self._pool.terminate(pipeline)
        except Exception:
            # The outcome is known; the server forgets the pipeline with the pool.
            pass
        finally:
            self._pool.drop_pipeline(pipeline)

    def _seconds_left(self) -> float:
        return self._ends_at - time.monotonic()


@contextlib.contextmanager
def _ignoring_connection_trouble() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not is_connection_trouble(error):
            raise


def _ended(pipeline: Any) -> bool:
    return pipeline.state in (
        PSInvocationState.Completed,
        PSInvocationState.Failed,
        PSInvocationState.Stopped,
    )


def _record_text(record: Any) -> str:
    # str() of such a record is a debugging text.
    return str(getattr(record, "Message", "") or "")


def _prompt(event: PipelineHostCallEvent) -> Prompt:
    caption, message, choices, default = (*_parameters(event), None, None, None, None)[:4]
    return Prompt(
        caption=str(caption or ""),
        message=str(message or ""),
        choices=[plain_label(str(choice.Label)) for choice in choices or []],
        default=int(default) if default is not None else -1,
    )


def _question(event: PipelineHostCallEvent) -> Prompt:
    """A host call that is not a choice, described as far as its texts go."""
    texts = [str(value) for value in _parameters(event) if isinstance(value, str)]
    return Prompt(
        caption=event.method_identifier.name, message=" ".join(texts), choices=[], default=-1
    )


def _parameters(event: PipelineHostCallEvent) -> list[Any]:
    try:
        return list(event.method_parameters)
    except Exception:
        # Parameters of a shape that psrpcore does not know.
        return []
