# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does an SMTP port present what the server's connectors lead to?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    find_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.certificate_choice import (  # noqa: E501
    offers_starttls,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.check import (
    PORT,
    Check,
    failed,
    not_checked,
    passed,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.connector_checks import (
    CertificatesOfServer,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import TlsProbeFailed
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.starttls_dialogue import (
    PortTimedOut,
    PortUnreachable,
    StartTlsNotOffered,
    TlsHandshakeFailed,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.tls_probe import (
    TlsProbeResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import covers
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)


@dataclass(frozen=True, kw_only=True)
class PortView:
    """What is known of the server behind a port; None where Exchange could not be asked."""

    server: CertificatesOfServer | None
    connectors: Sequence[ReceiveConnector] = field(default=())
    # Whether the roots that count were given, so that a missing issuer means something.
    roots_are_given: bool = False
    expected_name: str | None = None


def judge_failure(title: str, error: TlsProbeFailed, view: PortView) -> Check:
    """Judge a port that presented nothing."""
    if isinstance(error, PortUnreachable | PortTimedOut):
        return failed("port", PORT, title, error.message, "port_closed")
    if view.server is None:
        return not_checked(
            "port", PORT, title, f"{error.message} Exchange could not be asked for the reason."
        )
    if isinstance(error, StartTlsNotOffered):
        return failed("port", PORT, title, error.message, _why_not_offered(error, view))
    if isinstance(error, TlsHandshakeFailed):
        problems = _problems(view.connectors, view.server)
        return failed(
            "port",
            PORT,
            title,
            error.message,
            # What is wrong with the certificate explains it; without that it was never loaded.
            problems[0] if problems else "certificate_not_loaded",
        )
    return failed("port", PORT, title, error.message, "something_else_answers")


def judge_presented(title: str, presented: TlsProbeResult, view: PortView) -> Iterator[Check]:
    """Judge what a port presented: whose it is, which one, its chain, and its names."""
    found = presented.certificate
    shown = f"It presents {found.thumbprint} ({found.subject})"
    if view.server is None:
        yield not_checked(
            "port", PORT, title, f"{shown}. Exchange could not be asked whether it should."
        )
    else:
        yield _judge_certificate(title, shown, presented, view, view.server)
    yield from _judge_chain(title, presented, view)
    names = found.dns_names or [found.common_name or ""]
    if view.expected_name and not covers(names, view.expected_name):
        yield failed(
            "port_name",
            PORT,
            title,
            f"The other side expects {view.expected_name}, and {found.thumbprint} is for "
            f"{', '.join(names)}.",
            "presented_certificate_has_other_names",
        )


def _judge_certificate(
    title: str,
    shown: str,
    presented: TlsProbeResult,
    view: PortView,
    server: CertificatesOfServer,
) -> Check:
    found = presented.certificate
    behind = _behind(presented.banner, view.connectors)
    chosen = [choice.certificate for choice in map(server.receive_choice, behind)]
    wanted = {item.thumbprint for item in chosen if item is not None}
    if found.thumbprint in wanted or (not wanted and _has(server, found.thumbprint)):
        if found.not_after <= server.now:
            return failed(
                "port",
                PORT,
                title,
                f"{shown}, which expired on {found.not_after:%Y-%m-%d}.",
                "certificate_expired",
            )
        return passed("port", PORT, title, f"{shown}, which the connectors lead to.")
    name = TlsCertificateName(found.issuer, found.subject)
    own = _has(server, found.thumbprint) or any(
        item.tls_certificate_name == name for item in server.certificates
    )
    if own:
        return failed(
            "port",
            PORT,
            title,
            f"{shown}, and the connectors lead to {', '.join(sorted(wanted)) or 'none'}.",
            "certificate_not_loaded",
        )
    return failed(
        "port",
        PORT,
        title,
        f"{shown}, which is not among the certificates of {server.server}; it greets with "
        f"'{presented.banner}'.",
        "something_else_answers",
    )


def _judge_chain(title: str, presented: TlsProbeResult, view: PortView) -> Iterator[Check]:
    if presented.complete:
        yield passed("port_chain", PORT, title, "The chain that it presents is complete.")
        return
    problem = presented.verdict.chain_problem or "the chain is not complete"
    if view.roots_are_given:
        yield failed(
            "port_chain", PORT, title, f"{problem[0].upper()}{problem[1:]}.", "chain_incomplete"
        )
    else:
        yield not_checked(
            "port_chain",
            PORT,
            title,
            f"{problem[0].upper()}{problem[1:]}. Give ca_path with the roots that count to know "
            "whether that is a fault.",
        )


def _why_not_offered(error: StartTlsNotOffered, view: PortView) -> str:
    behind = _behind(str(error.details.get("banner") or ""), view.connectors)
    if any(not offers_starttls(item) for item in behind):
        return "starttls_not_in_auth_mechanism"
    problems = _problems(behind, view.server) if view.server is not None else []
    # A sound connector offers STARTTLS: something on the way takes it out.
    return problems[0] if problems else "something_else_answers"


def _behind(banner: str | None, connectors: Sequence[ReceiveConnector]) -> list[ReceiveConnector]:
    """The connectors that may be behind a port: it greets with their Fqdn."""
    words = {word.casefold() for word in (banner or "").split()}
    return [item for item in connectors if item.fqdn and item.fqdn.casefold() in words] or list(
        connectors
    )


def _problems(connectors: Sequence[ReceiveConnector], server: CertificatesOfServer) -> list[str]:
    found = [server.receive_choice(item).problem for item in connectors if offers_starttls(item)]
    return [problem for problem in found if problem]


def _has(server: CertificatesOfServer, thumbprint: str) -> bool:
    return find_certificate(list(server.certificates), thumbprint) is not None
