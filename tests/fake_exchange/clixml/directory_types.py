# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do all objects from Active Directory share? Identities, object versions, multi-valued
properties and the members that every configuration object carries after its own."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timezone, tzinfo
from functools import lru_cache
from typing import Any

from fake_exchange.clixml.binary_formatter import (
    Member,
    NetObject,
    ObjectArray,
    class_member,
    serialize,
)
from fake_exchange.clixml.objects import Byte, ClrObject, SameObject, enum
from fake_exchange.clixml.value_types import DATA, DATA_LIBRARY, MSCORLIB, PUBLIC_KEY, data_member

DIRECTORY = f"{DATA}.Directory"
DIRECTORY_LIBRARY = f"{DIRECTORY}, {PUBLIC_KEY}"
SYSTEM_CONFIGURATION = f"{DIRECTORY}.SystemConfiguration"
STRING = f"System.String, {MSCORLIB}"
AD_OBJECT_ID = f"{DIRECTORY}.ADObjectId, {DIRECTORY_LIBRARY}"
NO_GUID = uuid.UUID(int=0)
#: The configuration partition; the same in every captured organization.
CONFIGURATION_PARTITION = uuid.UUID("59ce2f71-eaa2-4ddf-a4fa-f25069d0b324")

#: Type chain that follows a configuration object's own type.
CONFIGURATION_OBJECT = (
    f"{SYSTEM_CONFIGURATION}.ADConfigurationObject",
    f"{DIRECTORY}.ADObject",
    f"{DIRECTORY}.ADRawEntry",
    f"{DATA}.ConfigurableObject",
    "System.Object",
)

Getters = dict[str, Callable[[], Any]]


def local_time(moment: datetime, time_zone: tzinfo) -> datetime:
    """The moment in the servers' time zone, without fractions of a second."""
    return moment.astimezone(time_zone).replace(microsecond=0)


def utc_time(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc).replace(microsecond=0)


def multi_valued(item_type: str, items: Iterable[Any], *, directory: bool = False) -> ClrObject:
    """MultiValuedProperty of items; ``item_type`` is the item's assembly qualified name."""
    names = [f"{DATA}.MultiValuedProperty`1[[{item_type}]]", f"{DATA}.MultiValuedPropertyBase"]
    if directory:
        names.insert(0, f"{DIRECTORY}.ADMultiValuedProperty`1[[{item_type}]]")
    return ClrObject((*names, "System.Object"), items=list(items))


def data_list(item_class: str, items: Iterable[Any]) -> ClrObject:
    """MultiValuedProperty of a class of Microsoft.Exchange.Data."""
    return multi_valued(f"{DATA}.{item_class}, {DATA_LIBRARY}", items)


def strings(items: Iterable[str]) -> ClrObject:
    return multi_valued(STRING, items)


def identities(items: Iterable[ClrObject]) -> ClrObject:
    return multi_valued(AD_OBJECT_ID, items, directory=True)


def domain_components(domain: str) -> str:
    return ",".join(f"DC={label}" for label in domain.split("."))


def configuration_dn(domain: str) -> str:
    return f"CN=Configuration,{domain_components(domain)}"


def organization_dn(name: str, domain: str) -> str:
    return f"CN={name},CN=Microsoft Exchange,CN=Services,{configuration_dn(domain)}"


def administrative_group_dn(name: str, domain: str) -> str:
    return (
        "CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups,"
        + organization_dn(name, domain)
    )


def server_dn(server: str, organization: str, domain: str) -> str:
    return f"CN={server},CN=Servers,{administrative_group_dn(organization, domain)}"


def _guid_member(name: str, value: uuid.UUID) -> Member:
    data = value.fields
    parts = [Member("_a", "Int32", data[0] - (1 << 32) if data[0] >> 31 else data[0])]
    for label, number in zip("bc", data[1:3], strict=True):
        parts.append(Member(f"_{label}", "Int16", number - 65536 if number >> 15 else number))
    parts += [
        Member(f"_{label}", "Byte", byte)
        for label, byte in zip("defghijk", value.bytes[8:], strict=True)
    ]
    return class_member(name, NetObject("System.Guid", "", tuple(parts), True), system=True)


def _canonical(names: list[str], domain: str) -> str:
    return "/".join([domain, *reversed(names)])


