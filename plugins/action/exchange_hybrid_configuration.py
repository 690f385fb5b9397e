# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does the hybrid configuration hold, and how does it get what a task asks for?"""

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
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    PROPERTIES,
    HybridConfiguration,
    after_change,
    changed_options,
    read_hybrid_configuration,
    sentences,
    set_hybrid_configuration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_hybrid_configuration)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        **{item.name: item.argument for item in PROPERTIES},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        desired = {
            item.name: options[item.name] for item in PROPERTIES if options[item.name] is not None
        }
        if desired.get("tls_certificate_name"):
            TlsCertificateName.parse(desired["tls_certificate_name"])
        before = self._read()
        changed = changed_options(desired, before)
        after = after_change(before, changed)
        if changed and self.check_mode:
            self.report.changes += sentences(changed)
        elif changed:
            after = self._change(desired, changed)
        self.report.before, self.report.after = before.to_result(), after.to_result()
        return {"hybrid_configuration": after.to_result()}

    def _read(self) -> HybridConfiguration:
        found = read_hybrid_configuration(self.session, self.domain_controller, whole=True)
        if found is None:
            raise InvalidInput(
                "The organization has no hybrid configuration: the Hybrid Configuration Wizard "
                "makes one. Leave this task out where there is none."
            )
        return found

    def _change(
        self, desired: Mapping[str, Any], changed: Mapping[str, Any]
    ) -> HybridConfiguration:
        def send() -> None:
            result = set_hybrid_configuration(
                self.session, changed, domain_controller=self.domain_controller
            )
            self.report.warn(result.warnings)

        return self.carry_out(
            " ".join(sentences(changed)),
            send,
            read=self._read,
            reached=lambda after: not changed_options(desired, after),
            otherwise=lambda after: StateNotReached(
                "After the change the hybrid configuration still differs in "
                f"{', '.join(changed_options(desired, after))}."
            ),
            done=sentences(changed),
        )
