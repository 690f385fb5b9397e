# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which shells are open, whose are they, and what does each verb of WS-Management do to one? What
happens inside a shell is its own business: PowerShell sessions and cmd shells plug in here."""

from __future__ import annotations

import base64
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from xml.sax.saxutils import escape, quoteattr

from fake_exchange.wsman import fault_codes
from fake_exchange.wsman.envelope import SHELL, NotSoap, Request, seconds_of

if TYPE_CHECKING:
    from fake_exchange.organisation.model import Account
    from fake_exchange.wsman.output import Output, OutputQueue

#: How long an abandoned shell lives when its client named no IdleTimeOut, in seconds.
DEFAULT_IDLE_SECONDS = 900.0
_STATES = f"{SHELL}/CommandState"


@dataclass(frozen=True)
class OpenShell:
    """What a Create asks for. `creation` is the first payload of a PowerShell session."""

    shell_id: str
    account: Account
    options: Mapping[str, str] = field(default_factory=dict)
    input_streams: tuple[str, ...] = ()
    output_streams: tuple[str, ...] = ()
    creation: bytes = field(default=b"", repr=False)
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: str | None = None
    idle_seconds: float = DEFAULT_IDLE_SECONDS


@dataclass(frozen=True)
class CommandLine:
    """What a Command asks for."""

    command_id: str
    command: str
    arguments: tuple[str, ...] = field(default=(), repr=False)
    options: Mapping[str, str] = field(default_factory=dict)


class Shell(Protocol):
    """The inside of one shell. Every method may raise `Fault`; command ids are upper case."""

    def command(self, command: CommandLine) -> None:
        """Start a command."""

    def send(self, command_id: str | None, stream: str, data: bytes, *, end: bool) -> None:
        """Input for a command, or for the shell itself (None). Raises KeyError if unknown."""

    def output(self, command_id: str | None) -> OutputQueue:
        """Where a command's output waits. Raises KeyError for an unknown command."""

    def signal(self, command_id: str, code: str) -> OutputQueue | None:
        """Stop or end a command; what comes back is answered for only when its command is over.
        Raises KeyError for an unknown command."""

    def name_of(self, command_id: str) -> str:
        """Which cmdlet or program a command runs; empty when that is not known."""

    def close(self) -> None:
        """End everything; called once."""


ShellFactory = Callable[[OpenShell], Shell]


@dataclass(eq=False)
class _Entry:
    """A row of the table; `affinity` is the cookie that leads to it, None without cookies."""

    shell: Shell
    opened: OpenShell
    resource_uri: str
    affinity: str | None
    last_used: float


@dataclass(frozen=True)
class Caller:
    """Who sends a request, and with which affinity cookie."""

    account: Account
    affinity: str | None = None


