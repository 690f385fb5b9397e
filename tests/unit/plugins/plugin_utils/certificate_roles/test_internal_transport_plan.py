# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An internal transport certificate is created again when it is no good, never without a reason."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.internal_transport_plan import (  # noqa: E501
    InternalTransportPlan,
    InternalTransportState,
    plan_internal_transport,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

NOW = datetime(2026, 11, 27, tzinfo=timezone.utc)
OWN, OTHER = "A" * 40, "B" * 40


def certificate(thumbprint: str, *, left: float, key: bool = True) -> ExchangeCertificate:
    return ExchangeCertificate(
        thumbprint=thumbprint,
        subject="CN=EX01",
        issuer="CN=EX01",
        not_after=NOW + timedelta(days=left),
        has_private_key=key,
    )


def plan(
    held: ExchangeCertificate | None,
    *others: ExchangeCertificate,
    named: str | None = OWN,
    wanted: str | None = None,
    recreate: str = "when_needed",
) -> InternalTransportPlan:
    return plan_internal_transport(
        InternalTransportState(server="EX01", thumbprint=named, certificate=held),
        [*([held] if held else []), *others],
        wanted=wanted,
        recreate=recreate,
        days_left=30,
        now=NOW,
    )


@pytest.mark.parametrize(
    ("held", "named", "recreate", "action", "reason"),
    [
        (certificate(OWN, left=31), OWN, "when_needed", "keep", "31 days left"),
        (certificate(OWN, left=30), OWN, "when_needed", "recreate", "30 days left"),
        (certificate(OWN, left=-1), OWN, "when_needed", "recreate", "expired on"),
        (None, OWN, "when_needed", "recreate", "not in its store"),
        (None, None, "when_needed", "recreate", "names no internal transport"),
        (None, OWN, "never", "keep", "not in its store"),
        (certificate(OWN, left=900), OWN, "always", "recreate", "was asked for"),
    ],
)
def test_what_is_due(
    held: ExchangeCertificate | None, named: str | None, recreate: str, action: str, reason: str
) -> None:
    found = plan(held, named=named, recreate=recreate)
    assert found.action == action
    assert reason in found.reason


def test_the_role_goes_to_a_certificate_that_is_named() -> None:
    other = certificate(OTHER, left=900)
    found = plan(certificate(OWN, left=900), other, wanted=OTHER)
    assert (found.action, found.thumbprint) == ("restore", OTHER)
    assert plan(certificate(OWN, left=900), wanted=OWN).action == "keep"


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ([], "has no certificate"),
        ([certificate(OTHER, left=900, key=False)], "has no certificate"),
        ([certificate(OTHER, left=-1)], "expired on"),
    ],
)
def test_one_that_cannot_have_it_is_refused(others: list[ExchangeCertificate], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        plan(certificate(OWN, left=900), *others, wanted=OTHER)
