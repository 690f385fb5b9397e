# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change so that one certificate takes the place of others, on a server and beyond?

Pure planning: certificates, connectors and the new certificate in, a plan out. Nothing here talks
to a server, so the whole rotation is known before its first change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    HybridConfiguration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.new_certificate import (
    NewCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    EXCLUSIVE_SERVICES,
    Services,
    check_names_suit,
    missing_services,
    render_services,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    Connector,
    ReceiveConnector,
    SendConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.plan import (
    ConnectorChange,
    OrganizationPlan,
    ServerPlan,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.smtp_selection import (
    names_presenting,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.distinguished_name import (
    common_name,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import (
    covers,
    uncovered,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    is_canonical,
    read_stored,
)

__all__ = [
    "ConnectorChange",
    "OrganizationPlan",
    "ServerPlan",
    "find_outgoing",
    "plan_organization",
    "plan_server",
]

# A certificate that stays in service is worth a word when it has no more days than this.
_SOON = 30


@dataclass
class _Findings:
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)


def plan_server(
    new: NewCertificate,
    *,
    server: str,
    certificates: Sequence[ExchangeCertificate],
    receive_connectors: Iterable[ReceiveConnector] = (),
    services: Services,
    outgoing: Iterable[str] | None = None,
    now: datetime,
) -> ServerPlan:
    """Plan one server.

    Args:
        certificates: all that the server has.
        services: what the new certificate is to serve.
        outgoing: thumbprints to replace; None finds them (see ``find_outgoing``).
        now: aware time that days are counted from.

    Raises:
        InvalidInput: a value of ``outgoing`` is no thumbprint.
    """
    findings = _Findings()
    named = None if outgoing is None else {normalize_thumbprint(item) for item in outgoing}
    leaving = find_outgoing(new, certificates, services=services, named=named)
    present = find_certificate(list(certificates), new.thumbprint)
    to_enable = services if present is None else missing_services(services, present.services)
    _judge_new(new, present, services, findings, server)
    _judge_validity(new, present, findings, server, now)
    _judge_named(new, leaving, named, findings, server)
    _judge_staying(new, certificates, leaving, services, findings, server, now)
    _judge_same_name(new, certificates, findings, server)
    if present is None:
        findings.changes.append(f"Import certificate {new.title} on {server}.")
    if to_enable:
        findings.changes.append(
            f"Enable certificate {new.title} for {render_services(to_enable)} on {server}."
        )
    connectors = tuple(receive_connectors)
    present_services = (present.services if present else None) or frozenset()
    serves_smtp = "SMTP" in services | present_services
    connector_changes = _connector_changes(
        new,
        connectors if serves_smtp else (),
        leaving if named is not None else _replaceable(new, certificates),
        certificates,
        findings,
        follow_lost=named is None,
    )
    return ServerPlan(
        server=server,
        needs_import=present is None,
        services_to_enable=to_enable,
        serves_smtp=serves_smtp,
        outgoing=tuple(leaving),
        receive_connectors=tuple(connector_changes),
        smtp_names=names_presenting(
            new,
            connectors=connectors if serves_smtp else (),
            repointed={change.name for change in connector_changes},
            certificates=certificates,
            now=now,
        ),
        warnings=tuple(findings.warnings),
        problems=tuple(findings.problems),
        changes=tuple(findings.changes),
    )


def plan_organization(
    new: NewCertificate,
    *,
    outgoing: Sequence[ExchangeCertificate],
    certificates: Sequence[ExchangeCertificate] = (),
    send_connectors: Iterable[SendConnector] = (),
    hybrid_configuration: HybridConfiguration | None = None,
    outgoing_was_named: bool = False,
    serves_smtp: bool = True,
) -> OrganizationPlan:
    """Plan what belongs to the organization.

    Args:
        outgoing: the certificates that leave, of one or of all servers.
        certificates: those servers' certificates; a Send connector that names none of them but a
            name of the new certificate points into the void and is repaired, too.
        outgoing_was_named: repair nothing but what names the outgoing certificates.
        serves_smtp: of the ServerPlan; without SMTP there is nothing to change.
    """
    if not serves_smtp:
        return OrganizationPlan()
    findings = _Findings()
    changes = _connector_changes(
        new,
        send_connectors,
        outgoing if outgoing_was_named else (*outgoing, *_replaceable(new, certificates)),
        certificates,
        findings,
        follow_lost=not outgoing_was_named,
    )
    stored = hybrid_configuration.tls_certificate_name if hybrid_configuration else None
    hybrid_names_outgoing = _names_leaving(stored, new, outgoing)
    if hybrid_names_outgoing:
        findings.warnings.append(
            f"The hybrid configuration names an outgoing certificate ({stored}). Run the Hybrid "
            "Configuration Wizard, or Set-HybridConfiguration -TlsCertificateName "
            f'"{new.tls_certificate_name}".'
        )
    return OrganizationPlan(
        send_connectors=tuple(changes),
        hybrid_names_outgoing=hybrid_names_outgoing,
        warnings=tuple(findings.warnings),
        changes=tuple(findings.changes),
    )


def find_outgoing(
    new: NewCertificate,
    certificates: Iterable[ExchangeCertificate],
    *,
    services: Services,
    named: set[str] | None = None,
) -> list[ExchangeCertificate]:
    """Return the certificates that the new one replaces.

    Named ones are taken as they are. Otherwise these are all others that are not self-signed, no
    pending request, serve a wanted service (or may do so, where the server does not say) and
    whose every name the new certificate covers. So leftovers of an interrupted run and several
    old certificates with one name are found as well.
    """
    others = [item for item in certificates if item.thumbprint != new.thumbprint]
    if named is not None:
        return [item for item in others if item.thumbprint in named]
    return [
        item
        for item in _replaceable(new, others)
        if item.services is None or item.services & services
    ]


def _replaceable(
    new: NewCertificate, certificates: Iterable[ExchangeCertificate]
) -> list[ExchangeCertificate]:
    """Return the other certificates that the new one could replace, whatever they serve.

    A connector that names one of them is repointed even if it serves nothing any more.
    """
    return [
        item
        for item in certificates
        if item.thumbprint != new.thumbprint
        and not item.self_signed
        and not item.is_pending_request
        and item.names
        and not uncovered(new.names, item.names)
    ]


def _judge_new(
    new: NewCertificate,
    present: ExchangeCertificate | None,
    services: Services,
    findings: _Findings,
    server: str,
) -> None:
    try:
        check_names_suit(services, new.common_name, list(new.dns_names))
    except InvalidInput as error:
        findings.problems.append(error.message)
    if present is None:
        return
    if present.has_private_key is False:
        findings.problems.append(
            f"{server} holds the certificate {new.title} without its private key. On the server, "
            "repair it with certutil -repairstore my <serial number> or delete it, and run again."
        )
    if (present.status or "").casefold() == "revoked":
        findings.problems.append(f"The certificate {new.title} is revoked ({server}).")
    elif (present.status or "Valid").casefold() not in ("valid", "unknown"):
        findings.warnings.append(
            f"{server} reports the status {present.status} for the certificate {new.title}."
        )
    if present.services is None and services:
        findings.warnings.append(
            f"The services of certificate {new.title} cannot be read on {server}; they will be "
            "enabled again, which does no harm."
        )


def _judge_validity(
    new: NewCertificate,
    present: ExchangeCertificate | None,
    findings: _Findings,
    server: str,
    now: datetime,
) -> None:
    """Refuse what no connector may name; a file was judged when it was read, a thumbprint not."""
    if present is not None and present.is_pending_request:
        findings.problems.append(
            f"{new.title} on {server} is a request that waits for its certificate: import the "
            "reply of the authority on that server first."
        )
    if new.not_after is not None and new.not_after < now:
        findings.problems.append(
            f"The certificate {new.title} expired on {new.not_after:%Y-%m-%d %H:%M} UTC: get a new "
            "one first."
        )
    elif new.not_before is not None and now < new.not_before:
        findings.problems.append(
            f"The certificate {new.title} is not valid before "
            f"{new.not_before:%Y-%m-%d %H:%M} UTC: wait until then."
        )


def _judge_named(
    new: NewCertificate,
    leaving: Iterable[ExchangeCertificate],
    named: set[str] | None,
    findings: _Findings,
    server: str,
) -> None:
    if named is None:
        return
    findings.warnings.extend(
        f"outgoing names {thumbprint}, which {server} does not have. Check it for a slip of the "
        "pen; connectors that name a certificate are found only where it is."
        for thumbprint in sorted(named - {item.thumbprint for item in leaving} - {new.thumbprint})
    )
    if new.thumbprint in named:
        findings.problems.append(
            f"outgoing names the new certificate {new.title} itself: leave it out."
        )
    for certificate in leaving:
        lost = uncovered(new.names, certificate.names)
        if lost:
            findings.warnings.append(
                f"The outgoing certificate {_title(certificate)} covers names that the new one "
                f"does not: {', '.join(lost)}."
            )


def _judge_staying(
    new: NewCertificate,
    certificates: Iterable[ExchangeCertificate],
    leaving: Sequence[ExchangeCertificate],
    services: Services,
    findings: _Findings,
    server: str,
    now: datetime,
) -> None:
    for certificate in certificates:
        # Self-signed ones are Exchange's own: they keep the back end site and internal transport.
        if certificate.thumbprint == new.thumbprint or certificate.self_signed:
            continue
        served = (certificate.services or frozenset()) & services
        if certificate in leaving or not served:
            continue
        lost = uncovered(new.names, certificate.names)
        # Without lost names it is one that the list of outgoing certificates leaves out.
        why = f"the new one lacks its names {', '.join(lost)}" if lost else "outgoing leaves it out"
        if served & EXCLUSIVE_SERVICES:
            remedy = "Get a certificate with these names, leave" if lost else "Leave"
            findings.problems.append(
                f"On {server} the certificate {_title(certificate)} serves "
                f"{render_services(served & EXCLUSIVE_SERVICES)}, and {why}. {remedy} the service "
                f"out, or name the old one with outgoing: [{certificate.thumbprint}]."
            )
        elif (days := certificate.days_left(now)) is not None and days <= _SOON:
            findings.warnings.append(
                f"On {server} the certificate {_title(certificate)} still serves "
                f"{render_services(served)} and has {days} days left; it is not replaced, because "
                f"{why}."
            )


def _judge_same_name(
    new: NewCertificate,
    certificates: Iterable[ExchangeCertificate],
    findings: _Findings,
    server: str,
) -> None:
    """Warn where Exchange, which takes the newest of one name, would not take the new one."""
    for certificate in certificates:
        if (
            certificate.thumbprint != new.thumbprint
            and certificate.tls_certificate_name == new.tls_certificate_name
            and certificate.not_before
            and new.not_before
            and certificate.not_before > new.not_before
        ):
            findings.warnings.append(
                f"{server} has the certificate {_title(certificate)} with the same issuer and "
                "subject, issued later than the new one. Exchange prefers the later one for its "
                "connectors: check that the file is the newest."
            )


def _connector_changes(
    new: NewCertificate,
    connectors: Iterable[Connector],
    leaving: Sequence[ExchangeCertificate],
    certificates: Sequence[ExchangeCertificate],
    findings: _Findings,
    *,
    follow_lost: bool,
) -> list[ConnectorChange]:
    changes = []
    for connector in connectors:
        stored = connector.tls_certificate_name
        lost = follow_lost and _points_into_the_void(stored, new, certificates)
        if not (lost or _names_leaving(stored, new, leaving) or _is_misspelled(stored, new)):
            continue
        if lost:
            findings.warnings.append(
                f"{connector.title} names a certificate that is not there ({stored}). The new one "
                "has its name, so it will be named instead."
            )
        changes.append(
            ConnectorChange(
                name=connector.identity or connector.name,
                title=connector.title,
                before=stored,
                after=new.tls_certificate_name.render(),
                source_transport_servers=connector.source_transport_servers
                if isinstance(connector, SendConnector)
                else None,
            )
        )
        findings.changes.append(f"Point {connector.title} to certificate {new.title}.")
    return changes


def _names_leaving(
    stored: str | None, new: NewCertificate, leaving: Iterable[ExchangeCertificate]
) -> bool:
    name = read_stored(stored)
    if name is None or name == new.tls_certificate_name:
        return False
    return any(name == certificate.tls_certificate_name for certificate in leaving)


def _is_misspelled(stored: str | None, new: NewCertificate) -> bool:
    """Whether a value means the new certificate in a spelling Exchange does not find it by."""
    if not stored:
        return False
    return read_stored(stored) == new.tls_certificate_name and not is_canonical(stored)


def _points_into_the_void(
    stored: str | None, new: NewCertificate, certificates: Sequence[ExchangeCertificate]
) -> bool:
    """Whether a value names no known certificate, but the new one covers its name."""
    name = read_stored(stored)
    if name is None or not certificates or name == new.tls_certificate_name:
        return False
    if any(name == certificate.tls_certificate_name for certificate in certificates):
        return False
    host_name = common_name(name.subject)
    return bool(host_name) and covers(new.names, host_name or "")


def _title(certificate: ExchangeCertificate) -> str:
    name = certificate.common_name or next(iter(certificate.dns_names), "no name")
    return f"{certificate.thumbprint} ({name})"