def _organization_object(forest: str | None) -> NetObject:
    """The first organization; inside an identity it names the forest."""
    identifier = f"{DIRECTORY}.ADObjectId"
    guid = f"System.Nullable`1[[System.Guid, {MSCORLIB}]]"
    partition = None
    if forest is not None:
        partition = NetObject(
            f"{DIRECTORY}.PartitionId",
            DIRECTORY_LIBRARY,
            (
                Member("forestFQDN", "String", forest),
                Member("partitionObjectId", "SystemClass", None, guid),
            ),
        )
    members = (
        Member("orgUnit", "Class", None, identifier, DIRECTORY_LIBRARY),
        Member("configUnit", "Class", None, identifier, DIRECTORY_LIBRARY),
        class_member(
            "partitionId",
            partition,
            type_name=f"{DIRECTORY}.PartitionId",
            library=DIRECTORY_LIBRARY,
        ),
        Member("externalDirectoryOrganizationId", "SystemClass", None, guid),
        Member("safeExternalDirectoryOrganizationId", "SystemClass", None, guid),
    )
    return NetObject(f"{DIRECTORY}.OrganizationId", DIRECTORY_LIBRARY, members)


def escaped(name: str) -> str:
    """A name as it stands in a distinguished name (RFC 4514)."""
    return re.sub(r'([,+"\\<>;=])', r"\\\1", name)


@lru_cache(maxsize=8192)
def ad_object_id(
    distinguished_name: str, *, guid: uuid.UUID = NO_GUID, text: str | None = None
) -> ClrObject:
    """An identity. ``text`` is its ToString if that is neither the name (inside the Exchange
    organization) nor the canonical path (elsewhere)."""
    parts = re.split(r"(?<!\\),", distinguished_name)
    names = [re.sub(r"\\(.)", r"\1", part.partition("=")[2]) for part in parts]
    labels = [name for name, part in zip(names, parts, strict=True) if part.startswith("DC=")]
    domain = ".".join(labels)
    containers = names[: len(names) - len(labels)]
    inside = "Microsoft Exchange" in containers[1:]
    parent = containers[1] if inside else _canonical(containers[1:], domain)
    partition = CONFIGURATION_PARTITION if guid != NO_GUID else NO_GUID
    shown = text or (containers[0] if inside else _canonical(containers, domain))
    blob = serialize(
        NetObject(
            f"{DIRECTORY}.ADObjectId",
            DIRECTORY_LIBRARY,
            (
                _guid_member("partitionGuid", partition),
                Member("partitionFqdn", "String", domain),
                _guid_member("objectGuid", guid),
                Member("distinguishedName", "String", distinguished_name),
                Member("securityIdentifierString", "String", None),
                Member("depth", "Int32", len(parts) - 1),
                Member("toStringVal", "String", shown),
                class_member(
                    "executingUserOrganization",
                    _organization_object(domain) if guid != NO_GUID else None,
                    type_name=f"{DIRECTORY}.OrganizationId",
                    library=DIRECTORY_LIBRARY,
                ),
            ),
        )
    )
    return ClrObject(
        (f"{DIRECTORY}.ADObjectId", f"{DATA}.ObjectId", "System.Object"),
        to_string=shown,
        properties=[
            ("OrgHierarchyToIgnore", None),
            ("IsDeleted", False),
            ("Rdn", parts[0]),
            ("Parent", parent),
            ("Depth", len(parts) - 1),
            ("DistinguishedName", distinguished_name),
            ("IsRelativeDn", False),
            ("DomainId", domain),
            ("PartitionGuid", partition),
            ("PartitionFQDN", domain),
            ("ObjectGuid", guid),
            ("Name", containers[0]),
        ],
        members=data_member(blob),
    )


@lru_cache(maxsize=64)
def object_version(major: int, minor: int, build: str) -> ClrObject:
    """Schema version of an object, e.g. ``0.1 (8.0.535.0)``; not the server's build."""
    numbers = [int(part) for part in build.split(".")]
    kinds = ("Byte", "Byte", "UInt16", "UInt16")
    names = ("Major", "Minor", "Build", "BuildRevision")
    members = tuple(
        Member(name, kind, number) for name, kind, number in zip(names, kinds, numbers, strict=True)
    )
    inner = NetObject(f"{DATA}.ExchangeBuild", DATA_LIBRARY, members, True)
    blob = serialize(
        NetObject(
            f"{DATA}.ExchangeObjectVersion",
            DATA_LIBRARY,
            (
                Member("Major", "Byte", major),
                Member("Minor", "Byte", minor),
                class_member("ExchangeBuild", inner),
            ),
        )
    )
    return ClrObject(
        (f"{DATA}.ExchangeObjectVersion", "System.Object"),
        to_string=f"{major}.{minor} ({build})",
        properties=[
            ("NextMajorVersion", f"{major + 1}.0 (0.0.0.0)"),
            ("NextMinorVersion", f"{major}.{minor + 1} (0.0.0.0)"),
            ("Major", Byte(major)),
            ("Minor", Byte(minor)),
            ("ExchangeBuild", build),
        ],
        members=data_member(blob),
    )


