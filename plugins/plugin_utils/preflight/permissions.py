# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which cmdlets and parameters does a run use, so that it cannot fail half way for a role?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    PROPERTIES as HYBRID_PROPERTIES,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.properties import (
    RECEIVE_PROPERTIES,
    SEND_PROPERTIES,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    Value,
    text_of,
)

_ROTATE: dict[str, tuple[str, ...]] = {
    "Get-ExchangeCertificate": ("Server",),
    "Import-ExchangeCertificate": (
        "FileData",
        "Password",
        "FriendlyName",
        "PrivateKeyExportable",
        "Server",
    ),
    "Enable-ExchangeCertificate": ("Thumbprint", "Services", "Server", "Force", "DoNotRequireSsl"),
    "Remove-ExchangeCertificate": ("Thumbprint", "Server", "Confirm"),
    "Get-SendConnector": (),
    "Set-SendConnector": ("Identity", "TlsCertificateName", "RequireTLS"),
    "Get-ReceiveConnector": ("Server",),
    "Set-ReceiveConnector": ("Identity", "TlsCertificateName", "RequireTLS", "AuthMechanism"),
    "Get-TransportService": ("Identity",),
    "Get-ServerComponentState": ("Identity", "Component"),
    "Get-HybridConfiguration": (),
    "Get-AuthConfig": (),
}
_DRAIN: dict[str, tuple[str, ...]] = {
    "Get-ExchangeServer": (),
    "Get-Queue": ("Server",),
    "Redirect-Message": ("Server", "Target", "Confirm"),
    "Set-ServerComponentState": ("Identity", "Component", "State", "Requester"),
    "Test-ServiceHealth": ("Server",),
}
_BACKUP: dict[str, tuple[str, ...]] = {
    "Export-ExchangeCertificate": ("Thumbprint", "Server", "BinaryEncoded", "Password"),
}
_MAIL_FLOW: dict[str, tuple[str, ...]] = {
    "Get-AcceptedDomain": (),
    "Get-ExchangeServer": (),
    "Get-MessageTrackingLog": ("Server", "MessageId", "Start"),
    "Get-Queue": ("Server",),
}
ACTIVITIES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "rotate": _ROTATE,
    "drain": _DRAIN,
    "backup": _BACKUP,
    "mail_flow": _MAIL_FLOW,
}
# What the other modules use on top. docs/role-group has the script that gives an account exactly
# this, made from here; the tests run with such an account.
_CONNECTORS: dict[str, tuple[str, ...]] = {
    "New-SendConnector": (
        "Name",
        "Usage",
        *(item.parameter for item in SEND_PROPERTIES if item.at_creation),
    ),
    "Set-SendConnector": (
        "Identity",
        "Force",
        *(item.parameter for item in SEND_PROPERTIES),
    ),
    "Remove-SendConnector": ("Identity", "Confirm"),
    "New-ReceiveConnector": (
        "Name",
        "Server",
        "Usage",
        *(item.parameter for item in RECEIVE_PROPERTIES if item.at_creation),
    ),
    "Set-ReceiveConnector": ("Identity", *(item.parameter for item in RECEIVE_PROPERTIES)),
    "Remove-ReceiveConnector": ("Identity", "Confirm"),
    "Get-ADPermission": ("Identity",),
    "Add-ADPermission": ("Identity", "User", "ExtendedRights", "Deny", "Confirm"),
    "Remove-ADPermission": ("Identity", "User", "ExtendedRights", "Deny", "Confirm"),
}
_CERTIFICATE_ROLES: dict[str, tuple[str, ...]] = {
    "New-ExchangeCertificate": (
        "Server",
        "SubjectName",
        "FriendlyName",
        "DomainName",
        "KeySize",
        "PrivateKeyExportable",
        "Services",
        "GenerateRequest",
        "IncludeServerFQDN",
        "SubjectKeyIdentifier",
        "Force",
    ),
    "Enable-ExchangeCertificate": ("NetworkServiceAllowed",),
    "Set-HybridConfiguration": tuple(item.parameter for item in HYBRID_PROPERTIES),
    "Set-AuthConfig": (
        "NewCertificateThumbprint",
        "NewCertificateEffectiveDate",
        "PublishCertificate",
        "ClearPreviousCertificate",
        "Force",
    ),
    "Get-FederationTrust": (),
    "Get-FederatedOrganizationIdentifier": (),
    "Get-FederatedDomainProof": ("DomainName", "Thumbprint"),
    "Test-FederationTrustCertificate": (),
    "Set-FederationTrust": (
        "Identity",
        "Thumbprint",
        "RefreshMetadata",
        "PublishFederationCertificate",
    ),
    "Get-PopSettings": ("Server",),
    "Set-PopSettings": ("Server", "X509CertificateName"),
    "Get-ImapSettings": ("Server",),
    "Set-ImapSettings": ("Server", "X509CertificateName"),
}
_READING: dict[str, tuple[str, ...]] = {
    "Get-ExchangeServer": ("Identity",),
    "Get-ExchangeDiagnosticInfo": ("Server", "Process", "Component"),
    "Get-ClientAccessService": (),
    "Get-DatabaseAvailabilityGroup": (),
    "Get-EdgeSubscription": (),
    "Test-EdgeSynchronization": ("ExcludeRecipientTest",),
}


def everything() -> dict[str, set[str]]:
    """Return every cmdlet that the collection uses, with its parameters.

    ``DomainController`` is sent where ``ansible_exchange_domain_controller`` is set.
    """
    found = needed(ACTIVITIES)
    for more in (_CONNECTORS, _CERTIFICATE_ROLES, _READING):
        for cmdlet, parameters in more.items():
            found.setdefault(cmdlet, set()).update(parameters)
    return {cmdlet: parameters | {"DomainController"} for cmdlet, parameters in found.items()}


def needed(activities: Iterable[str]) -> dict[str, set[str]]:
    """Return cmdlets and parameters of these activities together."""
    found: dict[str, set[str]] = {}
    for activity in activities:
        for cmdlet, parameters in ACTIVITIES[activity].items():
            found.setdefault(cmdlet, set()).update(parameters)
    return found


def missing_permissions(session: Session, wanted: Mapping[str, set[str]]) -> list[str]:
    """Return what the account's roles lack, as ``Cmdlet`` or ``Cmdlet -Parameter``.

    Exchange shows a session only what its roles allow, so what Get-Command lists is what may be
    used.

    Raises:
        CmdletNotAvailable: Get-Command itself is not there.
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    # ErrorAction: a name that is not there must not end the list.
    result = session.invoke(
        Cmdlet("Get-Command", {"Name": sorted(wanted), "ErrorAction": "SilentlyContinue"})
    )
    visible = {
        (text_of(value.get("Name")) or "").casefold(): _parameter_names(value.get("Parameters"))
        for value in result.output
        if isinstance(value, RemoteObject)
    }
    lacking = []
    for cmdlet in sorted(wanted):
        if cmdlet.casefold() not in visible:
            lacking.append(cmdlet)
            continue
        parameters = visible[cmdlet.casefold()]
        if parameters is not None:
            lacking += [
                f"{cmdlet} -{name}"
                for name in sorted(wanted[cmdlet])
                if name.casefold() not in parameters
            ]
    return lacking


def _parameter_names(value: Value) -> set[str] | None:
    """None where the answer does not name them."""
    if isinstance(value, dict) and value:
        return {str(name).casefold() for name in value}
    return None
