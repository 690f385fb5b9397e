# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session with the Exchange endpoint of one server: pipelines of cmdlets in, results or helpful
errors out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.connection_errors import (
    explain,
    is_connection_trouble,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.endpoint_checks import (
    check_settings,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.error_records import (
    is_missing_cmdlet,
    is_missing_parameter,
    role_for,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.library_loggers import (
    cap_library_loggers,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.prompts import (
    AnsweredPrompt,
    Prompt,
    PromptPolicy,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.settings import (
    ExchangeEndpointSettings,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    contains_secret,
    from_python,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletError,
    CmdletFailed,
    CmdletNotAvailable,
    ExchangeError,
    InvalidInput,
    OutcomeUnknown,
    UnexpectedPrompt,
)

if TYPE_CHECKING:
    from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint import (
        pipeline_run,
        runspace_pool,
    )

__all__ = [
    "AnsweredPrompt",
    "Cmdlet",
    "CmdletResult",
    "ExchangeSession",
    "Prompt",
    "PromptPolicy",
    "SessionStatistics",
]


@dataclass
class SessionStatistics:
    """What a session has cost so far: runspace pools opened, cmdlets run, WSMan requests sent."""

    sessions: int = 0
    cmdlets: int = 0
    round_trips: int = 0


class ExchangeSession:
    """One client of one Exchange endpoint. Opens on first use; for one thread only."""

    def __init__(self, settings: ExchangeEndpointSettings) -> None:
        self.settings = settings
        self._closed_statistics = SessionStatistics()
        self._pool: runspace_pool.RunspacePool | None = None

    @property
    def statistics(self) -> SessionStatistics:
        closed = self._closed_statistics
        running = self._pool.round_trips if self._pool is not None else 0
        return SessionStatistics(closed.sessions, closed.cmdlets, closed.round_trips + running)

    def invoke(
        self,
        *pipeline: Cmdlet,
        answer: PromptPolicy | None = None,
        deadline: float | None = None,
        changing: bool = False,
        expect_errors: bool = False,
    ) -> CmdletResult:
        """Run one pipeline.

        Args:
            pipeline: The commands, each feeding the next.
            answer: What to answer to questions; a question that it does not know is answered No and
                fails the call.
            deadline: Seconds until the pipeline is stopped; default from the settings.
            changing: Whether a cmdlet changes something: then it is never sent twice.
            expect_errors: Leave error records in the result instead of raising CmdletFailed.

        Raises:
            InvalidInput: A setting or a parameter's value cannot be used; nothing has been sent.
            EndpointUnreachable, MissingLibrary: No session.
            CmdletNotAvailable: The account lacks the cmdlet or a parameter (also with
                expect_errors).
            UnexpectedPrompt: A question nobody foresaw; answered No (also with expect_errors).
            CmdletFailed: Error records came back, or a reading pipeline passed its deadline.
            OutcomeUnknown: Contact lost or deadline passed in a changing pipeline.
        """
        if not pipeline:
            raise ValueError("a pipeline needs a cmdlet")
        check_settings(self.settings)
        try:
            commands = _commands(pipeline)
        except ImportError as error:
            raise explain(error, self.settings) from error
        # Opening may wait for a cold application pool; that time is not the cmdlet's.
        self._open_pool()
        deadline = self.settings.deadline if deadline is None else deadline
        outcome = self._run(pipeline, commands, answer=answer, deadline=deadline, changing=changing)
        self._closed_statistics.cmdlets += len(pipeline)
        self._refuse_bad_outcome(
            pipeline, outcome, deadline=deadline, changing=changing, expect_errors=expect_errors
        )
        return CmdletResult(
            output=outcome.output,
            warnings=outcome.warnings,
            verbose=outcome.verbose,
            errors=outcome.errors,
            prompts=outcome.prompts,
        )

    def close(self) -> None:
        """End the session on the server; may be called twice, never raises."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()
            self._closed_statistics.round_trips += pool.round_trips

    def __enter__(self) -> ExchangeSession:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _run(
        self,
        pipeline: Sequence[Cmdlet],
        commands: Sequence[tuple[str, dict[str, Any]]],
        *,
        answer: PromptPolicy | None,
        deadline: float,
        changing: bool,
    ) -> pipeline_run.PipelineOutcome:
        """Run it; a second time on a fresh pool when contact was lost and that is safe, but never
        after its deadline."""
        ends_at = time.monotonic() + deadline
        last_attempt = False
        while True:
            pool = self._open_pool(lost_during=pipeline if last_attempt else ())
            from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint import (
                pipeline_run,
            )

            run = pipeline_run.PipelineRun(
                pool,
                commands,
                answer=answer,
                deadline=ends_at - time.monotonic(),
                changing=changing,
            )
            try:
                needs_key = any(contains_secret(cmdlet.parameters) for cmdlet in pipeline)
                if needs_key:
                    pool.exchange_key()
                if (needs_key or last_attempt) and time.monotonic() >= ends_at:
                    raise self._late(pipeline, deadline, end="was not started")
                outcome = run.run()
                if not outcome.ended:
                    # The pool is busy with it for as long as the server likes.
                    self.close()
                return outcome
            except ExchangeError:
                raise
            except Exception as error:
                if not is_connection_trouble(error):
                    raise
                # Whatever state the pool is in, it is not one to continue with.
                self.close()
                if run.started and changing:
                    raise self._outcome_unknown(
                        pipeline, "contact was lost while it ran"
                    ) from error
                if time.monotonic() >= ends_at:
                    raise self._late(pipeline, deadline) from error
                if last_attempt or not _worth_another_try(error):
                    raise self._explain(error, lost_during=pipeline) from error
                last_attempt = True
            except BaseException:
                self.close()
                raise

    def _open_pool(self, *, lost_during: Sequence[Cmdlet] = ()) -> runspace_pool.RunspacePool:
        if self._pool is not None:
            return self._pool
        pool = None
        try:
            from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint import (
                runspace_pool,
                shell_transport,
            )

            cap_library_loggers()
            pool = runspace_pool.RunspacePool(shell_transport.ShellTransport(self.settings))
            pool.open()
        except BaseException as error:
            if pool is not None:
                pool.close()
                self._closed_statistics.round_trips += pool.round_trips
            if isinstance(error, Exception) and is_connection_trouble(error):
                raise self._explain(error, lost_during=lost_during) from error
            raise
        self._pool = pool
        self._closed_statistics.sessions += 1
        return pool

    def _explain(self, error: Exception, *, lost_during: Sequence[Cmdlet]) -> ExchangeError:
        explained = explain(error, self.settings, lost_during=_names(lost_during))
        if lost_during:
            explained.details["cmdlet"] = lost_during[0].name
        return explained

    def _refuse_bad_outcome(
        self,
        pipeline: Sequence[Cmdlet],
        outcome: pipeline_run.PipelineOutcome,
        *,
        deadline: float,
        changing: bool,
        expect_errors: bool,
    ) -> None:
        for error in outcome.errors:
            self._refuse_missing_cmdlet(error)
        foreign = next((item for item in outcome.prompts if not item.expected), None)
        if foreign is not None:
            raise UnexpectedPrompt(
                f"{pipeline[0].name} on {self.settings.host} asked a question that is not foreseen "
                "and got the answer "
                f"{foreign.answer}: {foreign.prompt.text}",
                errors=outcome.errors,
                details={**self._details(pipeline), "prompt": foreign.prompt.text},
            )
        if outcome.stopped:
            end = "was stopped" if outcome.ended else "did not stop when asked to"
            if changing:
                raise self._outcome_unknown(pipeline, f"it {_passed(deadline)} and {end}")
            raise self._late(pipeline, deadline, end=end, errors=outcome.errors)
        if outcome.stop_reason is not None:
            self._refuse_stopped(pipeline, outcome, outcome.stop_reason, changing=changing)
        if outcome.unreadable:
            self._refuse_unreadable(pipeline, outcome, changing=changing)
        if expect_errors and (outcome.errors or outcome.completed):
            return
        if outcome.errors:
            raise CmdletFailed(
                f"{outcome.errors[0].cmdlet} on {self.settings.host} failed: "
                f"{outcome.errors[0].message}",
                errors=outcome.errors,
                details={"server": self.settings.host},
            )
        if not outcome.completed:
            if changing:
                raise self._outcome_unknown(pipeline, "the server ended it without a reason")
            raise CmdletFailed(
                f"{_names(pipeline)} on {self.settings.host} was ended by the server without a "
                "reason",
                details=self._details(pipeline),
            )

    def _refuse_missing_cmdlet(self, error: CmdletError) -> None:
        if is_missing_cmdlet(error):
            missing = error.target or error.cmdlet
            what = (
                f"The cmdlet {missing} is not available to {self._account} on {self.settings.host}"
            )
        elif is_missing_parameter(error):
            missing = error.cmdlet
            what = (
                f"A parameter of {missing} is not available to {self._account} on "
                f"{self.settings.host} "
                f"({error.message.rstrip('.')})"
            )
        else:
            return
        role = role_for(missing)
        remedy = f"the management role {role}" if role else "a management role that holds it"
        raise CmdletNotAvailable(
            f"{what}: give the account {remedy}, through a role group, and try again",
            errors=[error],
            details={"server": self.settings.host, "cmdlet": missing},
        )

    def _refuse_stopped(
        self,
        pipeline: Sequence[Cmdlet],
        outcome: pipeline_run.PipelineOutcome,
        reason: CmdletError,
        *,
        changing: bool,
    ) -> None:
        if changing:
            raise self._outcome_unknown(pipeline, f"the server stopped it ({reason.message})")
        raise CmdletFailed(
            f"{_names(pipeline)} on {self.settings.host} was stopped by the server: "
            f"{reason.message}",
            errors=[*outcome.errors, reason],
            details=self._details(pipeline),
        )

    def _refuse_unreadable(
        self, pipeline: Sequence[Cmdlet], outcome: pipeline_run.PipelineOutcome, *, changing: bool
    ) -> None:
        kinds = ", ".join(dict.fromkeys(outcome.unreadable))
        if changing:
            raise self._outcome_unknown(pipeline, f"a part of its answer cannot be read ({kinds})")
        raise CmdletFailed(
            f"A part of the answer to {_names(pipeline)} from {self.settings.host} cannot be read "
            f"({kinds})",
            errors=outcome.errors,
            details={**self._details(pipeline), "reason": "unreadable"},
        )

    def _late(
        self,
        pipeline: Sequence[Cmdlet],
        deadline: float,
        *,
        end: str = "contact was lost",
        errors: Sequence[CmdletError] = (),
    ) -> CmdletFailed:
        return CmdletFailed(
            f"{_names(pipeline)} on {self.settings.host} {_passed(deadline)} and {end}. Raise "
            "ansible_exchange_deadline if the server is only slow",
            errors=errors,
            details={**self._details(pipeline), "reason": "deadline"},
        )

    def _outcome_unknown(self, pipeline: Sequence[Cmdlet], why: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"Whether {_names(pipeline)} took effect on {self.settings.host} is unknown: {why}. "
            "Look at the server's "
            "state before repeating it; running the task again does so",
            details=self._details(pipeline),
        )

    def _details(self, pipeline: Sequence[Cmdlet]) -> dict[str, object]:
        return {"server": self.settings.host, "cmdlet": pipeline[0].name}

    @property
    def _account(self) -> str:
        return self.settings.user_name or "the owner of the Kerberos ticket"


def _commands(pipeline: Sequence[Cmdlet]) -> list[tuple[str, dict[str, Any]]]:
    commands = []
    for cmdlet in pipeline:
        parameters = {}
        for name, value in cmdlet.parameters.items():
            try:
                parameters[name] = from_python(value)
            except (TypeError, ValueError) as error:
                raise InvalidInput(
                    f"Parameter {name} of {cmdlet.name}: {error}",
                    details={"cmdlet": cmdlet.name, "parameter": name},
                ) from None
        commands.append((cmdlet.name, parameters))
    return commands


def _names(pipeline: Sequence[Cmdlet]) -> str:
    return " | ".join(cmdlet.name for cmdlet in pipeline)


def _passed(deadline: float) -> str:
    return f"passed its deadline of {deadline:g} seconds"


def _worth_another_try(error: Exception) -> bool:
    return type(error).__name__ in ("AnswerLost", "ShellNotFound", "PoolBroken")
