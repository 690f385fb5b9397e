# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does what a port presents match what is expected of it, and if not, where to look?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.tls_probe import (
    TlsProbeResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import covers
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

_SERVICES = {
    "smtp": "MSExchangeFrontEndTransport (ports 25 and 587) or MSExchangeTransport (2525, 465)",
    "smtps": "MSExchangeTransport",
    "https": "W3SVC (IIS)",
    "imap": "MSExchangeIMAP4 and MSExchangeIMAP4BE",
    "imaps": "MSExchangeIMAP4 and MSExchangeIMAP4BE",
    "pop3": "MSExchangePOP3 and MSExchangePOP3BE",
    "pop3s": "MSExchangePOP3 and MSExchangePOP3BE",
}


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """What a port should present; whatever is left out is not looked at."""

    # Any one of them will do.
    thumbprints: tuple[str, ...] = ()
    host_name: str | None = None
    days_left: int | None = None
    complete_chain: bool = False
    trusted: bool = False


def check_expectations(
    result: TlsProbeResult, expected: Expectations, *, now: datetime
) -> list[str]:
    """Return one sentence for everything that is not as expected.

    Raises:
        InvalidInput: an expected thumbprint is none.
    """
    leaf = result.certificate
    where = f"{result.host}:{result.port} ({result.protocol})"
    findings = []
    thumbprints = [normalize_thumbprint(item) for item in expected.thumbprints]
    if thumbprints and leaf.thumbprint not in thumbprints:
        findings.append(
            f"{where} presents {leaf.thumbprint} ({leaf.subject}, valid until "
            f"{leaf.not_after:%Y-%m-%d}) instead of {' or '.join(thumbprints)}. "
            + _where_to_look(result)
        )
    days = (leaf.not_after - now).days
    if expected.days_left is not None and days < expected.days_left:
        findings.append(
            f"{where} presents a certificate that expired on {leaf.not_after:%Y-%m-%d %H:%M} UTC."
            if leaf.not_after <= now
            else f"{where} presents a certificate with {days} days left (until "
            f"{leaf.not_after:%Y-%m-%d}); at least {expected.days_left} are expected."
        )
    if leaf.not_before > now:
        findings.append(
            f"{where} presents a certificate that is not valid before "
            f"{leaf.not_before:%Y-%m-%d %H:%M} UTC."
        )
    if expected.host_name and not covers(leaf.dns_names, expected.host_name):
        findings.append(
            f"{where} presents a certificate for {', '.join(leaf.dns_names) or 'no name'}, which "
            f"does not cover {expected.host_name}. " + _where_to_look(result)
        )
    if expected.complete_chain and not result.complete:
        findings.append(
            f"{where} presents an incomplete chain: {result.verdict.chain_problem}. Install the "
            "missing intermediate certificate into the server's store of intermediate authorities."
        )
    if expected.trusted and not result.trusted:
        findings.append(
            f"{where} presents a chain that is not trusted: {result.verdict.trust_problem}."
        )
    return findings


def _where_to_look(result: TlsProbeResult) -> str:
    service = _SERVICES.get(result.protocol)
    if service is None:
        return "A service presents what it loaded when it last started: restart it."
    hint = f"A service presents what it loaded when it last started: restart {service}"
    if result.protocol == "smtp":
        return (
            f"{hint}, and check the TlsCertificateName and Fqdn of the Receive connector. A "
            "firewall or SMTP proxy in front may answer in its place."
        )
    return f"{hint}, and check that the certificate is enabled for this service."
