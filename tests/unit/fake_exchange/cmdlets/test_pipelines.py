# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do pipelines run? Binding of parameters, RBAC, Select-Object, errors, the log and counters,
faults and stopping; and the cmdlets about health and mail flow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.conversion import ConversionError
from fake_exchange.cmdlets.registry import (
    CmdletContext,
    CmdletError,
    Command,
    ErrorSpec,
    PipelineStopped,
    SecureText,
    definitions,
    run_pipeline,
)
from fake_exchange.organisation.accounts import Account, permissions_of
from fake_exchange.organisation.model import Message, Organisation, Queue, Server, TrackingEvent
from support.cmdlet_shell import Shell

ISSUE = """Get-ExchangeCertificate Import-ExchangeCertificate Enable-ExchangeCertificate
Export-ExchangeCertificate Remove-ExchangeCertificate New-ExchangeCertificate Get-SendConnector
Set-SendConnector Get-ReceiveConnector Set-ReceiveConnector Get-ExchangeServer Get-TransportService
Get-HybridConfiguration Get-AuthConfig Get-AcceptedDomain Get-Queue Test-ServiceHealth
Get-ServerComponentState Set-ServerComponentState Get-MessageTrackingLog Select-Object"""


def test_every_promised_cmdlet_exists() -> None:
    missing = {name for name in ISSUE.split() if name.lower() not in definitions()}
    assert missing == set()


# Roles -------------------------------------------------------------------------------------------


def account(*, role_groups: tuple[str, ...] = (), **more: Any) -> Account:
    return Account("x", "CONTOSO", "R", "pw", permissions=permissions_of(role_groups, **more))


@pytest.mark.parametrize("name", ["Set-SendConnector", "Get-NoSuchThing", "Sort-Object"])
def test_a_cmdlet_without_role_is_not_recognized(shell: Shell, name: str) -> None:
    shell.account = account(role_groups=("Server Management",))
    failure = shell.run((name, {"Identity": "Outbound"})).failure
    assert failure is not None
    assert failure.message.startswith(
        f"The term '{name}' is not recognized as the name of a cmdlet"
    )
    assert failure.category == "ObjectNotFound"
    assert failure.exception_type == "System.Management.Automation.CommandNotFoundException"
    assert failure.error_id == "CommandNotFoundException"


def test_a_parameter_that_no_role_shows_does_not_exist(shell: Shell) -> None:
    roles = {"Half": {"Get-ReceiveConnector": ["Identity"]}}
    shell.account = account(roles=("Half",), own_roles=roles)
    shell.run(("Get-ReceiveConnector", {"Identity": "Default EX01"})).succeeded()
    failure = shell.run(("Get-ReceiveConnector", {"Server": "EX01"})).failure
    assert failure is not None
    assert failure.message == "A parameter cannot be found that matches parameter name 'Server'."
    assert (failure.category, failure.exception_type) == (
        "InvalidArgument",
        "System.Management.Automation.ParameterBindingException",
    )


def test_common_parameters_are_never_hidden(shell: Shell) -> None:
    roles = {"Half": {"Get-SendConnector": []}}
    shell.account = account(roles=("Half",), own_roles=roles)
    shell.run(("Get-SendConnector", {"Verbose": True, "ErrorAction": "Stop"})).succeeded()


# Binding -----------------------------------------------------------------------------------------


def failure_of(shell: Shell, name: str, *parameters: tuple[str | None, Any]) -> str:
    outcome: list[str] = []
    context = CmdletContext(shell.organisation, shell.account, shell.server)
    try:
        run_pipeline(context, [Command(name, list(parameters))])
    except Exception as failure:  # the point is which one
        outcome.append(failure.error.error_id.partition(",")[0])  # type: ignore[attr-defined]
    return outcome[0] if outcome else "bound"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ([("identity", "Outbound")], "bound"),
        ([("Ident", "Outbound")], "bound"),
        ([(None, "Outbound")], "bound"),
        ([("D", "x")], "AmbiguousParameter"),
        ([("Identity", "Outbound"), ("Identity", "x")], "ParameterAlreadyBound"),
        ([(None, "Outbound"), (None, "x")], "PositionalParameterNotFound"),
        ([("Identity", ["a", "b"])], "ParameterArgumentTransformationError"),
        ([("Identity", b"bytes")], "ParameterArgumentTransformationError"),
    ],
)
def test_names_prefixes_and_positions(
    shell: Shell, parameters: list[tuple[str | None, Any]], expected: str
) -> None:
    assert failure_of(shell, "Get-SendConnector", *parameters) == expected


