# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do Get-, Add- and Remove-ADPermission do? The access control list of a connector, one entry
an object, its own entries first and then what it inherits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fake_exchange.clixml import directory_types as directory
from fake_exchange.clixml.directory_types import Getters
from fake_exchange.clixml.objects import ClrObject, OutputObject, enum, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import folded
from fake_exchange.cmdlets.conversion import ConversionError
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter, binding_error
from fake_exchange.cmdlets.receive_connector import receive_connector_dn
from fake_exchange.cmdlets.send_connector import send_connector_dn
from fake_exchange.organisation import connector_permissions as permissions
from fake_exchange.organisation.model import AccessEntry

TASKS = "Microsoft.Exchange.Management.RecipientTasks."
_ENTRY = (
    TASKS + "ADAcePresentationObject",
    TASKS + "AcePresentationObject",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object",
)
_OWNER = (
    TASKS + "OwnerPresentationObject",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object",
)
_TASKS_LIBRARY = "Microsoft.Exchange.Configuration.Tasks."
_RIGHTS_TYPE = "System.DirectoryServices.ActiveDirectoryRights"
_INHERITANCE_TYPE = "System.DirectoryServices.ActiveDirectorySecurityInheritance"
ACCESS_RIGHTS = {
    "CreateChild": 1,
    "DeleteChild": 2,
    "ListChildren": 4,
    "Self": 8,
    "ReadProperty": 16,
    "WriteProperty": 32,
    "DeleteTree": 64,
    "ListObject": 128,
    "ExtendedRight": 256,
    "Delete": 65_536,
    "ReadControl": 131_072,
    "GenericExecute": 131_076,
    "GenericWrite": 131_112,
    "GenericRead": 131_220,
    "WriteDacl": 262_144,
    "WriteOwner": 524_288,
    "GenericAll": 983_551,
    "Synchronize": 1_048_576,
    "AccessSystemSecurity": 16_777_216,
}
INHERITANCE = ("None", "All", "Descendents", "SelfAndChildren", "Children")


def _access_rights(value: Any) -> list[str]:
    """ActiveDirectoryRights[]: names in a list or separated by commas."""
    known = {name.casefold(): name for name in ACCESS_RIGHTS}
    words = [word.strip() for item in conversion.strings(value) for word in item.split(",")]
    for word in words:
        if word.casefold() not in known:
            raise ConversionError(f'Cannot convert value "{word}" to type "{_RIGHTS_TYPE}".')
    return [known[word.casefold()] for word in words]


def _found(invocation: Invocation) -> tuple[permissions.Connector, str]:
    """The connector that -Identity means, with its distinguished name: by that, by GUID, or by a
    name that only one object has. A server's name before it is not understood here."""
    organisation = invocation.organisation
    identity = invocation.parameters.get("Identity")
    pairs: list[tuple[permissions.Connector, str]] = [
        (connector, send_connector_dn(organisation, connector))
        for connector in organisation.send_connectors
    ]
    for server in organisation:
        for receive in server.receive_connectors:
            pairs.append((receive, receive_connector_dn(organisation, server, receive)))
    wanted = identity.strip().casefold()
    found = [
        (connector, dn)
        for connector, dn in pairs
        if wanted in folded((connector.Name, str(connector.Guid), dn))
    ]
    if len(found) > 1:
        raise invocation.error(
            f"The operation couldn't be performed because '{identity}' matches multiple entries.",
            category="InvalidData",
            exception="ManagementObjectAmbiguousException",
        )
    if not found:
        raise invocation.object_not_found(identity)
    return found[0]


def _user(invocation: Invocation) -> str:
    name = invocation.parameters.get("User")
    user = permissions.principal(invocation.organisation, name)
    if user is None:
        raise invocation.error(
            f'Couldn\'t resolve the user or group "{name}." If the user or group is a foreign '
            "forest principal, you must have either a two-way trust or an outgoing trust.",
            category="InvalidOperation",
            exception="ManagementObjectNotFoundException",
            target=name,
        )
    return user


