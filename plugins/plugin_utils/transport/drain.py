# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How is a server emptied of mail before its transport service is restarted, and released after?

As documented for maintenance of a database availability group: HubTransport Draining, messages
redirected, queues watched, and afterwards Active by the same requester. Nothing that fails in
between leaves the server draining.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ansible_collections.mailops.exchange.plugins.plugin_utils.change import carry_out
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    ExchangeError,
    OutcomeUnknown,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.component_states import (
    ACTIVE,
    DRAINING,
    HUB_TRANSPORT,
    command_to_type,
    read_component_state,
    set_component_state,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.queues import (
    TransportQueue,
    read_queues,
    redirect_messages,
)

# Setting the component free is tried so often before a person is asked to.
_ATTEMPTS = 4
_SECONDS_BETWEEN_ATTEMPTS = 2.0
_FIRST_POLL_SECONDS = 0.5
_LONGEST_POLL_SECONDS = 5.0


@dataclass
class Drain:
    """One server being drained.

    Args:
        session_now: returns a session that works; a restart of the web service ends the former one.
        server: name of the server.
        targets: FQDNs of the servers that take over.
        requester: in whose name HubTransport is held down.
        timeout: seconds for the queues to empty.
        transport_runs: whether there is a service that can be asked for its queues.
    """

    session_now: Callable[[], Session]
    server: str
    targets: Sequence[str]
    requester: str
    timeout: float
    transport_runs: bool = True
    messages_before: int = 0
    left: list[TransportQueue] = field(default_factory=list)
    seconds: float = 0.0
    # Whether HubTransport was let go again.
    free: bool = False
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    @property
    def timed_out(self) -> bool:
        return bool(self.left)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold HubTransport down inside, and let it go in every case.

        Raises:
            StateNotReached: it could not be let go; the message says what to type.
        """
        try:
            self._ask_for(DRAINING)
            yield
        finally:
            self.let_go()

    def empty(self) -> None:
        """Hand the messages over and wait until the queues are empty or the time is over.

        What a stopped service holds is on its disk, and stays there until it runs again.
        """
        if not self.transport_runs:
            return
        began = self.clock()
        waiting = self._waiting()
        self.messages_before = sum(queue.messages for queue in waiting)
        if waiting:
            self._redirect()
        pause = _FIRST_POLL_SECONDS
        waiting = self._waiting()
        while waiting and self.clock() - began < self.timeout:
            self.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)
            waiting = self._waiting()
        self.left = waiting
        self.seconds = round(self.clock() - began, 1)

    def let_go(self) -> None:
        """Set HubTransport Active in the same name; also after contact was lost.

        Raises:
            StateNotReached: it could not be set.
        """
        failure: ExchangeError | None = None
        for attempt in range(_ATTEMPTS):
            if attempt:
                self.sleep(_SECONDS_BETWEEN_ATTEMPTS)
            try:
                self._ask_for(ACTIVE)
                self.free = True
                return
            except ExchangeError as error:
                failure = error
        command = command_to_type(
            self.server, HUB_TRANSPORT, state=ACTIVE, requester=self.requester
        )
        raise StateNotReached(
            f"{self.server} is left draining and takes no new messages: HubTransport could not be "
            f"set Active ({failure}). Run this again, or type: {command}",
            details={"server": self.server, "component": HUB_TRANSPORT, "command": command},
        )

    def _ask_for(self, state: str) -> None:
        """Set the state unless it is set, and see that it is."""
        session = self.session_now()
        if self._asked(session) == state:
            return
        carry_out(
            lambda: set_component_state(
                session, self.server, HUB_TRANSPORT, state=state, requester=self.requester
            ),
            read=lambda: self._asked(self.session_now()),
            reached=lambda asked: asked == state,
            otherwise=lambda _asked: StateNotReached(
                f"HubTransport of {self.server} was set to {state} without an error, but is not."
            ),
        )

    def _asked(self, session: Session) -> str:
        return read_component_state(session, self.server, HUB_TRANSPORT).asked_by(self.requester)

    def _waiting(self) -> list[TransportQueue]:
        return [queue for queue in read_queues(self.session_now(), self.server) if queue.empties]

    def _redirect(self) -> None:
        try:
            redirect_messages(self.session_now(), self.server, self.targets)
        except OutcomeUnknown:
            # The queues show it; what is left there is handed over once more.
            if self._waiting():
                redirect_messages(self.session_now(), self.server, self.targets)
