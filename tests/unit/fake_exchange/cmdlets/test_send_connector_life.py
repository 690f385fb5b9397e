# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Are Send connectors made, routed, held to their limits and removed as documented?"""

from __future__ import annotations

from typing import Any

import pytest

from fake_exchange.cmdlets.registry import Credential, SecureText
from fake_exchange.organisation.model import Organisation, SendConnector
from support.cmdlet_shell import Outcome, Prompted, Shell

LOGON = Credential("CONTOSO\\relay", SecureText("very secret"))


def new(shell: Shell, **parameters: Any) -> Outcome:
    parameters = {"Name": "Partner", "AddressSpaces": "fabrikam.test", **parameters}
    given = {name: value for name, value in parameters.items() if value is not None}
    return shell.run(("New-SendConnector", given))


def change(shell: Shell, **parameters: Any) -> Outcome:
    return shell.run(("Set-SendConnector", {"Identity": "Partner", **parameters}))


def shown(shell: Shell) -> dict[str, str]:
    """The connector as texts."""
    (row,) = shell.run(("Get-SendConnector", {"Identity": "Partner"})).succeeded().rows
    return {
        name: ", ".join(str(item) for item in value)
        if isinstance(value, list)
        else value.PSObject.to_string
        if hasattr(value, "PSObject")
        else str(value)
        for name, value in row.items()
    }


def partner(organisation: Organisation) -> SendConnector:
    found = organisation.send_connector("Partner")
    assert found is not None
    return found


# Made -------------------------------------------------------------------------------------------


def test_a_new_connector_sends_by_dns_from_where_it_was_made(
    shell: Shell, organisation: Organisation
) -> None:
    (row,) = new(shell).succeeded().rows
    assert row["Name"] == "Partner"
    after = shown(shell)
    assert after["AddressSpaces"] == "SMTP:fabrikam.test;1"
    assert (after["SourceTransportServers"], after["DNSRoutingEnabled"]) == ("EX01", "True")
    assert (after["Port"], after["MaxMessageSize"]) == ("25", "35 MB (36,700,160 bytes)")
    (entry,) = organisation.journal.as_dict()["changes"]  # type: ignore[misc]
    assert (entry["what"], entry["detail"]) == ("New-SendConnector", "Partner")


def test_a_smart_host_switches_dns_off(shell: Shell) -> None:
    new(shell, SmartHosts=["mail.fabrikam.test", "10.0.0.1"]).succeeded()
    after = shown(shell)
    assert (after["SmartHosts"], after["DNSRoutingEnabled"]) == (
        "mail.fabrikam.test, [10.0.0.1]",
        "False",
    )


@pytest.mark.parametrize("as_switch", [False, True])
def test_a_usage_type_decides_what_is_not_said(shell: Shell, as_switch: bool) -> None:
    new(shell, **({"Partner": True} if as_switch else {"Usage": "Partner"})).succeeded()
    assert shown(shell)["DomainSecureEnabled"] == "True"


def test_internal_needs_a_smart_host_and_logs_on_as_exchange(shell: Shell) -> None:
    assert "SmartHosts parameter" in new(shell, Usage="Internal").error.message
    new(shell, Usage="Internal", SmartHosts="ex9.contoso.test").succeeded()
    assert shown(shell)["SmartHostAuthMechanism"] == "ExchangeServer"


def test_two_usage_types_are_one_too_many(shell: Shell) -> None:
    failure = new(shell, Internet=True, Usage="Custom").failure
    assert failure is not None
    assert failure.error_id.startswith("AmbiguousParameterSet,")


def test_address_spaces_are_needed_and_names_unique(shell: Shell) -> None:
    failure = new(shell, AddressSpaces=None).failure
    assert failure is not None
    assert failure.error_id.startswith("MissingMandatoryParameter,")
    error = new(shell, Name="OUTBOUND").error
    assert error.category_reason == "ADObjectAlreadyExistsException"


def test_what_if_makes_nothing(shell: Shell, organisation: Organisation) -> None:
    assert new(shell, WhatIf=True).succeeded().fragments == []
    assert organisation.send_connector("Partner") is None


# Settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "same",
    ["contoso.com", "SMTP:contoso.com", "contoso.com;1", "smtp:CONTOSO.com;1"],
)
def test_address_spaces_are_compared_by_meaning(shell: Shell, same: str) -> None:
    new(shell, AddressSpaces="SMTP:contoso.com;1").succeeded()
    assert "no settings" in change(shell, AddressSpaces=[same]).succeeded().warnings[0]


@pytest.mark.parametrize("wrong", ["*contoso.com", "contoso.com;0", "contoso.com;101", "SMTP:;1"])
def test_address_spaces_have_a_form(shell: Shell, wrong: str) -> None:
    failure = new(shell, AddressSpaces=wrong).failure
    assert failure is not None
    assert "AddressSpace" in failure.message


ROUTING_REFUSALS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"SmartHosts": "a.test"}, "DNSRoutingEnabled parameter must be set to $false"),
    ({}, {"DNSRoutingEnabled": False}, "SmartHosts parameter must be specified"),
    ({"SmartHosts": "a.test"}, {"SmartHosts": None}, "SmartHosts parameter must be specified"),
    ({"SmartHosts": "a.test"}, {"DNSRoutingEnabled": False}, "on the same command line"),
    ({"SmartHosts": "a.test"}, {"DNSRoutingEnabled": True}, "must be set to $false"),
    ({}, {"AddressSpaces": "X400:c=de;1"}, "isn't an SMTP address space"),
    ({}, {"SmartHostAuthMechanism": "ExchangeServer"}, "smart host is configured"),
    (
        {"SmartHosts": "a.test"},
        {"SmartHostAuthMechanism": "BasicAuthRequireTLS"},
        "AuthenticationCredential parameter must be specified",
    ),
    ({}, {"SourceIPAddress": "10.0.0.1"}, "Edge Transport server"),
    ({}, {"SourceTransportServers": None}, "at least one server"),
    ({}, {"SourceTransportServers": "EX77"}, '"EX77" was not found'),
    ({}, {"AddressSpaces": None}, "at least one address space"),
    ({}, {"Name": "Outbound"}, "already exists"),
]


@pytest.mark.parametrize(("made_with", "given", "message"), ROUTING_REFUSALS)
def test_settings_that_exclude_each_other(
    shell: Shell, made_with: dict[str, Any], given: dict[str, Any], message: str
) -> None:
    new(shell, **made_with).succeeded()
    before = shown(shell)
    assert message in change(shell, **given).error.message
    assert shown(shell) == before


def test_from_smart_host_to_dns_and_back(shell: Shell) -> None:
    new(shell, SmartHosts="a.test").succeeded()
    change(shell, SmartHosts=None, DNSRoutingEnabled=True).succeeded()
    assert shown(shell)["SmartHosts"] == ""
    change(shell, SmartHosts="b.test", DNSRoutingEnabled=False).succeeded()
    assert shown(shell)["SmartHostsString"] == "b.test"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Port", 65_536),
        ("ConnectionInactivityTimeOut", "1.00:00:01"),
        ("MaxMessageSize", "2GB"),
        ("SmtpMaxMessagesPerConnection", -1),
    ],
)
def test_values_have_limits(shell: Shell, name: str, value: Any) -> None:
    new(shell).succeeded()
    assert f"property {name} isn't between" in change(shell, **{name: value}).error.message


