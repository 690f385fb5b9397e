# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers belong together, as Get-DatabaseAvailabilityGroup and Get-MailboxServer show it?"""

from __future__ import annotations

from typing import Any

import pytest

from fake_exchange.organisation.accounts import permissions_of
from fake_exchange.organisation.model import Organisation
from support.cmdlet_shell import Shell

CMDLETS = ("Get-DatabaseAvailabilityGroup", "Get-MailboxServer")


@pytest.fixture(autouse=True)
def _one_group(organisation: Organisation) -> None:
    organisation.behavior.list_all_for_missing_identity = False
    for server in organisation:
        server.DatabaseAvailabilityGroup = "DAG1"


def rows(shell: Shell, cmdlet: str, **parameters: Any) -> list[dict[str, Any]]:
    return shell.run((cmdlet, parameters)).succeeded().rows


def groups(shell: Shell, **parameters: Any) -> dict[str, list[str]]:
    return {
        row["Name"]: [item.PSObject.to_string for item in row["Servers"]]
        for row in rows(shell, "Get-DatabaseAvailabilityGroup", **parameters)
    }


def test_a_group_lists_its_members(shell: Shell) -> None:
    assert groups(shell) == {"DAG1": ["EX01", "EX02"]}
    assert groups(shell, Identity="dag1") == {"DAG1": ["EX01", "EX02"]}


def test_servers_on_their_own_make_no_group(shell: Shell, organisation: Organisation) -> None:
    organisation.servers["EX01"].DatabaseAvailabilityGroup = ""
    assert groups(shell) == {"DAG1": ["EX02"]}
    organisation.servers["EX02"].DatabaseAvailabilityGroup = ""
    assert groups(shell) == {}


def test_a_server_names_its_group(shell: Shell, organisation: Organisation) -> None:
    organisation.servers["EX02"].DatabaseAvailabilityGroup = ""
    found = rows(shell, "Get-MailboxServer")
    assert [(row["Name"], row["DatabaseAvailabilityGroup"]) for row in found] == [
        ("EX01", "DAG1"),
        ("EX02", None),
    ]
    (row,) = rows(shell, "Get-MailboxServer", Identity="EX02.contoso.test")
    assert row["Name"] == "EX02"


def test_an_edge_server_is_no_mailbox_server(shell: Shell, organisation: Organisation) -> None:
    organisation.servers["EX02"].ServerRole = "Edge"
    assert [row["Name"] for row in rows(shell, "Get-MailboxServer")] == ["EX01"]


@pytest.mark.parametrize("cmdlet", CMDLETS)
def test_what_does_not_exist_is_an_error(shell: Shell, cmdlet: str) -> None:
    assert shell.run((cmdlet, {"Identity": "none"})).errors


@pytest.mark.parametrize("cmdlet", CMDLETS)
@pytest.mark.parametrize(
    ("group", "allowed"),
    [
        ("Server Management", True),
        ("View-Only Organization Management", True),
        ("Hygiene Management", False),
    ],
)
def test_it_takes_a_role(shell: Shell, cmdlet: str, group: str, allowed: bool) -> None:
    shell.account.permissions = permissions_of([group])
    outcome = shell.run(cmdlet)
    assert (outcome.failure is None and bool(outcome.fragments)) is allowed
