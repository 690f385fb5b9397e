# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For which domains does the organization take mail?"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import text_of


@dataclass(frozen=True, kw_only=True)
class AcceptedDomain:
    """A domain that mail is taken for; a leading ``*.`` means every domain below it, too."""

    name: str
    domain_type: str = ""
    default: bool = False


def read_accepted_domains(
    session: Session, domain_controller: str | None = None
) -> list[AcceptedDomain]:
    """Return every accepted domain.

    Raises:
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    parameters = {"DomainController": domain_controller} if domain_controller else {}
    values = read_objects(
        session,
        Cmdlet("Get-AcceptedDomain", parameters),
        ("Name", "DomainName", "DomainType", "Default"),
    )
    return [
        AcceptedDomain(
            name=(text_of(value.get("DomainName")) or "").casefold(),
            domain_type=text_of(value.get("DomainType")) or "",
            default=value.get("Default") is True,
        )
        for value in values
    ]


def covers_domain(accepted: AcceptedDomain, domain: str) -> bool:
    """Whether mail to this domain is taken."""
    wanted = domain.strip().casefold()
    if accepted.name.startswith("*."):
        return wanted == accepted.name[2:] or wanted.endswith(accepted.name[1:])
    return accepted.name == "*" or wanted == accepted.name
