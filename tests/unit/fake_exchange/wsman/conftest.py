# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pretended server with a handful of cmdlets of the tests' own, and clients for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pypsrp.wsman import WSMan

from fake_exchange.cmdlets.registry import (
    Choice,
    CmdletContext,
    Command,
    ErrorSpec,
    PipelineStopped,
    SecureText,
    TerminatingError,
)
from fake_exchange.fronts.tls import TlsContexts
from fake_exchange.organisation.accounts import Account, permissions_of
from fake_exchange.organisation.model import LoadedCertificate, Organisation, Server
from fake_exchange.wsman.front import FrontParts, RemoteManagement
from fake_exchange.wsman.listener import ListenerHub
from fake_exchange.wsman.shells import ShellFactory
from support import pki
from support.remote_powershell import RemotePowerShell

PASSWORD = "Pa:ss wörd 1"


@dataclass
class Cmdlets:
    """What the pretended server can do here, and what reached it."""

    calls: list[Command] = field(default_factory=list)
    started: list[str] = field(default_factory=list)

    def run(self, context: CmdletContext, commands: Sequence[Command]) -> None:
        command = commands[0]
        self.calls.append(command)
        values = dict(command.parameters)
        getattr(self, command.name.replace("-", "_").lower())(context, values)

    def write_text(self, context: CmdletContext, values: dict) -> None:
        """Some text of a given length, as often as asked."""
        for _ in range(values.get("Count", 1)):
            context.emit_output(f"<S>{'x' * values.get('Length', 5)}</S>")

    def measure_data(self, context: CmdletContext, values: dict) -> None:
        context.emit_output(f"<I32>{len(values['Data'])}</I32>")

    def write_records(self, context: CmdletContext, values: dict) -> None:
        context.write_verbose("looking")
        context.write_warning("careful")
        context.write_error(_error("something failed"))
        context.emit_output("<B>true</B>")

    def stop_here(self, context: CmdletContext, values: dict) -> None:
        raise TerminatingError(_error("cannot continue"))

    def ask(self, context: CmdletContext, values: dict) -> None:
        if context.host is None:
            raise TerminatingError(
                ErrorSpec(
                    "no user interaction",
                    exception_type="System.Management.Automation.Host.HostException",
                    error_id="HostFunctionNotImplemented",
                )
            )
        choices = [Choice("&Yes"), Choice("Yes to &All"), Choice("&No"), Choice("No to A&ll")]
        index = context.host.prompt_for_choice("Confirm", "Replace it?", choices, 0)
        context.emit_output(f"<I32>{index}</I32>")

    def wait_forever(self, context: CmdletContext, values: dict) -> None:
        context.emit_output("<S>started</S>")
        context.stopped.wait()
        raise PipelineStopped

    def wait_stubbornly(self, context: CmdletContext, values: dict) -> None:
        context.emit_output("<S>started</S>")
        time.sleep(values["Seconds"])
        context.check_stopped()

    def show_password(self, context: CmdletContext, values: dict) -> None:
        assert isinstance(values["Password"], SecureText)
        context.emit_output(f"<I32>{len(values['Password'].text)}</I32>")


def _error(message: str) -> ErrorSpec:
    return ErrorSpec(
        message,
        category="InvalidOperation",
        category_reason="InvalidOperationException",
        exception_type="System.InvalidOperationException",
        error_id="[Server=EX01] 1234ABCD,Microsoft.Exchange.Test",
        category_activity="Write-Records",
    )


