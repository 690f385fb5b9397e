# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How is something changed so that a lost answer is neither sent twice nor taken for a failure?

A change is announced before it is sent, sent once, read back and compared, and only then reported
as done. Where contact is lost meanwhile, what the server has afterwards decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    ExchangeError,
    OutcomeUnknown,
)

Answer = TypeVar("Answer")
State = TypeVar("State")


def _nothing() -> None:
    pass


def carry_out(
    do: Callable[[], object],
    *,
    read: Callable[[], State],
    reached: Callable[[State], bool],
    otherwise: Callable[[State], ExchangeError],
    announce: Callable[[], object] = _nothing,
    done: Callable[[], object] = _nothing,
) -> State:
    """Change something, see that it is as it should be, and return how it is then.

    Args:
        do: sends the change.
        read: reads the state back, whether contact was lost or not.
        reached: whether the state is the one that was asked for.
        otherwise: the error for another state after a change that went through without an error,
            usually StateNotReached.
        announce: writes down what is about to be changed; if it fails, nothing is sent.
        done: reports the change; called only when the state is reached.

    Raises:
        OutcomeUnknown: contact was lost, and the state is not reached.
        ExchangeError: what `otherwise` returns, or what one of the others raises. Where `read`
            fails after contact was lost, OutcomeUnknown is its context.
    """
    announce()
    try:
        do()
    except OutcomeUnknown:
        state = read()
        if not reached(state):
            raise
    else:
        state = read()
        if not reached(state):
            raise otherwise(state)
    done()
    return state


def once(do: Callable[[], Answer], look_up: Callable[[], Answer | None]) -> Answer:
    """Send a change that is read back later, together with others, and return its answer.

    Args:
        do: sends the change.
        look_up: what replaces a lost answer, from what the server has now; None or False where
            the change is not in effect.

    Raises:
        OutcomeUnknown: contact was lost, and the change is not in effect.
        ExchangeError: whatever `do` or `look_up` raises.
    """
    try:
        return do()
    except OutcomeUnknown:
        found = look_up()
        if not found:
            raise
        return found
