# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done about the certificate that signs OAuth tokens, and why?

Pure judgement. The limits are those of Microsoft's own script MonitorExchangeAuthCertificate:
replace what is not valid, stage the next one when the current has 60 days left and there is none
yet or one with no more than 120 days; and those of "Maintain the OAuth certificate": a staged one
takes effect after at least 48 hours, in which every server gets it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

KEEP, STAGE, PUBLISH, REPLACE, CLEAR = "keep", "stage", "publish", "replace", "clear"
# Set-AuthConfig asks when a date is nearer than this.
UNASKED = timedelta(hours=48)
# The servicelet publishes by itself, every 12 hours; after this it has missed two turns.
_OVERDUE = timedelta(hours=24)
_RECENT = timedelta(days=2)
_OTHERWISE = "to have another certificate at once, use state: replaced with force: true"


@dataclass(frozen=True, kw_only=True)
class AuthState:
    """The Auth configuration, by thumbprint."""

    current: str | None = None
    previous: str | None = None
    next: str | None = None
    next_effective: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class HeldCertificate:
    """A certificate that at least one server holds; dates are None where no server shows them."""

    thumbprint: str
    not_before: datetime | None = None
    not_after: datetime | None = None
    servers: tuple[str, ...] = ()
    # Whether it bears the name of Auth certificates; others are taken only when a task names them.
    named: bool = False

    def valid(self, now: datetime) -> bool:
        """Whether tokens can be signed with it now."""
        return not (
            (self.not_after is not None and self.not_after <= now)
            or (self.not_before is not None and self.not_before > now)
        )

    def days_left(self, now: datetime) -> int:
        """Whole days until it ends; many where that is not known."""
        return (self.not_after - now).days if self.not_after is not None else 99_999


@dataclass(frozen=True, kw_only=True)
class AuthLimits:
    """When something is done; days are days left."""

    stage_days: int = 60
    next_days: int = 120
    effective_hours: float = 49


@dataclass(frozen=True, kw_only=True)
class AuthPlan:
    """What to do; with no ``thumbprint``, a certificate has to be created first."""

    action: str
    reason: str
    thumbprint: str | None = None
    effective: datetime | None = None

    @property
    def changes_something(self) -> bool:
        return self.action != KEEP

    @property
    def creates(self) -> bool:
        """Whether a certificate has to be created for it."""
        return self.action in (STAGE, REPLACE) and self.thumbprint is None


def plan_managed(
    state: AuthState,
    held: Mapping[str, HeldCertificate],
    limits: AuthLimits,
    *,
    unread: Sequence[str] = (),
    now: datetime,
) -> AuthPlan:
    """What keeps the organization in valid certificates for ever, when asked regularly.

    Args:
        held: what any server holds, by thumbprint.
        unread: servers that could not be read, and may hold what no other does.

    Raises:
        InvalidInput: only such a server can show whether the current certificate is there.
    """
    check_seen("current certificate", state.current, held, unread, otherwise=_OTHERWISE)
    current = held.get(state.current or "")
    following = held.get(state.next or "")
    usable_next = following if following is not None and following.valid(now) else None
    spare = _just_created(state, held, now)
    trouble = _trouble("current", state.current, current, now)
    if trouble or current is None:
        return AuthPlan(
            action=REPLACE,
            reason=trouble or "",
            thumbprint=usable_next.thumbprint if usable_next else spare,
        )
    due = state.next_effective or now
    if usable_next is not None and state.next != state.current:
        if now - due > _OVERDUE:
            return AuthPlan(
                action=PUBLISH,
                reason=f"The next certificate has been due since {due:%Y-%m-%d %H:%M} UTC, and no "
                "server has published it.",
                thumbprint=usable_next.thumbprint,
            )
        if current.not_after is not None and current.not_after <= due:
            return AuthPlan(
                action=REPLACE,
                reason=f"The current certificate ends on {current.not_after:%Y-%m-%d %H:%M} UTC, "
                "before the next one would take its place.",
                thumbprint=usable_next.thumbprint,
            )
    left = current.days_left(now)
    if left > limits.stage_days:
        return AuthPlan(action=KEEP, reason=f"The current certificate has {left} days left.")
    effective = now + timedelta(hours=limits.effective_hours)
    # As long as there is time, a staged one is not replaced because of a server that is away.
    if state.next and following is None and unread and left > limits.stage_days // 2:
        return AuthPlan(
            action=KEEP,
            reason=f"The next certificate {state.next} is on no server that could be read, and "
            f"may be on {', '.join(unread)}.",
        )
    if usable_next is not None and usable_next.days_left(now) > limits.next_days:
        return AuthPlan(
            action=KEEP,
            reason=f"The next certificate is staged and takes over on {due:%Y-%m-%d %H:%M} UTC.",
        )
    if current.not_after is not None and current.not_after <= effective:
        return AuthPlan(
            action=REPLACE,
            reason=f"The current certificate ends on {current.not_after:%Y-%m-%d %H:%M} UTC, too "
            "soon for another one to be staged.",
            thumbprint=spare,
        )
    return AuthPlan(
        action=STAGE,
        reason=f"The current certificate has {left} days left, and "
        + (
            f"the next one no more than {usable_next.days_left(now)}."
            if usable_next is not None
            else "no usable next one is staged."
        ),
        thumbprint=spare,
        effective=effective,
    )