@dataclass
class Fake:
    """The running server and what a test wants to know of it."""

    organisation: Organisation
    server: Server
    cmdlets: Cmdlets
    front: RemoteManagement
    ports: dict[str, int]
    ca_file: str
    password: str = PASSWORD

    def open_shells(self) -> int:
        return self.front.open_shells(self.server)

    def wait_until_no_connection(self) -> None:
        """Returns when the server has dropped every connection."""
        for thread in threading.enumerate():
            if thread.name.startswith("EX01 "):
                thread.join(timeout=20)

    @property
    def total(self) -> dict:
        return self.organisation.counters.as_dict()["total"]

    def wsman(self, protocol: str, *, ssl: bool = False, **options: object) -> WSMan:
        """A transport as a careful client sets it up."""
        settings: dict = {
            "port": self.ports["https" if ssl else "powershell_http"],
            "path": "PowerShell/?serializationLevel=Full",
            "username": r"CONTOSO\ansible",
            "password": PASSWORD,
            "auth": protocol,
            "ssl": ssl,
            "no_proxy": True,
            "negotiate_service": "HTTP",
            "cert_validation": self.ca_file if ssl else True,
            "operation_timeout": 20,
            "read_timeout": 60,
        }
        settings.update(options)
        return WSMan("127.0.0.1", **settings)

    def session(self, protocol: str = "ntlm", **options: object) -> RemotePowerShell:
        session_options = {
            name: options.pop(name)
            for name in ("has_host", "answer", "resource_uri", "operation_timeout")
            if name in options
        }
        ssl = bool(options.pop("ssl", protocol == "basic"))
        return RemotePowerShell(self.wsman(protocol, ssl=ssl, **options), **session_options)


def account(user: str, *groups: str, **options: object) -> Account:
    return Account(
        user=user,
        domain="CONTOSO",
        realm="CONTOSO.TEST",
        password=PASSWORD,
        permissions=permissions_of(groups),
        **options,
    )


@pytest.fixture(scope="session")
def web_certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedCertificate, str]:
    """What the web site presents, and the file of the authority to trust."""
    authority = pki.root()
    issued = authority.issue(
        ("CN", "ex01.contoso.test"), dns=["ex01.contoso.test"], ip=["127.0.0.1"]
    )
    ca_file: Path = authority.write(tmp_path_factory.mktemp("pki") / "ca.pem")
    return LoadedCertificate(issued.certificate, issued.key, issued.chain), str(ca_file)


@pytest.fixture
def organisation() -> Organisation:
    server = Server("EX01", "ex01.contoso.test", "Berlin")
    return Organisation(
        "Contoso",
        "contoso.test",
        servers={"EX01": server},
        accounts=[
            account("ansible", "Organization Management"),
            account("colleague", "Organization Management"),
            account("nobody"),
            account("locked", "Organization Management", RemotePowerShellEnabled=False),
        ],
    )


@pytest.fixture
def cmd_shell() -> Callable[[Server], ShellFactory] | None:
    """What makes WinRS shells; a test file that needs some has its own."""
    return None


@pytest.fixture
def start(
    web_certificate: tuple[LoadedCertificate, str],
    cmd_shell: Callable[[Server], ShellFactory] | None,
) -> Iterator[Callable[[Organisation], Fake]]:
    """Starts the endpoints of an organisation's first server."""
    loaded, ca_file = web_certificate
    hub = ListenerHub()
    opened: list[RemoteManagement] = []

    def start_organisation(organisation: Organisation) -> Fake:
        cmdlets = Cmdlets()
        front = RemoteManagement(organisation, FrontParts(run=cmdlets.run, cmd_shell=cmd_shell))
        opened.append(front)
        server = next(iter(organisation))
        identity = TlsContexts(organisation).identity(loaded)
        for port in ("powershell_http", "https", "winrm_http"):
            listener = hub.add(
                f"{server.Name} {port}",
                front.handler(server, port),
                tls=(lambda: identity) if port == "https" else None,
            )
            server.ports[port] = listener.port
        hub.start()
        return Fake(organisation, server, cmdlets, front, server.ports, ca_file)

    yield start_organisation
    hub.close()
    for front in opened:
        front.close()


@pytest.fixture
def fake(organisation: Organisation, start: Callable[[Organisation], Fake]) -> Fake:
    return start(organisation)