@lru_cache(maxsize=1)
def organization_id() -> ClrObject:
    """The first (and on-premises only) organization; its text is empty."""
    return ClrObject(
        (f"{DIRECTORY}.OrganizationId", "System.Object"),
        to_string="",
        properties=[
            ("OrganizationalUnit", None),
            ("ConfigurationUnit", None),
            ("IsConsumerOrganization", False),
            ("IdForEventLog", ""),
        ],
        members=data_member(serialize(_organization_object(None))),
    )


def object_state(name: str = "Unchanged") -> ClrObject:
    return enum(f"{DATA}.ObjectState", name, ("New", "Unchanged", "Changed").index(name))


@lru_cache(maxsize=2048)
def property_bag_blob(type_name: str, library: str, values: tuple[tuple[str, str], ...]) -> bytes:
    """The formatter's copy of a configuration object: a property bag of key and value pairs.

    Shorter than the real one, whose keys drag their whole property definitions along.
    """
    definition, pair = f"{DIRECTORY}.ADPropertyDefinition", f"{DATA}.PropertyBag+ValuePair"
    pairs = []
    for name, value in values:
        key = NetObject(
            definition,
            DIRECTORY_LIBRARY,
            (
                Member("ldapDisplayName", "String", f"msExch{name}"),
                Member("SimpleProviderPropertyDefinition+flags", "Int32", 0),
                Member("PropertyDefinition+name", "String", name),
                Member("PropertyDefinition+typeName", "String", STRING),
            ),
        )
        members = (class_member("Key", key), Member("Value", "String", value))
        pairs.append(NetObject(pair, DATA_LIBRARY, members, True))
    bag = NetObject(
        f"{DIRECTORY}.ADPropertyBag",
        DIRECTORY_LIBRARY,
        (
            Member("PropertyBag+readOnly", "Boolean", False),
            Member(
                "PropertyBag+serializedCurrentValues",
                "Class",
                ObjectArray(pair, DATA_LIBRARY, pairs),
                pair + "[]",
                DATA_LIBRARY,
            ),
        ),
    )
    return serialize(NetObject(type_name, library, (class_member("propertyBag", bag),)))


def property_bag(type_name: str, getters: Getters, *, library: str = DIRECTORY_LIBRARY) -> list:
    """Extended members of a whole configuration object."""
    values = []
    for name, getter in getters.items():
        value = getter()
        if isinstance(value, ClrObject) and value.to_string:
            value = value.to_string
        if isinstance(value, str) and value:
            values.append((name, value))
    return data_member(property_bag_blob(type_name, library, tuple(values)))


def constant_guid(distinguished_name: str) -> uuid.UUID:
    """A GUID for objects that the organisation does not keep, the same each time."""
    return uuid.uuid5(uuid.NAMESPACE_X500, distinguished_name)


def _schema_id(schema_class: str, domain: str) -> ClrObject:
    dn = f"CN={schema_class},CN=Schema,{configuration_dn(domain)}"
    return ad_object_id(dn, guid=constant_guid(dn))


def directory_members(
    *,
    distinguished_name: str,
    guid: uuid.UUID,
    identity: ClrObject,
    domain: str,
    schema_class: str,
    object_classes: Iterable[str],
    changed: datetime,
    created: datetime,
    domain_controller: str,
    time_zone: tzinfo,
    state: str = "Unchanged",
) -> dict[str, Getters]:
    """The members every directory object has, in groups, because their order differs by type:
    ``name`` DistinguishedName and Identity, ``dates`` Guid up to Id, ``state`` the rest."""
    classes = list(object_classes)
    return {
        "name": {
            "DistinguishedName": lambda: distinguished_name,
            "Identity": lambda: identity,
        },
        "dates": {
            "Guid": lambda: guid,
            "ObjectCategory": lambda: _schema_id(schema_class, domain),
            "ObjectClass": lambda: strings(classes),
            "WhenChanged": lambda: local_time(changed, time_zone),
            "WhenCreated": lambda: local_time(created, time_zone),
            "WhenChangedUTC": lambda: utc_time(changed),
            "WhenCreatedUTC": lambda: utc_time(created),
            "OrganizationId": organization_id,
            "Id": lambda: SameObject(identity),
            "OriginatingServer": lambda: domain_controller,
        },
        "state": {
            "IsValid": lambda: True,
            "ObjectState": lambda: object_state(state),
        },
    }
