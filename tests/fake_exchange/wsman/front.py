# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which endpoints of remote management does every server have? /PowerShell on the web site's two
ports, /wsman on the two of WinRM, put together from the organisation."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_exchange.cmdlets.registry import run_pipeline
from fake_exchange.psrp import runspace_pool
from fake_exchange.psrp.pipeline import PipelineRunner
from fake_exchange.psrp.runspace_pool import RunspacePoolShell
from fake_exchange.wsman import fault_codes
from fake_exchange.wsman.authentication import AuthenticationMethods, NtlmAccounts
from fake_exchange.wsman.envelope import Fault
from fake_exchange.wsman.http import HttpApplication, HttpResponse, HttpTraffic, http_handler
from fake_exchange.wsman.listener import Connection, ConnectionHandler
from fake_exchange.wsman.output import OutputQueue
from fake_exchange.wsman.shells import CommandLine, OpenShell, Shell, ShellFactory, ShellTable
from fake_exchange.wsman.site import (
    SiteRules,
    WsmanSite,
    iis_page,
    not_found,
    not_found_by_http_sys,
)

if TYPE_CHECKING:
    from fake_exchange.faults import Fault as InjectedFault
    from fake_exchange.organisation.model import Account, Organisation, Server, Service

CMD_RESOURCE_URI = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd"
SITE_OF_SERVICE = {"W3SVC": "exchange", "WinRM": "winrm"}


@dataclass(frozen=True)
class FrontParts:
    """What other parts of the fake plug in, each asked once per server.

    `page` - what the web site answers beside /PowerShell; `cmd_shell` - makes WinRS shells;
    `run` - runs pipelines.
    """

    page: Callable[[Server], HttpApplication] = lambda server: not_found
    cmd_shell: Callable[[Server], ShellFactory] | None = None
    run: PipelineRunner = run_pipeline


