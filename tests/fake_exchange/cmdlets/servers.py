# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do Get-ExchangeServer and Get-TransportService show of the servers?"""

from __future__ import annotations

from collections.abc import Iterator

from fake_exchange.clixml import directory_types as directory
from fake_exchange.clixml import network_types as network
from fake_exchange.clixml import value_types as values
from fake_exchange.clixml.directory_types import Getters
from fake_exchange.clixml.objects import ClrObject, OutputObject, enum, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import CONFIGURATION, DATA, find
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.organisation.model import Organisation, Server

TASKS = "Microsoft.Exchange.Management.SystemConfigurationTasks."
MANAGEMENT = "Microsoft.Exchange.Data.Directory.Management."
_PRESENTATION_OBJECT = (
    MANAGEMENT + "ADPresentationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object",
)
EXCHANGE_SERVER = (MANAGEMENT + "ExchangeServer", *_PRESENTATION_OBJECT)
TRANSPORT_SERVER = (MANAGEMENT + "TransportServer", *_PRESENTATION_OBJECT)
_DATA_PATH = "C:\\Program Files\\Microsoft\\Exchange Server\\V15"
SERVER_ROLES = {"Mailbox": 2, "Edge": 64}
EDITIONS = (
    "Unknown",
    "Standard",
    "StandardEvaluation",
    "Enterprise",
    "EnterpriseEvaluation",
    "Coexistence",
)


def server_identity(organisation: Organisation, server: Server) -> ClrObject:
    """The server's object in the directory."""
    dn = directory.server_dn(server.Name, organisation.Name, organisation.domain)
    return directory.ad_object_id(dn, guid=server.Guid)


def _common(organisation: Organisation, server: Server) -> dict[str, Getters]:
    return directory.directory_members(
        distinguished_name=directory.server_dn(server.Name, organisation.Name, organisation.domain),
        guid=server.Guid,
        identity=server_identity(organisation, server),
        domain=organisation.domain,
        schema_class="ms-Exch-Exchange-Server",
        object_classes=("top", "server", "msExchExchangeServer"),
        changed=server.WhenChanged,
        created=server.WhenCreated,
        domain_controller=organisation.domain_controller,
        time_zone=organisation.time_zone,
    )


def _network_addresses(server: Server) -> ClrObject:
    data, library = "Microsoft.Exchange.Data", values.DATA_LIBRARY
    item = f"[[{data}.NetworkAddress, {library}]]"
    name, protocols = server.Name, ("ncacn_vns_spp", "netbios", "ncacn_np", "ncacn_spx")
    texts = [f"{protocol}:{name}" for protocol in protocols]
    texts += [f"ncacn_ip_tcp:{server.Fqdn}", f"ncalrpc:{name}"]
    return ClrObject(
        (
            f"{data}.NetworkAddressCollection",
            f"{data}.ProtocolAddressCollection`1{item}",
            f"{data}.MultiValuedProperty`1{item}",
            f"{data}.MultiValuedPropertyBase",
            "System.Object",
        ),
        items=[network.network_address(text) for text in texts],
    )


def exchange_server_output(organisation: Organisation, server: Server) -> OutputObject:
    """A server with the 58 properties of the captured one."""
    edge, domain = server.IsEdgeServer, organisation.domain
    controller = organisation.domain_controller
    legacy = (
        f"/o={organisation.Name}/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)"
        f"/cn=Configuration/cn=Servers/cn={server.Name}"
    )
    site = f"CN={server.Site},CN=Sites,{directory.configuration_dn(domain)}"
    trial = "Evaluation" in server.Edition
    common = _common(organisation, server)
    dates = dict(common["dates"])
    getters: Getters = {
        "Name": lambda: server.Name,
        "DataPath": lambda: values.local_long_full_path(f"{_DATA_PATH}\\Mailbox"),
        "Domain": lambda: domain,
        "Edition": lambda: enum(
            DATA + "ServerEditionType", server.Edition, EDITIONS.index(server.Edition)
        ),
        "ExchangeLegacyDN": lambda: legacy,
        "ExchangeLegacyServerRole": lambda: 0,
        "Fqdn": lambda: server.Fqdn,
        "CustomerFeedbackEnabled": lambda: False,
        "InternetWebProxy": lambda: None,
        "InternetWebProxyBypassList": lambda: None,
        "IsHubTransportServer": lambda: not edge,
        "IsClientAccessServer": lambda: not edge,
        "IsExchange2007OrLater": lambda: True,
        "IsEdgeServer": lambda: edge,
        "IsMailboxServer": lambda: not edge,
        "IsE14OrLater": lambda: True,
        "IsE15OrLater": lambda: True,
        "IsProvisionedServer": lambda: False,
        "IsUnifiedMessagingServer": lambda: server.AdminDisplayVersion.startswith("15.1."),
        "IsFrontendTransportServer": lambda: not edge,
        "NetworkAddress": lambda: _network_addresses(server),
        "OrganizationalUnit": lambda: f"{domain}/{server.Name}",
        "AdminDisplayVersion": lambda: values.server_version(server.AdminDisplayVersion),
        "Site": lambda: directory.ad_object_id(site, guid=directory.constant_guid(site)),
        "ServerRole": lambda: enum(
            CONFIGURATION + "ServerRole", server.ServerRole, SERVER_ROLES[server.ServerRole]
        ),
        "ErrorReportingEnabled": lambda: False,
        "MitigationsEnabled": lambda: True,
        "StaticDomainControllers": lambda: directory.strings([]),
        "StaticGlobalCatalogs": lambda: directory.strings([]),
        "StaticConfigDomainController": lambda: "",
        "StaticExcludedDomainControllers": lambda: directory.strings([]),
        "MonitoringGroup": lambda: "",
        "CurrentDomainControllers": lambda: directory.strings([controller]),
        "CurrentGlobalCatalogs": lambda: directory.strings([controller]),
        "CurrentConfigDomainController": lambda: controller,
        "ProductID": lambda: "",
        "IsExchangeTrialEdition": lambda: trial,
        "IsExpiredExchangeTrialEdition": lambda: False,
        "MailboxProvisioningAttributes": lambda: None,
        "RemainingTrialPeriod": lambda: values.enhanced_time_span(0),
        "MitigationsApplied": lambda: None,
        "MitigationsBlocked": lambda: None,
        "DataCollectionEnabled": lambda: False,
        "Identity": common["name"]["Identity"],
        "IsValid": common["state"]["IsValid"],
        "ExchangeVersion": lambda: directory.object_version(0, 1, "8.0.535.0"),
        "DistinguishedName": common["name"]["DistinguishedName"],
        **dates,
        "ObjectState": common["state"]["ObjectState"],
    }
    return output_of(
        EXCHANGE_SERVER,
        server.Name,
        getters,
        lambda: directory.property_bag(EXCHANGE_SERVER[0], getters),
    )


