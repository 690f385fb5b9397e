# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does the web site of remote management answer to one HTTP request? Path, authentication,
encryption, then the shells; and what goes wrong on purpose."""

from __future__ import annotations

import http.cookies
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_exchange.wsman import envelope, fault_codes, restarts
from fake_exchange.wsman.authentication import (
    AuthenticationMethods,
    ConnectionAuthentication,
    NtlmAccounts,
    Refused,
)
from fake_exchange.wsman.encryption import NotDecryptable, is_encrypted
from fake_exchange.wsman.envelope import Fault, NotSoap, Request
from fake_exchange.wsman.http import HttpApplication, HttpRequest, HttpResponse
from fake_exchange.wsman.output import AnswerLost
from fake_exchange.wsman.shells import Caller, ShellTable

if TYPE_CHECKING:
    from fake_exchange.organisation.model import Account, Organisation, Server
    from fake_exchange.wsman.listener import Connection

log = logging.getLogger(__name__)

SOAP_TYPE = "application/soap+xml;charset=UTF-8"
COOKIE = "X-BackEndCookie"


def iis_page(status: int, title: str) -> HttpResponse:
    """An error page of IIS. It is XHTML, which clients that expect SOAP can parse without finding
    anything in it."""
    page = (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\r\n'
        '<html xmlns="http://www.w3.org/1999/xhtml"><head>'
        f"<title>{status} - {title}</title></head>"
        f"<body><h1>Server Error</h1><h2>{status} - {title}</h2></body></html>"
    )
    return HttpResponse(status, page.encode(), "text/html")


def not_found(request: HttpRequest) -> HttpResponse:
    """What IIS says to a path that is no site's."""
    return iis_page(404, "File or directory not found.")


def not_found_by_http_sys(request: HttpRequest) -> HttpResponse:
    """What Windows says where no site at all listens on a path, as beside /wsman."""
    page = (
        "<!DOCTYPE HTML PUBLIC><HTML><HEAD><TITLE>Not Found</TITLE>\r\n"
        '<META HTTP-EQUIV="Content-Type" Content="text/html; charset=us-ascii"></HEAD>\r\n'
        "<BODY><h2>Not Found</h2>\r\n<hr><p>HTTP Error 404. The requested resource is not "
        "found.</p>\r\n</BODY></HTML>\r\n"
    )
    return HttpResponse(404, page.encode(), "text/html; charset=us-ascii")


@dataclass(frozen=True)
class SiteRules:
    """How a site differs from others. `path` is compared without case and trailing slash.

    `uses_cookies` - a cookie leads to the back end that holds the shell; `refuses` - an answer for
    accounts that may authenticate but not enter.
    """

    path: str
    methods: Callable[[Connection], AuthenticationMethods]
    boundary_prefix: str = "--"
    uses_cookies: Callable[[], bool] = lambda: False
    refuses: Callable[[Account], HttpResponse | None] = lambda account: None


@dataclass(frozen=True)
class WsmanSite:
    """A site on one server; hands each connection an application of its own."""

    organisation: Organisation
    server: Server
    table: ShellTable
    rules: SiteRules
    accounts: NtlmAccounts

    def application(
        self, connection: Connection, port: str, elsewhere: HttpApplication = not_found
    ) -> HttpApplication:
        """The application of a connection to `port`; `elsewhere` answers all other paths."""
        return _SiteConnection(self, connection, port, elsewhere)


