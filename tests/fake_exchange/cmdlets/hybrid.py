# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do the cmdlets about the organisation as a whole do? Get-/Set-HybridConfiguration and
Get-AcceptedDomain."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from fake_exchange.clixml import directory_types as directory
from fake_exchange.clixml import network_types as network
from fake_exchange.clixml import value_types as values
from fake_exchange.clixml.directory_types import CONFIGURATION_OBJECT, Getters
from fake_exchange.clixml.objects import ClrObject, OutputObject, enum, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import (
    CONFIGURATION,
    Change,
    Setting,
    certificate_name,
    find,
    folded,
    normalise_tls_certificate_name,
    refuse,
)
from fake_exchange.cmdlets.conversion import ConversionError
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.servers import server_identity
from fake_exchange.organisation.bindings import parse_range
from fake_exchange.organisation.model import (
    AcceptedDomain,
    HybridConfiguration,
    Organisation,
)

TASKS = "Microsoft.Exchange.Management.SystemConfigurationTasks."
HYBRID_TASKS = "Microsoft.Exchange.Management.Hybrid."
HYBRID = (CONFIGURATION + "HybridConfiguration", *CONFIGURATION_OBJECT)
ACCEPTED_DOMAIN = (CONFIGURATION + "AcceptedDomain", *CONFIGURATION_OBJECT)
HYBRID_NAME = "Hybrid Configuration"
_FEATURES = f"HybridFeature, {directory.DIRECTORY_LIBRARY}"
FEATURES = (
    "FreeBusy",
    "MoveMailbox",
    "Mailtips",
    "MessageTracking",
    "OwaRedirection",
    "OnlineArchive",
    "SecureMail",
    "CentralizedTransport",
    "Photos",
)
#: What Microsoft's page calls it; the enumeration has the longer name.
_CENTRALIZED = "Centralized"
DOMAIN_TYPES = ("Authoritative", "ExternalRelay", "InternalRelay")

_feature = conversion.enumeration("HybridFeature", FEATURES)


def _named_feature(value: Any) -> str:
    if isinstance(value, str) and value.strip().casefold() == _CENTRALIZED.casefold():
        return "CentralizedTransport"
    return str(_feature(value))


def _hybrid_domain(value: Any) -> str:
    """A domain; ``autod:`` before it marks the one whose Autodiscover serves all of them."""
    text = conversion.required_text(value).strip()
    prefix, _, domain = text.rpartition(":")
    if prefix.casefold() not in ("", "autod"):
        raise ConversionError(f'"{text}" isn\'t a valid SMTP domain.')
    return f"{prefix.casefold()}:{conversion.domain_name(domain)}" if prefix else text


def _unordered(items: list[str]) -> list[str]:
    return sorted(folded(items))


HYBRID_SETTINGS = (
    Setting("ClientAccessServers", conversion.multi_value()),
    Setting("Domains", conversion.multi_value(_hybrid_domain), key=folded),
    Setting("EdgeTransportServers", conversion.multi_value()),
    Setting("ExternalIPAddresses", conversion.multi_value(conversion.ip_range)),
    Setting("Features", conversion.multi_value(_named_feature), key=_unordered),
    Setting("OnPremisesSmartHost", conversion.domain_name),
    Setting("ReceivingTransportServers", conversion.multi_value()),
    Setting("SendingTransportServers", conversion.multi_value()),
    Setting("ServiceInstance", conversion.integer, limits=(0, 1)),
    Setting("TlsCertificateName", certificate_name),
)
_SERVER_LISTS = (
    "ClientAccessServers",
    "EdgeTransportServers",
    "ReceivingTransportServers",
    "SendingTransportServers",
)


def _servers(organisation: Organisation, names: list[str]) -> ClrObject:
    servers = (organisation.server(name) for name in names)
    return directory.identities(
        server_identity(organisation, server) for server in servers if server is not None
    )


