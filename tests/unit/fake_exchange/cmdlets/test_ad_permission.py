# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do rights on connectors come and go as in Active Directory, and what do permission groups say
then?"""

from __future__ import annotations

from typing import Any

import pytest

from fake_exchange.organisation.accounts import permissions_of
from fake_exchange.organisation.connector_permissions import explicit
from fake_exchange.organisation.model import Organisation, ReceiveConnector, Server
from support.cmdlet_shell import Outcome, Prompted, Shell

FRONTEND = "Default Frontend EX01"
ANONYMOUS = "NT AUTHORITY\\ANONYMOUS LOGON"
RELAY = "ms-Exch-SMTP-Accept-Any-Recipient"


@pytest.fixture
def frontend(server: Server) -> ReceiveConnector:
    connector = server.receive_connector(FRONTEND)
    assert connector is not None
    return connector


def get(shell: Shell, identity: str = FRONTEND, **parameters: Any) -> list[tuple[str, str, bool]]:
    """User, right and whether it is inherited, of what is allowed."""
    outcome = shell.run(("Get-ADPermission", {"Identity": identity, **parameters})).succeeded()
    return [
        (
            row["User"].PSObject.to_string,
            row["ExtendedRights"][0].PSObject.to_string
            if row["ExtendedRights"]
            else row["AccessRights"][0].PSObject.to_string,
            row["IsInherited"],
        )
        for row in outcome.rows
        if row["Deny"].PSObject.to_string == "False"
    ]


def add(shell: Shell, *rights: str, identity: str = FRONTEND, **parameters: Any) -> Outcome:
    parameters = {
        "Identity": identity,
        "User": ANONYMOUS,
        "ExtendedRights": list(rights),
        **parameters,
    }
    return shell.run(("Add-ADPermission", parameters))


def remove(shell: Shell, *rights: str, identity: str = FRONTEND, **parameters: Any) -> Outcome:
    parameters = {
        "Identity": identity,
        "User": ANONYMOUS,
        "ExtendedRights": list(rights),
        "Confirm": False,
        **parameters,
    }
    return shell.run(("Remove-ADPermission", parameters))


def groups(shell: Shell) -> str:
    (row,) = shell.run(("Get-ReceiveConnector", {"Identity": f"EX01\\{FRONTEND}"})).rows
    return str(row["PermissionGroups"].PSObject.to_string)


def test_permission_groups_are_rights_of_well_known_principals(shell: Shell) -> None:
    assert [right for _, right, _ in get(shell, User="ANONYMOUS LOGON")] == [
        "ms-Exch-SMTP-Submit",
        "ms-Exch-SMTP-Accept-Any-Sender",
        "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender",
        "ms-Exch-Accept-Headers-Routing",
    ]
    everybody = {user for user, _, inherited in get(shell) if not inherited}
    assert everybody == {
        ANONYMOUS,
        "MS Exchange\\Edge Transport Servers",
        "MS Exchange\\Hub Transport Servers",
        "MS Exchange\\Externally Secured Servers",
        "CONTOSO\\Exchange Servers",
        "CONTOSO\\ExchangeLegacyInterop",
    }


def test_much_is_inherited_and_some_of_it_denied(shell: Shell) -> None:
    inherited = [(user, right) for user, right, above in get(shell) if above]
    assert ("CONTOSO\\Enterprise Admins", "GenericAll") in inherited
    rows = shell.run(("Get-ADPermission", {"Identity": FRONTEND})).rows
    assert any(row["IsInherited"] and row["Deny"].IsPresent for row in rows)


def test_an_added_right_is_shown_and_makes_the_groups_custom(
    shell: Shell, organisation: Organisation
) -> None:
    before = groups(shell)
    (row,) = add(shell, RELAY).succeeded().rows
    assert row["Identity"].PSObject.to_string.endswith(FRONTEND)
    assert (ANONYMOUS, RELAY, False) in get(shell)
    assert groups(shell) == f"{before}, Custom"
    (entry,) = organisation.journal.as_dict()["changes"]  # type: ignore[misc]
    assert (entry["what"], entry["detail"]) == ("Add-ADPermission", f"EX01\\{FRONTEND}")
    remove(shell, RELAY).succeeded()
    assert groups(shell) == before


def test_adding_twice_warns_and_changes_nothing(shell: Shell) -> None:
    add(shell, RELAY).succeeded()
    before = get(shell)
    (warning,) = add(shell, RELAY).succeeded().warnings
    assert "already present" in warning
    assert get(shell) == before


def test_several_rights_are_several_entries(shell: Shell) -> None:
    assert len(add(shell, RELAY, "ms-Exch-Bypass-Anti-Spam").succeeded().fragments) == 2


def test_a_denial_is_an_entry_of_its_own(shell: Shell, frontend: ReceiveConnector) -> None:
    add(shell, "ms-Exch-SMTP-Submit", Deny=True).succeeded()
    assert [(entry.ExtendedRight, entry.Deny) for entry in frontend.access] == [
        ("ms-Exch-SMTP-Submit", True)
    ]
    remove(shell, "ms-Exch-SMTP-Submit", Deny=True).succeeded()
    assert frontend.access == []
    assert "AnonymousUsers" in groups(shell)


def test_taking_a_right_from_a_group_leaves_the_rest_of_it(shell: Shell) -> None:
    remove(shell, "ms-Exch-Accept-Headers-Routing").succeeded()
    assert groups(shell) == "ExchangeServers, ExchangeLegacyServers, Custom"
    assert len(get(shell, User=ANONYMOUS)) == 3
    add(shell, "ms-Exch-Accept-Headers-Routing").succeeded()
    assert groups(shell) == "AnonymousUsers, ExchangeServers, ExchangeLegacyServers"


def test_what_is_not_there_or_inherited_cannot_be_removed(shell: Shell) -> None:
    (warning,) = remove(shell, RELAY).succeeded().warnings
    assert "isn't present" in warning
    outcome = remove(shell, User="CONTOSO\\Enterprise Admins", AccessRights="GenericAll")
    (warning,) = outcome.succeeded().warnings
    assert "is inherited" in warning


def test_rights_of_ones_own_survive_a_change_of_groups(
    shell: Shell, organisation: Organisation, frontend: ReceiveConnector
) -> None:
    add(shell, RELAY).succeeded()
    change = {"Identity": f"EX01\\{FRONTEND}", "PermissionGroups": "ExchangeUsers"}
    shell.run(("Set-ReceiveConnector", change)).succeeded()
    assert groups(shell) == "ExchangeUsers, Custom"
    assert [e.ExtendedRight for e in explicit(organisation, frontend) if e.User == ANONYMOUS] == [
        RELAY
    ]


def test_removal_asks(shell: Shell, frontend: ReceiveConnector) -> None:
    add(shell, RELAY).succeeded()
    shell.host = Prompted(2)
    parameters = {"Identity": FRONTEND, "User": ANONYMOUS, "ExtendedRights": RELAY}
    shell.run(("Remove-ADPermission", parameters)).succeeded()
    assert len(frontend.access) == 1
    assert ANONYMOUS in shell.host.questions[0][1]


@pytest.mark.parametrize(
    "name", ["admin", "CONTOSO\\ADMIN", "admin@contoso.test", "S-1-5-7", "EX02$"]
)
def test_users_are_known_by_several_names(shell: Shell, name: str) -> None:
    add(shell, RELAY, User=name).succeeded()
    assert any(right == RELAY for _, right, _ in get(shell, User=name))


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"User": "CONTOSO\\nobody"}, "Couldn't resolve the user or group"),
    ({"ExtendedRights": "ms-Exch-Nothing"}, "extended right 'ms-Exch-Nothing' wasn't found"),
    ({"Identity": "Nothing"}, "couldn't be found"),
    ({"Identity": f"EX01\\{FRONTEND}"}, "couldn't be found"),
    ({"ExtendedRights": None, "AccessRights": "ExtendedRight"}, "must be specified"),
]


@pytest.mark.parametrize(("given", "message"), REFUSALS)
@pytest.mark.parametrize("cmdlet", ["Add-ADPermission", "Remove-ADPermission"])
def test_what_does_not_exist_is_refused(
    shell: Shell, cmdlet: str, given: dict[str, Any], message: str
) -> None:
    parameters = {"Identity": FRONTEND, "User": ANONYMOUS, "ExtendedRights": RELAY, **given}
    parameters = {name: value for name, value in parameters.items() if value is not None}
    outcome = shell.run((cmdlet, {**parameters, "Confirm": False}))
    assert message in outcome.error.message


def test_a_name_that_two_servers_have_is_ambiguous_and_a_distinguished_name_is_not(
    shell: Shell, organisation: Organisation
) -> None:
    for server in organisation:
        server.receive_connectors[0].Name = "Scanner"
    assert "matches multiple entries" in add(shell, RELAY, identity="Scanner").error.message
    rows = shell.run(("Get-ReceiveConnector", {"Server": "EX02"})).rows
    (name,) = [row["DistinguishedName"] for row in rows if row["Name"] == "Scanner"]
    add(shell, RELAY, identity=name).succeeded()
    assert len(organisation.servers["EX02"].receive_connectors[0].access) == 1


def test_a_send_connector_has_rights_too(shell: Shell) -> None:
    new = {"Name": "Web", "AddressSpaces": "*", "Usage": "Internet"}
    shell.run(("New-SendConnector", new)).succeeded()
    own = [entry[:2] for entry in get(shell, "Web") if not entry[2]]
    assert own == [(ANONYMOUS, "ms-Exch-Send-Headers-Routing")]
    remove(shell, "ms-Exch-Send-Headers-Routing", identity="Web").succeeded()
    assert [entry for entry in get(shell, "Web") if not entry[2]] == []


def test_the_owner_is_shown_instead(shell: Shell) -> None:
    (row,) = shell.run(("Get-ADPermission", {"Identity": FRONTEND, "Owner": True})).rows
    assert row["Owner"].PSObject.to_string == "CONTOSO\\Domain Admins"


def test_server_administrators_may_change_connectors_but_not_rights(
    shell: Shell, organisation: Organisation
) -> None:
    shell.account.permissions = permissions_of(["Server Management"])
    assert shell.account.may_run("New-ReceiveConnector")
    assert not shell.account.may_run("New-SendConnector")
    assert not shell.account.may_run("Add-ADPermission")
