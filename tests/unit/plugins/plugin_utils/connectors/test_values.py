# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of connectors are compared by meaning, and what was read can be written unchanged."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors import values as kinds
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from support import captures

GROUPS = kinds.flags("AnonymousUsers", "ExchangeUsers", "ExchangeServers", ignored=("Custom",))
MECHANISMS = kinds.flags("Tls", "Integrated", "BasicAuth", "BasicAuthRequireTLS", "ExchangeServer")
LEVEL = kinds.choice("EncryptionOnly", "DomainValidation", clears="none")
UNLIMITED_SIZE = kinds.Size(limited=True)
NAME = "<I>CN=Contoso CA, C=US<S>CN=mail.contoso.com"


@pytest.mark.parametrize(
    ("kind", "wanted", "actual"),
    [
        (kinds.Kind(), "", None),
        (kinds.Kind(), "MAIL.contoso.com", "mail.contoso.com"),
        (kinds.ExactText(), "", None),
        (kinds.LimitedNumber(), "unlimited", "Unlimited"),
        (kinds.LimitedNumber(), "05000", "5000"),
        (kinds.Size(), "36MB", "36 MB (37,748,736 bytes)"),
        (kinds.Size(), "37748736", "36 MB (37.748.736 bytes)"),
        (kinds.Size(), "1.5 kb", "1536 B"),
        (UNLIMITED_SIZE, "UNLIMITED", "Unlimited"),
        (kinds.TimeSpan(), "0:10", "00:10:00"),
        (kinds.TimeSpan(), "1.00:00:00", "24:00:00"),
        (LEVEL, "none", None),
        (LEVEL, "domainvalidation", "DomainValidation"),
        (GROUPS, ["ExchangeUsers"], ["Custom", "exchangeusers"]),
        (GROUPS, ["None"], []),
        (MECHANISMS, ["BasicAuth", "Tls"], "Tls, BasicAuth"),
        (kinds.AddressSpaces(), ["contoso.com"], ["SMTP:contoso.com;1"]),
        (kinds.AddressSpaces(), ["b.test;5", "a.test"], ["smtp:A.test;1", "smtp:b.test;5"]),
        (kinds.AddressSpaces(), ["X400:c=US;a= ;p=Contoso;2"], ["x400:C=us;A= ;P=contoso;2"]),
        (kinds.SmartHosts(), ["[192.0.2.1]", "Relay.test"], ["relay.test", "192.0.2.1"]),
        (kinds.Servers(), ["ex01.contoso.test"], ["EX01"]),
        (kinds.IPBindings(), ["[0:0::0]:25", "0.0.0.0:25"], ["0.0.0.0:25", "[::]:25"]),
        (kinds.IPRanges(), ["192.0.2.0/24"], ["192.0.2.0-192.0.2.255"]),
        (kinds.IPRanges(), ["192.0.2.0(255.255.255.0)"], ["192.0.2.0/24"]),
        (kinds.IPRanges(), ["192.0.2.7"], ["192.0.2.7-192.0.2.7"]),
        (kinds.Address(), "", "0.0.0.0"),
        (kinds.DomainCapabilities(), ["A.test:Two,One"], ["a.test:One, Two"]),
        (kinds.CertificateName(), f" {NAME.lower()} ", NAME),
        (kinds.CertificateName(), "", None),
    ],
)
def test_values_that_mean_the_same(kind: kinds.Kind, wanted: Any, actual: Any) -> None:
    assert kind.same(kind.normalize(wanted), actual)


