# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes down when a site or a whole server restarts, and how does it come back? Shells and
connections die with their service; stores, queues and configuration stay."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable

from fake_exchange.organisation import services
from fake_exchange.organisation.model import Organisation, Server

log = logging.getLogger(__name__)

_SERVICE_OF_ENDPOINT = {"exchange": "W3SVC", "windows": "WinRM"}


def restart_site(organisation: Organisation, server: Server, endpoint: str, seconds: float) -> None:
    """The service behind an endpoint (`exchange` or `windows`) goes down; it is back by itself
    after `seconds`."""
    _restart(organisation, server, [_SERVICE_OF_ENDPOINT[endpoint]], seconds)


def restart_server(organisation: Organisation, server: Server, seconds: float) -> None:
    """Every service that runs goes down; those are back by themselves after `seconds`, with the
    certificates they find then."""
    running = [name for name, one in server.services.items() if one.Status == "Running"]
    _restart(organisation, server, running, seconds)


def _restart(
    organisation: Organisation, server: Server, names: Iterable[str], seconds: float
) -> None:
    stopped = [server.services[name] for name in names]
    for service in stopped:
        services.stop(organisation, server, service.Name)

    def come_back() -> None:
        time.sleep(seconds)
        for service in stopped:
            # Not where the whole state has been replaced meanwhile.
            if server.services.get(service.Name) is service:
                _start(organisation, server, service.Name)

    threading.Thread(target=come_back, name="come back", daemon=True).start()


def _start(organisation: Organisation, server: Server, name: str) -> None:
    try:
        services.start(organisation, server, name)
    except services.ServiceRefused as refused:
        log.info("%s: %s", server.Name, refused)
