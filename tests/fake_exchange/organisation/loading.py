# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What organisation does a YAML file describe? The parts that belong to the organisation as a
whole; servers are read by `server_loading`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509

from fake_exchange.organisation import certificates, edge_subscriptions
from fake_exchange.organisation.access_loading import read_access
from fake_exchange.organisation.accounts import permissions_of
from fake_exchange.organisation.behavior import Behavior
from fake_exchange.organisation.certificates import CertificateData
from fake_exchange.organisation.model import (
    AcceptedDomain,
    Account,
    AuthConfig,
    EdgeSubscription,
    FederationTrust,
    HybridConfiguration,
    LoadedCertificate,
    Organisation,
    Peer,
    SendConnector,
)
from fake_exchange.organisation.named_certificates import (
    NamedCertificate,
    find,
    read_certificate,
    read_named_certificates,
    read_pem_pair,
    tls_certificate_name,
)
from fake_exchange.organisation.reading import (
    LoadingError,
    Place,
    Section,
    as_texts,
    existing_file,
    fill,
    folded,
)
from fake_exchange.organisation.server_loading import load_servers
from fake_exchange.organisation.time_zones import time_zone

__all__ = ["LoadingError", "load_organisation"]

ACCEPTED_DOMAIN_KEYS = {"name": "domain_name", "type": "domain_type"}


def load_organisation(file: Path) -> Organisation:
    """The organisation of the YAML file, every service loaded and running as the file says.

    Raises `LoadingError` with one line that names the file and the key.
    """
    top = Section(_read_yaml(file), Place(file))
    identity = top.section("organization")
    organisation = Organisation(
        Name=identity.text("name", "Contoso"),
        domain=identity.text("domain", "contoso.test"),
        domain_controller=identity.text("domain_controller", ""),
    )
    if "time_zone" in identity:
        organisation.time_zone = _time_zone(identity)
    identity.done()
    _load_behavior(organisation.behavior, top.section("behavior"))
    organisation.trusted_roots = list(_roots(top))
    organisation.keytab = _keytab(top)
    organisation.accounts = _accounts(top, organisation)
    organisation.accepted_domains = _accepted_domains(top, organisation)
    named = read_named_certificates(top.section("certificates"))
    auth = _auth_certificate(top.section("auth_config"), organisation.auth_config, named)
    load_servers(top, organisation, named, auth=auth, winrm_authority=_winrm_authority(top))
    organisation.send_connectors = _send_connectors(top, organisation, named)
    organisation.federation_trust = _federation_trust(top, organisation, named)
    organisation.edge_subscriptions = list(_edge_subscriptions(top, organisation))
    organisation.peers = list(_peers(top, organisation, named))
    organisation.hybrid_configuration = _hybrid_configuration(top, organisation, named)
    _check_landing_places(organisation, top.place)
    top.done()
    if not organisation.servers:
        raise top.place.below("servers").error("there is no server")
    return organisation


