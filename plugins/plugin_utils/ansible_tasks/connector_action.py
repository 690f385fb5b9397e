# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a connector of any kind get what a task asks for?

Comparing, creating, setting, verifying and removing are the same for Send and Receive connectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    CERTIFICATE_FILE_OPTIONS,
    CERTIFICATE_SOURCE_MUTUALLY_EXCLUSIVE,
    CERTIFICATE_SOURCE_OPTIONS,
    EXCHANGE_OPTIONS,
    RECORD_OPTIONS,
    ArgumentSpec,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.access import (
    connector_of_name,
    create_connector,
    find_connector,
    remove_connector,
    set_connector,
    still_different,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.certificate_option import (  # noqa: E501
    CertificateSpec,
    certificate_spec,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    Connector,
    Difference,
    SendConnector,
    difference,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.creation import (
    Creation,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.properties import (
    Property,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.rights import (
    RightsChange,
    change_rights,
    check_wanted,
    plan_rights,
    read_rights,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    Credential,
    Secret,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    OutcomeUnknown,
    StateNotReached,
)

_CREDENTIAL = "AuthenticationCredential"


def connector_options(properties: Sequence[Property]) -> ArgumentSpec:
    """The options of a module that manages these properties."""
    return {
        **CERTIFICATE_SOURCE_OPTIONS,
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        "name": {"type": "str", "required": True, "aliases": ["identity"]},
        **{item.name: item.argument for item in properties},
    }


class ConnectorAction(ExchangeActionBase):
    """What all modules of connectors have in common; a subclass names its kind of connector."""

    MUTUALLY_EXCLUSIVE = [
        *CERTIFICATE_SOURCE_MUTUALLY_EXCLUSIVE,
        *(("tls_certificate_name", option) for option in CERTIFICATE_FILE_OPTIONS),
        ("tls_certificate_name", "thumbprint"),
    ]
    PROPERTIES: tuple[Property, ...] = ()

    def wanted_name(self, options: Mapping[str, Any]) -> str:
        """What the connector is looked for by."""
        return str(options["name"]).strip()

    def read_all(self, options: Mapping[str, Any]) -> Sequence[Connector]:
        """Every connector among which the task's one is looked for."""
        raise NotImplementedError

    def kind(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of find_connector that let messages name where it was looked for."""
        return {}

    def plan_creation(self, options: Mapping[str, Any], desired: Mapping[str, Any]) -> Creation:
        """What a connector that is not there would be created with.

        Raises:
            InvalidInput: too little is given for that.
        """
        raise NotImplementedError

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        if options.get("state") == "absent":
            return self._absent(options)
        check_wanted(options.get("extended_rights") or ())
        certificate = self._certificate(options)
        desired = {**self._settings(options), **desired_certificate(certificate)}
        known = self.read_all(options)
        before: Any = connector_of_name(known, self.wanted_name(options))
        if before is None and not self._may_create(options):
            before = find_connector(known, self.wanted_name(options), **self.kind(options))
        if before is None:
            after = self._created(options, desired)
        else:
            after = self._changed(options, desired, before)
        self.report.before = before.to_result() if before is not None else {}
        self.report.after = after.to_result()
        result: dict[str, Any] = {"connector": after.to_result()}
        if options.get("extended_rights"):
            result["extended_rights"] = self._rights(options, after, there=before is not None)
        return result

    # -- what is wanted --------------------------------------------------------------------------

    def _certificate(self, options: Mapping[str, Any]) -> CertificateSpec:
        server = self.server(options)
        spec = certificate_spec(
            options["tls_certificate_name"],
            self.certificate_source(options),
            stored=lambda: read_certificates(self.session, server, self.domain_controller),
            server=server,
            now=self.now(),
        )
        self.report.warn(spec.warnings)
        return spec

    def _settings(self, options: Mapping[str, Any]) -> dict[str, object]:
        """The settings that the task gives; those left out are left alone. "none" clears."""
        return {
            item.name: "" if options[item.name] == "none" else options[item.name]
            for item in self.PROPERTIES
            if options[item.name] is not None and item.name != "tls_certificate_name"
        }

    def _may_create(self, options: Mapping[str, Any]) -> bool:
        """Whether the task means a connector that may not be there yet: it says where mail goes."""
        return options.get("state") == "present" and any(
            options.get(name) is not None for name in ("address_spaces", "bindings", "usage")
        )

    # -- present ---------------------------------------------------------------------------------

    def _created(self, options: Mapping[str, Any], desired: Mapping[str, object]) -> Connector:
        plan = self.plan_creation(options, desired)
        parameters = self._completed(plan.parameters, options)
        sentence = f"Create {plan.connector.title}."
        if self.check_mode:
            self.report.changes.append(sentence)
            return plan.connector

        def send() -> None:
            result = create_connector(
                self.session,
                plan.connector.title,
                parameters,
                send=isinstance(plan.connector, SendConnector),
                domain_controller=self.domain_controller,
            )
            self.report.warn(result.warnings)

        known = self.carry_out(
            sentence,
            send,
            read=lambda: self.read_all(options),
            reached=lambda known: connector_of_name(known, plan.connector.name) is not None,
            otherwise=lambda _known: StateNotReached(
                f"{plan.connector.title} was created without an error, but is not there. If the "
                "directory replicates slowly, name one domain controller with "
                "ansible_exchange_domain_controller."
            ),
            done=[sentence.replace("Create ", "Created ", 1)],
        )
        created = find_connector(known, plan.connector.name)
        remaining = difference(desired, created)
        return self._set(options, desired, created, remaining) if remaining else created

    def _changed(
        self, options: Mapping[str, Any], desired: Mapping[str, object], before: Connector
    ) -> Connector:
        change = difference(desired, before)
        if options.get("update_password") == "always" and options.get("authentication_user"):
            change = with_password(change)
        if not change:
            return change.after
        parameters = self._completed(change.parameters, options)
        if self.check_mode:
            self.report.changes += change.sentences(before.title)
            return change.after
        return self._set(options, desired, before, replace(change, parameters=parameters))

    def _set(
        self,
        options: Mapping[str, Any],
        desired: Mapping[str, object],
        before: Connector,
        change: Difference,
    ) -> Connector:
        """Set what differs, then read the connector and compare again."""

        def send() -> None:
            result = set_connector(
                self.session, before, change, domain_controller=self.domain_controller
            )
            self.report.warn(result.warnings)

        def read() -> Connector:
            known = self.read_all(options)
            return find_connector(known, before.identity or before.name, **self.kind(options))

        return self.carry_out(
            " ".join(change.sentences(before.title)),
            send,
            read=read,
            reached=lambda after: not difference(desired, after),
            otherwise=lambda after: still_different(desired, after),
            done=change.sentences(before.title),
        )

    def _completed(
        self, parameters: Mapping[str, object], options: Mapping[str, Any]
    ) -> dict[str, object]:
        """The parameters with what is no setting: the password of the user among them, Force."""
        if options.get("force"):
            parameters = {**parameters, "Force": True}
        user = parameters.get(_CREDENTIAL)
        if not user:
            return dict(parameters)
        password = options.get("authentication_password")
        if not password:
            raise InvalidInput(
                f"authentication_user: '{user}' needs its authentication_password, because "
                "Exchange takes both together."
            )
        return {**parameters, _CREDENTIAL: Credential(str(user), Secret(password))}

    # -- absent ----------------------------------------------------------------------------------

    def _absent(self, options: Mapping[str, Any]) -> dict[str, Any]:
        before = connector_of_name(self.read_all(options), self.wanted_name(options))
        if before is None:
            return {}
        self.report.before, self.report.after = before.to_result(), {}
        sentence = f"Remove {before.title}."
        if self.check_mode:
            self.report.changes.append(sentence)
            return {"connector": before.to_result()}
        self.carry_out(
            sentence,
            lambda: remove_connector(
                self.session, before, domain_controller=self.domain_controller
            ),
            read=lambda: self.read_all(options),
            reached=lambda known: connector_of_name(known, before.identity or before.name) is None,
            otherwise=lambda _known: StateNotReached(
                f"{before.title} was removed without an error, but is still there."
            ),
            done=[sentence.replace("Remove ", "Removed ", 1)],
        )
        return {"connector": before.to_result()}

    # -- extended rights -------------------------------------------------------------------------

    def _rights(
        self, options: Mapping[str, Any], connector: Connector, *, there: bool
    ) -> list[dict[str, object]]:
        wanted = options["extended_rights"]
        if not there and self.check_mode:
            planned = plan_rights(wanted, ())
            self.report.changes += [item.sentence(connector.title) for item in planned]
            return []
        before = read_rights(self.session, connector, self.domain_controller)
        changes = plan_rights(wanted, before)
        if self.check_mode:
            self.report.changes += [item.sentence(connector.title) for item in changes]
        if self.check_mode or not changes:
            return [item.to_result() for item in before]
        for change in changes:
            self._change_rights(connector, change)
        after = read_rights(self.session, connector, self.domain_controller)
        remaining = plan_rights(wanted, after)
        if remaining:
            raise StateNotReached(
                f"After the change this is still to be done: "
                f"{' '.join(item.sentence(connector.title) for item in remaining)} An inherited "
                "entry may stand against it."
            )
        return [item.to_result() for item in after]

    def _change_rights(self, connector: Connector, change: RightsChange) -> None:
        sentence = change.sentence(connector.title)
        self.begin(sentence)
        try:
            result = change_rights(self.session, connector, change, self.domain_controller)
            self.report.warn(result.warnings)
        except OutcomeUnknown:
            # The rights are read again at the end, which shows whether it took effect.
            self.report.warn([f"Contact was lost while this was done: {sentence}"])
        self.done(sentence)


def with_password(change: Difference) -> Difference:
    """The change with the credential in it, whether the user differs or not."""
    name = "authentication_user"
    user = change.after.further.get(name)
    return replace(
        change,
        parameters={**change.parameters, _CREDENTIAL: user},
        changed=change.changed if name in change.changed else (*change.changed, name),
    )


def desired_certificate(certificate: CertificateSpec) -> dict[str, object]:
    """The certificate that the task gives, as one more setting."""
    if not certificate.given:
        return {}
    return {"tls_certificate_name": certificate.name.render() if certificate.name else ""}
