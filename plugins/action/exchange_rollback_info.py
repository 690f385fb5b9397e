# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done so that one server, and the organization, are again as a record says?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.recorded_state import (
    RecordedServer,
    organization_of_json,
    read_server,
    server_of_json,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.rollback import (
    OrganizationRollback,
    ServerRollback,
    plan_organization_rollback,
    plan_server_rollback,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_rollback_info)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        "before": {"type": "dict", "required": True},
        "organization_before": {"type": "dict"},
        "thumbprint": {"type": "str", "required": True},
        "fail_on_problems": {"type": "bool", "default": True},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        before = server_of_json(options["before"])
        organization = options["organization_before"]
        former = organization_of_json(organization) if organization else None
        thumbprint = normalize_thumbprint(options["thumbprint"])
        server = self.server(options)
        if before.server.casefold() != server.casefold():
            raise InvalidInput(
                f"The record given is of server {before.server}, and this host is {server}: give "
                "each host what before.json says of it."
            )
        actual = read_server(
            self.session,
            server,
            self.domain_controller,
            organization=former is not None,
            edge=self.is_edge,
        )
        plan = plan_server_rollback(before, actual, new_thumbprint=thumbprint, now=self.now())
        result = result_of(plan)
        warnings, problems = [*actual.warnings, *plan.warnings], list(plan.problems)
        if former is not None and actual.organization is not None:
            once = plan_organization_rollback(
                former, actual.organization, new=known(thumbprint, before, actual)
            )
            add_organization(result, once)
            warnings += once.warnings
            problems += once.problems
        result["warnings"], result["problems"] = warnings, problems
        self.report.warn(warnings)
        self.report.facts["rollback"] = result
        if problems and options["fail_on_problems"]:
            raise InvalidInput(
                f"{server} cannot be rolled back: " + " ".join(problems),
                details={"server": server, "problems": problems},
            )
        return {"rollback": result}


def known(thumbprint: str, *states: RecordedServer) -> Any:
    """The new certificate, from whichever state holds it."""
    return next((found for state in states if (found := state.certificate(thumbprint))), None)


def result_of(plan: ServerRollback) -> dict[str, Any]:
    """The plan of a server as RETURN documents it."""
    return {
        "server": plan.server,
        "enable": [
            {"thumbprint": thumbprint, "services": services} for thumbprint, services in plan.enable
        ],
        "internal_transport_certificate": plan.internal_transport,
        "receive_connectors": [item.to_result() for item in plan.receive_connectors],
        "component_states": [
            {"component": item.component, "requester": item.requester, "state": item.state}
            for item in plan.component_states
        ],
        "remove": plan.remove,
        "changes": list(plan.changes),
    }


def add_organization(result: dict[str, Any], plan: OrganizationRollback) -> None:
    """Add what is done once."""
    result["send_connectors"] = [item.to_result() for item in plan.send_connectors]
    result["hybrid_tls_certificate_name"] = plan.hybrid_tls_certificate_name
    result["sharing_the_name"] = list(plan.sharing_the_name)
    result["organization_changes"] = list(plan.changes)