class _SiteConnection:
    """One connection to a site: its security context, its requests."""

    def __init__(
        self, site: WsmanSite, connection: Connection, port: str, elsewhere: HttpApplication
    ) -> None:
        self._site = site
        self._connection = connection
        self._port = port
        self._elsewhere = elsewhere
        self._authentication = ConnectionAuthentication(
            site.organisation,
            site.rules.methods(connection),
            site.accounts,
            realm=site.server.Fqdn,
            certificate=connection.identity.certificate if connection.identity else None,
            boundary_prefix=site.rules.boundary_prefix,
        )

    def __call__(self, request: HttpRequest) -> HttpResponse | None:
        site = self._site
        site.organisation.counters.add(site.server.Name, "http_requests")
        if request.path.rstrip("/").lower() != site.rules.path.lower():
            return self._elsewhere(request)
        if request.method != "POST":
            return HttpResponse(405, headers=(("Allow", "POST"),))
        encrypted = is_encrypted(request.headers.get("Content-Type"))
        if encrypted and self._authentication.encryption is None:
            # The context this was encrypted with died with its connection: nothing can be read,
            # so nothing is done. Exactly this empty answer is what clients have to recognise.
            return HttpResponse(400)
        outcome = self._authentication.authenticate(request)
        if isinstance(outcome, Refused):
            return HttpResponse(401, headers=outcome.headers)
        refusal = site.rules.refuses(outcome.account)
        if refusal is not None:
            return refusal
        affinity, headers = self._affinity(request, outcome.headers)
        if not request.body:
            return HttpResponse(200, headers=headers)
        message = self._decrypted(request.body) if encrypted else request.body
        if message is None:
            return HttpResponse(400)
        if not encrypted and not self._may_be_plain():
            return HttpResponse(500, headers=headers)
        caller = Caller(outcome.account, affinity)
        return self._answered(message, caller, headers, encrypted=encrypted)

    def _may_be_plain(self) -> bool:
        """Unencrypted messages are for TLS only (AllowUnencrypted is false)."""
        return self._connection.identity is not None

    def _decrypted(self, body: bytes) -> bytes | None:
        assert self._authentication.encryption is not None
        try:
            return self._authentication.encryption.decrypt(body)
        except NotDecryptable as error:
            log.debug("not decryptable: %s", error)
            return None

    def _affinity(
        self, request: HttpRequest, headers: tuple[tuple[str, str], ...]
    ) -> tuple[str | None, tuple[tuple[str, str], ...]]:
        """The caller's cookie, or a new one and the header that sets it."""
        if not self._site.rules.uses_cookies():
            return None, headers
        cookies = http.cookies.SimpleCookie(request.headers.get("Cookie") or "")
        if COOKIE in cookies:
            return cookies[COOKIE].value, headers
        value = uuid.uuid4().hex
        return value, (*headers, ("Set-Cookie", f"{COOKIE}={value}; path=/; HttpOnly"))

    def _answered(
        self,
        message: bytes,
        caller: Caller,
        headers: tuple[tuple[str, str], ...],
        *,
        encrypted: bool,
    ) -> HttpResponse | None:
        try:
            request = envelope.parse(message)
        except NotSoap as error:
            status, body = 500, self._fault(fault_codes.schema_violation(str(error)), "")
        else:
            answer = self._executed(request, caller)
            if answer is None:
                return None
            status, body = answer
        encryption = self._authentication.encryption
        if not encrypted or encryption is None:
            return HttpResponse(status, body, SOAP_TYPE, headers)
        return HttpResponse(status, encryption.encrypt(body), encryption.content_type, headers)

    def _executed(self, request: Request, caller: Caller) -> tuple[int, bytes] | None:
        """Status and SOAP message; None when the connection is to break instead."""
        site, faults = self._site, self._site.organisation.faults
        endpoint = "windows" if self._port.startswith("winrm") else "exchange"
        cmdlet = site.table.in_flight(request)
        site.organisation.counters.add(site.server.Name, "wsman_requests", key=request.verb)
        number = site.organisation.wire_log.add(site.server.Name, endpoint, request.verb, cmdlet)
        where: dict[str, str | None] = {
            "server": site.server.Name,
            "port": self._port,
            "verb": request.verb,
            "account": caller.account.user,
            "endpoint": endpoint,
            "cmdlet": cmdlet,
        }
        held = faults.take("hold", where, number=number)
        if held is not None and not (faults.hold() and held.execute):
            return None
        if faults.take("drop_connection", where, number=number):
            return None
        restart = faults.take("restart_site", where, number=number)
        if restart is not None:
            restarts.restart_site(site.organisation, site.server, endpoint, restart.seconds)
            return None
        restart = faults.take("restart_server", where, number=number)
        if restart is not None:
            restarts.restart_server(site.organisation, site.server, restart.seconds)
            return None
        if request.shell_id and faults.take("kill_shell", where, number=number):
            site.table.kill(request.shell_id)
        try:
            answer = 200, envelope.response(request, site.table.handle(request, caller))
        except Fault as fault:
            answer = 500, self._fault(fault, request.message_id)
        except AnswerLost:
            return None
        except Exception as error:
            log.exception("%s failed", request.verb)
            problem = fault_codes.internal_error(f"{type(error).__name__}: {error}")
            answer = 500, self._fault(problem, request.message_id)
        if not cmdlet and (begun := site.table.in_flight(request)):
            where["cmdlet"] = begun
            site.organisation.wire_log.is_about(number, begun)
        slow = faults.take("slow_request", where, number=number)
        if slow is not None:
            time.sleep(slow.seconds)
        return None if faults.take("lose_answer", where, number=number) else answer

    def _fault(self, fault: Fault, relates_to: str) -> bytes:
        return envelope.fault(fault, relates_to=relates_to, machine=self._site.server.Fqdn)
