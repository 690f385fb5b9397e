# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the fake's objects look like captured ones? For each captured object the same thing is built
in an organisation and emitted; both are read with psrpcore and compared: type names, names and
order of all properties at every depth, texts, kinds and values."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from psrpcore.types import deserialize_clixml

from fake_exchange.clixml import directory_types, network_types, value_types
from fake_exchange.clixml.objects import ClrObject
from fake_exchange.clixml.writer import fragment
from fake_exchange.organisation import certificates, installation
from fake_exchange.organisation.model import (
    HybridConfiguration,
    Organisation,
    SendConnector,
    Server,
    StoredCertificate,
)
from support import captures
from support.captures import needs_captures
from support.cmdlet_shell import (
    NoCipher,
    Shell,
    properties_of,
    read_fragment,
    small_organisation,
)

pytestmark = needs_captures

#: Added by the receiving side, so a server never sends them.
CLIENT_SIDE = {"PSComputerName", "RunspaceId", "PSShowComputerName"}
#: Chance or local circumstances; compared by kind only. The size of the formatter's copies too.
BY_KIND_ONLY = {
    "Guid",
    "ObjectGuid",
    "WhenChanged",
    "WhenCreated",
    "WhenChangedUTC",
    "WhenCreatedUTC",
    "Timestamp",
    "SerializationData",
}


def captured(name: str) -> list[Any]:
    text = (captures.FOLDER / name).read_text(encoding="utf-8-sig")
    found = deserialize_clixml(text, NoCipher())
    return found if isinstance(found, list) else [found]


def _bare(type_name: str) -> str:
    return type_name.removeprefix("Deserialized.")


def differences(real: Any, ours: Any, path: str = "") -> Iterator[str]:
    """Every way in which two read values differ."""
    name = path.rpartition(".")[2]
    kinds = [type(value).__name__ for value in (real, ours)]
    if kinds[0] != kinds[1]:
        yield f"{path}: {kinds[0]} {real!r} became {kinds[1]} {ours!r}"
        return
    if not hasattr(real, "PSObject"):
        if real != ours:
            yield f"{path}: {real!r} became {ours!r}"
        return
    types = [[_bare(t) for t in value.PSObject.type_names] for value in (real, ours)]
    if types[0] != types[1]:
        yield f"{path}: type {types[0]} became {types[1]}"
    if name in BY_KIND_ONLY:
        return
    # A list has no text of its own; psrpcore makes one up from the items.
    texts = [None if isinstance(v, list) else v.PSObject.to_string for v in (real, ours)]
    if texts[0] != texts[1] and "Timestamp:" not in str(texts[0]):
        yield f"{path}: text {texts[0]!r} became {texts[1]!r}"
    if isinstance(real, list):
        if len(real) != len(ours):
            yield f"{path}: {len(real)} items became {len(ours)}"
        for index, (one, other) in enumerate(zip(real, ours, strict=False)):
            yield from differences(one, other, f"{path}[{index}]")
    elif isinstance(real, (int, float, str, bytes)) and real != ours:
        yield f"{path}: {real!r} became {ours!r}"
    for group in ("adapted_properties", "extended_properties"):
        members = [
            {p.name: p.get_value(value) for p in getattr(value.PSObject, group)}
            for value in (real, ours)
        ]
        names = [[n for n in found if n not in CLIENT_SIDE] for found in members]
        if names[0] != names[1]:
            yield f"{path}: {group} {names[0]} became {names[1]}"
        for member in names[0]:
            if member in members[1]:
                yield from differences(members[0][member], members[1][member], f"{path}.{member}")


def same(real: Any, fragment_text: str) -> None:
    assert list(differences(real, read_fragment(fragment_text))) == []


def shell_of(organisation: Organisation) -> Shell:
    return Shell(organisation, organisation.accounts[0], next(iter(organisation)))


def organisation_like(
    *, name: str, domain: str, server: str, fqdn: str, controller: str, site: str = "Site"
) -> Organisation:
    organisation = small_organisation(domain=domain)
    organisation.Name, organisation.domain_controller = name, controller
    organisation.servers[server] = Server(server, fqdn, site)
    installation.equip(organisation, organisation.servers[server], None)
    return organisation


@pytest.fixture
def exlab() -> Organisation:
    return organisation_like(
        name="First Organization",
        domain="exlab.dom",
        server="WIN-CTD3L0RGEN4",
        fqdn="WIN-CTD3L0RGEN4.exlab.dom",
        controller="WIN-CTD3L0RGEN4.exlab.dom",
    )


@pytest.fixture
def e16() -> Organisation:
    organisation = organisation_like(
        name="SoloORG",
        domain="Solo.local",
        server="SOLO-E16A",
        fqdn="Solo-E16A.Solo.local",
        controller="Solo-DC1.Solo.local",
        site="Default-First-Site-Name",
    )
    server = organisation.servers["SOLO-E16A"]
    server.AdminDisplayVersion, server.Edition = "15.1.2375.7", "StandardEvaluation"
    return organisation