def hybrid_output(organisation: Organisation, hybrid: HybridConfiguration) -> OutputObject:
    """The hybrid configuration with its 27 properties."""
    domain = organisation.domain
    dn = f"CN={HYBRID_NAME},CN={HYBRID_NAME},{directory.organization_dn(organisation.Name, domain)}"
    common = directory.directory_members(
        distinguished_name=dn,
        guid=hybrid.Guid,
        identity=directory.ad_object_id(dn, guid=hybrid.Guid),
        domain=domain,
        schema_class="ms-Exch-Coexistence-Relationship",
        object_classes=("top", "msExchCoexistenceRelationship"),
        changed=hybrid.WhenChanged,
        created=hybrid.WhenCreated,
        domain_controller=organisation.domain_controller,
        time_zone=organisation.time_zone,
        state="Changed",
    )
    getters: Getters = {
        "ClientAccessServers": lambda: _servers(organisation, hybrid.ClientAccessServers),
        "EdgeTransportServers": lambda: _servers(organisation, hybrid.EdgeTransportServers),
        "ReceivingTransportServers": lambda: _servers(
            organisation, hybrid.ReceivingTransportServers
        ),
        "SendingTransportServers": lambda: _servers(organisation, hybrid.SendingTransportServers),
        "OnPremisesSmartHost": lambda: values.smtp_domain(hybrid.OnPremisesSmartHost),
        "Domains": lambda: directory.data_list(
            "AutoDiscoverSmtpDomain", map(values.auto_discover_domain, hybrid.Domains)
        ),
        "Features": lambda: directory.multi_valued(
            _FEATURES,
            [enum("HybridFeature", name, FEATURES.index(name)) for name in hybrid.Features],
            directory=True,
        ),
        "ExternalIPAddresses": lambda: directory.data_list(
            "IPRange", map(network.ip_range, hybrid.ExternalIPAddresses)
        ),
        "TlsCertificateName": lambda: values.smtp_x509_identifier(hybrid.TlsCertificateName),
        "ServiceInstance": lambda: hybrid.ServiceInstance,
        "AdminDisplayName": lambda: "",
        "ExchangeVersion": lambda: directory.object_version(0, 20, "15.0.0.0"),
        "Name": lambda: HYBRID_NAME,
        **common["name"],
        **common["dates"],
        **common["state"],
    }
    return output_of(
        HYBRID, HYBRID_NAME, getters, lambda: directory.property_bag(HYBRID[0], getters)
    )


def accepted_domain_output(organisation: Organisation, accepted: AcceptedDomain) -> OutputObject:
    """An accepted domain: the documented properties, no capture exists."""
    domain, name = organisation.domain, accepted.Name or accepted.DomainName
    dn = (
        f"CN={name},CN=Accepted Domains,CN=Transport Settings,"
        f"{directory.organization_dn(organisation.Name, domain)}"
    )
    common = directory.directory_members(
        distinguished_name=dn,
        guid=accepted.Guid,
        identity=directory.ad_object_id(dn, guid=accepted.Guid),
        domain=domain,
        schema_class="ms-Exch-Accepted-Domain",
        object_classes=("top", "msExchAcceptedDomain"),
        changed=accepted.WhenChanged,
        created=accepted.WhenCreated,
        domain_controller=organisation.domain_controller,
        time_zone=organisation.time_zone,
    )
    getters: Getters = {
        "DomainName": lambda: values.smtp_domain_with_subdomains(accepted.DomainName),
        "CatchAllRecipientID": lambda: None,
        "DomainType": lambda: enum(
            CONFIGURATION + "AcceptedDomainType",
            accepted.DomainType,
            DOMAIN_TYPES.index(accepted.DomainType),
        ),
        "MatchSubDomains": lambda: accepted.DomainName.startswith("*"),
        "AddressBookEnabled": lambda: True,
        "Default": lambda: accepted.Default,
        "AuthenticationType": lambda: None,
        "AdminDisplayName": lambda: "",
        "ExchangeVersion": lambda: directory.object_version(0, 1, "8.0.535.0"),
        "Name": lambda: name,
        **common["name"],
        **common["dates"],
        **common["state"],
    }
    return output_of(
        ACCEPTED_DOMAIN,
        name,
        getters,
        lambda: directory.property_bag(ACCEPTED_DOMAIN[0], getters),
    )


