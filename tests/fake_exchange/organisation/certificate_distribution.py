# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a certificate that belongs to the whole organisation come from server to server? The
servicelets of the Service Host fetch it where it is missing; only a key that may be exported can
be had."""

from __future__ import annotations

from collections.abc import Iterable

from fake_exchange.organisation import certificate_rules
from fake_exchange.organisation.model import Organisation, Server, StoredCertificate

SERVICE_HOST = "MSExchangeServiceHost"


def runs(server: Server) -> bool:
    """Whether the servicelets of this server do anything."""
    service = server.services.get(SERVICE_HOST)
    return service is not None and service.Status == "Running" and not server.IsEdgeServer


def fetch(
    organisation: Organisation,
    server: Server,
    thumbprint: str,
    *,
    from_other_sites: bool,
    services: Iterable[str] = (),
) -> bool:
    """Copy a certificate to `server`; False if it is there already, or nobody offers it."""
    if not thumbprint or certificate_rules.find(server, thumbprint) is not None:
        return False
    for other in organisation:
        if other is server or other.IsEdgeServer:
            continue
        if other.Site != server.Site and not from_other_sites:
            continue
        source = certificate_rules.find(other, thumbprint)
        if source is not None and source.PrivateKeyExportable:
            copy = StoredCertificate(
                source.certificate,
                source.private_key,
                FriendlyName=source.FriendlyName,
                PrivateKeyExportable=True,
                SelfSigned=source.SelfSigned,
                Services=set(services),
            )
            certificate_rules.add(organisation, server, copy)
            return True
    return False
