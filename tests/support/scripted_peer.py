# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A peer on loopback: speaks a script up to TLS, then shakes hands with a real certificate."""

from __future__ import annotations

import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from support import pki


@dataclass
class Heard:
    """What a scripted peer received: commands in clear, and the name asked for in the handshake."""

    commands: list[str] = field(default_factory=list)
    server_names: list[str | None] = field(default_factory=list)


Behavior = Callable[[socket.socket, ssl.SSLContext, Heard], None]


def server_context(certificate: bytes, key: bytes) -> ssl.SSLContext:
    """A context that presents these PEM certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        chain_file, key_file = Path(folder, "chain.pem"), Path(folder, "key.pem")
        chain_file.write_bytes(certificate)
        key_file.write_bytes(key)
        context.load_cert_chain(chain_file, key_file)
    return context


@contextmanager
def peer(behavior: Behavior, context: ssl.SSLContext | None = None) -> Iterator[tuple[int, Heard]]:
    """Listen on a free port and treat every connection so; gives the port and what was heard."""
    heard = Heard()
    tls = context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.sni_callback = lambda _socket, name, _context: heard.server_names.append(name)
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError, ssl.SSLError):
                connection.settimeout(10)
                behavior(connection, tls, heard)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], heard
    finally:
        stopped.set()
        # accept() does not wake up when its socket is closed: connect once more.
        with suppress(OSError):
            socket.create_connection(listener.getsockname(), timeout=1).close()
        listener.close()
        thread.join(timeout=10)


def implicit_tls(connection: socket.socket, context: ssl.SSLContext, heard: Heard) -> None:
    """TLS from the first byte; stays until the client leaves."""
    with context.wrap_socket(connection, server_side=True) as wrapped:
        wrapped.recv(1)


def scripted(
    greeting: str, answers: Mapping[str, str], *, then_tls: str = "", behind: bytes = b""
) -> Behavior:
    """Greet, answer each command by its first words, and start TLS after one of them.

    Args:
        then_tls: the command after whose answer TLS begins.
        behind: bytes in clear right behind that answer.
    """

    def behave(connection: socket.socket, context: ssl.SSLContext, heard: Heard) -> None:
        connection.sendall(greeting.encode())
        reader = connection.makefile("rb", buffering=0)
        while line := reader.readline():
            command = line.decode(errors="replace").strip()
            heard.commands.append(command)
            answer = next(
                (text for words, text in answers.items() if command.startswith(words)), None
            )
            if answer is None:
                return
            extra = behind if command == then_tls else b""
            connection.sendall(answer.encode() + extra)
            if command == then_tls:
                implicit_tls(connection, context, heard)
                return

    return behave


def silent(connection: socket.socket, context: ssl.SSLContext, heard: Heard) -> None:
    """Accept and say nothing until the client leaves."""
    connection.recv(65536)
    connection.recv(65536)


def context_of(issued: pki.Issued, *, with_chain: bool = True) -> ssl.SSLContext:
    """A context that presents an issued certificate, with or without its intermediates."""
    certificate = issued.fullchain_pem() if with_chain else issued.certificate_pem()
    return server_context(certificate, issued.key_pem())
