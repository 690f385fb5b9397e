# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do Get-SendConnector and Set-SendConnector do? The object with all its properties, the
settings with their limits; the rules between them are in a file of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fake_exchange.clixml import directory_types as directory
from fake_exchange.clixml import network_types as network
from fake_exchange.clixml import value_types as values
from fake_exchange.clixml.directory_types import CONFIGURATION_OBJECT, Getters
from fake_exchange.clixml.objects import ClrObject, OutputObject, SameObject, enum, output_of
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
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.send_connector_rules import check_settings
from fake_exchange.organisation.model import Organisation, SendConnector

TASKS = "Microsoft.Exchange.Management.SystemConfigurationTasks."
TYPE_NAMES = (
    CONFIGURATION + "SmtpSendConnectorConfig",
    CONFIGURATION + "MailGateway",
    CONFIGURATION + "SendConnector",
    CONFIGURATION + "ADLegacyVersionableObject",
    *CONFIGURATION_OBJECT,
)
_ROUTING_GROUP = "Exchange Routing Group (DWBGZMFD01QNBJR)"
TLS_AUTH_LEVELS = ("EncryptionOnly", "CertificateValidation", "DomainValidation")
ERROR_POLICIES = (
    "DowngradeDnsFailures",
    "DowngradeCustomFailures",
    "UpgradeCustomFailures",
)
SMART_HOST_MECHANISMS = (
    "None",
    "BasicAuth",
    "BasicAuthRequireTLS",
    "ExchangeServer",
    "ExternalAuthoritative",
)
CONNECTOR_TYPES = ("Default", "XPremises")
LOGGING_LEVELS = ("None", "Verbose")
_MOST = 2**31 - 1

_error_policies = conversion.flags(DATA + "ErrorPolicies", ERROR_POLICIES, none="Default")


def _error_policies_text(value: Any) -> str:
    return ", ".join(_error_policies(value)) or "Default"


def _address_spaces_key(items: list[str]) -> list[str]:
    return folded(map(conversion.address_space, items))


def _smart_hosts_key(items: list[str]) -> list[str]:
    return [item.strip("[]").casefold() for item in items]


