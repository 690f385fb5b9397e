# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does the organization get the OAuth certificate that a task asks for, on every server?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
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
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles import (
    auth_certificate_plan as plans,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_certificate import (  # noqa: E501
    ServerHoldings,
    create_auth_certificate,
    held_certificates,
    is_named,
    read_holdings,
    set_auth_config,
    unread_servers,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_configuration import (  # noqa: E501
    AuthConfiguration,
    read_auth_configuration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.change import once
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletNotAvailable,
    InvalidInput,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.transport_service import (
    keep_internal_transport_certificate,
    read_internal_transport_thumbprint,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

preload(*PRELOADED_FOR_EXCHANGE)

_STATES = ("managed", "staged", "published", "replaced", "cleared")


class ActionModule(DistributingAction):
    """The action of M(mailops.exchange.exchange_auth_certificate)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        "state": {"type": "str", "choices": list(_STATES), "default": "managed"},
        "thumbprint": {"type": "str"},
        "effective_hours": {"type": "float", "default": 49.0},
        "stage_days": {"type": "int", "default": 60},
        "next_days": {"type": "int", "default": 120},
        "distribute": {"type": "bool", "default": True},
        "force": {"type": "bool", "default": False},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        check_options(options)
        if self.is_edge:
            raise InvalidInput(
                "An Edge Transport server has no Auth certificate: run this task on a Mailbox "
                "server."
            )
        before = read_auth_configuration(self.session, self.domain_controller)
        holdings = read_holdings(self.session, self.domain_controller)
        self.warn_of_unread(holdings)
        plan = self._plan(options, before, holdings)
        self.report.facts["plan"] = {"action": plan.action, "reason": plan.reason}
        self.report.before = as_result(before)
        if self.check_mode:
            for thumbprint in concerned(plan, plan.thumbprint, before):
                self.foretell_distribution(thumbprint, holdings, options)
            after = self._foretell(plan, before)
        else:
            after, holdings = self._do(plan, before, holdings, options)
        self.report.after = as_result(after)
        return {
            "auth_config": as_result(after),
            "presence": [presence(item, after) for item in holdings],
            "restart_required": plan.action in (plans.PUBLISH, plans.REPLACE),
        }

    # -- what is to be done ----------------------------------------------------------------------

    def _plan(
        self,
        options: Mapping[str, Any],
        before: AuthConfiguration,
        holdings: list[ServerHoldings],
    ) -> plans.AuthPlan:
        now = self.now()
        state = plans.AuthState(
            current=before.current,
            previous=before.previous,
            next=before.next,
            next_effective=before.next_effective,
        )
        held = held_certificates(holdings)
        unread = unread_servers(holdings)
        limits = plans.AuthLimits(
            stage_days=options["stage_days"],
            next_days=options["next_days"],
            effective_hours=options["effective_hours"],
        )
        thumbprint = options["thumbprint"] and normalize_thumbprint(options["thumbprint"])
        if thumbprint:
            self._check_taken(thumbprint, held, now)
        if options["state"] == "managed":
            return plans.plan_managed(state, held, limits, unread=unread, now=now)
        if options["state"] == "staged":
            return plans.plan_staged(state, held, limits, thumbprint=thumbprint, now=now)
        if options["state"] == "published":
            plan = plans.plan_published(state, held, thumbprint=thumbprint, unread=unread, now=now)
            if plan.changes_something and plan.thumbprint != before.next:
                raise InvalidInput(
                    f"{thumbprint} cannot be published: {before.next} is staged. Stage it first, "
                    "or use state: replaced."
                )
            return plan
        if options["state"] == "replaced":
            return plans.plan_replaced(
                state, held, thumbprint=thumbprint, force=options["force"], unread=unread, now=now
            )
        return plans.plan_cleared(state)

    def _check_taken(
        self, thumbprint: str, held: Mapping[str, plans.HeldCertificate], now: datetime
    ) -> None:
        """Refuse a thumbprint of which nothing good can come."""
        found = held.get(thumbprint)
        if found is None:
            raise InvalidInput(
                f"No Mailbox server holds a certificate {thumbprint} with its private key. Leave "
                "thumbprint out to have one created.",
                details={"thumbprint": thumbprint},
            )
        if not found.valid(now):
            raise InvalidInput(
                f"The certificate {thumbprint} is not valid now: give another one, or leave "
                "thumbprint out to have one created.",
                details={"thumbprint": thumbprint},
            )

    # -- check mode ------------------------------------------------------------------------------

    def _foretell(self, plan: plans.AuthPlan, before: AuthConfiguration) -> AuthConfiguration:
        if plan.creates:
            self.report.changes.append("Create a certificate for signing tokens.")
        if plan.changes_something:
            self.report.changes.append(sentence(plan, plan.thumbprint or "the new certificate"))
        named = plan.thumbprint or "(new)"
        if plan.action == plans.STAGE:
            return AuthConfiguration(
                current=before.current,
                previous=before.previous,
                next=named,
                next_effective=plan.effective,
            )
        if plan.action in (plans.PUBLISH, plans.REPLACE):
            previous = before.current if plan.action == plans.PUBLISH else None
            return AuthConfiguration(current=named, previous=previous)
        if plan.action == plans.CLEAR:
            return AuthConfiguration(
                current=before.current, next=before.next, next_effective=before.next_effective
            )
        return before

    # -- doing it --------------------------------------------------------------------------------

    def _do(
        self,
        plan: plans.AuthPlan,
        before: AuthConfiguration,
        holdings: list[ServerHoldings],
        options: Mapping[str, Any],
    ) -> tuple[AuthConfiguration, list[ServerHoldings]]:
        thumbprint = plan.thumbprint
        if plan.creates:
            thumbprint = self._create(self.server(options), holdings)
        # Every server gets it before the configuration names it.
        distributed = False
        for item in concerned(plan, thumbprint, before):
            distributed |= self.distribute(item, options)
        after = self._configure(plan, thumbprint, before)
        if plan.changes_something or distributed:
            holdings = read_holdings(self.session, self.domain_controller)
        self._warn_of_absence(after, holdings)
        return after, holdings

    def _create(self, server: str, holdings: list[ServerHoldings]) -> str:
        text = f"a certificate for signing tokens on {server}"
        internal = self._internal_transport(server)
        certificates = self._certificates_of(server, holdings)
        known = {item.thumbprint for item in certificates}

        def look_up() -> str | None:
            again = read_holdings(self.session, self.domain_controller)
            made = [
                item.thumbprint
                for item in self._certificates_of(server, again)
                if item.thumbprint not in known and is_named(item)
            ]
            return made[0] if len(made) == 1 else None

        self.begin(f"Create {text}.")
        created = once(
            lambda: (
                create_auth_certificate(
                    self.session,
                    server=server,
                    internal_transport=internal,
                    domain_controller=self.domain_controller,
                ).thumbprint
            ),
            look_up,
        )
        self.done(f"Created {text}: {created}.")
        restored = keep_internal_transport_certificate(
            self.session,
            server=server,
            before=internal,
            certificates_before=certificates,
            taken=frozenset({"SMTP"}),
            domain_controller=self.domain_controller,
        )
        self.report.warn([restored] if restored else [])
        return created

    def _certificates_of(
        self, server: str, holdings: list[ServerHoldings]
    ) -> list[ExchangeCertificate]:
        short = server.partition(".")[0].casefold()
        return [
            certificate
            for item in holdings
            if item.server.casefold() == short
            for certificate in item.certificates or ()
        ]

    def _internal_transport(self, server: str) -> str | None:
        try:
            return read_internal_transport_thumbprint(self.session, server, self.domain_controller)
        except CmdletNotAvailable:
            self.report.warn(
                [
                    "This account may not use Get-TransportService, so it cannot be checked that "
                    f"{server} keeps its internal transport certificate."
                ]
            )
            return None

    def _configure(
        self, plan: plans.AuthPlan, thumbprint: str | None, before: AuthConfiguration
    ) -> AuthConfiguration:
        if plan.action == plans.STAGE:
            near = plan.effective is not None and plan.effective - self.now() < plans.UNASKED
            parameters: dict[str, object] = {
                "NewCertificateThumbprint": thumbprint,
                "NewCertificateEffectiveDate": plan.effective,
            }
            if near:
                parameters["Force"] = True
            return self._set(plan, thumbprint, [parameters], lambda now: now.next == thumbprint)
        if plan.action == plans.PUBLISH:
            steps: list[dict[str, object]] = [{"PublishCertificate": True, "Force": True}]
            return self._set(plan, thumbprint, steps, lambda now: now.current == thumbprint)
        if plan.action == plans.REPLACE:
            staged: dict[str, object] = {
                "NewCertificateThumbprint": thumbprint,
                "NewCertificateEffectiveDate": self.now(),
                "Force": True,
            }
            steps = [
                staged,
                {"PublishCertificate": True, "Force": True},
                {"ClearPreviousCertificate": True, "Force": True},
            ]
            return self._set(plan, thumbprint, steps, lambda now: now.current == thumbprint)
        if plan.action == plans.CLEAR:
            steps = [{"ClearPreviousCertificate": True, "Force": True}]
            return self._set(plan, thumbprint, steps, lambda now: not now.previous)
        return before

    def _set(
        self,
        plan: plans.AuthPlan,
        thumbprint: str | None,
        steps: list[dict[str, object]],
        reached: Callable[[AuthConfiguration], bool],
    ) -> AuthConfiguration:
        text = sentence(plan, thumbprint or "")

        def send() -> None:
            for parameters in steps:
                result = set_auth_config(self.session, parameters, self.domain_controller)
                self.report.warn(result.warnings)

        return self.carry_out(
            text,
            send,
            read=lambda: read_auth_configuration(self.session, self.domain_controller),
            reached=reached,
            otherwise=lambda _after: StateNotReached(
                f"Set-AuthConfig took this without an error, but it is not so: {text}"
            ),
        )

    def _warn_of_absence(self, after: AuthConfiguration, holdings: list[ServerHoldings]) -> None:
        for thumbprint in wanted_everywhere(after):
            lacking = [item.server for item in holdings if item.holds(thumbprint) is False]
            if lacking:
                self.report.warn(
                    [
                        f"{', '.join(lacking)} {'lacks' if len(lacking) == 1 else 'lack'} the "
                        f"certificate {thumbprint}. Exchange copies it within the site of a server "
                        "that has it, within 12 hours while MSExchangeServiceHost runs; to other "
                        "sites it has to be exported and imported."
                    ]
                )


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse numbers and combinations that make no sense.

    Raises:
        InvalidInput: with the option and its value.
    """
    for name in ("effective_hours", "stage_days", "next_days"):
        if options[name] < 0:
            raise InvalidInput(f"{name} must not be negative, and is {options[name]}.")
    if options["thumbprint"] and options["state"] in ("managed", "cleared"):
        raise InvalidInput(
            f"thumbprint has no meaning with state: {options['state']}. Use state: staged or "
            "replaced to have a certificate of your own taken."
        )


def concerned(plan: plans.AuthPlan, thumbprint: str | None, before: AuthConfiguration) -> list[str]:
    """The certificates that are brought to every server.

    Args:
        thumbprint: what is going to be named; None where it does not exist yet.
    """
    wanted = {thumbprint} if plan.changes_something else {before.current, before.next}
    return sorted(filter(None, wanted))


def wanted_everywhere(configuration: AuthConfiguration) -> list[str]:
    """The certificates that every server has to hold."""
    return [item for item in (configuration.current, configuration.next) if item]


def sentence(plan: plans.AuthPlan, thumbprint: str) -> str:
    """What is done to the Auth configuration."""
    if plan.action == plans.STAGE:
        return (
            f"Stage {thumbprint} as the next Auth certificate, in effect from "
            f"{plan.effective:%Y-%m-%d %H:%M} UTC. {plan.reason}"
        )
    if plan.action == plans.PUBLISH:
        return f"Publish {thumbprint} as the Auth certificate. {plan.reason}"
    if plan.action == plans.REPLACE:
        return f"Replace the Auth certificate by {thumbprint} at once. {plan.reason}"
    return f"Forget the previous Auth certificate. {plan.reason}"


def as_result(configuration: AuthConfiguration) -> dict[str, Any]:
    """The configuration as RETURN documents it."""
    effective = configuration.next_effective
    return {
        "current": configuration.current,
        "previous": configuration.previous,
        "next": configuration.next,
        "next_effective": effective.strftime("%Y-%m-%dT%H:%M:%SZ") if effective else None,
    }


def presence(item: ServerHoldings, configuration: AuthConfiguration) -> dict[str, Any]:
    """What a server holds, as RETURN documents it."""
    return {
        "server": item.server,
        "site": item.site,
        "current": item.holds(configuration.current),
        "next": item.holds(configuration.next) if configuration.next else None,
    }
