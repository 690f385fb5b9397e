# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which TlsCertificateName should a connector have, by a text, a file or a thumbprint?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_source import (
    CertificateSource,
    load_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)


@dataclass(frozen=True, kw_only=True)
class CertificateSpec:
    """What a connector's TlsCertificateName shall be.

    `given` False leaves it alone; `given` with no name clears it.
    """

    given: bool = False
    name: TlsCertificateName | None = None
    warnings: list[str] = field(default_factory=list)


def certificate_spec(
    text: str | None,
    source: CertificateSource,
    *,
    stored: Callable[[], Sequence[ExchangeCertificate]],
    server: str,
    now: datetime,
) -> CertificateSpec:
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
        return CertificateSpec(given=True, name=TlsCertificateName.parse(text) if text else None)
    if source.has_file:
        return _spec_of_file(source, now)
    if source.thumbprint:
        return _spec_of_thumbprint(normalize_thumbprint(source.thumbprint), stored(), server, now)
    return CertificateSpec()


def _spec_of_file(source: CertificateSource, now: datetime) -> CertificateSpec:
    # The name of a certificate is public; whoever sets it need not hold the key.
    loaded = load_certificate(source, now=now, needs_private_key=False)
    return CertificateSpec(
        given=True, name=loaded.tls_certificate_name, warnings=list(loaded.warnings)
    )


def _spec_of_thumbprint(
    thumbprint: str, stored: Sequence[ExchangeCertificate], server: str, now: datetime
) -> CertificateSpec:
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
    if found.not_before is not None and now < found.not_before:
        raise InvalidInput(
            f"The certificate {thumbprint} on {server} is not valid before "
            f"{found.not_before:%Y-%m-%d %H:%M} UTC: a connector that names it cannot use TLS.",
            details={"server": server, "thumbprint": thumbprint},
        )
    warnings = []
    if found.services is not None and "SMTP" not in found.services:
        warnings.append(
            f"The certificate {thumbprint} on {server} is not enabled for SMTP: TLS fails until it "
            "is."
        )
    return CertificateSpec(given=True, name=found.tls_certificate_name, warnings=warnings)
