# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Are Receive connectors made, changed within their limits, kept apart from each other and removed
as documented?"""

from __future__ import annotations

from typing import Any

import pytest

from fake_exchange.organisation.model import Organisation, ReceiveConnector, Server
from support.cmdlet_shell import Outcome, Prompted, Shell

RELAY = "EX01\\Relay"
YES, NO = 0, 2


def new(shell: Shell, **parameters: Any) -> Outcome:
    """A connector for the frontend, shared with the default one by its remote range."""
    parameters = {
        "Name": "Relay",
        "Usage": "Custom",
        "TransportRole": "FrontendTransport",
        "Bindings": "0.0.0.0:25",
        "RemoteIPRanges": "192.168.7.0/24",
        **parameters,
    }
    given = {name: value for name, value in parameters.items() if value is not None}
    return shell.run(("New-ReceiveConnector", given))


def change(shell: Shell, identity: str = RELAY, **parameters: Any) -> Outcome:
    return shell.run(("Set-ReceiveConnector", {"Identity": identity, **parameters}))


def shown(shell: Shell, identity: str = RELAY) -> dict[str, str]:
    """The connector as texts."""
    outcome = shell.run(("Get-ReceiveConnector", {"Identity": identity})).succeeded()
    (row,) = outcome.rows
    return {
        name: value.PSObject.to_string
        if hasattr(value, "PSObject") and not isinstance(value, list)
        else ", ".join(str(item) for item in value)
        if isinstance(value, list)
        else str(value)
        for name, value in row.items()
    }


def relay(server: Server) -> ReceiveConnector:
    found = server.receive_connector("Relay")
    assert found is not None
    return found


# Made -------------------------------------------------------------------------------------------


def test_a_new_connector_comes_back_and_is_there(shell: Shell, organisation: Organisation) -> None:
    (row,) = new(shell, MaxMessageSize="50MB", Comment="printers").succeeded().rows
    assert row["Identity"].PSObject.to_string == RELAY
    after = shown(shell)
    assert (after["MaxMessageSize"], after["Comment"]) == ("50 MB (52,428,800 bytes)", "printers")
    assert (after["AuthMechanism"], after["PermissionGroups"]) == ("Tls", "None")
    assert (after["Fqdn"], after["ProtocolLoggingLevel"]) == ("ex01.contoso.test", "None")
    (entry,) = organisation.journal.as_dict()["changes"]  # type: ignore[misc]
    assert (entry["what"], entry["server"], entry["detail"]) == (
        "New-ReceiveConnector",
        "EX01",
        RELAY,
    )


def test_another_server_can_get_one(shell: Shell, organisation: Organisation) -> None:
    new(shell, Server="ex02.contoso.test").succeeded()
    assert organisation.servers["EX01"].receive_connector("Relay") is None
    assert shown(shell, "EX02\\Relay")["Fqdn"] == "ex02.contoso.test"


def test_an_edge_server_makes_its_own(shell: Shell, organisation: Organisation) -> None:
    organisation.servers["EX02"].ServerRole = "Edge"
    assert "only be created on that server" in new(shell, Server="EX02").error.message


def test_a_name_is_there_once_a_server(shell: Shell) -> None:
    new(shell).succeeded()
    error = new(shell, Name="relay", RemoteIPRanges="10.0.0.1").error
    assert error.category_reason == "ADObjectAlreadyExistsException"
    assert "already exists" in error.message
    new(shell, Server="EX02").succeeded()


def test_what_if_makes_nothing(shell: Shell, server: Server) -> None:
    assert new(shell, WhatIf=True).succeeded().fragments == []
    assert server.receive_connector("Relay") is None


USAGES: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("Custom", {}, "Tls", "None", "0.0.0.0:26"),
    ("Partner", {}, "Tls", "Partners", "0.0.0.0:26"),
    ("Internet", {"RemoteIPRanges": None}, "Tls", "AnonymousUsers", "0.0.0.0:26"),
]


@pytest.mark.parametrize("as_switch", [False, True])
@pytest.mark.parametrize(("usage", "given", "mechanism", "groups", "binding"), USAGES)
def test_a_usage_type_decides_what_is_not_said(
    shell: Shell,
    usage: str,
    given: dict[str, Any],
    mechanism: str,
    groups: str,
    binding: str,
    as_switch: bool,
) -> None:
    way = {"Usage": None, usage: True} if as_switch else {"Usage": usage}
    new(shell, **way, Bindings=binding, TransportRole=None, **given).succeeded()
    after = shown(shell)
    assert (after["AuthMechanism"], after["PermissionGroups"]) == (mechanism, groups)
    assert (after["Bindings"], after["TransportRole"]) == (binding, "HubTransport")


@pytest.mark.parametrize("usage", ["Client", "Internal"])
def test_client_and_internal_bring_their_binding(shell: Shell, server: Server, usage: str) -> None:
    server.receive_connectors.clear()
    new(shell, Usage=usage, Bindings=None).succeeded()
    assert relay(server).Bindings == ["0.0.0.0:587" if usage == "Client" else "0.0.0.0:25"]


WRONG_USAGES: list[tuple[dict[str, Any], str]] = [
    ({"Bindings": None}, "MissingMandatoryParameter"),
    ({"RemoteIPRanges": None}, "MissingMandatoryParameter"),
    ({"Usage": "Internal"}, "AmbiguousParameterSet"),
    ({"Usage": "Client"}, "AmbiguousParameterSet"),
    ({"Usage": "Internet"}, "AmbiguousParameterSet"),
    ({"Partner": True}, "AmbiguousParameterSet"),
    ({"Usage": "Nothing"}, "ParameterArgumentTransformationError"),
    ({"SmtpUtf8Enabled": False}, "NamedParameterNotFound"),
    ({"Bindings": "0.0.0.0:70000"}, "ParameterArgumentTransformationError"),
    ({"Bindings": "anywhere:25"}, "ParameterArgumentTransformationError"),
    ({"RemoteIPRanges": "10.0.0.9-10.0.0.1"}, "ParameterArgumentTransformationError"),
]


@pytest.mark.parametrize(("given", "error_id"), WRONG_USAGES)
def test_parameters_that_do_not_fit_are_refused_before_anything_happens(
    shell: Shell, server: Server, given: dict[str, Any], error_id: str
) -> None:
    failure = new(shell, **given).failure
    assert failure is not None
    assert failure.error_id.startswith(error_id + ",")
    assert server.receive_connector("Relay") is None


# Bindings ---------------------------------------------------------------------------------------


def test_the_same_binding_is_shared_if_one_range_lies_within_the_other(shell: Shell) -> None:
    new(shell).succeeded()
    new(shell, Name="One printer", RemoteIPRanges="192.168.7.9").succeeded()


CONFLICTS: list[tuple[dict[str, Any], str]] = [
    ({"RemoteIPRanges": "192.168.7.0-192.168.7.255"}, "Relay"),
    ({"RemoteIPRanges": ["10.0.0.1", "192.168.7.200-192.168.8.9"]}, "Relay"),
    ({"RemoteIPRanges": "0.0.0.0-255.255.255.255"}, "Default Frontend EX01"),
    ({"Bindings": "0.0.0.0:2525"}, "Default EX01"),
    ({"Bindings": "10.0.0.1:2525"}, "Default EX01"),
    ({"TransportRole": "HubTransport"}, "Default Frontend EX01"),
    ({"TransportRole": None}, "Default Frontend EX01"),
]


@pytest.mark.parametrize(("given", "other"), CONFLICTS)
def test_connectors_that_cannot_be_distinguished_are_refused(
    shell: Shell, given: dict[str, Any], other: str
) -> None:
    new(shell).succeeded()
    error = new(shell, Name="Second", **given).error
    assert error.message.startswith(
        "The values that you specified for the Bindings and RemoteIPRanges parameters conflict "
        f'with the settings on Receive connector "EX01\\{other}".'
    )
    assert error.category == "InvalidArgument"


def test_another_address_of_the_same_port_is_another_binding(shell: Shell) -> None:
    new(shell).succeeded()
    new(shell, Name="Second", Bindings="10.0.0.1:25").succeeded()


def test_a_change_is_held_to_the_same_rules(shell: Shell, server: Server) -> None:
    new(shell).succeeded()
    assert "conflict" in change(shell, RemoteIPRanges=["::-ffff::", "0.0.0.0/0"]).error.message
    assert "conflict" in change(shell, Bindings="0.0.0.0:465").error.message
    assert "at least one value" in change(shell, Bindings=None).error.message
    change(shell, RemoteIPRanges={"Add": "10.0.0.1"}).succeeded()
    assert relay(server).RemoteIPRanges == ["192.168.7.0/24", "10.0.0.1"]


# Settings ---------------------------------------------------------------------------------------

LIMITS = [
    ("MaxHopCount", 0, 501),
    ("MaxLocalHopCount", -1, 51),
    ("MaxLogonFailures", -1, 11),
    ("MaxInboundConnection", 0, None),
    ("MaxInboundConnectionPerSource", 0, 10_001),
    ("MaxInboundConnectionPercentagePerSource", 0, 101),
    ("MaxRecipientsPerMessage", 0, 512_001),
    ("MaxHeaderSize", 0, "2GB"),
    ("MaxMessageSize", "63KB", "2GB"),
    ("MessageRateLimit", 0, None),
    ("ConnectionTimeout", "00:00:00", "1.00:00:01"),
    ("ConnectionInactivityTimeout", "00:00:00", "1.00:00:01"),
    ("TarpitInterval", None, "00:10:01"),
]


@pytest.mark.parametrize(("name", "below", "above"), LIMITS)
def test_values_have_limits(shell: Shell, name: str, below: Any, above: Any) -> None:
    new(shell).succeeded()
    for value in (below, above):
        if value is not None:
            error = change(shell, **{name: value}).error
            assert error.exception_type == "Microsoft.Exchange.Data.DataValidationException"
            assert f"property {name} isn't between" in error.message


@pytest.mark.parametrize(
    "name", ["MaxInboundConnection", "MaxInboundConnectionPerSource", "MaxProtocolErrors"]
)
def test_some_may_be_unlimited(shell: Shell, name: str) -> None:
    new(shell, **{name: "unlimited"}).succeeded()
    assert shown(shell)[name] == "Unlimited"


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"PermissionGroups": "AnonymousUsers, Custom"}, "Custom of the PermissionGroups"),
    ({"ChunkingEnabled": False}, "ChunkingEnabled"),
    ({"LongAddressesEnabled": True}, "LongAddressesEnabled"),
    ({"Banner": "Welcome"}, "must start with 220"),
    ({"ConnectionTimeout": "00:05:00"}, "must be less than"),
    ({"DefaultDomain": "nowhere.test"}, "couldn't be found"),
    (
        {
            "AuthMechanism": "Tls, ExternalAuthoritative",
            "PermissionGroups": "ExchangeServers",
            "DomainSecureEnabled": True,
        },
        "doesn't contain ExternalAuthoritative",
    ),
    ({"Name": "x" * 65}, "maximum length"),
    ({"Name": "default ex01"}, "already exists"),
]


@pytest.mark.parametrize(("given", "message"), REFUSALS)
def test_settings_that_cannot_be(shell: Shell, given: dict[str, Any], message: str) -> None:
    new(shell).succeeded()
    before = shown(shell)
    assert message in change(shell, **given).error.message
    assert shown(shell) == before


#: Everything that a connector has beside what the other tests look at.
EVERYTHING: dict[str, tuple[Any, str]] = {
    "AcceptConsumerMail": (True, "True"),
    "AdvertiseClientSettings": (True, "True"),
    "AuthMechanism": (
        ["Tls", "BasicAuth", "BasicAuthRequireTLS"],
        "Tls, BasicAuth, BasicAuthRequireTLS",
    ),
    "AuthTarpitInterval": ("00:00:09", "00:00:09"),
    "Banner": ("220 hello", "220 hello"),
    "BareLinefeedRejectionEnabled": (True, "True"),
    "BinaryMimeEnabled": (False, "False"),
    "Bindings": (["0.0.0.0:2600", "[::]:2600"], "0.0.0.0:2600, [::]:2600"),
    "ChunkingEnabled": (False, "False"),
    "Comment": ("words", "words"),
    "ConnectionInactivityTimeout": ("00:01:00", "00:01:00"),
    "ConnectionTimeout": ("1.00:00:00", "1.00:00:00"),
    "DefaultDomain": ("contoso.test", "contoso.test"),
    "DeliveryStatusNotificationEnabled": (False, "False"),
    "DomainSecureEnabled": (True, "True"),
    "EightBitMimeEnabled": (False, "False"),
    "EnableAuthGSSAPI": (True, "True"),
    "Enabled": (False, "False"),
    "EnhancedStatusCodesEnabled": (False, "False"),
    "ExtendedProtectionPolicy": ("Allow", "Allow"),
    "Fqdn": ("relay.contoso.test", "relay.contoso.test"),
    "LongAddressesEnabled": (True, "True"),
    "MaxAcknowledgementDelay": ("00:00:10", "00:00:10"),
    "MaxHeaderSize": ("128KB", "128 KB (131,072 bytes)"),
    "MaxHopCount": (30, "30"),
    "MaxInboundConnection": (77, "77"),
    "MaxInboundConnectionPerSource": (7, "7"),
    "MaxInboundConnectionPercentagePerSource": (50, "50"),
    "MaxLocalHopCount": (8, "8"),
    "MaxLogonFailures": (4, "4"),
    "MaxMessageSize": ("10 MB", "10 MB (10,485,760 bytes)"),
    "MaxProtocolErrors": ("Unlimited", "Unlimited"),
    "MaxRecipientsPerMessage": (5000, "5000"),
    "MessageRateLimit": (600, "600"),
    "MessageRateSource": ("User", "User"),
    "OrarEnabled": (True, "True"),
    "PermissionGroups": ("ExchangeUsers, Partners", "ExchangeUsers, Partners"),
    "PipeliningEnabled": (False, "False"),
    "ProtocolLoggingLevel": ("Verbose", "Verbose"),
    "RejectReservedSecondLevelRecipientDomains": (True, "True"),
    "RejectReservedTopLevelRecipientDomains": (True, "True"),
    "RejectSingleLabelRecipientDomains": (True, "True"),
    "RemoteIPRanges": (["10.1.2.3", "10.0.0.0-10.0.0.9"], "10.1.2.3, 10.0.0.0-10.0.0.9"),
    "RequireEHLODomain": (True, "True"),
    "RequireTLS": (True, "True"),
    "ServiceDiscoveryFqdn": ("find.contoso.test", "find.contoso.test"),
    "SizeEnabled": ("EnabledWithoutValue", "EnabledWithoutValue"),
    "SmtpUtf8Enabled": (False, "False"),
    "SuppressXAnonymousTls": (True, "True"),
    "TarpitInterval": ("00:00:00", "00:00:00"),
    "TlsCertificateName": ("<I>CN=a<S>CN=b.test", "<I>CN=a<S>CN=b.test"),
    "TlsDomainCapabilities": (
        "mail.protection.outlook.com:AcceptCloudServicesMail",
        "mail.protection.outlook.com:AcceptCloudServicesMail",
    ),
    "TransportRole": ("HubTransport", "HubTransport"),
}


def test_every_property_is_set_shown_and_the_same_when_set_again(shell: Shell) -> None:
    new(shell).succeeded()
    given = {name: value for name, (value, _) in EVERYTHING.items()}
    assert change(shell, **given).succeeded().warnings == []
    after = shown(shell)
    assert {name: after[name] for name in EVERYTHING} == {
        name: text for name, (_, text) in EVERYTHING.items()
    }
    (warning,) = change(shell, **given).succeeded().warnings
    assert f"no settings of '{RELAY}' have been modified" in warning


def test_what_is_shown_can_be_set_again(shell: Shell) -> None:
    new(shell).succeeded()
    change(shell, **{name: value for name, (value, _) in EVERYTHING.items()}).succeeded()
    after = shown(shell)
    lists = ("Bindings", "RemoteIPRanges", "TlsDomainCapabilities")
    numbers = [name for name, (value, _) in EVERYTHING.items() if isinstance(value, (bool, int))]
    given: dict[str, Any] = {
        name: after[name].split(", ") if name in lists else after[name]
        for name in EVERYTHING
        if name not in numbers
    }
    assert "no settings" in change(shell, **given).succeeded().warnings[0]


def test_empty_texts_are_empty_and_names_null(shell: Shell, server: Server) -> None:
    new(shell, Comment="x", Banner="220 x", ServiceDiscoveryFqdn="a.test").succeeded()
    change(shell, Comment=None, Banner=None, ServiceDiscoveryFqdn=None, Fqdn=None).succeeded()
    (row,) = shell.run(("Get-ReceiveConnector", {"Identity": RELAY})).rows
    assert (row["Comment"], row["Banner"]) == ("", "")
    assert (row["ServiceDiscoveryFqdn"], row["Fqdn"]) == (None, None)


def test_renaming_changes_the_identity(shell: Shell, server: Server) -> None:
    new(shell).succeeded()
    change(shell, Name="Scanners").succeeded()
    assert shown(shell, "EX01\\Scanners")["Name"] == "Scanners"
    assert server.receive_connector("Relay") is None


# Removed ----------------------------------------------------------------------------------------


def test_removal_asks(shell: Shell, server: Server) -> None:
    new(shell).succeeded()
    shell.host = Prompted(NO)
    shell.run(("Remove-ReceiveConnector", {"Identity": RELAY})).succeeded()
    assert server.receive_connector("Relay") is not None
    assert "Relay" in shell.host.questions[0][1]
    shell.host = Prompted(YES)
    shell.run(("Remove-ReceiveConnector", {"Identity": RELAY})).succeeded()
    assert server.receive_connector("Relay") is None


def test_removal_without_question_and_of_nothing(shell: Shell, server: Server) -> None:
    new(shell).succeeded()
    quiet = {"Identity": relay(server).Guid.hex, "Confirm": False}
    assert "couldn't be found" in shell.run(("Remove-ReceiveConnector", quiet)).error.message
    quiet["Identity"] = str(relay(server).Guid)
    shell.run(("Remove-ReceiveConnector", quiet)).succeeded()
    assert server.receive_connector("Relay") is None
