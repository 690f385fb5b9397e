# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where does a message go, and what do a draining, an inactive and a stopped server do to it?
Without connections: what has to be sent out is only noted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fake_exchange.organisation import mail, routing
from fake_exchange.organisation.model import (
    AcceptedDomain,
    ComponentState,
    Message,
    Organisation,
    Queue,
    SendConnector,
    Server,
    now,
)
from support.stocked_server import organisation_of

INSIDE, OUTSIDE = "x@contoso.test", "x@partner.test"


@pytest.fixture
def organisation() -> Organisation:
    """Two servers in Berlin, one in Hamburg; only EX02 sends to the outside."""
    organisation = organisation_of("EX01", "EX02", "EX03")
    organisation.servers["EX03"].Site = "Hamburg"
    organisation.accepted_domains = [AcceptedDomain("contoso.test"), AcceptedDomain("*.sub.test")]
    organisation.send_connectors = [
        SendConnector("Internet", ["SMTP:*;1"], ["EX02"], SmartHosts=["relay.test"])
    ]
    return organisation


@pytest.fixture
def ex01(organisation: Organisation) -> Server:
    return organisation.servers["EX01"]


@pytest.fixture
def ex02(organisation: Organisation) -> Server:
    return organisation.servers["EX02"]


def accept(server: Server, organisation: Organisation, *recipients: str) -> Message:
    return mail.accept(
        organisation,
        server,
        message_id="<1@client.test>",
        sender="a@b.test",
        recipients=recipients,
        subject="hello",
        size=100,
        connector="EX01\\Default Frontend EX01",
    )


def advance(organisation: Organisation, *, later: float = 0) -> routing.Round:
    return routing.advance(organisation, now() + timedelta(seconds=later))


def hold(server: Server, state: str, component: str = "HubTransport") -> None:
    server.component_states[component] = ComponentState(component, {"Maintenance": state})


def events(server: Server) -> list[tuple[str, str, str]]:
    return [(e.EventId, e.Source, e.ConnectorId) for e in server.tracking_log]


def waiting(server: Server) -> dict[str, int]:
    """Messages by queue, without the empty ones."""
    return {q.name: q.MessageCount for q in server.queues if q.messages}


def balance(organisation: Organisation) -> tuple[object, object]:
    state = mail.state_of_mail(organisation)
    return state["lost"], state["doubled"]


# Inside -------------------------------------------------------------------------------------------


def test_mail_for_an_accepted_domain_is_delivered(organisation: Organisation, ex01: Server) -> None:
    accept(ex01, organisation, INSIDE, "Y@Deep.Sub.Test")
    assert waiting(ex01) == {"Submission": 1}
    advance(organisation)
    assert events(ex01) == [
        ("RECEIVE", "SMTP", "EX01\\Default Frontend EX01"),
        ("DELIVER", "STOREDRIVER", ""),
    ]
    assert {e.MessageId for e in ex01.tracking_log} == {"<1@client.test>"}
    assert [item.recipient for item in organisation.mail.delivered] == [INSIDE, "Y@Deep.Sub.Test"]
    assert balance(organisation) == ([], [])


def grow_older(server: Server, seconds: float) -> None:
    for each in server.queues:
        each.messages = [
            replace(message, entered=message.entered - timedelta(seconds=seconds))
            for message in each.messages
        ]


def test_where_it_takes_time_it_waits_in_every_queue(
    organisation: Organisation, ex01: Server
) -> None:
    organisation.behavior.mail_seconds = 60
    message = accept(ex01, organisation, INSIDE)
    assert advance(organisation).again == message.entered + timedelta(seconds=60)
    assert waiting(ex01) == {"Submission": 1}
    grow_older(ex01, 60)
    assert advance(organisation).again is not None
    assert waiting(ex01) == {"3": 1}
    (database,) = [each for each in ex01.queues if each.messages]
    assert database.DeliveryType == "SmtpDeliveryToMailbox"
    assert database.NextHopDomain == "Mailbox Database EX01"
    grow_older(ex01, 60)
    assert advance(organisation).again is None
    assert waiting(ex01) == {}
    assert len(organisation.mail.delivered) == 1


def test_nothing_is_left_to_do_when_there_is_no_mail(organisation: Organisation) -> None:
    done = advance(organisation)
    assert (done.outgoing, done.again) == ([], None)


def test_stuck_messages_need_no_further_look(organisation: Organisation, ex01: Server) -> None:
    mail.make_up(organisation, mail.queue(ex01, "3"), 2, stuck=True)
    done = advance(organisation)
    assert (done.outgoing, done.again) == ([], None)
    assert waiting(ex01) == {"3": 2}


