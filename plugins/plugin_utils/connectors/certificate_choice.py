# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificate does SMTP choose for a name or a connector, and what is wrong with it?

By the documented selection for STARTTLS: of those with the name, the newest valid one of an
authority, else a self-signed one, else one that is not valid. Whether SMTP is enabled on it is not
asked before the choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.distinguished_name import (
    common_name,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import covers
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
    is_canonical,
    read_stored,
)

_USABLE_STATUSES = ("valid", "revocationcheckfailure", "unknown")
_UNTRUSTED = "untrusted"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, kw_only=True)
class WindowsCertificate:
    """A certificate of the Windows store, also where Exchange does not show it."""

    thumbprint: str
    issuer: str
    subject: str
    has_private_key: bool


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a name leads to; `problem` is a cause, empty where all is well."""

    certificate: ExchangeCertificate | None
    evidence: str
    problem: str = ""


def offers_starttls(connector: ReceiveConnector) -> bool:
    """Whether it may offer STARTTLS at all."""
    return "tls" in {item.casefold() for item in connector.auth_mechanism}


def choose(
    certificates: Iterable[ExchangeCertificate],
    name: TlsCertificateName | str,
    *,
    now: datetime,
) -> ExchangeCertificate | None:
    """Return the certificate that is chosen for ``<I>issuer<S>subject`` or for a host name."""
    found = [
        item
        for item in certificates
        if item.has_private_key is not False and not item.is_pending_request and _bears(item, name)
    ]
    found.sort(key=lambda item: item.not_before or _LONG_AGO, reverse=True)
    preferences: tuple[Callable[[ExchangeCertificate], bool], ...] = (
        lambda item: not item.self_signed and why_invalid(item, now) is None,
        lambda item: item.self_signed is True,
        lambda item: True,
    )
    for preferred in preferences:
        chosen = next(filter(preferred, found), None)
        if chosen is not None:
            return chosen
    return None


def judge_choice(
    certificates: Sequence[ExchangeCertificate],
    *,
    stored_name: str | None,
    host_name: str,
    in_windows: Sequence[WindowsCertificate] | None,
    not_found: str,
    now: datetime,
) -> Choice:
    """Judge what a connector's TlsCertificateName, else its Fqdn, leads to.

    Args:
        in_windows: the Windows store, None where it could not be read.
        not_found: the cause if there is no such certificate at all.
    """
    named = read_stored(stored_name)
    if stored_name and (named is None or not is_canonical(stored_name)):
        return Choice(
            certificate=None,
            evidence=f"TlsCertificateName is '{stored_name}', which is not spelled as "
            "<I>issuer<S>subject.",
            problem="tls_certificate_name_malformed",
        )
    name: TlsCertificateName | str = named if named is not None else host_name
    chosen = choose(certificates, name, now=now)
    if chosen is not None:
        return _judge_chosen(chosen, f"'{name}'", now)
    keyless = _without_key(name, certificates, in_windows or ())
    if keyless:
        return Choice(
            certificate=None,
            evidence=f"'{name}' is {keyless}, which is in the Windows store without a private key "
            "that can be used.",
            problem="private_key_unusable",
        )
    return Choice(
        certificate=None,
        evidence=f"No certificate that Exchange can use has the name '{name}'.",
        problem=not_found,
    )


def why_invalid(certificate: ExchangeCertificate, now: datetime) -> tuple[str, str] | None:
    """Return a sentence and the cause if a certificate cannot be presented with success."""
    if certificate.not_after is not None and certificate.not_after <= now:
        return f"it expired on {certificate.not_after:%Y-%m-%d}.", "certificate_expired"
    if certificate.not_before is not None and certificate.not_before > now:
        return f"it is valid from {certificate.not_before:%Y-%m-%d} on.", "certificate_expired"
    status = (certificate.status or "").casefold()
    if not status or status in _USABLE_STATUSES or certificate.self_signed:
        return None
    if status == _UNTRUSTED:
        return (
            "the server calls it Untrusted, because it cannot build the chain to a root.",
            "chain_incomplete",
        )
    return f"the server calls it {certificate.status}.", "certificate_invalid"


def _judge_chosen(chosen: ExchangeCertificate, shown: str, now: datetime) -> Choice:
    invalid = why_invalid(chosen, now)
    if invalid is not None:
        sentence, cause = invalid
        return Choice(
            certificate=chosen,
            evidence=f"{shown} leads to {chosen.thumbprint}: {sentence}",
            problem=cause,
        )
    if chosen.services is not None and "SMTP" not in chosen.services:
        return Choice(
            certificate=chosen,
            evidence=f"{shown} leads to {chosen.thumbprint}, which is not enabled for SMTP.",
            problem="smtp_not_enabled",
        )
    return Choice(
        certificate=chosen, evidence=f"{shown} leads to {chosen.thumbprint}, which is in order."
    )


def _bears(certificate: ExchangeCertificate, name: TlsCertificateName | str) -> bool:
    if isinstance(name, TlsCertificateName):
        return certificate.tls_certificate_name == name
    return covers(certificate.names, name)


def _without_key(
    name: TlsCertificateName | str,
    certificates: Iterable[ExchangeCertificate],
    in_windows: Iterable[WindowsCertificate],
) -> str | None:
    """The thumbprint of one with this name and no key."""
    for certificate in certificates:
        if certificate.has_private_key is False and _bears(certificate, name):
            return certificate.thumbprint
    for item in in_windows:
        if item.has_private_key:
            continue
        if isinstance(name, TlsCertificateName):
            if TlsCertificateName(item.issuer, item.subject) == name:
                return item.thumbprint
        # Windows shows no alternative names here; the common name is nearly always among them.
        elif covers(filter(None, [common_name(item.subject)]), name):
            return item.thumbprint
    return None