def _get_hybrid(invocation: Invocation) -> Iterator[OutputObject]:
    hybrid = invocation.organisation.hybrid_configuration
    if hybrid is not None:
        yield hybrid_output(invocation.organisation, hybrid)


def _set_hybrid(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    hybrid = organisation.hybrid_configuration
    if hybrid is None:
        raise invocation.object_not_found(HYBRID_NAME)
    if not invocation.should_process(f'Setting the "{HYBRID_NAME}".'):
        return
    with organisation.lock:
        change = Change(invocation, hybrid, HYBRID_SETTINGS)
        change.check_limits(invocation)
        normalise_tls_certificate_name(invocation, change)
        _check_servers(invocation, change)
        _check_domains(invocation, change)
        change.apply(invocation, HYBRID_NAME)
    yield from ()


def _check_servers(invocation: Invocation, change: Change) -> None:
    """Servers by any of their names, each where its role allows."""
    mailbox = change["SendingTransportServers"] or change["ReceivingTransportServers"]
    if change["EdgeTransportServers"] and mailbox:
        raise refuse(
            invocation,
            "The SendingTransportServers and ReceivingTransportServers parameters must be set "
            "to $null if the EdgeTransportServers parameter is used.",
        )
    for name in _SERVER_LISTS:
        if name not in change.given:
            continue
        servers = [invocation.find_server(server) for server in change.given[name]]
        wanted = "Edge" if name == "EdgeTransportServers" else "Mailbox"
        for server in servers:
            if server.ServerRole != wanted:
                kind = "an Edge Transport server" if wanted == "Edge" else "a Mailbox server"
                raise refuse(
                    invocation,
                    f"The server '{server.Name}' can't be used in the {name} parameter because it "
                    f"isn't {kind}.",
                )
        change.given[name] = list(dict.fromkeys(server.Name for server in servers))


def _check_domains(invocation: Invocation, change: Change) -> None:
    domains = change.given.get("Domains", ())
    if sum(domain.startswith("autod:") for domain in domains) > 1:
        raise refuse(invocation, "Only one domain can be the Autodiscover domain.")
    accepted = folded(domain.DomainName for domain in invocation.organisation.accepted_domains)
    for domain in domains:
        if domain.removeprefix("autod:").casefold() not in accepted:
            raise refuse(
                invocation,
                f"The domain '{domain}' isn't an accepted domain of the organization.",
            )
    for address in change.given.get("ExternalIPAddresses", ()):
        if parse_range(address)[0] != 4:
            raise refuse(
                invocation,
                f"The value '{address}' of the ExternalIPAddresses parameter isn't an IPv4 "
                "address.",
            )


def _get_accepted_domain(invocation: Invocation) -> Iterator[OutputObject]:
    def names(accepted: AcceptedDomain) -> tuple[str, ...]:
        guid: uuid.UUID = accepted.Guid
        return accepted.Name or accepted.DomainName, accepted.DomainName, str(guid)

    found = find(
        invocation,
        invocation.organisation.accepted_domains,
        names,
        identity=invocation.parameters.get("Identity"),
    )
    for accepted in found:
        yield accepted_domain_output(invocation.organisation, accepted)


_DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)

CMDLETS = (
    CmdletDefinition(
        "Get-HybridConfiguration",
        HYBRID_TASKS + "GetHybridConfiguration",
        (_DOMAIN_CONTROLLER,),
        _get_hybrid,
    ),
    CmdletDefinition(
        "Set-HybridConfiguration",
        HYBRID_TASKS + "SetHybridConfiguration",
        (*(setting.parameter for setting in HYBRID_SETTINGS), _DOMAIN_CONTROLLER),
        _set_hybrid,
        should_process=True,
    ),
    CmdletDefinition(
        "Get-AcceptedDomain",
        TASKS + "GetAcceptedDomain",
        (Parameter("Identity", conversion.text, position=1), _DOMAIN_CONTROLLER),
        _get_accepted_domain,
    ),
)