# Outside ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipient", "connector"),
    [
        ("x@partner.test", "Exactly"),
        ("x@PARTNER.test", "Exactly"),
        ("x@a.partner.test", "Below"),
        ("x@b.a.partner.test", "Far below"),
        ("x@notpartner.test", "Cheap"),
        ("x@elsewhere.test", "Cheap"),
    ],
)
def test_the_longest_address_space_wins_then_the_lowest_cost(
    organisation: Organisation, recipient: str, connector: str
) -> None:
    organisation.send_connectors = [
        SendConnector("Dear", ["SMTP:*;10"], ["EX01"]),
        SendConnector("Cheap", ["*;2"], ["EX01"]),
        SendConnector("Below", ["smtp:*.partner.test;9"], ["EX01"]),
        SendConnector("Far below", ["smtp:*.a.partner.test;9"], ["EX01"]),
        SendConnector("Exactly", ["smtp:partner.test;9"], ["EX01"]),
        SendConnector("Off", ["smtp:partner.test;1"], ["EX01"], Enabled=False),
    ]
    found = routing.connector_for(organisation, recipient)
    assert found is not None
    assert found.Name == connector


def test_a_source_server_puts_it_into_the_queue_of_the_connector(
    organisation: Organisation, ex02: Server
) -> None:
    accept(ex02, organisation, OUTSIDE)
    ((server, outgoing),) = advance(organisation).outgoing
    assert server is ex02
    assert (outgoing.DeliveryType, outgoing.NextHopDomain, outgoing.NextHopConnector) == (
        "SmartHostConnectorDelivery",
        "relay.test",
        "Internet",
    )
    assert waiting(ex02) == {outgoing.name: 1}


def test_without_a_smart_host_each_domain_has_its_queue(
    organisation: Organisation, ex02: Server
) -> None:
    organisation.send_connectors[0].SmartHosts = []
    accept(ex02, organisation, "x@one.test", "y@two.test", "z@one.test")
    queues = [each for _, each in advance(organisation).outgoing]
    assert [(q.NextHopDomain, q.DeliveryType) for q in queues] == [
        ("one.test", "DnsConnectorDelivery"),
        ("two.test", "DnsConnectorDelivery"),
    ]
    assert queues[0].messages[0].Recipients == ("x@one.test", "z@one.test")
    assert balance(organisation) == ([], [])


def test_another_server_hands_it_to_a_source_server(
    organisation: Organisation, ex01: Server, ex02: Server
) -> None:
    accept(ex01, organisation, OUTSIDE)
    ((server, _),) = advance(organisation).outgoing
    assert server is ex02
    assert waiting(ex01) == {}
    assert events(ex01)[1:] == [("SEND", "SMTP", "Intra-Organization SMTP Send Connector")]
    assert events(ex02) == [("RECEIVE", "SMTP", "EX02\\Default EX02")]


def test_it_waits_while_no_source_server_takes_messages_and_holds_up_nothing_else(
    organisation: Organisation, ex01: Server, ex02: Server
) -> None:
    hold(ex02, "Draining")
    accept(ex01, organisation, OUTSIDE)
    accept(ex01, organisation, INSIDE)
    assert advance(organisation).again is not None
    (relay,) = [each for each in ex01.queues if each.messages]
    assert (relay.DeliveryType, relay.NextHopDomain, relay.Status) == (
        "SmtpRelayToConnectorSourceServers",
        "Internet",
        "Retry",
    )
    assert relay.LastError.startswith("421 4.3.2")
    assert len(organisation.mail.delivered) == 1
    hold(ex02, "Active")
    advance(organisation, later=organisation.behavior.mail_retry_seconds + 1)
    assert (waiting(ex01), relay.Status, relay.LastError) == ({}, "Ready", "")
    assert sum(waiting(ex02).values()) == 1


def test_recipients_on_different_ways_get_a_copy_each(
    organisation: Organisation, ex02: Server
) -> None:
    message = accept(ex02, organisation, INSIDE, OUTSIDE)
    ((_, outgoing),) = advance(organisation).outgoing
    (copy,) = outgoing.messages
    assert (copy.number, copy.Recipients) == (message.number, (OUTSIDE,))
    assert [item.recipient for item in organisation.mail.delivered] == [INSIDE]
    assert ("TRANSFER", "ROUTING", "") in events(ex02)
    assert balance(organisation) == ([], [])


def test_what_no_connector_takes_waits_until_one_does(
    organisation: Organisation, ex02: Server
) -> None:
    organisation.send_connectors[0].AddressSpaces = ["SMTP:elsewhere.test;1"]
    accept(ex02, organisation, OUTSIDE)
    advance(organisation)
    advance(organisation, later=10)
    assert waiting(ex02) == {"Unreachable": 1}
    organisation.send_connectors[0].AddressSpaces = ["SMTP:*;1"]
    ((_, outgoing),) = advance(organisation, later=20).outgoing
    assert waiting(ex02) == {outgoing.name: 1}


