# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do Get-ReceiveConnector and Set-ReceiveConnector do? The object with all its properties,
the settings, and the rules about AuthMechanism, RequireTLS and Fqdn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fake_exchange.clixml import directory_types as directory
from fake_exchange.clixml import network_types as network
from fake_exchange.clixml import value_types as values
from fake_exchange.clixml.directory_types import CONFIGURATION_OBJECT, Getters
from fake_exchange.clixml.objects import OutputObject, enum, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import (
    CONFIGURATION,
    DATA,
    Change,
    Setting,
    certificate_name,
    find,
    normalise_tls_certificate_name,
    refuse,
    value_of,
)
from fake_exchange.cmdlets.conversion import ConversionError
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.organisation.model import (
    AUTH_MECHANISMS,
    PERMISSION_GROUPS,
    Organisation,
    ReceiveConnector,
    Server,
)

TASKS = "Microsoft.Exchange.Management.SystemConfigurationTasks."
TYPE_NAMES = (CONFIGURATION + "ReceiveConnector", *CONFIGURATION_OBJECT)
TRANSPORT_ROLES = {"HubTransport": 32, "FrontendTransport": 16384}
SIZE_MODES = ("Disabled", "Enabled", "EnabledWithoutValue")
LOGGING_LEVELS = ("None", "Verbose")
PROTECTION_POLICIES = ("None", "Allow", "Require")
RATE_SOURCES = ("None", "IPAddress", "User", "All")
CAPABILITIES = (
    "None",
    "AcceptOorgProtocol",
    "AcceptOorgHeader",
    "AcceptProxyProtocol",
    "AcceptProxyFromProtocol",
    "AcceptProxyToProtocol",
    "AcceptXAttrProtocol",
    "AcceptXSysProbeProtocol",
    "AcceptXOrigFromProtocol",
    "AcceptCloudServicesMail",
    "AcceptCrossForestMail",
)


def _domain_capabilities(value: Any) -> str:
    """``domain:Capability1,Capability2``; NO-TLS is a pseudo domain."""
    text = conversion.required_text(value)
    domain, colon, rest = text.partition(":")
    names = [name.strip() for name in rest.split(",")]
    known = {name.casefold(): name for name in CAPABILITIES}
    if not colon or not domain.strip() or any(name.casefold() not in known for name in names):
        raise ConversionError(
            f'Cannot convert value "{text}" to type "{DATA}SmtpReceiveDomainCapabilities".'
        )
    if domain.strip().upper() != "NO-TLS":
        conversion.domain_with_subdomains(domain.strip())
    return f"{domain.strip()}:{', '.join(known[name.casefold()] for name in names)}"


_number = conversion.unlimited(conversion.integer)

