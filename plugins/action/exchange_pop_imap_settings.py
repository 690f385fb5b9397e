# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How do POP3 and IMAP4 get the name that they look their certificate up by?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.mail_access_settings import (  # noqa: E501
    PROTOCOLS,
    MailAccessSettings,
    presented_by,
    read_mail_access_settings,
    set_x509_certificate_name,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    StateNotReached,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_pop_imap_settings)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        "protocols": {
            "type": "list",
            "elements": "str",
            "choices": list(PROTOCOLS),
            "default": list(PROTOCOLS),
        },
        "x509_certificate_name": {"type": "str"},
        "require_certificate": {"type": "bool", "default": True},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        server, wanted = self.server(options), (options["x509_certificate_name"] or "").strip()
        if options["x509_certificate_name"] is not None:
            check_name(wanted)
        certificates = read_certificates(self.session, server, self.domain_controller)
        before = [
            read_mail_access_settings(self.session, protocol, server, self.domain_controller)
            for protocol in dict.fromkeys(options["protocols"])
        ]
        changing = [item for item in before if wanted and not is_named(item, wanted)]
        after = {item.protocol: item for item in before}
        planned = {item.protocol: replace(item, x509_certificate_name=wanted) for item in changing}
        if options["require_certificate"]:
            self._check_certificates(planned.values(), certificates)
        for item in changing:
            sentence = f"Set X509CertificateName of {item.title} to {wanted}."
            if self.check_mode:
                self.report.changes.append(sentence)
                after[item.protocol] = planned[item.protocol]
            else:
                after[item.protocol] = self._change(item, wanted, sentence)
        self.report.before = shown(before)
        self.report.after = shown(after.values())
        return {
            "settings": [self._result(item, certificates) for item in after.values()],
            "restart_required": bool(changing),
        }

    def _check_certificates(
        self,
        planned: Any,
        certificates: Sequence[ExchangeCertificate],
    ) -> None:
        for item in planned:
            if presented_by(item, certificates, self.now()) is None:
                raise InvalidInput(
                    f"{item.server} has no valid certificate with the name "
                    f"{item.x509_certificate_name} that is enabled for {item.service}, so its "
                    f"clients would be shown none: enable one first (exchange_certificate with "
                    f"services: [{item.service}]), give another name, or set require_certificate: "
                    "false.",
                    details={"server": item.server},
                )

    def _change(self, item: MailAccessSettings, wanted: str, sentence: str) -> MailAccessSettings:
        session, controller = self.session, self.domain_controller
        return self.carry_out(
            sentence,
            # Its warning says that the services have to be restarted, as restart_required does.
            lambda: set_x509_certificate_name(session, item, wanted, controller),
            read=lambda: read_mail_access_settings(session, item.protocol, item.server, controller),
            reached=lambda after: is_named(after, wanted),
            otherwise=lambda after: StateNotReached(
                f"After the change X509CertificateName of {item.title} is still "
                f"'{after.x509_certificate_name}'."
            ),
        )

    def _result(
        self, item: MailAccessSettings, certificates: Sequence[ExchangeCertificate]
    ) -> dict[str, Any]:
        found = presented_by(item, certificates, self.now()) if item.x509_certificate_name else None
        return {
            "protocol": item.protocol,
            "x509_certificate_name": item.x509_certificate_name,
            "thumbprint": found.thumbprint if found else None,
        }


def check_name(name: str) -> None:
    """Refuse what is no single host name.

    Raises:
        InvalidInput: a wildcard, or no fully qualified name.
    """
    labels = name.split(".")
    if "*" in name or len(labels) < 2 or not all(labels) or " " in name:
        raise InvalidInput(
            f"x509_certificate_name '{name}' has to be one full host name that clients use, such "
            "as imap.contoso.com. A wildcard certificate is found by it, too."
        )


def is_named(settings: MailAccessSettings, wanted: str) -> bool:
    """Compare names without case."""
    return settings.x509_certificate_name.casefold() == wanted.casefold()


def shown(settings: Any) -> dict[str, Any]:
    """What a diff shows."""
    return {
        item.protocol: {"x509_certificate_name": item.x509_certificate_name} for item in settings
    }
