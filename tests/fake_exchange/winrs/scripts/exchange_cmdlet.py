# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""exchange_cmdlet.ps1: one cmdlet in the Exchange shell of an Edge server, and perhaps another one
right after it. Nobody is there to answer a question."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fake_exchange.clixml.objects import OutputObject
from fake_exchange.cmdlet_faults import CmdletFaults
from fake_exchange.cmdlets.registry import (
    CmdletContext,
    Command,
    ErrorSpec,
    PipelineStopped,
    SecureText,
    TerminatingError,
    run_in_local_shell,
)
from fake_exchange.organisation.accounts import EDGE_CMDLETS, Account
from fake_exchange.winrs.process import Process, Stopped
from fake_exchange.winrs.scripts.conversion import several, text
from fake_exchange.winrs.scripts.failures import empty_argument, method_failed, thrown
from fake_exchange.winrs.scripts.serialization import selected, serialized

if TYPE_CHECKING:
    from collections.abc import Callable

_AUTOMATION = "System.Management.Automation."
_SNAPINS = (
    "Microsoft.Exchange.Management.PowerShell.E2010",
    "Microsoft.Exchange.Management.PowerShell.SnapIn",
)
_SNAPIN = "microsoft.exchange.management.powershell."
_NOT_BASE64 = (
    "The input is not a valid Base-64 string as it contains a non-base 64 character, more than two "
    "padding characters, or an illegal character among the padding characters."
)
_BAD_NAME = ErrorSpec(
    "The expression after '&' in a pipeline element produced an object that was not valid. It must "
    "result in a command name, a script block, or a CommandInfo object.",
    category="InvalidOperation",
    exception_type=_AUTOMATION + "RuntimeException",
    error_id="BadExpression",
)
#: Errors of the binder and of the search for a command: the cmdlet never ran, so its error variable
#: does not have them.
_NO_SUCH_COMMAND = _AUTOMATION + "CommandNotFoundException"
_BEFORE_IT_RAN = (_NO_SUCH_COMMAND, _AUTOMATION + "ParameterBinding")


@dataclass
class Streams:
    """What a cmdlet writes beside its output."""

    errors: list[ErrorSpec] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class ExchangeShell:
    """The shell of one server: which snap-ins it has registered, and their cmdlets."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def registered(self) -> tuple[str, ...]:
        return _SNAPINS if self._process.server.IsEdgeServer else ()

    def load(self, snapin: str) -> None:
        """Add-PSSnapin; it brings the same cmdlets, whichever of them it is."""

    def run(
        self, name: str, arguments: list[tuple[str, Any]], streams: Streams
    ) -> Iterator[OutputObject]:
        """Raises TerminatingError (the cmdlet's own, the binder's, no such cmdlet) and Stopped."""
        process = self._process
        domain, _, user = process.machine.user.rpartition("\\")
        context = CmdletContext(
            process.organisation,
            Account(user, domain, domain, "", permissions=_everything()),
            process.server,
            host=None,
            write_error=streams.errors.append,
            write_warning=streams.warnings.append,
            stopped=process.stopped,
            faults=CmdletFaults(),
        )
        try:
            yield from run_in_local_shell(context, Command(name, arguments))
        except PipelineStopped:
            raise Stopped from None
        except TerminatingError as failure:
            raise TerminatingError(_non_interactive(failure.error)) from None


def _everything() -> dict[str, frozenset[str] | None]:
    return dict.fromkeys(name.lower() for name in EDGE_CMDLETS)


def run(
    process: Process,
    parameters: dict[str, Any],
    shell_of: Callable[[Process], ExchangeShell] = ExchangeShell,
) -> dict[str, Any]:
    shell = shell_of(process)
    registered = [one for one in shell.registered() if one.lower().startswith(_SNAPIN)]
    if not registered:
        raise thrown("this server has no Exchange Management Shell of its own")
    preferred = [one for one in registered if one.lower().endswith(".snapin")]
    shell.load([*preferred, *registered][0])
    answer: dict[str, Any] = {"afterwards": None}
    try:
        answer["cmdlet"] = _invoke(shell, parameters.get("cmdlet") or {})
    finally:
        if parameters.get("afterwards") is not None:
            answer["afterwards"] = _invoke(shell, parameters["afterwards"])
    return answer


def _invoke(shell: ExchangeShell, command: dict[str, Any]) -> dict[str, Any]:
    name = text(command.get("name"))
    arguments = _arguments(command.get("arguments"))
    streams = Streams()
    output: list[Any] = []
    completed = True
    try:
        if not name:
            raise TerminatingError(_BAD_NAME)
        output = list(shell.run(name, arguments, streams))
    except TerminatingError as failure:
        completed = False
        # The variable has what ended the cmdlet too, unless it never ran.
        ran = name and not failure.error.exception_type.startswith(_BEFORE_IT_RAN)
        streams.errors += [failure.error] * (2 if ran else 1)
    properties = [text(one) for one in command.get("properties") or []]
    values = [selected(item, properties) if properties else item for item in output]
    return {
        "output": serialized([one for one in values if one is not None or not properties]),
        "warnings": streams.warnings,
        "errors": [_failure(error, name) for error in streams.errors],
        "completed": completed,
    }


def _arguments(given: Any) -> list[tuple[str, Any]]:
    """The hashtable of the arguments: a name that comes twice has the later value."""
    found: dict[str, tuple[str, Any]] = {}
    for one in several(given):
        if one is not None:
            name = text(one.get("name"))
            found[name.casefold()] = (name, _argument(one))
    return list(found.values())


def _argument(one: dict[str, Any]) -> Any:
    value = one.get("value")
    if one.get("kind") == "bytes":
        try:
            return base64.b64decode(text(value), validate=True)
        except binascii.Error:
            raise method_failed("FromBase64String", 1, _NOT_BASE64, "FormatException") from None
    if one.get("kind") == "secret":
        if not value:
            raise empty_argument("String", "ConvertToSecureStringCommand")
        return SecureText(text(value))
    return value


def _failure(error: ErrorSpec, name: str) -> dict[str, Any]:
    nameless = error is _BAD_NAME or error.exception_type == _NO_SUCH_COMMAND
    return {
        "message": error.message,
        "category": error.category,
        "exception_type": error.exception_type,
        "error_id": error.error_id,
        "cmdlet": "" if nameless else error.category_activity or name,
        "target": error.target or "",
    }


def _non_interactive(error: ErrorSpec) -> ErrorSpec:
    """A question fails in other words under powershell.exe -NonInteractive than without a host."""
    if error.exception_type != _AUTOMATION + "Host.HostException":
        return error
    return replace(
        error,
        message="Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is "
        "not available.",
        category="InvalidOperation",
        exception_type=_AUTOMATION + "PSInvalidOperationException",
        error_id=f"InvalidOperation,{error.error_id.rpartition(',')[2]}",
    )
