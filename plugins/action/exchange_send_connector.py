# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a Send connector get the TLS side that a task asks for?

ConnectorAction is also the base of exchange_receive_connector_tls: comparing, setting and verifying
are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.action import (
    PRELOADED_FOR_EXCHANGE,
    ExchangeActionBase,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.argument_specs import (
    CERTIFICATE_FILE_OPTIONS,
    CERTIFICATE_SOURCE_MUTUALLY_EXCLUSIVE,
    CERTIFICATE_SOURCE_OPTIONS,
    EXCHANGE_OPTIONS,
    RECORD_OPTIONS,
    ArgumentSpec,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import OutcomeUnknown
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connector_access import (
    check_reached,
    find_connector,
    read_send_connectors,
    set_connector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connector_certificate import (  # noqa: E501
    CertificateWish,
    certificate_wish,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connectors import (
    Connector,
    Difference,
    difference,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.exchange_certificate import (  # noqa: E501
    read_certificates,
)

preload(*PRELOADED_FOR_EXCHANGE)

# Shared with exchange_receive_connector_tls.
CONNECTOR_OPTIONS: ArgumentSpec = {
    **CERTIFICATE_SOURCE_OPTIONS,
    **EXCHANGE_OPTIONS,
    **RECORD_OPTIONS,
    "name": {"type": "str", "required": True, "aliases": ["identity"]},
    "tls_certificate_name": {"type": "str"},
    "require_tls": {"type": "bool"},
    "fqdn": {"type": "str"},
    "domain_secure_enabled": {"type": "bool"},
}


class ConnectorAction(ExchangeActionBase):
    """What Send and Receive connectors have in common; a subclass reads its kind of connector."""

    MUTUALLY_EXCLUSIVE = [
        *CERTIFICATE_SOURCE_MUTUALLY_EXCLUSIVE,
        *(("tls_certificate_name", option) for option in CERTIFICATE_FILE_OPTIONS),
        ("tls_certificate_name", "thumbprint"),
    ]
    # The options that are settings of the connector, apart from its certificate.
    SETTINGS: tuple[str, ...] = ("require_tls", "fqdn", "domain_secure_enabled")

    def read(self, options: Mapping[str, Any]) -> Connector:
        """The connector that the task names.

        Raises:
            InvalidInput: there is none.
        """
        raise NotImplementedError

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        certificate = self._certificate(options)
        desired = {
            **desired_settings(options, self.SETTINGS),
            **desired_certificate(certificate),
        }
        before = self.read(options)
        change = difference(desired, before)
        if change and not self.check_mode:
            after = self._change(options, desired, before, change)
        else:
            self.report.changes += change.sentences(before.title)
            after = change.after
        self.report.before, self.report.after = before.to_result(), after.to_result()
        return {"connector": after.to_result()}

    def _certificate(self, options: Mapping[str, Any]) -> CertificateWish:
        server = self.server(options)
        wish = certificate_wish(
            options["tls_certificate_name"],
            self.certificate_source(options),
            stored=lambda: read_certificates(self.session, server, self.domain_controller),
            server=server,
            now=self.now(),
        )
        self.report.warn(wish.warnings)
        return wish

    def _change(
        self,
        options: Mapping[str, Any],
        desired: Mapping[str, object],
        before: Connector,
        change: Difference,
    ) -> Connector:
        """Set what differs, then read the connector and compare again."""
        unknown: OutcomeUnknown | None = None
        self.begin(" ".join(change.sentences(before.title)))
        try:
            result = set_connector(
                self.session, before, change, domain_controller=self.domain_controller
            )
            self.report.warn(result.warnings)
        except OutcomeUnknown as error:
            unknown = error
        after = self.read(options)
        if unknown is not None and difference(desired, after):
            raise unknown
        for sentence in change.sentences(before.title):
            self.done(sentence)
        check_reached(desired, after)
        return after


class ActionModule(ConnectorAction):
    """The action of M(mailops.exchange.exchange_send_connector)."""

    ARGUMENT_SPEC = {
        **CONNECTOR_OPTIONS,
        "tls_auth_level": {
            "type": "str",
            "choices": ["EncryptionOnly", "CertificateValidation", "DomainValidation", "none"],
        },
        "tls_domain": {"type": "str"},
        "cloud_services_mail_enabled": {"type": "bool"},
        "ignore_starttls": {"type": "bool"},
    }
    SETTINGS = (
        *ConnectorAction.SETTINGS,
        "tls_auth_level",
        "tls_domain",
        "cloud_services_mail_enabled",
        "ignore_starttls",
    )

    def read(self, options: Mapping[str, Any]) -> Connector:
        return find_connector(
            read_send_connectors(self.session, self.domain_controller), options["name"]
        )


def desired_settings(options: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, object]:
    """The settings that the task gives; those left out are left alone. "none" clears a level."""
    return {
        name: "" if options[name] == "none" else options[name]
        for name in names
        if options[name] is not None
    }


def desired_certificate(certificate: CertificateWish) -> dict[str, object]:
    """The certificate that the task gives, as one more setting."""
    if not certificate.given:
        return {}
    return {"tls_certificate_name": certificate.name.render() if certificate.name else ""}