def test_required_parameters(shell: Shell) -> None:
    bound = failure_of(shell, "Enable-ExchangeCertificate", ("Thumbprint", "00"))
    assert bound == "MissingMandatoryParameter"


CONVERSIONS: list[tuple[Callable[[Any], Any], Any, Any]] = [
    (conversion.text, 5, "5"),
    (conversion.boolean, 1, True),
    (conversion.boolean, 0, False),
    (conversion.switch, None, True),
    (conversion.integer, " 25 ", 25),
    (conversion.byte_array, [1, 255], b"\x01\xff"),
    (conversion.strings, "one", ["one"]),
    (conversion.duration, "1.02:03:04", 93784),
    (conversion.size, "35 MB (36,700,160 bytes)", 36_700_160),
    (conversion.unlimited(conversion.integer), "unlimited", None),
    (conversion.ip_binding, "[::]:25", "[::]:25"),
    (conversion.domain_with_subdomains, "*.contoso.test", "*.contoso.test"),
    (conversion.enumeration("E", ("A", "B")), "b", "B"),
    (conversion.flags("F", ("A", "B", "C")), ["c", "A"], ["A", "C"]),
    (conversion.flags("F", ("A", "B", "C")), 6, ["B", "C"]),
]


@pytest.mark.parametrize(("convert", "value", "expected"), CONVERSIONS)
def test_conversions(convert: Callable[[Any], Any], value: Any, expected: Any) -> None:
    assert convert(value) == expected


REFUSED: list[tuple[Callable[[Any], Any], Any]] = [
    (conversion.text, ["a"]),
    (conversion.text, b"a"),
    (conversion.boolean, "True"),
    (conversion.switch, "yes"),
    (conversion.integer, "x"),
    (conversion.integer, 2**31),
    (conversion.byte_array, "AAAA"),
    (conversion.byte_array, [256]),
    (conversion.secure_text, "plain"),
    (conversion.ip_binding, "25"),
    (conversion.ip_range, "nowhere"),
    (conversion.domain_name, "not a domain"),
    (conversion.multi_value(), {"Replace": "a"}),
    (conversion.enumeration("E", ("A", "B")), "A, B"),
    (conversion.flags("F", ("A", "B")), 4),
]


