# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which names does SMTP present the new certificate, once it is in service?

By the documented selection of a certificate for inbound STARTTLS: TlsCertificateName, else the
connector's Fqdn; the newest Valid-from wins, and one of an authority wins over a self-signed one.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connectors import (
    ReceiveConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.host_names import covers
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.rotation_plan import (
    NewCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.tls_certificate_name import (  # noqa: E501
    read_stored,
)


def names_presenting(
    new: NewCertificate,
    *,
    connectors: Iterable[ReceiveConnector],
    repointed: Container[str],
    certificates: Sequence[ExchangeCertificate],
) -> tuple[str, ...]:
    """Return the connectors' Fqdns in small letters under which every connector presents it.

    Args:
        repointed: identities of the connectors that will name the new certificate.
        certificates: all that the server has; a later one of the same name would be preferred.
    """
    presents: dict[str, bool] = {}
    for connector in connectors:
        offers_starttls = "tls" in {item.casefold() for item in connector.auth_mechanism}
        if not connector.fqdn or not offers_starttls:
            continue
        name = connector.fqdn.casefold()
        here = _presents(new, connector, repointed=repointed, certificates=certificates)
        presents[name] = presents.get(name, True) and here
    return tuple(sorted(name for name, everywhere in presents.items() if everywhere))


def _presents(
    new: NewCertificate,
    connector: ReceiveConnector,
    *,
    repointed: Container[str],
    certificates: Sequence[ExchangeCertificate],
) -> bool:
    fqdn = connector.fqdn or ""
    later = [item for item in certificates if _is_later(item, new)]
    named = read_stored(connector.tls_certificate_name)
    if (connector.identity or connector.name) in repointed:
        named = new.tls_certificate_name
    if named is not None or connector.tls_certificate_name:
        rivals = [item for item in later if item.tls_certificate_name == named]
        return named == new.tls_certificate_name and not rivals
    rivals = [item for item in later if covers(item.names, fqdn)]
    return covers(new.names, fqdn) and not rivals


def _is_later(certificate: ExchangeCertificate, new: NewCertificate) -> bool:
    """Tell whether Exchange would prefer it where both fit; where a date is unknown, it may."""
    if certificate.thumbprint == new.thumbprint or certificate.self_signed:
        return False
    if certificate.not_before is None or new.not_before is None:
        return True
    return certificate.not_before > new.not_before
