# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Edge Transport servers are subscribed, are they in step, and how is one subscribed again?

A subscription holds the internal transport certificates of both sides as they were when it was
made. When one of them changes, mail and EdgeSync between them stop until the Edge server is
subscribed again ("Edge subscription procedures" and "Renew an Exchange certificate", Microsoft
Learn).
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import text_of

# SyncStatus values that mean trouble; Inconclusive and Skipped say nothing either way.
_OUT_OF_STEP = "failed"


@dataclass(frozen=True, kw_only=True)
class EdgeSubscription:
    """One subscribed Edge server; ``status`` is what Test-EdgeSynchronization says, if asked."""

    server: str
    site: str
    status: str | None = None
    failure: str | None = None

    @property
    def in_step(self) -> bool | None:
        """Whether synchronization works; None where that was not asked or is not known."""
        if self.status is None:
            return None
        return self.status.casefold() != _OUT_OF_STEP

    def to_result(self) -> dict[str, object]:
        """The subscription as RETURN documents it."""
        return {
            "server": self.server,
            "site": self.site,
            "status": self.status,
            "failure": self.failure,
            "in_step": self.in_step,
            "resubscribe": resubscription_steps(self),
        }


def read_edge_subscriptions(
    session: Session, domain_controller: str | None = None, *, test: bool = False
) -> list[EdgeSubscription]:
    """Return the subscriptions of the organization.

    Args:
        test: whether to have Exchange test each of them, which takes a while.

    Raises:
        CmdletNotAvailable: the account may not see them.
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    parameters: dict[str, object] = {}
    if domain_controller:
        parameters["DomainController"] = domain_controller
    values = read_objects(session, Cmdlet("Get-EdgeSubscription", parameters), ("Name", "Site"))
    statuses = _statuses(session, parameters) if test and values else {}
    found = []
    for value in values:
        server = text_of(value.get("Name")) or ""
        status, failure = statuses.get(server.partition(".")[0].casefold(), (None, None))
        found.append(
            EdgeSubscription(
                server=server,
                # A directory object shows itself as a path; the site is its last part.
                site=(text_of(value.get("Site")) or "").rpartition("/")[2],
                status=status,
                failure=failure,
            )
        )
    return found


def resubscription_steps(subscription: EdgeSubscription) -> list[str]:
    """How the Edge server is subscribed again, step by step, with the commands to copy."""
    name = subscription.server.partition(".")[0]
    file = f"C:\\{name}.xml"
    return [
        f"On {name}, in the Exchange Management Shell: New-EdgeSubscription -FileName '{file}'",
        f"Copy {file} to a Mailbox server of the site {subscription.site}, within 24 hours.",
        "There: New-EdgeSubscription -FileData "
        f"([System.IO.File]::ReadAllBytes('{file}')) -Site '{subscription.site}'",
        f"Delete {file} on both servers: it holds credentials.",
        f"Start-EdgeSynchronization, then Test-EdgeSynchronization -TargetServer {name}",
        "In a hybrid organization that sends through the Edge server, run the Hybrid Configuration "
        "Wizard again: the new subscription takes its settings away.",
    ]


def _statuses(
    session: Session, parameters: dict[str, object]
) -> dict[str, tuple[str | None, str | None]]:
    values = read_objects(
        session,
        Cmdlet("Test-EdgeSynchronization", {**parameters, "ExcludeRecipientTest": True}),
        ("Name", "SyncStatus", "FailureDetail"),
    )
    return {
        (text_of(value.get("Name")) or "").partition(".")[0].casefold(): (
            text_of(value.get("SyncStatus")),
            text_of(value.get("FailureDetail")) or None,
        )
        for value in values
    }
