# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does the web site say beside /PowerShell? The health page of each protocol, and for the
rest the way to the log-on page, which is all a TLS check needs."""

from __future__ import annotations

import re

from fake_exchange.organisation.model import Server, now
from fake_exchange.wsman.http import HttpApplication, HttpRequest, HttpResponse

#: Virtual directory -> component whose state its health page shows.
COMPONENTS = {
    "autodiscover": "AutoDiscoverProxy",
    "ecp": "EcpProxy",
    "ews": "EwsProxy",
    "mapi": "MapiProxy",
    "microsoft-server-activesync": "ActiveSyncProxy",
    "oab": "OabProxy",
    "owa": "OwaProxy",
    "rpc": "RpcProxy",
}


#: Pages that cannot be shown without a valid OAuth certificate, by their application pool.
SIGNING_PAGES = {
    "/owa/auth/logon.aspx": "MSExchangeOWAAppPool",
    "/ecp/": "MSExchangeECPAppPool",
}


def _logon(server: Server, pool: str) -> HttpResponse:
    service = server.services.get("W3SVC")
    loaded = service.loaded.get(pool) if service is not None else None
    if loaded is None or loaded.certificate.not_valid_after_utc < now():
        text = b"HMACProvider.GetCertificates:protectionCertificates.Length<1"
        return HttpResponse(500, text, "text/html")
    return HttpResponse(200, b"<html><title>Outlook</title></html>", "text/html")


def page(server: Server) -> HttpApplication:
    """The pages of a server's Default Web Site."""

    def answer(request: HttpRequest) -> HttpResponse:
        health = re.fullmatch(r"/([^/]+)/healthcheck\.htm", request.path, re.IGNORECASE)
        component = COMPONENTS.get(health[1].casefold()) if health else None
        if component is not None:
            return _health(server, component)
        pool = SIGNING_PAGES.get(request.path.casefold())
        if pool is not None:
            return _logon(server, pool)
        if request.path in ("/", "") or request.path.casefold().startswith("/owa"):
            location = f"https://{server.Fqdn}/owa/auth/logon.aspx"
            return HttpResponse(302, b"", headers=(("Location", location),))
        return HttpResponse(404, b"<html><title>404 - File or directory not found.</title></html>")

    return answer


def _health(server: Server, component: str) -> HttpResponse:
    for name in ("ServerWideOffline", component):
        state = server.component_states.get(name)
        if state is not None and state.State != "Active":
            return HttpResponse(503, b"The service is unavailable.", "text/html")
    return HttpResponse(200, f"200 OK<br/>{server.Fqdn}".encode(), "text/html")
