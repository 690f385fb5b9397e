# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which messages are where? The queues of the servers, which server takes new messages, what the
tracking log says, and an account of everything that was ever accepted."""

from __future__ import annotations

import itertools
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from fake_exchange.organisation.model import (
    Accepted,
    Message,
    Organisation,
    Queue,
    Server,
    TrackingEvent,
    now,
)

TRANSPORT = "MSExchangeTransport"
HUB_TRANSPORT = "HubTransport"
WHOLE_SERVER = "ServerWideOffline"
SUBMISSION = "Submission"
#: Queues with a name instead of a number, and what they are for.
NAMED_QUEUES = {
    "submission": "Undefined",
    "poison": "Undefined",
    "shadow": "ShadowRedundancy",
    "unreachable": "Unreachable",
}
NUMBERED_QUEUE = "SmtpDeliveryToMailbox"
TRACKING_LIMIT = 1000
HELD_UP = (
    '451 4.4.0 Primary target IP address responded with: "421 4.4.1 Connection timed out." '
    "Attempted failover to alternate host, but that did not succeed."
)


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


def moves_messages(server: Server) -> bool:
    """Whether the messages a server has still move: a draining one delivers them."""
    return transport_runs(server) and hub_state(server) != "Inactive"


def takes_messages(server: Server) -> bool:
    """Whether new messages may come: running, and neither draining nor inactive."""
    return transport_runs(server) and hub_state(server) == "Active"


def hub_for(organisation: Organisation, front: Server) -> Server | None:
    """The server that takes a message which came in at `front`: itself, else one of its site, else
    any. An Edge server has no other."""
    if front.IsEdgeServer:
        return front if takes_messages(front) else None
    return next(filter(takes_messages, nearest_first(organisation, front)), None)


def nearest_first(organisation: Organisation, server: Server) -> list[Server]:
    """The Mailbox servers as `server` prefers them: itself, those of its site, the others."""
    distances = {
        other.Name: 0 if other is server else 1 if other.Site == server.Site else 2
        for other in organisation
        if not other.IsEdgeServer
    }
    return sorted(
        (organisation.servers[name] for name in distances), key=lambda s: distances[s.Name]
    )


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
        message = _new_message(
            organisation,
            message_id or f"<{secrets.token_hex(16)}@{server.Fqdn}>",
            sender,
            recipients,
            subject,
            size,
        )
        track(server, message, "RECEIVE", "SMTP", connector)
        queue(server, SUBMISSION).messages.append(message)
    wake(organisation)
    return message


def make_up(
    organisation: Organisation,
    target: Queue,
    count: int,
    *,
    stuck: bool,
    recipient: str | None = None,
    last_error: str = HELD_UP,
) -> None:
    """Put made-up messages into a queue; stuck ones stay, as if their next hop did not answer."""
    domain = organisation.domain
    if target.NextHopCategory == "External":
        domain = target.NextHopDomain or "partner.test"
    for _ in range(count):
        number = organisation.mail.last_number + 1
        message = _new_message(
            organisation,
            f"<made-up-{number}@{organisation.domain}>",
            f"sender@{organisation.domain}",
            (recipient or f"user{number}@{domain}",),
            f"Message {number}",
            1000,
        )
        target.messages.append(replace(message, stuck=stuck))
    if stuck and count and target.Status == "Ready":
        target.Status, target.LastError = "Retry", last_error


def _new_message(
    organisation: Organisation,
    message_id: str,
    sender: str,
    recipients: Iterable[str],
    subject: str,
    size: int,
) -> Message:
    log = organisation.mail
    log.last_number += 1
    # Naming somebody twice does not make two copies.
    everybody = tuple(dict.fromkeys(recipients))
    message = Message(log.last_number, message_id, sender, everybody, subject, size)
    log.accepted.append(Accepted(message.number, message.Recipients))
    return message


def release(organisation: Organisation, target: Queue) -> None:
    """Let the stuck messages of a queue move again."""
    with organisation.lock:
        target.messages[:] = [replace(message, stuck=False) for message in target.messages]
        target.Status, target.LastError, target.next_try = "Ready", "", None
    wake(organisation)


def wake(organisation: Organisation) -> None:
    """Notify the observers that there may be messages to move."""
    for observer in list(organisation.mail_observers):
        observer()


def queue(server: Server, name: str, delivery_type: str | None = None) -> Queue:
    """The server's queue of this name, made if it is missing."""
    identity = f"{server.Name}\\{name}"
    for existing in server.queues:
        if existing.Identity.casefold() == identity.casefold():
            return existing
    kind = delivery_type or NAMED_QUEUES.get(name.casefold(), NUMBERED_QUEUE)
    made = Queue(identity, DeliveryType=kind)
    server.queues.append(made)
    return made


