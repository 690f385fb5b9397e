# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what at a connector? Permission groups as the rights they grant, rights granted to
somebody alone, and what Exchange makes of both: a group is shown where all its rights are there,
`Custom` where there are others."""

from __future__ import annotations

from collections.abc import Iterable

from fake_exchange.organisation.model import (
    PERMISSION_GROUPS,
    AccessEntry,
    Organisation,
    ReceiveConnector,
    SendConnector,
    in_order,
)

Connector = ReceiveConnector | SendConnector

ANONYMOUS = "NT AUTHORITY\\ANONYMOUS LOGON"
AUTHENTICATED = "NT AUTHORITY\\Authenticated Users"
EDGE_SERVERS = "MS Exchange\\Edge Transport Servers"
HUB_SERVERS = "MS Exchange\\Hub Transport Servers"
EXTERNALLY_SECURED = "MS Exchange\\Externally Secured Servers"
PARTNERS = "MS Exchange\\Partner Servers"
LEGACY_SERVERS = "MS Exchange\\Legacy Exchange Servers"

SUBMIT = "ms-Exch-SMTP-Submit"
ANY_RECIPIENT = "ms-Exch-SMTP-Accept-Any-Recipient"
_ANY_SENDER = "ms-Exch-SMTP-Accept-Any-Sender"
_AUTHORITATIVE_SENDER = "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender"
_AUTHENTICATION_FLAG = "ms-Exch-SMTP-Accept-Authentication-Flag"
_ACCEPT_EXCH50 = "ms-Exch-SMTP-Accept-Exch50"
_NO_ANTI_SPAM = "ms-Exch-Bypass-Anti-Spam"
_NO_SIZE_LIMIT = "ms-Exch-Bypass-Message-Size-Limit"
_ACCEPT_ROUTING = "ms-Exch-Accept-Headers-Routing"
_ACCEPT_FOREST = "ms-Exch-Accept-Headers-Forest"
_ACCEPT_ORGANIZATION = "ms-Exch-Accept-Headers-Organization"
SEND_ROUTING = "ms-Exch-Send-Headers-Routing"
_SEND_FOREST = "ms-Exch-Send-Headers-Forest"
_SEND_ORGANIZATION = "ms-Exch-Send-Headers-Organization"
_SEND_EXCH50 = "ms-Exch-SMTP-Send-Exch50"

#: Extended rights that a connector, or anything in Exchange's configuration, can carry.
EXTENDED_RIGHTS = (
    SUBMIT,
    ANY_RECIPIENT,
    _ANY_SENDER,
    _AUTHORITATIVE_SENDER,
    _AUTHENTICATION_FLAG,
    _ACCEPT_EXCH50,
    "ms-Exch-SMTP-Accept-XShadow",
    "ms-Exch-SMTP-Accept-XProxyFrom",
    "ms-Exch-SMTP-Accept-XSessionParams",
    "ms-Exch-SMTP-Accept-XAttr",
    "ms-Exch-SMTP-Accept-XSysProbe",
    "ms-Exch-SMTP-Send-XShadow",
    _SEND_EXCH50,
    _NO_ANTI_SPAM,
    _NO_SIZE_LIMIT,
    _ACCEPT_ROUTING,
    _ACCEPT_FOREST,
    _ACCEPT_ORGANIZATION,
    SEND_ROUTING,
    _SEND_FOREST,
    _SEND_ORGANIZATION,
    "ms-Exch-EPI-Token-Serialization",
    "Send-As",
    "Receive-As",
)

_SERVER_RIGHTS = (
    SUBMIT,
    ANY_RECIPIENT,
    _ANY_SENDER,
    _AUTHORITATIVE_SENDER,
    _AUTHENTICATION_FLAG,
    _ACCEPT_EXCH50,
    _NO_ANTI_SPAM,
    _NO_SIZE_LIMIT,
    _ACCEPT_ROUTING,
)
_OWN_SERVER_RIGHTS = (*_SERVER_RIGHTS, _ACCEPT_FOREST, _ACCEPT_ORGANIZATION)
_SEND_RIGHTS = (_SEND_EXCH50, SEND_ROUTING, _SEND_FOREST, _SEND_ORGANIZATION)


def windows_domain(organisation: Organisation) -> str:
    """The NetBIOS name of the domain."""
    return organisation.domain.partition(".")[0].upper()


def _group_rights(organisation: Organisation) -> dict[str, dict[str, tuple[str, ...]]]:
    """Permission group -> who -> rights, as documented."""
    domain = windows_domain(organisation)
    return {
        "AnonymousUsers": {
            ANONYMOUS: (SUBMIT, _ANY_SENDER, _AUTHORITATIVE_SENDER, _ACCEPT_ROUTING)
        },
        "ExchangeUsers": {AUTHENTICATED: (SUBMIT, ANY_RECIPIENT, _NO_ANTI_SPAM, _ACCEPT_ROUTING)},
        "ExchangeServers": {
            EDGE_SERVERS: _OWN_SERVER_RIGHTS,
            HUB_SERVERS: _OWN_SERVER_RIGHTS,
            f"{domain}\\Exchange Servers": _OWN_SERVER_RIGHTS,
            EXTERNALLY_SECURED: _SERVER_RIGHTS,
        },
        "ExchangeLegacyServers": {f"{domain}\\ExchangeLegacyInterop": _SERVER_RIGHTS},
        "Partners": {PARTNERS: (SUBMIT, _ACCEPT_ROUTING)},
    }


def of_group(organisation: Organisation, group: str) -> list[AccessEntry]:
    """The entries that a permission group consists of."""
    rights = _group_rights(organisation).get(group, {})
    return [AccessEntry(user, ExtendedRight=right) for user in rights for right in rights[user]]


def of_usage(organisation: Organisation, usage: str) -> list[AccessEntry]:
    """What a new Send connector of that usage gives to whom it sends."""
    domain = windows_domain(organisation)
    inside = (HUB_SERVERS, EDGE_SERVERS, EXTERNALLY_SECURED, f"{domain}\\Exchange Servers")
    rights: dict[str, dict[str, tuple[str, ...]]] = {
        "Internet": {ANONYMOUS: (SEND_ROUTING,)},
        "Partner": {PARTNERS: (SEND_ROUTING,)},
        "Internal": {
            **dict.fromkeys(inside, _SEND_RIGHTS),
            f"{domain}\\ExchangeLegacyInterop": (_SEND_EXCH50, SEND_ROUTING),
        },
    }
    found = rights.get(usage, {ANONYMOUS: (SEND_ROUTING,)})
    return [AccessEntry(user, ExtendedRight=right) for user in found for right in found[user]]


def explicit(organisation: Organisation, connector: Connector) -> list[AccessEntry]:
    """The entries of the connector's own list."""
    groups = connector.PermissionGroups if isinstance(connector, ReceiveConnector) else []
    entries = [entry for group in groups for entry in of_group(organisation, group)]
    return list(dict.fromkeys([*entries, *connector.access]))


