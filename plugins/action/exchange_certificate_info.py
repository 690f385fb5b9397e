# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates does a server have, who uses them, and which does the task ask about?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.access import (
    connectors_naming,
    read_receive_connectors,
    read_send_connectors,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import CmdletNotAvailable
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.transport_service import (
    read_internal_transport_thumbprint,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import covers
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

preload(*PRELOADED_FOR_EXCHANGE)

_NEVER = datetime.max.replace(tzinfo=timezone.utc)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_certificate_info)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        "thumbprint": {"type": "str"},
        "services": {
            "type": "list",
            "elements": "str",
            "choices": ["IMAP", "POP", "UM", "IIS", "SMTP", "Federation", "UMCallRouter"],
        },
        "dns_name": {"type": "str"},
        "expires_within_days": {"type": "int"},
        "self_signed": {"type": "bool"},
        "connectors": {"type": "bool", "default": True},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        now = self.now()
        if options["thumbprint"]:
            options["thumbprint"] = normalize_thumbprint(options["thumbprint"])
        server = self.server(options)
        found = [
            certificate
            for certificate in read_certificates(self.session, server, self.domain_controller)
            if meets(certificate, options, now=now)
        ]
        found.sort(key=lambda item: (item.not_after or _NEVER, item.thumbprint))
        results = [certificate.to_result(now) for certificate in found]
        self._add_internal_transport(found, results, server)
        if options["connectors"]:
            self._add_connectors(found, results, server)
        return {"certificates": results}

    def _add_internal_transport(
        self, found: list[ExchangeCertificate], results: list[dict[str, Any]], server: str
    ) -> None:
        thumbprint: str | None = None
        known = True
        if found:
            try:
                thumbprint = read_internal_transport_thumbprint(
                    self.session, server, self.domain_controller
                )
            except CmdletNotAvailable as error:
                known = False
                self.report.warn([f"internal_transport is unknown: {error.message}"])
        for certificate, result in zip(found, results, strict=True):
            result["internal_transport"] = certificate.thumbprint == thumbprint if known else None

    def _add_connectors(
        self, found: list[ExchangeCertificate], results: list[dict[str, Any]], server: str
    ) -> None:
        if not found:
            return
        send = read_send_connectors(self.session, self.domain_controller)
        receive = read_receive_connectors(self.session, server, self.domain_controller)
        for certificate, result in zip(found, results, strict=True):
            name = certificate.tls_certificate_name
            result["send_connectors"] = [item.name for item in connectors_naming(send, name)]
            result["receive_connectors"] = [item.name for item in connectors_naming(receive, name)]


def meets(certificate: ExchangeCertificate, options: Mapping[str, Any], *, now: datetime) -> bool:
    """Whether a certificate passes every filter that is given."""
    if options["thumbprint"] and certificate.thumbprint != options["thumbprint"]:
        return False
    if options["services"] and not set(options["services"]) <= (certificate.services or set()):
        return False
    names = certificate.dns_names or filter(None, [certificate.common_name])
    if options["dns_name"] and not covers(names, options["dns_name"]):
        return False
    if options["self_signed"] is not None and certificate.self_signed is not options["self_signed"]:
        return False
    limit = options["expires_within_days"]
    if limit is not None:
        days_left = certificate.days_left(now)
        return days_left is not None and days_left < limit
    return True
