# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""May a rotation begin: the certificate, a server (both endpoints, all ports), and the time?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils import exchange_builds
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
    PRELOADED_FOR_WINDOWS,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.services_option import (  # noqa: E501
    SERVICES_OPTION,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.autodiscover import (  # noqa: E501
    read_autodiscover_hosts,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
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
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    Services,
    wanted_services,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletNotAvailable,
    ExchangeError,
    InvalidInput,
    TlsProbeFailed,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.finding import (
    FAIL,
    PASS,
    WARN,
    Finding,
    failed,
    passed,
    warned,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.chain_verdict import (
    find_authorities,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.tls_probe import (
    PROTOCOLS,
    probe,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight import (
    certificate_checks,
    organization_checks,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight.clock_check import (
    judge_clock,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight.maintenance_window import (
    read_window,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight.permissions import (
    ACTIVITIES,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight.rollback_checks import (
    check_rollback,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight.server_checks import (
    Limits,
    ServerChecks,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.record import runs
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.server_plan import (
    find_outgoing,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.accepted_domains import (
    read_accepted_domains,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_facts import (
    CertificateFacts,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_source import (
    load_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    LoadedCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

preload(*PRELOADED_FOR_EXCHANGE, *PRELOADED_FOR_WINDOWS)

_WINDOW_OPTIONS: dict[str, dict[str, Any]] = {
    "start": {"type": "str", "required": True},
    "end": {"type": "str", "required": True},
    "time_zone": {"type": "str", "default": "UTC"},
    "days": {"type": "list", "elements": "str"},
}
_PORT_OPTIONS: dict[str, dict[str, Any]] = {
    "port": {"type": "int", "required": True},
    "server_port": {"type": "int"},
    "protocol": {"type": "str", "choices": list(PROTOCOLS), "required": True},
    "service": {"type": "str"},
}
_BUILD_OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "build": {"type": "str", "required": True},
    "supported": {"type": "bool", "default": True},
}


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_preflight)."""

    ARGUMENT_SPEC = {
        **CERTIFICATE_SOURCE_OPTIONS,
        **EXCHANGE_OPTIONS,
        "services": {**SERVICES_OPTION, "default": ["IIS", "SMTP"]},
        "organization": {"type": "bool", "default": False},
        "required_names": {"type": "list", "elements": "str"},
        "allow_wildcard": {"type": "bool", "default": False},
        "allow_self_signed": {"type": "bool", "default": False},
        "minimum_days": {"type": "int", "default": 30},
        "minimum_rsa_bits": {"type": "int", "default": 2048},
        "revoked_thumbprints": {"type": "list", "elements": "str", "default": []},
        "tls_certificate_name_limit": {"type": "int", "default": 256},
        "ca_path": {"type": "path"},
        "activities": {
            "type": "list",
            "elements": "str",
            "choices": list(ACTIVITIES),
            "default": ["rotate"],
        },
        "backup_required": {"type": "bool", "default": False},
        "ports": {"type": "list", "elements": "dict", "options": _PORT_OPTIONS, "default": []},
        "port_timeout": {"type": "int", "default": 10},
        "clock_tolerance": {"type": "float", "default": 60.0},
        "queue_limit": {"type": "int", "default": 500},
        "queue_growth_limit": {"type": "int", "default": 50},
        "known_builds": {
            "type": "list",
            "elements": "dict",
            "options": _BUILD_OPTIONS,
            "default": [],
        },
        "window": {"type": "dict", "options": _WINDOW_OPTIONS},
        "record_directory": {"type": "path"},
        "fail_on_findings": {"type": "bool", "default": True},
    }
    MUTUALLY_EXCLUSIVE = CERTIFICATE_SOURCE_MUTUALLY_EXCLUSIVE

    # Replaced by tests.
    probe_port = staticmethod(probe)

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        check_options(options)
        server = self.server(options)
        services = wanted_services(options["services"])
        window = read_window(options["window"]) if options["window"] else None
        source = self.certificate_source(options)
        findings: list[Finding] = []
        loaded: LoadedCertificate | None = None
        if source.has_file:
            try:
                loaded = load_certificate(source, now=self.now())
            except InvalidInput as error:
                findings.append(failed("certificate", error.message, "Give another file."))
        if window is not None:
            findings.append(self._window(window))
        thumbprint = loaded.thumbprint if loaded else options["thumbprint"]
        thumbprint = normalize_thumbprint(thumbprint) if thumbprint else None
        findings += self._exchange_endpoint(
            server, services, loaded, thumbprint, options, task_vars
        )
        findings += self._windows_endpoint(options)
        findings += self._ports(options, task_vars)
        return self._conclusion(server, findings, options)

    def _conclusion(
        self, server: str, findings: Sequence[Finding], options: Mapping[str, Any]
    ) -> dict[str, Any]:
        counts = {
            status: sum(item.status == status for item in findings) for status in (PASS, WARN, FAIL)
        }
        result: dict[str, Any] = {
            "findings": [item.to_result(server) for item in findings],
            "passed": counts[PASS],
            "warned": counts[WARN],
            "failed_checks": counts[FAIL],
        }
        self.report.facts.update(result)
        failures = [item for item in findings if item.status == FAIL]
        if failures and options["fail_on_findings"]:
            raise InvalidInput(
                f"{server} is not ready: "
                + " ".join(f"[{item.check}] {item.message} {item.remedy}" for item in failures),
                details={"server": server},
            )
        return result

    # -- time ------------------------------------------------------------------------------------

    def _window(self, window: Any) -> Finding:
        now = self.now()
        if window.contains(now):
            return passed("window", f"It is inside the maintenance window ({window.describe()}).")
        message = f"It is outside of the maintenance window ({window.describe()})."
        if self.check_mode:
            return warned("window", message, "A run that changes something would not begin now.")
        return failed("window", message, "Begin inside the window, or change it.")

    # -- Exchange --------------------------------------------------------------------------------

    def _exchange_endpoint(
        self,
        server: str,
        services: Services,
        loaded: LoadedCertificate | None,
        thumbprint: str | None,
        options: Mapping[str, Any],
        task_vars: Mapping[str, Any],
    ) -> list[Finding]:
        try:
            certificates = read_certificates(self.session, server, self.domain_controller)
        except ExchangeError as error:
            return [
                failed(
                    "exchange_endpoint",
                    f"Exchange's endpoint does not answer: {error.message}",
                    "See that WinRM runs, and that the account is a local administrator."
                    if self.is_edge
                    else "See that W3SVC runs, and the table of connection errors in the README.",
                )
            ]
        findings = [passed("exchange_endpoint", "Exchange's endpoint answers.")]
        stored = find_certificate(certificates, thumbprint) if thumbprint else None
        if options["organization"]:
            findings += self._certificate(loaded, stored, certificates, services, options)
        if thumbprint and not loaded and stored is None:
            findings.append(
                failed(
                    "certificate",
                    f"{server} has no certificate {thumbprint} that Exchange can see.",
                    "Give its PFX or PEM files, or install it there first.",
                )
            )
        new = _new_certificate(loaded, stored)
        if new is not None:
            outgoing = find_outgoing(new, certificates, services=services)
            findings += list(
                check_rollback(new, outgoing, backup_required=options["backup_required"])
            )
        limits = Limits(
            queue_messages=options["queue_limit"],
            queue_growth=options["queue_growth_limit"],
            further_builds=tuple(map(_build, options["known_builds"])),
            activities=tuple(options["activities"]),
            interrupted=self._interrupted(server, thumbprint, options, task_vars),
            edge=self.is_edge,
        )
        checks = ServerChecks(self.session, server, limits, self.domain_controller)
        findings += checks.run(certificates, now=self.now())
        if options["organization"] and not self.is_edge:
            findings += organization_checks.run(self.session)
        return findings

    def _interrupted(
        self,
        server: str,
        thumbprint: str | None,
        options: Mapping[str, Any],
        task_vars: Mapping[str, Any],
    ) -> dict[tuple[str, str], str] | None:
        """Component states before a run for this certificate that was interrupted."""
        if not options["record_directory"] or not thumbprint:
            return None
        run = runs.find_unfinished(
            Path(options["record_directory"]),
            operation="rotate",
            thumbprint=thumbprint,
            addresses={server: self.host_address(task_vars)},
        )
        if run is None:
            return None
        states = run.before["servers"].get(server, {}).get("component_states") or []
        return {(item["component"], item["requester"]): item["state"] for item in states}

    def _certificate(
        self,
        loaded: LoadedCertificate | None,
        stored: ExchangeCertificate | None,
        certificates: Sequence[ExchangeCertificate],
        services: Services,
        options: Mapping[str, Any],
    ) -> list[Finding]:
        new = _new_certificate(loaded, stored)
        facts = loaded.facts if loaded else _facts_of(stored)
        if new is None or facts is None:
            return []
        demands = certificate_checks.Demands(
            minimum_days=options["minimum_days"],
            minimum_rsa_bits=options["minimum_rsa_bits"],
            allow_wildcard=options["allow_wildcard"],
            allow_self_signed=options["allow_self_signed"],
            revoked=frozenset(map(normalize_thumbprint, options["revoked_thumbprints"])),
            tls_certificate_name_limit=options["tls_certificate_name_limit"],
            hybrid=self._is_hybrid(),
        )
        findings = list(
            certificate_checks.check_certificate(
                facts, loaded.leaf if loaded else None, demands, now=self.now()
            )
        )
        if loaded is not None and not loaded.is_self_signed:
            findings.append(self._chain(loaded, options["ca_path"]))
        return [*findings, *self._names(new, certificates, services, options)]

    def _is_hybrid(self) -> bool:
        if self.is_edge:
            return False
        try:
            return read_hybrid_configuration(self.session, self.domain_controller) is not None
        except CmdletNotAvailable:
            return False

    def _chain(self, loaded: LoadedCertificate, ca_path: str | None) -> Finding:
        file = self.find_file(ca_path, option="ca_path") if ca_path else None
        authorities = find_authorities(file).certificates()
        missing = certificate_checks.missing_issuer_of([loaded.leaf, *loaded.chain], authorities)
        return certificate_checks.check_chain(
            missing, leaf_issuer_is_there=bool(loaded.chain), roots_are_given=ca_path is not None
        )

    def _names(
        self,
        new: NewCertificate,
        certificates: Sequence[ExchangeCertificate],
        services: Services,
        options: Mapping[str, Any],
    ) -> Iterator[Finding]:
        outgoing = find_outgoing(new, certificates, services=services)
        names = [name for certificate in outgoing for name in certificate.names]
        required = options["required_names"]
        expected: list[str] = []
        if required is None:
            try:
                expected = self._expected_names()
            except CmdletNotAvailable as error:
                yield warned(
                    "names",
                    f"Accepted domains or Autodiscover cannot be read ({error.details['cmdlet']}).",
                    "Give required_names.",
                )
        yield from certificate_checks.check_names(
            certificate_checks.Names(dns_names=list(new.names)),
            required=required or [],
            expected=expected,
            outgoing=names,
        )

    def _expected_names(self) -> list[str]:
        """The names that clients of this organization use, as far as Exchange knows them."""
        if self.is_edge:
            return []
        domains = read_accepted_domains(self.session, self.domain_controller)
        default = [domain.name for domain in domains if domain.default and "*" not in domain.name]
        return [
            *(f"autodiscover.{name}" for name in default),
            *read_autodiscover_hosts(self.session, self.domain_controller),
        ]

    # -- Windows ---------------------------------------------------------------------------------

    def _windows_endpoint(self, options: Mapping[str, Any]) -> list[Finding]:
        before = datetime.now(timezone.utc)
        try:
            answer = self.windows.run("clock", {})
        except ExchangeError as error:
            return [
                failed(
                    "windows_endpoint",
                    f"Windows' endpoint does not answer: {error.message}",
                    "See the table of connection errors in the README; services cannot be "
                    "restarted without it.",
                )
            ]
        after = datetime.now(timezone.utc)
        return [
            passed("windows_endpoint", "Windows' endpoint answers."),
            judge_clock(str(answer.get("utc")), before, after, options["clock_tolerance"]),
        ]

    # -- ports -----------------------------------------------------------------------------------

    def _ports(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> list[Finding]:
        host = self.host_address(task_vars)
        findings = []
        for item in options["ports"]:
            name = f"{item['port']} ({item['protocol']})"
            try:
                found = self.probe_port(
                    host, item["port"], item["protocol"], timeout=options["port_timeout"]
                )
            except TlsProbeFailed as error:
                # POP and IMAP are off on most servers, and a stopped service is started.
                findings.append(
                    warned(
                        "ports",
                        f"Port {name} does not answer: {error.message}",
                        "The plan of the rotation judges whether that is in the way.",
                    )
                )
            else:
                findings.append(
                    passed("ports", f"Port {name} presents {found.certificate.thumbprint}.")
                )
        return findings


def _new_certificate(
    loaded: LoadedCertificate | None, stored: ExchangeCertificate | None
) -> NewCertificate | None:
    if loaded is not None:
        return NewCertificate.from_loaded(loaded)
    return NewCertificate.from_stored(stored) if stored is not None else None


def _facts_of(stored: ExchangeCertificate | None) -> CertificateFacts | None:
    """What is known of a certificate that a server holds; its key usages are not."""
    if stored is None or stored.not_before is None or stored.not_after is None:
        return None
    return CertificateFacts(
        thumbprint=stored.thumbprint,
        subject=stored.subject,
        issuer=stored.issuer,
        serial_number=stored.serial_number or "",
        not_before=stored.not_before,
        not_after=stored.not_after,
        common_name=stored.common_name,
        subject_alternative_names=list(stored.dns_names),
        key_type=stored.key_type or "unknown",
        key_size=stored.key_size,
        extended_key_usages=frozenset(),
        is_certificate_authority=False,
    )


def _build(item: Mapping[str, Any]) -> exchange_builds.Build:
    version = exchange_builds.read_version(f"{item['build']}.0")
    if version is None:
        raise InvalidInput(
            f"known_builds: '{item['build']}' is no build: give three numbers, as 15.2.2562."
        )
    return exchange_builds.Build(name=item["name"], first=version[:3], supported=item["supported"])


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse numbers that make no sense, and builds that are none.

    Raises:
        InvalidInput: with the option and its value.
    """
    for name in ("minimum_days", "queue_limit", "queue_growth_limit", "clock_tolerance"):
        if options[name] < 0:
            raise InvalidInput(f"{name} must not be negative, and is {options[name]}.")
    if options["minimum_rsa_bits"] < 1024:
        raise InvalidInput("minimum_rsa_bits must be at least 1024.")
    for item in options["known_builds"]:
        _build(item)
    for thumbprint in options["revoked_thumbprints"]:
        normalize_thumbprint(thumbprint)
