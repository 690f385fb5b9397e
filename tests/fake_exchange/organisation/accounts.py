# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may run which cmdlet with which parameters? Management roles and role groups as Exchange
ships them, reduced to the cmdlets that exist here, plus roles and groups of the YAML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

#: Role -> cmdlets; every parameter of them is allowed.
BUILT_IN_ROLES: dict[str, tuple[str, ...]] = {
    "Exchange Server Certificates": (
        "Get-ExchangeCertificate",
        "Import-ExchangeCertificate",
        "Enable-ExchangeCertificate",
        "Export-ExchangeCertificate",
        "Remove-ExchangeCertificate",
        "New-ExchangeCertificate",
        "Get-ExchangeServer",
    ),
    "Send Connectors": (
        "Get-SendConnector",
        "New-SendConnector",
        "Set-SendConnector",
        "Remove-SendConnector",
        "Get-ExchangeServer",
    ),
    "Receive Connectors": (
        "Get-ReceiveConnector",
        "New-ReceiveConnector",
        "Set-ReceiveConnector",
        "Remove-ReceiveConnector",
        "Get-ExchangeServer",
    ),
    "Active Directory Permissions": (
        "Get-ADPermission",
        "Add-ADPermission",
        "Remove-ADPermission",
    ),
    "View-Only Configuration": (
        "Get-ExchangeCertificate",
        "Get-SendConnector",
        "Get-ReceiveConnector",
        "Get-ExchangeServer",
        "Get-TransportService",
        "Get-HybridConfiguration",
        "Get-AuthConfig",
        "Get-AcceptedDomain",
        "Get-ServerComponentState",
        "Get-ClientAccessService",
        "Get-DatabaseAvailabilityGroup",
        "Get-MailboxServer",
        "Get-ExchangeDiagnosticInfo",
        "Get-FederatedDomainProof",
        "Get-FederatedOrganizationIdentifier",
        "Get-FederationTrust",
        "Get-ADPermission",
        "Get-PopSettings",
        "Get-ImapSettings",
        "Get-EdgeSubscription",
    ),
    "Exchange Servers": (
        "Get-ExchangeServer",
        "Get-TransportService",
        "Get-ServerComponentState",
        "Set-ServerComponentState",
    ),
    "Database Availability Groups": (
        "Get-DatabaseAvailabilityGroup",
        "Get-MailboxServer",
        "Get-ServerComponentState",
        "Set-ServerComponentState",
    ),
    "Edge Subscriptions": ("Get-EdgeSubscription", "Test-EdgeSynchronization"),
    "POP3 and IMAP4 Protocols": (
        "Get-PopSettings",
        "Set-PopSettings",
        "Get-ImapSettings",
        "Set-ImapSettings",
    ),
    "Federated Sharing": (
        "Get-HybridConfiguration",
        "Set-HybridConfiguration",
        "Get-FederationTrust",
        "Set-FederationTrust",
        "Get-FederatedDomainProof",
        "Get-FederatedOrganizationIdentifier",
        "Test-FederationTrust",
        "Test-FederationTrustCertificate",
    ),
    "Organization Client Access": ("Get-AuthConfig", "Set-AuthConfig"),
    "Remote and Accepted Domains": ("Get-AcceptedDomain",),
    "Transport Queues": ("Get-Queue", "Redirect-Message"),
    "Message Tracking": ("Get-MessageTrackingLog",),
    "Monitoring": (
        "Test-ServiceHealth",
        "Get-ServerComponentState",
        "Test-FederationTrust",
        "Test-FederationTrustCertificate",
    ),
}

