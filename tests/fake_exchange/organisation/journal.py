# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has been changed, and was the organisation sound after every change? The one thing that must
never be: a connector that names a certificate which its server could not present."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fake_exchange.organisation.model import Organisation, Server


def _time() -> str:
    return datetime.now(timezone.utc).isoformat()


@dataclass(frozen=True)
class Change:
    """A cmdlet that changes something, or a service that changed its status."""

    what: str
    server: str
    detail: str = ""
    """Thumbprint or identity of what was changed."""
    error: str = ""
    """What the cmdlet reported; it may have taken effect all the same."""
    time: str = field(default_factory=_time)
    """In UTC, as ISO 8601 writes it."""


@dataclass(frozen=True)
class Violation:
    """A connector that names what a server cannot present, and the change that made it so."""

    connector: str
    server: str
    names: str
    after: str
    time: str
    """Of that change."""


class Journal:
    """Records every change; thread-safe. Violations are kept once each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: list[Change] = []
        self._violations: dict[tuple[str, str, str], Violation] = {}

    def record(self, organisation: Organisation, change: Change) -> None:
        """Note a change that was made, and look at all connectors."""
        with organisation.lock:
            found = list(unsound(organisation))
        with self._lock:
            self._changes.append(change)
            for connector, server, names in found:
                self._violations.setdefault(
                    (connector, server, names),
                    Violation(
                        connector, server, names, f"{change.what} on {change.server}", change.time
                    ),
                )

    def reset(self) -> None:
        with self._lock:
            self._changes.clear()
            self._violations.clear()

    def as_dict(self) -> dict[str, object]:
        with self._lock:
            return {
                "changes": [asdict(change) for change in self._changes],
                "violations": [asdict(item) for item in self._violations.values()],
            }


def unsound(organisation: Organisation) -> Iterator[tuple[str, str, str]]:
    """Connector, server and name of each TlsCertificateName that the server cannot present.

    It can where it holds a certificate of that name, with its key, enabled for SMTP. An expired one
    counts: STARTTLS is still offered with it.
    """
    for connector in organisation.send_connectors:
        for name in connector.SourceTransportServers:
            server = organisation.server(name)
            if server is not None and not _can_present(server, connector.TlsCertificateName):
                yield connector.Name, server.Name, connector.TlsCertificateName or ""
    for server in organisation:
        for receive in server.receive_connectors:
            if not _can_present(server, receive.TlsCertificateName):
                yield receive.Identity, server.Name, receive.TlsCertificateName or ""


def _can_present(server: Server, name: str | None) -> bool:
    from fake_exchange.organisation import selection  # which knows the model, as the model us

    if not name:
        return True
    return any("SMTP" in stored.Services for stored in selection.matching(server, name))
