# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does an ACME authority misbehave in a way that Pebble cannot? A proxy in front of it
that passes everything on, and limits the rate or stops answering when a test asks for it."""

from __future__ import annotations

import http.client
import json
import ssl
from collections import Counter
from http.server import BaseHTTPRequestHandler

from support.loopback_server import LoopbackServer, answer, handler_of
from support.pebble import Pebble

_PASSED_BACK = ("Content-Type", "Location", "Link", "Replay-Nonce", "Retry-After", "Cache-Control")


class AcmeProxy(LoopbackServer):
    """Use as a context manager; clients are given `url` instead of Pebble's."""

    def __init__(self, pebble: Pebble) -> None:
        self._pebble = pebble
        self._limited: dict[str, int] = {}
        self._closes_after: str | None = None
        self._closed = False
        self._asked: Counter[str] = Counter()
        super().__init__(handler_of(self._handle, protocol="HTTP/1.1"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(
            pebble.directory / "pebble-server.pem", pebble.directory / "pebble-server.key"
        )
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._paths = self._resources()

    @property
    def url(self) -> str:
        """The directory."""
        return f"https://127.0.0.1:{self.port}/dir"

    def limit(self, resource: str, *, retry_after: int) -> None:
        """Answer 429 to whoever wants this resource, as Let's Encrypt does."""
        self._limited[resource] = retry_after

    def close_after(self, resource: str) -> None:
        """Answer this once, and nobody after that."""
        self._closes_after = resource

    def open(self) -> None:
        """As it was."""
        self._closed, self._closes_after = False, None
        self._limited.clear()

    def asked(self, resource: str) -> int:
        """How often somebody asked for the resource."""
        return self._asked[resource]

    def _resources(self) -> dict[str, str]:
        _status, _headers, body = self._pass_on("GET", "/dir", {}, b"", "127.0.0.1")
        urls = json.loads(body)
        return {
            "/" + url.partition("//")[2].partition("/")[2]: name
            for name, url in urls.items()
            if isinstance(url, str)
        }

    def _handle(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        resource = self._paths.get(request.path, "")
        self._asked[resource] += 1
        if self._closed:
            request.close_connection = True
            return
        if resource in self._limited:
            self._answer_limited(request, self._limited[resource])
            return
        status, headers, passed_back = self._pass_on(
            request.command, request.path, dict(request.headers), body, request.headers["Host"]
        )
        answer(request, status, headers, passed_back)
        if resource and resource == self._closes_after:
            self._closed = True

    def _pass_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes, host: str
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPSConnection(
            "127.0.0.1",
            self._pebble.port,
            timeout=30,
            context=ssl.create_default_context(cafile=str(self._pebble.ca_file)),
        )
        kept = {
            name: value
            for name, value in headers.items()
            if name.lower() in ("content-type", "accept", "user-agent")
        }
        connection.request(method, path, body or None, {**kept, "Host": host})
        response = connection.getresponse()
        found = [(name, value) for name, value in response.getheaders() if name in _PASSED_BACK]
        return response.status, found, response.read()

    def _answer_limited(self, request: BaseHTTPRequestHandler, seconds: int) -> None:
        problem = {
            "type": "urn:ietf:params:acme:error:rateLimited",
            "detail": "too many certificates already issued for this exact set of names",
            "status": 429,
        }
        headers = [("Content-Type", "application/problem+json"), ("Retry-After", str(seconds))]
        answer(request, 429, headers, json.dumps(problem).encode())