def _identity(dn: str, connector: permissions.Connector) -> ClrObject:
    return directory.ad_object_id(dn, guid=connector.Guid)


def _text_object(type_name: str, text: str) -> ClrObject:
    return ClrObject((type_name, "System.Object"), to_string=text)


def _entry_output(
    connector: permissions.Connector, dn: str, entry: AccessEntry, *, inherited: bool
) -> OutputObject:
    extended = [entry.ExtendedRight] if entry.ExtendedRight else []
    right = entry.AccessRight
    getters: Getters = {
        "AccessRights": lambda: ClrObject(
            (f"{_RIGHTS_TYPE}[]", "System.Array", "System.Object"),
            items=[enum(_RIGHTS_TYPE, right, ACCESS_RIGHTS[right])],
        ),
        "ExtendedRights": lambda: (
            ClrObject(
                (f"{_TASKS_LIBRARY}ExtendedRightIdParameter[]", "System.Array", "System.Object"),
                items=[
                    _text_object(_TASKS_LIBRARY + "ExtendedRightIdParameter", name)
                    for name in extended
                ],
            )
            if extended
            else None
        ),
        "ChildObjectTypes": lambda: None,
        "InheritedObjectType": lambda: None,
        "Properties": lambda: None,
        "IsInherited": lambda: inherited,
        "InheritanceType": lambda: enum(
            _INHERITANCE_TYPE, entry.InheritanceType, INHERITANCE.index(entry.InheritanceType)
        ),
        "User": lambda: _text_object(_TASKS_LIBRARY + "SecurityPrincipalIdParameter", entry.User),
        "Identity": lambda: _identity(dn, connector),
        "Deny": lambda: ClrObject(
            ("System.Management.Automation.SwitchParameter", "System.ValueType", "System.Object"),
            to_string=str(entry.Deny),
            properties=[("IsPresent", entry.Deny)],
        ),
        "IsValid": lambda: True,
        "ObjectState": lambda: directory.object_state("New"),
    }
    return output_of(_ENTRY, _ENTRY[0], getters)


def _owner_output(
    invocation: Invocation, connector: permissions.Connector, dn: str
) -> OutputObject:
    domain = permissions.windows_domain(invocation.organisation)
    getters: Getters = {
        "Identity": lambda: _identity(dn, connector),
        "Owner": lambda: _text_object(
            _TASKS_LIBRARY + "SecurityPrincipalIdParameter", f"{domain}\\Domain Admins"
        ),
        "IsValid": lambda: True,
        "ObjectState": lambda: directory.object_state("New"),
    }
    return output_of(_OWNER, _OWNER[0], getters)


