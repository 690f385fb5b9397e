# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session with the Exchange endpoint of one server: pipelines of cmdlets in, results or helpful errors out."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
    CmdletError,
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

__all__ = [
    "AnsweredPrompt",
    "Cmdlet",
    "CmdletError",
    "CmdletResult",
    "ExchangeSession",
    "Prompt",
    "PromptPolicy",
    "SessionStatistics",
]


@dataclass
class SessionStatistics:
    """What a session has cost so far: runspace pools opened, cmdlets run, requests sent."""

    sessions: int = 0
    cmdlets: int = 0
    round_trips: int = 0


class ExchangeSession:
    """One client of one Exchange endpoint. Opens on first use; not for use by two threads at once."""

    def __init__(self, settings: ExchangeEndpointSettings) -> None:
        self.settings = settings
        self.statistics = SessionStatistics()

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
            answer: What to answer to questions; a question that it does not know is answered No and fails the call.
            deadline: Seconds until the pipeline is stopped; default from the settings.
            changing: Whether a cmdlet changes something: then it is never sent twice.
            expect_errors: Leave error records in the result instead of raising CmdletFailed.

        Raises:
            EndpointUnreachable, MissingLibrary: No session.
            CmdletNotAvailable: The account lacks the cmdlet or a parameter (also with expect_errors).
            UnexpectedPrompt: A question nobody foresaw; answered No (also with expect_errors).
            CmdletFailed: Error records came back.
            OutcomeUnknown: Contact lost or deadline passed in a changing pipeline.
        """
        raise NotImplementedError

    def close(self) -> None:
        """End the session on the server; may be called twice, never raises."""

    def __enter__(self) -> ExchangeSession:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
