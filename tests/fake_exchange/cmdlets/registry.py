# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a pipeline of Exchange cmdlets run? The interface between the protocol side (which
decodes commands and sends records) and the cmdlets: what a caller hands in, what it receives,
which cmdlets exist, and how one cmdlet's objects flow into the next."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from fake_exchange.organisation.counters import CmdletCall
from fake_exchange.organisation.journal import Change

if TYPE_CHECKING:
    from fake_exchange.clixml.objects import OutputObject
    from fake_exchange.cmdlets.invocation import Invocation
    from fake_exchange.cmdlets.parameters import BoundParameters, CmdletDefinition


@dataclass(frozen=True)
class Command:
    """One command of a pipeline; a parameter name of ``None`` means a positional value.

    Values are plain Python: str, int, bool, float, bytes, list, dict, None, datetime, UUID,
    `SecureText` or `Credential`.
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
class Credential:
    """A PSCredential; its text shows nothing, as there."""

    user_name: str
    password: SecureText = field(repr=False)

    def __str__(self) -> str:
        return "System.Management.Automation.PSCredential"


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
    """A cmdlet fails: one error record is written, the pipeline continues (state Completed).

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
    """What may go wrong on purpose: called before and after each cmdlet runs, may wait or raise
    `CmdletError` or `TerminatingError`."""

    def before_cmdlet(self, context: CmdletContext, name: str) -> None: ...

    def after_cmdlet(self, context: CmdletContext, name: str) -> None: ...


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


#: The files that define cmdlets; each has a tuple CMDLETS.
_GROUPS = (
    "exchange_certificate",
    "exchange_certificate_create",
    "send_connector",
    "receive_connector",
    "send_connector_create",
    "receive_connector_create",
    "ad_permission",
    "servers",
    "hybrid",
    "auth_config",
    "mail_access",
    "federation",
    "federation_tests",
    "edge",
    "health",
    "mail_flow",
    "availability_groups",
    "client_access",
    "diagnostics",
    "session_commands",
    "select_object",
)


@cache
def definitions() -> dict[str, CmdletDefinition]:
    """Every cmdlet that exists, by its lower-case name."""
    found = {}
    for group in _GROUPS:
        for definition in importlib.import_module(f"fake_exchange.cmdlets.{group}").CMDLETS:
            found[definition.name.lower()] = definition
    return found


def _not_recognized(name: str) -> TerminatingError:
    return TerminatingError(
        ErrorSpec(
            message=(
                f"The term '{name}' is not recognized as the name of a cmdlet, function, script "
                "file, or operable program. Check the spelling of the name, or if a path was "
                "included, verify that the path is correct and try again."
            ),
            category="ObjectNotFound",
            category_reason="CommandNotFoundException",
            exception_type="System.Management.Automation.CommandNotFoundException",
            error_id="CommandNotFoundException",
            target=name,
        )
    )


def resolve(context: CmdletContext, command: Command) -> CmdletDefinition:
    """The cmdlet a command means, if the account has a role for it; else `TerminatingError`."""
    definition = definitions().get(command.name.lower())
    behavior = context.organisation.behavior
    shown = {"select-object": behavior.select_object, "get-command": behavior.get_command}
    hidden = not shown.get(command.name.lower(), True)
    if definition is None or hidden or not context.account.may_run(definition.name):
        raise _not_recognized(command.name)
    return definition


def run_pipeline(context: CmdletContext, commands: Sequence[Command]) -> None:
    """Run one pipeline to its end.

    Non-terminating errors, warnings and output go through the context's callables as they
    happen. Raises `TerminatingError` (the pipeline failed) and `PipelineStopped`.
    """
    from fake_exchange.clixml.writer import fragment

    stream: Iterable[OutputObject] = ()
    runs = []
    for position, command in enumerate(commands):
        run = _CmdletRun(context, command)
        run.bind()
        stream = run.output(stream, has_input=position > 0)
        runs.append(run)
    deserialized = context.organisation.behavior.deserialized_types
    try:
        for item in stream:
            context.check_stopped()
            value = item.whole()
            context.emit_output(fragment(value, deserialized_types=deserialized))
        context.check_stopped()
    finally:
        for run in runs:
            run.log()


def run_in_local_shell(context: CmdletContext, command: Command) -> Iterator[OutputObject]:
    """Run one cmdlet in the shell of the server itself, where objects stay what they are.

    Errors and warnings go through the context's callables; raises `TerminatingError`.
    """
    run = _CmdletRun(context, command)
    run.bind()
    try:
        yield from run.output((), has_input=False)
    finally:
        run.log()


