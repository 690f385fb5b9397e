# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done so that a server, and the organization, are again as a record says?

Pure planning. The order in which it is done keeps mail flowing: first the former certificates serve
again, then the connectors name them, and only then the new certificate goes. It has to go: services
cannot be taken away from a certificate, and Exchange would still choose the newest one for every
connector that goes by a host name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    HybridConfiguration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    ordered,
    render_services,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    Connector,
    SendConnector,
    difference,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.properties import (
    RECEIVE_TLS_PROPERTIES,
    SEND_TLS_PROPERTIES,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.recorded_state import (
    OrganizationState,
    RecordedServer,
    RequestedState,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    read_stored,
)

# Services that Enable-ExchangeCertificate can restore.
_ENABLED = frozenset({"IIS", "SMTP", "IMAP", "POP", "UM", "UMCallRouter"})
_HELD_BY_ONE = frozenset({"IIS", "IMAP", "POP"})


@dataclass(frozen=True, kw_only=True)
class ConnectorRestoration:
    """Settings of a connector that differ from the record, with their recorded values."""

    name: str
    settings: Mapping[str, Any]

    def to_result(self) -> dict[str, Any]:
        """Return the form that the module documents under RETURN; None is an empty text there."""
        return {
            "name": self.name,
            "settings": {
                name: "" if value is None else value for name, value in self.settings.items()
            },
        }


@dataclass
class ServerRollback:
    """What one server needs; nothing may be done while there are ``problems``."""

    server: str
    # Thumbprint and services, in the order in which they are enabled.
    enable: list[tuple[str, list[str]]] = field(default_factory=list)
    # Thumbprint to give the internal transport role back to.
    internal_transport: str | None = None
    receive_connectors: list[ConnectorRestoration] = field(default_factory=list)
    component_states: list[RequestedState] = field(default_factory=list)
    remove: str | None = None
    changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass
class OrganizationRollback:
    """What is done once."""

    send_connectors: list[ConnectorRestoration] = field(default_factory=list)
    # None: nothing to do; an empty text clears it.
    hybrid_tls_certificate_name: str | None = None
    # Send connectors whose recorded value the new certificate bears as well.
    sharing_the_name: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def plan_server_rollback(
    before: RecordedServer, actual: RecordedServer, *, new_thumbprint: str, now: datetime
) -> ServerRollback:
    """Compare a server with its record.

    Args:
        before: the server of ``before.json``.
        actual: the server as it is.
        new_thumbprint: the certificate whose rotation is rolled back.
        now: aware time that validity is judged by.
    """
    plan = ServerRollback(server=before.server)
    _restore_component_states(before, actual, plan)
    _restore_services(before, actual, plan, now)
    _restore_internal_transport(before, actual, plan)
    plan.receive_connectors = _restore_connectors(
        before.receive_connectors, actual.receive_connectors, plan
    )
    new = actual.certificate(new_thumbprint)
    was_there = before.certificate(new_thumbprint)
    if new is not None and was_there is None:
        plan.remove = new_thumbprint
        plan.changes.append(f"Remove certificate {_title(new)} from {plan.server}.")
    elif new is not None and was_there is not None:
        surplus = (new.services or frozenset()) - (was_there.services or frozenset()) - _HELD_BY_ONE
        if surplus:
            plan.warnings.append(
                f"Certificate {_title(new)} was on {plan.server} before the run and serves "
                f"{render_services(surplus)} since. Exchange cannot take a service away from a "
                "certificate: remove it and import it again if that matters."
            )
    return plan


def plan_organization_rollback(
    before: OrganizationState,
    actual: OrganizationState,
    *,
    new: ExchangeCertificate | None,
) -> OrganizationRollback:
    """Compare the organization with its record.

    Args:
        new: the certificate whose rotation is rolled back, where a server holds it.
    """
    plan = OrganizationRollback()
    plan.send_connectors = _restore_connectors(before.send_connectors, actual.send_connectors, plan)
    wanted = _hybrid_name(before.hybrid_configuration)
    if actual.hybrid_configuration is None and before.hybrid_configuration is not None:
        plan.warnings.append("The hybrid configuration of the record does not exist any more.")
    elif wanted != _hybrid_name(actual.hybrid_configuration):
        plan.hybrid_tls_certificate_name = wanted
        plan.changes.append("Set TlsCertificateName of the hybrid configuration.")
    if new is not None:
        plan.sharing_the_name = [
            connector.name
            for connector in before.send_connectors
            if read_stored(connector.tls_certificate_name) == new.tls_certificate_name
        ]
    return plan


def _restore_component_states(
    before: RecordedServer, actual: RecordedServer, plan: ServerRollback
) -> None:
    """A component that is held down now by a requester that did not before is released."""
    for held in actual.component_states or ():
        then = _requested(before, held)
        if before.component_states is None or held.state == then:
            continue
        plan.component_states.append(
            RequestedState(component=held.component, requester=held.requester, state=then)
        )
        plan.changes.append(
            f"Set {held.component} of {plan.server} from {held.state} to {then} "
            f"(requester {held.requester}): an interrupted run left it so."
        )


def _requested(recorded: RecordedServer, like: RequestedState) -> str:
    for item in recorded.component_states or ():
        if (item.component, item.requester) == (like.component, like.requester):
            return item.state
    return "Active"


def _restore_services(
    before: RecordedServer, actual: RecordedServer, plan: ServerRollback, now: datetime
) -> None:
    for then in before.certificates:
        wanted = (then.services or frozenset()) & _ENABLED
        if then.is_bound_to_back_end_only:
            # Enabling it for IIS would put it on the front end, where it never was.
            wanted -= {"IIS"}
        if not wanted:
            continue
        present = actual.certificate(then.thumbprint)
        if present is None:
            plan.problems.append(
                f"{plan.server} does not hold certificate {_title(then)} any more, which served "
                f"{render_services(wanted)} before the run. Import it from its backup with "
                "exchange_certificate, then roll back again."
            )
            continue
        lost = wanted - (present.services if present.services is not None else wanted)
        if "IIS" in wanted and _left_the_front_end(then, present, before, actual):
            lost |= {"IIS"}
        if not lost:
            continue
        plan.enable.append((then.thumbprint, ordered(wanted)))
        plan.changes.append(
            f"Enable certificate {_title(then)} for {render_services(lost)} on {plan.server}."
        )
        if then.not_after is not None and then.not_after <= now:
            plan.warnings.append(
                f"Certificate {_title(then)} on {plan.server} expired on "
                f"{then.not_after:%Y-%m-%d %H:%M} UTC; it serves again all the same, as before the "
                "run."
            )


def _left_the_front_end(
    then: ExchangeCertificate,
    present: ExchangeCertificate,
    before: RecordedServer,
    actual: RecordedServer,
) -> bool:
    """Whether the front end was bound to it and is not any more.

    Exchange's own certificate keeps IIS among its services through the back end site, so the sites
    have to be compared; where they are not known, by who has come to IIS since.
    """
    if then.iis_sites is not None and present.iis_sites is not None:
        return _on_the_front_end(then) and not _on_the_front_end(present)
    holders = [item for item in before.certificates if "IIS" in (item.services or ())]
    newcomers = {item.thumbprint for item in actual.certificates if "IIS" in (item.services or ())}
    newcomers -= {item.thumbprint for item in holders}
    return bool(newcomers) and holders == [then]


def _on_the_front_end(certificate: ExchangeCertificate) -> bool:
    return any(site.rstrip("/").endswith("/1") for site in certificate.iis_sites or ())


def _restore_internal_transport(
    before: RecordedServer, actual: RecordedServer, plan: ServerRollback
) -> None:
    wanted = before.internal_transport
    if wanted is None or actual.internal_transport is None or wanted == actual.internal_transport:
        return
    if actual.certificate(wanted) is None:
        plan.problems.append(
            f"{plan.server} does not hold its former internal transport certificate {wanted} any "
            "more. Make another one with New-ExchangeCertificate, then roll back again."
        )
        return
    plan.internal_transport = wanted
    plan.changes.append(
        f"Give {plan.server} its internal transport certificate {wanted} back, in whose place is "
        f"{actual.internal_transport}."
    )


def _restore_connectors(
    before: Iterable[Connector],
    actual: Iterable[Connector],
    plan: ServerRollback | OrganizationRollback,
) -> list[ConnectorRestoration]:
    existing = list(actual)
    restorations = []
    for then in before:
        connector = _same(then, existing)
        if connector is None:
            plan.warnings.append(f"{then.title} of the record does not exist any more.")
            continue
        settings = _differing(then, connector, plan)
        if not settings:
            continue
        restorations.append(
            ConnectorRestoration(name=connector.identity or connector.name, settings=settings)
        )
        plan.changes.append(f"Set {', '.join(settings)} of {connector.title} as before the run.")
    return restorations


def _same(then: Connector, existing: Iterable[Connector]) -> Connector | None:
    """The connector of the record, by its GUID where that is known: it may have been renamed."""
    for connector in existing:
        if then.guid and connector.guid:
            if then.guid.casefold() == connector.guid.casefold():
                return connector
        elif then.name.casefold() == connector.name.casefold():
            return connector
    return None


def _differing(
    then: Connector, connector: Connector, plan: ServerRollback | OrganizationRollback
) -> dict[str, Any]:
    options = SEND_TLS_PROPERTIES if isinstance(then, SendConnector) else RECEIVE_TLS_PROPERTIES
    wanted = {option.name: getattr(then, option.name) for option in options}
    if wanted["tls_certificate_name"] == connector.tls_certificate_name:
        # Also a text that nobody can read is as it was.
        del wanted["tls_certificate_name"]
    try:
        changed = difference(wanted, connector).changed
    except InvalidInput as error:
        plan.problems.append(f"{then.title} cannot be set as before the run: {error.message}")
        return {}
    return {
        name: sorted(wanted[name]) if isinstance(wanted[name], frozenset) else wanted[name]
        for name in changed
    }


def _hybrid_name(hybrid: HybridConfiguration | None) -> str:
    return (hybrid.tls_certificate_name if hybrid else None) or ""


def _title(certificate: ExchangeCertificate) -> str:
    return f"{certificate.thumbprint} ({certificate.common_name or certificate.subject})"
