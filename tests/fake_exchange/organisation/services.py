# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens when a Windows service starts or stops? It loads its certificates at its start,
and its ports answer only while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from fake_exchange.organisation import (
    auth_certificate,
    bindings,
    certificate_distribution,
    federation_certificate,
    journal,
    selection,
)
from fake_exchange.organisation.model import (
    LoadedCertificate,
    Organisation,
    ReceiveConnector,
    Server,
    Service,
    now,
)

TRANSPORT = "MSExchangeTransport"
FRONT_END_TRANSPORT = "MSExchangeFrontEndTransport"

#: The command for TLS between Exchange servers; uses the internal transport certificate.
ANONYMOUS_TLS = "X-ANONYMOUSTLS"

#: name, display name, started by itself at installation
MAILBOX_SERVICES: tuple[tuple[str, str, bool], ...] = (
    ("IISADMIN", "IIS Admin Service", True),
    ("W3SVC", "World Wide Web Publishing Service", True),
    ("WAS", "Windows Process Activation Service", True),
    ("WinRM", "Windows Remote Management (WS-Management)", True),
    ("MSExchangeADTopology", "Microsoft Exchange Active Directory Topology", True),
    ("MSExchangeAntispamUpdate", "Microsoft Exchange Anti-spam Update", True),
    ("MSExchangeCompliance", "Microsoft Exchange Compliance Service", True),
    ("MSExchangeDagMgmt", "Microsoft Exchange DAG Management", True),
    ("MSExchangeDelivery", "Microsoft Exchange Mailbox Transport Delivery", True),
    ("MSExchangeDiagnostics", "Microsoft Exchange Diagnostics", True),
    ("MSExchangeEdgeSync", "Microsoft Exchange EdgeSync", True),
    ("MSExchangeFrontEndTransport", "Microsoft Exchange Frontend Transport", True),
    ("MSExchangeHM", "Microsoft Exchange Health Manager", True),
    ("MSExchangeIMAP4", "Microsoft Exchange IMAP4", False),
    ("MSExchangeIMAP4BE", "Microsoft Exchange IMAP4 Backend", False),
    ("MSExchangeIS", "Microsoft Exchange Information Store", True),
    ("MSExchangeMailboxAssistants", "Microsoft Exchange Mailbox Assistants", True),
    ("MSExchangeMailboxReplication", "Microsoft Exchange Mailbox Replication", True),
    ("MSExchangeMitigation", "Microsoft Exchange Emergency Mitigation Service", True),
    ("MSExchangePOP3", "Microsoft Exchange POP3", False),
    ("MSExchangePOP3BE", "Microsoft Exchange POP3 Backend", False),
    ("MSExchangeRepl", "Microsoft Exchange Replication", True),
    ("MSExchangeRPC", "Microsoft Exchange RPC Client Access", True),
    ("MSExchangeServiceHost", "Microsoft Exchange Service Host", True),
    ("MSExchangeSubmission", "Microsoft Exchange Mailbox Transport Submission", True),
    ("MSExchangeThrottling", "Microsoft Exchange Throttling", True),
    ("MSExchangeTransport", "Microsoft Exchange Transport", True),
    ("MSExchangeTransportLogSearch", "Microsoft Exchange Transport Log Search", True),
)
EDGE_SERVICES: tuple[tuple[str, str, bool], ...] = (
    ("ADAM_MSExchange", "Microsoft Exchange ADAM", True),
    ("MSExchangeAntispamUpdate", "Microsoft Exchange Anti-spam Update", True),
    ("MSExchangeDiagnostics", "Microsoft Exchange Diagnostics", True),
    ("MSExchangeEdgeCredential", "Microsoft Exchange Credential Service", True),
    ("MSExchangeHM", "Microsoft Exchange Health Manager", True),
    ("MSExchangeServiceHost", "Microsoft Exchange Service Host", True),
    ("MSExchangeTransport", "Microsoft Exchange Transport", True),
    ("MSExchangeTransportLogSearch", "Microsoft Exchange Transport Log Search", True),
    ("W3SVC", "World Wide Web Publishing Service", True),
    ("WinRM", "Windows Remote Management (WS-Management)", True),
)

#: Service -> services it depends on, as a Mailbox server has them (capture
#: service/exlab-GetServiceMSExchangeMitigationRunning.xml for the topology service).
_TOPOLOGY = "MSExchangeADTopology"
_DEPENDENCIES: dict[str, tuple[str, ...]] = {
    "W3SVC": ("WAS",),
    "MSExchangeDiagnostics": (),
    "MSExchangeHM": (),
    _TOPOLOGY: (),
}

