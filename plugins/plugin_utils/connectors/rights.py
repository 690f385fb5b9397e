# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has which extended right on a connector, and what makes it as wanted?

Rights of permission groups are entries like all others, so nothing is taken away that a task does
not name (Get-, Add- and Remove-ADPermission).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.cmdlet_errors import (
    explained,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import Connector
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    Value,
    list_of,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

_PROPERTIES = ("User", "ExtendedRights", "Deny", "IsInherited")


@dataclass(frozen=True, kw_only=True)
class ExtendedRight:
    """One entry of a connector's access control list."""

    user: str
    right: str
    deny: bool = False
    inherited: bool = False

    def grants(self, user: str, right: str, *, deny: bool) -> bool:
        """Whether it is the entry that a task means."""
        return (
            self.deny == deny and _right_key(self.right) == _right_key(right) and self.is_of(user)
        )

    def is_of(self, user: str) -> bool:
        """Compare users; one side may lack the domain."""
        mine, wanted = self.user.casefold(), user.strip().casefold()
        if "\\" in mine and "\\" in wanted:
            return mine == wanted
        return mine.rpartition("\\")[2] == wanted.rpartition("\\")[2]

    def to_result(self) -> dict[str, object]:
        """The entry as RETURN documents it."""
        return {
            "user": self.user,
            "right": self.right,
            "deny": self.deny,
            "inherited": self.inherited,
        }


@dataclass(frozen=True, kw_only=True)
class RightsChange:
    """Rights of one user to add or to remove in one call."""

    user: str
    rights: tuple[str, ...]
    deny: bool
    add: bool

    def sentence(self, title: str) -> str:
        """What is done, in words."""
        kind = "denied extended" if self.deny else "extended"
        noun = f"{kind} right{'s' if len(self.rights) > 1 else ''} {', '.join(self.rights)}"
        if self.add:
            return f"Add the {noun} of {self.user} to {title}."
        return f"Remove the {noun} of {self.user} from {title}."


def check_wanted(wanted: Iterable[Mapping[str, Any]]) -> None:
    """Refuse users that could not be found again among the entries.

    Raises:
        InvalidInput: a user is given by an address, or an entry has no rights.
    """
    for entry in wanted:
        if "@" in entry["user"] or not entry["user"].strip():
            raise InvalidInput(
                f"extended_rights: the user '{entry['user']}' has to be given as DOMAIN\\name, the "
                "form in which Exchange shows it."
            )
        if not [right for right in entry["rights"] if right.strip()]:
            raise InvalidInput(f"extended_rights: '{entry['user']}' has no rights.")


def plan_rights(
    wanted: Iterable[Mapping[str, Any]], actual: Sequence[ExtendedRight]
) -> list[RightsChange]:
    """Return what has to be added and removed.

    Args:
        wanted: entries with user, rights, deny and state, as the option has them.
        actual: the connector's entries.
    """
    changes = []
    for entry in wanted:
        add, deny = entry["state"] == "present", bool(entry["deny"])
        rights = []
        for right in dict.fromkeys(text.strip() for text in entry["rights"] if text.strip()):
            found = [item for item in actual if item.grants(entry["user"], right, deny=deny)]
            # An inherited entry is as good as an own one, and cannot be removed here.
            there = bool(found) if add else any(not item.inherited for item in found)
            if there != add:
                rights.append(right)
        if rights:
            changes.append(
                RightsChange(user=entry["user"].strip(), rights=tuple(rights), deny=deny, add=add)
            )
    return changes


def read_rights(
    session: Session, connector: Connector, domain_controller: str | None = None
) -> list[ExtendedRight]:
    """Return the entries of a connector that are about extended rights."""
    parameters: dict[str, object] = {"Identity": _identity(connector)}
    if domain_controller:
        parameters["DomainController"] = domain_controller
    values = read_objects(session, Cmdlet("Get-ADPermission", parameters), _PROPERTIES)
    return [
        ExtendedRight(
            user=text_of(value.get("User")) or "",
            right=text_of(right) or "",
            deny=_switch(value.get("Deny")),
            inherited=value.get("IsInherited") is True,
        )
        for value in values
        for right in list_of(value.get("ExtendedRights"))
    ]


def change_rights(
    session: Session,
    connector: Connector,
    change: RightsChange,
    domain_controller: str | None = None,
) -> CmdletResult:
    """Add or remove what a plan says.

    Raises:
        CmdletFailed: with what was being done and the server's words.
        OutcomeUnknown: contact was lost; read the rights before anything else.
    """
    parameters: dict[str, object] = {
        "Identity": _identity(connector),
        "User": change.user,
        "ExtendedRights": list(change.rights),
    }
    if change.deny:
        parameters["Deny"] = True
    if not change.add:
        parameters["Confirm"] = False
    if domain_controller:
        parameters["DomainController"] = domain_controller
    verb = "Add-ADPermission" if change.add else "Remove-ADPermission"
    with explained(f"Changing rights of {change.user} on {connector.title}"):
        return session.invoke(Cmdlet(verb, parameters), changing=True)


def _identity(connector: Connector) -> str:
    # A name in front of which a server stands is not understood, and a name alone may be two's.
    return connector.guid or connector.name


def _right_key(right: str) -> str:
    return right.strip().replace(" ", "-").casefold()


def _switch(value: Value) -> bool:
    """A SwitchParameter arrives as an object, or as a plain truth value."""
    if isinstance(value, RemoteObject):
        return value.get("IsPresent") is True or (value.text or "").casefold() == "true"
    return value is True
