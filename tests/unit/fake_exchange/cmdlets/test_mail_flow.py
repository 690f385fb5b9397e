# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do Redirect-Message and Get-Queue do with the messages of a server?"""

from __future__ import annotations

from typing import Any

import pytest

from fake_exchange.organisation import mail, routing
from fake_exchange.organisation.accounts import permissions_of
from fake_exchange.organisation.model import Organisation, Server, now
from support.cmdlet_shell import Outcome, Prompted, Shell

TARGET = "ex02.contoso.test"


@pytest.fixture
def target(organisation: Organisation) -> Server:
    return organisation.servers["EX02"]


@pytest.fixture
def full(organisation: Organisation, server: Server) -> Server:
    """A server with messages of every kind."""
    for name, stuck in (("3", True), ("Submission", False), ("Poison", False), ("Shadow", False)):
        mail.make_up(organisation, mail.queue(server, name), 2, stuck=stuck)
    return server


def redirect(shell: Shell, *targets: str, **parameters: Any) -> Outcome:
    values = {"Server": "EX01", "Target": list(targets or (TARGET,)), "Confirm": False}
    return shell.run(("Redirect-Message", {**values, **parameters}))


def counts(shell: Shell, server: str) -> dict[str, int]:
    """MessageCount by queue, as Get-Queue shows it."""
    rows = shell.run(("Get-Queue", {"Server": server})).succeeded().rows
    return {row["Identity"]: row["MessageCount"] for row in rows if row["MessageCount"]}


BEFORE = {"EX01\\3": 2, "EX01\\Submission": 2, "EX01\\Poison": 2, "EX01\\Shadow": 2}


@pytest.mark.usefixtures("full")
def test_everything_but_poison_and_shadow_goes_to_the_target(shell: Shell) -> None:
    assert counts(shell, "EX01") == BEFORE
    redirect(shell).succeeded()
    assert counts(shell, "EX01") == {"EX01\\Poison": 2, "EX01\\Shadow": 2}
    assert counts(shell, "EX02") == {"EX02\\Submission": 4}
    redirect(shell).succeeded()
    assert counts(shell, "EX02") == {"EX02\\Submission": 4}


@pytest.mark.usefixtures("full")
def test_what_if_moves_nothing(shell: Shell) -> None:
    outcome = redirect(shell, WhatIf=True).succeeded()
    assert outcome.verbose == [f"What if: Redirecting messages of server EX01 to {TARGET}."]
    assert counts(shell, "EX01") == BEFORE


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(("answer", "left"), [(0, 4), (2, 8)], ids=["yes", "no"])
def test_it_asks_for_confirmation(shell: Shell, answer: int, left: int) -> None:
    shell.host = Prompted(answer)
    shell.run(("Redirect-Message", {"Server": "EX01", "Target": [TARGET]})).succeeded()
    ((caption, _),) = shell.host.questions
    assert caption == "Confirm"
    assert sum(counts(shell, "EX01").values()) == left


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(
    "why", ["draining", "stopped", "itself", "edge", "unknown", "no FQDN", "one of two"]
)
def test_a_target_that_cannot_take_over_is_refused_and_nothing_moves(
    shell: Shell, target: Server, why: str
) -> None:
    names = {
        "itself": ["ex01.contoso.test"],
        "unknown": ["ex09.contoso.test"],
        "no FQDN": ["EX02"],
        "one of two": [TARGET, "ex01.contoso.test"],
    }.get(why, [TARGET])
    if why == "draining":
        target.component_states["HubTransport"].requesters["HealthAPI"] = "Draining"
    elif why == "stopped":
        target.services["MSExchangeTransport"].Status = "Stopped"
    elif why == "edge":
        target.ServerRole = "Edge"
    assert redirect(shell, *names).error.category in ("InvalidArgument", "ObjectNotFound")
    assert counts(shell, "EX01") == BEFORE


def test_a_server_whose_transport_is_stopped_hands_over_nothing(shell: Shell, full: Server) -> None:
    full.services["MSExchangeTransport"].Status = "Stopped"
    assert "is not running" in redirect(shell).error.message


@pytest.mark.parametrize("which", [{"Server": "EX01"}, {"Identity": "EX01\\3"}])
def test_nobody_knows_the_queues_of_a_stopped_transport(
    shell: Shell, full: Server, which: dict[str, str]
) -> None:
    full.services["MSExchangeTransport"].Status = "Stopped"
    assert "RPC server is unavailable" in shell.run(("Get-Queue", which)).error.message


@pytest.mark.usefixtures("full")
def test_where_it_is_switched_off_the_messages_stay(
    shell: Shell, organisation: Organisation
) -> None:
    organisation.behavior.redirect_moves = False
    redirect(shell).succeeded()
    assert counts(shell, "EX01") == BEFORE


def test_a_message_that_is_being_sent_is_locked_and_stays(
    shell: Shell, organisation: Organisation, server: Server
) -> None:
    mail.make_up(
        organisation, mail.queue(server, "Submission"), 2, stuck=False, recipient="x@partner.test"
    )
    ((_, outgoing),) = routing.advance(organisation, now()).outgoing
    sending = routing.begin_transmission(organisation, server, outgoing)
    identity = {"Identity": outgoing.Identity}
    (row,) = shell.run(("Get-Queue", identity)).succeeded().rows
    assert (row["MessageCount"], row["LockedMessageCount"]) == (2, 1)
    assert str(row["Status"].PSObject.to_string) == "Active"
    redirect(shell).succeeded()
    assert outgoing.messages == [sending]


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(
    ("role", "allowed"), [("Server Management", True), ("View-Only Organization Management", False)]
)
def test_it_takes_the_role_of_transport_queues(shell: Shell, role: str, allowed: bool) -> None:
    shell.account.permissions = permissions_of([role])
    outcome = redirect(shell)
    assert (outcome.failure is None and not outcome.errors) is allowed
    assert sum(map(len, [q.messages for q in shell.server.queues])) == (4 if allowed else 8)


def test_set_server_component_state_gets_mail_going_again(
    shell: Shell, organisation: Organisation
) -> None:
    woken: list[bool] = []
    organisation.mail_observers.append(lambda: woken.append(True))
    values = {"Identity": "EX01", "Component": "HubTransport", "Requester": "Maintenance"}
    shell.run(("Set-ServerComponentState", {**values, "State": "Active"})).succeeded()
    assert woken
