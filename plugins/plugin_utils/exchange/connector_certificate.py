# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which TlsCertificateName should a connector have, by a text, a file or a thumbprint?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.certificate_facts import (
    CertificateFacts,
    read_certificate_facts,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.certificate_source import (
    CertificateSource,
    load_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.thumbprint import (
    normalize_thumbprint,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.tls_certificate_name import (  # noqa: E501
    TlsCertificateName,
)


@dataclass(frozen=True, kw_only=True)
class CertificateWish:
    """What a connector's TlsCertificateName shall be.

    `given` False leaves it alone; `given` with no name clears it.
    """

    given: bool = False
    name: TlsCertificateName | None = None
    warnings: list[str] = field(default_factory=list)


def certificate_wish(
    text: str | None,
    source: CertificateSource,
    *,
    stored: Callable[[], Sequence[ExchangeCertificate]],
    server: str,
    now: datetime,
) -> CertificateWish:
    """Return what the options of a connector task ask for.

    Args:
        text: The option tls_certificate_name; empty clears.
        stored: Reads the server's certificates; called only for a thumbprint without a file.

    Raises:
        InvalidInput: the text, file or thumbprint names no usable certificate.
    """
    if text is not None:
        if source.has_file or source.thumbprint:
            raise InvalidInput(
                "Give the certificate either as tls_certificate_name or by a file or thumbprint, "
                "not both."
            )
        return CertificateWish(given=True, name=TlsCertificateName.parse(text) if text else None)
    if source.has_file:
        return _wish_of_file(source, now)
    if source.thumbprint:
        return _wish_of_thumbprint(normalize_thumbprint(source.thumbprint), stored(), server, now)
    return CertificateWish()


def _wish_of_file(source: CertificateSource, now: datetime) -> CertificateWish:
    if _is_public_only(source):
        facts = _leaf_of(source)
        _check(facts, source, now)
        return CertificateWish(given=True, name=TlsCertificateName(facts.issuer, facts.subject))
    loaded = load_certificate(source, now=now)
    return CertificateWish(
        given=True, name=loaded.tls_certificate_name, warnings=list(loaded.warnings)
    )


def _wish_of_thumbprint(
    thumbprint: str, stored: Sequence[ExchangeCertificate], server: str, now: datetime
) -> CertificateWish:
    found = find_certificate(list(stored), thumbprint)
    if found is None:
        raise InvalidInput(
            f"{server} has no certificate {thumbprint} that Exchange can see: install it first "
            "(exchange_certificate), or give the certificate by its file or tls_certificate_name.",
            details={"server": server, "thumbprint": thumbprint},
        )
    if found.not_after is not None and found.not_after < now:
        raise InvalidInput(
            f"The certificate {thumbprint} on {server} expired on "
            f"{found.not_after:%Y-%m-%d %H:%M} UTC: a connector that names it cannot use TLS.",
            details={"server": server, "thumbprint": thumbprint},
        )
    warnings = []
    if found.services is not None and "SMTP" not in found.services:
        warnings.append(
            f"The certificate {thumbprint} on {server} is not enabled for SMTP: TLS fails until it "
            "is."
        )
    return CertificateWish(given=True, name=found.tls_certificate_name, warnings=warnings)


def _is_public_only(source: CertificateSource) -> bool:
    """Whether there is a PEM chain and no private key, neither beside it nor in it."""
    if source.pfx_path or source.pfx_content:
        return False
    if source.private_key_path or source.private_key_content:
        return False
    return b"PRIVATE KEY-----" not in _pem(source)


def _pem(source: CertificateSource) -> bytes:
    if source.fullchain_content:
        return source.fullchain_content.encode("utf-8")
    try:
        return Path(source.fullchain_path or "").read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"fullchain_path: cannot read '{source.fullchain_path}' on the control node: "
            f"{error.strerror or type(error).__name__}."
        ) from error


def _leaf_of(source: CertificateSource) -> CertificateFacts:
    """The first certificate that has not issued another one of the file."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    origin = source.fullchain_path or "the content of fullchain_content"
    try:
        certificates = x509.load_pem_x509_certificates(_pem(source))
    except ValueError as error:
        raise InvalidInput(f"{origin} holds no readable PEM certificate.") from error
    facts = [read_certificate_facts(item.public_bytes(Encoding.DER)) for item in certificates]
    issuers = {item.issuer for item in facts if not item.self_issued}
    return next((item for item in facts if item.subject not in issuers), facts[0])


def _check(facts: CertificateFacts, source: CertificateSource, now: datetime) -> None:
    origin = source.fullchain_path or "the content of fullchain_content"
    wanted = source.normalized_thumbprint
    if wanted and wanted != facts.thumbprint:
        raise InvalidInput(
            f"{origin} holds the certificate {facts.thumbprint}, but the thumbprint asked for is "
            f"{wanted}: correct one of the two."
        )
    if facts.not_after < now:
        raise InvalidInput(
            f"The certificate '{facts.subject}' in {origin} expired on "
            f"{facts.not_after:%Y-%m-%d %H:%M} UTC: get a new one first."
        )
