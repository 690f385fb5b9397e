# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is due about the Auth certificate follows from dates and presence alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_certificate_plan import (  # noqa: E501
    AuthLimits,
    AuthPlan,
    AuthState,
    HeldCertificate,
    plan_cleared,
    plan_managed,
    plan_published,
    plan_replaced,
    plan_staged,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

NOW = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)
OLD, NEXT, SPARE = "A" * 40, "B" * 40, "C" * 40
LIMITS = AuthLimits()


def held(thumbprint: str, *, left: float, age: float = 400, named: bool = True) -> HeldCertificate:
    """One that ends in so many days and began so many days ago."""
    return HeldCertificate(
        thumbprint=thumbprint,
        not_before=NOW - timedelta(days=age),
        not_after=NOW + timedelta(days=left),
        servers=("EX01",),
        named=named,
    )


def managed(state: AuthState, *certificates: HeldCertificate) -> AuthPlan:
    return plan_managed(state, {item.thumbprint: item for item in certificates}, LIMITS, now=NOW)


CURRENT = AuthState(current=OLD)
STAGED = AuthState(current=OLD, next=NEXT, next_effective=NOW + timedelta(hours=30))


@pytest.mark.parametrize(
    ("state", "certificates", "action", "thumbprint", "reason"),
    [
        pytest.param(CURRENT, [held(OLD, left=61)], "keep", None, "61 days left", id="time left"),
        pytest.param(CURRENT, [held(OLD, left=60)], "stage", None, "60 days left", id="due"),
        pytest.param(CURRENT, [held(OLD, left=-1)], "replace", None, "expired on", id="expired"),
        pytest.param(CURRENT, [], "replace", None, "No server holds", id="nowhere"),
        pytest.param(AuthState(), [], "replace", None, "No current certificate", id="none named"),
        pytest.param(
            CURRENT, [held(OLD, left=100, age=-1)], "replace", None, "valid only from", id="future"
        ),
        pytest.param(
            STAGED,
            [held(OLD, left=30), held(NEXT, left=1800)],
            "keep",
            None,
            "takes over on 2026-11-28",
            id="staged and waiting",
        ),
        pytest.param(
            STAGED,
            [held(OLD, left=30), held(NEXT, left=120)],
            "stage",
            None,
            "the next one no more than 120",
            id="staged one ends soon, too",
        ),
        pytest.param(
            STAGED,
            [held(OLD, left=30)],
            "stage",
            None,
            "no usable next one",
            id="staged one is nowhere",
        ),
        pytest.param(
            STAGED,
            [held(OLD, left=-1), held(NEXT, left=1800)],
            "replace",
            NEXT,
            "expired on",
            id="expired with a staged one: that one takes over",
        ),
        pytest.param(
            STAGED,
            [held(OLD, left=1), held(NEXT, left=1800)],
            "replace",
            NEXT,
            "before the next one would take its place",
            id="ends before the staged one would begin",
        ),
        pytest.param(
            CURRENT,
            [held(OLD, left=2)],
            "replace",
            None,
            "too soon for another one to be staged",
            id="ends before one could be staged",
        ),
        pytest.param(
            replace(STAGED, next_effective=NOW - timedelta(hours=25)),
            [held(OLD, left=30), held(NEXT, left=1800)],
            "publish",
            NEXT,
            "no server has published it",
            id="overdue",
        ),
        pytest.param(
            replace(STAGED, next_effective=NOW - timedelta(hours=12)),
            [held(OLD, left=30), held(NEXT, left=1800)],
            "keep",
            None,
            "takes over",
            id="due, and Exchange has its next turn yet",
        ),
        pytest.param(
            CURRENT,
            [held(OLD, left=60), held(SPARE, left=1800, age=0.1)],
            "stage",
            SPARE,
            "60 days left",
            id="an interrupted run has created one just now",
        ),
        pytest.param(
            CURRENT,
            [held(OLD, left=60), held(SPARE, left=1800, age=90)],
            "stage",
            None,
            "60 days left",
            id="an old one is not taken: it may have been replaced for a reason",
        ),
        pytest.param(
            CURRENT,
            [held(OLD, left=60), held(SPARE, left=1800, age=0.1, named=False)],
            "stage",
            None,
            "60 days left",
            id="nor one of another name",
        ),
    ],
)
def test_managed(
    state: AuthState,
    certificates: list[HeldCertificate],
    action: str,
    thumbprint: str | None,
    reason: str,
) -> None:
    plan = managed(state, *certificates)
    assert (plan.action, plan.thumbprint) == (action, thumbprint)
    assert reason in plan.reason


def test_a_staged_one_takes_over_after_49_hours() -> None:
    assert managed(CURRENT, held(OLD, left=20)).effective == NOW + timedelta(hours=49)


