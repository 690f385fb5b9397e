# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a shell owe its client? Output waits here until a Receive takes it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from fake_exchange.wsman import fault_codes
from fake_exchange.wsman.envelope import Fault


class Chunk(NamedTuple):
    """A piece of one stream, sent whole in one answer; `end` says that the stream is over."""

    stream: str
    data: bytes
    end: bool = False


@dataclass(frozen=True)
class Output:
    """One answer to Receive. `exit_code` is None while the command runs; `pending` says that it
    waits for the client to answer a host call."""

    chunks: list[Chunk] = field(repr=False)
    exit_code: int | None = None
    pending: bool = False


class AnswerLost(Exception):
    """The answer was made, but the connection broke before it could be sent."""


class OutputQueue:
    """The output of one command (or of the shell itself), in order; thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._chunks: deque[Chunk] = deque()
        self._exit_code: int | None = None
        self._fault: Fault | None = None
        self._loses_answer = False
        self._receivers = 0
        self.pending = False

    def put(self, stream: str, data: bytes, *, end: bool = False) -> None:
        with self._changed:
            self._chunks.append(Chunk(stream, data, end))
            self._changed.notify_all()

    def finish(self, exit_code: int = 0) -> None:
        """The command is over: the answer that takes the last chunk says Done."""
        with self._changed:
            self._exit_code = exit_code
            self.pending = False
            self._changed.notify_all()

    def lose_answer(self) -> None:
        """Keep everything until the command is over, then lose it with the connection."""
        with self._changed:
            self._loses_answer = True

    def fail(self, fault: Fault) -> None:
        """Every Receive from now on, also one that waits, gets this fault."""
        with self._changed:
            self._fault = fault
            self._changed.notify_all()

    def wait_until_finished(self, timeout: float) -> None:
        """Return when the command is over. Raises `Fault`: time-out, or what `fail` was given."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._exit_code is not None or self._fault is not None, timeout
            )
            if self._fault is not None:
                raise self._fault
            if self._exit_code is None:
                raise fault_codes.timed_out()

    def take(self, *, timeout: float, most: int) -> Output:
        """What there is, waiting up to `timeout` seconds for something.

        At least one chunk, then as many as fit into `most` bytes. Raises `Fault`: time-out, or
        what `fail` was given; and `AnswerLost`, also for whoever still waits when the next
        receiver comes: a client has one Receive at a time, so the older connection is dead.
        """
        with self._changed:
            self._receivers += 1
            mine = self._receivers
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_ready() or mine != self._receivers, timeout)
            if mine != self._receivers:
                raise AnswerLost
            if self._fault is not None:
                raise self._fault
            if not self._is_ready():
                raise fault_codes.timed_out()
            if self._loses_answer:
                self._loses_answer = False
                self._chunks.clear()
                raise AnswerLost
            chunks: list[Chunk] = []
            size = 0
            while self._chunks and (not chunks or size + len(self._chunks[0].data) <= most):
                chunks.append(self._chunks.popleft())
                size += len(chunks[-1].data)
            done = None if self._chunks else self._exit_code
            return Output(chunks, done, self.pending)

    def _is_ready(self) -> bool:
        has_output = bool(self._chunks) and not self._loses_answer
        return has_output or self._exit_code is not None or self._fault is not None
