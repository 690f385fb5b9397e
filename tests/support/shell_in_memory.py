# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does the client's protocol meet answers that no well-behaved server gives? A shell without a
network: psrpcore's server side, driven by a test's own program.

A program is a generator that gets the server's pipeline; each `yield` waits for the answer to a
host call, which becomes the value of the expression.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Generator
from typing import Any

import psrpcore
from psrpcore import PSRPPayload, StreamType

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.shell_transport import (
    Received,
)

Program = Callable[[psrpcore.ServerPipeline], Generator[None, Any, None]]


class ShellInMemory:
    """Stands where the product has its ShellTransport."""

    max_payload_size = 100_000

    def __init__(self, program: Program) -> None:
        self.server = psrpcore.ServerRunspacePool()
        self.sends: list[tuple[str, bool]] = []
        self.signals: list[str] = []
        self.receives: list[str | None] = []
        self.commands = 0
        self.deleted = False
        self.round_trips = 0
        self.on_stop: Callable[[psrpcore.ServerPipeline], None] | None = None
        self._program = program
        self._running: Generator[None, Any, None] | None = None
        self._pipeline: psrpcore.ServerPipeline | None = None
        self._queues: defaultdict[str | None, list[bytes]] = defaultdict(list)
        self._done = False

    # -- the interface of ShellTransport ----------------------------------------------------------

    def create(self, shell_id: str, payload: bytes, *, protocol_version: str) -> None:
        self._take(payload)

    def command(self, command_id: str, payload: bytes, *, patience: float) -> None:
        self._pipeline = psrpcore.ServerPipeline(self.server, uuid.UUID(command_id))
        self._done = False
        self.commands += 1
        self._take(payload)
        self._pipeline.start()
        self._running = self._program(self._pipeline)
        self._advance(None)

    def send(self, payload: bytes, *, stream: str, command_id: str | None) -> None:
        self.sends.append((stream, command_id is not None))
        self._take(payload)

    def receive(self, command_id: str | None, *, patience: float | None = None) -> Received:
        self.receives.append(command_id)
        self._drain()
        payloads, self._queues[command_id] = self._queues[command_id], []
        if not payloads and not (command_id and self._done):
            return Received(empty=True)
        return Received(payloads=payloads, done=bool(command_id) and self._done)

    def signal(self, command_id: str, code: str) -> None:
        self.signals.append(code)
        if code == "powershell/signal/crtl_c" and self._pipeline is not None:
            if self.on_stop is not None:
                self.on_stop(self._pipeline)
            else:
                self._pipeline.stop()
                self._done = True

    def delete(self) -> None:
        self.deleted = True

    def disconnect(self) -> None:
        pass

    def enlarge_envelopes(self) -> None:
        pass

    # -- for programs -----------------------------------------------------------------------------

    def say_raw(self, command_id: uuid.UUID | None, message_type: Any, xml: str) -> None:
        """Send a message of which psrpcore's own classes know nothing."""
        from psrpcore._payload import create_fragment, create_message

        message = create_message(
            False, message_type, xml.encode(), self.server.runspace_pool_id, command_id
        )
        self._drain()
        key = str(command_id).upper() if command_id else None
        number = self.server._fragment_counter
        self._queues[key].append(create_fragment(number, 0, message, True))

    # -- inside -----------------------------------------------------------------------------------

    def _take(self, payload: bytes) -> None:
        self.server.receive_data(PSRPPayload(payload, StreamType.default, None))
        while (event := self.server.next_event()) is not None:
            answers = (
                psrpcore.PipelineHostResponseEvent,
                psrpcore.RunspacePoolHostResponseEvent,
            )
            if isinstance(event, answers):
                self._advance(event)

    def _advance(self, value: Any) -> None:
        assert self._running is not None
        try:
            if value is None:
                next(self._running)
            else:
                self._running.send(value)
        except StopIteration:
            self._done = True

    def _drain(self) -> None:
        while (payload := self.server.data_to_send(32768)) is not None:
            key = str(payload.pipeline_id).upper() if payload.pipeline_id else None
            self._queues[key].append(payload.data)