@pytest.mark.parametrize("every_days", [1, 7, 30])
def test_a_job_run_regularly_keeps_it_valid_for_twenty_years(every_days: int) -> None:
    """Exchange publishes by itself every 12 hours; certificates are of five years."""
    now = NOW
    certificates = {OLD: held(OLD, left=200)}
    state = AuthState(current=OLD)
    renewals = []
    while now < NOW + timedelta(days=20 * 365):
        plan = plan_managed(state, certificates, LIMITS, now=now)
        assert plan.action in ("keep", "stage"), plan.reason
        if plan.action == "stage":
            thumbprint = f"{len(certificates):040d}"
            certificates[thumbprint] = HeldCertificate(
                thumbprint=thumbprint,
                not_before=now,
                not_after=now + timedelta(days=5 * 365),
                named=True,
            )
            state = replace(state, next=thumbprint, next_effective=plan.effective)
            renewals.append(now)
        for _half_day in range(every_days * 2):
            now += timedelta(hours=12)
            if state.next and state.next_effective and state.next_effective <= now:
                state = AuthState(current=state.next, previous=state.current)
            current = certificates[state.current or ""]
            assert current.not_after is not None
            assert now < current.not_after
    assert len(renewals) == 5


@pytest.mark.parametrize(
    ("state", "wanted", "action", "thumbprint"),
    [
        (CURRENT, None, "stage", None),
        (CURRENT, NEXT, "stage", NEXT),
        (STAGED, None, "keep", NEXT),
        (STAGED, NEXT, "keep", NEXT),
        (STAGED, SPARE, "stage", SPARE),
        (STAGED, OLD, "keep", OLD),
    ],
)
def test_staged(state: AuthState, wanted: str | None, action: str, thumbprint: str | None) -> None:
    certificates = {name: held(name, left=900) for name in (OLD, NEXT, SPARE)}
    plan = plan_staged(state, certificates, LIMITS, thumbprint=wanted, now=NOW)
    assert (plan.action, plan.thumbprint) == (action, thumbprint)


def published(
    state: AuthState, *certificates: HeldCertificate, thumbprint: str | None = None
) -> AuthPlan:
    known = {item.thumbprint: item for item in certificates}
    return plan_published(state, known, thumbprint=thumbprint, now=NOW)


def test_published() -> None:
    assert published(STAGED, held(NEXT, left=900)).thumbprint == NEXT
    assert published(CURRENT).action == "keep"
    assert published(CURRENT, thumbprint=OLD).action == "keep"


@pytest.mark.parametrize(
    ("certificates", "reason"),
    [
        ([held(NEXT, left=-1)], "The next certificate .* expired on"),
        ([held(NEXT, left=900, age=-1)], "is valid only from"),
        ([held(OLD, left=900)], "No server holds the next certificate"),
    ],
)
def test_what_no_token_can_be_signed_with_is_not_published(
    certificates: list[HeldCertificate], reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        published(STAGED, *certificates)


# -- a server that does not answer ----------------------------------------------------------------


def test_the_current_one_is_not_taken_for_gone_while_a_server_does_not_answer() -> None:
    nothing: dict[str, HeldCertificate] = {}
    with pytest.raises(InvalidInput, match=f"{OLD} is on no server that could be read, and EX02"):
        plan_managed(CURRENT, nothing, LIMITS, unread=["EX02"], now=NOW)
    with pytest.raises(InvalidInput, match="EX02 could not be"):
        plan_replaced(CURRENT, nothing, thumbprint=None, force=False, unread=["EX02"], now=NOW)
    forced = plan_replaced(CURRENT, nothing, thumbprint=None, force=True, unread=["EX02"], now=NOW)
    assert forced.action == "replace"
    with pytest.raises(InvalidInput, match=f"{NEXT} is on no server that could be read"):
        plan_published(STAGED, nothing, thumbprint=None, unread=["EX02"], now=NOW)


@pytest.mark.parametrize(("left", "action"), [(31, "keep"), (30, "stage")])
def test_a_staged_one_that_is_out_of_sight_is_waited_for_half_the_time(
    left: float, action: str
) -> None:
    certificates = {OLD: held(OLD, left=left)}
    plan = plan_managed(STAGED, certificates, LIMITS, unread=["EX02"], now=NOW)
    assert plan.action == action
    assert ("may be on EX02" in plan.reason) == (action == "keep")


@pytest.mark.parametrize(
    ("left", "wanted", "force", "action"),
    [
        (900, None, False, "keep"),
        (900, None, True, "replace"),
        (-1, None, False, "replace"),
        (900, OLD, False, "keep"),
        (900, NEXT, False, "replace"),
    ],
)
def test_replaced(left: float, wanted: str | None, force: bool, action: str) -> None:
    certificates = {OLD: held(OLD, left=left), NEXT: held(NEXT, left=900)}
    plan = plan_replaced(CURRENT, certificates, thumbprint=wanted, force=force, now=NOW)
    assert (plan.action, plan.creates) == (action, action == "replace" and wanted is None)


def test_cleared() -> None:
    assert plan_cleared(CURRENT).action == "keep"
    assert plan_cleared(AuthState(current=OLD, previous=NEXT)).action == "clear"