#: What the local shell of an Edge server has for an administrator of the machine. Send connectors
#: come from the organisation, by EdgeSync, and cannot be changed there.
EDGE_CMDLETS = (
    "Get-ExchangeCertificate",
    "Import-ExchangeCertificate",
    "Enable-ExchangeCertificate",
    "Export-ExchangeCertificate",
    "Remove-ExchangeCertificate",
    "New-ExchangeCertificate",
    "Get-ExchangeServer",
    "Get-TransportService",
    "Get-AcceptedDomain",
    "Get-SendConnector",
    "Get-ReceiveConnector",
    "New-ReceiveConnector",
    "Set-ReceiveConnector",
    "Remove-ReceiveConnector",
    "Get-ADPermission",
    "Add-ADPermission",
    "Remove-ADPermission",
    "Get-Queue",
    "Redirect-Message",
    "Get-MessageTrackingLog",
    "Test-ServiceHealth",
    "Get-ServerComponentState",
    "Set-ServerComponentState",
)

#: Cmdlets of the endpoint itself, whoever is connected.
EVERYBODYS_CMDLETS = ("Select-Object", "Measure-Object", "Out-Default", "Get-Command")

BUILT_IN_ROLE_GROUPS: dict[str, tuple[str, ...]] = {
    "Organization Management": tuple(BUILT_IN_ROLES),
    "Server Management": (
        "Exchange Server Certificates",
        "Receive Connectors",
        "Exchange Servers",
        "Database Availability Groups",
        "POP3 and IMAP4 Protocols",
        "Transport Queues",
        "Monitoring",
    ),
    "Hygiene Management": ("Receive Connectors",),
    "View-Only Organization Management": ("View-Only Configuration", "Monitoring"),
    "Records Management": ("Message Tracking",),
    "Recipient Management": ("Message Tracking",),
}


@dataclass
class Account:
    """Somebody who can log on.

    `permissions` maps a lower-case cmdlet name to the lower-case parameter names allowed, None for
    all of them. `lands_on` names the server on which this account's sessions live, whichever was
    dialled (None: the one dialled).
    """

    user: str
    domain: str
    realm: str
    password: str = field(repr=False)
    role_groups: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    permissions: dict[str, frozenset[str] | None] = field(default_factory=dict)
    lands_on: str | None = None
    RemotePowerShellEnabled: bool = True
    windows_administrator: bool = True
    """May open WinRS shells on the servers."""

    @property
    def name(self) -> str:
        return f"{self.domain}\\{self.user}"

    @property
    def principal(self) -> str:
        return f"{self.user}@{self.realm}"

    def may_run(self, cmdlet: str) -> bool:
        return cmdlet.lower() in self.permissions

    def may_use(self, cmdlet: str, parameter: str) -> bool:
        """Whether this account's roles show `parameter` of `cmdlet`."""
        if cmdlet.lower() not in self.permissions:
            return False
        allowed = self.permissions[cmdlet.lower()]
        return allowed is None or parameter.lower() in allowed


def permissions_of(
    role_groups: Iterable[str],
    roles: Iterable[str] = (),
    *,
    own_roles: Mapping[str, Mapping[str, Iterable[str] | None]] | None = None,
    own_role_groups: Mapping[str, Iterable[str]] | None = None,
) -> dict[str, frozenset[str] | None]:
    """Union of what the groups and roles give.

    `own_roles`: role -> cmdlet -> parameters (None: all), from the YAML file. Raises KeyError with
    the name of an unknown group or role.
    """
    groups: dict[str, Iterable[str]] = {**BUILT_IN_ROLE_GROUPS, **(own_role_groups or {})}
    known: dict[str, Mapping[str, Iterable[str] | None]] = {
        role: dict.fromkeys(cmdlets) for role, cmdlets in BUILT_IN_ROLES.items()
    }
    known.update(own_roles or {})
    names = [role for group in role_groups for role in groups[group]] + list(roles)
    permissions: dict[str, frozenset[str] | None] = {}
    for name in names:
        for cmdlet, parameters in known[name].items():
            key = cmdlet.lower()
            if parameters is None or permissions.get(key, frozenset()) is None:
                permissions[key] = None
            else:
                more = frozenset(p.lower() for p in parameters)
                permissions[key] = (permissions.get(key) or frozenset()) | more
    if names:
        permissions.update(dict.fromkeys(name.lower() for name in EVERYBODYS_CMDLETS))
    return permissions
