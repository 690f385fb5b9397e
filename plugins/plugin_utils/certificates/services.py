# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Exchange services does a certificate serve, and which can it be given?

Services are flags. Enabling adds; nothing can be taken away, only displaced by another certificate
(Enable-ExchangeCertificate page). A server may report more than was asked for, so "requested" is
compared as a subset of "actual".
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteEnum,
    Value,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import (
    is_wildcard,
)

# Numbers of the .NET flags enum: 1, 2, 8, 16 seen in captures, the others inferred.
SERVICE_NUMBERS = {
    "IMAP": 1,
    "POP": 2,
    "UM": 4,
    "IIS": 8,
    "SMTP": 16,
    "Federation": 32,
    "UMCallRouter": 64,
}
# One position each in ServicesStringForm, for example "IP.WS.".
_STRING_FORM = {"I": "IMAP", "P": "POP", "U": "UM", "W": "IIS", "S": "SMTP", "F": "Federation"}
# Exactly one certificate of a server serves these; enabling another one displaces it.
EXCLUSIVE_SERVICES = frozenset({"IIS"})

Services = frozenset[str]


def wanted_services(names: Iterable[str]) -> Services:
    """Return the services a task asks for, spelled as Exchange spells them.

    Raises:
        InvalidInput: an unknown name, or one that Enable-ExchangeCertificate does not take.
    """
    spelling = {name.upper(): name for name in SERVICE_NUMBERS}
    wanted = set()
    for name in names:
        service = spelling.get(name.strip().upper())
        if service is None:
            none = name.strip().upper() == "NONE"
            raise InvalidInput(
                "Services cannot be taken away from a certificate, so 'None' has no meaning: give "
                "the services to another certificate instead."
                if none
                else f"'{name}' is not a service of Exchange: use IIS, SMTP, IMAP, POP, UM or "
                "UMCallRouter."
            )
        if service == "Federation":
            raise InvalidInput(
                "The service Federation cannot be enabled on a certificate: it belongs to the "
                "federation trust (Set-FederationTrust)."
            )
        wanted.add(service)
    return frozenset(wanted)


def check_names_suit(services: Services, common_name: str | None, dns_names: list[str]) -> None:
    """Refuse a wildcard certificate for POP and IMAP, which need a host name.

    Raises:
        InvalidInput: POP or IMAP is wanted and the subject is a wildcard.
    """
    refused = [name for name in ("IMAP", "POP") if name in services]
    names = [common_name] if common_name else dns_names
    if refused and names and all(is_wildcard(name) for name in names):
        settings = " and ".join(f"Set-{name.title()}Settings" for name in refused)
        raise InvalidInput(
            f"The certificate for '{names[0]}' is a wildcard and cannot be enabled for "
            f"{' and '.join(refused)}: leave {'them' if len(refused) > 1 else 'it'} out of "
            f"services and name the host with {settings} -X509CertificateName <host name>."
        )


def read_services(value: Value) -> Services | None:
    """Read a ``Services`` value (enum, text or number); None is unknown, not "no services"."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return services_of_number(value)
    text = text_of(value)
    if text is None or not text.strip():
        return services_of_number(value.number) if isinstance(value, RemoteEnum) else None
    if text.strip().isdigit():
        return services_of_number(int(text))
    spelling = {name.upper(): name for name in SERVICE_NUMBERS}
    names = {part.strip() for part in text.split(",")} - {"", "None", "none", "NONE"}
    return frozenset(spelling.get(name.upper(), name) for name in names)


def services_of_number(number: int) -> Services:
    """Return the services of a flags number; unknown bits are left out."""
    return frozenset(name for name, bit in SERVICE_NUMBERS.items() if number & bit)


def services_of_string_form(text: str | None) -> Services | None:
    """Read ``ServicesStringForm`` such as ``IP.WS.``; None where it is something else."""
    letters = (text or "").strip()
    if not letters or set(letters.upper()) - set(_STRING_FORM) - {"."}:
        return None
    return frozenset(_STRING_FORM[letter] for letter in letters.upper() if letter != ".")


def ordered(services: Iterable[str]) -> list[str]:
    """Return services in a fixed order (that of the flags), unknown names last."""
    known = list(SERVICE_NUMBERS)
    return sorted(services, key=lambda name: (known.index(name) if name in known else 99, name))


def render_services(services: Iterable[str]) -> str:
    """Return the text for ``-Services`` and for messages, for example ``IIS, SMTP``."""
    return ", ".join(ordered(services)) or "None"


def missing_services(wanted: Services, actual: Services | None) -> Services:
    """Return what has to be enabled; everything wanted where the actual services are unknown."""
    return wanted if actual is None else wanted - actual


def explain_surplus(wanted: Services, actual: Services | None) -> str | None:
    """Return why services beyond the wanted ones stay, or None if there are none."""
    surplus = (actual or frozenset()) - wanted
    if not surplus:
        return None
    return (
        f"The certificate also serves {render_services(surplus)}. Exchange cannot take services "
        "away from a certificate: enable another certificate for them, or remove this one."
    )