#: Application pools of IIS that sign tokens, with the certificate found when they last started.
APPLICATION_POOLS = ("MSExchangeOWAAppPool", "MSExchangeECPAppPool")

#: Port name -> service that must run for it to answer (Mailbox role).
SERVICE_OF_PORT: dict[str, str] = {
    "powershell_http": "W3SVC",
    "https": "W3SVC",
    "winrm_http": "WinRM",
    "winrm_https": "WinRM",
    "smtp": FRONT_END_TRANSPORT,
    "submission": FRONT_END_TRANSPORT,
    "imap": "MSExchangeIMAP4",
    "imaps": "MSExchangeIMAP4",
    "pop3": "MSExchangePOP3",
    "pop3s": "MSExchangePOP3",
}


class ServiceRefused(Exception):
    """Windows would not start or stop the service; the text is what it would say."""


def installed(server: Server) -> dict[str, Service]:
    """The services that setup puts on a server of this role, as they are after a reboot."""
    table = EDGE_SERVICES if server.IsEdgeServer else MAILBOX_SERVICES
    names = {name for name, _, _ in table}
    return {
        name: Service(
            name,
            display,
            Status="Running" if automatic else "Stopped",
            StartType="Automatic" if automatic else "Manual",
            depends_on=tuple(base for base in _bases(name) if base in names),
        )
        for name, display, automatic in table
    }


def _bases(name: str) -> tuple[str, ...]:
    exchange = (_TOPOLOGY,) if name.startswith("MSExchange") else ()
    return _DEPENDENCIES.get(name, exchange)


def service_of_port(server: Server, port: str) -> Service | None:
    """The service behind a port; None if this server's role has no such port."""
    if server.IsEdgeServer:
        name = {"smtp": TRANSPORT, "winrm_http": "WinRM", "winrm_https": "WinRM"}.get(port)
    else:
        name = SERVICE_OF_PORT[port]
    return server.services.get(name) if name else None


def connector_of_port(server: Server, port: str) -> ReceiveConnector | None:
    """The Receive connector that listens on the real port behind `smtp` or `submission`."""
    number = {"smtp": 25, "submission": 587}.get(port)
    return bindings.answering(server, number) if number is not None else None


def presented(organisation: Organisation, server: Server, port: str) -> LoadedCertificate | None:
    """What a peer is shown on `port` now; None: no TLS there (or a handshake that fails)."""
    with organisation.lock:
        if port == "winrm_https":
            stored = server.winrm_certificate
            return selection.as_loaded(organisation, server, stored) if stored else None
        service = service_of_port(server, "smtp" if port == ANONYMOUS_TLS else port)
        if service is None:
            return None
        if organisation.behavior.certificates_load == "immediately":
            load_certificates(organisation, server, service)
        if port == ANONYMOUS_TLS:
            return service.loaded.get(ANONYMOUS_TLS)
        if port in ("smtp", "submission"):
            connector = connector_of_port(server, port)
            return service.loaded.get(connector.Name) if connector else None
        return service.loaded.get(port.removesuffix("s") if port != "https" else port)


def load_certificates(organisation: Organisation, server: Server, service: Service) -> None:
    """Put into `service.loaded` what the service would find now."""
    found: dict[str, LoadedCertificate | None] = {}
    if service.Name in (TRANSPORT, FRONT_END_TRANSPORT):
        role = "HubTransport" if service.Name == TRANSPORT else "FrontendTransport"
        for connector in server.receive_connectors:
            if connector.TransportRole == role or server.IsEdgeServer:
                found[connector.Name] = selection.for_starttls(organisation, server, connector)
        found[ANONYMOUS_TLS] = selection.for_anonymous_tls(organisation, server)
    elif service.Name == "W3SVC":
        found["https"] = selection.for_https(organisation, server, 1)
        found["https_back_end"] = selection.for_https(organisation, server, 2)
        for pool in APPLICATION_POOLS:
            found[pool] = selection.for_tokens(organisation, server)
    elif service.Name == "MSExchangeIMAP4":
        found["imap"] = selection.for_mail_access(organisation, server, "IMAP")
    elif service.Name == "MSExchangePOP3":
        found["pop3"] = selection.for_mail_access(organisation, server, "POP")
    service.loaded = {port: loaded for port, loaded in found.items() if loaded is not None}