SETTINGS = (
    Setting("Name", conversion.required_text),
    Setting("AcceptConsumerMail", conversion.boolean, False),
    Setting("AdvertiseClientSettings", conversion.boolean),
    Setting("AuthMechanism", conversion.flags(CONFIGURATION + "AuthMechanisms", AUTH_MECHANISMS)),
    Setting("AuthTarpitInterval", conversion.duration, 5),
    Setting("Banner", conversion.text),
    Setting("BareLinefeedRejectionEnabled", conversion.boolean, False),
    Setting("BinaryMimeEnabled", conversion.boolean, True),
    Setting("Bindings", conversion.multi_value(conversion.ip_binding)),
    Setting("ChunkingEnabled", conversion.boolean, True),
    Setting("Comment", conversion.text),
    Setting("ConnectionInactivityTimeout", conversion.duration, 300),
    Setting("ConnectionTimeout", conversion.duration, 600),
    Setting("DefaultDomain", conversion.text),
    Setting("DeliveryStatusNotificationEnabled", conversion.boolean, True),
    Setting("DomainSecureEnabled", conversion.boolean),
    Setting("EightBitMimeEnabled", conversion.boolean, True),
    Setting("EnableAuthGSSAPI", conversion.boolean, False),
    Setting("Enabled", conversion.boolean),
    Setting("EnhancedStatusCodesEnabled", conversion.boolean, True),
    Setting(
        "ExtendedProtectionPolicy",
        conversion.enumeration(
            CONFIGURATION + "ExtendedProtectionPolicySetting", PROTECTION_POLICIES
        ),
        "None",
    ),
    Setting("Fqdn", conversion.domain_name),
    Setting("LongAddressesEnabled", conversion.boolean, False),
    Setting("MaxAcknowledgementDelay", conversion.duration, 30),
    Setting("MaxHeaderSize", conversion.size, 262_144),
    Setting("MaxHopCount", conversion.integer, 60),
    Setting("MaxInboundConnection", _number, 5000),
    Setting("MaxInboundConnectionPercentagePerSource", conversion.integer, 2),
    Setting("MaxInboundConnectionPerSource", _number, 20),
    Setting("MaxLocalHopCount", conversion.integer, 5),
    Setting("MaxLogonFailures", conversion.integer, 3),
    Setting("MaxMessageSize", conversion.size, 37_748_736),
    Setting("MaxProtocolErrors", _number, 5),
    Setting("MaxRecipientsPerMessage", conversion.integer, 200),
    Setting("MessageRateLimit", _number),
    Setting(
        "MessageRateSource",
        conversion.enumeration(CONFIGURATION + "MessageRateSourceFlags", RATE_SOURCES),
        "IPAddress",
    ),
    Setting("OrarEnabled", conversion.boolean, False),
    Setting("PermissionGroups", conversion.flags(DATA + "PermissionGroups", PERMISSION_GROUPS)),
    Setting("PipeliningEnabled", conversion.boolean, True),
    Setting(
        "ProtocolLoggingLevel",
        conversion.enumeration(DATA + "ProtocolLoggingLevel", LOGGING_LEVELS),
    ),
    Setting("RejectReservedSecondLevelRecipientDomains", conversion.boolean, False),
    Setting("RejectReservedTopLevelRecipientDomains", conversion.boolean, False),
    Setting("RejectSingleLabelRecipientDomains", conversion.boolean, False),
    Setting("RemoteIPRanges", conversion.multi_value(conversion.ip_range)),
    Setting("RequireEHLODomain", conversion.boolean, False),
    Setting("RequireTLS", conversion.boolean),
    Setting("ServiceDiscoveryFqdn", conversion.domain_name),
    Setting("SizeEnabled", conversion.enumeration(DATA + "SizeMode", SIZE_MODES), "Enabled"),
    Setting("SmtpUtf8Enabled", conversion.boolean, True),
    Setting("SuppressXAnonymousTls", conversion.boolean),
    Setting("TarpitInterval", conversion.duration, 5),
    Setting("TlsCertificateName", certificate_name),
    Setting("TlsDomainCapabilities", conversion.multi_value(_domain_capabilities)),
    Setting(
        "TransportRole",
        conversion.enumeration(CONFIGURATION + "ServerRole", tuple(TRANSPORT_ROLES)),
    ),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}

#: The order of the captured object, up to the members that every object has.
_ORDER = [
    "AuthMechanism",
    "Banner",
    "BinaryMimeEnabled",
    "Bindings",
    "ChunkingEnabled",
    "DefaultDomain",
    "DeliveryStatusNotificationEnabled",
    "EightBitMimeEnabled",
    "SmtpUtf8Enabled",
    "BareLinefeedRejectionEnabled",
    "DomainSecureEnabled",
    "EnhancedStatusCodesEnabled",
    "LongAddressesEnabled",
    "OrarEnabled",
    "SuppressXAnonymousTls",
    "ProxyEnabled",
    "AdvertiseClientSettings",
    "Fqdn",
    "ServiceDiscoveryFqdn",
    "TlsCertificateName",
    "Comment",
    "Enabled",
    "ConnectionTimeout",
    "ConnectionInactivityTimeout",
    "MessageRateLimit",
    "MessageRateSource",
    "MaxInboundConnection",
    "MaxInboundConnectionPerSource",
    "MaxInboundConnectionPercentagePerSource",
    "MaxHeaderSize",
    "MaxHopCount",
    "MaxLocalHopCount",
    "MaxLogonFailures",
    "MaxMessageSize",
    "MaxProtocolErrors",
    "MaxRecipientsPerMessage",
    "PermissionGroups",
    "PipeliningEnabled",
    "ProtocolLoggingLevel",
    "RemoteIPRanges",
    "RequireEHLODomain",
    "RequireTLS",
    "EnableAuthGSSAPI",
    "ExtendedProtectionPolicy",
    "LiveCredentialEnabled",
    "TlsDomainCapabilities",
    "Server",
    "TransportRole",
    "RejectReservedTopLevelRecipientDomains",
    "RejectReservedSecondLevelRecipientDomains",
    "RejectSingleLabelRecipientDomains",
    "AcceptConsumerMail",
    "SizeEnabled",
    "TarpitInterval",
    "AuthTarpitInterval",
    "MaxAcknowledgementDelay",
]


