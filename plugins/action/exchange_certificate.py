# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does one certificate get onto, into service on, or off one server?"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    CERTIFICATE_SOURCE_MUTUALLY_EXCLUSIVE,
    CERTIFICATE_SOURCE_OPTIONS,
    EXCHANGE_OPTIONS,
    RECORD_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.services_option import (  # noqa: E501
    SERVICES_OPTION,
    check_services_given,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_configuration import (  # noqa: E501
    AuthConfiguration,
    read_auth_configuration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.federation_trust import (  # noqa: E501
    read_federation_thumbprints,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    read_hybrid_configuration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.changes import (
    check_friendly_name,
    enable_certificate,
    import_certificate,
    remove_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.installation import (
    InstallationPlan,
    InstallationSpec,
    ServerState,
    check_usable,
    enabled_sentence,
    plan_installation,
    planned_sentences,
    predicted,
    title,
    unknown_services_sentence,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    check_names_suit,
    missing_services,
    render_services,
    wanted_services,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.change import once
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.access import (
    connectors_naming,
    read_receive_connectors,
    read_send_connectors,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    SendConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.release import (
    released,
    restore,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletNotAvailable,
    InvalidInput,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.removal import (
    federation_obstacles,
    host_name_obstacles,
    removal_obstacles,
    same_name_certificates,
    service_obstacles,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.transport_service import (
    keep_internal_transport_certificate,
    read_internal_transport_thumbprint,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_source import (
    CertificateSource,
    load_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    LoadedCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_certificate)."""

    ARGUMENT_SPEC = {
        **CERTIFICATE_SOURCE_OPTIONS,
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "services": SERVICES_OPTION,
        "friendly_name": {"type": "str"},
        "exportable": {"type": "bool"},
        "require_ssl": {"type": "bool", "default": True},
        "network_service_allowed": {"type": "bool", "default": False},
        "internal_transport_certificate": {
            "type": "str",
            "choices": ["keep", "replace"],
            "default": "keep",
        },
        "allow_expired": {"type": "bool", "default": False},
        "unused_only": {"type": "bool", "default": False},
        "release_send_connectors": {"type": "bool", "default": False},
    }
    MUTUALLY_EXCLUSIVE = CERTIFICATE_SOURCE_MUTUALLY_EXCLUSIVE
    REQUIRED_ONE_OF = [
        ("pfx_path", "pfx_content", "fullchain_path", "fullchain_content", "thumbprint")
    ]
    REQUIRED_IF = [
        ("state", "absent", ("thumbprint",)),
        ("release_send_connectors", True, ("record",)),
    ]

    def check_given(self, given: Mapping[str, Any]) -> None:
        check_services_given(given)

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        if options["state"] == "absent":
            return self._absent(options)
        spec = self._spec(options)
        before = self._read(spec, allow_expired=options["allow_expired"])
        plan = plan_installation(spec, before)
        self.report.warn(plan.warnings)
        if self.check_mode or not plan.changes_something:
            self.report.changes += planned_sentences(spec, plan, before)
            after = predicted(spec, plan, before)
        else:
            self._change(spec, plan, before)
            after = self._verify(spec, plan, before)
        self.report.before, self.report.after = before.as_diff(), after.as_diff()
        result: dict[str, Any] = {}
        if after.certificate is not None:
            result["certificate"] = after.certificate.to_result(self.now())
        if after.internal_transport is not None:
            result["internal_transport_certificate"] = after.internal_transport
        return result

    # -- state: present --------------------------------------------------------------------------

    def _spec(self, options: Mapping[str, Any]) -> InstallationSpec:
        """Everything that can be known, and refused, before anything is sent."""
        source = self.certificate_source(options)
        loaded = self._load(source)
        services = wanted_services(options["services"] or [])
        if loaded is not None:
            check_names_suit(services, loaded.facts.common_name, loaded.dns_names)
            self.report.warn(loaded.warnings)
        spec = InstallationSpec(
            server=self.server(options),
            thumbprint=loaded.thumbprint if loaded else normalize_thumbprint(options["thumbprint"]),
            services=services,
            loaded=loaded,
            friendly_name=options["friendly_name"],
            exportable=options["exportable"],
            require_ssl=options["require_ssl"],
            network_service_allowed=options["network_service_allowed"],
            replace_internal_transport=options["internal_transport_certificate"] == "replace",
        )
        check_friendly_name(spec.friendly_name_at_import)
        return spec

    def _load(self, source: CertificateSource) -> LoadedCertificate | None:
        return load_certificate(source, now=self.now()) if source.has_file else None

    def _read(self, spec: InstallationSpec, *, allow_expired: bool) -> ServerState:
        certificates = read_certificates(self.session, spec.server, self.domain_controller)
        certificate = find_certificate(certificates, spec.thumbprint)
        check_usable(spec, certificate, now=self.now(), allow_expired=allow_expired)
        has = certificate.services if certificate else frozenset()
        concerned = "SMTP" in missing_services(spec.services, has)
        if spec.replace_internal_transport and "SMTP" in spec.services:
            concerned = True
        return ServerState(
            certificates=certificates,
            certificate=certificate,
            internal_transport=self._internal_transport(spec.server) if concerned else None,
        )

    def _internal_transport(self, server: str) -> str | None:
        try:
            return read_internal_transport_thumbprint(self.session, server, self.domain_controller)
        except CmdletNotAvailable:
            self.report.warn(
                [
                    "This account may not use Get-TransportService, so it cannot be checked that "
                    f"{server} keeps its internal transport certificate."
                ]
            )
            return None

    def _change(self, spec: InstallationSpec, plan: InstallationPlan, before: ServerState) -> None:
        if plan.to_import is not None:
            self._import(spec, plan.to_import)
        if plan.enable_it:
            self._enable(spec, plan, before)

    def _import(self, spec: InstallationSpec, loaded: LoadedCertificate) -> None:
        self.begin(f"Import {title(spec)} on {spec.server}.")
        once(
            lambda: import_certificate(
                self.session,
                loaded,
                server=spec.server,
                friendly_name=spec.friendly_name_at_import,
                exportable=spec.exportable,
                domain_controller=self.domain_controller,
            ),
            lambda: self._stored(spec),
        )
        self.done(f"Imported {title(spec)} on {spec.server}.")

    def _enable(self, spec: InstallationSpec, plan: InstallationPlan, before: ServerState) -> None:
        def is_enabled() -> bool:
            stored = self._stored(spec)
            return stored is not None and not missing_services(plan.enable, stored.services)

        self.begin(enabled_sentence("Enable", spec, plan, before))
        once(
            lambda: enable_certificate(
                self.session,
                spec.thumbprint,
                plan.enable,
                server=spec.server,
                replace_internal_transport=spec.replace_internal_transport,
                former_internal_transport=before.internal_transport,
                require_ssl=spec.require_ssl,
                network_service_allowed=spec.network_service_allowed,
                domain_controller=self.domain_controller,
            ),
            is_enabled,
        )
        self.done(enabled_sentence("Enabled", spec, plan, before))

    def _stored(self, spec: InstallationSpec) -> ExchangeCertificate | None:
        certificates = read_certificates(self.session, spec.server, self.domain_controller)
        return find_certificate(certificates, spec.thumbprint)

    def _verify(
        self, spec: InstallationSpec, plan: InstallationPlan, before: ServerState
    ) -> ServerState:
        """Read the server again; fail unless it has what was asked for and kept what it should."""
        internal_transport = self._settle_internal_transport(spec, plan, before)
        certificates = read_certificates(self.session, spec.server, self.domain_controller)
        certificate = find_certificate(certificates, spec.thumbprint)
        details = {"server": spec.server, "thumbprint": spec.thumbprint}
        if certificate is None:
            raise StateNotReached(
                f"{spec.server} took the import of {title(spec)}, but Exchange does not show it: "
                "it is in the Windows store without its private key. On the server, repair it with "
                "certutil -repairstore my <serial number>, or delete it there and run this again.",
                details=details,
            )
        if certificate.services is None and plan.enable:
            self.report.warn([unknown_services_sentence(spec)])
        missing = missing_services(plan.enable, certificate.services)
        if certificate.services is not None and missing:
            raise StateNotReached(
                f"{spec.server} enabled {title(spec)} without an error, but reports it only for "
                f"{render_services(certificate.services)}, not for {render_services(missing)}.",
                details=details,
            )
        return ServerState(
            certificates=certificates,
            certificate=certificate,
            internal_transport=internal_transport,
        )

    def _settle_internal_transport(
        self, spec: InstallationSpec, plan: InstallationPlan, before: ServerState
    ) -> str | None:
        """Make sure that the internal transport certificate is what the task wants it to be."""
        if before.internal_transport is None or "SMTP" not in plan.enable:
            return before.internal_transport
        if not spec.replace_internal_transport:
            restored = keep_internal_transport_certificate(
                self.session,
                server=spec.server,
                before=before.internal_transport,
                certificates_before=before.certificates,
                taken=plan.enable,
                domain_controller=self.domain_controller,
            )
            self.report.warn([restored] if restored else [])
            return before.internal_transport
        after = self._internal_transport(spec.server)
        if after != spec.thumbprint:
            raise StateNotReached(
                f"The internal transport certificate of {spec.server} is still {after}, although "
                f"{spec.thumbprint} was to replace it.",
                details={"server": spec.server, "thumbprint": spec.thumbprint},
            )
        return after

    # -- state: absent ---------------------------------------------------------------------------

    def _absent(self, options: Mapping[str, Any]) -> dict[str, Any]:
        server = self.server(options)
        thumbprint = normalize_thumbprint(options["thumbprint"])
        self._set_released_again()
        certificates = read_certificates(self.session, server, self.domain_controller)
        certificate = find_certificate(certificates, thumbprint)
        if certificate is None:
            return {}
        result: dict[str, Any] = {"certificate": certificate.to_result(self.now())}
        self.report.facts.update(result)
        self.report.before = ServerState(certificates=[], certificate=certificate).as_diff()
        naming = self._refuse_if_needed(
            certificate,
            certificates,
            release=options["release_send_connectors"],
            unused_only=options["unused_only"],
        )
        result["released_send_connectors"] = [connector.name for connector in naming]
        self.report.after = {"certificate": None}
        name = f"certificate {thumbprint} ({certificate.common_name or certificate.subject})"
        if self.check_mode:
            self.report.changes += [
                f"Clear TlsCertificateName of {connector.title} for the moment of the removal."
                for connector in naming
            ]
            self.report.changes.append(f"Remove {name} from {server}.")
            return result
        with self._released(naming):
            self._remove(server, thumbprint, name)
        return result

    def _remove(self, server: str, thumbprint: str, name: str) -> None:
        self.carry_out(
            f"Remove {name} from {server}.",
            lambda: remove_certificate(
                self.session, thumbprint, server=server, domain_controller=self.domain_controller
            ),
            read=lambda: read_certificates(self.session, server, self.domain_controller),
            reached=lambda certificates: find_certificate(certificates, thumbprint) is None,
            otherwise=lambda _certificates: StateNotReached(
                f"{server} removed {name} without an error, but still has it.",
                details={"server": server, "thumbprint": thumbprint},
            ),
            done=[f"Removed {name} from {server}."],
        )

    def _released(self, connectors: list[SendConnector]) -> AbstractContextManager[None]:
        if not connectors or self._record is None:
            return nullcontext()
        return released(
            lambda: self.session,
            connectors,
            record=self._record,
            domain_controller=self.domain_controller,
            note=self.done,
        )

    def _set_released_again(self) -> None:
        """Finish what a run left that was killed while Send connectors were released."""
        if self._record is not None:
            restore(
                lambda: self.session,
                record=self._record,
                domain_controller=self.domain_controller,
                note=self.done,
            )

    def _refuse_if_needed(
        self,
        certificate: ExchangeCertificate,
        certificates: list[ExchangeCertificate],
        *,
        release: bool,
        unused_only: bool,
    ) -> list[SendConnector]:
        """Refuse a removal that breaks something; return the Send connectors to be released."""
        server, controller = certificate.server, self.domain_controller
        session = self.session
        send_connectors = read_send_connectors(session, controller)
        receive_connectors = read_receive_connectors(session, server, controller)
        # On an Edge server the Send connectors are a copy that cannot be changed there.
        releasable = (
            same_name_certificates(certificate, certificates)
            if release and not self.is_edge
            else []
        )
        reasons = removal_obstacles(
            certificate,
            others=certificates,
            internal_transport_thumbprint=read_internal_transport_thumbprint(
                session, server, controller
            ),
            send_connectors=[] if releasable else send_connectors,
            receive_connectors=receive_connectors,
            auth_configuration=AuthConfiguration()
            if self.is_edge
            else read_auth_configuration(session, controller),
            hybrid_configuration=None
            if self.is_edge
            else read_hybrid_configuration(session, controller),
            expired_successor_counts=release,
            now=self.now(),
        )
        reasons += federation_obstacles(certificate, self._federation_thumbprints())
        if unused_only:
            reasons += service_obstacles(certificate)
            reasons += host_name_obstacles(
                certificate, certificates, receive_connectors, now=self.now()
            )
        if reasons:
            raise InvalidInput(
                f"The certificate {certificate.thumbprint} on {server} cannot be removed: "
                + " ".join(reasons),
                details={
                    "server": server,
                    "thumbprint": certificate.thumbprint,
                    "reasons": reasons,
                },
            )
        return connectors_naming(send_connectors, certificate.tls_certificate_name)

    def _federation_thumbprints(self) -> set[str]:
        """What the federation trusts name; who may not see them goes by the services."""
        if self.is_edge:
            return set()
        try:
            return read_federation_thumbprints(self.session, self.domain_controller)
        except CmdletNotAvailable:
            return set()
