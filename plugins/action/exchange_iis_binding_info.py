# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which web site of a server is bound to which certificate, and is anything wrong with that?"""

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
    PRELOADED_FOR_WINDOWS,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.web_bindings import (  # noqa: E501
    problems,
    read_web_bindings,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    read_certificates,
)

preload(*PRELOADED_FOR_EXCHANGE, *PRELOADED_FOR_WINDOWS)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_iis_binding_info)."""

    ARGUMENT_SPEC = {**EXCHANGE_OPTIONS}

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        now = self.now()
        bindings = read_web_bindings(self.windows)
        certificates = read_certificates(self.session, self.server(options), self.domain_controller)
        return {
            "bindings": [item.to_result(certificates, now) for item in bindings],
            "problems": list(problems(bindings, certificates, now)),
        }
