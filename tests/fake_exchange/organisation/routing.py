# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where does a message go next? To a mailbox, to another server, or out through the Send connector
with the best address space; and what a server that drains or stands still does to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from fake_exchange.organisation import mail
from fake_exchange.organisation.model import (
    Arrival,
    Message,
    Organisation,
    Queue,
    SendConnector,
    Server,
    now,
)

BETWEEN_SERVERS = "Intra-Organization SMTP Send Connector"
UNREACHABLE = "Unreachable"
TO_SOURCE_SERVERS = "SmtpRelayToConnectorSourceServers"
TO_OTHER_SITE = "SmtpRelayToRemoteActiveDirectorySite"
NO_SERVER = "421 4.3.2 Service not active; no server that may come next takes messages"

_ALWAYS = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Way:
    """How a recipient is reached; without connector and hop: in a mailbox."""

    connector: str = ""
    hop: str = ""
    """Smart host, else domain of the recipient; empty if no connector leads there."""
    known: bool = True


@dataclass(eq=False)
class Round:
    """What one look at all queues left to do: queues to be sent out now, and when to look again.

    `again` is None when only an event from outside can get anything moving.
    """

    outgoing: list[tuple[Server, Queue]] = field(default_factory=list)
    again: datetime | None = None

    def wait_until(self, moment: datetime) -> None:
        self.again = moment if self.again is None else min(self.again, moment)


def is_accepted(organisation: Organisation, recipient: str) -> bool:
    """Whether a mailbox of this organisation is meant: the domain is an accepted one."""
    domain = _domain(recipient)
    return any(
        domain == known or (known.startswith("*.") and domain.endswith(known[1:]))
        for known in (d.DomainName.casefold() for d in organisation.accepted_domains)
    )


def connector_for(organisation: Organisation, recipient: str) -> SendConnector | None:
    """The enabled Send connector with the best address space: longest match, then lowest cost."""
    domain = _domain(recipient)
    found: list[tuple[int, int, SendConnector]] = []
    for connector in organisation.send_connectors:
        for space in connector.AddressSpaces if connector.Enabled else ():
            name, cost = _address_space(space)
            if name == "*":
                found.append((0, cost, connector))
            elif name == domain or (name.startswith("*.") and domain.endswith(name[1:])):
                found.append((-len(name), cost, connector))
    return min(found, key=lambda item: item[:2])[2] if found else None


def _domain(address: str) -> str:
    return address.rpartition("@")[2].casefold()


def _address_space(text: str) -> tuple[str, int]:
    """`SMTP:contoso.com;1` or just a domain."""
    name, _, cost = text.rpartition(":")[2].partition(";")
    return name.casefold(), int(cost) if cost.isdigit() else 1


def advance(organisation: Organisation, moment: datetime) -> Round:
    """Move every message as far as that takes no connection to the outside."""
    done = Round()
    with organisation.lock:
        while any(_advance_server(organisation, server, moment) for server in organisation):
            pass
        for server in filter(mail.moves_messages, organisation):
            for each in _moving(server):
                _look_at(organisation, server, each, moment, done)
    return done


def _moving(server: Server) -> Iterator[Queue]:
    for each in list(server.queues):
        if each.messages and each.empties_by_itself and each.Status != "Suspended":
            yield each


def _advance_server(organisation: Organisation, server: Server, moment: datetime) -> bool:
    """One step for every message of a server that can make one; whether there was any."""
    if not mail.moves_messages(server):
        return False
    moved = False
    for each in _moving(server):
        if each.next_try is not None and each.next_try > moment:
            continue
        for message in list(each.messages):
            if not message.stuck and moment >= _ripe_at(organisation, message):
                moved = _step(organisation, server, each, message) or moved
    return moved


