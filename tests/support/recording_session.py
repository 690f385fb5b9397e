# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked of a session, and what does it answer? A stand-in that plays prepared answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.prompts import (
    AnsweredPrompt,
    Prompt,
    PromptPolicy,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import RemoteObject
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletError,
    UnexpectedPrompt,
)

Answer = list[Any] | Exception | Prompt | Callable[[Cmdlet], Any]


@dataclass
class Call:
    """One pipeline as it was invoked."""

    pipeline: tuple[Cmdlet, ...]
    changing: bool

    @property
    def cmdlet(self) -> str:
        return self.pipeline[0].name

    @property
    def parameters(self) -> dict[str, object]:
        return dict(self.pipeline[0].parameters)

    @property
    def projected(self) -> bool:
        return self.pipeline[-1].name == "Select-Object"


@dataclass
class RecordingSession:
    """Answers each cmdlet from its own list, in order; the last answer stays.

    An answer is the output, an exception to raise, a prompt to ask, or a function of the cmdlet.
    """

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    prompt_answers: list[str | None] = field(default_factory=list)

    def invoke(
        self,
        *pipeline: Cmdlet,
        answer: PromptPolicy | None = None,
        deadline: float | None = None,
        changing: bool = False,
        expect_errors: bool = False,
    ) -> CmdletResult:
        self.calls.append(Call(pipeline, changing))
        prepared = self.answers.get(pipeline[0].name, [[]])
        outcome = prepared.pop(0) if len(prepared) > 1 else prepared[0]
        if callable(outcome):
            outcome = outcome(pipeline[-1] if len(pipeline) > 1 else pipeline[0])
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Prompt):
            return self._ask(outcome, answer)
        return CmdletResult(output=list(outcome))

    def _ask(self, prompt: Prompt, answer: PromptPolicy | None) -> CmdletResult:
        label = answer(prompt) if answer else None
        self.prompt_answers.append(label)
        if label is None:
            raise UnexpectedPrompt(f"unforeseen question: {prompt.text}")
        return CmdletResult(prompts=[AnsweredPrompt(prompt, label)])

    @property
    def cmdlets(self) -> list[str]:
        return [call.cmdlet for call in self.calls]


def remote(**properties: Any) -> RemoteObject:
    """An object as Select-Object returns it."""
    return RemoteObject(
        type_names=("Selected.Object", "System.Management.Automation.PSCustomObject"),
        properties=properties,
    )


def cmdlet_error(
    message: str,
    *,
    cmdlet: str = "",
    category: str = "NotSpecified",
    exception: str = "System.InvalidOperationException",
    code: str = "00000000",
    class_name: str = "Microsoft.Exchange.Management.SystemConfigurationTasks.Some",
) -> CmdletError:
    """An error record in the form Exchange gives it."""
    return CmdletError(
        message=message,
        category=category,
        exception_type=exception,
        error_id="[Server=EX01,RequestId=9a,TimeStamp=17.10.2023 10:55:40] "
        f"[FailureCategory=Cmdlet-InvalidOperationException] {code},{class_name}",
        error_class=class_name,
        cmdlet=cmdlet,
    )