@pytest.mark.parametrize(("convert", "value"), REFUSED)
def test_refused_values(convert: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(ConversionError):
        convert(value)


# Select-Object -----------------------------------------------------------------------------------


def test_calculated_properties_need_a_language(shell: Shell) -> None:
    calculated = {"Name": "x", "Expression": "Name"}
    outcome = shell.run("Get-SendConnector", ("Select-Object", {"Property": [calculated]}))
    assert outcome.failure is not None
    assert outcome.fragments == []


def test_first_and_expand(shell: Shell) -> None:
    outcome = shell.run("Get-ReceiveConnector", ("Select-Object", {"First": 3}))
    assert len(outcome.succeeded().fragments) == 3
    outcome = shell.run(
        ("Get-SendConnector", {}), ("Select-Object", {"ExpandProperty": "SourceTransportServers"})
    )
    assert [o.PSObject.to_string for o in outcome.succeeded().objects] == ["EX01", "EX02"]


def test_selecting_twice_and_by_wildcard(shell: Shell) -> None:
    outcome = shell.run(
        "Get-SendConnector",
        ("Select-Object", {"Property": ["Tls*", "Name"]}),
        ("Select-Object", {"Property": ["Name", "TlsDomain"]}),
    )
    (row,) = outcome.succeeded().rows
    assert row == {"Name": "Outbound", "TlsDomain": None}


@pytest.mark.parametrize("name", ["Where-Object", "Sort-Object", "Group-Object", "ConvertTo-Json"])
def test_other_commands_of_the_language_are_not_there(shell: Shell, name: str) -> None:
    outcome = shell.run("Get-SendConnector", name)
    assert outcome.failure is not None
    assert outcome.failure.error_id == "CommandNotFoundException"


def test_objects_cannot_be_piped_back(shell: Shell) -> None:
    outcome = shell.run("Get-SendConnector", ("Set-SendConnector", {"Identity": "Outbound"}))
    assert outcome.error.error_id.startswith("InputObjectNotBound,")


# Errors, log, counters ---------------------------------------------------------------------------


def test_an_error_record_does_not_fail_the_pipeline_unless_asked(shell: Shell) -> None:
    missing = {"Thumbprint": "0" * 40}
    outcome = shell.run(("Get-ExchangeCertificate", missing))
    assert (len(outcome.errors), outcome.failure) == (1, None)
    outcome = shell.run(("Get-ExchangeCertificate", {**missing, "ErrorAction": "Stop"}))
    assert outcome.errors == []
    assert outcome.failure is not None
    outcome = shell.run(("Get-ExchangeCertificate", {**missing, "ErrorAction": "Ignore"}))
    assert (outcome.errors, outcome.failure) == ([], None)


def test_every_call_is_logged_with_secrets_masked(shell: Shell, organisation: Organisation) -> None:
    shell.run(
        (
            "Import-ExchangeCertificate",
            {"FileData": b"secret bytes", "Password": SecureText("hush"), "Server": "EX01"},
        )
    )
    shell.run(("Set-SendConnector", {"Identity": "Outbound", "Enabled": True}))
    shell.run("Get-NoSuchThing")
    calls = organisation.cmdlet_log.calls()
    assert [call.cmdlet for call in calls] == [
        "Import-ExchangeCertificate",
        "Set-SendConnector",
        "Get-NoSuchThing",
    ]
    assert calls[0].parameters == {
        "FileData": "(12 bytes)",
        "Password": "********",
        "Server": "EX01",
    }
    assert calls[0].error is not None
    assert calls[1].warnings
    assert "hush" not in repr(calls)


def test_cmdlets_errors_and_prompts_are_counted(shell: Shell, organisation: Organisation) -> None:
    shell.run("Get-SendConnector", ("Select-Object", {"Property": "Name"}))
    shell.run(("Get-ExchangeCertificate", {"Thumbprint": "0" * 40}))
    counts = organisation.counters.as_dict()["servers"]["EX01"]  # type: ignore[index]
    assert counts["cmdlets"] == {"Get-SendConnector": 1, "Get-ExchangeCertificate": 1}
    assert (counts["errors"], counts["prompts"]) == (1, 0)


class Failing:
    """A fault that strikes one cmdlet."""

    def before_cmdlet(self, context: CmdletContext, name: str) -> None:
        if name == "Set-SendConnector":
            raise CmdletError(ErrorSpec("struck", error_id="Fault"))


def test_faults_strike_before_the_cmdlet_does_anything(
    shell: Shell, organisation: Organisation
) -> None:
    errors: list[ErrorSpec] = []
    context = CmdletContext(
        organisation, shell.account, shell.server, write_error=errors.append, faults=Failing()
    )
    parameters = [("Identity", "Outbound"), ("Comment", "changed")]
    run_pipeline(context, [Command("Set-SendConnector", parameters)])
    assert [error.message for error in errors] == ["struck"]
    assert organisation.send_connectors[0].Comment == ""


def test_a_stopped_pipeline_ends_quietly(shell: Shell, organisation: Organisation) -> None:
    emitted: list[str] = []
    context = CmdletContext(organisation, shell.account, shell.server, emit_output=emitted.append)

    def emit_and_stop(text: str) -> None:
        emitted.append(text)
        context.stopped.set()

    context.emit_output = emit_and_stop
    with pytest.raises(PipelineStopped):
        run_pipeline(context, [Command("Get-ReceiveConnector")])
    assert len(emitted) == 1


def test_secure_text_shows_nowhere() -> None:
    assert "hush" not in repr(SecureText("hush")) + str(SecureText("hush"))


# Health and mail flow ----------------------------------------------------------------------------


def test_service_health_never_lists_front_end_transport(shell: Shell, server: Server) -> None:
    server.services["MSExchangeFrontEndTransport"].Status = "Stopped"
    server.services["MSExchangeTransport"].Status = "Stopped"
    rows = {row["Role"]: row for row in shell.run("Test-ServiceHealth").succeeded().rows}
    hub = rows["Hub Transport Server Role"]
    assert hub["RequiredServicesRunning"] is False
    assert [str(name) for name in hub["ServicesNotRunning"]] == ["MSExchangeTransport"]
    assert rows["Mailbox Server Role"]["RequiredServicesRunning"] is True


def test_a_component_is_active_when_no_requester_holds_it_down(
    shell: Shell, server: Server
) -> None:
    def set_state(state: str, requester: str) -> None:
        parameters = {"Component": "hubtransport", "State": state, "Requester": requester}
        shell.run(("Set-ServerComponentState", {"Identity": "EX01", **parameters})).succeeded()

    def state() -> str:
        parameters = {"Identity": "EX01", "Component": "HubTransport"}
        (row,) = shell.run(("Get-ServerComponentState", parameters)).succeeded().rows
        return str(row["State"].PSObject.to_string)

    assert state() == "Active"
    set_state("Draining", "Maintenance")
    assert state() == "Draining"
    set_state("Active", "Functional")
    assert state() == "Draining"
    set_state("Active", "Maintenance")
    assert state() == "Active"


def test_the_whole_server_offline_takes_components_along(shell: Shell) -> None:
    shell.run(
        (
            "Set-ServerComponentState",
            {
                "Identity": "EX01",
                "Component": "ServerWideOffline",
                "State": "Inactive",
                "Requester": "Maintenance",
            },
        )
    ).succeeded()
    rows = shell.run(("Get-ServerComponentState", {"Identity": "EX01"})).succeeded().rows
    active = {r["Component"] for r in rows if r["State"].PSObject.to_string == "Active"}
    assert active == {"Monitoring", "RecoveryActionsEnabled"}


def test_queues_are_filtered(shell: Shell, server: Server) -> None:
    waiting = [Message(number, f"<{number}@a>", "a@b.test", ("c@d.test",)) for number in (1, 2, 3)]
    server.queues += [
        Queue("EX01\\7", Status="Retry", messages=waiting, NextHopCategory="External"),
        Queue("EX01\\8"),
    ]

    def names(**parameters: Any) -> list[str]:
        rows = shell.run(("Get-Queue", parameters)).succeeded().rows
        return [row["Identity"] for row in rows]

    assert len(names(Server="EX01")) == 3
    assert names(Filter="Status -eq 'Retry' -and MessageCount -gt 1") == ["EX01\\7"]
    assert names(Include="External") == ["EX01\\7"]
    assert names(Identity="EX01\\8") == ["EX01\\8"]


def test_the_tracking_log_is_searched(shell: Shell, server: Server) -> None:
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    for hour, event in enumerate(("RECEIVE", "SEND", "SEND")):
        server.tracking_log.append(
            TrackingEvent(
                start.replace(hour=hour),
                event,
                "SMTP",
                "a@contoso.test",
                ("b@contoso.test",),
                f"Report {hour}",
                f"<{hour}@contoso.test>",
                "EX01",
            )
        )

    def subjects(**parameters: Any) -> list[str]:
        rows = shell.run(("Get-MessageTrackingLog", parameters)).succeeded().rows
        return [row["MessageSubject"] for row in rows]

    assert subjects(EventId="send") == ["Report 1", "Report 2"]
    assert subjects(End=start.replace(hour=2)) == ["Report 0", "Report 1"]
    assert subjects(MessageSubject="report 2", Recipients=["B@contoso.test"]) == ["Report 2"]
    assert subjects(ResultSize=1) == ["Report 0"]


def test_dates_are_those_of_the_servers_time_zone(
    shell: Shell, organisation: Organisation, server: Server
) -> None:
    organisation.time_zone = timezone(timedelta(hours=-5))
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    server.tracking_log.append(
        TrackingEvent(noon, "SEND", "SMTP", "a@contoso.test", (), "Report", "<1@x>", "EX01")
    )
    organisation.send_connectors[0].WhenChanged = noon
    server.component_states["HubTransport"].requesters["Maintenance"] = "Draining"
    server.component_states["HubTransport"].changed["Maintenance"] = noon
    identity = {"Identity": "EX01", "Component": "HubTransport"}

    (event,) = shell.run("Get-MessageTrackingLog").succeeded().rows
    (connector,) = shell.run("Get-SendConnector").succeeded().rows
    certificate = shell.run("Get-ExchangeCertificate").succeeded().objects[0]
    (component,) = shell.run(("Get-ServerComponentState", identity)).succeeded().rows
    ambiguous = shell.run(("Get-MessageTrackingLog", {"Start": datetime(2026, 1, 1, 7, 1)}))

    assert event["Timestamp"].hour == 7
    assert event["Timestamp"].utcoffset() == connector["WhenChanged"].utcoffset()
    assert connector["WhenChanged"].utcoffset() == timedelta(hours=-5)
    begins = next(iter(server.certificates.values())).NotBefore - timedelta(hours=5)
    assert f"[Not Before]\r\n  {begins:%m/%d/%Y %H:%M:%S}" in certificate.PSObject.to_string
    (requester,) = component["LocalStates"]
    assert "1/1/2026 7:00:00 AM" in requester.PSObject.to_string
    assert ambiguous.succeeded().fragments == []
