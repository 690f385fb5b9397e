# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do Get-ReceiveConnector and Set-ReceiveConnector do? The object with all its properties,
the settings with their limits; the rules between them are in a file of their own."""

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
    folded,
    normalise_tls_certificate_name,
    value_of,
)
from fake_exchange.cmdlets.conversion import ConversionError
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.receive_connector_rules import check_settings
from fake_exchange.organisation import connector_permissions, services
from fake_exchange.organisation.bindings import Range, parse_binding, parse_range
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
_MOST = 2**31 - 1


def _bindings_key(items: list[str]) -> list[tuple[str, int]]:
    return [parse_binding(item) for item in items]


def _ranges_key(items: list[str]) -> list[Range]:
    return [parse_range(item) for item in items]


SETTINGS = (
    Setting("Name", conversion.required_text),
    Setting("AcceptConsumerMail", conversion.boolean, False),
    Setting("AdvertiseClientSettings", conversion.boolean),
    Setting("AuthMechanism", conversion.flags(CONFIGURATION + "AuthMechanisms", AUTH_MECHANISMS)),
    Setting("AuthTarpitInterval", conversion.duration, 5, (0, 600), values.time_span_text),
    Setting("Banner", conversion.text_or_empty),
    Setting("BareLinefeedRejectionEnabled", conversion.boolean, False),
    Setting("BinaryMimeEnabled", conversion.boolean, True),
    Setting("Bindings", conversion.multi_value(conversion.ip_binding), key=_bindings_key),
    Setting("ChunkingEnabled", conversion.boolean, True),
    Setting("Comment", conversion.text_or_empty),
    Setting(
        "ConnectionInactivityTimeout",
        conversion.duration,
        300,
        (1, 86_400),
        values.time_span_text,
    ),
    Setting("ConnectionTimeout", conversion.duration, 600, (1, 86_400), values.time_span_text),
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
    Setting(
        "MaxAcknowledgementDelay",
        conversion.duration,
        30,
        (0, 86_400),
        values.time_span_text,
    ),
    Setting("MaxHeaderSize", conversion.size, 262_144, (1, _MOST), values.size_text),
    Setting("MaxHopCount", conversion.integer, 60, (1, 500)),
    Setting("MaxInboundConnection", _number, 5000, (1, _MOST)),
    Setting("MaxInboundConnectionPercentagePerSource", conversion.integer, 2, (1, 100)),
    Setting("MaxInboundConnectionPerSource", _number, 20, (1, 10_000)),
    Setting("MaxLocalHopCount", conversion.integer, 5, (0, 50)),
    Setting("MaxLogonFailures", conversion.integer, 3, (0, 10)),
    Setting("MaxMessageSize", conversion.size, 37_748_736, (65_536, _MOST), values.size_text),
    Setting("MaxProtocolErrors", _number, 5, (0, _MOST)),
    Setting("MaxRecipientsPerMessage", conversion.integer, 200, (1, 512_000)),
    Setting("MessageRateLimit", _number, None, (1, _MOST)),
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
    Setting("RemoteIPRanges", conversion.multi_value(conversion.ip_range), key=_ranges_key),
    Setting("RequireEHLODomain", conversion.boolean, False),
    Setting("RequireTLS", conversion.boolean),
    Setting("ServiceDiscoveryFqdn", conversion.domain_name),
    Setting("SizeEnabled", conversion.enumeration(DATA + "SizeMode", SIZE_MODES), "Enabled"),
    Setting("SmtpUtf8Enabled", conversion.boolean, True),
    Setting("SuppressXAnonymousTls", conversion.boolean),
    Setting("TarpitInterval", conversion.duration, 5, (0, 600), values.time_span_text),
    Setting("TlsCertificateName", certificate_name),
    Setting("TlsDomainCapabilities", conversion.multi_value(_domain_capabilities), key=folded),
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


def _default_domain(organisation: Organisation, connector: ReceiveConnector) -> Any:
    name = connector.other.get("DefaultDomain")
    if not name:
        return None
    settings = directory.organization_dn(organisation.Name, organisation.domain)
    return directory.ad_object_id(
        f"CN={name},CN=Accepted Domains,CN=Transport Settings,{settings}", text=str(name)
    )


def _getter(connector: ReceiveConnector, name: str) -> Any:
    setting, shown = _BY_NAME[name], _SHOWN.get(name)
    if shown is None:
        return lambda: value_of(connector, setting)
    return lambda: shown(value_of(connector, setting))


def receive_connector_dn(
    organisation: Organisation, server: Server, connector: ReceiveConnector
) -> str:
    home = directory.server_dn(server.Name, organisation.Name, organisation.domain)
    return f"CN={directory.escaped(connector.Name)},CN=SMTP Receive Connectors,CN=Protocols,{home}"


def receive_connector_output(
    organisation: Organisation, server: Server, connector: ReceiveConnector
) -> OutputObject:
    """A Receive connector with the 73 properties of the captured ones."""
    home = directory.server_dn(server.Name, organisation.Name, organisation.domain)
    dn = receive_connector_dn(organisation, server, connector)
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
        "PermissionGroups": lambda: _flags(
            DATA + "PermissionGroups",
            connector_permissions.shown_groups(connector),
            PERMISSION_GROUPS,
        ),
        "DefaultDomain": lambda: _default_domain(organisation, connector),
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
    servers = [invocation.find_server(name)] if name else invocation.servers
    return [(server, connector) for server in servers for connector in server.receive_connectors]


def _names(pair: tuple[Server, ReceiveConnector]) -> tuple[str, ...]:
    server, connector = pair
    full = f"{server.Fqdn}\\{connector.Name}"
    return connector.Identity, connector.Name, full, str(connector.Guid)


def _names_with_dn(organisation: Organisation, pair: tuple[Server, ReceiveConnector]) -> list[str]:
    return [*_names(pair), receive_connector_dn(organisation, *pair)]


def _get(invocation: Invocation) -> Iterator[OutputObject]:
    with invocation.organisation.lock:
        found = find(
            invocation,
            _all(invocation),
            lambda pair: _names_with_dn(invocation.organisation, pair),
            identity=invocation.parameters.get("Identity"),
        )
    for server, connector in found:
        yield receive_connector_output(invocation.organisation, server, connector)


def single(invocation: Invocation, identity: str) -> tuple[Server, ReceiveConnector]:
    """The one connector that an identity means; raises `CmdletError` for none and for several."""
    wanted = identity.strip().casefold()
    found = [
        pair
        for pair in _all(invocation)
        if wanted in folded(_names_with_dn(invocation.organisation, pair))
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


def _set(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    server, connector = single(invocation, invocation.parameters.get("Identity"))
    if not invocation.should_process(f'Setting Receive connector "{connector.Identity}".'):
        return
    with organisation.lock:
        change = Change(invocation, connector, SETTINGS)
        normalise_tls_certificate_name(invocation, change)
        check_settings(invocation, server, change, connector)
        former = connector.Name
        change.apply(invocation, connector.Identity)
        if connector.Name != former:
            services.forget_connector(server, former)
            services.notice_connector(organisation, server, connector)
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
