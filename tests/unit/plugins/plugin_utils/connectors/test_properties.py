# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of properties: complete, held to the documentation, and true of whole connectors."""

from __future__ import annotations

import importlib
from collections import Counter
from typing import Any

import pytest
import yaml

from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors import properties as table
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    Connector,
    SendConnector,
    difference,
    receive_connector_of,
    send_connector_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from support import captures
from support.recording_session import remote

MODULES = {
    "exchange_send_connector": table.SEND_PROPERTIES,
    "exchange_receive_connector": table.RECEIVE_PROPERTIES,
    "exchange_receive_connector_tls": table.RECEIVE_TLS_PROPERTIES,
}
# What ExchangeDsc's resources manage (ExchSendConnector 36, ExchReceiveConnector 55 parameters),
# without those that are not a property of the connector or that Exchange 2010 alone had.
DSC_SEND = """
    AddressSpaces AuthenticationCredential Comment ConnectionInactivityTimeout ConnectorType
    DNSRoutingEnabled DomainSecureEnabled Enabled ErrorPolicies ForceHELO FrontendProxyEnabled Fqdn
    IgnoreSTARTTLS IsScopedConnector MaxMessageSize Port ProtocolLoggingLevel RequireTLS
    SmartHostAuthMechanism SmartHosts SmtpMaxMessagesPerConnection SourceIPAddress
    SourceTransportServers TlsAuthLevel TlsDomain UseExternalDNSServersEnabled TlsCertificateName
"""
DSC_RECEIVE = """
    AdvertiseClientSettings AuthMechanism AuthTarpitInterval Banner BareLinefeedRejectionEnabled
    BinaryMimeEnabled Bindings ChunkingEnabled Comment ConnectionInactivityTimeout
    ConnectionTimeout DefaultDomain DeliveryStatusNotificationEnabled DomainSecureEnabled
    EightBitMimeEnabled EnableAuthGSSAPI Enabled EnhancedStatusCodesEnabled ExtendedProtectionPolicy
    Fqdn LongAddressesEnabled MaxAcknowledgementDelay MaxHeaderSize MaxHopCount
    MaxInboundConnection MaxInboundConnectionPercentagePerSource MaxInboundConnectionPerSource
    MaxLocalHopCount MaxLogonFailures MaxMessageSize MaxProtocolErrors MaxRecipientsPerMessage
    MessageRateLimit MessageRateSource OrarEnabled PermissionGroups PipeliningEnabled
    ProtocolLoggingLevel RemoteIPRanges RequireEHLODomain RequireTLS ServiceDiscoveryFqdn
    SizeEnabled SuppressXAnonymousTls TarpitInterval TlsCertificateName TlsDomainCapabilities
    TransportRole
"""


@pytest.mark.parametrize(
    ("properties", "names"),
    [(table.SEND_PROPERTIES, DSC_SEND), (table.RECEIVE_PROPERTIES, DSC_RECEIVE)],
    ids=["send", "receive"],
)
def test_every_property_of_the_communitys_resources_is_there_once(
    properties: tuple[table.Property, ...], names: str
) -> None:
    rows = Counter(item.parameter.casefold() for item in properties)
    assert {name.casefold() for name in names.split()} <= set(rows)
    assert set(rows.values()) == {1}
    assert set(Counter(item.name for item in properties).values()) == {1}


@pytest.mark.parametrize("module", MODULES)
def test_options_results_and_the_table_agree(module: str) -> None:
    package = "ansible_collections.mailops.exchange.plugins"
    documentation = importlib.import_module(f"{package}.modules.{module}")
    options = yaml.safe_load(documentation.DOCUMENTATION)["options"]
    results = yaml.safe_load(documentation.RETURN)["connector"]["contains"]
    specification = importlib.import_module(f"{package}.action.{module}").ActionModule.ARGUMENT_SPEC

    for item in MODULES[module]:
        assert specification[item.name] == item.argument
        assert options[item.name]["type"] == item.argument["type"], item.name
        assert options[item.name].get("choices") == item.argument.get("choices"), item.name
        assert results[item.name]["type"] == item.kind.result, item.name
        assert f"C({item.parameter})" in str(options[item.name]["description"]), item.name
    assert set(results) == {"name", "identity", *(item.name for item in MODULES[module])}


