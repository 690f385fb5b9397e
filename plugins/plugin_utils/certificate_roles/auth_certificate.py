# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How is the OAuth certificate found on the servers, created, distributed and named?

Exchange copies it within the site by itself, when MSExchangeServiceHost looks every 12 hours. Here
every server gets it before the configuration names it, whichever site it is in ("Maintain the OAuth
certificate", Microsoft Learn).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_certificate_plan import (  # noqa: E501
    HeldCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.changes import (
    export_certificate,
    import_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    certificate_of,
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.smtp_prompt import (
    smtp_overwrite_policy,
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
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    Secret,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    EndpointUnreachable,
    ExchangeError,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_source import (
    CertificateSource,
    load_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    LoadedCertificate,
)

# As setup names it, and Microsoft's instruction.
NAME = "Microsoft Exchange Server Auth Certificate"
_KEY_SIZE = 2048


@dataclass(frozen=True, kw_only=True)
class ServerHoldings:
    """A Mailbox server and what it holds; None where it could not be read, for ``reason``."""

    server: str
    site: str
    certificates: tuple[ExchangeCertificate, ...] | None
    reason: str = ""

    def holds(self, thumbprint: str | None) -> bool | None:
        """Whether it holds a certificate; None where that is not known."""
        if self.certificates is None or not thumbprint:
            return None if thumbprint else False
        return any(
            item.thumbprint == thumbprint and item.has_private_key is not False
            for item in self.certificates
        )


def read_holdings(session: Session, domain_controller: str | None = None) -> list[ServerHoldings]:
    """Read every Mailbox server of the organization; one that does not answer hides no other."""
    values = read_objects(
        session, Cmdlet("Get-ExchangeServer"), ("Name", "Site", "ServerRole", "IsEdgeServer")
    )
    found = []
    for value in values:
        if value.get("IsEdgeServer") is True:
            continue
        name = text_of(value.get("Name")) or ""
        site = (text_of(value.get("Site")) or "").rpartition("/")[2]
        try:
            certificates = tuple(read_certificates(session, name, domain_controller))
        except EndpointUnreachable:
            raise
        except ExchangeError as error:
            found.append(
                ServerHoldings(server=name, site=site, certificates=None, reason=error.message)
            )
            continue
        found.append(ServerHoldings(server=name, site=site, certificates=certificates))
    return found


def unread_servers(holdings: Iterable[ServerHoldings]) -> list[str]:
    """The servers that could not be read."""
    return [item.server for item in holdings if item.certificates is None]


def holders_and_lacking(
    holdings: Iterable[ServerHoldings], thumbprint: str
) -> tuple[list[str], list[str]]:
    """The servers that hold a certificate with its key, and those that can be given it."""
    found = [(item.server, item.holds(thumbprint)) for item in holdings]
    holders = [server for server, holds in found if holds]
    # What nobody holds cannot be given to anybody.
    return holders, [server for server, holds in found if holds is False] if holders else []


def held_certificates(holdings: Iterable[ServerHoldings]) -> dict[str, HeldCertificate]:
    """What any server holds with its key, by thumbprint."""
    found: dict[str, HeldCertificate] = {}
    for server in holdings:
        for item in server.certificates or ():
            if item.has_private_key is False or item.is_pending_request:
                continue
            known = found.get(item.thumbprint)
            found[item.thumbprint] = HeldCertificate(
                thumbprint=item.thumbprint,
                not_before=item.not_before,
                not_after=item.not_after,
                servers=(*(known.servers if known else ()), server.server),
                named=is_named(item),
            )
    return found


def is_named(certificate: ExchangeCertificate) -> bool:
    """Whether it bears the name of Auth certificates."""
    return certificate.subject.casefold() == f"CN={NAME}".casefold()


def create_auth_certificate(
    session: Session,
    *,
    server: str,
    internal_transport: str | None,
    domain_controller: str | None = None,
) -> ExchangeCertificate:
    """Create a self-signed certificate for signing tokens and return it.

    It is enabled for SMTP alone, which lets the services read its key; the question whether it
    shall replace the internal transport certificate is answered No.

    Raises:
        CmdletFailed, UnexpectedPrompt: with the server's words.
        StateNotReached: the answer names no certificate.
        OutcomeUnknown: contact was lost; read the certificates before anything else.
    """
    parameters: dict[str, object] = {
        "Server": server,
        "SubjectName": f"CN={NAME}",
        "FriendlyName": NAME,
        "DomainName": [],
        "KeySize": _KEY_SIZE,
        "PrivateKeyExportable": True,
        "Services": "SMTP",
    }
    if domain_controller:
        parameters["DomainController"] = domain_controller
    with explained(f"Creating an Auth certificate on {server}", details={"server": server}):
        result = session.invoke(
            Cmdlet("New-ExchangeCertificate", parameters),
            # The question names the certificate in use, whose thumbprint is known beforehand.
            answer=smtp_overwrite_policy(internal_transport or "", replace=False),
            changing=True,
        )
    for value in result.output:
        found = certificate_of(value, server=server) if isinstance(value, RemoteObject) else None
        if found is not None:
            return found
    raise StateNotReached(
        f"{server} created an Auth certificate, but its answer does not say which one. Run this "
        "again with its thumbprint.",
        details={"server": server},
    )


def export_in_memory(
    session: Session, thumbprint: str, *, server: str, now: datetime
) -> LoadedCertificate:
    """Take a certificate with its key from a server, under a password that is used once.

    Raises:
        CmdletFailed: the key is not exportable.
        InvalidInput: what came cannot be used.
    """
    password = secrets.token_urlsafe(32)
    data = export_certificate(session, thumbprint, Secret(password), server=server)
    source = CertificateSource(
        pfx_content=base64.b64encode(data).decode("ascii"),
        pfx_password=password,
        thumbprint=thumbprint,
    )
    return load_certificate(source, now=now)


def give_to_server(
    session: Session,
    loaded: LoadedCertificate,
    *,
    server: str,
    friendly_name: str = NAME,
    domain_controller: str | None = None,
) -> None:
    """Import the certificate on one more server, exportable as everywhere.

    Raises:
        CmdletFailed: with the reason in plain words.
        OutcomeUnknown: contact was lost; read the certificates before anything else.
    """
    import_certificate(
        session,
        loaded,
        server=server,
        friendly_name=friendly_name,
        exportable=True,
        domain_controller=domain_controller,
    )


def set_auth_config(
    session: Session, parameters: Mapping[str, object], domain_controller: str | None = None
) -> CmdletResult:
    """Send one Set-AuthConfig.

    Raises:
        CmdletFailed: with what was being set and the server's words.
        OutcomeUnknown: contact was lost; read the configuration before anything else.
    """
    given = dict(parameters)
    if domain_controller:
        given["DomainController"] = domain_controller
    with explained(f"Set-AuthConfig with {', '.join(name for name in parameters)}"):
        return session.invoke(Cmdlet("Set-AuthConfig", given), changing=True)
