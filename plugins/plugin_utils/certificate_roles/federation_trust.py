# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the federation trust's certificate, what has to be done about it, and how?

A renewal has a step that nobody can do from here: the new certificate needs a TXT record in the
public DNS of every federated domain before it may be published ("Renew the federation certificate",
Microsoft Learn). An expired one cannot be renewed at all.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_certificate_plan import (  # noqa: E501
    HeldCertificate,
    check_seen,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    certificate_of,
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
    list_of,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import StateNotReached

KEEP, STAGE, PUBLISH, WAIT, IMPOSSIBLE = "keep", "stage", "publish", "wait", "impossible"
# As Microsoft's instruction names it.
FRIENDLY_NAME = "Exchange Delegation Federation"
_KEY_SIZE = 2048
_THUMBPRINTS = ("OrgPrivCertificate", "OrgPrevPrivCertificate", "OrgNextPrivCertificate")
_INSTALLED = "installed"
# The subdomain that Exchange registers for accounts; nobody has to prove it.
_ACCOUNT_NAMESPACE = "fydibohf25spdlt"


@dataclass(frozen=True, kw_only=True)
class FederationTrust:
    """The trust: its certificates by thumbprint, and the domains that are federated."""

    name: str
    current: str | None = None
    previous: str | None = None
    next: str | None = None
    domains: tuple[str, ...] = ()
    # The domain below which Exchange made the account namespace.
    account_domain: str = ""

    @property
    def proved_domains(self) -> tuple[str, ...]:
        """The domains without the subdomain that Exchange adds by itself for accounts."""
        return tuple(
            domain
            for domain in self.domains
            if domain.partition(".")[0].casefold() != _ACCOUNT_NAMESPACE
        )


@dataclass(frozen=True, kw_only=True)
class DomainProof:
    """What a domain's TXT record has to hold."""

    domain: str
    proof: str
    thumbprint: str

    def to_result(self) -> dict[str, object]:
        """The record as RETURN documents it."""
        return {"domain": self.domain, "txt": self.proof, "thumbprint": self.thumbprint}


@dataclass(frozen=True, kw_only=True)
class FederationPlan:
    """What to do; ``steps`` are for a person, where nothing can be done from here."""

    action: str
    reason: str
    thumbprint: str | None = None
    steps: tuple[str, ...] = field(default=())

    @property
    def creates(self) -> bool:
        """Whether a certificate has to be created for it."""
        return self.action == STAGE and self.thumbprint is None


def plan_federation(
    trust: FederationTrust,
    held: Mapping[str, HeldCertificate],
    *,
    state: str,
    thumbprint: str | None,
    proofs_published: bool,
    distributed: bool,
    stage_days: int,
    unread: Sequence[str] = (),
    now: datetime,
) -> FederationPlan:
    """Judge what is due.

    Args:
        state: managed, staged or published, as the option has it.
        thumbprint: a certificate to take instead of creating one.
        proofs_published: whether somebody says that the TXT records are there.
        distributed: whether every server has the next certificate.
        unread: servers that could not be read, and may hold what no other does.

    Raises:
        InvalidInput: only such a server can show whether a certificate of the trust is there.
    """
    current = held.get(trust.current or "")
    for named in (trust.current, trust.next):
        check_seen("federation certificate", named, held, unread)
    if current is None or not current.valid(now):
        return _impossible(trust, current)
    following = held.get(trust.next or "")
    staged = following is not None and following.valid(now) and trust.next != trust.current
    if staged and thumbprint in (None, trust.next):
        return _of_staged(
            trust, state=state, proofs_published=proofs_published, distributed=distributed
        )
    if thumbprint is not None and thumbprint == trust.current:
        return FederationPlan(action=KEEP, reason=f"{thumbprint} is in use.")
    if state == "published":
        return FederationPlan(action=KEEP, reason="No certificate is staged.")
    left = current.days_left(now)
    if state == "managed" and left > stage_days:
        return FederationPlan(action=KEEP, reason=f"The current certificate has {left} days left.")
    return FederationPlan(
        action=STAGE,
        reason=f"The current certificate has {left} days left, and no usable next one is staged.",
        thumbprint=thumbprint or _just_created(trust, held, now),
    )


def _of_staged(
    trust: FederationTrust, *, state: str, proofs_published: bool, distributed: bool
) -> FederationPlan:
    if state == "staged":
        return FederationPlan(action=KEEP, reason=f"{trust.next} is staged.", thumbprint=trust.next)
    if not (proofs_published or state == "published"):
        return FederationPlan(
            action=WAIT,
            reason=f"{trust.next} is staged, and waits for its TXT records.",
            thumbprint=trust.next,
            steps=(
                "Publish the TXT records of `proofs` in the public DNS, leave the former ones, and "
                "run this again with proofs_published: true when they can be seen.",
            ),
        )
    if not distributed:
        return FederationPlan(
            action=WAIT,
            reason=f"{trust.next} is staged, and is not on every server yet.",
            thumbprint=trust.next,
            steps=(
                "See that MSExchangeServiceHost runs on every server, which brings it there, and "
                "run this again.",
            ),
        )
    return FederationPlan(
        action=PUBLISH,
        reason=f"{trust.next} is staged, on every server, and its TXT records are there.",
        thumbprint=trust.next,
    )


def _impossible(trust: FederationTrust, current: HeldCertificate | None) -> FederationPlan:
    what = (
        f"expired on {current.not_after:%Y-%m-%d %H:%M} UTC"
        if current is not None and current.not_after is not None
        else "is on no server"
    )
    domains = trust.proved_domains
    # The domain of the account namespace is set first, and so removed last.
    first = next(
        (item for item in domains if item.casefold() == trust.account_domain.casefold()),
        domains[0] if domains else "contoso.com",
    )
    others = [item for item in domains if item != first]
    removals = [
        f"Remove-FederatedDomain -DomainName {domain} -Force"
        for domain in (*reversed(others), *([first] if domains else []))
    ]
    return FederationPlan(
        action=IMPOSSIBLE,
        reason=f"The federation certificate {trust.current} {what}. It proves to the gateway who "
        "asks, so it cannot be renewed any more: the trust has to be created again.",
        steps=(
            *removals,
            f"Remove-FederationTrust -Identity '{trust.name}'",
            "Create a certificate: New-ExchangeCertificate -DomainName Federation -FriendlyName "
            f"'{FRIENDLY_NAME}' -Services Federation -SubjectKeyIdentifier "
            "([Guid]::NewGuid().ToString('N')) -PrivateKeyExportable $true",
            f"New-FederationTrust -Name '{trust.name}' -Thumbprint <its thumbprint>",
            "Publish what this shows as a TXT record of its domain: "
            + "; ".join(
                f"Get-FederatedDomainProof -DomainName {domain}" for domain in (first, *others)
            ),
            f"Set-FederatedOrganizationIdentifier -DelegationFederationTrust '{trust.name}' "
            f"-AccountNamespace {first} -Enabled $true",
            *(f"Add-FederatedDomain -DomainName {domain}" for domain in others),
        ),
    )


def _just_created(
    trust: FederationTrust, held: Mapping[str, HeldCertificate], now: datetime
) -> str | None:
    """One that an interrupted run created and did not come to name."""
    in_use = {trust.current, trust.previous, trust.next}
    spares = [
        (item.not_before, item.thumbprint)
        for item in held.values()
        if item.named
        and item.thumbprint not in in_use
        and item.valid(now)
        and item.not_before is not None
        and (now - item.not_before).days < 2
    ]
    return max(spares)[1] if spares else None


# -- reading and changing --------------------------------------------------------------------------


def read_federation_thumbprints(session: Session, domain_controller: str | None = None) -> set[str]:
    """Return the certificates that the federation trusts name: current, previous and next.

    Raises:
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    given: dict[str, object] = {"DomainController": domain_controller} if domain_controller else {}
    values = read_objects(session, Cmdlet("Get-FederationTrust", given), _THUMBPRINTS)
    found = {(text_of(value.get(name)) or "").upper() for value in values for name in _THUMBPRINTS}
    return found - {""}


def read_federation_trust(
    session: Session, domain_controller: str | None = None
) -> FederationTrust | None:
    """Read the trust and its domains; None where the organization has none."""
    given: dict[str, object] = {"DomainController": domain_controller} if domain_controller else {}
    values = read_objects(
        session,
        Cmdlet("Get-FederationTrust", given),
        ("Name", *_THUMBPRINTS),
    )
    if not values:
        return None
    identifiers = read_objects(
        session,
        Cmdlet("Get-FederatedOrganizationIdentifier", given),
        ("Domains", "AccountNamespace"),
    )
    domains = [
        text_of(item) or "" for value in identifiers for item in list_of(value.get("Domains"))
    ]

    def thumbprint(name: str) -> str | None:
        return (text_of(values[0].get(name)) or "").upper() or None

    return FederationTrust(
        name=text_of(values[0].get("Name")) or "",
        current=thumbprint("OrgPrivCertificate"),
        previous=thumbprint("OrgPrevPrivCertificate"),
        next=thumbprint("OrgNextPrivCertificate"),
        domains=tuple(filter(None, domains)),
        account_domain=_account_domain(identifiers),
    )


def _account_domain(identifiers: Sequence[RemoteObject]) -> str:
    for value in identifiers:
        prefix, _dot, domain = (text_of(value.get("AccountNamespace")) or "").partition(".")
        if prefix.casefold() == _ACCOUNT_NAMESPACE:
            return domain
        return f"{prefix}.{domain}".strip(".")
    return ""


def read_proofs(
    session: Session,
    trust: FederationTrust,
    thumbprint: str,
    domain_controller: str | None = None,
) -> list[DomainProof]:
    """What the TXT record of each federated domain has to hold for a certificate."""
    proofs = []
    for domain in trust.proved_domains:
        parameters: dict[str, object] = {"DomainName": domain, "Thumbprint": thumbprint}
        if domain_controller:
            parameters["DomainController"] = domain_controller
        values = read_objects(session, Cmdlet("Get-FederatedDomainProof", parameters), ("Proof",))
        proofs += [
            DomainProof(
                domain=domain, proof=text_of(value.get("Proof")) or "", thumbprint=thumbprint
            )
            for value in values
        ]
    return proofs


def read_distribution(
    session: Session, thumbprint: str, domain_controller: str | None = None
) -> list[str]:
    """The state of a certificate on each server; the cmdlet does not name the servers."""
    given: dict[str, object] = {"DomainController": domain_controller} if domain_controller else {}
    values = read_objects(
        session, Cmdlet("Test-FederationTrustCertificate", given), ("State", "Thumbprint")
    )
    return [
        text_of(value.get("State")) or ""
        for value in values
        if (text_of(value.get("Thumbprint")) or "").upper() == thumbprint
    ]


def is_distributed(states: Sequence[str]) -> bool:
    """Whether every server has the certificate."""
    return bool(states) and all(state.casefold() == _INSTALLED for state in states)


def create_federation_certificate(
    session: Session, *, server: str, domain_controller: str | None = None
) -> str:
    """Create a self-signed certificate for the trust and return its thumbprint.

    Raises:
        StateNotReached: the answer names no certificate.
        OutcomeUnknown: contact was lost; read the certificates before anything else.
    """
    parameters: dict[str, object] = {
        "Server": server,
        "DomainName": ["Federation"],
        "FriendlyName": FRIENDLY_NAME,
        "Services": "Federation",
        "SubjectKeyIdentifier": uuid.uuid4().hex,
        "KeySize": _KEY_SIZE,
        "PrivateKeyExportable": True,
    }
    if domain_controller:
        parameters["DomainController"] = domain_controller
    with explained(f"Creating a federation certificate on {server}", details={"server": server}):
        result = session.invoke(Cmdlet("New-ExchangeCertificate", parameters), changing=True)
    for value in result.output:
        found = certificate_of(value, server=server) if isinstance(value, RemoteObject) else None
        if found is not None:
            return found.thumbprint
    raise StateNotReached(
        f"{server} created a federation certificate, but its answer does not say which one. Run "
        "this again with its thumbprint.",
        details={"server": server},
    )


def set_federation_trust(
    session: Session,
    trust: FederationTrust,
    parameters: Mapping[str, object],
    domain_controller: str | None = None,
) -> CmdletResult:
    """Send one Set-FederationTrust.

    Raises:
        CmdletFailed: with what was being set and the server's words.
        OutcomeUnknown: contact was lost; read the trust before anything else.
    """
    given: dict[str, object] = {"Identity": trust.name, **parameters}
    if domain_controller:
        given["DomainController"] = domain_controller
    with explained(f"Set-FederationTrust with {', '.join(parameters)}"):
        return session.invoke(Cmdlet("Set-FederationTrust", given), changing=True)