def _flags(type_name: str, names: list[str], order: tuple[str, ...]) -> Any:
    present = [name for name in order if name in names]
    number = sum(1 << order.index(name) for name in present)
    return enum(type_name, ", ".join(present) or "None", number)


_SHOWN: dict[str, Any] = {
    "AuthMechanism": lambda v: _flags(CONFIGURATION + "AuthMechanisms", v, AUTH_MECHANISMS),
    "PermissionGroups": lambda v: _flags(DATA + "PermissionGroups", v, PERMISSION_GROUPS),
    "Bindings": lambda v: directory.data_list("IPBinding", map(network.ip_binding, v)),
    "RemoteIPRanges": lambda v: directory.data_list("IPRange", map(network.ip_range, v)),
    "TlsDomainCapabilities": lambda v: directory.data_list(
        "SmtpReceiveDomainCapabilities", map(values.receive_domain_capabilities, v)
    ),
    "Fqdn": values.fqdn,
    "ServiceDiscoveryFqdn": values.fqdn,
    "TlsCertificateName": values.smtp_x509_identifier,
    "MessageRateSource": lambda v: enum(
        CONFIGURATION + "MessageRateSourceFlags", v, RATE_SOURCES.index(v)
    ),
    "ExtendedProtectionPolicy": lambda v: enum(
        CONFIGURATION + "ExtendedProtectionPolicySetting", v, PROTECTION_POLICIES.index(v)
    ),
    "ProtocolLoggingLevel": lambda v: enum(
        DATA + "ProtocolLoggingLevel", v, LOGGING_LEVELS.index(v)
    ),
    "SizeEnabled": lambda v: enum(DATA + "SizeMode", v, SIZE_MODES.index(v)),
    "TransportRole": lambda v: enum(CONFIGURATION + "ServerRole", v, TRANSPORT_ROLES[v]),
    "MaxHeaderSize": values.byte_quantified_size,
    "MaxMessageSize": values.byte_quantified_size,
    **dict.fromkeys(
        (
            "MessageRateLimit",
            "MaxInboundConnection",
            "MaxInboundConnectionPerSource",
            "MaxProtocolErrors",
        ),
        values.unlimited_int,
    ),
    **dict.fromkeys(
        (
            "ConnectionTimeout",
            "ConnectionInactivityTimeout",
            "TarpitInterval",
            "AuthTarpitInterval",
            "MaxAcknowledgementDelay",
        ),
        values.enhanced_time_span,
    ),
}


def _getter(connector: ReceiveConnector, name: str) -> Any:
    setting, shown = _BY_NAME[name], _SHOWN.get(name)
    if shown is None:
        return lambda: value_of(connector, setting)
    return lambda: shown(value_of(connector, setting))


def receive_connector_output(
    organisation: Organisation, server: Server, connector: ReceiveConnector
) -> OutputObject:
    """A Receive connector with the 73 properties of the captured ones."""
    home = directory.server_dn(server.Name, organisation.Name, organisation.domain)
    dn = f"CN={directory.escaped(connector.Name)},CN=SMTP Receive Connectors,CN=Protocols,{home}"
    identity = directory.ad_object_id(dn, guid=connector.Guid, text=connector.Identity)
    common = directory.directory_members(
        distinguished_name=dn,
        guid=connector.Guid,
        identity=identity,
        domain=organisation.domain,
        schema_class="ms-Exch-Smtp-Receive-Connector",
        object_classes=("top", "msExchSmtpReceiveConnector"),
        changed=connector.WhenChanged,
        created=connector.WhenCreated,
        domain_controller=organisation.domain_controller,
        time_zone=organisation.time_zone,
    )
    fixed: Getters = {
        "ProxyEnabled": lambda: False,
        "LiveCredentialEnabled": lambda: False,
        "Server": lambda: directory.ad_object_id(home),
    }
    getters: Getters = {
        name: fixed[name] if name in fixed else _getter(connector, name) for name in _ORDER
    }
    getters |= {
        "AdminDisplayName": lambda: "",
        "ExchangeVersion": lambda: directory.object_version(0, 1, "8.0.535.0"),
        "Name": lambda: connector.Name,
        **common["name"],
        **common["dates"],
        **common["state"],
    }
    return output_of(
        TYPE_NAMES,
        connector.Identity,
        getters,
        lambda: directory.property_bag(TYPE_NAMES[0], getters),
    )


def _all(invocation: Invocation) -> list[tuple[Server, ReceiveConnector]]:
    name = invocation.parameters.get("Server")
    servers = [invocation.find_server(name)] if name else list(invocation.organisation)
    return [(server, connector) for server in servers for connector in server.receive_connectors]


