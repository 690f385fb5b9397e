# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which name do the POP3 and IMAP4 services of a server look their certificate up by?

The services present the certificate that is enabled for them, if it has that name, else one that
has it by a wildcard, which needs no enabling (Enable-ExchangeCertificate, Set-PopSettings and
Set-ImapSettings).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.cmdlet_errors import (
    explained,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import text_of
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import StateNotReached
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import covers

PROTOCOLS = {"pop": ("PopSettings", "POP"), "imap": ("ImapSettings", "IMAP")}


@dataclass(frozen=True, kw_only=True)
class MailAccessSettings:
    """The settings of one protocol on one server."""

    protocol: str
    server: str
    x509_certificate_name: str

    @property
    def service(self) -> str:
        """The service that certificates are enabled for."""
        return PROTOCOLS[self.protocol][1]

    @property
    def title(self) -> str:
        """How messages name them."""
        return f"the {self.service} settings of {self.server}"


def read_mail_access_settings(
    session: Session, protocol: str, server: str, domain_controller: str | None = None
) -> MailAccessSettings:
    """Read the settings of one protocol.

    Raises:
        StateNotReached: the server returns no settings.
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    parameters: dict[str, object] = {"Server": server}
    if domain_controller:
        parameters["DomainController"] = domain_controller
    noun = PROTOCOLS[protocol][0]
    values = read_objects(session, Cmdlet(f"Get-{noun}", parameters), ("X509CertificateName",))
    if not values:
        raise StateNotReached(
            f"Get-{noun} returns nothing for {server}.", details={"server": server}
        )
    name = text_of(values[0].get("X509CertificateName")) or ""
    return MailAccessSettings(protocol=protocol, server=server, x509_certificate_name=name.strip())


def set_x509_certificate_name(
    session: Session,
    settings: MailAccessSettings,
    name: str,
    domain_controller: str | None = None,
) -> CmdletResult:
    """Set the name; the services take it up when they start.

    Raises:
        CmdletFailed: with what was being set and the server's words.
        OutcomeUnknown: contact was lost; read the settings before anything else.
    """
    parameters: dict[str, object] = {"Server": settings.server, "X509CertificateName": name}
    if domain_controller:
        parameters["DomainController"] = domain_controller
    with explained(f"Setting X509CertificateName of {settings.title}"):
        return session.invoke(
            Cmdlet(f"Set-{PROTOCOLS[settings.protocol][0]}", parameters), changing=True
        )


def presented_by(
    settings: MailAccessSettings, certificates: Iterable[ExchangeCertificate], now: datetime
) -> ExchangeCertificate | None:
    """The certificate that the name leads to, None where there is none that is valid."""
    name = settings.x509_certificate_name
    usable = [
        item
        for item in certificates
        if item.has_private_key is not False
        and not item.is_pending_request
        and (item.not_after is None or item.not_after > now)
        and covers(item.names, name)
    ]
    for item in usable:
        if settings.service in (item.services or ()):
            return item
    by_wildcard = (
        item for item in usable if name.casefold() not in {own.casefold() for own in item.names}
    )
    return next(by_wildcard, None)
