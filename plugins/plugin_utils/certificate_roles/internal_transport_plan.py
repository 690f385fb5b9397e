# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a server's internal transport certificate good, and what would make it so?

It is self-signed, of five years, with the server's name, and Microsoft prefers it to stay that way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

KEEP, RECREATE, RESTORE = "keep", "recreate", "restore"


@dataclass(frozen=True, kw_only=True)
class InternalTransportState:
    """What a server has; ``certificate`` is None where it does not hold the one that it names."""

    server: str
    thumbprint: str | None
    certificate: ExchangeCertificate | None

    def trouble(self, now: datetime) -> str | None:
        """Why it is no good, or None."""
        if self.thumbprint is None:
            return f"{self.server} names no internal transport certificate."
        found = self.certificate
        if found is None:
            return f"{self.server} names {self.thumbprint}, which is not in its store with a key."
        if found.not_after is not None and found.not_after <= now:
            return f"{self.thumbprint} on {self.server} expired on {found.not_after:%Y-%m-%d}."
        return None


@dataclass(frozen=True, kw_only=True)
class InternalTransportPlan:
    """What to do; RESTORE takes ``thumbprint``, RECREATE makes another one."""

    action: str
    reason: str
    thumbprint: str | None = None


def plan_internal_transport(
    state: InternalTransportState,
    certificates: Sequence[ExchangeCertificate],
    *,
    wanted: str | None,
    recreate: str,
    days_left: int,
    now: datetime,
) -> InternalTransportPlan:
    """Judge what is due.

    Args:
        certificates: all that the server has.
        wanted: the certificate that shall have the role, if the task names one.
        recreate: when_needed, always or never.
        days_left: with no more days left a self-signed one is created again.

    Raises:
        InvalidInput: the certificate that is wanted cannot have the role.
    """
    if wanted is not None:
        return _plan_wanted(state, certificates, wanted, now)
    trouble = state.trouble(now)
    if recreate == "always":
        return InternalTransportPlan(action=RECREATE, reason=trouble or "A new one was asked for.")
    if recreate == "never":
        return InternalTransportPlan(action=KEEP, reason=trouble or _fine(state, now))
    if trouble:
        return InternalTransportPlan(action=RECREATE, reason=trouble)
    left = state.certificate.days_left(now) if state.certificate else None
    if left is not None and left <= days_left:
        return InternalTransportPlan(
            action=RECREATE, reason=f"{state.thumbprint} on {state.server} has {left} days left."
        )
    return InternalTransportPlan(action=KEEP, reason=_fine(state, now))


def _plan_wanted(
    state: InternalTransportState,
    certificates: Sequence[ExchangeCertificate],
    wanted: str,
    now: datetime,
) -> InternalTransportPlan:
    if wanted == state.thumbprint:
        return InternalTransportPlan(action=KEEP, reason=f"{wanted} has the role.")
    found = find_certificate(list(certificates), wanted)
    if found is None or found.has_private_key is False or found.is_pending_request:
        raise InvalidInput(
            f"{state.server} has no certificate {wanted} with its private key.",
            details={"server": state.server, "thumbprint": wanted},
        )
    if found.not_after is not None and found.not_after <= now:
        raise InvalidInput(
            f"The certificate {wanted} on {state.server} expired on {found.not_after:%Y-%m-%d}: "
            "leave thumbprint out to have a new one made.",
            details={"server": state.server, "thumbprint": wanted},
        )
    return InternalTransportPlan(
        action=RESTORE,
        reason=f"{state.thumbprint or 'No certificate'} has the role.",
        thumbprint=wanted,
    )


def _fine(state: InternalTransportState, now: datetime) -> str:
    left = state.certificate.days_left(now) if state.certificate else None
    return f"{state.thumbprint} on {state.server} has {left} days left."
