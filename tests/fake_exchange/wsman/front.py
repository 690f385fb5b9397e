# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which doors of remote management does every server have? /PowerShell on the web site's two
ports, /wsman on the two of WinRM, put together from the organisation."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fake_exchange.cmdlets.registry import run_pipeline
from fake_exchange.psrp import runspace_pool
from fake_exchange.psrp.pipeline import PipelineRunner
from fake_exchange.psrp.runspace_pool import RunspacePoolShell
from fake_exchange.wsman import fault_codes
from fake_exchange.wsman.authentication import AuthenticationMethods, NtlmAccounts
from fake_exchange.wsman.envelope import Fault
from fake_exchange.wsman.http import HttpApplication, HttpResponse, HttpTraffic, http_handler
from fake_exchange.wsman.listener import Connection, Listener, ListenerHub, TlsSource
from fake_exchange.wsman.output import OutputQueue
from fake_exchange.wsman.shells import CommandLine, OpenShell, Shell, ShellFactory, ShellTable
from fake_exchange.wsman.site import SiteRules, WsmanSite, not_found

if TYPE_CHECKING:
    from fake_exchange.faults import Fault as InjectedFault
    from fake_exchange.organisation.model import Account, Organisation, Server

CMD_RESOURCE_URI = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd"

#: The ports this file opens; `https` is the web site's, shared with its pages.
PORT_NAMES = ("powershell_http", "https", "winrm_http", "winrm_https")


@dataclass(frozen=True)
class FrontParts:
    """What other parts of the fake plug in, each asked per server.

    `tls_source(server, port name)` - what a TLS port presents; `page(server)` - what the web site
    answers beside /PowerShell; `cmd_shell(server)` - makes WinRS shells; `run` - runs pipelines.
    """

    tls_source: Callable[[Server, str], TlsSource]
    page: Callable[[Server], HttpApplication] = lambda server: not_found
    cmd_shell: Callable[[Server], ShellFactory] | None = None
    run: PipelineRunner = run_pipeline


@dataclass(eq=False)
class RemoteManagement:
    """The open doors of all servers; `listeners[server name][port name]`."""

    accounts: NtlmAccounts
    listeners: dict[str, dict[str, Listener]] = field(default_factory=dict)
    tables: dict[str, list[ShellTable]] = field(default_factory=dict)

    def close(self) -> None:
        """End every shell and forget the accounts; the ports are the hub's to close."""
        for tables in self.tables.values():
            for table in tables:
                table.close()
        self.accounts.close()

    def drop_idle(self, fault: InjectedFault) -> None:
        """Break idle connections of the ports the fault names (all if it names none)."""
        for server, listeners in self.listeners.items():
            for port, listener in listeners.items():
                if _is_named(fault.server, server) and _is_named(fault.port, port):
                    listener.drop_connections(only_idle=True)

    def kill_shells(self, fault: InjectedFault) -> None:
        """End every shell of the server the fault names (of all if it names none)."""
        for server, tables in self.tables.items():
            for table in tables:
                if _is_named(fault.server, server):
                    table.close()


def start(organisation: Organisation, hub: ListenerHub, parts: FrontParts) -> RemoteManagement:
    """Open the doors of every server and note their numbers in `server.ports`.

    Raises OSError for a fixed port that is taken.
    """
    if organisation.keytab is not None:
        os.environ["KRB5_KTNAME"] = str(organisation.keytab)
        # A replay cache would be a file outside of our folder, and a bottleneck.
        os.environ.setdefault("KRB5RCACHENAME", "none:")
    front = RemoteManagement(NtlmAccounts(organisation.accounts))
    for server in organisation:
        if not server.IsEdgeServer:
            _open_exchange(front, organisation, server, hub, parts)
        _open_winrm(front, organisation, server, hub, parts)
    organisation.faults.on("drop_idle", front.drop_idle)
    organisation.faults.on("kill_shells", front.kill_shells)
    return front


def _open_exchange(
    front: RemoteManagement,
    organisation: Organisation,
    server: Server,
    hub: ListenerHub,
    parts: FrontParts,
) -> None:
    behavior = organisation.behavior

    def methods(connection: Connection) -> AuthenticationMethods:
        over_tls = connection.identity is not None
        kerberos = behavior.kerberos_authentication
        return AuthenticationMethods(
            basic=behavior.basic_authentication and over_tls, negotiate=kerberos, kerberos=kerberos
        )

    table = ShellTable(
        {runspace_pool.RESOURCE_URI: _exchange_sessions(organisation, server, parts.run)},
        address=f"http://{server.Fqdn}/PowerShell/",
        quota=lambda: behavior.maximum_sessions_per_user,
    )
    rules = SiteRules(
        path="/PowerShell",
        methods=methods,
        boundary_prefix="-- ",
        uses_cookies=lambda: behavior.session_cookies,
        refuses=_without_remote_powershell,
    )
    site = WsmanSite(organisation, server, table, rules, front.accounts)
    page = parts.page(server)
    front.tables.setdefault(server.Name, []).append(table)
    applications: Mapping[str, Callable[[Connection], HttpApplication]] = {
        "powershell_http": site.application,
        "https": lambda connection: site.application(connection, page),
    }
    _open_ports(front, organisation, server, hub, parts, applications)


