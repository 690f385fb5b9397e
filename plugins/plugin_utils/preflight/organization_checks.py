# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do the servers of the organization fit together?"""

from __future__ import annotations

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import text_of
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import CmdletNotAvailable
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange_builds import (
    read_version,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.finding import (
    Finding,
    passed,
    warned,
)


def run(session: Session) -> list[Finding]:
    """Compare the builds of all Mailbox servers.

    Raises:
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    try:
        values = read_objects(
            session, Cmdlet("Get-ExchangeServer"), ("Name", "AdminDisplayVersion", "IsEdgeServer")
        )
    except CmdletNotAvailable:
        return [warned("builds", "They could not be compared: Get-ExchangeServer is missing.")]
    builds: dict[str, list[str]] = {}
    for value in values:
        if value.get("IsEdgeServer") is True:
            continue
        text = text_of(value.get("AdminDisplayVersion")) or ""
        version = read_version(text)
        shown = ".".join(map(str, version)) if version else text
        builds.setdefault(shown, []).append(text_of(value.get("Name")) or "")
    if len(builds) > 1:
        listed = "; ".join(
            f"{build}: {', '.join(names)}" for build, names in sorted(builds.items())
        )
        return [
            warned(
                "builds",
                f"The servers are not of one build ({listed}).",
                "Bring them to the same cumulative update soon.",
            )
        ]
    return [passed("builds", f"All servers are of build {next(iter(builds), 'unknown')}.")]