class _CmdletRun:
    """One command of a pipeline: bound, run, counted and logged."""

    def __init__(self, context: CmdletContext, command: Command) -> None:
        self._context = context
        self._command = command
        self._error: str | None = None
        self._logged = False
        self._invocation: Invocation | None = None
        self._definition: CmdletDefinition | None = None
        self._bound: BoundParameters | None = None

    def bind(self) -> None:
        from fake_exchange.cmdlets.parameters import bind

        try:
            self._definition = resolve(self._context, self._command)
            name = self._definition.name
            self._bound = bind(
                self._definition,
                self._command,
                may_use=lambda parameter: self._context.account.may_use(name, parameter),
            )
        except TerminatingError as failure:
            self._count_error(failure)
            self.log()
            raise

    def output(self, stream: Iterable[OutputObject], *, has_input: bool) -> Iterator[OutputObject]:
        """The objects this command emits; errors become records on the way."""
        from fake_exchange.cmdlets.invocation import Invocation

        assert self._definition is not None
        assert self._bound is not None
        invocation = Invocation(self._context, self._definition, self._bound, stream)
        self._invocation = invocation
        # Select-Object is PowerShell's own: it is logged, but no cmdlet of Exchange.
        if not self._definition.takes_input:
            counters = self._context.organisation.counters
            counters.add(self._context.landed_server.Name, "cmdlets", key=self._definition.name)
        try:
            self._context.check_stopped()
            if self._context.faults is not None:
                self._context.faults.before_cmdlet(self._context, self._definition.name)
            if has_input and not self._definition.takes_input:
                self._refuse_input(stream)
            else:
                yield from self._definition.run(invocation)
                if self._context.faults is not None:
                    self._context.faults.after_cmdlet(self._context, self._definition.name)
        except CmdletError as failure:
            self._count_error(failure)
            preference = self._bound.get("ErrorAction", "Continue")
            if preference == "Stop":
                raise TerminatingError(failure.error) from None
            if preference not in ("SilentlyContinue", "Ignore"):
                self._context.write_error(failure.error)
        except TerminatingError as failure:
            self._count_error(failure)
            raise

    def _refuse_input(self, stream: Iterable[OutputObject]) -> None:
        """One error per piped object: deserialized objects bind to no parameter here."""
        assert self._definition is not None
        for item in stream:
            error = ErrorSpec(
                message=(
                    "The input object cannot be bound to any parameters for the command either "
                    "because the command does not take pipeline input or the input and its "
                    "properties do not match any of the parameters that take pipeline input."
                ),
                category="InvalidArgument",
                category_reason="ParameterBindingException",
                category_activity=self._definition.name,
                exception_type="System.Management.Automation.ParameterBindingException",
                error_id=f"InputObjectNotBound,{self._definition.class_name}",
                target=item.type_name,
            )
            self._count_error(CmdletError(error))
            self._context.write_error(error)

    def _count_error(self, failure: CmdletError | TerminatingError) -> None:
        if self._error is None:
            self._error = failure.error.message
            server = self._context.landed_server.Name
            self._context.organisation.counters.add(server, "errors")

    def _keep_journal(self) -> None:
        """Also a cmdlet that failed may have changed something."""
        if self._invocation is None or self._definition is None:
            return
        if not _changes_something(self._definition.name):
            return
        shown = masked(self._command.parameters)
        given = {name.casefold(): value for name, value in shown.items()}
        identity = given.get("identity", "")
        organisation = self._context.organisation
        # EX02\Default Frontend belongs to EX02, wherever the session is.
        named = organisation.server(given.get("server") or identity.rpartition("\\")[0])
        server = (named or self._context.landed_server).Name
        detail = self._invocation.changed or given.get("thumbprint") or identity
        change = Change(self._definition.name, server, detail, self._error or "")
        organisation.journal.record(organisation, change)

    def log(self) -> None:
        """Write the call to the organisation's log, once, with secrets masked."""
        if self._logged:
            return
        self._logged = True
        warnings = tuple(self._invocation.warnings) if self._invocation else ()
        self._keep_journal()
        self._context.organisation.cmdlet_log.append(
            CmdletCall(
                server=self._context.landed_server.Name,
                account=self._context.account.name,
                cmdlet=self._definition.name if self._definition else self._command.name,
                parameters=masked(self._command.parameters),
                error=self._error,
                warnings=warnings,
            )
        )


def _changes_something(name: str) -> bool:
    return name.partition("-")[0] not in ("Get", "Test", "Select")


def masked(parameters: Sequence[tuple[str | None, object]]) -> dict[str, str]:
    """Parameters as text for the log: no secret, no file content."""
    shown = {}
    for position, (name, value) in enumerate(parameters):
        label = name or f"({position})"
        if isinstance(value, SecureText) or "password" in label.casefold():
            shown[label] = "********"
        elif isinstance(value, bytes):
            shown[label] = f"({len(value)} bytes)"
        elif label.casefold() == "filedata":
            shown[label] = "(data)"
        else:
            shown[label] = str(value)
    return shown
