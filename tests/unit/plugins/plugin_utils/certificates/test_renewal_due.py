# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate is due by the share of its lifetime that is used, or for a reason before that."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.renewal_due import (
    DueRules,
    in_use,
    judge,
    missing_names,
)

NOW = datetime(2027, 3, 1, tzinfo=timezone.utc)
SMTP = frozenset({"SMTP"})


def certificate(
    *, lifetime: float = 90, used: float = 0, thumbprint: str = "A" * 40, **more: object
) -> ExchangeCertificate:
    """One of so many days, of which so many are used."""
    begin = NOW - timedelta(days=used)
    held = ExchangeCertificate(
        thumbprint=thumbprint,
        subject="CN=mail.contoso.com",
        issuer="CN=CA 1, O=Trust Ltd.",
        dns_names=("mail.contoso.com",),
        not_before=begin,
        not_after=begin + timedelta(days=lifetime),
        services=frozenset({"IIS", "SMTP"}),
        self_signed=False,
        status="Valid",
    )
    return replace(held, **more)  # type: ignore[arg-type]


def due(held: ExchangeCertificate, rules: DueRules = DueRules()) -> bool:  # noqa: B008
    return judge(held, rules, server="EX01", now=NOW).due


@pytest.mark.parametrize("lifetime", [398, 200, 100, 47, 6])
def test_two_thirds_of_any_lifetime(lifetime: float) -> None:
    assert not due(certificate(lifetime=lifetime, used=lifetime * 0.66))
    assert due(certificate(lifetime=lifetime, used=lifetime * 0.67))


@pytest.mark.parametrize(
    ("held", "rules", "reason"),
    [
        (certificate(used=91), DueRules(), "expired on"),
        (certificate(used=70), DueRules(minimum_days=20), "19 days left"),
        (certificate(used=1, status="Revoked"), DueRules(), "revoked"),
        (certificate(used=1), DueRules(revoked=frozenset({"A" * 40})), "revoked"),
        (
            certificate(used=1),
            DueRules(distrusted={"trust ltd": NOW + timedelta(days=30)}),
            "do not trust its issuer from 2027-03-31",
        ),
    ],
)
def test_reasons(held: ExchangeCertificate, rules: DueRules, reason: str) -> None:
    if "days left" in reason:
        held = replace(held, not_after=NOW + timedelta(days=19, hours=1))
    (said,) = judge(held, rules, server="EX01", now=NOW).reasons
    assert reason in said
    assert said.startswith("EX01, ")


def test_an_issuer_that_keeps_trust_until_the_end_is_no_reason() -> None:
    rules = DueRules(distrusted={"trust ltd": NOW + timedelta(days=365)})
    assert not due(certificate(used=1), rules)


def test_jitter_is_the_same_for_one_and_different_for_others_and_only_ever_earlier() -> None:
    held = certificate(used=1)
    plain = judge(held, DueRules(), server="EX01", now=NOW).due_on
    dates = {
        judge(held, DueRules(jitter_days=5, jitter_seed=seed), server="EX01", now=NOW).due_on
        for seed in ("contoso", "contoso", "fabrikam", "tailspin")
    }
    assert len(dates) == 3
    assert plain is not None
    for date in dates:
        assert date is not None
        assert timedelta(0) <= plain - date <= timedelta(days=5)


def test_only_what_is_in_use_counts() -> None:
    old = certificate(used=80)
    new = certificate(used=1, thumbprint="B" * 40)
    own = certificate(used=80, thumbprint="C" * 40, self_signed=True)
    request = certificate(used=80, thumbprint="D" * 40, status="PendingRequest")
    idle = certificate(used=80, thumbprint="E" * 40, services=frozenset())
    assert in_use([old, new, own, request, idle], SMTP) == [new]


def test_a_former_one_counts_no_more_though_it_ends_later_than_its_successor() -> None:
    """SMTP stays on it, and Exchange takes the one that began last."""
    commercial = certificate(lifetime=398, used=200)
    revoked = certificate(lifetime=200, used=20, thumbprint="C" * 40, status="Revoked")
    web = frozenset({"IIS", "SMTP"})
    for former in (commercial, revoked):
        former = replace(former, services=SMTP)
        new = certificate(lifetime=64, used=0, thumbprint="B" * 40)
        assert in_use([former, new], web) == [new]


def test_an_older_one_counts_after_a_rollback_to_it() -> None:
    newer = certificate(used=1, thumbprint="B" * 40, services=SMTP)
    older = certificate(used=40)
    assert in_use([older, newer], frozenset({"IIS", "SMTP"})) == [older, newer]


def test_of_two_that_began_together_the_one_that_ends_last_counts() -> None:
    short, long = certificate(lifetime=47), certificate(lifetime=90, thumbprint="B" * 40)
    assert in_use([short, long], SMTP) == [long]
    assert in_use([long, replace(long, thumbprint="C" * 40)], SMTP) == [
        long,
        replace(long, thumbprint="C" * 40),
    ]


def test_names_that_nothing_uses_do_not_make_a_former_one_count() -> None:
    new = certificate(used=1, thumbprint="B" * 40)
    former = certificate(lifetime=700, used=600, dns_names=("ex01.corp.local",), services=SMTP)
    wider = replace(former, thumbprint="C" * 40, dns_names=("*.contoso.com", "ex01.corp.local"))
    # Where nobody said which names are used, all of them may be.
    assert in_use([former, wider, new], SMTP) == [former, wider, new]
    assert in_use([former, wider, new], SMTP, ["mail.contoso.com"]) == [new]
    # Its wildcard covers a name that the newer one lacks.
    assert in_use([wider, new], SMTP, ["mail.contoso.com", "pop.contoso.com"]) == [wider, new]
    # Nothing has taken its place where nothing newer is.
    assert in_use([former], SMTP, ["mail.contoso.com"]) == [former]


def test_a_former_one_counts_while_it_has_a_name_or_service_of_its_own() -> None:
    new = certificate(used=1, thumbprint="B" * 40)
    wider = certificate(used=80, dns_names=("mail.contoso.com", "pop.contoso.com"))
    assert in_use([wider, new], SMTP) == [wider, new]
    web = certificate(used=1, thumbprint="B" * 40, services=frozenset({"IIS"}))
    old = certificate(used=80)
    assert in_use([old, web], frozenset({"IIS", "SMTP"})) == [old, web]


def test_names_that_are_missing() -> None:
    wildcard = certificate(dns_names=("*.contoso.com",))
    names = ["mail.contoso.com", "contoso.com"]
    assert missing_names([wildcard], names) == ["contoso.com"]