def plan_staged(
    state: AuthState,
    held: Mapping[str, HeldCertificate],
    limits: AuthLimits,
    *,
    thumbprint: str | None,
    now: datetime,
) -> AuthPlan:
    """Have a next certificate: this one, or any usable one."""
    following = held.get(state.next or "")
    fits = following is not None and following.valid(now)
    if fits and state.next != state.current and thumbprint in (None, state.next):
        return AuthPlan(action=KEEP, reason=f"{state.next} is staged.", thumbprint=state.next)
    if thumbprint is not None and thumbprint == state.current:
        return AuthPlan(
            action=KEEP, reason=f"{thumbprint} is the current certificate.", thumbprint=thumbprint
        )
    return AuthPlan(
        action=STAGE,
        reason="No usable next certificate is staged."
        if thumbprint is None
        else f"{thumbprint} is not the next certificate.",
        thumbprint=thumbprint or _just_created(state, held, now),
        effective=now + timedelta(hours=limits.effective_hours),
    )


def plan_published(
    state: AuthState,
    held: Mapping[str, HeldCertificate],
    *,
    thumbprint: str | None,
    unread: Sequence[str] = (),
    now: datetime,
) -> AuthPlan:
    """Have the next certificate in use, before its date if need be.

    Raises:
        InvalidInput: tokens could not be signed with it.
    """
    if thumbprint is not None and thumbprint == state.current:
        return AuthPlan(action=KEEP, reason=f"{thumbprint} is in use.", thumbprint=thumbprint)
    if not state.next or state.next == state.current:
        return AuthPlan(action=KEEP, reason="No certificate is staged that could be published.")
    check_seen("next certificate", state.next, held, unread, otherwise=_OTHERWISE)
    trouble = _trouble("next", state.next, held.get(state.next), now)
    if trouble:
        raise InvalidInput(
            f"{trouble} It cannot be published: stage another one, or use state: managed."
        )
    return AuthPlan(
        action=PUBLISH, reason=f"{state.next} is staged.", thumbprint=thumbprint or state.next
    )


def plan_replaced(
    state: AuthState,
    held: Mapping[str, HeldCertificate],
    *,
    thumbprint: str | None,
    force: bool,
    unread: Sequence[str] = (),
    now: datetime,
) -> AuthPlan:
    """Have another certificate in use at once: this one, or any where the current is no good.

    Raises:
        InvalidInput: only a server that could not be read can show whether the current is there.
    """
    if thumbprint is not None:
        if thumbprint == state.current:
            return AuthPlan(action=KEEP, reason=f"{thumbprint} is in use.", thumbprint=thumbprint)
        return AuthPlan(
            action=REPLACE, reason=f"{thumbprint} was asked for.", thumbprint=thumbprint
        )
    if not force:
        check_seen("current certificate", state.current, held, unread, otherwise=_OTHERWISE)
    trouble = _trouble("current", state.current, held.get(state.current or ""), now)
    if trouble or force:
        return AuthPlan(
            action=REPLACE,
            reason=trouble or "A new certificate was asked for.",
            thumbprint=None if force else _just_created(state, held, now),
        )
    return AuthPlan(action=KEEP, reason="The current certificate is valid.")


def plan_cleared(state: AuthState) -> AuthPlan:
    """Have the configuration forget the previous certificate."""
    if not state.previous:
        return AuthPlan(action=KEEP, reason="No previous certificate is named.")
    return AuthPlan(action=CLEAR, reason=f"{state.previous} is named.", thumbprint=state.previous)


def _just_created(
    state: AuthState, held: Mapping[str, HeldCertificate], now: datetime
) -> str | None:
    """One that an interrupted run created and did not come to name.

    Never an old one, which may have been replaced for a reason.
    """
    in_use = {state.current, state.previous, state.next}
    spares = [
        (item.not_before, item.thumbprint)
        for item in held.values()
        if item.named
        and item.thumbprint not in in_use
        and item.valid(now)
        and item.not_before is not None
        and now - item.not_before < _RECENT
    ]
    return max(spares)[1] if spares else None


def check_seen(
    what: str,
    thumbprint: str | None,
    held: Mapping[str, HeldCertificate],
    unread: Sequence[str],
    *,
    otherwise: str = "",
) -> None:
    """Refuse to judge a certificate as gone that a server may hold which did not answer.

    Args:
        what: how the message calls it.
        otherwise: what can be done without waiting for that server.

    Raises:
        InvalidInput: it is on no server that could be read, and some could not.
    """
    if thumbprint and thumbprint not in held and unread:
        raise InvalidInput(
            f"The {what} {thumbprint} is on no server that could be read, and "
            f"{', '.join(unread)} could not be. Run this again when every server answers"
            + (f"; {otherwise}." if otherwise else "."),
            details={"thumbprint": thumbprint, "servers": list(unread)},
        )


def _trouble(
    which: str, thumbprint: str | None, held: HeldCertificate | None, now: datetime
) -> str | None:
    if not thumbprint:
        return f"No {which} certificate is named."
    if held is None:
        return f"No server holds the {which} certificate {thumbprint}."
    if not held.valid(now):
        when = held.not_after if held.not_after and held.not_after <= now else held.not_before
        verb = "expired on" if held.not_after and held.not_after <= now else "is valid only from"
        return f"The {which} certificate {thumbprint} {verb} {when:%Y-%m-%d %H:%M} UTC."
    return None
