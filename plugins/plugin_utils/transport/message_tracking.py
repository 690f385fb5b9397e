# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which way did a message take through the organization, as the message tracking logs show?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import pairwise

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    in_utc,
    list_of,
    text_of,
)

# Event ids of Get-MessageTrackingLog.
DELIVERED, SENT_OUTSIDE = "DELIVER", "SENDEXTERNAL"
STUCK = ("DEFER", "FAIL", "BADMAIL", "POISONMESSAGE")

_PROPERTIES = (
    "Timestamp",
    "ServerHostname",
    "Source",
    "EventId",
    "ConnectorId",
    "Recipients",
    "RecipientStatus",
    "MessageId",
)


@dataclass(frozen=True, kw_only=True)
class TrackedEvent:
    """One entry of a message tracking log."""

    time: datetime | None
    server: str
    source: str
    event_id: str
    connector: str
    recipients: tuple[str, ...] = ()
    status: str = ""

    def to_result(self) -> dict[str, object]:
        """Return the JSON-safe form that exchange_mail_flow documents under RETURN."""
        return {
            "time": self.time and self.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "server": self.server,
            "source": self.source,
            "event_id": self.event_id,
            "connector": self.connector,
            "recipients": list(self.recipients),
        }


def read_events(
    session: Session, server: str, message_id: str, *, since: datetime
) -> list[TrackedEvent]:
    """Return what one server's log says of a message.

    Args:
        message_id: with its angle brackets.
        since: aware time; the search begins some minutes before it, as clocks differ.

    Raises:
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    values = read_objects(
        session,
        Cmdlet(
            "Get-MessageTrackingLog",
            {"Server": server, "MessageId": message_id, "Start": since - timedelta(minutes=15)},
        ),
        _PROPERTIES,
    )
    events = [_event(value, server) for value in values]
    return [event for event in events if event.event_id]


def in_order(events: Iterable[TrackedEvent]) -> list[TrackedEvent]:
    """Sort by time; what has none comes first."""
    earliest = datetime.min.replace(tzinfo=timezone.utc)
    return sorted(events, key=lambda event: event.time or earliest)


def delays(path: Sequence[TrackedEvent]) -> list[dict[str, object]]:
    """Return the seconds from each event to the next, never negative where clocks differ."""
    found: list[dict[str, object]] = []
    for earlier, later in pairwise(path):
        if earlier.time and later.time:
            seconds = max((later.time - earlier.time).total_seconds(), 0.0)
            found.append(
                {
                    "from": f"{earlier.server} {earlier.event_id}",
                    "to": f"{later.server} {later.event_id}",
                    "seconds": round(seconds, 3),
                }
            )
    return found


def _event(value: RemoteObject, server: str) -> TrackedEvent:
    moment = value.get("Timestamp")
    status = value.get("RecipientStatus")
    return TrackedEvent(
        time=in_utc(moment) if isinstance(moment, datetime) else None,
        server=text_of(value.get("ServerHostname")) or server,
        source=text_of(value.get("Source")) or "",
        event_id=(text_of(value.get("EventId")) or "").upper(),
        connector=text_of(value.get("ConnectorId")) or "",
        recipients=tuple(
            filter(None, (text_of(item) for item in list_of(value.get("Recipients"))))
        ),
        status="; ".join(filter(None, (text_of(item) for item in list_of(status)))),
    )
