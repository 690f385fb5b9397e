# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which TCP ports does each server have, who answers on them, and when do they refuse? A port
listens while its service runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from fake_exchange.fronts.mail_access import MailAccessFront
from fake_exchange.fronts.smtp import SmtpFront
from fake_exchange.fronts.tls import TlsContexts
from fake_exchange.organisation import services
from fake_exchange.organisation.model import Organisation, Server, Service
from fake_exchange.wsman.listener import ConnectionHandler, Listener, ListenerHub

SMTP_PORTS = ("smtp", "submission")
MAIL_ACCESS_PORTS = ("imap", "imaps", "pop3", "pop3s")
TLS_FROM_THE_START = ("https", "winrm_https", "imaps", "pop3s")

#: Makes the handler of one web port (`powershell_http`, `https`, `winrm_http`, `winrm_https`).
WebHandler = Callable[[Server, str], ConnectionHandler]


class Ports:
    """All listening ports of the organisation; `open` fills every `Server.ports`."""

    def __init__(
        self,
        organisation: Organisation,
        hub: ListenerHub,
        contexts: TlsContexts,
        web_handler: WebHandler,
    ) -> None:
        self._organisation = organisation
        self._hub = hub
        self._contexts = contexts
        self._web_handler = web_handler
        self._listeners: dict[tuple[str, str], Listener] = {}
        self._held_closed: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        organisation.service_observers.append(self.follow)

    def open(self) -> None:
        """Reserve every port and listen on those whose service runs. Raises OSError if a port
        that the file fixes is taken."""
        for server in self._organisation:
            for port in services.SERVICE_OF_PORT:
                if services.service_of_port(server, port) is not None:
                    self._add(server, port)

    def _add(self, server: Server, port: str) -> None:
        secure = port in TLS_FROM_THE_START
        wanted = server.fixed_ports.get(port, 0)
        try:
            listener = self._hub.add(
                port,
                self._handler(server, port),
                address=server.address,
                port=wanted,
                tls=self._contexts.source(server, port) if secure else None,
                on_handshake=partial(
                    self._organisation.counters.add, server.Name, "handshakes", key=port
                ),
                open_now=self._should_listen(server, port),
            )
        except OSError as error:
            where = f"{server.Name} {port}: {server.address}:{wanted}"
            raise OSError(error.errno, f"{where}: {error.strerror}") from None
        server.ports[port] = listener.port
        self._listeners[server.Name, port] = listener

    def _handler(self, server: Server, port: str) -> ConnectionHandler:
        if port in SMTP_PORTS:
            return SmtpFront(self._organisation, server, port, self._contexts)
        if port in MAIL_ACCESS_PORTS:
            return MailAccessFront(self._organisation, server, port, self._contexts)
        return self._web_handler(server, port)

    def _should_listen(self, server: Server, port: str) -> bool:
        if (server.Name, port) in self._held_closed:
            return False
        service = services.service_of_port(server, port)
        if service is None or service.Status != "Running":
            return False
        if port in SMTP_PORTS:
            return services.connector_of_port(server, port) is not None
        return True

    def follow(self, server: Server, service: Service | None = None) -> None:
        """Open or close the server's ports as its services and connectors now say."""
        with self._lock:
            for port in server.ports:
                listener = self._listeners[server.Name, port]
                if service is None or services.service_of_port(server, port) is service:
                    if self._should_listen(server, port):
                        listener.open()
                    else:
                        listener.close()

    def hold_closed(self, server: Server, port: str, *, closed: bool) -> None:
        """Let a port refuse although its service runs (a firewall, say), or end that.

        Raises KeyError for a port the server does not have.
        """
        if port not in server.ports:
            raise KeyError(port)
        if closed:
            self._held_closed.add((server.Name, port))
        else:
            self._held_closed.discard((server.Name, port))
        self.follow(server)
