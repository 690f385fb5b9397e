# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why does TLS fail at a server: which documented cause do its endpoints and its ports show?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
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
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.access import (
    read_cloud_routes,
    read_receive_connectors,
    read_send_connectors,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.certificate_choice import (  # noqa: E501
    WindowsCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.check import (
    EXCHANGE,
    PORT,
    WINDOWS,
    Check,
    failed,
    not_checked,
    passed,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.conclusion import (
    conclude,
    summarize,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.connector_checks import (
    CertificatesOfServer,
    check_cloud_connector,
    check_internal_transport,
    check_receive_connectors,
    check_send_connectors,
    sends_from,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.port_checks import (
    PortView,
    judge_failure,
    judge_presented,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.queue_checks import (
    check_queues,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.reported_error import (
    ReportedError,
    read_reported_error,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.symptoms import (
    find_symptom,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    ExchangeError,
    InvalidInput,
    TlsProbeFailed,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.finding import (
    FAIL,
    WARN,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.tls_probe import (
    DEFAULT_PORTS,
    probe,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight.clock_check import (
    judge_clock,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.accepted_domains import (
    read_accepted_domains,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.queues import (
    read_queues,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.transport_service import (
    read_internal_transport_thumbprint,
)

preload(*PRELOADED_FOR_EXCHANGE, *PRELOADED_FOR_WINDOWS)

_PORT_OPTIONS: dict[str, dict[str, Any]] = {
    "host": {"type": "str"},
    "port": {"type": "int", "default": DEFAULT_PORTS["smtp"]},
}
_CLOUD_SYMPTOM = "relay_access_denied"


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_tls_diagnosis_info)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        "message": {"type": "str"},
        "ports": {"type": "list", "elements": "dict", "options": _PORT_OPTIONS},
        "ca_path": {"type": "path"},
        "port_timeout": {"type": "int", "default": 10},
        "clock_tolerance": {"type": "float", "default": 240},
    }

    # Replaced by tests.
    probe_port = staticmethod(probe)

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        check_options(options)
        server = self.server(options)
        reported = read_reported_error(options["message"] or "")
        symptom = find_symptom(reported) if reported.text else None
        if reported.text and symptom is None:
            self.report.warn(
                [
                    "The message is none of the documented errors, so everything is checked and "
                    "nothing is said about what explains it."
                ]
            )
        checks: list[Check] = []
        in_windows = self._windows_endpoint(server, checks, options)
        known, connectors = self._exchange_endpoint(server, in_windows, checks)
        if known is not None:
            self._mail_flow(
                known, checks, cloud=symptom is not None and symptom.name == _CLOUD_SYMPTOM
            )
        self._ports(known, connectors, reported, checks, options, task_vars)
        causes = conclude(checks, symptom)
        return {
            "reported": {
                **reported.to_result(),
                "symptom": symptom.name if symptom else None,
                "title": symptom.title if symptom else None,
            }
            if reported.text
            else None,
            "checks": [item.to_result(server) for item in checks],
            "causes": causes,
            "summary": summarize(server, causes, checks, reported=bool(reported.text)),
        }

    # -- Windows ---------------------------------------------------------------------------------

    def _windows_endpoint(
        self, server: str, checks: list[Check], options: Mapping[str, Any]
    ) -> list[WindowsCertificate] | None:
        what = f"server {server}"
        try:
            before = datetime.now(timezone.utc)
            clock = self.windows.run("clock", {})
            after = datetime.now(timezone.utc)
            checks.append(
                _clock(
                    what, str(clock.get("utc")), before, after, float(options["clock_tolerance"])
                )
            )
            found = self.windows.run("store_certificates", {})["certificates"]
        except ExchangeError as error:
            checks.append(not_checked("windows_store", WINDOWS, what, error.message))
            return None
        stored = [
            WindowsCertificate(
                thumbprint=str(item["thumbprint"]),
                issuer=str(item["issuer"]),
                subject=str(item["subject"]),
                has_private_key=bool(item["has_private_key"]),
            )
            for item in found
        ]
        keyless = [item.thumbprint for item in stored if not item.has_private_key]
        checks.append(
            passed(
                "windows_store",
                WINDOWS,
                what,
                f"{len(stored)} certificate(s) in the store; without a private key: "
                f"{', '.join(keyless) or 'none'}.",
            )
        )
        return stored

    # -- Exchange --------------------------------------------------------------------------------

    def _exchange_endpoint(
        self,
        server: str,
        in_windows: Sequence[WindowsCertificate] | None,
        checks: list[Check],
    ) -> tuple[CertificatesOfServer | None, Sequence[ReceiveConnector]]:
        try:
            certificates = read_certificates(self.session, server, self.domain_controller)
        except ExchangeError as error:
            checks.append(not_checked("certificates", EXCHANGE, f"server {server}", error.message))
            return None, ()
        known = CertificatesOfServer(
            server=server, certificates=certificates, in_windows=in_windows, now=self.now()
        )
        connectors: list[ReceiveConnector] = []

        def receive() -> Iterable[Check]:
            connectors.extend(read_receive_connectors(self.session, server, self.domain_controller))
            return check_receive_connectors(connectors, known)

        _look(checks, "receive_connector", f"Receive connectors of {server}", receive)
        return known, connectors

    def _mail_flow(self, known: CertificatesOfServer, checks: list[Check], *, cloud: bool) -> None:
        session, domain_controller = self.session, self.domain_controller
        what = f"server {known.server}"

        def send() -> Iterable[Check]:
            senders = read_send_connectors(session, domain_controller, source_servers=True)
            yield from check_send_connectors(senders, known)
            if not cloud:
                return
            accepted = read_accepted_domains(session, domain_controller)
            routes = read_cloud_routes(session, domain_controller)
            for connector in senders:
                if connector.name in routes and sends_from(connector, known.server):
                    yield from check_cloud_connector(connector, known, accepted)

        def internal() -> Iterable[Check]:
            thumbprint = read_internal_transport_thumbprint(
                session, known.server, domain_controller
            )
            return [check_internal_transport(thumbprint, known)]

        def queues() -> Iterable[Check]:
            return check_queues(read_queues(session, known.server), checks)

        _look(checks, "send_connector", "Send connectors", send)
        _look(checks, "internal_transport_certificate", what, internal)
        _look(checks, "queue", "queues", queues)

    # -- ports -----------------------------------------------------------------------------------

    def _ports(
        self,
        known: CertificatesOfServer | None,
        connectors: Sequence[ReceiveConnector],
        reported: ReportedError,
        checks: list[Check],
        options: Mapping[str, Any],
        task_vars: Mapping[str, Any],
    ) -> None:
        ca_file = options["ca_path"] and self.find_file(options["ca_path"], option="ca_path")
        view = PortView(
            server=known,
            connectors=connectors,
            roots_are_given=bool(ca_file),
            expected_name=reported.expected_name,
        )
        wanted = options["ports"]
        usual: list[dict[str, Any]] = [{"host": None, "port": DEFAULT_PORTS["smtp"]}]
        for item in usual if wanted is None else wanted:
            host = item["host"] or self.host_address(task_vars)
            title = f"{host}:{item['port']}"
            try:
                presented = self.probe_port(
                    host,
                    item["port"],
                    "smtp",
                    ca_file=ca_file,
                    timeout=options["port_timeout"],
                )
            except TlsProbeFailed as error:
                checks.append(judge_failure(title, error, view))
            else:
                checks.extend(judge_presented(title, presented, view))
        if wanted == []:
            checks.append(not_checked("port", PORT, "ports", "No port was given to look at."))


def _look(
    checks: list[Check], name: str, subject: str, look: Callable[[], Iterable[Check]]
) -> None:
    """Add what a look shows; one that is not possible does not keep the others from it."""
    try:
        checks.extend(list(look()))
    except ExchangeError as error:
        checks.append(not_checked(name, EXCHANGE, subject, error.message))


def _clock(what: str, text: str, before: datetime, after: datetime, tolerance: float) -> Check:
    """Judge the server's clock; it was read at some moment between two of the control node's."""
    finding = judge_clock(text, before, after, tolerance)
    if finding.status == FAIL:
        return failed("clock", WINDOWS, what, finding.message, "clocks_differ")
    if finding.status == WARN:
        return not_checked("clock", WINDOWS, what, finding.message)
    return passed("clock", WINDOWS, what, finding.message)


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse numbers that make no sense.

    Raises:
        InvalidInput: with the option and its value.
    """
    if options["port_timeout"] < 1:
        raise InvalidInput(
            f"port_timeout must be at least 1 second, and is {options['port_timeout']}."
        )
    if options["clock_tolerance"] < 0:
        raise InvalidInput(
            f"clock_tolerance must not be negative, and is {options['clock_tolerance']}."
        )
    for item in options["ports"] or []:
        if not 0 < item["port"] < 65536:
            raise InvalidInput(f"ports: {item['port']} is not a port.")
