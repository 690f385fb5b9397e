# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a plan of a rotation consist of?"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    Services,
)


@dataclass(frozen=True, kw_only=True)
class ConnectorChange:
    """A TlsCertificateName that has to be rewritten."""

    name: str
    title: str
    before: str | None
    after: str
    # Of a Send connector: all of them must have the certificate before the connector names it.
    source_transport_servers: tuple[str, ...] | None = None

    def to_result(self) -> dict[str, object]:
        """Return the JSON-safe form that the modules document under RETURN."""
        result: dict[str, object] = {
            "name": self.name,
            "tls_certificate_name_before": self.before,
            "tls_certificate_name_after": self.after,
        }
        if self.source_transport_servers is not None:
            result["source_transport_servers"] = list(self.source_transport_servers)
        return result


@dataclass(frozen=True, kw_only=True)
class ServerPlan:
    """What one server needs; ``problems`` must be solved before anything is changed."""

    server: str
    needs_import: bool
    services_to_enable: Services
    # Connectors are only pointed to a certificate that serves SMTP, or is to.
    serves_smtp: bool = True
    outgoing: tuple[ExchangeCertificate, ...] = ()
    receive_connectors: tuple[ConnectorChange, ...] = ()
    # Names that SMTP greets with on ports that are to present the new certificate.
    smtp_names: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def install_needed(self) -> bool:
        """Whether the certificate has to be imported or enabled."""
        return self.needs_import or bool(self.services_to_enable)


@dataclass(frozen=True, kw_only=True)
class OrganizationPlan:
    """What has to be changed once for all servers."""

    send_connectors: tuple[ConnectorChange, ...] = ()
    hybrid_names_outgoing: bool = False
    warnings: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