def transport_service_output(organisation: Organisation, server: Server) -> OutputObject:
    """The transport side of a server: the documented properties, no capture exists."""
    logs = f"{_DATA_PATH}\\TransportRoles\\Logs\\Hub"
    common = _common(organisation, server)
    getters: Getters = {
        "Name": lambda: server.Name,
        "AntispamAgentsEnabled": lambda: False,
        "ConnectivityLogEnabled": lambda: True,
        "ConnectivityLogPath": lambda: values.local_long_full_path(f"{logs}\\Connectivity"),
        "DelayNotificationTimeout": lambda: values.enhanced_time_span(4 * 3600),
        "ExternalDNSAdapterEnabled": lambda: True,
        "ExternalDNSServers": lambda: directory.strings([]),
        "InternalDNSAdapterEnabled": lambda: True,
        "InternalDNSServers": lambda: directory.strings([]),
        "InternalTransportCertificateThumbprint": lambda: (
            server.InternalTransportCertificateThumbprint
        ),
        "IntraOrgConnectorProtocolLoggingLevel": lambda: enum(
            DATA + "ProtocolLoggingLevel", "None", 0
        ),
        "MaxConcurrentMailboxDeliveries": lambda: 20,
        "MaxConcurrentMailboxSubmissions": lambda: 20,
        "MaxOutboundConnections": lambda: values.unlimited_int(1000),
        "MaxPerDomainOutboundConnections": lambda: values.unlimited_int(40),
        "MessageExpirationTimeout": lambda: values.enhanced_time_span(2 * 86400),
        "MessageTrackingLogEnabled": lambda: True,
        "MessageTrackingLogPath": lambda: values.local_long_full_path(f"{logs}\\MessageTracking"),
        "ReceiveProtocolLogPath": lambda: values.local_long_full_path(
            f"{logs}\\ProtocolLog\\SmtpReceive"
        ),
        "SendProtocolLogPath": lambda: values.local_long_full_path(
            f"{logs}\\ProtocolLog\\SmtpSend"
        ),
        "AdminDisplayName": lambda: "",
        "ExchangeVersion": lambda: directory.object_version(0, 1, "8.0.535.0"),
        **common["name"],
        **common["dates"],
        **common["state"],
    }
    return output_of(
        TRANSPORT_SERVER,
        server.Name,
        getters,
        lambda: directory.property_bag(TRANSPORT_SERVER[0], getters),
    )


def _found(invocation: Invocation) -> list[Server]:
    with invocation.organisation.lock:
        return find(
            invocation,
            invocation.servers,
            lambda server: (server.Name, server.Fqdn, str(server.Guid)),
            identity=invocation.parameters.get("Identity"),
        )


def _get_exchange_server(invocation: Invocation) -> Iterator[OutputObject]:
    domain = invocation.parameters.get("Domain")
    if domain and domain.casefold() != invocation.organisation.domain.casefold():
        return
    for server in _found(invocation):
        yield exchange_server_output(invocation.organisation, server)


def _get_transport_service(invocation: Invocation) -> Iterator[OutputObject]:
    for server in _found(invocation):
        yield transport_service_output(invocation.organisation, server)


_DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)

CMDLETS = (
    CmdletDefinition(
        "Get-ExchangeServer",
        TASKS + "GetExchangeServer",
        (
            Parameter("Identity", conversion.text, sets=("Identity",), position=1),
            Parameter("Domain", conversion.domain_name, sets=("Domain",)),
            Parameter("Status", conversion.switch),
            _DOMAIN_CONTROLLER,
        ),
        _get_exchange_server,
        default_set="Identity",
    ),
    CmdletDefinition(
        "Get-TransportService",
        TASKS + "GetTransportService",
        (Parameter("Identity", conversion.text, position=1), _DOMAIN_CONTROLLER),
        _get_transport_service,
    ),
)
