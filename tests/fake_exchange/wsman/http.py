# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How is HTTP/1.1 spoken on a connection? Requests are read one after the other and handed to an
application that lives as long as the connection, as security contexts do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from fake_exchange.wsman.listener import Connection, ConnectionHandler

#: A request body larger than this is not read (a certificate is some kilobytes).
LARGEST_BODY = 64 * 1024 * 1024


@dataclass(frozen=True)
class HttpRequest:
    """One request; `target` is path and query as sent, header names are looked up without case."""

    method: str
    target: str
    headers: Message
    body: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)


@dataclass(frozen=True)
class HttpResponse:
    """The answer. `close` ends the connection after it."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    close: bool = False


#: Answers the requests of one connection; None closes the connection without an answer.
HttpApplication = Callable[[HttpRequest], "HttpResponse | None"]


@dataclass(frozen=True)
class HttpTraffic:
    """Called for every exchange: bytes of the bodies received and sent."""

    on_exchange: Callable[[int, int], None] = lambda received, sent: None


class _Handler(BaseHTTPRequestHandler):
    """Stdlib's reader and writer of HTTP, bound to a `Connection`."""

    protocol_version = "HTTP/1.1"
    server_version = "Microsoft-IIS/10.0"
    sys_version = ""
    # One segment per answer: headers and body leave together in the flush after each request.
    wbufsize = -1

    def __init__(
        self,
        connection: Connection,
        application: HttpApplication,
        idle_seconds: Callable[[], float | None],
        traffic: HttpTraffic,
    ) -> None:
        self._connection = connection
        self._application = application
        self._idle_seconds = idle_seconds
        self._traffic = traffic
        super().__init__(connection.socket, connection.peer, None)  # type: ignore[arg-type]

    def handle_one_request(self) -> None:
        self.connection.settimeout(self._idle_seconds())
        self._connection.idle = True
        self._connection.answering = False
        try:
            dropped = self._connection.is_dropped
            self.raw_requestline = b"" if dropped else self.rfile.readline(65537)
        except OSError:
            self.raw_requestline = b""
        finally:
            self._connection.idle = False
        if not self.raw_requestline or len(self.raw_requestline) > 65536:
            self.close_connection = True
            return
        self.connection.settimeout(None)
        if self.parse_request():
            self._answer()

    def _answer(self) -> None:
        body = self._read_body()
        if body is None:
            self.close_connection = True
            return
        request = HttpRequest(self.command, self.path, self.headers, body)
        response = self._application(request)
        if response is None:
            self.close_connection = True
            return
        self._connection.answering = True
        self._traffic.on_exchange(len(body), len(response.body))
        self._write(response)

    def _read_body(self) -> bytes | None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= LARGEST_BODY:
            self._write(HttpResponse(413 if length > 0 else 400, close=True))
            return None
        body = self.rfile.read(length) if length else b""
        return body if len(body) == length else None

    def _write(self, response: HttpResponse) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        if response.content_type:
            self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        if response.close:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing to standard error; counters show what happened."""


def http_handler(
    make_application: Callable[[Connection], HttpApplication],
    *,
    idle_seconds: Callable[[], float | None] = lambda: None,
    traffic: HttpTraffic | None = None,
) -> ConnectionHandler:
    """A connection handler that serves HTTP.

    `make_application` is called once per connection. A connection on which nothing arrives for
    `idle_seconds()` is closed; None waits for ever.
    """
    traffic = traffic or HttpTraffic()

    def handle(connection: Connection) -> None:
        _Handler(connection, make_application(connection), idle_seconds, traffic)

    return handle