@pytest.mark.parametrize(
    ("kind", "wanted", "actual"),
    [
        (kinds.ExactText(), "Relay", "relay"),
        (kinds.Boolean(), False, True),
        (kinds.LimitedNumber(), "5", "Unlimited"),
        (kinds.Size(), "36 MB", "35 MB (36,700,160 bytes)"),
        (UNLIMITED_SIZE, "35 MB", "Unlimited"),
        (kinds.TimeSpan(), "00:10:00", "00:10:01"),
        (GROUPS, ["ExchangeUsers"], ["ExchangeUsers", "ExchangeServers"]),
        (kinds.AddressSpaces(), ["contoso.com"], ["SMTP:contoso.com;2"]),
        (kinds.AddressSpaces(), ["a.test"], ["smtp:a.test;1", "smtp:a.test;1"]),
        (kinds.IPBindings(), ["0.0.0.0:25"], ["[::]:25"]),
        (kinds.IPRanges(), ["192.0.2.0/25"], ["192.0.2.0/24"]),
        # Closing tags were stored, and Exchange finds nothing by them.
        (kinds.CertificateName(), NAME, "<I>CN=Contoso CA, C=US</I><S>CN=mail.contoso.com</S>"),
    ],
)
def test_values_that_differ(kind: kinds.Kind, wanted: Any, actual: Any) -> None:
    assert not kind.same(kind.normalize(wanted), actual)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (kinds.Number(), -1, "number"),
        (kinds.LimitedNumber(), "many", "neither a number nor Unlimited"),
        (kinds.Size(), "Unlimited", "no size"),
        (UNLIMITED_SIZE, "big", "or Unlimited"),
        (kinds.TimeSpan(), "ten minutes", "hh:mm:ss"),
        (kinds.TimeSpan(), "00:61:00", "hh:mm:ss"),
        (MECHANISMS, ["None", "Tls"], "None stands alone"),
        (kinds.AddressSpaces(), ["SMTP:;1"], "no address space"),
        (kinds.IPBindings(), ["0.0.0.0"], "no binding"),
        (kinds.IPRanges(), ["192.0.2.9-192.0.2.1"], "ends before it begins"),
        (kinds.IPRanges(), ["192.0.2.1-::1"], "ends before it begins"),
        (kinds.IPRanges(), ["relay.test"], "no IP range"),
        (kinds.Address(), "localhost", "no IP address"),
    ],
)
def test_values_that_exchange_would_not_understand(
    kind: kinds.Kind, value: Any, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        kind.normalize(value)


@pytest.mark.parametrize(
    ("kind", "value", "sent"),
    [
        (kinds.Kind(), "", None),
        (kinds.ExactText(), "", ""),
        (kinds.Size(), "36 MB", "37748736 B"),
        (UNLIMITED_SIZE, "unlimited", "Unlimited"),
        (kinds.TimeSpan(), "0:10", "00:10:00"),
        (GROUPS, ["Custom", "exchangeservers", "ExchangeUsers"], "ExchangeUsers, ExchangeServers"),
        (GROUPS, [], "None"),
        (kinds.TextList(), [], None),
        (LEVEL, "none", None),
    ],
)
def test_what_the_cmdlet_is_sent(kind: kinds.Kind, value: Any, sent: Any) -> None:
    assert kind.parameter(kind.normalize(value)) == sent


SEND = {
    "AddressSpaces": kinds.AddressSpaces(),
    "SmartHosts": kinds.SmartHosts(),
    "SourceTransportServers": kinds.Servers(),
    "SourceIPAddress": kinds.Address(),
    "ConnectionInactivityTimeOut": kinds.TimeSpan(),
    "MaxMessageSize": UNLIMITED_SIZE,
    "TlsAuthLevel": kinds.choice("EncryptionOnly", "CertificateValidation", clears="none"),
    "Fqdn": kinds.Kind(),
    "Port": kinds.Number(),
    "Comment": kinds.ExactText(),
    "RequireTLS": kinds.Boolean(),
    "TlsCertificateName": kinds.CertificateName(),
}
RECEIVE = {
    "AuthMechanism": MECHANISMS,
    "PermissionGroups": GROUPS,
    "Bindings": kinds.IPBindings(),
    "RemoteIPRanges": kinds.IPRanges(),
    "MaxInboundConnection": kinds.LimitedNumber(),
    "MaxInboundConnectionPerSource": kinds.LimitedNumber(),
    "MaxHeaderSize": kinds.Size(),
    "MaxMessageSize": kinds.Size(),
    "ConnectionTimeout": kinds.TimeSpan(),
    "TarpitInterval": kinds.TimeSpan(),
    "TlsDomainCapabilities": kinds.DomainCapabilities(),
    "TlsCertificateName": kinds.CertificateName(),
    "MaxHopCount": kinds.Number(),
    "ServiceDiscoveryFqdn": kinds.Kind(),
}


@captures.needs_captures
@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("send-connector/exlab-GetSendConnectorConfiguredToRelayToM365", SEND),
        ("receive-connector/exlab-GetReceiveConnector.first3", RECEIVE),
    ],
    ids=["send", "receive"],
)
def test_a_captured_value_written_again_is_no_change(
    file: str, table: dict[str, kinds.Kind]
) -> None:
    objects = captures.read(file)
    assert objects
    for value in objects:
        for name, kind in table.items():
            assert value.has(name), name
            shown: Any = kind.read(value.get(name))
            if shown is None:
                shown = "" if kind.argument["type"] == "str" else None
            assert kind.same(kind.normalize(shown), kind.read(value.get(name))), (name, shown)