@pytest.mark.parametrize("change", ["disabled", "other server"])
def test_a_queue_whose_connector_no_longer_sends_from_here_is_routed_again(
    organisation: Organisation, ex02: Server, change: str
) -> None:
    accept(ex02, organisation, OUTSIDE)
    advance(organisation)
    if change == "disabled":
        organisation.send_connectors[0].Enabled = False
    else:
        organisation.send_connectors[0].SourceTransportServers = ["EX03"]
    advance(organisation)
    target = "EX02" if change == "disabled" else "EX03"
    assert sum(waiting(organisation.servers[target]).values()) == 1
    assert balance(organisation) == ([], [])


def test_an_edge_server_hands_mail_for_inside_to_a_mailbox_server(
    organisation: Organisation, ex01: Server, ex02: Server
) -> None:
    ex02.ServerRole = "Edge"
    accept(ex02, organisation, INSIDE)
    advance(organisation)
    assert [e[0] for e in events(ex02)] == ["RECEIVE", "SEND"]
    assert [e[0] for e in events(ex01)] == ["RECEIVE", "DELIVER"]


# Servers that take no mail, or do not move what they have -----------------------------------------


@pytest.mark.parametrize(
    ("draining", "taker"),
    [((), "EX01"), (("EX01",), "EX02"), (("EX01", "EX02"), "EX03")],
)
def test_the_own_server_takes_it_then_the_site_then_any(
    organisation: Organisation, ex01: Server, draining: tuple[str, ...], taker: str
) -> None:
    for name in draining:
        hold(organisation.servers[name], "Draining")
    assert mail.hub_for(organisation, ex01) is organisation.servers[taker]


def test_nobody_takes_it_when_none_is_active_and_running(
    organisation: Organisation, ex01: Server
) -> None:
    hold(ex01, "Draining")
    hold(organisation.servers["EX02"], "Inactive", "ServerWideOffline")
    organisation.servers["EX03"].services["MSExchangeTransport"].Status = "Stopped"
    assert mail.hub_for(organisation, ex01) is None


def test_an_edge_server_takes_its_mail_itself_or_not_at_all(
    organisation: Organisation, ex01: Server
) -> None:
    ex01.ServerRole = "Edge"
    assert mail.hub_for(organisation, ex01) is ex01
    hold(ex01, "Draining")
    assert mail.hub_for(organisation, ex01) is None


def test_a_server_takes_mail_only_when_no_requester_holds_it(ex01: Server) -> None:
    states = {"Maintenance": "Active", "HealthAPI": "Draining"}
    ex01.component_states["HubTransport"] = ComponentState("HubTransport", states)
    assert not mail.takes_messages(ex01)
    states["HealthAPI"] = "Active"
    assert mail.takes_messages(ex01)


def test_a_draining_server_delivers_what_it_has(organisation: Organisation, ex01: Server) -> None:
    accept(ex01, organisation, INSIDE)
    hold(ex01, "Draining")
    advance(organisation)
    assert len(organisation.mail.delivered) == 1


@pytest.mark.parametrize("how", ["inactive", "offline", "stopped"])
def test_nothing_moves_on_a_server_that_stands_still(
    organisation: Organisation, ex01: Server, how: str
) -> None:
    accept(ex01, organisation, INSIDE)
    if how == "stopped":
        ex01.services["MSExchangeTransport"].Status = "Stopped"
    else:
        component = "HubTransport" if how == "inactive" else "ServerWideOffline"
        hold(ex01, "Inactive", component)
    assert advance(organisation).again is None
    assert (waiting(ex01), organisation.mail.delivered) == ({"Submission": 1}, [])
    ex01.services["MSExchangeTransport"].Status = "Running"
    hold(ex01, "Active")
    hold(ex01, "Active", "ServerWideOffline")
    advance(organisation)
    assert len(organisation.mail.delivered) == 1


@pytest.mark.parametrize(
    "queue",
    [
        Queue("EX01\\Poison"),
        Queue("EX01\\5", DeliveryType="ShadowRedundancy"),
        Queue("EX01\\6", Status="Suspended"),
    ],
    ids=lambda queue: queue.name,
)
def test_poison_shadow_and_suspended_queues_keep_their_messages(
    organisation: Organisation, ex01: Server, queue: Queue
) -> None:
    ex01.queues.append(queue)
    mail.make_up(organisation, queue, 2, stuck=False)
    advance(organisation)
    assert waiting(ex01) == {queue.name: 2}


# While a message is being sent --------------------------------------------------------------------


