# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a test of the fake's own rules start from? One equipped server, and certificates to put
on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fake_exchange.organisation import certificate_rules, installation, services
from fake_exchange.organisation.model import (
    Organisation,
    ReceiveConnector,
    Server,
    StoredCertificate,
)
from support import pki

NAME = "mail.contoso.test"
SUBJECT = (("CN", NAME), ("O", "Contoso, Ltd."))
ISSUER = pki.root(("CN", "Issuer A"))
OTHER_ISSUER = pki.root(("CN", "Issuer B"))


def organisation_of(*names: str) -> Organisation:
    """An organisation whose servers have what setup gives them; nothing has been started."""
    organisation = Organisation("Contoso", "contoso.test")
    for name in names:
        server = Server(name, f"{name.lower()}.contoso.test", "Berlin")
        installation.equip(organisation, server, None)
        organisation.servers[name] = server
    return organisation


def issued(
    *subject: pki.Part,
    issuer: pki.Authority = ISSUER,
    started_days_ago: float = 10,
    valid_days: float = 90,
    dns: Iterable[str] = (NAME,),
) -> pki.Issued:
    """A certificate for `mail.contoso.test`; its key is always the same, to save time."""
    return issuer.issue(
        *(subject or SUBJECT),
        dns=dns,
        not_before=pki.now() - pki.days(started_days_ago),
        valid_days=valid_days,
        key=pki.kept_key("leaf"),
    )


@dataclass
class StockedServer:
    """One server of an organisation and the shortest ways to change it."""

    organisation: Organisation
    server: Server

    @property
    def default(self) -> StoredCertificate:
        """The self-signed certificate that setup made."""
        return next(
            s for s in self.server.certificates.values() if s.FriendlyName == "Microsoft Exchange"
        )

    @property
    def front_end(self) -> ReceiveConnector:
        found = self.server.receive_connector("Default Frontend EX01")
        assert found is not None
        return found

    def store(self, certificate: pki.Issued, *enabled_for: str) -> StoredCertificate:
        """Import `certificate` and enable it, keeping the internal transport certificate."""
        stored = certificate_rules.import_data(
            self.organisation, self.server, certificate.pfx("x"), "x", exportable=True
        )
        self.enable(stored, *enabled_for)
        return stored

    def enable(
        self, stored: StoredCertificate, *names: str, replace_internal_transport: bool = False
    ) -> None:
        certificate_rules.enable(
            self.organisation,
            self.server,
            stored,
            names,
            replace_internal_transport=replace_internal_transport,
        )

    def restart(self, service: str) -> None:
        services.restart(self.organisation, self.server, service)

    def presented(self, port: str) -> str | None:
        """Thumbprint of what `port` presents now."""
        loaded = services.presented(self.organisation, self.server, port)
        return loaded.Thumbprint if loaded else None


def stocked_server() -> StockedServer:
    organisation = organisation_of("EX01")
    return StockedServer(organisation, organisation.servers["EX01"])
