# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers does a YAML file describe? Each gets what setup gives it, then what the file adds:
certificates, connectors, services, states, queues."""

from __future__ import annotations

from collections.abc import Iterator

from fake_exchange.organisation import (
    certificate_rules,
    certificates,
    installation,
    mail,
    services,
)
from fake_exchange.organisation.access_loading import read_access
from fake_exchange.organisation.certificates import CertificateData
from fake_exchange.organisation.model import (
    SERVICE_NAMES,
    Organisation,
    Queue,
    ReceiveConnector,
    Server,
    StoredCertificate,
    now,
)
from fake_exchange.organisation.named_certificates import (
    NamedCertificate,
    find,
    tls_certificate_name,
)
from fake_exchange.organisation.reading import Section, fill

PORT_NAMES = tuple(services.SERVICE_OF_PORT)
RESOURCES = (
    "UsedDiskSpace",
    "DatabaseUsedSpace",
    "PrivateBytes",
    "SystemMemory",
    "QueueLength",
    "UsedVersionBuckets",
)
LEVELS = ("Low", "Medium", "High")
MOST_SERVERS = 200


def load_servers(
    top: Section,
    organisation: Organisation,
    named: dict[str, NamedCertificate],
    *,
    auth: CertificateData,
    winrm_authority: CertificateData | None,
) -> None:
    """Fill `organisation.servers`. Raises `LoadingError`."""
    defaults = top.section("defaults")
    defaults_place, defaults_value = defaults.place, {k: defaults.take(k) for k in defaults.names()}
    for section in _described(top):
        server = _identity(section, organisation)
        if organisation.server(server.Name) or organisation.server(server.Fqdn):
            raise section.place.error(f"there are two servers '{server.Name}'")
        if len(organisation.servers) >= MOST_SERVERS:
            raise section.place.error(f"more than {MOST_SERVERS} servers")
        installation.equip(organisation, server, auth)
        _winrm_certificate(server, winrm_authority)
        late: list[StoredCertificate] = []
        for source in (Section(dict(defaults_value), defaults_place), section):
            late += _equip_further(organisation, server, source, named)
            source.done()
        _start_what_runs(organisation, server)
        for stored in late:
            certificate_rules.add(organisation, server, stored)
        organisation.servers[server.Name] = server


def _described(top: Section) -> Iterator[Section]:
    """One section per server; `count` and `name_pattern` make many of one entry."""
    for value, place in top.entries("servers"):
        section = Section({"name": value} if isinstance(value, str) else value, place)
        if "count" not in section:
            yield section
            continue
        count = section.number("count")
        first = section.number("first", 1)
        pattern = section.text("name_pattern", "EX{number:02}")
        sites = section.texts("site", ["Default-First-Site-Name"])
        rest = {key: section.take(key) for key in section.names()}
        for number in range(first, first + count):
            try:
                name = pattern.format(number=number)
            except (KeyError, ValueError, IndexError):
                raise place.below("name_pattern").error(
                    f"'{pattern}' is no pattern; example: EX{{number:02}}"
                ) from None
            site = sites[(number - first) % len(sites)]
            yield Section({**rest, "name": name, "site": site}, place)


def _identity(section: Section, organisation: Organisation) -> Server:
    name = section.text("name")
    server = Server(
        Name=name,
        Fqdn=section.text("fqdn", f"{name.lower()}.{organisation.domain}"),
        Site=section.text("site", "Default-First-Site-Name"),
        AdminDisplayVersion=section.text("version", "15.2.1748.10"),
        address=section.text("address", "127.0.0.1"),
    )
    server.DatabaseAvailabilityGroup = section.text("dag", "")
    server.AutoDiscoverServiceInternalUri = section.text("autodiscover_uri", "")
    server.clock_offset = float(section.number("clock_offset", 0))
    _back_pressure(server, section.section("back_pressure"))
    place = section.at("role")
    server.ServerRole = section.text("role", "Mailbox")
    if server.ServerRole not in ("Mailbox", "Edge"):
        raise place.error(f"'{server.ServerRole}' is neither Mailbox nor Edge")
    if len(server.AdminDisplayVersion.split(".")) != 4:
        raise section.place.below("version").error("a version has four numbers")
    ports = section.section("ports")
    server.fixed_ports = {port: ports.number(port) for port in PORT_NAMES if port in ports}
    ports._asked.extend(PORT_NAMES)
    ports.done()
    return server


def _back_pressure(server: Server, section: Section) -> None:
    """`Resource: Low|Medium|High`."""
    for name in section.names():
        place, value = section.at(name), section.text(name)
        known = {resource.casefold(): resource for resource in RESOURCES}
        resource = known.get(name.replace("_", "").casefold())
        if resource is None:
            raise place.error(f"'{name}' is none of {', '.join(RESOURCES)}")
        if value not in LEVELS:
            raise place.error(f"'{value}' is none of {', '.join(LEVELS)}")
        server.back_pressure[resource] = value
    section.done()


def _winrm_certificate(server: Server, authority: CertificateData | None) -> None:
    """For WinRM over https: issued by the authority of the file, else self-signed."""
    names = [server.Fqdn, server.Name]
    subject = certificates.common_name(server.Fqdn)
    key = certificates.shared_key("WinRM")
    if authority is None:
        data = certificates.self_signed(subject, dns_names=names, key=key, years=1)
    else:
        data = certificates.issued(
            authority, subject, dns_names=names, ip_addresses=["127.0.0.1"], key=key
        )
        server.intermediates += [
            c
            for c in (authority.certificate, *authority.others)
            if not certificates.is_self_issued(c) and c not in server.intermediates
        ]
    server.winrm_certificate = StoredCertificate(
        data.certificate, data.private_key, SelfSigned=authority is None
    )


def _equip_further(
    organisation: Organisation,
    server: Server,
    section: Section,
    named: dict[str, NamedCertificate],
) -> list[StoredCertificate]:
    """Apply one section (`defaults` or the server's own); returns the certificates that come
    into the store only after the services have started."""
    late = []
    for value, place in section.entries("certificates"):
        stored, loaded = _certificate(organisation, server, Section(value, place), named)
        if not loaded:
            late.append(stored)
    _receive_connectors(organisation, server, section.section("receive_connectors"), named)
    for service, key in (("POP", "pop_settings"), ("IMAP", "imap_settings")):
        if key in section:
            _mail_access(server, service, section.section(key))
    _services(server, section.section("services"))
    _component_states(server, section.section("component_states"))
    for value, place in section.entries("queues"):
        queue_section = Section(value, place)
        queue = Queue(f"{server.Name}\\{queue_section.text('name')}")
        count = queue_section.number("message_count", 0)
        fill(queue, queue_section)
        stuck = queue.Status in ("Retry", "Suspended")
        mail.make_up(organisation, queue, count, stuck=stuck)
        queue_section.done()
        server.queues.append(queue)
    if not section.truth("import_intermediates", True):
        server.intermediates.clear()
    return late


def _certificate(
    organisation: Organisation,
    server: Server,
    section: Section,
    named: dict[str, NamedCertificate],
) -> tuple[StoredCertificate, bool]:
    place = section.at("certificate")
    name = section.text("certificate")
    source = find(name, named, place)
    without_key = section.truth("without_private_key", False)
    stored = StoredCertificate(
        source.data.certificate,
        None if without_key else source.data.private_key,
        FriendlyName=section.text("friendly_name", source.friendly_name),
        PrivateKeyExportable=section.truth("exportable", source.exportable),
        SelfSigned=certificates.is_self_issued(source.data.certificate),
    )
    services_place = section.at("services")
    wanted = section.texts("services", [])
    for service in wanted:
        if service not in SERVICE_NAMES:
            raise services_place.error(f"'{service}' is none of {', '.join(SERVICE_NAMES)}")
    internal_transport = section.truth("internal_transport", False)
    loaded = section.truth("loaded", True)
    section.done()
    if loaded:
        certificate_rules.add(organisation, server, stored, others=source.data.others)
        certificate_rules.enable(
            organisation, server, stored, wanted, replace_internal_transport=internal_transport
        )
    elif wanted:
        raise services_place.error("a certificate that is not loaded cannot have services")
    return stored, loaded


def _receive_connectors(
    organisation: Organisation,
    server: Server,
    section: Section,
    named: dict[str, NamedCertificate],
) -> None:
    """Change the default connectors (named with or without the server's name), add others."""
    for name in section.names():
        part = section.section(name)
        connector = server.receive_connector(name) or server.receive_connector(
            f"{name} {server.Name}"
        )
        if connector is None:
            connector = _further_connector(server, name, part)
            server.receive_connectors.append(connector)
        if "tls_certificate_name" in part:
            connector.TlsCertificateName = tls_certificate_name(part, named)
        connector.access += read_access(part, organisation)
        fill(connector, part)
        part.done()


def _mail_access(server: Server, service: str, section: Section) -> None:
    settings = server.mail_access.get(service)
    if settings is None:
        raise section.place.error(f"a server of role {server.ServerRole} has no {service}")
    fill(settings, section)
    section.done()


def _further_connector(server: Server, name: str, section: Section) -> ReceiveConnector:
    if "bindings" not in section:
        raise section.place.error("a connector of one's own needs 'bindings', e.g. 0.0.0.0:2526")
    return ReceiveConnector(
        Name=name,
        Server=server.Name,
        TransportRole="FrontendTransport",
        Bindings=section.texts("bindings"),
        AuthMechanism=["Tls"],
        PermissionGroups=["AnonymousUsers"],
        Fqdn=server.Fqdn,
    )


def _services(server: Server, section: Section) -> None:
    """`Name: Running|Stopped|Disabled|Missing`."""
    for name in section.names():
        place, value = section.at(name), section.text(name)
        service = server.service(name)
        if service is None:
            raise place.error(f"a server of role {server.ServerRole} has no service '{name}'")
        if value == "Missing":
            del server.services[service.Name]
        elif value == "Disabled":
            service.Status, service.StartType = "Stopped", "Disabled"
        elif value in ("Running", "Stopped"):
            service.Status = value
            service.StartType = "Automatic" if value == "Running" else service.StartType
        else:
            raise place.error(f"'{value}' is none of Running, Stopped, Disabled, Missing")


def _component_states(server: Server, section: Section) -> None:
    """`Component: Active|Inactive|Draining`, set by requester Maintenance."""
    for name in section.names():
        place, value = section.at(name), section.text(name)
        state = server.component_states.get(name)
        if state is None:
            raise place.error(f"there is no component '{name}'")
        if value not in ("Active", "Inactive", "Draining"):
            raise place.error(f"'{value}' is none of Active, Inactive, Draining")
        state.requesters["Maintenance"] = value
        state.changed["Maintenance"] = now()


def _start_what_runs(organisation: Organisation, server: Server) -> None:
    for service in server.services.values():
        if service.Status == "Running":
            services.load_certificates(organisation, server, service)
            service.started_at = now()
