# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificate does each https binding of IIS name, and which one should it?

Enable-ExchangeCertificate binds the front end only (Enable-ExchangeCertificate page). The back end
keeps the self-signed certificate of setup; without any, remote PowerShell and the proxying of the
front end fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

FRONT_END_SITE = "Default Web Site"
BACK_END_SITE = "Exchange Back End"
FRONT_END_PORT = 443
FRONT_END, BACK_END, OTHER = "front_end", "back_end", "other"
_FRONT_END_SITE_ID = "1"
# Of the certificate, what shows whether it is the right one.
_SHOWN = ("subject", "issuer", "dns_names", "not_after", "days_left", "services", "self_signed")
_ROLES = {FRONT_END_SITE.casefold(): FRONT_END, BACK_END_SITE.casefold(): BACK_END}


class Windows(Protocol):
    """What a Windows session is used for here."""

    def run(
        self, script_name: str, parameters: Mapping[str, object], *, changing: bool = False
    ) -> dict[str, Any]:
        """Run one of the collection's scripts."""


@dataclass(frozen=True, kw_only=True)
class WebBinding:
    """An https binding of an IIS site; the thumbprint is empty where it names no certificate."""

    site: str
    ip: str
    port: int
    host_header: str = ""
    thumbprint: str = ""
    store: str = ""

    @property
    def role(self) -> str:
        """Which of Exchange's two sites it belongs to, or `other`."""
        return _ROLES.get(self.site.casefold(), OTHER)

    @property
    def information(self) -> str:
        """The binding as IIS writes it."""
        return f"{self.ip}:{self.port}:{self.host_header}"

    def __str__(self) -> str:
        host = f" {self.host_header}" if self.host_header else ""
        return f"{self.site} ({self.ip or '*'}:{self.port}{host})"

    def to_result(
        self, certificates: Sequence[ExchangeCertificate], now: datetime
    ) -> dict[str, object]:
        """Return the JSON-safe form that the modules document under RETURN."""
        certificate = find_certificate(certificates, self.thumbprint) if self.thumbprint else None
        known = certificate.to_result(now) if certificate else {}
        return {
            "site": self.site,
            "role": self.role,
            "ip": self.ip,
            "port": self.port,
            "host_header": self.host_header,
            "thumbprint": self.thumbprint or None,
            "store": self.store or None,
            "certificate": {name: known[name] for name in _SHOWN} if known else None,
        }


def read_web_bindings(windows: Windows) -> list[WebBinding]:
    """Return the https bindings of all sites of a server.

    Raises:
        WindowsScriptFailed: IIS cannot be asked.
    """
    return [WebBinding(**item) for item in windows.run("https_bindings", {})["bindings"]]


def bind(windows: Windows, binding: WebBinding, thumbprint: str) -> None:
    """Let a binding name another certificate of the server's store.

    Raises:
        WindowsScriptFailed: IIS refuses it; the binding names what it named before.
        OutcomeUnknown: contact was lost; the bindings have to be read again.
    """
    windows.run(
        "bind_https",
        {
            "site": binding.site,
            "binding_information": binding.information,
            "thumbprint": thumbprint,
        },
        changing=True,
    )


def select(
    bindings: Sequence[WebBinding], *, site: str, port: int, server: str
) -> list[WebBinding]:
    """The bindings of a site on one port.

    Raises:
        InvalidInput: there is none; the message names those that exist.
    """
    found = [
        item for item in bindings if item.site.casefold() == site.casefold() and item.port == port
    ]
    if not found:
        existing = ", ".join(map(str, bindings)) or "none"
        raise InvalidInput(
            f"{server} has no https binding of the site '{site}' on port {port}. Existing ones: "
            f"{existing}.",
            details={"server": server, "site": site, "port": port},
        )
    return found


def front_end_certificate(
    certificates: Sequence[ExchangeCertificate], *, server: str
) -> ExchangeCertificate:
    """The one certificate that Exchange says serves the front end.

    Raises:
        InvalidInput: Exchange names none, or several.
    """
    found = [item for item in certificates if _serves_front_end(item)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InvalidInput(
            f"Exchange on {server} names no certificate that serves the front end: give its "
            "thumbprint.",
            details={"server": server},
        )
    listed = "; ".join(f"{item.thumbprint} ({item.subject})" for item in found)
    raise InvalidInput(
        f"Exchange on {server} names several certificates that serve the front end, because its "
        f"bindings disagree: {listed}. Give the thumbprint of the right one.",
        details={"server": server, "thumbprints": [item.thumbprint for item in found]},
    )


def problems(
    bindings: Sequence[WebBinding], certificates: Sequence[ExchangeCertificate], now: datetime
) -> Iterator[str]:
    """What is wrong with the bindings, one sentence each, and what to do."""
    for binding in bindings:
        yield from _problems_of(binding, certificates, now)
    front = [item for item in bindings if item.role == FRONT_END and not item.host_header]
    named = sorted({item.thumbprint for item in front if item.thumbprint})
    if len(named) > 1:
        yield (
            f"The bindings of {FRONT_END_SITE} name different certificates ({', '.join(named)}). "
            "Set them with exchange_iis_binding."
        )


def _problems_of(
    binding: WebBinding, certificates: Sequence[ExchangeCertificate], now: datetime
) -> Iterator[str]:
    if not binding.thumbprint:
        consequence = (
            " Remote PowerShell and the proxying of the front end fail without it."
            if binding.role == BACK_END
            else ""
        )
        yield (f"{binding} names no certificate.{consequence} Set one with exchange_iis_binding.")
        return
    certificate = find_certificate(certificates, binding.thumbprint)
    if certificate is None:
        yield (
            f"{binding} names {binding.thumbprint}, which Exchange cannot see: it is not in the "
            "store, or has no private key. Set another one with exchange_iis_binding."
        )
    elif certificate.not_after is not None and certificate.not_after < now:
        yield f"The certificate {binding.thumbprint} of {binding} has expired."


def _serves_front_end(certificate: ExchangeCertificate) -> bool:
    if "IIS" not in (certificate.services or frozenset()):
        return False
    sites = certificate.iis_sites
    if sites is None:
        return True
    return any(site.rstrip("/").endswith(f"/{_FRONT_END_SITE_ID}") for site in sites)
