# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does Get-Command show an account what its roles allow, and no more?"""

from __future__ import annotations

from typing import Any

import pytest

from fake_exchange.organisation import accounts
from fake_exchange.organisation.accounts import Account
from fake_exchange.organisation.model import Organisation, Server
from support.cmdlet_shell import Outcome, Shell


def get_command(shell: Shell, **parameters: Any) -> Outcome:
    return shell.run(("Get-Command", parameters))


def names(outcome: Outcome) -> list[str]:
    return [row["Name"] for row in outcome.succeeded().rows]


def shell_of(organisation: Organisation, server: Server, **permissions: Any) -> Shell:
    account = Account(
        "helper",
        "CONTOSO",
        "CONTOSO.TEST",
        "not used here",
        permissions=accounts.permissions_of(**permissions),
    )
    return Shell(organisation, account, server)


@pytest.fixture
def viewer(organisation: Organisation, server: Server) -> Shell:
    return shell_of(organisation, server, role_groups=["View-Only Organization Management"])


def test_everything_that_the_roles_show_is_listed(shell: Shell, viewer: Shell) -> None:
    everything, viewed = names(get_command(shell)), names(get_command(viewer))
    assert {"Set-SendConnector", "Get-SendConnector", "Get-Command"} <= set(everything)
    assert {"Get-SendConnector", "Select-Object", "Get-Command"} <= set(viewed)
    assert "Set-SendConnector" not in viewed
    assert set(viewed) < set(everything)


def test_a_name_is_found_in_any_case_and_shown_as_it_is_spelled(shell: Shell) -> None:
    assert names(get_command(shell, Name="get-sendconnector")) == ["Get-SendConnector"]


def test_several_names_come_in_the_order_of_the_question(shell: Shell) -> None:
    wanted = ["Set-SendConnector", "Get-Queue"]
    assert names(get_command(shell, Name=wanted)) == wanted


def test_wildcards_find_what_there_is(viewer: Shell) -> None:
    assert names(get_command(viewer, Name="*-SendConnector")) == ["Get-SendConnector"]
    assert names(get_command(viewer, Name="Remove-*")) == []


def test_what_implicit_remoting_sees_are_functions(shell: Shell) -> None:
    (row,) = get_command(shell, Name="Get-Queue").succeeded().rows
    assert row["CommandType"].PSObject.to_string == "Function"
    for types in ("Function", "All", ["Cmdlet", "Function"]):
        outcome = get_command(shell, Name="Get-Queue", CommandType=types)
        assert names(outcome) == ["Get-Queue"]
    assert names(get_command(shell, Name="Get-*", CommandType="Cmdlet")) == []


def test_module_and_list_imported_change_nothing(shell: Shell) -> None:
    outcome = get_command(shell, Name="Get-Queue", Module=["Anything"], ListImported=True)
    assert names(outcome) == ["Get-Queue"]


def test_parameters_are_a_dictionary_of_names(shell: Shell) -> None:
    (row,) = get_command(shell, Name="Set-SendConnector").succeeded().rows
    parameters = row["Parameters"]
    assert {"Identity", "TlsCertificateName", "WhatIf", "ErrorAction"} <= set(parameters)
    assert str(parameters["Identity"]) == "System.Management.Automation.ParameterMetadata"


def test_parameters_that_a_role_hides_are_not_among_them(
    organisation: Organisation, server: Server
) -> None:
    shell = shell_of(
        organisation,
        server,
        role_groups=[],
        roles=["Names only"],
        own_roles={"Names only": {"Set-SendConnector": ["Identity", "Comment"]}},
    )
    (row,) = get_command(shell, Name="Set-SendConnector").succeeded().rows
    assert {"Identity", "Comment", "ErrorAction"} <= set(row["Parameters"])
    assert "TlsCertificateName" not in row["Parameters"]


def test_name_and_parameters_can_be_selected(shell: Shell) -> None:
    (row,) = (
        shell.run(
            ("Get-Command", {"Name": "Get-Queue"}),
            ("Select-Object", {"Property": ["Name", "Parameters"]}),
        )
        .succeeded()
        .rows
    )
    assert row["Name"] == "Get-Queue"
    assert "Server" in row["Parameters"]
    assert set(row) == {"Name", "Parameters"}


def test_each_name_that_does_not_exist_is_an_error_and_the_others_are_shown(viewer: Shell) -> None:
    wanted = ["Set-SendConnector", "Get-SendConnector", "Get-Nonsense"]
    outcome = get_command(viewer, Name=wanted)
    assert outcome.failure is None
    assert [row["Name"] for row in outcome.rows] == ["Get-SendConnector"]
    assert [error.target for error in outcome.errors] == ["Set-SendConnector", "Get-Nonsense"]
    for error in outcome.errors:
        assert error.category == "ObjectNotFound"
        assert error.category_reason == "CommandNotFoundException"
        assert error.error_id == (
            "CommandNotFoundException,Microsoft.PowerShell.Commands.GetCommandCommand"
        )


def test_the_error_goes_by_the_preference(shell: Shell) -> None:
    wanted = ["Get-Nonsense", "Get-Queue"]
    quiet = get_command(shell, Name=wanted, ErrorAction="SilentlyContinue")
    assert names(quiet) == ["Get-Queue"]
    stopped = get_command(shell, Name=wanted, ErrorAction="Stop")
    assert stopped.failure is not None
    assert stopped.failure.target == "Get-Nonsense"
    assert stopped.rows == []


def test_what_is_switched_off_is_not_there(shell: Shell, organisation: Organisation) -> None:
    organisation.behavior.select_object = False
    assert "Select-Object" not in names(get_command(shell))
    organisation.behavior.get_command = False
    failure = get_command(shell).failure
    assert failure is not None
    assert failure.error_id == "CommandNotFoundException"
