# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates sign OAuth tokens in the organization?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    in_utc,
    text_of,
)

_EFFECTIVE = "NextCertificateEffectiveDate"


@dataclass(frozen=True, kw_only=True)
class AuthConfiguration:
    """The certificates that sign OAuth tokens, by thumbprint; None where there is none."""

    current: str | None = None
    previous: str | None = None
    next: str | None = None
    # When the next one takes over, in UTC.
    next_effective: datetime | None = None


def read_auth_configuration(
    session: Session, domain_controller: str | None = None
) -> AuthConfiguration:
    """Return which certificates sign OAuth tokens."""
    properties = {
        "current": "CurrentCertificateThumbprint",
        "previous": "PreviousCertificateThumbprint",
        "next": "NextCertificateThumbprint",
    }
    parameters = {"DomainController": domain_controller} if domain_controller else {}
    values = read_objects(
        session, Cmdlet("Get-AuthConfig", parameters), (*properties.values(), _EFFECTIVE)
    )
    if not values:
        return AuthConfiguration()
    effective = values[0].get(_EFFECTIVE)
    return AuthConfiguration(
        **{
            name: (text_of(values[0].get(source)) or "").upper() or None
            for name, source in properties.items()
        },
        next_effective=in_utc(effective) if isinstance(effective, datetime) else None,
    )