def test_a_send_connector(exlab: Organisation) -> None:
    host = "ThisTenantDoesntExists-com.mail.protection.outlook.com"
    exlab.send_connectors = [
        SendConnector(
            "My company to Office 365",
            ["smtp:*;1"],
            ["WIN-CTD3L0RGEN4"],
            SmartHosts=[host],
            TlsAuthLevel="CertificateValidation",
            RequireTLS=True,
            CloudServicesMailEnabled=True,
            DNSRoutingEnabled=False,
            Fqdn="mail.contoso.com",
        )
    ]
    (ours,) = shell_of(exlab).run("Get-SendConnector").succeeded().fragments
    (real,) = captured("send-connector/exlab-GetSendConnectorConfiguredToRelayToM365.xml")
    same(real, ours)


def _receive_connector_settings() -> list[dict[str, Any]]:
    """What the three captured connectors differ in from the fake's defaults."""
    both = ["0.0.0.0:{}", "[::]:{}"]
    return [
        {
            "Bindings": [b.format(2525) for b in both],
            "ProtocolLoggingLevel": "None",
            "MaxInboundConnectionPerSource": None,
            "MaxInboundConnectionPercentagePerSource": 100,
            "MaxRecipientsPerMessage": 5000,
            "SizeEnabled": "EnabledWithoutValue",
        },
        {
            "Bindings": [b.format(465) for b in reversed(both)],
            "ProtocolLoggingLevel": "None",
            "MessageRateLimit": 5,
            "MessageRateSource": "User",
            "EnableAuthGSSAPI": True,
        },
        {
            "Bindings": [b.format(25) for b in reversed(both)],
            "DomainSecureEnabled": True,
            "TlsCertificateName": "<I>CN=WIN-CTD3L0RGEN4<S>CN=WIN-CTD3L0RGEN4",
            "TlsDomainCapabilities": ["fabrikam.com:AcceptCloudServicesMail"],
        },
    ]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_receive_connector(exlab: Organisation, index: int) -> None:
    real = captured("receive-connector/exlab-GetReceiveConnector.first3.xml")[index]
    connector = exlab.servers["WIN-CTD3L0RGEN4"].receive_connector(real.PSObject.to_string)
    assert connector is not None
    connector.Fqdn = "WIN-CTD3L0RGEN4.exlab.dom"
    for name, value in _receive_connector_settings()[index].items():
        if hasattr(connector, name):
            setattr(connector, name, value)
        else:
            connector.other[name] = value
    outcome = shell_of(exlab).run(("Get-ReceiveConnector", {"Identity": connector.Identity}))
    found = list(differences(real, outcome.succeeded().objects[0]))
    assert found == []


def test_the_hybrid_configuration() -> None:
    organisation = organisation_like(
        name="Exchange Labs",
        domain="365labs.net",
        server="ex-02",
        fqdn="ex-02.365labs.net",
        controller="dc-01.365labs.net",
    )
    organisation.hybrid_configuration = HybridConfiguration(
        "<I>CN=GeoTrust TLS RSA CA G1, OU=www.digicert.com, O=DigiCert Inc, C=US"
        "<S>CN=mail.contoso.com",
        ["ex-02"],
        ["ex-02"],
        OnPremisesSmartHost="mail.contoso.com",
        Domains=["contoso.com"],
    )
    (ours,) = shell_of(organisation).run("Get-HybridConfiguration").succeeded().fragments
    (real,) = captured("hybrid-configuration/365labs-GetHybridConfiguration.xml")
    same(real, ours)


@pytest.mark.parametrize("lab", ["exlab", "e16"])
def test_the_auth_config(request: pytest.FixtureRequest, lab: str) -> None:
    organisation = request.getfixturevalue(lab)
    (real,) = captured(f"auth-config/{lab}-GetAuthConfig.xml")
    thumbprint = next(p.get_value(real) for p in real.PSObject.adapted_properties)
    organisation.auth_config.CurrentCertificateThumbprint = str(thumbprint)
    (ours,) = shell_of(organisation).run("Get-AuthConfig").succeeded().fragments
    same(real, ours)


def test_an_exchange_server(e16: Organisation) -> None:
    (ours,) = shell_of(e16).run("Get-ExchangeServer").succeeded().objects
    (real,) = captured("exchange-server/e16-GetExchangeServer.xml")
    found = list(differences(real, ours))
    switched_on = (
        "CustomerFeedbackEnabled",
        "ErrorReportingEnabled",
        "IsExpiredExchangeTrialEdition",
    )
    assert found == [f".{name}: True became False" for name in switched_on]


def test_a_server_version() -> None:
    (real,) = captured("server-version/e19-AdminDisplayVersion.xml")
    same(real, fragment(value_types.server_version("15.2.986.5")))


