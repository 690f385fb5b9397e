# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do messages get through the organisation? Queues, routing by accepted domains and Send
connectors, delivery, and what a server that drains or stands still does to them."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from fake_exchange.organisation.model import (
    Arrival,
    Message,
    Organisation,
    Queue,
    SendConnector,
    Server,
    TrackingEvent,
    now,
)

TRANSPORT = "MSExchangeTransport"
HUB_TRANSPORT = "HubTransport"
WHOLE_SERVER = "ServerWideOffline"
SUBMISSION = "Submission"
TRACKING_LIMIT = 1000


def hub_state(server: Server) -> str:
    """The state of HubTransport in effect; Inactive too where the whole server is offline."""
    whole = server.component_states.get(WHOLE_SERVER)
    if whole is not None and whole.State != "Active":
        return "Inactive"
    component = server.component_states.get(HUB_TRANSPORT)
    return component.State if component is not None else "Active"


def transport_runs(server: Server) -> bool:
    service = server.services.get(TRANSPORT)
    return service is not None and service.Status == "Running"


def takes_messages(server: Server) -> bool:
    """Whether new messages may come: running, and neither draining nor inactive."""
    return transport_runs(server) and hub_state(server) == "Active"


def hub_for(organisation: Organisation, front: Server) -> Server | None:
    """The server that takes a message which came in at `front`: itself, else of its site, else
    any."""
    others = [s for s in organisation if s is not front and not s.IsEdgeServer]
    same_site = [server for server in others if server.Site == front.Site]
    rest = [server for server in others if server.Site != front.Site]
    return next(filter(takes_messages, [front, *same_site, *rest]), None)


def accept(
    organisation: Organisation,
    server: Server,
    *,
    message_id: str | None,
    sender: str,
    recipients: Iterable[str],
    subject: str,
    size: int,
    connector: str,
) -> Message:
    """A message has come in on `server`: tracked, and put into its Submission queue."""
    with organisation.lock:
        organisation.mail.last_number += 1
        message = Message(
            organisation.mail.last_number,
            message_id or f"<{secrets.token_hex(16)}@{server.Fqdn}>",
            sender,
            tuple(recipients),
            subject,
            size,
        )
        organisation.mail.accepted.append(message.number)
        track(server, message, "RECEIVE", "SMTP", connector)
        queue(server, SUBMISSION, "Undefined").messages.append(message)
    wake(organisation)
    return message


def make_up(organisation: Organisation, target: Queue, count: int, *, stuck: bool) -> None:
    """Put made-up messages into a queue."""
    for _ in range(count):
        organisation.mail.last_number += 1
        number = organisation.mail.last_number
        recipient = f"user{number}@{organisation.domain}"
        if target.NextHopCategory == "External":
            recipient = f"user{number}@{target.NextHopDomain or 'partner.test'}"
        target.messages.append(
            Message(
                number,
                f"<made-up-{number}@{organisation.domain}>",
                f"sender@{organisation.domain}",
                (recipient,),
                f"Message {number}",
                1000,
                stuck=stuck,
            )
        )
        organisation.mail.accepted.append(number)


def wake(organisation: Organisation) -> None:
    """Tell who moves messages that there may be something to do."""
    for observer in list(organisation.mail_observers):
        observer()


def queue(server: Server, name: str, delivery_type: str, **properties: str) -> Queue:
    """The server's queue of this name, made if it is missing."""
    identity = f"{server.Name}\\{name}"
    for existing in server.queues:
        if existing.Identity.casefold() == identity.casefold():
            return existing
    made = Queue(identity, DeliveryType=delivery_type)
    for key, value in properties.items():
        setattr(made, key, value)
    server.queues.append(made)
    return made


def track(
    server: Server, message: Message, event: str, source: str, connector: str, status: str = ""
) -> None:
    """Write an entry of the message tracking log."""
    server.tracking_log.append(
        TrackingEvent(
            Timestamp=now() + timedelta(seconds=server.clock_offset),
            EventId=event,
            Source=source,
            Sender=message.Sender,
            Recipients=message.Recipients,
            MessageSubject=message.MessageSubject,
            MessageId=message.MessageId,
            ServerHostname=server.Name,
            ConnectorId=connector,
            TotalBytes=message.TotalBytes,
            RecipientStatus=status,
        )
    )
    del server.tracking_log[:-TRACKING_LIMIT]


def connector_for(organisation: Organisation, recipient: str) -> SendConnector | None:
    """The enabled Send connector with the best address space: longest match, then lowest cost."""
    domain = recipient.rpartition("@")[2].casefold()
    found: list[tuple[int, int, SendConnector]] = []
    for connector in organisation.send_connectors:
        for space in connector.AddressSpaces if connector.Enabled else ():
            name, cost = _address_space(space)
            if name == "*":
                found.append((0, cost, connector))
            elif name == domain or (name.startswith("*.") and domain.endswith(name[1:])):
                found.append((-len(name), cost, connector))
    return min(found, key=lambda item: item[:2])[2] if found else None


def _address_space(text: str) -> tuple[str, int]:
    """`SMTP:contoso.com;1` or just a domain."""
    name, _, cost = text.rpartition(":")[2].partition(";")
    return name.casefold(), int(cost) if cost.isdigit() else 1


def is_accepted(organisation: Organisation, recipient: str) -> bool:
    domain = recipient.rpartition("@")[2].casefold()
    return any(
        domain == known or (known.startswith("*.") and domain.endswith(known[1:]))
        for known in (d.DomainName.casefold() for d in organisation.accepted_domains)
    )


