# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does the federation trust get its next certificate, and what is left to a person?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
    RECORD_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.distributing_action import (  # noqa: E501
    DistributingAction,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_certificate import (  # noqa: E501
    ServerHoldings,
    held_certificates,
    read_holdings,
    unread_servers,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_certificate_plan import (  # noqa: E501
    HeldCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.federation_trust import (  # noqa: E501
    FRIENDLY_NAME,
    IMPOSSIBLE,
    PUBLISH,
    STAGE,
    WAIT,
    FederationPlan,
    FederationTrust,
    create_federation_certificate,
    is_distributed,
    plan_federation,
    read_distribution,
    read_federation_trust,
    read_proofs,
    set_federation_trust,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

preload(*PRELOADED_FOR_EXCHANGE)

# What is done about it brings the certificate to every server first.
_DISTRIBUTED = (STAGE, WAIT, PUBLISH)


class ActionModule(DistributingAction):
    """The action of M(mailops.exchange.exchange_federation_certificate)."""

    FRIENDLY_NAME = FRIENDLY_NAME
    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        "state": {
            "type": "str",
            "choices": ["managed", "staged", "published"],
            "default": "managed",
        },
        "thumbprint": {"type": "str"},
        "stage_days": {"type": "int", "default": 60},
        "proofs_published": {"type": "bool", "default": False},
        "distribute": {"type": "bool", "default": True},
        "fail_when_impossible": {"type": "bool", "default": True},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        if options["stage_days"] < 0:
            raise InvalidInput(f"stage_days must not be negative, and is {options['stage_days']}.")
        trust = read_federation_trust(self.session, self.domain_controller)
        if trust is None:
            return {
                "federation_trust": None,
                "plan": {
                    "action": "keep",
                    "reason": "The organization has no federation trust.",
                    "steps": [],
                },
                "proofs": [],
            }
        holdings = read_holdings(self.session, self.domain_controller)
        self.warn_of_unread(holdings)
        plan = self._plan(trust, holdings, options)
        shown = {"action": plan.action, "reason": plan.reason, "steps": list(plan.steps)}
        self.report.facts["plan"] = shown
        self.report.before = as_result(trust)
        if plan.action == IMPOSSIBLE and options["fail_when_impossible"]:
            raise InvalidInput(
                f"{plan.reason} In the Exchange Management Shell: {'; '.join(plan.steps)}"
            )
        if self.check_mode:
            if plan.action in _DISTRIBUTED and plan.thumbprint:
                self.foretell_distribution(plan.thumbprint, holdings, options)
            after = self._foretell(plan, trust)
        else:
            after = self._do(plan, trust, options)
        self.report.after = as_result(after)
        if plan.action == WAIT:
            self.report.warn([f"{plan.reason} {' '.join(plan.steps)}"])
        return {
            "federation_trust": as_result(after),
            "plan": shown,
            "proofs": self._proofs(after, plan),
        }

    def _plan(
        self, trust: FederationTrust, holdings: list[ServerHoldings], options: Mapping[str, Any]
    ) -> FederationPlan:
        held = named_by_friendly_name(held_certificates(holdings), holdings)
        thumbprint = options["thumbprint"] and normalize_thumbprint(options["thumbprint"])
        if thumbprint and thumbprint not in held:
            raise InvalidInput(
                f"No Mailbox server holds a certificate {thumbprint} with its private key. Leave "
                "thumbprint out to have one created."
            )
        if thumbprint and not held[thumbprint].valid(self.now()):
            raise InvalidInput(f"The certificate {thumbprint} is not valid now: give another one.")
        states = (
            read_distribution(self.session, trust.next, self.domain_controller)
            if trust.next and trust.next != trust.current
            else []
        )
        return plan_federation(
            trust,
            held,
            state=options["state"],
            thumbprint=thumbprint,
            proofs_published=options["proofs_published"],
            distributed=is_distributed(states),
            stage_days=options["stage_days"],
            unread=unread_servers(holdings),
            now=self.now(),
        )

    def _foretell(self, plan: FederationPlan, trust: FederationTrust) -> FederationTrust:
        named = plan.thumbprint or "(new)"
        if plan.creates:
            self.report.changes.append("Create a certificate for the federation trust.")
        if plan.action == STAGE:
            self.report.changes.append(sentence(plan, trust, named))
            return replace(trust, next=named)
        if plan.action == PUBLISH:
            self.report.changes.append(sentence(plan, trust, named))
            return replace(trust, current=trust.next, previous=trust.current, next=None)
        return trust

    def _do(
        self, plan: FederationPlan, trust: FederationTrust, options: Mapping[str, Any]
    ) -> FederationTrust:
        thumbprint = plan.thumbprint
        if plan.creates:
            thumbprint = self._create(self.server(options))
        if plan.action in _DISTRIBUTED and thumbprint:
            self.distribute(thumbprint, options)
        if plan.action == STAGE:
            parameters: dict[str, object] = {"Thumbprint": thumbprint, "RefreshMetadata": True}
            return self._set(
                plan, trust, thumbprint, parameters, lambda now: now.next == thumbprint
            )
        if plan.action == PUBLISH:
            parameters = {"PublishFederationCertificate": True}
            return self._set(
                plan, trust, thumbprint, parameters, lambda now: now.current == thumbprint
            )
        return trust

    def _create(self, server: str) -> str:
        text = f"a certificate for the federation trust on {server}"
        self.begin(f"Create {text}.")
        created = create_federation_certificate(
            self.session, server=server, domain_controller=self.domain_controller
        )
        self.done(f"Created {text}: {created}.")
        return created

    def _set(
        self,
        plan: FederationPlan,
        trust: FederationTrust,
        thumbprint: str | None,
        parameters: Mapping[str, object],
        reached: Callable[[FederationTrust], bool],
    ) -> FederationTrust:
        text = sentence(plan, trust, thumbprint or "")

        def send() -> None:
            result = set_federation_trust(self.session, trust, parameters, self.domain_controller)
            self.report.warn(result.warnings)

        return self.carry_out(
            text,
            send,
            # A trust that is gone has not reached it either.
            read=lambda: read_federation_trust(self.session, self.domain_controller) or trust,
            reached=reached,
            otherwise=lambda _after: StateNotReached(
                f"Set-FederationTrust took this without an error, but it is not so: {text}"
            ),
        )

    def _proofs(self, trust: FederationTrust, plan: FederationPlan) -> list[dict[str, object]]:
        """The records of the staged certificate, else of the one in use."""
        thumbprint = trust.next or trust.current
        if plan.action == IMPOSSIBLE or not thumbprint or thumbprint == "(new)":
            return []
        proofs = read_proofs(self.session, trust, thumbprint, self.domain_controller)
        return [item.to_result() for item in proofs]


def named_by_friendly_name(
    held: Mapping[str, HeldCertificate], holdings: list[ServerHoldings]
) -> dict[str, HeldCertificate]:
    """Mark the certificates that bear the name of federation certificates."""
    named = {
        certificate.thumbprint
        for server in holdings
        for certificate in server.certificates or ()
        if (certificate.friendly_name or "").casefold() == FRIENDLY_NAME.casefold()
    }
    return {
        thumbprint: replace(item, named=thumbprint in named) for thumbprint, item in held.items()
    }


def sentence(plan: FederationPlan, trust: FederationTrust, thumbprint: str) -> str:
    """What is done to the trust."""
    if plan.action == STAGE:
        return f"Stage {thumbprint} as the next certificate of '{trust.name}'. {plan.reason}"
    return f"Publish {thumbprint} as the certificate of '{trust.name}'. {plan.reason}"


def as_result(trust: FederationTrust) -> dict[str, Any]:
    """The trust as RETURN documents it."""
    return {
        "name": trust.name,
        "current": trust.current,
        "previous": trust.previous,
        "next": trust.next,
        "domains": list(trust.domains),
    }
