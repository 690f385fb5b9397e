# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does an organisation get back to an earlier state while it runs? By the same encoding as its
state file, kept in memory."""

from __future__ import annotations

from typing import Any

from fake_exchange.organisation import persistence
from fake_exchange.organisation.model import Organisation

Snapshot = dict[str, Any]


def take(organisation: Organisation) -> Snapshot:
    """The whole state, as values that nothing changes any more."""
    return persistence.state_document(organisation)


def restore(organisation: Organisation, snapshot: Snapshot) -> None:
    """Restore it; listening ports keep their numbers."""
    ports = {server.Name: (server.ports, server.fixed_ports) for server in organisation}
    with organisation.lock:
        persistence.apply_document(organisation, snapshot)
        for server in organisation:
            server.ports, server.fixed_ports = ports[server.Name]