def replace(
    organisation: Organisation, connector: Connector, entries: Iterable[AccessEntry]
) -> None:
    """Make `entries` the connector's own list: a permission group stays only if it is complete."""
    wanted = list(dict.fromkeys(entries))
    if not isinstance(connector, ReceiveConnector):
        connector.access = wanted
        return
    groups, covered = [], set()
    for group in PERMISSION_GROUPS:
        meant = of_group(organisation, group)
        if meant and set(meant) <= set(wanted):
            groups.append(group)
            covered.update(meant)
    connector.PermissionGroups = groups
    connector.access = [entry for entry in wanted if entry not in covered]


def shown_groups(connector: ReceiveConnector) -> list[str]:
    """What Get-ReceiveConnector says: `Custom` means rights outside of the groups."""
    own = ["Custom"] if connector.access else []
    return in_order([*connector.PermissionGroups, *own], PERMISSION_GROUPS)


def inherited(organisation: Organisation) -> list[AccessEntry]:
    """What every connector has from the containers above it."""
    domain = windows_domain(organisation)
    administrators = (f"{domain}\\Enterprise Admins", f"{domain}\\Organization Management")
    everything = [AccessEntry(user, AccessRight="GenericAll") for user in administrators]
    reading = [
        AccessEntry(user, AccessRight="GenericRead")
        for user in (AUTHENTICATED, f"{domain}\\Exchange Servers")
    ]
    tokens = [
        AccessEntry(f"{domain}\\{name}", ExtendedRight=right, Deny=True)
        for name in ("Domain Admins", "Enterprise Admins", "Organization Management")
        for right in ("ms-Exch-EPI-Token-Serialization", "Send-As", "Receive-As")
    ]
    return [*everything, *reading, *tokens]


def may(organisation: Organisation, connector: Connector, user: str, right: str) -> bool:
    """Whether `user` has the extended right; a denial is stronger."""
    entries = [
        entry
        for entry in explicit(organisation, connector)
        if entry.User.casefold() == user.casefold()
        and (entry.ExtendedRight == right or entry.AccessRight == "GenericAll")
    ]
    return bool(entries) and not any(entry.Deny for entry in entries)


def principal(organisation: Organisation, name: str) -> str | None:
    """The full name of a user or group that may be given rights; None if nobody is called so."""
    domain = windows_domain(organisation)
    known = {
        full: {full.casefold(), full.rpartition("\\")[2].casefold()}
        for full in (
            ANONYMOUS,
            AUTHENTICATED,
            "NT AUTHORITY\\SELF",
            "NT AUTHORITY\\SYSTEM",
            "NT AUTHORITY\\NETWORK SERVICE",
            EDGE_SERVERS,
            HUB_SERVERS,
            EXTERNALLY_SECURED,
            PARTNERS,
            LEGACY_SERVERS,
            *(
                f"{domain}\\{group}"
                for group in (
                    "Exchange Servers",
                    "ExchangeLegacyInterop",
                    "Organization Management",
                    "Domain Admins",
                    "Domain Users",
                    "Enterprise Admins",
                )
            ),
        )
    }
    known[ANONYMOUS].add("s-1-5-7")
    known[AUTHENTICATED].add("s-1-5-11")
    for account in organisation.accounts:
        names = {account.name, account.user, account.principal}
        known[account.name] = {text.casefold() for text in names}
    for server in organisation:
        machine = f"{domain}\\{server.Name}$"
        known[machine] = {machine.casefold(), f"{server.Name}$".casefold()}
    wanted = name.strip().casefold()
    return next((full for full, names in known.items() if wanted in names), None)
