# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many messages wait on a server, and how are they handed to others?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.cmdlet_errors import (
    explained,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    text_of,
)

# Copies kept for other servers, and messages held back as harmful: neither empties by itself, and
# Redirect-Message moves neither (Redirect-Message page).
_SHADOW = "shadowredundancy"
_POISON = "poison"


@dataclass(frozen=True, kw_only=True)
class TransportQueue:
    """A queue with messages in it."""

    identity: str
    messages: int
    status: str = ""
    delivery_type: str = ""
    next_hop: str = ""
    last_error: str = ""

    @property
    def empties(self) -> bool:
        """Whether it is one that is expected to become empty."""
        name = self.identity.rpartition("\\")[2].casefold()
        return self.delivery_type.casefold() != _SHADOW and name != _POISON

    def describe(self) -> str:
        """The queue in a few words."""
        error = f", {self.last_error}" if self.last_error else ""
        hop = f" to {self.next_hop}" if self.next_hop else ""
        return f"{self.identity}{hop}: {self.messages} ({self.status}{error})"


def read_queues(session: Session, server: str) -> list[TransportQueue]:
    """Return the queues of a server that hold messages.

    Raises:
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    values = read_objects(
        session,
        Cmdlet("Get-Queue", {"Server": server}),
        ("Identity", "MessageCount", "Status", "DeliveryType", "NextHopDomain", "LastError"),
    )
    found = [_queue(value) for value in values]
    return [queue for queue in found if queue.messages > 0]


def redirect_messages(session: Session, server: str, targets: Sequence[str]) -> None:
    """Hand the messages of a server to others, by their FQDN.

    Raises:
        CmdletFailed: with the server's words.
        OutcomeUnknown: contact was lost; what was handed over is there and can be asked again.
    """
    with explained(f"Redirecting the messages of {server} to {', '.join(targets)}"):
        session.invoke(
            Cmdlet(
                "Redirect-Message", {"Server": server, "Target": list(targets), "Confirm": False}
            ),
            changing=True,
        )


def _queue(value: RemoteObject) -> TransportQueue:
    count = value.get("MessageCount")
    return TransportQueue(
        identity=text_of(value.get("Identity")) or "",
        messages=count if isinstance(count, int) else 0,
        status=text_of(value.get("Status")) or "",
        delivery_type=text_of(value.get("DeliveryType")) or "",
        next_hop=text_of(value.get("NextHopDomain")) or "",
        last_error=text_of(value.get("LastError")) or "",
    )