def step(organisation: Organisation, server: Server, moment: datetime) -> Iterator[Queue]:
    """Move every message of a server one step as far as that takes no connection outside.

    Yields the queues whose messages have to be sent out, which the caller does without the lock.
    """
    if not transport_runs(server) or hub_state(server) == "Inactive":
        return
    for each in list(server.queues):
        if not each.empties_by_itself or each.Status == "Suspended":
            continue
        if each.NextHopConnector:
            if each.messages and (each.next_try is None or each.next_try <= moment):
                yield each
            continue
        for message in list(each.messages):
            if message.stuck or not _ripe(organisation, message, moment):
                continue
            if each.name == SUBMISSION:
                _categorize(organisation, server, each, message)
            else:
                _deliver(organisation, server, each, message)


def _ripe(organisation: Organisation, message: Message, moment: datetime) -> bool:
    stay = timedelta(seconds=organisation.behavior.mail_seconds)
    return moment - message.arrived >= stay


def _categorize(
    organisation: Organisation, server: Server, source: Queue, message: Message
) -> None:
    recipient = message.Recipients[0]
    if is_accepted(organisation, recipient):
        _deliver(organisation, server, source, message)
        return
    connector = connector_for(organisation, recipient)
    if connector is None:
        _move(message, source, queue(server, "Unreachable", "Unreachable", Status="Ready"))
        return
    if server.Name in connector.SourceTransportServers:
        hop = connector.SmartHosts[0] if connector.SmartHosts else recipient.rpartition("@")[2]
        kind = "SmartHostConnectorDelivery" if connector.SmartHosts else "DnsConnectorDelivery"
        target = _queue_of(server, connector, hop, kind)
        _move(message, source, target)
        return
    names = connector.SourceTransportServers
    relay = next((s for s in organisation if s.Name in names and takes_messages(s)), None)
    if relay is None:
        source.LastError = "451 4.4.0 DNS query failed"
        return
    track(server, message, "SEND", "SMTP", "Intra-Organization SMTP Send Connector")
    track(relay, message, "RECEIVE", "SMTP", f"{relay.Name}\\Default {relay.Name}")
    _move(message, source, queue(relay, SUBMISSION, "Undefined"))


def _queue_of(server: Server, connector: SendConnector, hop: str, kind: str) -> Queue:
    for each in server.queues:
        if each.NextHopConnector == connector.Name and each.NextHopDomain == hop:
            return each
    numbers = {int(q.name) for q in server.queues if q.name.isdigit()}
    free = next(number for number in itertools.count(3) if number not in numbers)
    return queue(
        server,
        str(free),
        kind,
        NextHopDomain=hop,
        NextHopCategory="External",
        NextHopConnector=connector.Name,
    )


def _deliver(organisation: Organisation, server: Server, source: Queue, message: Message) -> None:
    source.messages.remove(message)
    track(server, message, "DELIVER", "STOREDRIVER", "")
    organisation.mail.delivered.append(
        Arrival(message.number, message.MessageId, server.Name, message.Recipients[0])
    )


def _move(message: Message, source: Queue, target: Queue) -> None:
    source.messages.remove(message)
    target.messages.append(message)


def sent(organisation: Organisation, server: Server, source: Queue, message: Message) -> None:
    """A message was taken by another organisation."""
    with organisation.lock:
        if message not in source.messages:
            return
        source.messages.remove(message)
        source.Status, source.LastError, source.next_try = "Ready", "", None
        track(server, message, "SENDEXTERNAL", "SMTP", source.NextHopConnector)
        organisation.mail.sent.append(
            Arrival(message.number, message.MessageId, server.Name, message.Recipients[0])
        )


def not_sent(
    organisation: Organisation, server: Server, source: Queue, message: Message, error: str
) -> None:
    """It could not be sent; the queue waits before it tries again."""
    with organisation.lock:
        if source.LastError != error:
            track(server, message, "DEFER", "SMTP", source.NextHopConnector, error)
        source.Status, source.LastError = "Retry", error
        source.next_try = now() + timedelta(seconds=organisation.behavior.mail_retry_seconds)


def redirect(organisation: Organisation, server: Server, targets: list[Server]) -> int:
    """Hand every message that is not kept for good to the targets in turn; how many there were."""
    count = 0
    if not organisation.behavior.redirect_moves:
        return count
    turn = itertools.cycle(targets)
    for each in server.queues:
        if not each.empties_by_itself:
            continue
        for message in list(each.messages):
            target = next(turn)
            track(server, message, "REDIRECT", "QUEUE", target.Fqdn)
            _move(message, each, queue(target, SUBMISSION, "Undefined"))
            if message.stuck:
                waiting = queue(target, SUBMISSION, "Undefined").messages
                waiting[-1] = Message(**{**vars(message), "stuck": False})
            count += 1
    wake(organisation)
    return count


def state_of_mail(organisation: Organisation) -> dict[str, object]:
    """Where every message is, and whether one is missing or there twice."""
    with organisation.lock:
        log = organisation.mail
        queued = {
            server.Name: {q.Identity: [m.number for m in q.messages] for q in server.queues}
            for server in organisation
        }
        everywhere = [n for queues in queued.values() for part in queues.values() for n in part]
        everywhere += [item.number for item in (*log.delivered, *log.sent)]
        return {
            "accepted": list(log.accepted),
            "queued": queued,
            "delivered": [vars(item) for item in log.delivered],
            "sent": [vars(item) for item in log.sent],
            "received_by_peers": [vars(item) for item in log.received_by_peers],
            "lost": sorted(set(log.accepted) - set(everywhere)),
            "doubled": sorted({n for n in everywhere if everywhere.count(n) > 1}),
        }
