# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the connector and hybrid cmdlets behave as documented? Settings, the rules between them,
identities, and what is stored."""

from __future__ import annotations

from typing import Any

import pytest

from fake_exchange.organisation.model import Organisation, ReceiveConnector, SendConnector, Server
from support.cmdlet_shell import Outcome, Shell

NAME = "<I>CN=Test Root<S>CN=mail.contoso.test"
FRONTEND = "EX01\\Default Frontend EX01"


@pytest.fixture
def outbound(organisation: Organisation) -> SendConnector:
    return organisation.send_connectors[0]


@pytest.fixture
def frontend(server: Server) -> ReceiveConnector:
    connector = server.receive_connector("Default Frontend EX01")
    assert connector is not None
    return connector


def set_send(shell: Shell, **parameters: Any) -> Outcome:
    return shell.run(("Set-SendConnector", {"Identity": "Outbound", **parameters}))


def set_receive(shell: Shell, **parameters: Any) -> Outcome:
    return shell.run(("Set-ReceiveConnector", {"Identity": FRONTEND, **parameters}))


# What is stored ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (NAME, NAME),
        ("<i>CN=Test Root<s>CN=mail.contoso.test", NAME),
        (None, None),
        ("", None),
    ],
)
def test_tls_certificate_name_is_stored_with_capital_tags_and_can_be_cleared(
    shell: Shell,
    outbound: SendConnector,
    frontend: ReceiveConnector,
    given: str | None,
    stored: str | None,
) -> None:
    outbound.TlsCertificateName = frontend.TlsCertificateName = "<I>CN=a<S>CN=b.test"
    set_send(shell, TlsCertificateName=given).succeeded()
    set_receive(shell, TlsCertificateName=given).succeeded()
    assert (outbound.TlsCertificateName, frontend.TlsCertificateName) == (stored, stored)


@pytest.mark.parametrize("command", [set_send, set_receive])
def test_a_malformed_name_is_refused_by_default(shell: Shell, command: Any) -> None:
    outcome = command(shell, TlsCertificateName="CN=mail.contoso.test")
    assert outcome.failure is not None
    assert outcome.failure.error_id.startswith("ParameterArgumentTransformationError,")


def test_a_malformed_name_is_stored_where_that_is_switched_on(
    shell: Shell, organisation: Organisation, outbound: SendConnector
) -> None:
    organisation.behavior.refuse_malformed_tls_certificate_name = False
    set_send(shell, TlsCertificateName="CN=mail.contoso.test").succeeded()
    assert outbound.TlsCertificateName == "CN=mail.contoso.test"


def test_a_malformed_name_in_the_store_is_shown_as_it_is(
    shell: Shell, outbound: SendConnector
) -> None:
    outbound.TlsCertificateName = " <i>CN=Root</i> <s>CN=mail.test</s>"
    (row,) = shell.run("Get-SendConnector").succeeded().rows
    shown = row["TlsCertificateName"].PSObject.to_string
    assert shown == " <i>CN=Root</i> <s>CN=mail.test</s>"


@pytest.mark.parametrize("command", [set_send, set_receive])
def test_an_unknown_name_is_accepted_unless_switched(
    shell: Shell, organisation: Organisation, command: Any
) -> None:
    command(shell, TlsCertificateName=NAME).succeeded()
    organisation.behavior.refuse_unknown_tls_certificate_name = True
    error = command(shell, TlsCertificateName="<I>CN=x<S>CN=nowhere.test").error
    assert "could not be found" in error.message
    command(shell, TlsCertificateName="<I>CN=EX01<S>CN=EX01").succeeded()


@pytest.mark.parametrize(("command", "identity"), [(set_send, "Outbound"), (set_receive, FRONTEND)])
def test_setting_what_is_set_already_warns(shell: Shell, command: Any, identity: str) -> None:
    command(shell, TlsCertificateName=NAME).succeeded()
    outcome = command(shell, TlsCertificateName=NAME).succeeded()
    assert outcome.warnings == [
        f"The command completed successfully but no settings of '{identity}' have been modified."
    ]
    assert set_send(shell, Comment="something new").succeeded().warnings == []


def test_lists_are_replaced_or_changed(shell: Shell, outbound: SendConnector) -> None:
    set_send(shell, SmartHosts=["a.test", "b.test"]).succeeded()
    assert outbound.SmartHosts == ["a.test", "b.test"]
    set_send(shell, SmartHosts={"Add": "c.test", "Remove": ["A.test"]}).succeeded()
    assert outbound.SmartHosts == ["b.test", "c.test"]


def test_domain_capabilities_take_several_names(shell: Shell, frontend: ReceiveConnector) -> None:
    set_receive(
        shell, TlsDomainCapabilities="mail.protection.outlook.com:acceptcloudservicesmail"
    ).succeeded()
    assert frontend.TlsDomainCapabilities == ["mail.protection.outlook.com:AcceptCloudServicesMail"]
    outcome = set_receive(shell, TlsDomainCapabilities="a.test:NoSuchCapability")
    assert outcome.failure is not None


@pytest.mark.parametrize(
    ("value", "mechanisms"),
    [
        ("Tls, ExchangeServer", ["Tls", "ExchangeServer"]),
        (["exchangeserver", "TLS"], ["Tls", "ExchangeServer"]),
        (17, ["Tls", "ExchangeServer"]),
        ("None", []),
    ],
)
def test_flags_are_taken_as_text_list_or_number(
    shell: Shell, frontend: ReceiveConnector, value: object, mechanisms: list[str]
) -> None:
    set_receive(shell, AuthMechanism=value).succeeded()
    assert frontend.AuthMechanism == mechanisms


def test_rare_settings_are_kept_too(shell: Shell, frontend: ReceiveConnector) -> None:
    set_receive(shell, MaxMessageSize="50MB", TarpitInterval="00:00:10").succeeded()
    (row,) = shell.run(("Get-ReceiveConnector", {"Identity": FRONTEND})).succeeded().rows
    assert row["MaxMessageSize"].PSObject.to_string == "50 MB (52,428,800 bytes)"
    assert row["TarpitInterval"].PSObject.to_string == "00:00:10"


# Rules -------------------------------------------------------------------------------------------

SEND_REFUSALS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        {"RequireTLS": True},
        {"TlsDomain": "a.test"},
        "The TLSDomain parameter can only be set if the TLSAuthLevel parameter is set to "
        "DomainValidation.",
    ),
    (
        {"RequireTLS": True},
        {"TlsAuthLevel": "CertificateValidation", "TlsDomain": "a.test"},
        "The TLSDomain parameter can only be set",
    ),
    ({}, {"TlsAuthLevel": "EncryptionOnly"}, "RequireTLS parameter is set to $true"),
    ({"RequireTLS": True}, {"IgnoreSTARTTLS": True}, "IgnoreSTARTTLS"),
    (
        {"RequireTLS": True, "TlsAuthLevel": "EncryptionOnly"},
        {"RequireTLS": False},
        "RequireTLS parameter is set to $true",
    ),
    (
        {"RequireTLS": True, "DNSRoutingEnabled": False},
        {"TlsAuthLevel": "DomainValidation"},
        "The TLSDomain parameter must be set",
    ),
    ({"DNSRoutingEnabled": False}, {"DomainSecureEnabled": True}, "DNSRoutingEnabled"),
]


@pytest.mark.parametrize(("before", "given", "message"), SEND_REFUSALS)
def test_send_connector_settings_that_exclude_each_other(
    shell: Shell,
    outbound: SendConnector,
    before: dict[str, Any],
    given: dict[str, Any],
    message: str,
) -> None:
    for name, value in before.items():
        setattr(outbound, name, value)
    changed = outbound.WhenChanged
    error = set_send(shell, **given).error
    assert message in error.message
    assert error.error_id.endswith(
        ",Microsoft.Exchange.Management.SystemConfigurationTasks.SetSendConnector"
    )
    assert outbound.WhenChanged == changed


def test_dependent_send_settings_go_together(shell: Shell, outbound: SendConnector) -> None:
    set_send(
        shell,
        RequireTLS=True,
        TlsAuthLevel="DomainValidation",
        TlsDomain="mail.protection.outlook.com",
        TlsCertificateName=NAME,
        CloudServicesMailEnabled=True,
    ).succeeded()
    assert (outbound.TlsAuthLevel, outbound.TlsDomain) == (
        "DomainValidation",
        "mail.protection.outlook.com",
    )
    set_send(shell, TlsAuthLevel=None, TlsDomain=None).succeeded()
    assert outbound.TlsAuthLevel is None


def test_require_tls_with_a_certificate_name_is_a_switch(
    shell: Shell, organisation: Organisation
) -> None:
    organisation.behavior.require_tls_with_tls_certificate_name = True
    assert set_send(shell, TlsCertificateName=NAME).error.message == (
        "RequiredTls flag should be set to true if TlsCertificateName is specified."
    )
    set_send(shell, TlsCertificateName=NAME, RequireTLS=True).succeeded()


RECEIVE_REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"AuthMechanism": "Integrated", "RequireTLS": True}, "contains Tls"),
    ({"AuthMechanism": "Tls, BasicAuthRequireTLS"}, "BasicAuthRequireTLS"),
    ({"AuthMechanism": "BasicAuth, BasicAuthRequireTLS"}, "BasicAuthRequireTLS"),
    ({"AuthMechanism": "ExternalAuthoritative, Integrated"}, "only be combined with Tls"),
    (
        {"AuthMechanism": "ExternalAuthoritative, Tls", "PermissionGroups": "AnonymousUsers"},
        "requires the value ExchangeServers",
    ),
    ({"AuthMechanism": "Integrated", "DomainSecureEnabled": True}, "DomainSecureEnabled"),
    ({"AuthMechanism": "Tls, ExchangeServer", "Fqdn": "mail.contoso.test"}, "FQDN parameter"),
]


@pytest.mark.parametrize(("given", "message"), RECEIVE_REFUSALS)
def test_receive_connector_settings_that_exclude_each_other(
    shell: Shell, frontend: ReceiveConnector, given: dict[str, Any], message: str
) -> None:
    before = list(frontend.AuthMechanism)
    assert message in set_receive(shell, **given).error.message
    assert frontend.AuthMechanism == before


def test_external_authoritative_with_tls_and_exchange_servers_is_fine(shell: Shell) -> None:
    set_receive(
        shell, AuthMechanism="ExternalAuthoritative, Tls", PermissionGroups="ExchangeServers"
    ).succeeded()


# Identities --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    ["Get-SendConnector", "Get-ReceiveConnector", "Get-ExchangeServer", "Get-TransportService"],
)
def test_something_missing_brings_everything_unless_switched(
    shell: Shell, organisation: Organisation, command: str
) -> None:
    everything = shell.run(command).succeeded().fragments
    assert shell.run((command, {"Identity": "missing"})).succeeded().fragments == everything
    organisation.behavior.list_all_for_missing_identity = False
    error = shell.run((command, {"Identity": "missing"})).error
    assert error.exception_type.endswith("ManagementObjectNotFoundException")


@pytest.mark.parametrize("command", ["Set-SendConnector", "Set-ReceiveConnector"])
def test_setting_something_missing_is_an_error(shell: Shell, command: str) -> None:
    error = shell.run((command, {"Identity": "missing", "Comment": "x"})).error
    assert "couldn't be found on 'dc01.contoso.test'" in error.message


@pytest.mark.parametrize(
    "identity",
    [
        FRONTEND,
        FRONTEND.upper(),
        "Default Frontend EX01",
        "ex01.contoso.test\\Default Frontend EX01",
    ],
)
def test_receive_connectors_are_found_by_any_of_their_names(shell: Shell, identity: str) -> None:
    outcome = shell.run(("Get-ReceiveConnector", {"Identity": identity}))
    assert [item.PSObject.to_string for item in outcome.succeeded().objects] == [FRONTEND]


def test_receive_connectors_of_one_server(shell: Shell) -> None:
    outcome = shell.run(("Get-ReceiveConnector", {"Server": "ex02.contoso.test"}))
    names = [row["Name"] for row in outcome.succeeded().rows]
    assert sorted(names) == [
        "Client Frontend EX02",
        "Client Proxy EX02",
        "Default EX02",
        "Default Frontend EX02",
        "Outbound Proxy Frontend EX02",
    ]
    both = shell.run(("Get-ReceiveConnector", {"Server": "EX02", "Identity": FRONTEND}))
    assert both.failure is not None


def test_setting_a_name_that_two_servers_have_is_an_error(
    shell: Shell, organisation: Organisation
) -> None:
    for server in organisation:
        server.receive_connectors[0].Name = "Scanner"
    error = shell.run(("Set-ReceiveConnector", {"Identity": "Scanner", "Comment": "x"})).error
    assert "'Scanner' matches multiple entries" in error.message
    assert error.category_reason == "ManagementObjectAmbiguousException"
    assert "[FailureCategory=Cmdlet-ManagementObjectAmbiguousException] " in error.error_id
    assert error.exception_type == (
        "Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException"
    )


def test_send_connectors_have_no_server(shell: Shell) -> None:
    outcome = shell.run(("Get-SendConnector", {"Server": "EX01"}))
    assert outcome.failure is not None
    assert outcome.failure.error_id.startswith("NamedParameterNotFound,")


def test_wildcards_select(shell: Shell) -> None:
    outcome = shell.run(("Get-ReceiveConnector", {"Identity": "*Frontend EX0*"}))
    assert len(outcome.succeeded().fragments) == 6
    assert shell.run(("Get-ReceiveConnector", {"Identity": "nothing*"})).fragments == []


# Hybrid, servers ---------------------------------------------------------------------------------


def test_the_hybrid_configuration_records_the_certificate(
    shell: Shell, organisation: Organisation
) -> None:
    shell.run(
        (
            "Set-HybridConfiguration",
            {"TlsCertificateName": NAME, "SendingTransportServers": ["ex01.contoso.test"]},
        )
    ).succeeded()
    (row,) = shell.run("Get-HybridConfiguration").succeeded().rows
    assert row["TlsCertificateName"].PSObject.to_string == NAME
    assert [s.PSObject.to_string for s in row["SendingTransportServers"]] == ["EX01"]
    error = shell.run(("Set-HybridConfiguration", {"EdgeTransportServers": ["EX02"]})).error
    assert "EdgeTransportServers" in error.message


def test_no_hybrid_configuration_gives_nothing(shell: Shell, organisation: Organisation) -> None:
    organisation.hybrid_configuration = None
    assert shell.run("Get-HybridConfiguration").succeeded().fragments == []


def test_the_transport_service_names_the_internal_certificate(shell: Shell, server: Server) -> None:
    outcome = shell.run(
        ("Get-TransportService", {"Identity": "EX01"}),
        ("Select-Object", {"Property": "InternalTransportCertificateThumbprint"}),
    )
    (row,) = outcome.succeeded().rows
    assert list(row.values()) == [server.InternalTransportCertificateThumbprint]


def test_accepted_domains(shell: Shell) -> None:
    (row,) = shell.run("Get-AcceptedDomain").succeeded().rows
    assert row["DomainName"].PSObject.to_string == "contoso.test"
    assert row["DomainType"].PSObject.to_string == "Authoritative"
    assert row["Default"] is True
