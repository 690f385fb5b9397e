# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do connections reach the pretended servers? One thread accepts for every listening port of
every server; each connection then has a thread of its own."""

from __future__ import annotations

import contextlib
import logging
import resource
import selectors
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

#: A listening port is served by one of these, called in the connection's own thread.
ConnectionHandler = Callable[["Connection"], None]


@dataclass(frozen=True)
class TlsIdentity:
    """What a port presents: the context for the handshake and the leaf it holds (DER), which
    channel bindings are made of."""

    context: ssl.SSLContext
    certificate: bytes = field(repr=False)


#: Asked at every handshake; None means that no certificate is bound, the handshake then fails.
TlsSource = Callable[[], "TlsIdentity | None"]


@dataclass(eq=False)
class Connection:
    """One accepted connection. `identity` is what TLS presented, None without TLS.

    A handler may replace `socket` (with `start_tls`) and may say what it is doing, so that idle
    connections can be dropped on purpose: `idle` while it waits for the peer to begin something,
    `answering` from when an answer is on its way until it is idle again.
    """

    listener: Listener
    socket: socket.socket
    peer: tuple[str, int]
    identity: TlsIdentity | None = None
    idle: bool = False
    answering: bool = False
    is_dropped: bool = False
    closed: threading.Event = field(default_factory=threading.Event)

    def drop_if_idle(self) -> bool:
        """Break the connection if it is idle; if it is about to be, wait until the handler has.

        The handler goes from `answering` to `idle` by setting the new one before it clears the
        old, and looks at `is_dropped` after both; so asked in this order none slips through.
        """
        if not (self.answering or self.idle):
            return False
        self.is_dropped = True
        if self.idle:
            self.abort()
        else:
            self.closed.wait(timeout=10)
        return True

    def start_tls(self, source: TlsSource) -> bool:
        """Server side of a handshake; False when it failed (the connection is then useless)."""
        identity = source()
        if identity is None:
            return False
        try:
            self.socket = identity.context.wrap_socket(self.socket, server_side=True)
        except (OSError, ValueError) as error:
            log.debug("TLS handshake on %s failed: %s", self.listener.name, error)
            return False
        self.identity = identity
        return True

    def abort(self) -> None:
        """Break the connection; whoever reads from it sees its end."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Break the connection with RST, as a crashed peer would."""
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.socket.close()


@dataclass(eq=False)
class Listener:
    """One port. It keeps its number while closed: nobody else can take it and connections are
    refused, which is what a stopped service looks like."""

    hub: ListenerHub
    name: str
    handler: ConnectionHandler
    tls: TlsSource | None
    socket: socket.socket
    on_handshake: Callable[[], None] | None = None
    is_open: bool = False
    connections: set[Connection] = field(default_factory=set)

    @property
    def address(self) -> str:
        return str(self.socket.getsockname()[0])

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def open(self) -> None:
        """Accept connections (again)."""
        self.hub._open(self)

    def close(self, *, keep_connections: bool = False) -> None:
        """Refuse connections from now on and break those there are."""
        self.hub._close(self)
        if not keep_connections:
            self.drop_connections()

    def drop_connections(self) -> None:
        """Break the connections of this port."""
        with self.hub._lock:
            chosen = list(self.connections)
        for connection in chosen:
            connection.abort()


class ListenerHub:
    """All ports of the process. Use as a context manager, or `start` and `close`."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._selector = selectors.DefaultSelector()
        self._wake_up, self._woken = socket.socketpair()
        self._wake_up.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._thread: threading.Thread | None = None
        self._listeners: list[Listener] = []
        self._closed = False

    def __enter__(self) -> ListenerHub:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin to accept. Raises nothing; calling it again does nothing."""
        with self._lock:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="accept", daemon=True)
                self._thread.start()

    def add(
        self,
        name: str,
        handler: ConnectionHandler,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        tls: TlsSource | None = None,
        on_handshake: Callable[[], None] | None = None,
        open_now: bool = True,
    ) -> Listener:
        """Reserve a port (0: any free one) and listen on it.

        `tls` makes every connection start with a handshake, after which `on_handshake` is called.
        Raises OSError if the address cannot be used.
        """
        raise_file_limit()
        listener = Listener(self, name, handler, tls, _bound(address, port), on_handshake)
        with self._lock:
            self._listeners.append(listener)
        if open_now:
            listener.open()
        return listener

    def close(self) -> None:
        """Stop accepting, free every port, break every connection."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            thread, listeners = self._thread, list(self._listeners)
        self._wake()
        if thread is not None:
            thread.join()
        for listener in listeners:
            listener.is_open = False
            listener.socket.close()
            listener.drop_connections()
        self._selector.close()
        self._wake_up.close()
        self._woken.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._wake_up.send(b"\0")

    def _open(self, listener: Listener) -> None:
        with self._lock:
            if listener.is_open or self._closed:
                return
            listener.socket.listen(256)
            listener.is_open = True
            self._selector.register(listener.socket, selectors.EVENT_READ, listener)
        self._wake()

    def _close(self, listener: Listener) -> None:
        with self._lock:
            if not listener.is_open:
                return
            listener.is_open = False
            self._selector.unregister(listener.socket)
            # Leaves the socket bound but no longer listening, so the port is neither free nor
            # reachable until listen() is called again.
            with contextlib.suppress(OSError):
                listener.socket.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        while not self._closed:
            try:
                ready = self._selector.select()
            except OSError:
                continue
            for key, _ in ready:
                if key.data is None:
                    with contextlib.suppress(OSError):
                        self._woken.recv(4096)
                else:
                    self._accept(key.data)

    def _accept(self, listener: Listener) -> None:
        try:
            accepted, peer = listener.socket.accept()
        except OSError:
            return
        accepted.setblocking(True)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(listener, accepted, (str(peer[0]), int(peer[1])))
        with self._lock:
            if not listener.is_open or self._closed:
                accepted.close()
                return
            listener.connections.add(connection)
        threading.Thread(
            target=self._serve, args=(connection,), name=listener.name, daemon=True
        ).start()

    def _serve(self, connection: Connection) -> None:
        listener = connection.listener
        try:
            if listener.tls is not None:
                if not connection.start_tls(listener.tls):
                    return
                if listener.on_handshake is not None:
                    listener.on_handshake()
            listener.handler(connection)
        except (ConnectionError, TimeoutError, ssl.SSLError):
            pass  # The peer went away: nobody is left to answer.
        except Exception:
            log.exception("connection on %s failed", listener.name)
        finally:
            with self._lock:
                listener.connections.discard(connection)
            connection.abort()
            with contextlib.suppress(OSError):
                connection.socket.close()
            connection.closed.set()


def _bound(address: str, port: int) -> socket.socket:
    """A socket bound to `port` by number, not listening yet.

    Linux forgets a port it chose itself when the socket stops listening, but not one asked for:
    so a free one is found first and then asked for.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as finder:
        finder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        finder.bind((address, port))
        number = finder.getsockname()[1]
        bound = socket.socket(family)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((address, number))
            bound.setblocking(False)
        except BaseException:
            bound.close()
            raise
    return bound


def raise_file_limit() -> None:
    """Two hundred servers with ten ports need more files than a shell usually allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < min(wanted, 65536):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, 65536), hard))