def begun(organisation: Organisation, server: Server) -> tuple[Queue, Message]:
    """A message for the outside whose transmission has begun."""
    accept(server, organisation, OUTSIDE)
    ((_, outgoing),) = advance(organisation).outgoing
    message = routing.begin_transmission(organisation, server, outgoing)
    assert message is not None
    return outgoing, message


def test_a_message_that_was_taken_has_left(organisation: Organisation, ex02: Server) -> None:
    outgoing, message = begun(organisation, ex02)
    routing.sent(organisation, ex02, outgoing, message)
    assert waiting(ex02) == {}
    assert events(ex02)[-1] == ("SENDEXTERNAL", "SMTP", "Internet")
    assert [(a.number, a.recipient) for a in organisation.mail.sent] == [(message.number, OUTSIDE)]
    assert organisation.mail_in_transmission == set()


def test_one_that_was_not_waits_before_the_next_try(
    organisation: Organisation, ex02: Server
) -> None:
    outgoing, message = begun(organisation, ex02)
    routing.not_sent(organisation, ex02, outgoing, message, "454 4.7.5 no")
    assert (outgoing.Status, outgoing.LastError) == ("Retry", "454 4.7.5 no")
    done = advance(organisation)
    assert (done.outgoing, done.again) == ([], outgoing.next_try)
    assert advance(organisation, later=2).outgoing == [(ex02, outgoing)]
    assert [e[0] for e in events(ex02)].count("DEFER") == 1


def test_it_is_neither_sent_a_second_time_nor_redirected(
    organisation: Organisation, ex01: Server, ex02: Server
) -> None:
    outgoing, message = begun(organisation, ex02)
    assert routing.begin_transmission(organisation, ex02, outgoing) is None
    assert mail.redirect(organisation, ex02, [ex01]) == 0
    assert advance(organisation).outgoing == []
    routing.sent(organisation, ex02, outgoing, message)
    assert balance(organisation) == ([], [])


def test_no_transmission_begins_on_a_server_that_was_stopped_meanwhile(
    organisation: Organisation, ex02: Server
) -> None:
    accept(ex02, organisation, OUTSIDE)
    ((_, outgoing),) = advance(organisation).outgoing
    ex02.services["MSExchangeTransport"].Status = "Stopped"
    assert routing.begin_transmission(organisation, ex02, outgoing) is None


# Redirecting, releasing ---------------------------------------------------------------------------


def test_redirected_messages_are_delivered_by_the_targets(
    organisation: Organisation, ex01: Server, ex02: Server
) -> None:
    mail.make_up(organisation, mail.queue(ex01, "3"), 3, stuck=True)
    mail.make_up(organisation, mail.queue(ex01, "Poison"), 1, stuck=False)
    mail.make_up(organisation, mail.queue(ex01, "Shadow"), 1, stuck=False)
    hold(ex01, "Draining")
    assert mail.redirect(organisation, ex01, [ex02, organisation.servers["EX03"]]) == 3
    assert waiting(ex01) == {"Poison": 1, "Shadow": 1}
    advance(organisation)
    assert [item.server for item in organisation.mail.delivered] == ["EX02", "EX02", "EX03"]
    assert balance(organisation) == ([], [])


def test_stuck_messages_keep_their_queue_in_retry_until_released(
    organisation: Organisation, ex01: Server
) -> None:
    stuck = mail.queue(ex01, "3")
    mail.make_up(organisation, stuck, 2, stuck=True, last_error="451 4.4.0 no answer")
    advance(organisation)
    assert (stuck.MessageCount, stuck.Status, stuck.LastError) == (
        2,
        "Retry",
        "451 4.4.0 no answer",
    )
    mail.release(organisation, stuck)
    advance(organisation)
    assert (stuck.MessageCount, stuck.Status, stuck.LastError) == (0, "Ready", "")
    assert len(organisation.mail.delivered) == 2


# The account --------------------------------------------------------------------------------------


def test_the_account_shows_what_is_missing_and_what_is_there_twice(
    organisation: Organisation, ex01: Server
) -> None:
    first = accept(ex01, organisation, INSIDE, "y@contoso.test")
    second = accept(ex01, organisation, INSIDE)
    assert balance(organisation) == ([], [])
    ex01.queues[0].messages.remove(first)
    assert balance(organisation) == ([first.number], [])
    ex01.queues[0].messages.append(second)
    assert balance(organisation) == ([first.number], [second.number])


def test_naming_a_recipient_twice_makes_no_second_copy(
    organisation: Organisation, ex01: Server
) -> None:
    accept(ex01, organisation, INSIDE, INSIDE)
    advance(organisation)
    assert len(organisation.mail.delivered) == 1
    assert balance(organisation) == ([], [])
