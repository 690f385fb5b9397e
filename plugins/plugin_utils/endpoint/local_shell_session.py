# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How do cmdlets reach a server without a remote PowerShell endpoint of Exchange?

An Edge Transport server is such a one: its cmdlets run in its own Exchange shell, started through
WinRM by one of the collection's fixed scripts. The session looks like an ExchangeSession to its
callers, with two differences: a question cannot be answered, and every cmdlet is a process.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.clixml_repair import (
    readable,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.error_records import (
    is_missing_cmdlet,
    is_missing_parameter,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.prompts import PromptPolicy
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    Secret,
    Value,
    list_of,
    time_span_text,
    to_plain,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletError,
    CmdletFailed,
    CmdletNotAvailable,
    InvalidInput,
    PromptNotAnswerable,
)

if TYPE_CHECKING:
    from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.windows_session import (
        WindowsSession,
    )

SCRIPT = "exchange_cmdlet"
# What PowerShell says when a cmdlet asks and nobody is there: a host without a user interface
# (HostException), or powershell.exe -NonInteractive (by the name of that switch).
_CANNOT_ASK = ("System.Management.Automation.Host.HostException",)
_NON_INTERACTIVE = "NonInteractive"
_PROJECTION = "select-object"


class LocalShellSession:
    """The Exchange shell of one server, over the session with its Windows."""

    def __init__(self, windows: WindowsSession) -> None:
        self.windows = windows

    def invoke(
        self,
        *pipeline: Cmdlet,
        answer: PromptPolicy | None = None,
        deadline: float | None = None,
        changing: bool = False,
        expect_errors: bool = False,
    ) -> CmdletResult:
        """Run one cmdlet, whose result Select-Object may project.

        Args:
            pipeline: The cmdlet, and perhaps Select-Object with Property.
            answer: Not used: PromptNotAnswerable is raised for every question.
            deadline: Seconds until it is ended; default from the settings of Windows.
            changing: Whether it changes something: then it is never sent twice.
            expect_errors: Leave error records in the result instead of raising CmdletFailed.

        Raises:
            InvalidInput: A parameter's value cannot be used; nothing has been sent.
            EndpointUnreachable, MissingLibrary: No session.
            WindowsScriptFailed: The server has no Exchange shell.
            CmdletNotAvailable: The server lacks the cmdlet or a parameter.
            PromptNotAnswerable: The cmdlet asked; it has changed nothing.
            CmdletFailed: Error records came back.
            OutcomeUnknown: Contact lost or deadline passed in a changing cmdlet.
        """
        cmdlet, properties = _one_cmdlet(pipeline)
        document = self.windows.run(
            SCRIPT,
            {
                "cmdlet": _command(cmdlet, properties),
                "afterwards": _command(cmdlet.afterwards) if cmdlet.afterwards else None,
            },
            changing=changing,
            deadline=deadline,
        )
        result = _result(document["cmdlet"], cmdlet)
        afterwards = document.get("afterwards")
        if cmdlet.afterwards is not None and isinstance(afterwards, dict):
            result.errors.extend(_result(afterwards, cmdlet.afterwards).errors)
        self._refuse_bad_outcome(cmdlet, result, expect_errors=expect_errors)
        return result

    def close(self) -> None:
        """Nothing of its own is open."""

    def _refuse_bad_outcome(
        self, cmdlet: Cmdlet, result: CmdletResult, *, expect_errors: bool
    ) -> None:
        host = self.windows.settings.host
        details = {"server": host, "cmdlet": cmdlet.name}
        for error in result.errors:
            if is_missing_cmdlet(error) or is_missing_parameter(error):
                raise CmdletNotAvailable(
                    f"The Exchange shell of {host} does not have what {cmdlet.name} needs there: "
                    f"{error.message}",
                    errors=[error],
                    details=details,
                )
            if is_unanswerable_question(error):
                raise PromptNotAnswerable(
                    f"{cmdlet.name} on {host} asked a question, and in the shell of that server "
                    f"nobody can answer it: {error.message}",
                    errors=[error],
                    details=details,
                )
        if result.errors and not expect_errors:
            raise CmdletFailed(
                f"{result.errors[0].cmdlet} on {host} failed: {result.errors[0].message}",
                errors=result.errors,
                details={"server": host},
            )


def is_unanswerable_question(error: CmdletError) -> bool:
    """Whether a cmdlet failed because it wanted to ask."""
    return error.exception_type in _CANNOT_ASK or _NON_INTERACTIVE in error.message


def _one_cmdlet(pipeline: Sequence[Cmdlet]) -> tuple[Cmdlet, list[str]]:
    """The cmdlet, and the properties that its result is reduced to."""
    if len(pipeline) == 1:
        return pipeline[0], []
    if len(pipeline) == 2 and pipeline[1].name.casefold() == _PROJECTION:
        properties = pipeline[1].parameters.get("Property")
        if isinstance(properties, list):
            return pipeline[0], [str(name) for name in properties]
    raise ValueError("the local shell runs one cmdlet, and Select-Object after it")


def _command(cmdlet: Cmdlet, properties: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "name": cmdlet.name,
        "arguments": [
            _argument(cmdlet, name, value) for name, value in sorted(cmdlet.parameters.items())
        ],
        "properties": list(properties),
    }


def _argument(cmdlet: Cmdlet, name: str, value: object) -> dict[str, Any]:
    if isinstance(value, Secret):
        return {"name": name, "kind": "secret", "value": value.reveal()}
    if isinstance(value, (bytes, bytearray)):
        text = base64.b64encode(bytes(value)).decode("ascii")
        return {"name": name, "kind": "bytes", "value": text}
    try:
        return {"name": name, "kind": "plain", "value": _plain(value)}
    except TypeError as error:
        raise InvalidInput(
            f"Parameter {name} of {cmdlet.name}: {error}",
            details={"cmdlet": cmdlet.name, "parameter": name},
        ) from None


def _plain(value: object) -> Any:
    """The value as JSON, in a form that a parameter of a cmdlet takes."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, timedelta):
        return time_span_text(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return [_plain(item) for item in sorted(value, key=repr)]
    raise TypeError(
        f"cannot send a value of type {type(value).__name__} to the shell of that server"
    )


def _result(document: Mapping[str, Any], cmdlet: Cmdlet) -> CmdletResult:
    errors: list[CmdletError] = []
    for record in list_of(document.get("errors")):
        error = _error(record, cmdlet)
        # An error that ends a cmdlet is in its error variable, too.
        if error not in errors:
            errors.append(error)
    return CmdletResult(
        output=_output(str(document.get("output") or ""), cmdlet),
        warnings=[str(text) for text in list_of(document.get("warnings"))],
        errors=errors,
    )


def _output(clixml: str, cmdlet: Cmdlet) -> list[Value]:
    from psrpcore.types import deserialize_clixml

    # Nothing in it is encrypted: the script returns no SecureString.
    no_cipher: Any = None
    try:
        values = [to_plain(value) for value in deserialize_clixml(readable(clixml), no_cipher)]
    except Exception as error:
        raise CmdletFailed(
            f"The answer to {cmdlet.name} cannot be read ({type(error).__name__}).",
            details={"cmdlet": cmdlet.name, "reason": "unreadable"},
        ) from None
    return [item for value in values for item in list_of(value)]


def _error(record: Any, cmdlet: Cmdlet) -> CmdletError:
    def word(name: str) -> str:
        return " ".join(str(record.get(name) or "").split())

    error_id = word("error_id")
    return CmdletError(
        message=word("message") or "the server gave no text",
        category=word("category"),
        exception_type=word("exception_type"),
        error_id=error_id,
        error_class=error_id.rpartition(",")[2].strip(),
        cmdlet=word("cmdlet") or cmdlet.name,
        target=word("target") or None,
    )
