# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does the federation certificate come to all servers and into use? The servicelet of the
Service Host brings what the trust names to its server, from any site; publishing is a cmdlet's."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from fake_exchange.organisation import certificate_distribution, certificate_rules
from fake_exchange.organisation.journal import Change
from fake_exchange.organisation.model import (
    FederationTrust,
    Organisation,
    Server,
    StoredCertificate,
    now,
)

FEDERATION = "Federation"


def named(trust: FederationTrust) -> dict[str, str]:
    """Thumbprints of the trust's certificates, by property."""
    return {
        name: thumbprint
        for name in ("OrgPrivCertificate", "OrgNextPrivCertificate", "OrgPrevPrivCertificate")
        if (thumbprint := getattr(trust, name))
    }


def run_servicelet(organisation: Organisation, server: Server) -> list[Change]:
    """One run on `server`; what it changed."""
    trust = organisation.federation_trust
    if trust is None:
        return []
    with organisation.lock:
        return [
            Change("Federation deployed", server.Name, thumbprint)
            for thumbprint in named(trust).values()
            if certificate_distribution.fetch(
                organisation, server, thumbprint, from_other_sites=True, services=[FEDERATION]
            )
        ]


def stage(organisation: Organisation, trust: FederationTrust, stored: StoredCertificate) -> None:
    trust.OrgNextPrivCertificate = stored.Thumbprint
    trust.WhenChanged = now()
    for server in organisation:
        held = certificate_rules.find(server, stored.Thumbprint)
        if held is not None:
            held.Services.add(FEDERATION)


def publish(trust: FederationTrust) -> None:
    """The next certificate becomes the current one, that the previous one."""
    trust.OrgPrevPrivCertificate = trust.OrgPrivCertificate
    trust.OrgPrivCertificate = trust.OrgNextPrivCertificate
    trust.OrgNextPrivCertificate = ""
    trust.WhenChanged = now()


def proof(stored: StoredCertificate, domain: str) -> str:
    """What the domain's TXT record has to say: the domain signed with the certificate's key, so
    the same each time and another one for another certificate."""
    key = stored.private_key
    assert isinstance(key, rsa.RSAPrivateKey)
    signature = key.sign(domain.casefold().encode(), padding.PKCS1v15(), hashes.SHA512())
    digest = hashes.Hash(hashes.SHA512())
    digest.update(signature)
    return base64.b64encode(digest.finalize()).decode()