@pytest.mark.parametrize("index", range(5))
def test_component_states(e16: Organisation, index: int) -> None:
    real = captured("server-component-state/e16-GetServerComponentState.first5.xml")[index]
    members = {p.name: p.get_value(real) for p in real.PSObject.adapted_properties}
    component = e16.servers["SOLO-E16A"].component_states[str(members["Component"])]
    for requester in members["LocalStates"]:
        found = {p.name: p.get_value(requester) for p in requester.PSObject.adapted_properties}
        component.requesters[str(found["Requester"])] = str(found["State"])
    outcome = shell_of(e16).run(
        ("Get-ServerComponentState", {"Identity": "SOLO-E16A", "Component": component.Component})
    )
    (ours,) = outcome.succeeded().fragments
    same(real, ours)


def test_service_health(e16: Organisation) -> None:
    ours = shell_of(e16).run("Test-ServiceHealth").succeeded().fragments
    real = captured("test-service-health/e16-TestServiceHealth.xml")
    assert len(ours) == len(real)
    for one, other in zip(real, ours, strict=True):
        same(one, other)


CERTIFICATE_FILES = (
    "exlab-GetExchangeCertificate.xml",
    "exlab-GetExchangeCertificateWithoutAuth.xml",
    "e16-GetExchangeCertificate.xml",
    "contoso-NewExchangeCertificateDefaultTransport.xml",
)


@pytest.mark.parametrize("file", CERTIFICATE_FILES)
def test_whole_certificates(exlab: Organisation, file: str) -> None:
    """The captured certificates, put into the store of a server, come out as they were."""
    server = exlab.servers["WIN-CTD3L0RGEN4"]
    key = certificates.shared_key("anything")
    for real in captured(f"exchange-certificate/{file}"):
        der = bytes(next(p.get_value(real) for p in real.PSObject.adapted_properties))
        certificate = x509.load_der_x509_certificate(der)
        stored = StoredCertificate(certificate, key, SelfSigned=True)
        server.certificates = {stored.Thumbprint: stored}
        (ours,) = shell_of(exlab).run("Get-ExchangeCertificate").succeeded().objects
        text = real.PSObject.to_string
        found = list(differences(real, ours))
        # The text carries dates in the exporting host's time and culture.
        found = [line for line in found if not line.startswith(": text")]
        assert found == []
        headings = [line for line in text.split("\r\n") if line.startswith("[")]
        mine = [line for line in ours.PSObject.to_string.split("\r\n") if line.startswith("[")]
        assert mine == headings


def _identity(item: Any) -> ClrObject:
    parts = properties_of(item)
    return directory_types.ad_object_id(
        str(parts["DistinguishedName"]),
        guid=uuid.UUID(int=parts["ObjectGuid"].int),
        text=item.PSObject.to_string,
    )


def _by_text(build: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda item: build(item.PSObject.to_string)


#: How each captured value type is made here; the ones left out hold a hash code or a build number
#: that only .NET knows.
VALUE_TYPES: dict[str, Callable[[Any], Any]] = {
    "Directory.ADObjectId": _identity,
    "AddressSpace": _by_text(value_types.address_space),
    "AutoDiscoverSmtpDomain": _by_text(value_types.auto_discover_domain),
    "EnhancedTimeSpan": lambda item: value_types.enhanced_time_span(
        int(properties_of(item)["Ticks"]) // 10_000_000
    ),
    "Fqdn": _by_text(value_types.fqdn),
    "IPBinding": _by_text(network_types.ip_binding),
    "IPRange": _by_text(network_types.ip_range),
    "SmtpDomain": _by_text(value_types.smtp_domain),
    "SmtpX509Identifier": _by_text(value_types.smtp_x509_identifier),
}


def _values_in(item: Any) -> Iterator[tuple[str, Any]]:
    """Every captured value of a known type inside a read object."""
    if not hasattr(item, "PSObject"):
        return
    for name in VALUE_TYPES:
        if _bare(item.PSObject.type_names[0]) == f"Microsoft.Exchange.Data.{name}":
            yield name, item
    if isinstance(item, list):
        for one in item:
            yield from _values_in(one)
    for member in item.PSObject.adapted_properties:
        yield from _values_in(member.get_value(item))


def test_the_formatter_s_copy_of_values_is_the_same_to_the_byte() -> None:
    seen = set()
    for file in sorted(captures.FOLDER.glob("*/*.xml")):
        if file.parent.name in ("service", "web-binding"):
            continue
        for top in captured(f"{file.parent.name}/{file.name}"):
            for name, item in _values_in(top):
                real = bytes(properties_of(item)["SerializationData"])
                ours = dict(VALUE_TYPES[name](item).members)["SerializationData"]
                assert ours == real, f"{file.name}: {name} {item.PSObject.to_string}"
                seen.add(name)
    assert seen == set(VALUE_TYPES)


def test_dates_carry_the_local_offset(exlab: Organisation) -> None:
    summer = datetime(2022, 7, 1, 12, tzinfo=timezone.utc)
    exlab.send_connectors[0].WhenChanged = summer
    (row,) = shell_of(exlab).run("Get-SendConnector").succeeded().rows
    assert row["WhenChanged"].utcoffset() == timedelta(hours=2)
    assert row["WhenChangedUTC"].utcoffset() == timedelta(0)
    assert row["WhenChanged"] == row["WhenChangedUTC"] == summer
