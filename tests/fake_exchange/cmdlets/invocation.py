# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a running cmdlet have at hand? Its parameters, the session's server, prompts, warnings,
and errors in the form Exchange gives them: message, category and the long error id with server,
request, time stamp, failure category and hash."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from fake_exchange.cmdlets.registry import (
    Choice,
    CmdletContext,
    CmdletError,
    ErrorSpec,
    PipelineStopped,
    TerminatingError,
)

if TYPE_CHECKING:
    from fake_exchange.clixml.objects import OutputObject
    from fake_exchange.cmdlets.parameters import BoundParameters, CmdletDefinition

#: .NET name spaces of the exceptions that occur; anything else is taken as written.
_EXCEPTION_TYPES = {
    "InvalidOperationException": "System.InvalidOperationException",
    "ArgumentException": "System.ArgumentException",
    "ManagementObjectNotFoundException": (
        "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
    ),
    "DataValidationException": "Microsoft.Exchange.Data.DataValidationException",
    "ADObjectAlreadyExistsException": (
        "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException"
    ),
    "ManagementObjectAmbiguousException": (
        "Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException"
    ),
}

YES, YES_TO_ALL, NO, NO_TO_ALL = range(4)
CHOICES = (
    Choice("&Yes", "Continue with only the next step of the operation."),
    Choice("Yes to &All", "Continue with all the steps of the operation."),
    Choice("&No", "Skip this operation and proceed with the next operation."),
    Choice("No to A&ll", "Skip this operation and all subsequent operations."),
)


def time_text(moment: datetime, time_zone: tzinfo) -> str:
    """A local date and time as the servers' culture (en-US) prints it."""
    local = moment.astimezone(time_zone)
    hour, half = local.hour % 12 or 12, "AM" if local.hour < 12 else "PM"
    day = f"{local.month}/{local.day}/{local.year}"
    return f"{day} {hour}:{local.minute:02d}:{local.second:02d} {half}"


@dataclass
class Invocation:
    """One cmdlet of a running pipeline. ``input`` is what the command before it emits."""

    context: CmdletContext
    definition: CmdletDefinition
    parameters: BoundParameters
    input: Iterable[OutputObject] = ()
    warnings: list[str] = field(default_factory=list)
    changed: str = ""
    """What the cmdlet changes, where its parameters do not say so; for the journal."""

    @property
    def organisation(self) -> Any:
        return self.context.organisation

    @property
    def servers(self) -> list[Any]:
        """The servers this session can see: an Edge server knows only itself."""
        landed = self.context.landed_server
        return [landed] if landed.IsEdgeServer else list(self.organisation)

    def server_or_landed(self, parameter: str = "Server") -> Any:
        """The server that ``-Server`` names, else the one the session landed on."""
        name = self.parameters.get(parameter)
        return self.find_server(name) if name else self.context.landed_server

    def find_server(self, name: str) -> Any:
        """A server by name, FQDN or GUID; raises `CmdletError` if there is none."""
        server = self.organisation.server(name)
        if server is None or server not in self.servers:
            raise self.error(
                f'Exchange server "{name}" was not found. Please make sure you typed the name '
                "correctly.",
                exception="ManagementObjectNotFoundException",
                category="InvalidArgument",
                target=name,
            )
        return server

    def error(
        self,
        message: str,
        *,
        category: str = "InvalidOperation",
        exception: str = "InvalidOperationException",
        code: str | None = None,
        target: str | None = None,
        server: str | None = None,
    ) -> CmdletError:
        """An error record in Exchange's form. ``code`` is the 8 hex digits Exchange computes from
        the text, where they are known; ``server`` the one that reports it."""
        hexadecimal = code or f"{zlib.crc32(message.encode()):08X}"
        reporter = server or self.context.landed_server.Name
        stamp = time_text(datetime.now().astimezone(), self.organisation.time_zone)
        error_id = (
            f"[Server={reporter.upper()},RequestId={uuid.uuid4()},TimeStamp={stamp}] "
            f"[FailureCategory=Cmdlet-{exception}] {hexadecimal},{self.definition.class_name}"
        )
        return CmdletError(
            ErrorSpec(
                message=message,
                category=category,
                category_reason=exception,
                category_activity=self.definition.name,
                exception_type=_EXCEPTION_TYPES.get(exception, exception),
                error_id=error_id,
                target=target,
            )
        )

    def rpc_error(
        self, server: Any, message: str, *, category: str = "NotSpecified", code: str | None = None
    ) -> CmdletError:
        """An error of the certificate cmdlets, which work by RPC on the target server."""
        return self.error(
            f"A special Rpc error occurs on server {server.Name}: {message}",
            category=category,
            code=code,
            server=server.Name,
        )

    def object_not_found(self, identity: str) -> CmdletError:
        """What a Set cmdlet says when its object does not exist."""
        controller = self.parameters.get("DomainController") or self.organisation.domain_controller
        return self.error(
            f"The operation couldn't be performed because object '{identity}' couldn't be found "
            f"on '{controller}'.",
            category="NotSpecified",
            exception="ManagementObjectNotFoundException",
            target=identity,
        )

    def warn(self, text: str) -> None:
        """Write a warning record unless ``-WarningAction`` says otherwise."""
        self.warnings.append(text)
        if self.parameters.get("WarningAction") not in ("SilentlyContinue", "Ignore"):
            self.context.write_warning(text)

    def warn_nothing_modified(self, identity: str) -> None:
        self.warn(
            "The command completed successfully but no settings of "
            f"'{identity}' have been modified."
        )

    def ask(self, caption: str, message: str) -> int:
        """Ask the client's host; the index in `CHOICES`. Default is Yes.

        A client without host gets PowerShell's HostException, as a failed pipeline.
        """
        if self.context.host is None:
            raise TerminatingError(
                ErrorSpec(
                    message=(
                        "A command that prompts the user failed because the host program or the "
                        "command type does not support user interaction. The host was attempting "
                        f"to request confirmation with the following message: {message}"
                    ),
                    category="NotImplemented",
                    category_reason="HostException",
                    category_activity=self.definition.name,
                    exception_type="System.Management.Automation.Host.HostException",
                    error_id=f"HostFunctionNotImplemented,{self.definition.class_name}",
                )
            )
        self.organisation.counters.add(self.context.landed_server.Name, "prompts")
        answer = self.context.host.prompt_for_choice(caption, message, CHOICES, YES)
        if self.context.stopped.is_set():
            raise PipelineStopped
        return answer

    def should_continue(self, question: str) -> bool:
        """Ask what ``-Force`` would answer with yes."""
        return self.parameters.switch("Force") or self.ask("Confirm", question) in (
            YES,
            YES_TO_ALL,
        )

    def should_process(self, action: str) -> bool:
        """Whether to act: not with ``-WhatIf``, after a question with ``-Confirm`` or for a
        cmdlet that always asks."""
        if self.parameters.switch("WhatIf"):
            self.context.write_verbose(f"What if: {action}")
            return False
        if not self.parameters.get("Confirm", self.definition.asks_confirmation):
            return True
        question = f"Are you sure you want to perform this action?\r\n{action}"
        return self.ask("Confirm", question) in (YES, YES_TO_ALL)
