# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificate does the hybrid configuration name, and how is that changed?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.action import (
    PRELOADED_FOR_EXCHANGE,
    ExchangeActionBase,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.argument_specs import (
    EXCHANGE_OPTIONS,
    RECORD_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    OutcomeUnknown,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connector_access import (
    HybridConfiguration,
    read_hybrid_configuration,
    set_hybrid_configuration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.tls_certificate_name import (  # noqa: E501
    TlsCertificateName,
    is_canonical,
    read_stored,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_hybrid_configuration)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        "tls_certificate_name": {"type": "str", "required": True},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        text = options["tls_certificate_name"].strip()
        wanted = TlsCertificateName.parse(text) if text else None
        before = self._read()
        rendered = wanted.render() if wanted else None
        same = means(before, wanted)
        after = before if same else HybridConfiguration(tls_certificate_name=rendered)
        sentence = f"{'Set' if wanted else 'Clear'} TlsCertificateName of the hybrid configuration."
        if not same and self.check_mode:
            self.report.changes.append(sentence)
        elif not same:
            after = self._change(wanted, sentence)
        self.report.before, self.report.after = as_result(before), as_result(after)
        return {"hybrid_configuration": as_result(after)}

    def _read(self) -> HybridConfiguration:
        found = read_hybrid_configuration(self.session, self.domain_controller)
        if found is None:
            raise InvalidInput(
                "The organization has no hybrid configuration: the Hybrid Configuration Wizard "
                "makes one. Leave this task out where there is none."
            )
        return found

    def _change(self, wanted: TlsCertificateName | None, sentence: str) -> HybridConfiguration:
        unknown: OutcomeUnknown | None = None
        self.begin(sentence)
        try:
            result = set_hybrid_configuration(
                self.session,
                wanted.render() if wanted else None,
                domain_controller=self.domain_controller,
            )
            self.report.warn(result.warnings)
        except OutcomeUnknown as error:
            unknown = error
        after = self._read()
        if not means(after, wanted):
            if unknown is not None:
                raise unknown
            raise StateNotReached(
                "After the change the hybrid configuration still names "
                f"{after.tls_certificate_name or 'no certificate'}."
            )
        self.done(sentence)
        return after


def means(stored: HybridConfiguration, wanted: TlsCertificateName | None) -> bool:
    """Whether it names that certificate, in a spelling that Exchange finds it by."""
    text = stored.tls_certificate_name
    if wanted is None or not text:
        return wanted is None and not text
    return read_stored(text) == wanted and is_canonical(text)


def as_result(configuration: HybridConfiguration) -> dict[str, Any]:
    """The configuration as RETURN documents it."""
    return {"tls_certificate_name": configuration.tls_certificate_name}