def _look_at(
    organisation: Organisation, server: Server, each: Queue, moment: datetime, done: Round
) -> None:
    """Note what is left of a queue: to be sent out at once, or later."""
    free = [m for m in each.messages if not m.stuck and m not in organisation.mail_in_transmission]
    if not free:
        return
    due = max(min(_ripe_at(organisation, m) for m in free), each.next_try or moment)
    if due <= moment and each.NextHopConnector:
        done.outgoing.append((server, each))
    else:
        done.wait_until(due)


def _ripe_at(organisation: Organisation, message: Message) -> datetime:
    stay = organisation.behavior.mail_seconds
    # Without a stay a message goes all its ways in one round, which began before its last move.
    return message.entered + timedelta(seconds=stay) if stay else _ALWAYS


def _step(organisation: Organisation, server: Server, source: Queue, message: Message) -> bool:
    """Move one message on from one queue; False if it stays."""
    if source.NextHopConnector:
        if message in organisation.mail_in_transmission or _leads_out(
            organisation, server, source.NextHopConnector
        ):
            return False
        mail.move(message, source, mail.queue(server, mail.SUBMISSION))
        return True
    if _is_still_to_be_routed(source):
        return _categorize(organisation, server, source, message)
    _deliver(organisation, server, source, message)
    return True


def _is_still_to_be_routed(source: Queue) -> bool:
    """Everything but the queues to the mailbox databases."""
    return (
        source.name in (mail.SUBMISSION, UNREACHABLE)
        or source.DeliveryType.startswith("SmtpRelay")
        or source.NextHopCategory == "External"
    )


def _leads_out(organisation: Organisation, server: Server, name: str) -> bool:
    """Whether the connector of a queue still sends from this server."""
    connector = organisation.send_connector(name)
    return (
        connector is not None
        and connector.Enabled
        and server.Name in connector.SourceTransportServers
    )


def way_of(organisation: Organisation, recipient: str) -> Way:
    """The way to one recipient."""
    if is_accepted(organisation, recipient):
        return Way()
    connector = connector_for(organisation, recipient)
    if connector is None:
        return Way(known=False)
    hop = connector.SmartHosts[0] if connector.SmartHosts else _domain(recipient)
    return Way(connector.Name, hop)


def _categorize(
    organisation: Organisation, server: Server, source: Queue, message: Message
) -> bool:
    """Let a message go its way; one whose recipients part is split first."""
    ways: dict[Way, list[str]] = {}
    for recipient in message.Recipients:
        ways.setdefault(way_of(organisation, recipient), []).append(recipient)
    if len(ways) > 1:
        _split(server, source, message, list(ways.values()))
        return True
    (way,) = ways
    if not way.known:
        return _wait(organisation, source, message, mail.queue(server, UNREACHABLE))
    connector = organisation.send_connector(way.connector)
    if connector is None:
        return _to_mailbox(organisation, server, source, message)
    return _to_connector(organisation, server, source, message, connector, way.hop)


def _split(server: Server, source: Queue, message: Message, parts: list[list[str]]) -> None:
    copies = [replace(message, Recipients=tuple(part)) for part in parts]
    for copy in copies[1:]:
        mail.track(server, copy, "TRANSFER", "ROUTING", "")
    place = source.messages.index(message)
    source.messages[place : place + 1] = copies


def _to_mailbox(
    organisation: Organisation, server: Server, source: Queue, message: Message
) -> bool:
    """To the mailbox database; an Edge server has none and hands on to one that has."""
    if server.IsEdgeServer:
        waiting = mail.next_hop_queue(server, server.Site, TO_OTHER_SITE, category="Internal")
        near = mail.nearest_first(organisation, server)
        return _relay(organisation, server, source, message, near, waiting)
    database = f"Mailbox Database {server.Name}"
    target = mail.next_hop_queue(server, database, mail.NUMBERED_QUEUE, category="Internal")
    mail.move(message, source, target)
    return True


