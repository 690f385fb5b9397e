# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A PowerShell runspace pool on the Exchange endpoint: psrpcore's protocol carried by the shell's
requests.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from psrpcore import (
    ClientPowerShell,
    ClientRunspacePool,
    EncryptedSessionKeyEvent,
    PSRPPayload,
    RunspacePoolHostCallEvent,
    RunspacePoolStateEvent,
    StreamType,
)
from psrpcore.types import (
    ErrorCategory,
    ErrorCategoryInfo,
    ErrorRecord,
    HostInfo,
    NETException,
    PSVersion,
    RunspacePoolState,
)

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.clixml_repair import (
    readable,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.shell_transport import (
    SIGNAL_STOP,
    SIGNAL_TERMINATE,
    AnswerLost,
    NotSent,
    Received,
    ShellNotFound,
    ShellTransport,
)

_PROTOCOL_VERSION = "2.3"
_LARGE_ENVELOPES_SINCE = PSVersion("2.2")
_OPENING_RECEIVES = 20
_KEY_RECEIVES = 20
_FRAGMENT_HEADER = 21


class PoolBroken(Exception):
    """The server ended the runspace pool; `reason` is its text, if it gave one."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason or "no reason given")
        self.reason = reason


class Unreadable:
    """In place of one message of the server that could not be decoded; only the kind of failure is
    kept."""

    def __init__(self, failure: str) -> None:
        self.failure = failure


class _RepairingPool(ClientRunspacePool):
    """psrpcore's pool, which reads what Microsoft sends."""

    def _process_message(self, message: Any) -> Any:
        # There is no public place between the fragments and the XML.
        text = message.data.decode("utf-8")
        repaired = readable(text)
        if repaired != text:
            message._data = bytearray(repaired, "utf-8")
        return super()._process_message(message)


class RunspacePool:
    """One runspace pool; pipelines run in it one after another."""

    def __init__(self, transport: ShellTransport) -> None:
        self._transport = transport
        # Without a declared host the server cannot ask, and cmdlets fail instead of taking their
        # default answer.
        self._pool = _RepairingPool(
            host=HostInfo(
                IsHostNull=False, IsHostUINull=False, IsHostRawUINull=True, UseRunspaceHost=False
            )
        )
        self._key_exchanged = False
        self._created = False
        self._early: Received | None = None

    @property
    def round_trips(self) -> int:
        return self._transport.round_trips

    def open(self) -> None:
        """Create the shell and wait until the pool is open."""
        self._pool.open()
        first = self._first_payload()
        self._transport.create(
            str(self._pool.runspace_pool_id).upper(), first.data, protocol_version=_PROTOCOL_VERSION
        )
        self._created = True
        self.send_pending()
        for _attempt in range(_OPENING_RECEIVES):
            for event in self.receive(None):
                self.handle_pool_event(event)
            if self._pool.state == RunspacePoolState.Opened:
                break
        else:
            raise PoolBroken("the runspace pool did not open")
        version = getattr(self._pool.their_capability, "protocolversion", None)
        if version is not None and version >= _LARGE_ENVELOPES_SINCE:
            self._transport.enlarge_envelopes()

    def close(self) -> None:
        """Delete the shell; failures on the way out are of no consequence to the caller."""
        try:
            if self._created:
                self._transport.delete()
        except Exception:
            # Whatever went wrong, the server ends the shell by itself later.
            pass
        finally:
            self._created = False
            self._transport.disconnect()

    def exchange_key(self) -> None:
        """Agree on the session key, needed before the first SecureString; costs an RSA key."""
        if self._key_exchanged:
            return
        self._pool.exchange_key()
        self.send_pending()
        for _attempt in range(_KEY_RECEIVES):
            for event in self.receive(None):
                if isinstance(event, EncryptedSessionKeyEvent):
                    self._key_exchanged = True
                self.handle_pool_event(event)
            if self._key_exchanged:
                return
        raise PoolBroken("the server did not answer the request for a session key")

    def pipeline(self) -> ClientPowerShell:
        """A new, empty pipeline; it is in the pool's table from now on, so drop_pipeline() must
        follow."""
        return ClientPowerShell(self._pool)

    def drop_pipeline(self, pipeline: ClientPowerShell) -> None:
        self._pool.pipeline_table.pop(pipeline.pipeline_id, None)

    def start(self, pipeline: ClientPowerShell, *, patience: float) -> None:
        """Send a pipeline whose start() has been called; on return all of it has reached the
        server.

        Raises:
            AnswerLost: Contact was lost and the pipeline may run.
            NotSent, ShellNotFound: It certainly does not run.
        """
        first = self._first_payload()
        command_id = _command_id(pipeline)
        try:
            self._transport.command(command_id, first.data, patience=patience)
        except AnswerLost as lost:
            self._look_for_command(command_id, lost)
        self.send_pending()

    def _look_for_command(self, command_id: str, lost: AnswerLost) -> None:
        # The client chose the id, so the server can be asked whether the request had arrived.
        try:
            received = self._transport.receive(command_id, patience=1)
        except (ShellNotFound, NotSent) as unknown:
            raise lost from unknown
        self._early = received

    def send_pending(self) -> None:
        """Send what psrpcore has queued; must follow everything that may queue something.

        psrpcore merges queued messages by pipeline only, so an answer to a prompt could otherwise
        travel in the wrong stream.
        """
        while (payload := self._next_payload()) is not None:
            stream = "pr" if payload.stream_type == StreamType.prompt_response else "stdin"
            command_id = str(payload.pipeline_id).upper() if payload.pipeline_id else None
            self._transport.send(payload.data, stream=stream, command_id=command_id)

    def receive(
        self, pipeline: ClientPowerShell | None, *, patience: float | None = None
    ) -> PoolAnswer:
        """Wait once for messages of a pipeline, or of the pool itself."""
        early, self._early = self._early, None
        if early is not None and pipeline is not None:
            received = early
        else:
            command_id = _command_id(pipeline) if pipeline is not None else None
            received = self._transport.receive(command_id, patience=patience)
        for payload in received.payloads:
            self._pool.receive_data(PSRPPayload(payload, StreamType.default, None))
        # Every message takes at least one fragment: more failures would be psrpcore in a circle.
        most_failures = sum(map(len, received.payloads)) // _FRAGMENT_HEADER + 1
        events = list(self._events(most_failures))
        return PoolAnswer(events, done=received.done, empty=received.empty)

    def handle_pool_event(self, event: object) -> None:
        """What the pool itself has to say.

        Raises:
            PoolBroken: The server has ended the pool.
        """
        if isinstance(event, RunspacePoolStateEvent):
            if event.state in (RunspacePoolState.Broken, RunspacePoolState.Closed):
                raise PoolBroken(_reason(event.reason))
        elif isinstance(event, RunspacePoolHostCallEvent) and not is_void_call(event):
            self.refuse_host_call(event)
        self.send_pending()

    def refuse_host_call(self, event: Any) -> None:
        """Answer a call with an error: unanswered it would hold the server's thread for ever."""
        self._pool.host_response(event.ci, error_record=_refusal())
        self.send_pending()

    def answer_host_call(self, event: Any, value: int) -> None:
        # Through the pool and not the pipeline: the latter refuses while it is being stopped.
        self._pool.host_response(event.ci, value)
        self.send_pending()

    def stop(self, pipeline: ClientPowerShell) -> None:
        """Ask the server to stop the pipeline; its state says later whether it has."""
        pipeline.begin_stop()
        self._transport.signal(_command_id(pipeline), SIGNAL_STOP)

    def terminate(self, pipeline: ClientPowerShell) -> None:
        """Let the server forget the pipeline; a lost answer does not matter."""
        self._transport.signal(_command_id(pipeline), SIGNAL_TERMINATE)

    def _first_payload(self) -> PSRPPayload:
        payload = self._next_payload()
        if payload is None:
            raise RuntimeError("psrpcore has nothing to send where it must have something")
        return payload

    def _next_payload(self) -> PSRPPayload | None:
        return self._pool.data_to_send(self._transport.max_payload_size)

    def _events(self, most_failures: int) -> Iterator[object]:
        failures = 0
        while True:
            try:
                event = self._pool.next_event()
            except struct.error as error:
                # A fragment cut short cannot be skipped: everything behind it would be misread.
                raise AnswerLost from error
            except Exception as error:
                # psrpcore raises anything here; only the one message is lost.
                failures += 1
                if failures > most_failures:
                    raise AnswerLost from error
                yield Unreadable(type(error).__name__)
                continue
            if event is None:
                return
            yield event


class PoolAnswer:
    """The events of one Receive; `done` says that the pipeline has ended, `empty` that nothing came
    in time."""

    def __init__(self, events: list[object], *, done: bool, empty: bool) -> None:
        self._events = events
        self.done = done
        self.empty = empty

    def __iter__(self) -> Iterator[object]:
        return iter(self._events)


def is_void_call(event: Any) -> bool:
    """Whether a host call wants no answer (and answering it would be an error)."""
    return event.ci == -100 or bool(event.method_identifier.is_void())


def _command_id(pipeline: ClientPowerShell) -> str:
    return str(pipeline.pipeline_id).upper()


def _reason(record: Any) -> str | None:
    exception = getattr(record, "Exception", None)
    text = getattr(exception, "Message", None)
    return " ".join(str(text).split()) if text else None


def _refusal() -> ErrorRecord:
    return ErrorRecord(
        Exception=NETException(Message="This client does not answer questions of this kind."),
        CategoryInfo=ErrorCategoryInfo(Category=ErrorCategory.NotImplemented),
        FullyQualifiedErrorId="HostCallRefused",
    )