def _read_yaml(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise LoadingError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LoadingError(f"{file}: is not UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "is not YAML"
        raise LoadingError(f"{file}: {line}{problem}") from None


def _time_zone(identity: Section) -> tzinfo:
    place = identity.at("time_zone")
    try:
        return time_zone(identity.text("time_zone"))
    except ValueError as problem:
        raise place.error(str(problem)) from None


def _load_behavior(behavior: Behavior, section: Section) -> None:
    fill(behavior, section, only=vars(behavior))
    for name, words in Behavior.CHOICES.items():
        if getattr(behavior, name) not in words:
            raise section.place.below(name).error(
                f"'{getattr(behavior, name)}' is none of {', '.join(words)}"
            )
    section.done()


def _roots(top: Section) -> Iterator[x509.Certificate]:
    for value, place in top.entries("trusted_roots"):
        yield read_certificate(existing_file(str(value), place), place)


def _keytab(top: Section) -> Path | None:
    section = top.section("kerberos")
    keytab = section.file("keytab", None)
    section.done()
    return keytab


def _winrm_authority(top: Section) -> CertificateData | None:
    section = top.section("winrm").section("authority") if "winrm" in top else None
    if section is None or not section.names():
        return None
    data = read_pem_pair(section, "certificate")
    section.done()
    return data


def _accounts(top: Section, organisation: Organisation) -> list[Account]:
    own_roles = _own_roles(top.section("roles"))
    groups = top.section("role_groups")
    own_groups = {name: groups.texts(name) for name in groups.names()}
    accounts = []
    for value, place in top.entries("accounts"):
        section = Section(value, place)
        account = Account(
            user=section.text("user"),
            domain=section.text("domain", organisation.domain.partition(".")[0].upper()),
            realm=section.text("realm", organisation.domain.upper()),
            password=section.text("password"),
            role_groups=section.texts("role_groups", []),
            roles=section.texts("roles", []),
            lands_on=section.text("lands_on", None),
            RemotePowerShellEnabled=section.truth("remote_powershell_enabled", True),
            windows_administrator=section.truth("windows_administrator", True),
        )
        section.done()
        try:
            account.permissions = permissions_of(
                account.role_groups,
                account.roles,
                own_roles=own_roles,
                own_role_groups=own_groups,
            )
        except KeyError as error:
            raise place.error(f"there is no role or role group {error}") from None
        accounts.append(account)
    return accounts


def _own_roles(section: Section) -> dict[str, dict[str, list[str] | None]]:
    """`roles:` - role -> cmdlet -> list of parameters, or `all`; a list of cmdlets means all."""
    roles: dict[str, dict[str, list[str] | None]] = {}
    for role in section.names():
        place = section.at(role)
        value = section.take(role)
        if isinstance(value, list):
            roles[role] = dict.fromkeys(as_texts(value, place))
            continue
        cmdlets = Section(value, place)
        roles[role] = {
            name: None if parameters == ["all"] else parameters
            for name in cmdlets.names()
            for parameters in [cmdlets.texts(name)]
        }
    return roles


def _accepted_domains(top: Section, organisation: Organisation) -> list[AcceptedDomain]:
    domains = []
    for value, place in top.entries("accepted_domains"):
        section = Section({"name": value} if isinstance(value, str) else value, place)
        for short, key in ACCEPTED_DOMAIN_KEYS.items():
            if short in section and key not in section:
                section = _renamed(section, short, key)
        domain = AcceptedDomain(section.text("domain_name"))
        domain.Name = domain.DomainName
        fill(domain, section)
        section.done()
        domains.append(domain)
    if not domains:
        domains = [AcceptedDomain(organisation.domain, organisation.domain)]
    if not any(domain.Default for domain in domains):
        domains[0].Default = True
    return domains


def _renamed(section: Section, old: str, new: str) -> Section:
    values = {key: section.take(key) for key in section.names()}
    return Section(
        {new if folded(key) == folded(old) else key: value for key, value in values.items()},
        section.place,
    )


def _send_connectors(
    top: Section, organisation: Organisation, named: dict[str, NamedCertificate]
) -> list[SendConnector]:
    connectors = []
    for value, place in top.entries("send_connectors"):
        section = Section(value, place)
        connector = SendConnector(
            Name=section.text("name"),
            AddressSpaces=section.texts("address_spaces", ["SMTP:*;1"]),
            SourceTransportServers=_servers(
                section, "source_transport_servers", organisation, _mailbox_servers(organisation)
            ),
            TlsCertificateName=tls_certificate_name(section, named),
        )
        if "smart_hosts" in section:
            connector.DNSRoutingEnabled = False
        connector.access = read_access(section, organisation)
        fill(connector, section)
        section.done()
        connectors.append(connector)
    return connectors


def _mailbox_servers(organisation: Organisation) -> list[str]:
    return [server.Name for server in organisation if not server.IsEdgeServer]


def _servers(
    section: Section, key: str, organisation: Organisation, default: list[str]
) -> list[str]:
    place = section.at(key)
    names = []
    for name in section.texts(key, default):
        server = organisation.server(name)
        if server is None:
            raise place.error(f"there is no server '{name}'")
        names.append(server.Name)
    return names


def _hybrid_configuration(
    top: Section, organisation: Organisation, named: dict[str, NamedCertificate]
) -> HybridConfiguration | None:
    if "hybrid_configuration" not in top:
        return None
    section = top.section("hybrid_configuration")
    mailbox = _mailbox_servers(organisation)
    edge = _servers(section, "edge_transport_servers", organisation, [])
    configuration = HybridConfiguration(
        TlsCertificateName=tls_certificate_name(section, named),
        SendingTransportServers=_servers(
            section, "sending_transport_servers", organisation, [] if edge else mailbox
        ),
        ReceivingTransportServers=_servers(
            section, "receiving_transport_servers", organisation, [] if edge else mailbox
        ),
        EdgeTransportServers=edge,
        Domains=[domain.DomainName for domain in organisation.accepted_domains],
    )
    fill(configuration, section)
    section.done()
    return configuration


def _federation_trust(
    top: Section, organisation: Organisation, named: dict[str, NamedCertificate]
) -> FederationTrust | None:
    """Federated domains are all accepted ones, beneath the name space that the wizard makes,
    unless the file says otherwise."""
    if "federation_trust" not in top:
        return None
    section = top.section("federation_trust")
    found = {}
    for key in ("current", "previous", "next"):
        place, name = section.at(key), section.text(key, None)
        found[key] = find(name, named, place).thumbprint if name is not None else ""
    domains = [domain.DomainName for domain in organisation.accepted_domains]
    default = next(d.DomainName for d in organisation.accepted_domains if d.Default)
    name_space = f"FYDIBOHF25SPDLT.{default}"
    trust = FederationTrust(
        OrgPrivCertificate=found["current"],
        OrgPrevPrivCertificate=found["previous"],
        OrgNextPrivCertificate=found["next"],
        ApplicationUri=name_space,
        AccountNamespace=name_space,
        Domains=[name_space, *domains],
    )
    fill(trust, section)
    section.done()
    return trust


def _edge_subscriptions(top: Section, organisation: Organisation) -> Iterator[EdgeSubscription]:
    """Edge servers by name; the site is their own unless the file says otherwise."""
    for value, place in top.entries("edge_subscriptions"):
        section = Section({"server": value} if isinstance(value, str) else value, place)
        server_place, name = section.at("server"), section.text("server")
        edge = organisation.server(name)
        if edge is None or not edge.IsEdgeServer:
            raise server_place.error(f"there is no Edge server '{name}'")
        site_place, site = section.at("site"), section.text("site", edge.Site)
        section.done()
        try:
            yield edge_subscriptions.subscribe(organisation, edge, site)
        except edge_subscriptions.NoMailboxServer:
            raise site_place.error(f"there is no Mailbox server in the site '{site}'") from None


def _peers(
    top: Section, organisation: Organisation, named: dict[str, NamedCertificate]
) -> Iterator[Peer]:
    """Mail servers of others; their certificates may be named or are made. They trust the same
    roots as this organisation unless the file says which."""
    seen: set[str] = set()
    for value, place in top.entries("peers"):
        section = Section(value, place)
        name = section.text("name").casefold()
        if name in seen:
            raise place.error(f"there are two peers '{name}'")
        seen.add(name)
        domain = section.text("domain", f"{name}.test").casefold()
        certificate_place = section.at("certificate")
        chosen = section.text("certificate", None)
        if chosen is not None:
            data = find(chosen, named, certificate_place).data
        else:
            subject = certificates.common_name(domain)
            key = certificates.shared_key("peer")
            data = certificates.self_signed(subject, dns_names=[domain], key=key, years=1)
        own_roots = "trusted_roots" in section
        peer = Peer(
            name,
            domain,
            LoadedCertificate(data.certificate, data.private_key, tuple(data.others)),
            require_client_certificate=section.truth("require_client_certificate", False),
            trusted_roots=list(_roots(section)) if own_roots else organisation.trusted_roots,
            client_names=section.texts("client_names", []),
            port=section.number("port", 0),
        )
        section.done()
        if (peer.require_client_certificate or peer.client_names) and not peer.trusted_roots:
            raise place.below("trusted_roots").error(
                "a peer that checks certificates needs roots to check them against"
            )
        yield peer


def _auth_certificate(
    section: Section, auth_config: AuthConfig, named: dict[str, NamedCertificate]
) -> CertificateData:
    """Read `auth_config:`; returns the OAuth certificate that every Mailbox server holds, a named
    one or a new one."""
    found = {}
    for key in ("current", "previous", "next"):
        place = section.at(key)
        name = section.text(key, None)
        if name is not None:
            found[key] = find(name, named, place)
    data = found["current"].data if "current" in found else certificates.auth_certificate()
    auth_config.CurrentCertificateThumbprint = NamedCertificate(data).thumbprint
    if "previous" in found:
        auth_config.PreviousCertificateThumbprint = found["previous"].thumbprint
    if "next" in found:
        auth_config.NextCertificateThumbprint = found["next"].thumbprint
    fill(auth_config, section)
    section.done()
    return data


def _check_landing_places(organisation: Organisation, place: Place) -> None:
    for number, account in enumerate(organisation.accounts):
        if account.lands_on is not None:
            server = organisation.server(account.lands_on)
            if server is None or server.IsEdgeServer:
                raise (
                    place.below("accounts")
                    .below(number)
                    .below("lands_on")
                    .error(f"there is no Mailbox server '{account.lands_on}'")
                )