def _open_winrm(
    front: RemoteManagement,
    organisation: Organisation,
    server: Server,
    hub: ListenerHub,
    parts: FrontParts,
) -> None:
    def methods(connection: Connection) -> AuthenticationMethods:
        return AuthenticationMethods(basic=connection.identity is not None)

    factories: dict[str, ShellFactory] = {}
    if parts.cmd_shell is not None:
        factories[CMD_RESOURCE_URI] = _administrators_only(
            organisation, server, parts.cmd_shell(server)
        )
    table = ShellTable(factories, address=f"http://{server.Fqdn}:5985/wsman")
    site = WsmanSite(organisation, server, table, SiteRules("/wsman", methods), front.accounts)
    front.tables.setdefault(server.Name, []).append(table)
    applications = {"winrm_http": site.application, "winrm_https": site.application}
    _open_ports(front, organisation, server, hub, parts, applications)


def _open_ports(
    front: RemoteManagement,
    organisation: Organisation,
    server: Server,
    hub: ListenerHub,
    parts: FrontParts,
    applications: Mapping[str, Callable[[Connection], HttpApplication]],
) -> None:
    counters = organisation.counters

    def on_exchange(received: int, sent: int) -> None:
        counters.add(server.Name, "bytes_received", received)
        counters.add(server.Name, "bytes_sent", sent)

    for name, application in applications.items():
        handle = http_handler(
            application,
            idle_seconds=lambda: organisation.behavior.idle_drop_seconds,
            traffic=HttpTraffic(on_exchange),
        )

        def counted(connection: Connection, handle: Callable[[Connection], None] = handle) -> None:
            counters.add(server.Name, "connections")
            handle(connection)

        def on_handshake(name: str = name) -> None:
            counters.add(server.Name, "handshakes", key=name)

        listener = hub.add(
            name,
            counted,
            address=server.address,
            port=server.fixed_ports.get(name, 0),
            tls=parts.tls_source(server, name) if name.endswith("https") else None,
            on_handshake=on_handshake,
        )
        front.listeners.setdefault(server.Name, {})[name] = listener
        server.ports[name] = listener.port


def _exchange_sessions(
    organisation: Organisation, server: Server, run: PipelineRunner
) -> ShellFactory:
    faults, counters = organisation.faults, organisation.counters

    def open_session(opened: OpenShell) -> Shell:
        where = {"server": server.Name, "account": opened.account.user}
        limit = organisation.behavior.maximum_sessions_per_user or 18
        if faults.take("throttle", **where):
            raise fault_codes.too_many_shells(limit)
        if faults.take("throttle_requests", **where):
            raise fault_codes.too_many_requests()
        if not opened.account.permissions:
            raise fault_codes.no_management_roles(opened.account.name)
        if faults.take("throttle_connections", **where):
            return _RefusedShell(fault_codes.too_many_connections(limit))
        landed = organisation.server(opened.account.lands_on or "") or server
        return RunspacePoolShell(
            opened,
            organisation=organisation,
            server=landed,
            run=run,
            count=lambda name: counters.add(landed.Name, name),
            answer_is_lost=lambda cmdlet: bool(
                faults.take("lose_cmdlet", server=landed.Name, cmdlet=cmdlet)
            ),
        )

    return open_session


def _administrators_only(
    organisation: Organisation, server: Server, make: ShellFactory
) -> ShellFactory:
    def open_shell(opened: OpenShell) -> Shell:
        if not opened.account.windows_administrator:
            raise fault_codes.access_denied()
        organisation.counters.add(server.Name, "windows_shells")
        return make(opened)

    return open_shell


def _without_remote_powershell(account: Account) -> HttpResponse | None:
    """An account whose RemotePowerShellEnabled is off gets a page, not SOAP."""
    if account.RemotePowerShellEnabled:
        return None
    page = b"<html><head><title>403 - Forbidden: Access is denied.</title></head></html>"
    return HttpResponse(403, page, "text/html")


def _is_named(wanted: str | None, name: str) -> bool:
    return wanted is None or wanted.casefold() == name.casefold()


class _RefusedShell:
    """A session that opens and then has nothing to say but why it cannot be used."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._output = OutputQueue()
        self._output.fail(fault)

    def command(self, command: CommandLine) -> None:
        raise self._fault

    def send(self, command_id: str | None, stream: str, data: bytes, *, end: bool) -> None:
        raise self._fault

    def output(self, command_id: str | None) -> OutputQueue:
        return self._output

    def signal(self, command_id: str, code: str) -> None:
        raise self._fault

    def close(self) -> None:
        """Nothing is open."""