def _to_connector(
    organisation: Organisation,
    server: Server,
    source: Queue,
    message: Message,
    connector: SendConnector,
    hop: str,
) -> bool:
    """Into the queue of the connector, here or on a source server of it."""
    names = connector.SourceTransportServers
    if server.Name not in names:
        waiting = mail.next_hop_queue(
            server, connector.Name, TO_SOURCE_SERVERS, category="Internal"
        )
        near = mail.nearest_first(organisation, server)
        edge = [other for other in organisation if other.IsEdgeServer]
        sources = [other for other in (*near, *edge) if other.Name in names]
        return _relay(organisation, server, source, message, sources, waiting)
    kind = "SmartHostConnectorDelivery" if connector.SmartHosts else "DnsConnectorDelivery"
    target = mail.next_hop_queue(server, hop, kind, category="External", connector=connector.Name)
    mail.move(message, source, target)
    return True


def _relay(
    organisation: Organisation,
    server: Server,
    source: Queue,
    message: Message,
    candidates: list[Server],
    waiting: Queue,
) -> bool:
    """Over SMTP to the first of the servers that takes messages, else into a queue to wait."""
    relay = next(filter(mail.takes_messages, candidates), None)
    if relay is None:
        waiting.Status, waiting.LastError = "Retry", NO_SERVER
        return _wait(organisation, source, message, waiting)
    mail.track(server, message, "SEND", "SMTP", BETWEEN_SERVERS)
    mail.track(relay, message, "RECEIVE", "SMTP", f"{relay.Name}\\Default {relay.Name}")
    mail.move(message, source, mail.queue(relay, mail.SUBMISSION))
    return True


def _wait(organisation: Organisation, source: Queue, message: Message, target: Queue) -> bool:
    """Keep a message where it is looked at again after a while."""
    target.next_try = _next_try(organisation)
    if source is target:
        return False
    mail.move(message, source, target)
    return True


def _next_try(organisation: Organisation) -> datetime:
    return now() + timedelta(seconds=organisation.behavior.mail_retry_seconds)


def _deliver(organisation: Organisation, server: Server, source: Queue, message: Message) -> None:
    mail.take_out(message, source)
    mail.track(server, message, "DELIVER", "STOREDRIVER", "")
    organisation.mail.delivered += _arrivals(server, message)


def _arrivals(server: Server, message: Message) -> list[Arrival]:
    return [
        Arrival(message.number, message.MessageId, server.Name, recipient)
        for recipient in message.Recipients
    ]


def begin_transmission(organisation: Organisation, server: Server, source: Queue) -> Message | None:
    """The next message of a queue that may be sent out now; nobody else moves it until `sent` or
    `not_sent` is called."""
    moment = now()
    with organisation.lock:
        if not (_still_there(server, source) and mail.moves_messages(server)):
            return None
        for message in source.messages:
            free = not message.stuck and message not in organisation.mail_in_transmission
            if free and _ripe_at(organisation, message) <= moment:
                organisation.mail_in_transmission.add(message)
                source.Status = "Active"
                return message
    return None


def sent(organisation: Organisation, server: Server, source: Queue, message: Message) -> None:
    """A message was taken by another organisation."""
    with organisation.lock:
        organisation.mail_in_transmission.discard(message)
        source.Status, source.LastError, source.next_try = "Ready", "", None
        if not _still_there(server, source):
            return
        mail.take_out(message, source)
        mail.track(server, message, "SENDEXTERNAL", "SMTP", source.NextHopConnector)
        organisation.mail.sent += _arrivals(server, message)


def not_sent(
    organisation: Organisation, server: Server, source: Queue, message: Message, error: str
) -> None:
    """It could not be sent; the queue waits before it tries again."""
    with organisation.lock:
        organisation.mail_in_transmission.discard(message)
        if source.LastError != error:
            mail.track(server, message, "DEFER", "SMTP", source.NextHopConnector, error)
        source.Status, source.LastError = "Retry", error
        source.next_try = _next_try(organisation)


def _still_there(server: Server, source: Queue) -> bool:
    """Whether this very queue is the server's: an earlier state may have been restored."""
    return any(each is source for each in server.queues)
