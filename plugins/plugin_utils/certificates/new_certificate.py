# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be known of a certificate that takes over, wherever it comes from?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    LoadedCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)


@dataclass(frozen=True, kw_only=True)
class NewCertificate:
    """What planning needs to know of the certificate that takes over."""

    thumbprint: str
    tls_certificate_name: TlsCertificateName
    dns_names: tuple[str, ...]
    not_before: datetime | None = None
    not_after: datetime | None = None
    common_name: str | None = None

    @classmethod
    def from_loaded(cls, loaded: LoadedCertificate) -> NewCertificate:
        """Take the facts of a certificate that a task brings along."""
        return cls(
            thumbprint=loaded.thumbprint,
            tls_certificate_name=loaded.tls_certificate_name,
            dns_names=tuple(loaded.dns_names),
            not_before=loaded.not_before,
            not_after=loaded.not_after,
            common_name=loaded.facts.common_name,
        )

    @classmethod
    def from_stored(cls, certificate: ExchangeCertificate) -> NewCertificate:
        """Take the facts of a certificate that a server holds already."""
        return cls(
            thumbprint=certificate.thumbprint,
            tls_certificate_name=certificate.tls_certificate_name,
            dns_names=certificate.dns_names,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            common_name=certificate.common_name,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it covers; the common name only where it has no other."""
        return self.dns_names or ((self.common_name,) if self.common_name else ())

    @property
    def title(self) -> str:
        """How sentences name it."""
        name = self.common_name or next(iter(self.dns_names), "no name")
        return f"{self.thumbprint} ({name})"
