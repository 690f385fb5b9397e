# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When does an armed fault strike, and what is known of it afterwards?"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import pytest

from fake_exchange.faults import AT_REQUESTS, IMMEDIATE, KINDS, Fault, Faults

HERE: Mapping[str, str | None] = {"server": "EX01", "verb": "Command", "endpoint": "exchange"}


@pytest.fixture
def faults() -> Faults:
    return Faults()


def strikes(faults: Faults, kind: str = "drop_connection", *, number: int | None = None) -> bool:
    return faults.take(kind, HERE, number=number) is not None


def test_nothing_is_armed_at_first(faults: Faults) -> None:
    assert not strikes(faults)
    assert (faults.armed(), faults.fired()) == ([], [])


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        ({}, True),
        ({"server": "ex01"}, True),
        ({"server": "EX02"}, False),
        ({"verb": "Receive"}, False),
        ({"endpoint": "windows"}, False),
        # Of this place no account is known, so it is nobody's.
        ({"account": "ansible"}, True),
        ({"server": "EX01", "verb": "Command", "endpoint": "exchange"}, True),
    ],
)
def test_every_selector_that_the_place_knows_has_to_match(
    faults: Faults, selectors: dict[str, str], expected: bool
) -> None:
    faults.arm(Fault("drop_connection", **selectors))  # type: ignore[arg-type]
    assert strikes(faults) is expected


def test_it_waits_for_the_request_of_its_number_or_the_first_one_after(faults: Faults) -> None:
    faults.arm(Fault("drop_connection", request=5))
    assert not strikes(faults, number=4)
    assert strikes(faults, number=7)
    assert not strikes(faults, number=8)


def test_a_request_of_that_number_that_does_not_match_lets_it_wait_on(faults: Faults) -> None:
    faults.arm(Fault("lose_answer", request=5, server="EX02"))
    assert not strikes(faults, "lose_answer", number=5)
    assert faults.take("lose_answer", {"server": "EX02"}, number=6) is not None


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (1, [True, False, False]),
        (2, [True, True, False]),
        (-1, [True, True, True]),
    ],
)
def test_it_strikes_as_often_as_times_says(
    faults: Faults, times: int, expected: list[bool]
) -> None:
    faults.arm(Fault("drop_connection", times=times))
    assert [strikes(faults) for _ in expected] == expected


def test_it_lets_as_many_matches_pass_as_skip_says(faults: Faults) -> None:
    faults.arm(Fault("drop_connection", skip=2))
    assert [strikes(faults) for _ in range(4)] == [False, False, True, False]


def test_what_struck_and_where_is_remembered_until_cleared(faults: Faults) -> None:
    faults.arm(Fault("drop_connection", request=3))
    strikes(faults, number=2)
    assert faults.fired() == []
    strikes(faults, number=3)
    assert faults.fired() == [{"kind": "drop_connection", "request": 3, **HERE}]
    assert faults.armed() == []
    faults.clear()
    assert faults.fired() == []


def test_an_immediate_one_happens_when_it_is_armed_and_is_not_kept(faults: Faults) -> None:
    seen: list[str | None] = []
    faults.on("drop_idle", lambda fault: seen.append(fault.server))
    faults.arm(Fault("drop_idle", server="EX02"))
    assert (seen, faults.armed()) == (["EX02"], [])


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (Fault("earthquake"), "unknown fault 'earthquake'"),
        (Fault("fail_cmdlet", request=3), "request is for faults of the wire, not for fail_cmdlet"),
        (Fault("drop_connection", after=True), "for fail_cmdlet, not for drop_connection"),
        (Fault("slow_cmdlet", terminating=True), "for fail_cmdlet, not for slow_cmdlet"),
        (Fault("lose_answer", execute=True), "execute is for hold, not for lose_answer"),
        (Fault("fail_cmdlet", stubborn=True), "stubborn is for slow_cmdlet, not for fail_cmdlet"),
    ],
)
def test_one_that_could_never_strike_is_refused(
    faults: Faults, fault: Fault, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        faults.arm(fault)
    assert faults.armed() == []


def test_the_kinds_that_are_distinguished_exist() -> None:
    assert {*AT_REQUESTS, *IMMEDIATE} <= set(KINDS)


# Held requests ----------------------------------------------------------------------------------


class Held:
    """A request that is being held, in a thread as a connection's would be."""

    def __init__(self, faults: Faults) -> None:
        self.released: bool | None = None
        self._faults = faults
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()
        while not faults.holding:
            time.sleep(0.001)

    def _wait(self) -> None:
        self.released = self._faults.hold()

    def end(self) -> bool | None:
        self._thread.join(timeout=10)
        return self.released


def test_what_is_held_continues_when_released(faults: Faults) -> None:
    held = Held(faults)
    assert held.released is None
    faults.release()
    assert held.end() is True
    assert faults.holding == 0


def test_what_is_held_is_abandoned_when_faults_are_cleared(faults: Faults) -> None:
    held = Held(faults)
    faults.clear()
    assert held.end() is False


def test_a_release_is_for_what_is_held_now_not_for_what_comes_later(faults: Faults) -> None:
    faults.release()
    held = Held(faults)
    assert held.released is None
    faults.release()
    assert held.end() is True
