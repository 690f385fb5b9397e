# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which names does SMTP present the new certificate, once it is in service?

The selection itself is that of ``certificate_choice``, among what the server will have by then.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.new_certificate import (
    NewCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.certificate_choice import (  # noqa: E501
    choose,
    offers_starttls,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
    read_stored,
)


def names_presenting(
    new: NewCertificate,
    *,
    connectors: Iterable[ReceiveConnector],
    repointed: Container[str],
    certificates: Sequence[ExchangeCertificate],
    now: datetime,
) -> tuple[str, ...]:
    """Return the connectors' Fqdns in small letters under which every connector presents it.

    Args:
        repointed: identities of the connectors that will name the new certificate.
        certificates: all that the server has; another one of the same name may be preferred.
        now: aware time that validity is judged by.
    """
    candidates = [item for item in certificates if item.thumbprint != new.thumbprint]
    candidates.append(_in_service(new))
    presents: dict[str, bool] = {}
    for connector in connectors:
        if not connector.fqdn or not offers_starttls(connector):
            continue
        wanted = _name(new, connector, repointed)
        chosen = choose(candidates, wanted, now=now) if wanted is not None else None
        here = chosen is not None and chosen.thumbprint == new.thumbprint
        name = connector.fqdn.casefold()
        presents[name] = presents.get(name, True) and here
    return tuple(sorted(name for name, everywhere in presents.items() if everywhere))


def takes_over(
    new: NewCertificate, certificates: Iterable[ExchangeCertificate], *, now: datetime
) -> bool:
    """Whether a connector that names it will present it, and no other one of the same name."""
    candidates = [item for item in certificates if item.thumbprint != new.thumbprint]
    chosen = choose([*candidates, _in_service(new)], new.tls_certificate_name, now=now)
    return chosen is not None and chosen.thumbprint == new.thumbprint


def _name(
    new: NewCertificate, connector: ReceiveConnector, repointed: Container[str]
) -> TlsCertificateName | str | None:
    """What the connector will look its certificate up by; None where that is not readable."""
    if (connector.identity or connector.name) in repointed:
        return new.tls_certificate_name
    if connector.tls_certificate_name:
        return read_stored(connector.tls_certificate_name)
    return connector.fqdn


def _in_service(new: NewCertificate) -> ExchangeCertificate:
    """The new certificate as the server will have it."""
    name = new.tls_certificate_name
    return ExchangeCertificate(
        thumbprint=new.thumbprint,
        subject=name.subject,
        issuer=name.issuer,
        dns_names=tuple(new.names),
        not_before=new.not_before,
        not_after=new.not_after,
        self_signed=name.subject == name.issuer,
    )
