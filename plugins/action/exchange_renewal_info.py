# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is a certificate of this server due for renewal? One read, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
    RENEWAL_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.services_option import (  # noqa: E501
    SERVICES_OPTION,
    check_services_given,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.renewal_due import (
    DueRules,
    in_use,
    judge,
    missing_names,
    rules_from,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    render_services,
    wanted_services,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_renewal_info)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RENEWAL_OPTIONS,
        "services": {**SERVICES_OPTION, "default": ["IIS", "SMTP"]},
        "names": {"type": "list", "elements": "str", "default": []},
        "names_in_use": {"type": "list", "elements": "str", "default": []},
        "lifetime_percent": {"type": "float", "default": 66.7},
        "jitter_days": {"type": "float", "default": 0.0},
        "jitter_seed": {"type": "str", "default": ""},
    }

    def check_given(self, given: Mapping[str, Any]) -> None:
        check_services_given(given)

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        rules = rules_of(options)
        services = wanted_services(options["services"])
        server, now = self.server(options), self.now()
        certificates = read_certificates(self.session, server, self.domain_controller)
        found = in_use(certificates, services, rules.names_in_use)
        verdicts = [judge(item, rules, server=server, now=now) for item in found]
        reasons = [reason for verdict in verdicts for reason in verdict.reasons]
        if not found:
            reasons.append(
                f"{server}: no certificate of an authority serves {render_services(services)}."
            )
        lacking = missing_names(found, rules.names) if found else []
        if lacking:
            reasons.append(f"{server}: no certificate in use has the names {', '.join(lacking)}.")
        dates = [verdict.due_on for verdict in verdicts if verdict.due_on is not None]
        next_due = min(dates) if dates else None
        return {
            "due": bool(reasons),
            "reasons": reasons,
            "next_due": next_due.strftime("%Y-%m-%dT%H:%M:%SZ") if next_due else None,
            "certificates": [verdict.to_result(now) for verdict in verdicts],
        }


def rules_of(options: Mapping[str, Any]) -> DueRules:
    """The rules that the options describe.

    Raises:
        InvalidInput: a value that makes no sense, with its option.
    """
    percent = options["lifetime_percent"]
    if not 0 < percent <= 100:
        raise InvalidInput(f"lifetime_percent has to be above 0 and at most 100, and is {percent}.")
    if options["jitter_days"] < 0:
        raise InvalidInput(f"jitter_days must not be negative, and is {options['jitter_days']}.")
    return replace(
        rules_from(options),
        lifetime_share=percent / 100,
        names=tuple(options["names"]),
        names_in_use=tuple(options["names_in_use"] or options["names"]),
        jitter_days=options["jitter_days"],
        jitter_seed=options["jitter_seed"],
    )
