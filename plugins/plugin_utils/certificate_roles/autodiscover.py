# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By which host names do clients inside look Autodiscover up?"""

from __future__ import annotations

from urllib.parse import urlsplit

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import text_of


def read_autodiscover_hosts(session: Session, domain_controller: str | None = None) -> list[str]:
    """Return the host names in AutoDiscoverServiceInternalUri of all servers, each once.

    Raises:
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    parameters = {"DomainController": domain_controller} if domain_controller else {}
    values = read_objects(
        session,
        Cmdlet("Get-ClientAccessService", parameters),
        ("Name", "AutoDiscoverServiceInternalUri"),
    )
    found: dict[str, None] = {}
    for value in values:
        host = urlsplit(text_of(value.get("AutoDiscoverServiceInternalUri")) or "").hostname
        if host:
            found[host.casefold()] = None
    return list(found)
