# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What carries secure mail between this server and Exchange Online, what does it lack, and could
the Hybrid Configuration Wizard run?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    HybridConfiguration,
    read_hybrid_configuration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.new_certificate import (
    NewCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.access import (
    read_receive_connectors,
    read_send_connectors,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.values import (
    IPAddress,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.own_address import (
    own_address,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    list_of,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletFailed,
    CmdletNotAvailable,
    InvalidInput,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.finding import (
    Finding,
    failed,
    warned,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.hybrid.secure_mail import (
    CloudConnectors,
    cloud_connectors,
    frontend_connectors,
    missing_servers,
    ports_met,
    receive_needs,
    send_needs,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.hybrid.wizard import (
    former_names,
    judge_builds,
    judge_certificate,
    judge_cloud_connectors,
    judge_frontend,
    judge_left_alone,
    judge_service_host,
    judge_store,
    judge_wizard,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.server_plan import (
    plan_organization,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.smtp_selection import (
    takes_over,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_source import (
    load_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
    normalize_thumbprints,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
    is_canonical,
    read_stored,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_hybrid_info)."""

    ARGUMENT_SPEC = {
        **CERTIFICATE_SOURCE_OPTIONS,
        **EXCHANGE_OPTIONS,
        "organization": {"type": "bool", "default": True},
        "carries_hybrid_mail": {"type": "bool"},
        "former_tls_certificate_name": {"type": "str"},
        "outgoing": {"type": "list", "elements": "str"},
    }
    MUTUALLY_EXCLUSIVE = CERTIFICATE_SOURCE_MUTUALLY_EXCLUSIVE

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        server = self.server(options)
        organization = options["organization"] and not self.is_edge
        configuration = self._configuration(options)
        certificates, unreadable = self._certificates(server)
        new = self._certificate(options, configuration, certificates)
        chosen = configuration.transport_servers if configuration else []
        carries = options["carries_hybrid_mail"]
        if carries is None:
            carries = bool(chosen) and not missing_servers([server], chosen)
        result: dict[str, Any] = {
            "hybrid_configuration": configuration.to_result() if configuration else None,
            "servers": chosen,
            "tls_certificate_name": new.tls_certificate_name.render() if new else None,
            "carries_hybrid_mail": carries,
        }
        findings: list[Finding] = []
        if unreadable is not None:
            findings.append(unreadable)
        if carries:
            peer = own_address(self.host_address(task_vars))
            findings += self._of_server(result, server, certificates, new, peer)
        if organization and configuration is not None:
            findings += self._of_organization(result, configuration, certificates, new, options)
        result["findings"] = [item.to_result(server) for item in findings]
        return result

    def _configuration(self, options: Mapping[str, Any]) -> HybridConfiguration | None:
        if self.is_edge:
            return None
        return read_hybrid_configuration(self.session, self.domain_controller, whole=True)

    def _certificates(self, server: str) -> tuple[list[ExchangeCertificate], Finding | None]:
        """What the server holds; without its service host that is unknown, which is a finding."""
        try:
            return read_certificates(self.session, server, self.domain_controller), None
        except CmdletNotAvailable:
            raise
        except CmdletFailed as error:
            return [], failed(
                "certificates",
                f"The certificates of {server} cannot be read: {error.message}",
                "See that MSExchangeServiceHost runs there.",
            )

    def _certificate(
        self,
        options: Mapping[str, Any],
        configuration: HybridConfiguration | None,
        certificates: Sequence[ExchangeCertificate],
    ) -> NewCertificate | None:
        """The certificate that hybrid mail shall use: given, else what the configuration names."""
        source = self.certificate_source(options)
        if source.has_file:
            loaded = load_certificate(source, now=self.now(), needs_private_key=False)
            self.report.warn(loaded.warnings)
            return NewCertificate.from_loaded(loaded)
        if options["thumbprint"]:
            thumbprint = normalize_thumbprint(options["thumbprint"])
            found = find_certificate(list(certificates), thumbprint)
            if found is None:
                raise InvalidInput(
                    f"{self.server(options)} has no certificate {thumbprint} that Exchange can "
                    "see: give its PFX or PEM files, or install it there first."
                )
            return NewCertificate.from_stored(found)
        named = read_stored(configuration.tls_certificate_name) if configuration else None
        bearing = [item for item in certificates if item.tls_certificate_name == named]
        bearing.sort(key=lambda item: (item.not_before is not None, item.not_before))
        return NewCertificate.from_stored(bearing[-1]) if named and bearing else None

    # -- one server ------------------------------------------------------------------------------

    def _of_server(
        self,
        result: dict[str, Any],
        server: str,
        certificates: Sequence[ExchangeCertificate],
        new: NewCertificate | None,
        peer: IPAddress | None,
    ) -> Iterator[Finding]:
        connectors = read_receive_connectors(
            self.session, server, self.domain_controller, whole=True
        )
        frontends = frontend_connectors(connectors, edge=self.is_edge)
        seen = new is not None and takes_over(new, certificates, now=self.now())
        result["receive_connectors"] = [
            receive_needs(
                item,
                new.tls_certificate_name,
                ports=ports_met(item, frontends, connectors, peer) if seen else (),
            ).to_result()
            for item in frontends
            if new is not None
        ]
        if new is not None:
            yield from judge_certificate(new, certificates, server)
        yield judge_store(certificates, server)
        yield judge_frontend(len(frontends), server)
        yield self._service_host(server)

    def _service_host(self, server: str) -> Finding:
        try:
            answer = self.session.invoke(Cmdlet("Test-ServiceHealth", {"Server": server}))
        except CmdletNotAvailable:
            return warned(
                "service_host",
                "It could not be checked whether MSExchangeServiceHost runs: Test-ServiceHealth is "
                "not available to this account.",
            )
        stopped = [
            text_of(item) or ""
            for value in answer.output
            if isinstance(value, RemoteObject)
            for item in list_of(value.get("ServicesNotRunning"))
        ]
        return judge_service_host(stopped, server)

    # -- the organization ------------------------------------------------------------------------

    def _of_organization(
        self,
        result: dict[str, Any],
        configuration: HybridConfiguration,
        certificates: Sequence[ExchangeCertificate],
        new: NewCertificate | None,
        options: Mapping[str, Any],
    ) -> Iterator[Finding]:
        stored = configuration.tls_certificate_name
        former = self._former(options, stored)
        found = self._cloud_connectors(options, [former, read_stored(stored)], certificates, new)
        result["send_connectors"] = [
            send_needs(item, new.tls_certificate_name).to_result()
            for item in found.hybrid
            if new is not None
        ]
        result["configuration_differs"] = new is not None and not (
            stored and read_stored(stored) == new.tls_certificate_name and is_canonical(stored)
        )
        yield judge_cloud_connectors([item.name for item in found.hybrid])
        for connector, why in found.others:
            yield judge_left_alone(connector.title, why)
        yield judge_builds(self._versions())
        if new is not None:
            result["wizard"] = judge_wizard(
                former, former_names(former, new, certificates, now=self.now()), new
            ).to_result()

    def _cloud_connectors(
        self,
        options: Mapping[str, Any],
        named: Sequence[TlsCertificateName | None],
        certificates: Sequence[ExchangeCertificate],
        new: NewCertificate | None,
    ) -> CloudConnectors:
        """Those of hybrid mail by what they name, or will name at the end of a rotation."""
        connectors = read_send_connectors(self.session, self.domain_controller, whole=True)
        names = [name for name in named if name is not None]
        if new is None:
            return cloud_connectors(connectors, certificates=names)
        outgoing = normalize_thumbprints(options["outgoing"])
        rotation = plan_organization(
            new,
            outgoing=[item for item in certificates if item.thumbprint in (outgoing or ())],
            certificates=certificates,
            send_connectors=connectors,
            outgoing_was_named=outgoing is not None,
        )
        return cloud_connectors(
            connectors,
            certificates=[*names, new.tls_certificate_name],
            followed=[change.name for change in rotation.send_connectors],
        )

    def _former(self, options: Mapping[str, Any], stored: str | None) -> TlsCertificateName | None:
        """What the hybrid configuration named before; given as empty, it named none."""
        given = options["former_tls_certificate_name"]
        former = read_stored(stored if given is None else given)
        if given and former is None:
            self.report.warn([f"former_tls_certificate_name '{given}' names no certificate."])
        return former

    def _versions(self) -> dict[str, str]:
        values = read_objects(
            self.session,
            Cmdlet("Get-ExchangeServer"),
            ("Name", "AdminDisplayVersion", "IsEdgeServer"),
        )
        return {
            text_of(value.get("Name")) or "": text_of(value.get("AdminDisplayVersion")) or ""
            for value in values
            if value.get("IsEdgeServer") is not True
        }