def as_options(connector: Connector) -> dict[str, Any]:
    """Everything that a connector shows, as a task would give it."""
    shown = connector.to_result()
    return {
        item.name: shown[item.name] for item in connector.properties if shown[item.name] is not None
    }


@captures.needs_captures
def test_a_captured_send_connector_written_again_is_no_change() -> None:
    values = captures.read("send-connector/exlab-GetSendConnectorConfiguredToRelayToM365")
    assert values
    for value in values:
        connector = send_connector_of(value, whole=True)
        assert len(as_options(connector)) >= 22
        assert not difference(as_options(connector), connector)


@captures.needs_captures
def test_captured_receive_connectors_written_again_are_no_change() -> None:
    values = captures.read("receive-connector/exlab-GetReceiveConnector.first3")
    assert len(values) == 3
    for value in values:
        connector = receive_connector_of(value, whole=True)
        assert len(as_options(connector)) >= 45
        assert not difference(as_options(connector), connector)


def whole_send_connector(**properties: Any) -> SendConnector:
    """One in the shapes of the captured one."""
    shown: dict[str, Any] = {
        "Name": "Internet",
        "AddressSpaces": [RemoteObject(text="SMTP:*;1")],
        "ConnectionInactivityTimeOut": RemoteObject(text="00:10:00"),
        "DNSRoutingEnabled": True,
        "Enabled": True,
        "MaxMessageSize": RemoteObject(text="35 MB (36,700,160 bytes)"),
        "Port": 25,
        "SmartHosts": [],
        "SourceTransportServers": [RemoteObject(text="EX01"), RemoteObject(text="EX02")],
        "AuthenticationCredential": RemoteObject(properties={"UserName": "relay"}),
        **properties,
    }
    return send_connector_of(remote(**shown), whole=True)


@pytest.mark.parametrize(
    ("desired", "sent"),
    [
        ({"address_spaces": ["*"]}, {}),
        ({"max_message_size": "36700160"}, {}),
        ({"source_transport_servers": ["ex02.contoso.test", "EX01"]}, {}),
        ({"connection_inactivity_timeout": "0:10"}, {}),
        ({"authentication_user": "Relay"}, {}),
        ({"max_message_size": "Unlimited"}, {"MaxMessageSize": "Unlimited"}),
        ({"port": 2525, "enabled": True}, {"Port": 2525}),
        ({"comment": "x"}, {"Comment": "x"}),
        ({"error_policies": ["Default"]}, {}),
        (
            {"smart_hosts": ["relay.test"], "dns_routing_enabled": False},
            {"SmartHosts": ["relay.test"], "DNSRoutingEnabled": False},
        ),
    ],
)
def test_what_differs_is_sent(desired: dict[str, Any], sent: dict[str, Any]) -> None:
    change = difference(desired, whole_send_connector())
    assert dict(change.parameters) == sent
    assert set(change.changed) == (set(desired) - {"enabled"} if sent else set())


def test_routing_by_smart_host_names_the_hosts_in_the_same_call() -> None:
    connector = whole_send_connector(
        DNSRoutingEnabled=False, SmartHosts=[RemoteObject(text="relay.test")]
    )
    change = difference({"dns_routing_enabled": True, "smart_hosts": []}, connector)
    assert dict(change.parameters) == {"DNSRoutingEnabled": True, "SmartHosts": None}


@pytest.mark.parametrize(
    ("desired", "reason"),
    [
        ({"smart_hosts": ["relay.test"]}, "dns_routing_enabled: false"),
        ({"dns_routing_enabled": False}, "smart_hosts"),
        ({"address_spaces": []}, "at least one address space"),
        ({"source_transport_servers": []}, "at least one server"),
        ({"smart_host_auth_mechanism": "BasicAuth"}, "for smart hosts"),
        ({"max_message_size": "big"}, "max_message_size: 'big' is no size"),
        ({"connection_inactivity_timeout": "10 minutes"}, "hh:mm:ss"),
        ({"domain_secure_enabled": True, "ignore_starttls": True}, "DomainSecureEnabled"),
    ],
)
def test_what_exchange_would_refuse_is_refused_before(desired: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        difference(desired, whole_send_connector())