#: Everything that a connector has beside what the other tests look at.
EVERYTHING: dict[str, tuple[Any, str]] = {
    "AddressSpaces": (["*.fabrikam.test;5", "fax:x"], "SMTP:*.fabrikam.test;5, fax:x;1"),
    "AuthenticationCredential": (LOGON, "System.Management.Automation.PSCredential"),
    "CloudServicesMailEnabled": (True, "True"),
    "Comment": ("words", "words"),
    "ConnectionInactivityTimeOut": ("00:15:00", "00:15:00"),
    "ConnectorType": ("XPremises", "XPremises"),
    "DNSRoutingEnabled": (False, "False"),
    "Enabled": (False, "False"),
    "ErrorPolicies": (
        "UpgradeCustomFailures, DowngradeDnsFailures",
        "DowngradeDnsFailures, UpgradeCustomFailures",
    ),
    "ForceHELO": (True, "True"),
    "Fqdn": ("mail.contoso.test", "mail.contoso.test"),
    "FrontendProxyEnabled": (True, "True"),
    "IsScopedConnector": (True, "True"),
    "MaxMessageSize": ("Unlimited", "Unlimited"),
    "Port": (2525, "2525"),
    "ProtocolLoggingLevel": ("Verbose", "Verbose"),
    "RequireOorg": (True, "True"),
    "RequireTLS": (True, "True"),
    "SmartHostAuthMechanism": ("BasicAuthRequireTLS", "BasicAuthRequireTLS"),
    "SmartHosts": (["mail.fabrikam.test", "[10.0.0.1]"], "mail.fabrikam.test, [10.0.0.1]"),
    "SmtpMaxMessagesPerConnection": (7, "7"),
    "SourceTransportServers": (["ex02.contoso.test", "EX01"], "EX02, EX01"),
    "TlsAuthLevel": ("DomainValidation", "DomainValidation"),
    "TlsCertificateName": ("<I>CN=a<S>CN=b.test", "<I>CN=a<S>CN=b.test"),
    "TlsDomain": ("*.fabrikam.test", "*.fabrikam.test"),
    "UseExternalDNSServersEnabled": (True, "True"),
}


def test_every_property_is_set_shown_and_the_same_when_set_again(
    shell: Shell, organisation: Organisation
) -> None:
    new(shell).succeeded()
    given = {name: value for name, (value, _) in EVERYTHING.items()}
    assert change(shell, **given, Force=True).succeeded().warnings == []
    after = shown(shell)
    assert {name: after[name] for name in EVERYTHING} == {
        name: text for name, (_, text) in EVERYTHING.items()
    }
    (warning,) = change(shell, **given).succeeded().warnings
    assert "no settings of 'Partner' have been modified" in warning


def test_error_policies_are_flags(shell: Shell) -> None:
    new(shell, ErrorPolicies="UpgradeCustomFailures, DowngradeDnsFailures").succeeded()
    (row,) = shell.run(("Get-SendConnector", {"Identity": "Partner"})).rows
    assert int(row["ErrorPolicies"]) == 5
    change(shell, ErrorPolicies="Default").succeeded()
    assert shown(shell)["ErrorPolicies"] == "Default"


def test_a_credential_is_kept_without_its_password(
    shell: Shell, organisation: Organisation
) -> None:
    new(
        shell,
        SmartHosts="a.test",
        SmartHostAuthMechanism="BasicAuth",
        AuthenticationCredential=LOGON,
    ).succeeded()
    outcome = shell.run(("Get-SendConnector", {"Identity": "Partner"})).succeeded()
    (row,) = outcome.rows
    assert row["AuthenticationCredential"].UserName == "CONTOSO\\relay"
    everywhere = f"{outcome.fragments} {organisation.cmdlet_log.calls()} {partner(organisation)}"
    assert "very secret" not in everywhere


def test_a_name_alone_is_no_credential(shell: Shell) -> None:
    failure = new(shell, AuthenticationCredential="CONTOSO\\relay").failure
    assert failure is not None
    assert failure.error_id.startswith("ParameterArgumentTransformationError,")


# Removed ----------------------------------------------------------------------------------------


def test_removal_asks_and_removes(shell: Shell, organisation: Organisation) -> None:
    new(shell).succeeded()
    shell.host = Prompted(2)
    shell.run(("Remove-SendConnector", {"Identity": "Partner"})).succeeded()
    assert organisation.send_connector("Partner") is not None
    guid = str(partner(organisation).Guid)
    shell.run(("Remove-SendConnector", {"Identity": guid, "Confirm": False})).succeeded()
    assert organisation.send_connector("Partner") is None
    gone = shell.run(("Remove-SendConnector", {"Identity": "Partner", "Confirm": False}))
    assert "couldn't be found" in gone.error.message
