# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is due about the federation certificate, and what is left to a person?"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_certificate_plan import (  # noqa: E501
    HeldCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.federation_trust import (  # noqa: E501
    FederationPlan,
    FederationTrust,
    plan_federation,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

NOW = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)
OLD, NEXT = "A" * 40, "B" * 40
DOMAINS = ("FYDIBOHF25SPDLT.contoso.com", "fabrikam.com", "contoso.com")


def plan(trust: FederationTrust, held: dict[str, float], **more: Any) -> FederationPlan:
    """What is due when the certificates have so many days left."""
    certificates = {
        thumbprint: HeldCertificate(
            thumbprint=thumbprint,
            not_before=NOW - timedelta(days=400),
            not_after=NOW + timedelta(days=left),
        )
        for thumbprint, left in held.items()
    }
    options: dict[str, Any] = {
        "state": "managed",
        "thumbprint": None,
        "proofs_published": False,
        "distributed": False,
        "stage_days": 60,
        **more,
    }
    return plan_federation(trust, certificates, now=NOW, **options)


def trust(**more: Any) -> FederationTrust:
    return FederationTrust(name="Trust", current=OLD, domains=DOMAINS, **more)


def test_an_expired_one_is_explained_with_the_domains_that_a_person_knows() -> None:
    found = plan(trust(account_domain="contoso.com"), {OLD: -1})

    assert found.action == "impossible"
    commands = [step for step in found.steps if "-DomainName" in step and "New-Exch" not in step]
    assert commands == [
        "Remove-FederatedDomain -DomainName fabrikam.com -Force",
        "Remove-FederatedDomain -DomainName contoso.com -Force",
        "Publish what this shows as a TXT record of its domain: Get-FederatedDomainProof "
        "-DomainName contoso.com; Get-FederatedDomainProof -DomainName fabrikam.com",
        "Add-FederatedDomain -DomainName fabrikam.com",
    ]
    # Exchange puts its own prefix before the domain.
    (identifier,) = [step for step in found.steps if "OrganizationIdentifier" in step]
    assert "-AccountNamespace contoso.com " in identifier


def test_without_an_account_namespace_the_first_domain_is_taken() -> None:
    steps = plan(trust(), {OLD: -1}).steps
    assert any("-AccountNamespace fabrikam.com " in step for step in steps)


@pytest.mark.parametrize(
    ("named", "held"), [({}, {}), ({"next": NEXT}, {OLD: 30.0})], ids=["current", "next"]
)
def test_nothing_is_taken_for_gone_while_a_server_does_not_answer(
    named: dict[str, str], held: dict[str, float]
) -> None:
    with pytest.raises(InvalidInput, match="on no server that could be read, and EX02 could not"):
        plan(trust(**named), held, unread=["EX02"])


def test_without_any_such_server_it_is_gone() -> None:
    assert plan(trust(), {}).action == "impossible"
    assert plan(trust(next=NEXT), {OLD: 30.0}).action == "stage"
