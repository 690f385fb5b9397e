# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests of the ports: one server whose ports are really open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fake_exchange.fronts.ports import Ports
from fake_exchange.fronts.tls import TlsContexts
from fake_exchange.organisation import services
from fake_exchange.organisation.model import Server
from fake_exchange.wsman.listener import Connection, ConnectionHandler, ListenerHub
from support.stocked_server import StockedServer, stocked_server


@pytest.fixture
def stock() -> StockedServer:
    """All services, IMAP and POP too, run and have loaded their certificates."""
    stock = stocked_server()
    for service in stock.server.services.values():
        service.Status = "Running"
        services.load_certificates(stock.organisation, stock.server, service)
    return stock


@pytest.fixture
def ports(stock: StockedServer) -> Iterator[Ports]:
    """The open ports; the web ones say who they are."""

    def web_handler(server: Server, port: str) -> ConnectionHandler:
        def say(connection: Connection) -> None:
            connection.socket.sendall(f"{server.Name} {port}".encode())

        return say

    with ListenerHub() as hub:
        ports = Ports(stock.organisation, hub, TlsContexts(stock.organisation), web_handler)
        ports.open()
        yield ports
