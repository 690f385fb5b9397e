# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate do a server's Exchange neighbours and Edge servers know it by, and is it kept?

Enabling another certificate for SMTP may replace this internal transport certificate, which breaks
Edge subscriptions. The thumbprint is read before and after a change, and restored if it changed
unasked (Enable-ExchangeCertificate with Force, as Microsoft's own script does).
"""

from __future__ import annotations

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.changes import (
    enable_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    Services,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

_THUMBPRINT_PROPERTY = "InternalTransportCertificateThumbprint"
# What Enable-ExchangeCertificate can be asked for when a certificate gets its services back. IIS is
# left out on purpose: SMTP alone gives the role back, IIS would take the web site away from the new
# certificate, and a certificate of the Exchange Back End site alone would land on the front end.
_RESTORABLE = frozenset({"IMAP", "POP", "SMTP"})


def read_internal_transport_thumbprint(
    session: Session, server: str, domain_controller: str | None = None
) -> str | None:
    """Return the thumbprint of a server's internal transport certificate, or None if unknown.

    Raises:
        StateNotReached: Exchange does not know a server of this name.
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    parameters: dict[str, object] = {"Identity": server}
    if domain_controller:
        parameters["DomainController"] = domain_controller
    values = read_objects(
        session,
        Cmdlet("Get-TransportService", parameters),
        ("Name", "Identity", _THUMBPRINT_PROPERTY),
    )
    # Asked for a server that does not exist, the cmdlet may answer with all of them.
    own = [value for value in values if _is_server(value, server)]
    if not own:
        raise StateNotReached(
            f"Get-TransportService knows no server '{server}'. Set ansible_exchange_server to the "
            "server's name as Exchange knows it.",
            details={"cmdlet": "Get-TransportService", "server": server},
        )
    try:
        return normalize_thumbprint(text_of(own[0].get(_THUMBPRINT_PROPERTY)) or "")
    except InvalidInput:
        return None


def services_to_restore(certificate: ExchangeCertificate | None, taken: Services) -> Services:
    """Return the services to enable a former internal transport certificate for again.

    Args:
        certificate: as it was before the change; None where it was not seen.
        taken: services that the new certificate was enabled for; they stay with it.
    """
    before = (certificate.services if certificate else None) or frozenset()
    return frozenset({"SMTP"}) | ((before & _RESTORABLE) - taken)


def keep_internal_transport_certificate(
    session: Session,
    *,
    server: str,
    before: str | None,
    certificates_before: list[ExchangeCertificate],
    taken: Services,
    domain_controller: str | None = None,
) -> str | None:
    """Check that the internal transport certificate is still the same; restore it if it is not.

    Args:
        before: its thumbprint before the change.
        certificates_before: the server's certificates before the change.
        taken: services that the new certificate was enabled for.

    Returns:
        A sentence about what was done, or None if nothing had to be done.

    Raises:
        StateNotReached: it changed and could not be restored.
    """
    after = read_internal_transport_thumbprint(session, server, domain_controller)
    if before is None or after == before:
        return None
    certificate = find_certificate(certificates_before, before)
    if certificate is None:
        raise StateNotReached(
            f"The internal transport certificate of {server} changed from {before} to {after}, and "
            f"{before} is not among the server's certificates, so it cannot be restored.",
            details={"server": server},
        )
    enable_certificate(
        session,
        before,
        services_to_restore(certificate, taken),
        server=server,
        force=True,
        domain_controller=domain_controller,
    )
    restored = read_internal_transport_thumbprint(session, server, domain_controller)
    if restored != before:
        raise StateNotReached(
            f"The internal transport certificate of {server} changed from {before} to {after} and "
            f"is {restored} even after enabling {before} with -Force. Check subscribed Edge "
            "servers.",
            details={"server": server},
        )
    return (
        f"Gave {server} its internal transport certificate {before} back, which had been replaced "
        f"by {after}."
    )


def _is_server(value: RemoteObject, server: str) -> bool:
    """Compare names; one side may be fully qualified and the other not."""
    wanted = server.strip().casefold()
    for name in ("Name", "Identity", "Fqdn"):
        found = (text_of(value.get(name)) or "").casefold()
        if not found:
            continue
        if found == wanted:
            return True
        qualified = "." in found and "." in wanted
        if not qualified and found.partition(".")[0] == wanted.partition(".")[0]:
            return True
    return False