def _get(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    with organisation.lock:
        connector, dn = _found(invocation)
        if invocation.parameters.switch("Owner"):
            yield _owner_output(invocation, connector, dn)
            return
        wanted = _user(invocation) if "User" in invocation.parameters else None
        entries = [(entry, False) for entry in permissions.explicit(organisation, connector)]
        entries += [(entry, True) for entry in permissions.inherited(organisation)]
    for entry, inherited in entries:
        if wanted is None or entry.User == wanted:
            yield _entry_output(connector, dn, entry, inherited=inherited)


def _extended_right(invocation: Invocation, name: str) -> str:
    known = {right.casefold(): right for right in permissions.EXTENDED_RIGHTS}
    right = known.get(name.strip().replace(" ", "-").casefold())
    if right is None:
        raise invocation.error(
            f"The extended right '{name}' wasn't found in the directory.",
            category="InvalidArgument",
            exception="ManagementObjectNotFoundException",
            target=name,
        )
    return right


def _meant(invocation: Invocation) -> list[AccessEntry]:
    """The entries that the parameters describe, one for each right."""
    parameters = invocation.parameters
    user = _user(invocation)
    extended = [_extended_right(invocation, n) for n in parameters.get("ExtendedRights") or ()]
    rights = list(dict.fromkeys(parameters.get("AccessRights") or ()))
    if not extended and not rights:
        raise binding_error(
            invocation.definition,
            "Cannot process command because of one or more missing mandatory parameters: "
            "AccessRights or ExtendedRights.",
            "MissingMandatoryParameter",
        )
    if "ExtendedRight" in rights and not extended:
        raise invocation.error(
            "The ExtendedRights parameter must be specified if the AccessRights parameter is set "
            "to ExtendedRight.",
            category="InvalidArgument",
        )
    shape = {
        "Deny": parameters.switch("Deny"),
        "InheritanceType": parameters.get("InheritanceType", "All"),
    }
    entries = [AccessEntry(user, right, **shape) for right in rights if right != "ExtendedRight"]
    entries += [AccessEntry(user, ExtendedRight=name, **shape) for name in extended]
    return list(dict.fromkeys(entries))


def _add(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    connector, dn = _found(invocation)
    entries = _meant(invocation)
    invocation.changed = connector.Identity
    if not invocation.should_process(
        f'Adding Active Directory permission on "{dn}" for user "{entries[0].User}".'
    ):
        return
    with organisation.lock:
        present = permissions.explicit(organisation, connector)
        for entry in entries:
            if entry in present:
                invocation.warn(
                    f'The appropriate access control entry is already present on the object "{dn}" '
                    f'for account "{entry.User}".'
                )
        permissions.replace(organisation, connector, [*present, *entries])
    for entry in entries:
        yield _entry_output(connector, dn, entry, inherited=False)


def _remove(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    connector, dn = _found(invocation)
    entries = _meant(invocation)
    invocation.changed = connector.Identity
    if not invocation.should_process(
        f'Removing Active Directory permission from "{dn}" for user "{entries[0].User}".'
    ):
        return
    with organisation.lock:
        present = permissions.explicit(organisation, connector)
        above = permissions.inherited(organisation)
        for entry in entries:
            if entry not in present:
                _warn_not_removed(invocation, dn, entry, inherited=entry in above)
        kept = [entry for entry in present if entry not in entries]
        permissions.replace(organisation, connector, kept)
    yield from ()


def _warn_not_removed(
    invocation: Invocation, dn: str, entry: AccessEntry, *, inherited: bool
) -> None:
    reason = "is inherited" if inherited else "isn't present"
    invocation.warn(
        f'Can\'t remove the access control entry on the object "{dn}" for account "{entry.User}" '
        f"because the ACE {reason}."
    )


_DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)
_IDENTITY = Parameter("Identity", conversion.required_text, position=1, required=True)
_CHANGES = (
    _IDENTITY,
    Parameter("User", conversion.required_text, required=True),
    Parameter("AccessRights", _access_rights),
    Parameter("ExtendedRights", conversion.strings),
    Parameter("Deny", conversion.switch),
    Parameter("InheritanceType", conversion.enumeration(_INHERITANCE_TYPE, INHERITANCE)),
    _DOMAIN_CONTROLLER,
)

CMDLETS = (
    CmdletDefinition(
        "Get-ADPermission",
        TASKS + "GetADPermission",
        (
            _IDENTITY,
            Parameter("User", conversion.required_text, sets=("AccessRights",)),
            Parameter("Owner", conversion.switch, sets=("Owner",)),
            _DOMAIN_CONTROLLER,
        ),
        _get,
        default_set="AccessRights",
    ),
    CmdletDefinition(
        "Add-ADPermission",
        TASKS + "AddADPermission",
        _CHANGES,
        _add,
        should_process=True,
    ),
    CmdletDefinition(
        "Remove-ADPermission",
        TASKS + "RemoveADPermission",
        _CHANGES,
        _remove,
        should_process=True,
        asks_confirmation=True,
    ),
)
