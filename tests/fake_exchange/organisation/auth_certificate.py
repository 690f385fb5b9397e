# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does the OAuth certificate come to all servers and into use? What the AuthAdmin servicelet of
the Service Host does at its start and every 12 hours: it fetches what the Auth configuration names
from servers of its own site, and publishes the next certificate when its date has come."""

from __future__ import annotations

from datetime import datetime

from fake_exchange.organisation import certificate_distribution, certificate_rules
from fake_exchange.organisation.journal import Change
from fake_exchange.organisation.model import Organisation, Server, now


def fetch(organisation: Organisation, server: Server) -> list[Change]:
    """Bring the current and the next certificate to `server` from its own site."""
    auth = organisation.auth_config
    return [
        Change("AuthAdmin deployed", server.Name, thumbprint)
        for thumbprint in (auth.CurrentCertificateThumbprint, auth.NextCertificateThumbprint)
        if certificate_distribution.fetch(organisation, server, thumbprint, from_other_sites=False)
    ]


def publish(organisation: Organisation) -> None:
    """The next certificate becomes the current one, that the previous one."""
    auth = organisation.auth_config
    auth.PreviousCertificateThumbprint = auth.CurrentCertificateThumbprint
    auth.CurrentCertificateThumbprint = auth.NextCertificateThumbprint
    auth.NextCertificateThumbprint, auth.NextCertificateEffectiveDate = "", None
    auth.WhenChanged = now()


def deploy_at_once(organisation: Organisation, server: Server) -> list[Change]:
    """What reaches the other servers of a site without waiting for their servicelets; other sites
    have to wait until somebody brings it to one of their servers."""
    changes: list[Change] = []
    for other in organisation:
        if other.Site == server.Site and certificate_distribution.runs(other):
            changes += fetch(organisation, other)
    return changes


def run_servicelet(
    organisation: Organisation, server: Server, moment: datetime | None = None
) -> list[Change]:
    """One run on `server`, at `moment` (now unless given); what it changed."""
    with organisation.lock:
        changes = fetch(organisation, server)
        auth = organisation.auth_config
        due = auth.NextCertificateEffectiveDate
        following = auth.NextCertificateThumbprint
        held = bool(following) and certificate_rules.find(server, following) is not None
        if held and due is not None and due <= (moment or now()):
            publish(organisation)
            changes.append(Change("AuthAdmin published", server.Name, following))
        return changes