class RemoteManagement:
    """The sites of all servers. `handler` serves a port; whoever opens ports calls it."""

    def __init__(self, organisation: Organisation, parts: FrontParts) -> None:
        self._organisation = organisation
        self._parts = parts
        self._accounts = NtlmAccounts(organisation.accounts)
        self._lock = threading.Lock()
        self._sites: dict[tuple[str, str], WsmanSite] = {}
        self._connections: dict[tuple[str, str], set[Connection]] = {}
        if organisation.keytab is not None:
            os.environ["KRB5_KTNAME"] = str(organisation.keytab)
            # A replay cache would be a file outside of our folder, and a bottleneck.
            os.environ.setdefault("KRB5RCACHENAME", "none:")
        organisation.faults.on("drop_idle", self._drop_idle)
        organisation.faults.on("kill_shells", self._kill_shells)
        organisation.service_observers.append(self._follow)

    def handler(self, server: Server, port: str) -> ConnectionHandler:
        """Serves `powershell_http`, `https`, `winrm_http` or `winrm_https` of `server`."""
        is_winrm = port.startswith("winrm")
        site = self._site(server, is_winrm=is_winrm)
        page: HttpApplication = not_found_by_http_sys if is_winrm else not_found
        if port == "https":
            page = self._parts.page(server)
        counters = self._organisation.counters
        open_connections = self._connections.setdefault((server.Name, port), set())

        def on_exchange(received: int, sent: int) -> None:
            counters.add(server.Name, "bytes_received", received)
            counters.add(server.Name, "bytes_sent", sent)

        serve = http_handler(
            lambda connection: site.application(connection, port, page),
            idle_seconds=lambda: self._organisation.behavior.idle_drop_seconds,
            traffic=HttpTraffic(on_exchange),
        )

        def handle(connection: Connection) -> None:
            counters.add(server.Name, "connections")
            with self._lock:
                open_connections.add(connection)
            try:
                serve(connection)
            finally:
                with self._lock:
                    open_connections.discard(connection)

        return handle

    def open_shells(self, server: Server) -> int:
        """How many shells of both kinds are open on a server."""
        return sum(
            len(site.table) for (name, _), site in self._sites.items() if name == server.Name
        )

    def close(self) -> None:
        """End every shell and forget the accounts; ports and connections are the hub's."""
        for site in self._sites.values():
            site.table.close()
        self._accounts.close()

    def _site(self, server: Server, *, is_winrm: bool) -> WsmanSite:
        """Both ports of a site share its shells."""
        key = (server.Name, "winrm" if is_winrm else "exchange")
        if key not in self._sites:
            self._sites[key] = self._winrm_site(server) if is_winrm else self._exchange_site(server)
        return self._sites[key]

    def _exchange_site(self, server: Server) -> WsmanSite:
        behavior = self._organisation.behavior

        def methods(connection: Connection) -> AuthenticationMethods:
            over_tls = connection.identity is not None
            return AuthenticationMethods(
                basic=behavior.basic_authentication and over_tls,
                negotiate=behavior.kerberos_authentication,
                kerberos=behavior.kerberos_authentication,
            )

        sessions = _exchange_sessions(self._organisation, server, self._parts.run)
        table = ShellTable(
            {runspace_pool.RESOURCE_URI: sessions},
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
        return WsmanSite(self._organisation, server, table, rules, self._accounts)

    def _winrm_site(self, server: Server) -> WsmanSite:
        def methods(connection: Connection) -> AuthenticationMethods:
            return AuthenticationMethods(basic=connection.identity is not None)

        factories: dict[str, ShellFactory] = {}
        if self._parts.cmd_shell is not None:
            factories[CMD_RESOURCE_URI] = _administrators_only(
                self._organisation, server, self._parts.cmd_shell(server)
            )
        table = ShellTable(factories, address=f"http://{server.Fqdn}:5985/wsman")
        rules = SiteRules("/wsman", methods)
        return WsmanSite(self._organisation, server, table, rules, self._accounts)

    def _follow(self, server: Server, service: Service) -> None:
        """Shells live in the service behind their site and die with it."""
        site = self._sites.get((server.Name, SITE_OF_SERVICE.get(service.Name, "")))
        if site is not None and service.Status == "Stopped":
            site.table.close()

    def _drop_idle(self, fault: InjectedFault) -> None:
        """Break idle connections of the server and port the fault names (all if it names none)."""
        with self._lock:
            chosen = [
                connection
                for (server, port), connections in self._connections.items()
                if _is_named(fault.server, server) and _is_named(fault.port, port)
                for connection in connections
            ]
        for connection in chosen:
            connection.drop_if_idle()

    def _kill_shells(self, fault: InjectedFault) -> None:
        """End every shell of the server the fault names (of all if it names none)."""
        for (server, _), site in self._sites.items():
            if _is_named(fault.server, server):
                site.table.close()


def _exchange_sessions(
    organisation: Organisation, server: Server, run: PipelineRunner
) -> ShellFactory:
    faults, counters = organisation.faults, organisation.counters

    def open_session(opened: OpenShell) -> Shell:
        where = {"server": server.Name, "account": opened.account.user}
        limit = organisation.behavior.maximum_sessions_per_user or 18
        if faults.take("throttle", where):
            raise fault_codes.too_many_shells(limit)
        if faults.take("throttle_requests", where):
            raise fault_codes.too_many_requests()
        if not opened.account.permissions:
            raise fault_codes.no_management_roles(opened.account.name)
        if faults.take("throttle_connections", where):
            return _RefusedShell(fault_codes.too_many_connections(limit))
        landed = organisation.server(opened.account.lands_on or "") or server
        return RunspacePoolShell(
            opened,
            organisation=organisation,
            server=landed,
            run=run,
            count=lambda name: counters.add(landed.Name, name),
            answer_is_lost=lambda cmdlet: bool(
                faults.take("lose_cmdlet", {"server": landed.Name, "cmdlet": cmdlet})
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
    return iis_page(403, "Forbidden: Access is denied.")


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

    def name_of(self, command_id: str) -> str:
        return ""

    def close(self) -> None:
        """Nothing is open."""