class ShellTable:
    """The shells of one web site on one server.

    `factories`: resource URI -> what makes its shells. `quota()` is how many shells one account
    may have open, None for any number.
    """

    def __init__(
        self,
        factories: Mapping[str, ShellFactory],
        *,
        address: str,
        quota: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._factories = {uri.lower(): factory for uri, factory in factories.items()}
        self._address = address
        self._quota = quota
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def handle(self, request: Request, caller: Caller) -> str:
        """Body of the answer to one request. Raises `Fault`."""
        if request.resource_uri.lower() not in self._factories:
            raise fault_codes.resource_not_found(request.resource_uri)
        if request.verb == "Create":
            return self._create(request, caller)
        entry = self._entry(request.shell_id, caller)
        verbs = {
            "Command": self._command,
            "Send": self._send,
            "Receive": self._receive,
            "Signal": self._signal,
            "Get": self._get,
            "Delete": self._delete,
        }
        if request.verb not in verbs:
            raise fault_codes.unsupported_action(request.verb)
        try:
            return verbs[request.verb](request, entry)
        except KeyError as error:
            raise fault_codes.command_not_found(str(error.args[0])) from error
        finally:
            entry.last_used = time.monotonic()

    def in_flight(self, request: Request) -> str:
        """Which cmdlet or program a request is about; empty when that is not known (yet)."""
        with self._lock:
            entry = self._entries.get(request.shell_id.upper())
        ids = (element.get("CommandId") for element in request.body.iter())
        command_id = _upper(next(filter(None, ids), None))
        return entry.shell.name_of(command_id) if entry and command_id else ""

    def kill(self, shell_id: str) -> None:
        """The shell's process dies; clients learn it with their next request."""
        with self._lock:
            entry = self._entries.pop(shell_id.upper(), None)
        if entry is not None:
            entry.shell.close()

    def close(self) -> None:
        """End every shell."""
        for shell_id in list(self._entries):
            self.kill(shell_id)

    def _entry(self, shell_id: str, caller: Caller) -> _Entry:
        with self._lock:
            entry = self._entries.get(shell_id.upper())
        if entry is None or entry.affinity not in (None, caller.affinity):
            raise fault_codes.shell_not_found(shell_id)
        if entry.opened.account is not caller.account:
            raise fault_codes.access_denied()
        return entry

    def _create(self, request: Request, caller: Caller) -> str:
        opened = _open_shell(request, caller.account)
        self._forget_abandoned()
        with self._lock:
            quota = self._quota()
            mine = [e for e in self._entries.values() if e.opened.account is caller.account]
            if quota is not None and len(mine) >= quota:
                raise fault_codes.too_many_shells(quota)
        # Outside the lock: opening decodes a payload, and others should not wait for that.
        shell = self._factories[request.resource_uri.lower()](opened)
        entry = _Entry(shell, opened, request.resource_uri, caller.affinity, time.monotonic())
        with self._lock:
            self._entries[opened.shell_id] = entry
        address, uri = escape(self._address), escape(request.resource_uri)
        return (
            f"<x:ResourceCreated><a:Address>{address}</a:Address><a:ReferenceParameters>"
            f"<w:ResourceURI>{uri}</w:ResourceURI><w:SelectorSet>"
            f'<w:Selector Name="ShellId">{opened.shell_id}</w:Selector></w:SelectorSet>'
            f"</a:ReferenceParameters></x:ResourceCreated>{self._described(entry)}"
        )

    def _forget_abandoned(self) -> None:
        now = time.monotonic()
        with self._lock:
            abandoned = [
                shell_id
                for shell_id, entry in self._entries.items()
                if now - entry.last_used > entry.opened.idle_seconds
            ]
        for shell_id in abandoned:
            self.kill(shell_id)

    def _described(self, entry: _Entry) -> str:
        opened = entry.opened
        return (
            f"<rsp:Shell><rsp:ShellId>{opened.shell_id}</rsp:ShellId>"
            f"<rsp:ResourceUri>{escape(entry.resource_uri)}</rsp:ResourceUri>"
            f"<rsp:Owner>{escape(opened.account.name)}</rsp:Owner>"
            f"<rsp:IdleTimeOut>PT{opened.idle_seconds:.3f}S</rsp:IdleTimeOut>"
            f"<rsp:InputStreams>{escape(' '.join(opened.input_streams))}</rsp:InputStreams>"
            f"<rsp:OutputStreams>{escape(' '.join(opened.output_streams))}</rsp:OutputStreams>"
            "<rsp:State>Connected</rsp:State></rsp:Shell>"
        )

    def _command(self, request: Request, entry: _Entry) -> str:
        command = _command_line(request)
        entry.shell.command(command)
        return (
            f"<rsp:CommandResponse><rsp:CommandId>{escape(command.command_id)}</rsp:CommandId>"
            "</rsp:CommandResponse>"
        )

    def _send(self, request: Request, entry: _Entry) -> str:
        for stream in request.body.iter(f"{{{SHELL}}}Stream"):
            entry.shell.send(
                _upper(stream.get("CommandId")),
                stream.get("Name", ""),
                fault_codes.decoded(stream.text),
                end=stream.get("End", "").lower() == "true",
            )
        return "<rsp:SendResponse/>"

    def _receive(self, request: Request, entry: _Entry) -> str:
        desired = request.shell_element("DesiredStream")
        command_id = _upper(desired.get("CommandId")) if desired is not None else None
        queue = entry.shell.output(command_id)
        # Base64 makes four characters of three bytes; the rest of the envelope needs some too.
        room = max((request.max_envelope_size - 4096) // 4 * 3, 1)
        output = queue.take(timeout=request.operation_timeout, most=room)
        return f"<rsp:ReceiveResponse>{_received(output, command_id)}</rsp:ReceiveResponse>"

    def _signal(self, request: Request, entry: _Entry) -> str:
        element, code = request.shell_element("Signal"), request.shell_element("Code")
        command_id = _upper(element.get("CommandId")) if element is not None else None
        if command_id is None or code is None:
            raise fault_codes.schema_violation("Signal needs a CommandId and a Code.")
        stopping = entry.shell.signal(command_id, (code.text or "").strip())
        if stopping is not None:
            stopping.wait_until_finished(request.operation_timeout)
        return "<rsp:SignalResponse/>"

    def _get(self, request: Request, entry: _Entry) -> str:
        return self._described(entry)

    def _delete(self, request: Request, entry: _Entry) -> str:
        self.kill(entry.opened.shell_id)
        return ""


def _open_shell(request: Request, account: Account) -> OpenShell:
    shell = request.shell_element("Shell")
    if shell is None:
        raise fault_codes.schema_violation("Create needs a Shell.")

    def text(name: str) -> str:
        return (shell.findtext(f"{{{SHELL}}}{name}") or "").strip()

    creation = shell.findtext("{http://schemas.microsoft.com/powershell}creationXml")
    idle = text("IdleTimeOut") or text("IdleTimeout")
    try:
        idle_seconds = seconds_of(idle) if idle else DEFAULT_IDLE_SECONDS
    except NotSoap as error:
        raise fault_codes.schema_violation(str(error)) from error
    variables = shell.iter(f"{{{SHELL}}}Variable")
    return OpenShell(
        shell_id=(shell.get("ShellId") or str(uuid.uuid4())).upper(),
        account=account,
        options=request.options,
        input_streams=tuple(text("InputStreams").split()),
        output_streams=tuple(text("OutputStreams").split()),
        creation=fault_codes.decoded(creation),
        environment={v.get("Name", ""): v.text or "" for v in variables},
        working_directory=text("WorkingDirectory") or None,
        idle_seconds=idle_seconds,
    )


def _command_line(request: Request) -> CommandLine:
    line = request.shell_element("CommandLine")
    if line is None:
        raise fault_codes.schema_violation("Command needs a CommandLine.")
    command_id = (line.get("CommandId") or str(uuid.uuid4())).upper()
    # The id that the shell chose is this request's from now on.
    line.set("CommandId", command_id)
    return CommandLine(
        command_id=command_id,
        command=line.findtext(f"{{{SHELL}}}Command") or "",
        arguments=tuple(a.text or "" for a in line.findall(f"{{{SHELL}}}Arguments")),
        options=request.options,
    )


def _received(output: Output, command_id: str | None) -> str:
    command = f" CommandId={quoteattr(command_id)}" if command_id else ""
    parts = []
    for chunk in output.chunks:
        end = ' End="true"' if chunk.end else ""
        data = base64.b64encode(chunk.data).decode("ascii")
        parts.append(
            f"<rsp:Stream Name={quoteattr(chunk.stream)}{command}{end}>{data}</rsp:Stream>"
        )
    if output.exit_code is not None:
        parts.append(
            f'<rsp:CommandState{command} State="{_STATES}/Done">'
            f"<rsp:ExitCode>{output.exit_code}</rsp:ExitCode></rsp:CommandState>"
        )
    elif command_id:
        state = "Pending" if output.pending else "Running"
        parts.append(f'<rsp:CommandState{command} State="{_STATES}/{state}"/>')
    return "".join(parts)


def _upper(command_id: str | None) -> str | None:
    return command_id.upper() if command_id else None