def next_hop_queue(
    server: Server, domain: str, delivery_type: str, *, category: str, connector: str = ""
) -> Queue:
    """The server's queue for this next hop, made under the next free number if it is missing."""
    for existing in server.queues:
        if (existing.NextHopDomain, existing.NextHopConnector) == (domain, connector):
            return existing
    numbers = {int(each.name) for each in server.queues if each.name.isdigit()}
    free = next(number for number in itertools.count(3) if number not in numbers)
    made = queue(server, str(free), delivery_type)
    made.NextHopDomain, made.NextHopCategory, made.NextHopConnector = domain, category, connector
    return made


def move(message: Message, source: Queue, target: Queue) -> None:
    """From one queue into another, where nothing holds it up."""
    take_out(message, source)
    target.messages.append(replace(message, stuck=False, entered=now()))


def take_out(message: Message, source: Queue) -> None:
    """Remove a message from a queue; an empty queue has no error any more."""
    source.messages.remove(message)
    if not source.messages and source.Status == "Retry":
        source.Status, source.LastError, source.next_try = "Ready", "", None


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


def redirect(organisation: Organisation, server: Server, targets: list[Server]) -> int:
    """Hand every message that is not kept for good to the targets in turn; how many there were.

    A message that is being sent at this moment stays: it would arrive twice.
    """
    if not organisation.behavior.redirect_moves:
        return 0
    turn, count = itertools.cycle(targets), 0
    with organisation.lock:
        for each in server.queues:
            for message in list(each.messages) if each.empties_by_itself else ():
                if message in organisation.mail_in_transmission:
                    continue
                target = next(turn)
                track(server, message, "REDIRECT", "QUEUE", target.Fqdn)
                track(target, message, "RECEIVE", "SMTP", f"{target.Name}\\Default {target.Name}")
                move(message, each, queue(target, SUBMISSION))
                count += 1
    wake(organisation)
    return count


def state_of_mail(organisation: Organisation) -> dict[str, object]:
    """Where every message is, and whether one is missing, or there twice, for a recipient."""
    with organisation.lock:
        log = organisation.mail
        found: Counter[tuple[int, str]] = Counter(
            (message.number, recipient)
            for server in organisation
            for each in server.queues
            for message in each.messages
            for recipient in message.Recipients
        )
        found.update((item.number, item.recipient) for item in (*log.delivered, *log.sent))
        wanted = [(item.number, r) for item in log.accepted for r in item.recipients]
        return {
            "accepted": [item.number for item in log.accepted],
            "queued": {
                server.Name: {q.Identity: [m.number for m in q.messages] for q in server.queues}
                for server in organisation
            },
            "delivered": [vars(item) for item in log.delivered],
            "sent": [vars(item) for item in log.sent],
            "received_by_peers": [vars(item) for item in log.received_by_peers],
            "lost": sorted({number for number, _ in set(wanted) - set(found)}),
            "doubled": sorted({number for (number, _), times in found.items() if times > 1}),
        }