SETTINGS = (
    Setting("Name", conversion.required_text),
    Setting(
        "AddressSpaces",
        conversion.multi_value(conversion.address_space),
        key=_address_spaces_key,
    ),
    Setting("AuthenticationCredential", conversion.credential),
    Setting("CloudServicesMailEnabled", conversion.boolean),
    Setting("Comment", conversion.text_or_empty),
    Setting(
        "ConnectionInactivityTimeOut",
        conversion.duration,
        600,
        (1, 86_400),
        values.time_span_text,
    ),
    Setting("ConnectorType", conversion.enumeration(DATA + "SendConnectorType", CONNECTOR_TYPES)),
    Setting("DNSRoutingEnabled", conversion.boolean),
    Setting("DomainSecureEnabled", conversion.boolean),
    Setting("Enabled", conversion.boolean),
    Setting("ErrorPolicies", _error_policies_text),
    Setting("ForceHELO", conversion.boolean, False),
    Setting("Fqdn", conversion.domain_name),
    Setting("FrontendProxyEnabled", conversion.boolean),
    Setting("IgnoreSTARTTLS", conversion.boolean),
    Setting("IsScopedConnector", conversion.boolean, False),
    Setting(
        "MaxMessageSize",
        conversion.unlimited(conversion.size),
        36_700_160,
        (0, _MOST),
        values.size_text,
    ),
    Setting("Port", conversion.integer, limits=(0, 65_535)),
    Setting(
        "ProtocolLoggingLevel",
        conversion.enumeration(DATA + "ProtocolLoggingLevel", LOGGING_LEVELS),
    ),
    Setting("RequireOorg", conversion.boolean, False),
    Setting("RequireTLS", conversion.boolean),
    Setting(
        "SmartHostAuthMechanism",
        conversion.enumeration(
            CONFIGURATION + "SmtpSendConnectorConfig+AuthMechanisms", SMART_HOST_MECHANISMS
        ),
    ),
    Setting("SmartHosts", conversion.multi_value(conversion.smart_host), key=_smart_hosts_key),
    Setting("SmtpMaxMessagesPerConnection", conversion.integer, 20, (0, _MOST)),
    Setting("SourceIPAddress", conversion.ip_address, "0.0.0.0"),
    Setting("SourceTransportServers", conversion.multi_value()),
    Setting(
        "TlsAuthLevel",
        conversion.enumeration(DATA + "TlsAuthLevel", TLS_AUTH_LEVELS, nullable=True),
    ),
    Setting("TlsCertificateName", certificate_name),
    Setting("TlsDomain", conversion.domain_with_subdomains),
    Setting("UseExternalDNSServersEnabled", conversion.boolean, False),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def _routing_group_dn(organisation: Organisation) -> str:
    group = directory.administrative_group_dn(organisation.Name, organisation.domain)
    return f"CN={_ROUTING_GROUP},CN=Routing Groups,{group}"


def send_connector_dn(organisation: Organisation, connector: SendConnector) -> str:
    name = directory.escaped(connector.Name)
    return f"CN={name},CN=Connections,{_routing_group_dn(organisation)}"


def send_connector_output(organisation: Organisation, connector: SendConnector) -> OutputObject:
    """A Send connector with the 54 properties of the captured ones."""
    domain = organisation.domain
    group = directory.administrative_group_dn(organisation.Name, domain)
    routing_group = _routing_group_dn(organisation)
    dn = send_connector_dn(organisation, connector)
    identity = directory.ad_object_id(dn, guid=connector.Guid)
    servers = connector.SourceTransportServers
    homes = [directory.server_dn(name, organisation.Name, domain) for name in servers]
    home = homes[0] if homes else group
    transfer_agent = f"CN=Microsoft MTA,{home}"
    address = network.ip_address("0.0.0.0")

    def other(name: str) -> object:
        return value_of(connector, _BY_NAME[name])

    def source_address() -> object:
        given = str(other("SourceIPAddress"))
        return SameObject(address) if given == "0.0.0.0" else network.ip_address(given)

    common = directory.directory_members(
        distinguished_name=dn,
        guid=connector.Guid,
        identity=identity,
        domain=domain,
        schema_class="ms-Exch-Routing-SMTP-Connector",
        object_classes=("top", "msExchConnector", "mailGateway", "msExchRoutingSMTPConnector"),
        changed=connector.WhenChanged,
        created=connector.WhenCreated,
        domain_controller=organisation.domain_controller,
        time_zone=organisation.time_zone,
    )
    getters: Getters = {
        "DNSRoutingEnabled": lambda: connector.DNSRoutingEnabled,
        "TlsDomain": lambda: values.smtp_domain_with_subdomains(connector.TlsDomain),
        "TlsAuthLevel": lambda: _tls_auth_level(connector.TlsAuthLevel),
        "ErrorPolicies": lambda: _shown_error_policies(connector.ErrorPolicies),
        "SmartHosts": lambda: directory.data_list(
            "SmartHost",
            [network.smart_host(host, address=address) for host in connector.SmartHosts],
        ),
        "Port": lambda: connector.Port,
        "ConnectionInactivityTimeOut": lambda: values.enhanced_time_span(
            other("ConnectionInactivityTimeOut")
        ),
        "ForceHELO": lambda: other("ForceHELO"),
        "FrontendProxyEnabled": lambda: connector.FrontendProxyEnabled,
        "IgnoreSTARTTLS": lambda: connector.IgnoreSTARTTLS,
        "CloudServicesMailEnabled": lambda: connector.CloudServicesMailEnabled,
        "Fqdn": lambda: values.fqdn(connector.Fqdn),
        "TlsCertificateName": lambda: values.smtp_x509_identifier(connector.TlsCertificateName),
        "RequireTLS": lambda: connector.RequireTLS,
        "RequireOorg": lambda: other("RequireOorg"),
        "Enabled": lambda: connector.Enabled,
        "ProtocolLoggingLevel": lambda: _enum(
            DATA + "ProtocolLoggingLevel", connector.ProtocolLoggingLevel, LOGGING_LEVELS
        ),
        "SmartHostAuthMechanism": lambda: _enum(
            CONFIGURATION + "SmtpSendConnectorConfig+AuthMechanisms",
            connector.SmartHostAuthMechanism,
            SMART_HOST_MECHANISMS,
        ),
        "AuthenticationCredential": lambda: _shown_credential(other("AuthenticationCredential")),
        "UseExternalDNSServersEnabled": lambda: other("UseExternalDNSServersEnabled"),
        "DomainSecureEnabled": lambda: connector.DomainSecureEnabled,
        "SourceIPAddress": source_address,
        "SmtpMaxMessagesPerConnection": lambda: other("SmtpMaxMessagesPerConnection"),
        "ConnectorType": lambda: _enum(
            DATA + "SendConnectorType", connector.ConnectorType, CONNECTOR_TYPES
        ),
        "SmartHostsString": lambda: ",".join(connector.SmartHosts),
        "CertificateSubject": lambda: None,
        "Region": lambda: enum(DATA + "SendConnectorRegion", "NotSpecified", 0),
        "AddressSpaces": lambda: directory.data_list(
            "AddressSpace", [values.address_space(space) for space in connector.AddressSpaces]
        ),
        "ConnectedDomains": lambda: directory.data_list("ConnectedDomain", []),
        "IsScopedConnector": lambda: other("IsScopedConnector"),
        "IsSmtpConnector": lambda: True,
        "Comment": lambda: connector.Comment,
        "SourceRoutingGroup": lambda: directory.ad_object_id(routing_group),
        "SourceTransportServers": lambda: directory.identities(
            directory.ad_object_id(dn) for dn in homes
        ),
        "HomeMTA": lambda: directory.ad_object_id(
            transfer_agent, guid=directory.constant_guid(transfer_agent)
        ),
        "HomeMtaServerId": lambda: directory.ad_object_id(home),
        "MaxMessageSize": lambda: values.unlimited_size(other("MaxMessageSize")),
        "AdminDisplayName": lambda: "",
        "ExchangeVersion": lambda: directory.object_version(0, 1, "8.0.535.0"),
        "Name": lambda: connector.Name,
        **common["name"],
        **common["dates"],
        **common["state"],
    }
    return output_of(
        TYPE_NAMES,
        connector.Name,
        getters,
        lambda: directory.property_bag(TYPE_NAMES[0], getters),
    )


def _enum(type_name: str, text: str, names: Sequence[str]) -> object:
    return enum(type_name, text, names.index(text))


def _shown_error_policies(text: str) -> object:
    number = sum(1 << ERROR_POLICIES.index(name) for name in _error_policies(text))
    return enum(DATA + "ErrorPolicies", text, number)


def _shown_credential(user_name: object) -> object:
    """Whom the connector logs on as; the password stays where it is."""
    if user_name is None:
        return None
    return ClrObject(
        ("System.Management.Automation.PSCredential", "System.Object"),
        to_string="System.Management.Automation.PSCredential",
        properties=[("UserName", user_name)],
    )


def _tls_auth_level(level: str | None) -> object:
    if level is None:
        return None
    return enum(DATA + "TlsAuthLevel", level, TLS_AUTH_LEVELS.index(level) + 1)


def _get(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    with organisation.lock:
        found = find(
            invocation,
            organisation.send_connectors,
            lambda connector: (connector.Name, str(connector.Guid)),
            identity=invocation.parameters.get("Identity"),
        )
    for connector in found:
        yield send_connector_output(organisation, connector)


def single(invocation: Invocation, identity: str) -> SendConnector:
    """The connector that an identity means; raises `CmdletError` if there is none."""
    wanted = identity.strip().casefold()
    for connector in invocation.organisation.send_connectors:
        names = (
            connector.Name,
            str(connector.Guid),
            send_connector_dn(invocation.organisation, connector),
        )
        if wanted in folded(names):
            return connector
    raise invocation.object_not_found(identity)


def keep_user_name(change: Change) -> None:
    """Of a credential only the name is kept: nothing here logs on with it, and no file should
    hold its password."""
    credential = change.given.get("AuthenticationCredential")
    if credential is not None:
        change.given["AuthenticationCredential"] = credential.user_name


def _set(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    connector = single(invocation, invocation.parameters.get("Identity"))
    if not invocation.should_process(f'Setting Send connector "{connector.Identity}".'):
        return
    with organisation.lock:
        change = Change(invocation, connector, SETTINGS)
        normalise_tls_certificate_name(invocation, change)
        check_settings(invocation, change, connector)
        keep_user_name(change)
        change.apply(invocation, connector.Identity)
    yield from ()


_DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)

CMDLETS = (
    CmdletDefinition(
        "Get-SendConnector",
        TASKS + "GetSendConnector",
        (Parameter("Identity", conversion.text, position=1), _DOMAIN_CONTROLLER),
        _get,
    ),
    CmdletDefinition(
        "Set-SendConnector",
        TASKS + "SetSendConnector",
        (
            Parameter("Identity", conversion.required_text, position=1, required=True),
            *(setting.parameter for setting in SETTINGS),
            Parameter("Force", conversion.switch),
            _DOMAIN_CONTROLLER,
        ),
        _set,
        should_process=True,
    ),
)
