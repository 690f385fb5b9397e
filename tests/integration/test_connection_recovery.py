# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client does when the connection, an answer or the session on the server is lost.

A reading cmdlet comes to its result; a changing one is never executed twice.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.exchange_session import (
    Cmdlet,
    ExchangeSession,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    EndpointUnreachable,
    OutcomeUnknown,
)
from support.one_server import SERVER, OneServer, start_one_server

READ = Cmdlet("Get-ExchangeServer", {"Identity": SERVER})
CHANGE = Cmdlet("Set-SendConnector", {"Identity": "Partner 01", "Comment": "changed"})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneServer]:
    server = start_one_server(tmp_path_factory.mktemp("one-server"))
    with server.fake:
        yield server


@pytest.fixture
def server(running: OneServer) -> OneServer:
    running.calm()
    return running


@pytest.fixture
def session(server: OneServer) -> Iterator[ExchangeSession]:
    """A session that is already open."""
    with ExchangeSession(server.exchange()) as opened:
        opened.invoke(READ)
        server.fake.post("/counters/reset")
        yield opened


# --- idle connections ----------------------------------------------------------------------------


def test_a_dropped_idle_connection_costs_neither_the_session_nor_a_second_execution(
    server: OneServer, session: ExchangeSession
) -> None:
    server.fault("drop_idle")
    session.invoke(CHANGE, changing=True)
    assert server.executed("Set-SendConnector") == 1
    assert server.count("sessions") == 0


def test_a_connection_is_renewed_before_the_server_would_drop_it(server: OneServer) -> None:
    with ExchangeSession(server.exchange(idle_reset_seconds=0.0)) as session:
        session.invoke(READ)
        session.invoke(CHANGE, changing=True)
    assert server.executed("Set-SendConnector") == 1
    assert server.count("sessions") == 1
    assert server.count("connections") > 5


# --- lost answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["Command", "Receive", "Signal"])
@pytest.mark.parametrize("kind", ["lose_answer", "drop_connection"])
def test_a_reading_cmdlet_survives_the_loss_of_a_request_or_its_answer(
    server: OneServer, session: ExchangeSession, kind: str, verb: str
) -> None:
    server.fault(kind, verb=verb)
    assert len(session.invoke(READ).output) == 1
    assert len(session.invoke(READ).output) == 1


def test_a_lost_answer_to_the_start_of_a_change_does_not_hide_its_result(
    server: OneServer, session: ExchangeSession
) -> None:
    server.fault("lose_answer", verb="Command")
    session.invoke(CHANGE, changing=True)
    assert server.executed("Set-SendConnector") == 1
    assert server.count("sessions") == 0


def test_a_change_whose_start_never_arrived_is_not_repeated(
    server: OneServer, session: ExchangeSession
) -> None:
    server.fault("drop_connection", verb="Command")
    with pytest.raises(OutcomeUnknown):
        session.invoke(CHANGE, changing=True)
    assert server.executed("Set-SendConnector") == 0


def test_a_change_whose_result_is_lost_is_neither_repeated_nor_called_a_success(
    server: OneServer, session: ExchangeSession
) -> None:
    server.fault("lose_answer", verb="Receive")
    with pytest.raises(OutcomeUnknown) as failure:
        session.invoke(CHANGE, changing=True)
    assert server.executed("Set-SendConnector") == 1
    assert failure.value.details["cmdlet"] == "Set-SendConnector"


def test_a_change_is_seen_through_although_an_answer_was_lost(
    server: OneServer, session: ExchangeSession
) -> None:
    """To abandon it at once would delete the session and cut the cmdlet short."""
    server.fault("slow_cmdlet", cmdlet="Set-SendConnector", seconds=2)
    server.fault("drop_connection", verb="Receive")
    with pytest.raises(OutcomeUnknown):
        session.invoke(CHANGE, changing=True)
    assert server.executed("Set-SendConnector") == 1


@pytest.mark.parametrize("verb", ["Signal", "Delete"])
def test_lost_answers_of_cleaning_up_do_not_matter(server: OneServer, verb: str) -> None:
    with ExchangeSession(server.exchange()) as session:
        server.fault("lose_answer", verb=verb)
        session.invoke(CHANGE, changing=True)
    assert server.executed("Set-SendConnector") == 1


def test_a_large_change_that_loses_an_answer_on_its_way_up_is_not_repeated(
    server: OneServer, session: ExchangeSession
) -> None:
    server.fault("lose_answer", verb="Send")
    with pytest.raises(OutcomeUnknown):
        session.invoke(
            Cmdlet(
                "Import-ExchangeCertificate",
                {"Server": SERVER, "FileData": bytes(range(256)) * 4000},
            ),
            changing=True,
        )
    assert server.executed("Import-ExchangeCertificate") <= 1


# --- lost sessions -------------------------------------------------------------------------------


@pytest.mark.parametrize("changing", [False, True])
def test_a_session_lost_between_two_cmdlets_is_opened_again(
    server: OneServer, session: ExchangeSession, changing: bool
) -> None:
    server.fault("kill_shells")
    session.invoke(CHANGE, changing=changing)
    assert server.executed("Set-SendConnector") == 1
    assert server.count("sessions") == 1


def test_a_reading_cmdlet_survives_the_loss_of_its_session(
    server: OneServer, session: ExchangeSession
) -> None:
    server.fault("kill_shell", verb="Receive")
    assert len(session.invoke(READ).output) == 1
    assert server.count("sessions") == 1


def test_a_change_that_loses_its_session_has_an_unknown_outcome(
    server: OneServer, session: ExchangeSession
) -> None:
    server.fault("kill_shell", verb="Receive")
    with pytest.raises(OutcomeUnknown):
        session.invoke(CHANGE, changing=True)
    assert server.executed("Set-SendConnector") <= 1


def test_a_reading_cmdlet_is_tried_twice_at_most(
    server: OneServer, session: ExchangeSession
) -> None:
    server.fault("kill_shell", verb="Receive", times=-1)
    with pytest.raises(EndpointUnreachable, match="was lost during Get-ExchangeServer"):
        session.invoke(READ)
    assert server.count("sessions") <= 1
