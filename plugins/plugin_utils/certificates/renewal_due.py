# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a certificate in use due for renewal, and why?

By the share of its lifetime that is used, so that certificates of 200, 47 or 6 days need no other
setting; and by what ends its use before it expires: revocation, names that it lacks, an issuer
about to be distrusted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    Services,
    ordered,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import (
    covers,
    uncovered,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)


@dataclass(frozen=True, kw_only=True)
class DueRules:
    """When a certificate is due; see the options of exchange_renewal_info."""

    lifetime_share: float = 2 / 3
    minimum_days: int = 0
    names: tuple[str, ...] = ()
    # What counts of a former certificate's names; none means all of them.
    names_in_use: tuple[str, ...] = ()
    revoked: frozenset[str] = frozenset()
    # A part of the issuer's name, and the day from which clients do not trust it any more.
    distrusted: Mapping[str, datetime] | None = None
    # Days by which different organizations are spread, and what makes them different.
    jitter_days: float = 0
    jitter_seed: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is to be said of one certificate in use."""

    certificate: ExchangeCertificate
    due_on: datetime | None
    reasons: tuple[str, ...]

    @property
    def due(self) -> bool:
        return bool(self.reasons)

    def to_result(self, now: datetime) -> dict[str, object]:
        """The verdict as RETURN documents it."""
        return {
            "thumbprint": self.certificate.thumbprint,
            "subject": self.certificate.subject,
            "issuer": self.certificate.issuer,
            "dns_names": list(self.certificate.dns_names),
            "services": ordered(self.certificate.services or ()),
            "not_before": _text(self.certificate.not_before),
            "not_after": _text(self.certificate.not_after),
            "days_left": self.certificate.days_left(now),
            "due": self.due,
            "due_on": _text(self.due_on),
            "reasons": list(self.reasons),
        }


def rules_from(options: Mapping[str, Any]) -> DueRules:
    """The rules of the options that hold wherever a certificate lies (`RENEWAL_OPTIONS`).

    Raises:
        InvalidInput: a value that makes no sense, with its option.
    """
    if options["minimum_days"] < 0:
        raise InvalidInput(f"minimum_days must not be negative, and is {options['minimum_days']}.")
    return DueRules(
        minimum_days=options["minimum_days"],
        revoked=frozenset(map(_revoked, options["revoked_thumbprints"])),
        distrusted={item["issuer"]: _day(item["from"]) for item in options["distrusted_issuers"]},
    )


def in_use(
    certificates: Sequence[ExchangeCertificate],
    services: Services,
    names_in_use: Iterable[str] = (),
) -> list[ExchangeCertificate]:
    """The certificates of authorities that serve any of these services and were not superseded.

    SMTP cannot be taken from a certificate, so a former one keeps it: it does not count once
    another that began later has its services and its names. Of several with one name Exchange takes
    the one that began last, also when an older one ends after it.

    Args:
        names_in_use: What counts of a former certificate's names; without, all of them.
    """
    wanted = tuple(names_in_use)
    serving = [
        item
        for item in certificates
        if item.self_signed is not True
        and not item.is_pending_request
        and (item.services or frozenset()) & services
    ]
    return [
        item
        for item in serving
        if not any(_supersedes(other, item, services, wanted) for other in serving)
    ]


def judge(
    certificate: ExchangeCertificate, rules: DueRules, *, server: str, now: datetime
) -> Verdict:
    """Judge whether a certificate is due, from when, and for which reasons."""
    reasons = []
    due_on = _due_on(certificate, rules)
    if certificate.not_after is not None and certificate.not_after <= now:
        reasons.append(f"it expired on {certificate.not_after:%Y-%m-%d %H:%M} UTC")
    elif due_on is not None and due_on <= now:
        reasons.append(days_left_sentence(certificate.days_left(now)))
    reasons += early_renewal_reasons(
        rules,
        thumbprint=certificate.thumbprint,
        issuer=certificate.issuer,
        not_after=certificate.not_after,
        revoked=(certificate.status or "").casefold() == "revoked",
    )
    title = f"{certificate.thumbprint} ({certificate.common_name or certificate.subject})"
    return Verdict(
        certificate=certificate,
        due_on=due_on,
        reasons=tuple(f"{server}, {title}: {reason}." for reason in reasons),
    )


def early_renewal_reasons(
    rules: DueRules,
    *,
    thumbprint: str,
    issuer: str,
    not_after: datetime | None,
    revoked: bool = False,
) -> list[str]:
    """Why a certificate has to be renewed however many days it has left, wherever it is stored.

    Args:
        revoked: Whether that is known from elsewhere than the rules.
    """
    reasons = ["it is revoked"] if revoked or thumbprint in rules.revoked else []
    for part, day in (rules.distrusted or {}).items():
        if part.casefold() in issuer.casefold() and (not_after is None or not_after > day):
            reasons.append(f"clients do not trust its issuer from {day:%Y-%m-%d} on")
    return reasons


def days_left_sentence(days: int | None) -> str:
    """The reason of a certificate that ends too soon."""
    return f"it has {days} day{'' if days == 1 else 's'} left"


def missing_names(certificates: Iterable[ExchangeCertificate], names: Iterable[str]) -> list[str]:
    """The names that no certificate in use covers."""
    held = list(certificates)
    return [name for name in names if not any(covers(item.names, name) for item in held)]


def _supersedes(
    other: ExchangeCertificate,
    certificate: ExchangeCertificate,
    services: Services,
    names_in_use: tuple[str, ...],
) -> bool:
    mine = (certificate.services or frozenset()) & services
    names = certificate.names
    if names_in_use:
        names = tuple(name for name in names_in_use if covers(certificate.names, name))
    return (
        _is_newer(other, certificate)
        and mine <= (other.services or frozenset())
        and not uncovered(other.names, names)
    )


def _is_newer(other: ExchangeCertificate, certificate: ExchangeCertificate) -> bool:
    if other.not_before is None or certificate.not_before is None:
        return False
    if other.not_before != certificate.not_before:
        return other.not_before > certificate.not_before
    return (
        other.not_after is not None
        and certificate.not_after is not None
        and other.not_after > certificate.not_after
    )


def _due_on(certificate: ExchangeCertificate, rules: DueRules) -> datetime | None:
    """At a share of its lifetime or so many days before its end, less the jitter."""
    begin, end = certificate.not_before, certificate.not_after
    if end is None:
        return None
    moments = [end - timedelta(days=rules.minimum_days)]
    if begin is not None:
        moments.append(begin + (end - begin) * rules.lifetime_share)
    return min(moments) - _jitter(certificate, rules)


def _jitter(certificate: ExchangeCertificate, rules: DueRules) -> timedelta:
    """The same for one certificate of one organization at every run, and different for others."""
    if not rules.jitter_days:
        return timedelta()
    digest = hashlib.sha256(f"{rules.jitter_seed}\0{certificate.thumbprint}".encode()).digest()
    return timedelta(days=rules.jitter_days * int.from_bytes(digest[:8], "big") / 2**64)


def _revoked(text: str) -> str:
    try:
        return normalize_thumbprint(text)
    except InvalidInput as error:
        raise InvalidInput(f"revoked_thumbprints: {error.message}") from None


def _day(text: str) -> datetime:
    try:
        day = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(
            f"distrusted_issuers: '{text}' is no day: give it as 2027-03-15."
        ) from None
    return day if day.tzinfo else day.replace(tzinfo=timezone.utc)


def _text(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
