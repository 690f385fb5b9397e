# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do ports behave as services' ports: refusing while stopped, the same number afterwards, many of
them in one process, nothing left at the end?"""

from __future__ import annotations

import socket
import threading

import pytest

from fake_exchange.wsman.listener import Connection, ListenerHub


def greet(connection: Connection) -> None:
    connection.socket.sendall(b"hello")
    connection.idle = True
    connection.socket.recv(1)


def said(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=9) as client:
        return client.recv(5)


def test_a_closed_port_refuses_and_comes_back_under_its_number():
    with ListenerHub() as hub:
        listener = hub.add("smtp", greet)
        port = listener.port
        assert said(port) == b"hello"
        listener.close()
        with pytest.raises(ConnectionRefusedError):
            said(port)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        listener.open()
        assert said(port) == b"hello"


def test_closing_a_port_breaks_its_connections():
    with ListenerHub() as hub:
        listener = hub.add("smtp", greet)
        with socket.create_connection(("127.0.0.1", listener.port), timeout=9) as client:
            assert client.recv(5) == b"hello"
            listener.close()
            assert client.recv(1) == b""


def test_two_thousand_ports_need_one_thread():
    with ListenerHub() as hub:
        ports = [hub.add(f"port {number}", greet).port for number in range(2000)]
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("accept") == 1
        assert not any(name.startswith("port ") for name in names)
        assert said(ports[0]) == said(ports[-1]) == b"hello"


def test_after_the_end_nobody_listens_and_the_port_is_free():
    hub = ListenerHub()
    hub.start()
    port = hub.add("smtp", greet).port
    assert said(port) == b"hello"
    hub.close()
    with pytest.raises(ConnectionRefusedError):
        said(port)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))


def test_a_port_without_certificate_ends_the_handshake():
    with ListenerHub() as hub:
        listener = hub.add("https", greet, tls=lambda: None)
        with socket.create_connection(("127.0.0.1", listener.port), timeout=9) as client:
            assert client.recv(1) == b""


def test_a_handler_that_breaks_ends_only_its_connection(caplog):
    def breaks(connection: Connection) -> None:
        raise RuntimeError("oops")

    with ListenerHub() as hub:
        broken, fine = hub.add("broken", breaks), hub.add("fine", greet)
        assert said(broken.port) == b""
        assert said(fine.port) == b"hello"
    assert "connection on broken failed" in caplog.text
