# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change is announced, sent once, read back and compared; only then is it reported as done."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.change import carry_out, once
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletFailed,
    EndpointUnreachable,
    ExchangeError,
    InvalidInput,
    OutcomeUnknown,
    StateNotReached,
)

LOST = OutcomeUnknown("Contact was lost.")
REFUSED = CmdletFailed("The server refuses it.")
SILENT = EndpointUnreachable("The server does not answer.")
FULL = InvalidInput("The record cannot be written.")


@dataclass
class Server:
    """A server with one value, and what happens when it is written down, changed and read."""

    sent: str = "new"
    announcing: ExchangeError | None = None
    changing: ExchangeError | None = None
    reading: ExchangeError | None = None
    value: str = "old"
    log: list[str] = field(default_factory=list)

    def change(self) -> str:
        """Set "new" with `carry_out`."""
        return carry_out(
            lambda: self._step("do", self.changing, becomes=self.sent),
            read=self.read,
            reached=lambda value: value == "new",
            otherwise=lambda value: StateNotReached(f"The value is {value}."),
            announce=lambda: self._step("announce", self.announcing),
            done=lambda: self._step("done", None),
        )

    def read(self) -> str:
        self._step("read", self.reading)
        return self.value

    def _step(self, name: str, error: ExchangeError | None, *, becomes: str | None = None) -> None:
        self.log.append(name)
        if becomes is not None:
            self.value = becomes
        if error is not None:
            raise error


def test_what_is_read_back_is_returned_and_reported() -> None:
    server = Server()
    assert server.change() == "new"
    assert server.log == ["announce", "do", "read", "done"]


def test_a_lost_answer_to_what_took_effect_is_no_failure_and_not_sent_again() -> None:
    server = Server(changing=LOST)
    assert server.change() == "new"
    assert server.log == ["announce", "do", "read", "done"]


@pytest.mark.parametrize(
    ("server", "error", "log"),
    [
        pytest.param(
            Server(announcing=FULL), FULL, ["announce"], id="what cannot be announced is not sent"
        ),
        pytest.param(
            Server(changing=REFUSED), REFUSED, ["announce", "do"], id="a refusal is not read back"
        ),
        pytest.param(
            Server(changing=LOST, sent="old"),
            LOST,
            ["announce", "do", "read"],
            id="a lost answer, and not in effect",
        ),
        pytest.param(
            Server(changing=LOST, reading=SILENT),
            SILENT,
            ["announce", "do", "read"],
            id="a lost answer, and reading fails",
        ),
        pytest.param(
            Server(reading=SILENT), SILENT, ["announce", "do", "read"], id="reading back fails"
        ),
    ],
)
def test_what_failed_is_raised_and_nothing_reported_as_done(
    server: Server, error: ExchangeError, log: list[str]
) -> None:
    with pytest.raises(type(error)) as raised:
        server.change()
    assert raised.value is error
    assert server.log == log


def test_another_value_than_the_one_that_was_set_is_described() -> None:
    server = Server(sent="other")
    with pytest.raises(StateNotReached, match=r"The value is other\."):
        server.change()
    assert server.log == ["announce", "do", "read"]


def test_who_finds_the_server_silent_finds_the_lost_answer_too() -> None:
    silent = EndpointUnreachable("The server does not answer.")
    with pytest.raises(EndpointUnreachable) as raised:
        Server(changing=LOST, reading=silent).change()
    assert raised.value.__context__ is LOST


# -- a change that is read back later --------------------------------------------------------------


def raising(error: ExchangeError) -> str:
    raise error


def test_an_answer_is_passed_on_and_nothing_looked_up() -> None:
    assert once(lambda: "answer", lambda: pytest.fail("it was looked up")) == "answer"


def test_what_is_looked_up_replaces_a_lost_answer() -> None:
    assert once(lambda: raising(LOST), lambda: "found") == "found"


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_lost_answer_to_what_is_not_in_effect_is_raised(nothing: str | None) -> None:
    with pytest.raises(OutcomeUnknown) as raised:
        once(lambda: raising(LOST), lambda: nothing)
    assert raised.value is LOST


@pytest.mark.parametrize(
    ("doing", "looking_up", "error"), [(REFUSED, LOST, REFUSED), (LOST, SILENT, SILENT)]
)
def test_any_other_failure_is_raised_as_it_is(
    doing: ExchangeError, looking_up: ExchangeError, error: ExchangeError
) -> None:
    with pytest.raises(type(error)) as raised:
        once(lambda: raising(doing), lambda: raising(looking_up))
    assert raised.value is error
