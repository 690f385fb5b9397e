# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a pipeline of Exchange cmdlets run? The door between the protocol side (which decodes
commands and sends records) and the cmdlets: what a caller hands in, what it gets back, which
cmdlets exist, and how one cmdlet's objects flow into the next."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from fake_exchange.clixml.objects import ClrObject
    from fake_exchange.cmdlets.parameters import BoundParameters, CmdletDefinition


@dataclass(frozen=True)
class Command:
    """One command of a pipeline; a parameter name of ``None`` means a positional value.

    Values are plain Python: str, int, bool, float, bytes, list, dict, None, datetime, UUID or
    `SecureText`.
    """

    name: str
    parameters: Sequence[tuple[str | None, object]] = ()


@dataclass(frozen=True)
class SecureText:
    """The text of a SecureString. Shown nowhere."""

    text: str = field(repr=False)

    def __str__(self) -> str:
        return "System.Security.SecureString"


@dataclass(frozen=True)
class ErrorSpec:
    """What an ErrorRecord on the wire says.

    ``category`` is a name of PowerShell's ErrorCategory; ``error_id`` the complete
    FullyQualifiedErrorId.
    """

    message: str
    category: str = "NotSpecified"
    category_reason: str = ""
    exception_type: str = "System.Exception"
    error_id: str = ""
    target: str | None = None
    category_activity: str = ""


class TerminatingError(Exception):
    """The pipeline ends in state Failed with this error record as its reason."""

    def __init__(self, error: ErrorSpec) -> None:
        super().__init__(error.message)
        self.error = error


class CmdletError(Exception):
    """A cmdlet gives up: one error record is written, the pipeline goes on (state Completed).

    This is how Exchange's own cmdlets report nearly everything.
    """

    def __init__(self, error: ErrorSpec) -> None:
        super().__init__(error.message)
        self.error = error


class PipelineStopped(Exception):
    """The client stopped the pipeline; ends the cmdlet quietly."""


@dataclass(frozen=True)
class Choice:
    """One answer of a prompt; the label carries its ``&`` hot key as PowerShell sends it."""

    label: str
    help_message: str = ""


class PromptHost(Protocol):
    """The client's host. `prompt_for_choice` blocks until answered and returns the index.

    It raises `PipelineStopped` if the pipeline is stopped meanwhile.
    """

    def prompt_for_choice(
        self, caption: str, message: str, choices: Sequence[Choice], default: int
    ) -> int: ...


class Faults(Protocol):
    """What may go wrong on purpose: called before each cmdlet runs, may wait or raise
    `CmdletError`/`TerminatingError`."""

    def before_cmdlet(self, context: CmdletContext, name: str) -> None: ...


def _nothing(*_: object) -> None:
    return None


@dataclass
class CmdletContext:
    """Everything a cmdlet may touch while it runs.

    ``host`` is None for a client that declared no host; ``landed_server`` is the server on which
    the session lives. ``emit_output`` takes the CLIXML text of one object.
    """

    organisation: Any
    account: Any
    landed_server: Any
    host: PromptHost | None = None
    emit_output: Callable[[str], None] = _nothing
    write_error: Callable[[ErrorSpec], None] = _nothing
    write_warning: Callable[[str], None] = _nothing
    write_verbose: Callable[[str], None] = _nothing
    stopped: threading.Event = field(default_factory=threading.Event)
    faults: Faults | None = None

    def check_stopped(self) -> None:
        """Raise `PipelineStopped` once the client asked to stop."""
        if self.stopped.is_set():
            raise PipelineStopped


def run_pipeline(context: CmdletContext, commands: Sequence[Command]) -> None:
    """Run one pipeline to its end.

    Non-terminating errors, warnings and output go through the context's callables as they
    happen. Raises `TerminatingError` (the pipeline failed) and `PipelineStopped`.
    """
    raise NotImplementedError