def _names(pair: tuple[Server, ReceiveConnector]) -> tuple[str, ...]:
    server, connector = pair
    full = f"{server.Fqdn}\\{connector.Name}"
    return connector.Identity, connector.Name, full, str(connector.Guid)


def _get(invocation: Invocation) -> Iterator[OutputObject]:
    with invocation.organisation.lock:
        found = find(
            invocation,
            _all(invocation),
            _names,
            identity=invocation.parameters.get("Identity"),
        )
    for server, connector in found:
        yield receive_connector_output(invocation.organisation, server, connector)


def _single(invocation: Invocation, identity: str) -> tuple[Server, ReceiveConnector]:
    wanted = identity.strip().casefold()
    found = [
        pair for pair in _all(invocation) if wanted in (name.casefold() for name in _names(pair))
    ]
    if not found:
        raise invocation.object_not_found(identity)
    if len(found) > 1:
        raise invocation.error(
            f"The operation couldn't be performed because '{identity}' matches multiple entries.",
            category="InvalidData",
            exception="ManagementObjectAmbiguousException",
        )
    return found[0]


def _check(invocation: Invocation, server: Server, change: Change) -> None:
    """The documented dependencies between the settings."""
    mechanisms = change["AuthMechanism"]
    if change["RequireTLS"] and "Tls" not in mechanisms:
        raise refuse(
            invocation,
            "The RequireTLS parameter can only be set to $true if the AuthMechanism parameter "
            "contains Tls.",
        )
    if "BasicAuthRequireTLS" in mechanisms and not {"BasicAuth", "Tls"} <= set(mechanisms):
        raise refuse(
            invocation,
            "The AuthMechanism value BasicAuthRequireTLS also requires the values BasicAuth and "
            "Tls.",
        )
    if "ExternalAuthoritative" in mechanisms:
        if set(mechanisms) - {"ExternalAuthoritative", "Tls"}:
            raise refuse(
                invocation,
                "The AuthMechanism value ExternalAuthoritative can only be combined with Tls.",
            )
        if "ExchangeServers" not in change["PermissionGroups"]:
            raise refuse(
                invocation,
                "The AuthMechanism value ExternalAuthoritative requires the value ExchangeServers "
                "in the PermissionGroups parameter.",
            )
    if change["DomainSecureEnabled"] and "Tls" not in mechanisms:
        raise refuse(
            invocation,
            "The DomainSecureEnabled parameter can only be set to $true if the AuthMechanism "
            "parameter contains Tls.",
        )
    if "ExchangeServer" in mechanisms and {"Fqdn", "AuthMechanism"} & set(change.given):
        _check_fqdn(invocation, server, change["Fqdn"])


def _check_fqdn(invocation: Invocation, server: Server, fqdn: str | None) -> None:
    allowed = (server.Fqdn.casefold(), server.Name.casefold())
    if fqdn is not None and fqdn.casefold() not in allowed:
        raise refuse(
            invocation,
            "When the AuthMechanism parameter on a Receive connector is set to the value "
            "ExchangeServer, you must set the FQDN parameter on the Receive connector to one of "
            f'the following values: the FQDN of the transport server "{server.Fqdn}", the NetBIOS '
            f'name of the transport server "{server.Name}", or $null.',
        )


def _set(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    server, connector = _single(invocation, invocation.parameters.get("Identity"))
    if not invocation.should_process(f'Setting Receive connector "{connector.Identity}".'):
        return
    with organisation.lock:
        change = Change(invocation, connector, SETTINGS)
        normalise_tls_certificate_name(invocation, change)
        _check(invocation, server, change)
        change.apply(invocation, connector.Identity)
    yield from ()


_DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)

CMDLETS = (
    CmdletDefinition(
        "Get-ReceiveConnector",
        TASKS + "GetReceiveConnector",
        (
            Parameter("Identity", conversion.text, sets=("Identity",), position=1),
            Parameter("Server", conversion.required_text, sets=("Server",)),
            _DOMAIN_CONTROLLER,
        ),
        _get,
        default_set="Identity",
    ),
    CmdletDefinition(
        "Set-ReceiveConnector",
        TASKS + "SetReceiveConnector",
        (
            Parameter("Identity", conversion.required_text, position=1, required=True),
            *(setting.parameter for setting in SETTINGS),
            _DOMAIN_CONTROLLER,
        ),
        _set,
        should_process=True,
    ),
)
