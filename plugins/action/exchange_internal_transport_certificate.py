# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How is a server's internal transport certificate reported, renewed, or restored?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
    RECORD_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.internal_transport_plan import (  # noqa: E501
    KEEP,
    RECREATE,
    InternalTransportPlan,
    InternalTransportState,
    plan_internal_transport,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.changes import (
    create_internal_transport_certificate,
    enable_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletNotAvailable,
    InvalidInput,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.edge_subscriptions import (
    EdgeSubscription,
    read_edge_subscriptions,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.transport_service import (
    read_internal_transport_thumbprint,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_internal_transport_certificate)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        "thumbprint": {"type": "str"},
        "recreate": {
            "type": "str",
            "choices": ["when_needed", "always", "never"],
            "default": "when_needed",
        },
        "days_left": {"type": "int", "default": 30},
        "accept_resubscription": {"type": "bool", "default": False},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        if options["days_left"] < 0:
            raise InvalidInput(f"days_left must not be negative, and is {options['days_left']}.")
        server = self.server(options)
        wanted = options["thumbprint"] and normalize_thumbprint(options["thumbprint"])
        before, certificates = self._read(server)
        plan = plan_internal_transport(
            before,
            certificates,
            wanted=wanted,
            recreate=options["recreate"],
            days_left=options["days_left"],
            now=self.now(),
        )
        self.report.facts["plan"] = {"action": plan.action, "reason": plan.reason}
        self.report.before = {"thumbprint": before.thumbprint}
        subscribed: list[EdgeSubscription] = []
        if plan.action != KEEP:
            subscribed = self._concerned(options, server)
        after = before
        if plan.action != KEEP and self.check_mode:
            self.report.changes.append(sentence(plan, server, "Give", "Create"))
        elif plan.action != KEEP:
            after = self._change(plan, before, certificates)
        self.report.after = {
            "thumbprint": (plan.thumbprint or "(new)")
            if self.check_mode and plan.action != KEEP
            else after.thumbprint
        }
        return {
            "internal_transport_certificate": self._result(after),
            "restart_required": plan.action != KEEP,
            "resubscribe": [item.to_result() for item in subscribed],
        }

    def _read(self, server: str) -> tuple[InternalTransportState, list[ExchangeCertificate]]:
        thumbprint = read_internal_transport_thumbprint(
            self.session, server, self.domain_controller
        )
        certificates = read_certificates(self.session, server, self.domain_controller)
        found = find_certificate(certificates, thumbprint) if thumbprint else None
        if found is not None and found.has_private_key is False:
            found = None
        state = InternalTransportState(server=server, thumbprint=thumbprint, certificate=found)
        return state, certificates

    def _concerned(self, options: Mapping[str, Any], server: str) -> list[EdgeSubscription]:
        """The Edge servers that have to be subscribed again; refused unless the task accepts it.

        On an Edge server itself the organization cannot be asked, so the task has to know.
        """
        subscribed: list[EdgeSubscription] = []
        if not self.is_edge:
            try:
                subscribed = read_edge_subscriptions(self.session, self.domain_controller)
            except CmdletNotAvailable:
                self.report.warn(
                    [
                        "This account may not see Edge subscriptions, so it is not known whether "
                        "an Edge server has to be subscribed again."
                    ]
                )
        if options["accept_resubscription"] or not (subscribed or self.is_edge):
            return subscribed
        who = ", ".join(item.server for item in subscribed) or "this one, if it is subscribed,"
        raise InvalidInput(
            f"Another internal transport certificate on {server} breaks the subscription of Edge "
            f"servers: {who} would have to be subscribed again, with a file carried by hand "
            "(exchange_edge_subscription_info says how). To continue: accept_resubscription: true.",
            details={"server": server},
        )

    def _change(
        self,
        plan: InternalTransportPlan,
        before: InternalTransportState,
        certificates: list[ExchangeCertificate],
    ) -> InternalTransportState:
        server = before.server
        known = (None, *(item.thumbprint for item in certificates))

        def send() -> None:
            if plan.action == RECREATE:
                create_internal_transport_certificate(
                    self.session, server=server, domain_controller=self.domain_controller
                )
            else:
                enable_certificate(
                    self.session,
                    plan.thumbprint or "",
                    {"SMTP"},
                    server=server,
                    replace_internal_transport=True,
                    force=True,
                    domain_controller=self.domain_controller,
                )

        return self.carry_out(
            sentence(plan, server, "Give", "Create"),
            send,
            read=lambda: self._read(server)[0],
            reached=lambda after: (
                after.thumbprint not in known
                if plan.action == RECREATE
                else after.thumbprint == plan.thumbprint
            ),
            otherwise=lambda after: StateNotReached(
                f"The internal transport certificate of {server} is {after.thumbprint} after the "
                "change, which is not what was asked for.",
                details={"server": server},
            ),
            done=[sentence(plan, server, "Gave", "Created")],
        )

    def _result(self, state: InternalTransportState) -> dict[str, Any]:
        now = self.now()
        found = state.certificate
        return {
            "thumbprint": state.thumbprint,
            "certificate": found.to_result(now) if found else None,
            "trouble": state.trouble(now),
        }


def sentence(plan: InternalTransportPlan, server: str, give: str, create: str) -> str:
    """What is done."""
    if plan.action == RECREATE:
        return f"{create} a self-signed internal transport certificate on {server}. {plan.reason}"
    return f"{give} {plan.thumbprint} the internal transport role on {server}. {plan.reason}"