def recycle(organisation: Organisation, server: Server, name: str) -> None:
    """Restart one application pool. Raises `ServiceRefused` where it cannot be, as IIS would."""
    known = {pool.casefold(): pool for pool in APPLICATION_POOLS}
    pool = known.get(name.casefold())
    service = server.services.get("W3SVC")
    if pool is None or service is None or server.IsEdgeServer:
        raise ServiceRefused(
            f"Cannot find path 'IIS:\\AppPools\\{name}' because it does not exist."
        )
    if service.Status != "Running":
        raise ServiceRefused("The service cannot accept control messages at this time.")
    with organisation.lock:
        loaded = selection.for_tokens(organisation, server)
        service.loaded.pop(pool, None)
        if loaded is not None:
            service.loaded[pool] = loaded
    organisation.counters.add(server.Name, "application_pool_starts", key=pool)
    organisation.journal.record(organisation, journal.Change(f"{pool} restarted", server.Name))


def notice_connector(
    organisation: Organisation, server: Server, connector: ReceiveConnector
) -> None:
    """What a running transport service does about a connector that is new or has another name: it
    listens, with the certificate it finds now. A certificate's change it notices at a start."""
    hub = connector.TransportRole == "HubTransport" or server.IsEdgeServer
    service = server.services.get(TRANSPORT if hub else FRONT_END_TRANSPORT)
    if service is None or service.Status != "Running":
        return
    loaded = selection.for_starttls(organisation, server, connector)
    if loaded is not None:
        service.loaded[connector.Name] = loaded


def forget_connector(server: Server, name: str) -> None:
    """A connector of that name is there no more."""
    for transport in (TRANSPORT, FRONT_END_TRANSPORT):
        if transport in server.services:
            server.services[transport].loaded.pop(name, None)


def start(organisation: Organisation, server: Server, name: str) -> None:
    """Start a service and wait until it runs; nothing happens if it does.

    Raises `ServiceRefused`. The ports learn of it through `organisation.service_observers`.
    """
    begin_start(organisation, server, name)()


def begin_start(organisation: Organisation, server: Server, name: str) -> Callable[[], None]:
    """Put a service into StartPending; what is returned takes the rest of the way and its time.

    Both raise `ServiceRefused`.
    """
    service = _existing(server, name)
    with organisation.lock:
        if service.Status == "Running":
            return _nothing
        if service.StartType == "Disabled":
            raise ServiceRefused(
                f"Service '{service.DisplayName} ({service.Name})' cannot be started due to the "
                f"following error: Cannot start service {service.Name} on computer '.'."
            )
        service.Status = "StartPending"
    return partial(_finish_start, organisation, server, service)


def _finish_start(organisation: Organisation, server: Server, service: Service) -> None:
    time.sleep(organisation.behavior.service_restart_seconds)
    where = {"server": server.Name, "service": service.Name}
    if organisation.faults.take("service_start_fails", where):
        _settle(organisation, server, service, "Stopped")
        raise ServiceRefused(f"Failed to start service '{service.DisplayName} ({service.Name})'.")
    with organisation.lock:
        load_certificates(organisation, server, service)
        service.started_at = now()
        service.starts += 1
    organisation.counters.add(server.Name, "service_starts", key=service.Name)
    if service.Name == certificate_distribution.SERVICE_HOST:
        changes = auth_certificate.run_servicelet(organisation, server)
        changes += federation_certificate.run_servicelet(organisation, server)
        for change in changes:
            organisation.journal.record(organisation, change)
    _settle(organisation, server, service, "Running")


def stop(organisation: Organisation, server: Server, name: str) -> None:
    """Stop a service and wait until it is; nothing happens if it is."""
    begin_stop(organisation, server, name)()


def begin_stop(organisation: Organisation, server: Server, name: str) -> Callable[[], None]:
    """Put a service into StopPending; what is returned takes the rest of the way and its time."""
    service = _existing(server, name)
    with organisation.lock:
        if service.Status == "Stopped":
            return _nothing
        service.Status = "StopPending"
    return partial(_finish_stop, organisation, server, service)


def _finish_stop(organisation: Organisation, server: Server, service: Service) -> None:
    time.sleep(organisation.behavior.service_restart_seconds)
    _settle(organisation, server, service, "Stopped")


def _nothing() -> None:
    return None


def restart(organisation: Organisation, server: Server, name: str) -> None:
    stop(organisation, server, name)
    start(organisation, server, name)


def _existing(server: Server, name: str) -> Service:
    service = server.service(name)
    if service is None:
        raise ServiceRefused(f"Cannot find any service with service name '{name}'.")
    return service


def _settle(organisation: Organisation, server: Server, service: Service, status: str) -> None:
    with organisation.lock:
        service.Status = status
    change = journal.Change(f"{service.Name} {status}", server.Name)
    organisation.journal.record(organisation, change)
    for observer in list(organisation.service_observers):
        observer(server, service)
