# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to change on one server, and in the organization, for a new certificate to take over?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    CERTIFICATE_SOURCE_MUTUALLY_EXCLUSIVE,
    CERTIFICATE_SOURCE_OPTIONS,
    EXCHANGE_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.services_option import (  # noqa: E501
    SERVICES_OPTION,
    check_services_given,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    HybridConfiguration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    find_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.new_certificate import (
    NewCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    Services,
    check_names_suit,
    ordered,
    wanted_services,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.recorded_state import (
    OrganizationState,
    RecordedServer,
    organization_to_json,
    read_server,
    server_to_json,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.server_plan import (
    OrganizationPlan,
    ServerPlan,
    plan_organization,
    plan_server,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_source import (
    load_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    LoadedCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
    normalize_thumbprints,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_rotation_info)."""

    ARGUMENT_SPEC = {
        **CERTIFICATE_SOURCE_OPTIONS,
        **EXCHANGE_OPTIONS,
        "services": {**SERVICES_OPTION, "default": ["IIS", "SMTP"]},
        "outgoing": {"type": "list", "elements": "str"},
        "organization": {"type": "bool", "default": False},
        "include_state": {"type": "bool", "default": False},
        "fail_on_problems": {"type": "bool", "default": True},
    }
    MUTUALLY_EXCLUSIVE = CERTIFICATE_SOURCE_MUTUALLY_EXCLUSIVE
    REQUIRED_ONE_OF = [
        ("pfx_path", "pfx_content", "fullchain_path", "fullchain_content", "thumbprint")
    ]

    def check_given(self, given: Mapping[str, Any]) -> None:
        check_services_given(given)

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        services = wanted_services(options["services"])
        named = normalize_thumbprints(options["outgoing"])
        loaded = self._load(options, services)
        server = self.server(options)
        state = read_server(
            self.session,
            server,
            self.domain_controller,
            organization=options["organization"],
            edge=self.is_edge,
            transport=options["include_state"],
        )
        organization_state = state.organization or OrganizationState()
        new = NewCertificate.from_loaded(loaded) if loaded else stored(options, state, server)
        plan = plan_server(
            new,
            server=server,
            certificates=state.certificates,
            receive_connectors=state.receive_connectors,
            services=services,
            outgoing=named,
            now=self.now(),
        )
        organization = plan_organization(
            new,
            outgoing=plan.outgoing,
            certificates=state.certificates,
            send_connectors=organization_state.send_connectors,
            hybrid_configuration=organization_state.hybrid_configuration,
            outgoing_was_named=named is not None,
            serves_smtp=plan.serves_smtp,
        )
        rotation = self._rotation(new, plan)
        if options["organization"]:
            add_organization(rotation, organization, organization_state.hybrid_configuration)
        self.report.warn([*rotation["warnings"], *state.warnings])
        self.report.facts["rotation"] = rotation
        if plan.problems and options["fail_on_problems"]:
            raise InvalidInput(
                f"The certificate cannot be rotated on {server}: " + " ".join(plan.problems),
                details={"server": server, "problems": list(plan.problems)},
            )
        result = {"rotation": rotation}
        if options["include_state"]:
            result["state"] = server_to_json(state)
            if state.organization is not None:
                result["organization"] = organization_to_json(state.organization)
        return result

    def _load(self, options: Mapping[str, Any], services: Services) -> LoadedCertificate | None:
        source = self.certificate_source(options)
        if not source.has_file:
            normalize_thumbprint(options["thumbprint"])
            return None
        loaded = load_certificate(source, now=self.now())
        check_names_suit(services, loaded.facts.common_name, loaded.dns_names)
        self.report.warn(loaded.warnings)
        return loaded

    def _rotation(self, new: NewCertificate, plan: ServerPlan) -> dict[str, Any]:
        now = self.now()
        return {
            "server": plan.server,
            "new": new_result(new, now=now),
            "outgoing": [certificate.to_result(now) for certificate in plan.outgoing],
            "install_needed": plan.install_needed,
            "services_to_enable": ordered(plan.services_to_enable),
            "receive_connectors": [item.to_result() for item in plan.receive_connectors],
            "smtp_names": list(plan.smtp_names),
            "warnings": list(plan.warnings),
            "problems": list(plan.problems),
            "changes": list(plan.changes),
        }


def stored(options: Mapping[str, Any], state: RecordedServer, server: str) -> NewCertificate:
    """The new certificate where only its thumbprint is given: it has to be on the server already.

    Raises:
        InvalidInput: it is not.
    """
    thumbprint = normalize_thumbprint(options["thumbprint"])
    certificate = find_certificate(list(state.certificates), thumbprint)
    if certificate is None:
        raise InvalidInput(
            f"{server} has no certificate {thumbprint} that Exchange can see: give its PFX or PEM "
            "files.",
            details={"server": server, "thumbprint": thumbprint},
        )
    return NewCertificate.from_stored(certificate)


def new_result(new: NewCertificate, *, now: Any) -> dict[str, Any]:
    """The new certificate as RETURN documents it."""
    name = new.tls_certificate_name
    return {
        "thumbprint": new.thumbprint,
        "subject": name.subject,
        "issuer": name.issuer,
        "dns_names": list(new.names),
        "not_before": new.not_before.strftime("%Y-%m-%dT%H:%M:%SZ") if new.not_before else None,
        "not_after": new.not_after.strftime("%Y-%m-%dT%H:%M:%SZ") if new.not_after else None,
        "days_left": (new.not_after - now).days if new.not_after else None,
        "tls_certificate_name": name.render(),
    }


def add_organization(
    rotation: dict[str, Any], plan: OrganizationPlan, hybrid: HybridConfiguration | None
) -> None:
    """Add what belongs to the organization to the plan of a server."""
    rotation["send_connectors"] = [item.to_result() for item in plan.send_connectors]
    rotation["hybrid_configuration"] = hybrid and {
        "tls_certificate_name": hybrid.tls_certificate_name,
        "names_outgoing": plan.hybrid_names_outgoing,
    }
    rotation["warnings"] += plan.warnings
    rotation["changes"] += plan.changes
