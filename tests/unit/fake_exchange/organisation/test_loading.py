# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does an organisation file mean, and what is said when it is wrong?"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from fake_exchange.organisation.loading import LoadingError, load_organisation
from fake_exchange.organisation.model import AccessEntry, Organisation
from fake_exchange.organisation.tls_names import tls_certificate_name
from support.stocked_server import ISSUER, OTHER_ISSUER, issued

Load = Callable[..., Organisation]

PUBLIC = {"pfx": "public.pfx", "password": "secret of the PFX"}


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads an organisation with one server, changed by keyword arguments."""

    def loaded(**keys: Any) -> Organisation:
        document = {"servers": [{"name": "EX01"}], **keys}
        file = tmp_path / "organisation.yml"
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        return load_organisation(file)

    issued().write_pfx(tmp_path / "public.pfx", "secret of the PFX")
    return loaded


def test_a_server_needs_no_more_than_a_name(load: Load) -> None:
    server = load().servers["EX01"]
    assert server.Fqdn == "ex01.contoso.test"
    assert sorted(s.FriendlyName for s in server.certificates.values()) == [
        "Microsoft Exchange",
        "Microsoft Exchange Server Auth Certificate",
        "WMSVC-SHA2",
    ]
    assert sorted(c.Name for c in server.receive_connectors) == [
        "Client Frontend EX01",
        "Client Proxy EX01",
        "Default EX01",
        "Default Frontend EX01",
        "Outbound Proxy Frontend EX01",
    ]
    assert server.services["MSExchangeTransport"].Status == "Running"
    assert server.services["W3SVC"].loaded["https"].Thumbprint in server.certificates


def test_all_servers_hold_the_same_auth_certificate(load: Load) -> None:
    organisation = load(servers=["EX01", "EX02"])
    current = organisation.auth_config.CurrentCertificateThumbprint
    assert all(current in server.certificates for server in organisation)


def test_many_servers_are_one_entry(load: Load) -> None:
    organisation = load(
        servers=[{"count": 3, "name_pattern": "MBX{number:03}", "first": 7, "site": ["A", "B"]}]
    )
    assert [(s.Name, s.Site) for s in organisation] == [
        ("MBX007", "A"),
        ("MBX008", "B"),
        ("MBX009", "A"),
    ]


def test_a_certificate_of_the_defaults_is_on_every_server_and_in_use(load: Load) -> None:
    organisation = load(
        certificates={"public": PUBLIC},
        defaults={
            "certificates": [{"certificate": "public", "services": ["IIS", "SMTP"]}],
            "receive_connectors": {"Default Frontend": {"tls_certificate_name": {"of": "public"}}},
        },
        servers=["EX01", "EX02"],
    )
    for server in organisation:
        frontend = server.receive_connector(f"Default Frontend {server.Name}")
        assert frontend is not None
        assert frontend.TlsCertificateName is not None
        assert frontend.TlsCertificateName.startswith("<I>CN=Issuer A<S>CN=mail.contoso.test")
        transport = server.services["MSExchangeFrontEndTransport"]
        public = transport.loaded[frontend.Name]
        assert tls_certificate_name(public.certificate) == frontend.TlsCertificateName
        assert server.services["W3SVC"].loaded["https"].Thumbprint == public.Thumbprint
        assert server.InternalTransportCertificateThumbprint != public.Thumbprint


def test_a_certificate_can_be_there_and_not_loaded(load: Load) -> None:
    server = load(
        certificates={"public": PUBLIC},
        servers=[
            {
                "name": "EX01",
                "certificates": [{"certificate": "public", "loaded": False}],
                "receive_connectors": {"Default Frontend": {"Fqdn": "mail.contoso.test"}},
            }
        ],
    ).servers["EX01"]
    assert len(server.certificates) == 4
    assert "Default Frontend EX01" not in server.services["MSExchangeFrontEndTransport"].loaded


def test_a_certificate_can_be_described_instead_of_given(load: Load) -> None:
    server = load(
        certificates={
            "made": {
                "subject": 'CN=mail.contoso.test, O="Contoso, Ltd."',
                "issuer": "CN=Some CA",
                "valid_days": 90,
                "expires_in_days": -1,
            }
        },
        servers=[{"name": "EX01", "certificates": [{"certificate": "made"}]}],
    ).servers["EX01"]
    made = list(server.certificates.values())[-1]
    assert made.Status == "DateInvalid"
    assert tls_certificate_name(made.certificate) == (
        '<I>CN=Some CA<S>CN=mail.contoso.test, O="Contoso, Ltd."'
    )


def test_property_names_are_read_in_either_spelling(load: Load) -> None:
    organisation = load(
        send_connectors=[
            {"name": "A", "RequireTLS": True, "TlsAuthLevel": "DomainValidation"},
            {"Name": "B", "require_tls": True, "smart_hosts": "relay.test"},
        ]
    )
    first, second = organisation.send_connectors
    assert (first.RequireTLS, first.TlsAuthLevel) == (True, "DomainValidation")
    assert (second.RequireTLS, second.SmartHosts, second.DNSRoutingEnabled) == (
        True,
        ["relay.test"],
        False,
    )
    assert first.SourceTransportServers == ["EX01"]


def test_roles_decide_over_cmdlets_and_parameters(load: Load) -> None:
    organisation = load(
        roles={"Looking": {"Get-ExchangeCertificate": ["Server", "Thumbprint"]}},
        accounts=[
            {"user": "a", "password": "x", "role_groups": ["Server Management"]},
            {"user": "b", "password": "x", "roles": ["Looking"]},
            {"user": "c", "password": "x"},
        ],
    )
    a, b, c = organisation.accounts
    assert a.may_run("enable-exchangecertificate")
    assert not a.may_run("Set-SendConnector")
    assert b.may_use("Get-ExchangeCertificate", "server")
    assert not b.may_use("Get-ExchangeCertificate", "DomainName")
    assert not c.permissions
    assert organisation.account("CONTOSO\\A") is a


def test_an_edge_server_has_its_own_services_and_connector(load: Load) -> None:
    edge = load(servers=[{"name": "EDGE1", "role": "Edge"}]).servers["EDGE1"]
    assert [c.Name for c in edge.receive_connectors] == ["Default internal receive connector EDGE1"]
    assert "MSExchangeFrontEndTransport" not in edge.services
    assert [s.FriendlyName for s in edge.certificates.values()] == ["Microsoft Exchange"]


def test_the_servers_stand_in_the_time_zone_that_the_file_names(load: Load) -> None:
    summer = datetime(2022, 7, 1, 12, tzinfo=timezone.utc)
    there = load(organization={"time_zone": "America/New_York"}).time_zone
    assert summer.astimezone(there).utcoffset() == timedelta(hours=-4)


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"server": []}, "unknown key 'server'; did you mean 'servers'?"),
        ({"servers": []}, "servers: there is no server"),
        ({"servers": ["EX01", "ex01"]}, "servers[1]: there are two servers 'ex01'"),
        ({"servers": [{"site": "Berlin"}]}, "servers[0]: the key 'name' is missing"),
        (
            {"servers": [{"name": "EX01", "sites": "Berlin"}]},
            "servers[0]: unknown key 'sites'; did you mean 'site'?",
        ),
        (
            {"servers": [{"name": "EX01", "role": "Hub"}]},
            "servers[0].role: 'Hub' is neither Mailbox nor Edge",
        ),
        (
            {"servers": [{"name": "EX01", "certificates": [{"certificate": "x"}]}]},
            "servers[0].certificates[0].certificate: there is no certificate 'x'",
        ),
        (
            {"servers": [{"name": "EX01", "services": {"MSExchangeUM": "Running"}}]},
            "servers[0].services.MSExchangeUM: a server of role Mailbox has no service",
        ),
        (
            {"servers": [{"name": "EX01", "receive_connectors": {"Mine": {}}}]},
            "servers[0].receive_connectors.Mine: a connector of one's own needs 'bindings'",
        ),
        ({"servers": [{"count": 300}]}, "more than 200 servers"),
        (
            {"organization": {"time_zone": "Europe/Atlantis"}},
            "organization.time_zone: 'Europe/Atlantis' is no time zone",
        ),
        (
            {"certificates": {"x": {"pfx": "none.pfx"}}},
            "certificates.x.pfx: there is no file",
        ),
        (
            {"certificates": {"x": {"pfx": "public.pfx", "password": "wrong one"}}},
            "certificates.x.pfx: ",
        ),
        ({"certificates": {"x": {}}}, "certificates.x: needs 'pfx'"),
        (
            {"certificates": {"x": {"subject": "mail"}}},
            "certificates.x.subject: 'mail' is no part of a distinguished name",
        ),
        (
            {"behavior": {"certificates_load": "sometimes"}},
            "behavior.certificates_load: 'sometimes' is none of at_start, immediately",
        ),
        ({"behavior": {"select_object": "no"}}, "behavior.select_object: expected true or false"),
        (
            {"accounts": [{"user": "a", "password": "x", "role_groups": ["Boss"]}]},
            "accounts[0]: there is no role or role group 'Boss'",
        ),
        (
            {"accounts": [{"user": "a", "password": "x", "lands_on": "EX09"}]},
            "accounts[0].lands_on: there is no Mailbox server 'EX09'",
        ),
        (
            {"send_connectors": [{"name": "A", "TlsCertificateName": {"of": "x"}}]},
            "send_connectors[0].TlsCertificateName: there is no certificate 'x'",
        ),
        (
            {"send_connectors": [{"name": "A", "SourceTransportServers": ["EX09"]}]},
            "send_connectors[0].SourceTransportServers: there is no server 'EX09'",
        ),
    ],
)
def test_a_mistake_is_named_in_one_line(load: Load, keys: dict[str, Any], complaint: str) -> None:
    with pytest.raises(LoadingError, match=re.escape(complaint)) as caught:
        load(**keys)
    assert "\n" not in str(caught.value)
    assert "organisation.yml: " in str(caught.value)
    assert "wrong one" not in str(caught.value)


def test_what_a_preflight_looks_at_can_be_given(load: Load) -> None:
    address = "https://autodiscover.contoso.test/Autodiscover/Autodiscover.xml"
    server = {
        "name": "EX01",
        "autodiscover_uri": address,
        "back_pressure": {"UsedDiskSpace": "Medium"},
    }
    organisation = load(
        servers=[server, {"name": "EX02"}],
        certificates={"public": PUBLIC},
        federation_trust={"current": "public"},
    )
    changed, usual = organisation.servers["EX01"], organisation.servers["EX02"]
    assert changed.AutoDiscoverServiceInternalUri == address
    assert changed.back_pressure == {"UsedDiskSpace": "Medium"}
    assert (usual.AutoDiscoverServiceInternalUri, usual.back_pressure) == ("", {})
    trust = organisation.federation_trust
    assert trust is not None
    assert len(trust.OrgPrivCertificate) == 40
    assert (trust.OrgPrevPrivCertificate, trust.OrgNextPrivCertificate) == ("", "")
    assert trust.Domains == ["FYDIBOHF25SPDLT.contoso.test", "contoso.test"]
    named = load(
        certificates={"public": PUBLIC},
        federation_trust={"current": "public", "name": "Trust", "domains": ["a.test"]},
    ).federation_trust
    assert named is not None
    assert (named.Name, named.Domains) == ("Trust", ["a.test"])


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"federation_trust": {"current": "nothing"}}, "nothing"),
        ({"servers": [{"name": "EX01", "back_pressure": {"Diskspace": "High"}}]}, "Diskspace"),
        ({"servers": [{"name": "EX01", "back_pressure": {"UsedDiskSpace": "Much"}}]}, "Much"),
    ],
)
def test_a_mistake_in_that_is_named(load: Load, keys: dict[str, Any], complaint: str) -> None:
    with pytest.raises(LoadingError, match=f"'{complaint}'"):
        load(**keys)


def test_mail_servers_outside_trust_what_the_organisation_trusts(
    load: Load, tmp_path: Path
) -> None:
    ISSUER.write(tmp_path / "a.pem")
    OTHER_ISSUER.write(tmp_path / "b.pem")
    organisation = load(
        trusted_roots=["a.pem"],
        certificates={"public": PUBLIC},
        peers=[
            {"name": "Partner"},
            {
                "name": "strict",
                "domain": "Other.test",
                "certificate": "public",
                "require_client_certificate": True,
                "client_names": ["mail.contoso.test"],
                "trusted_roots": ["b.pem"],
                "port": 20025,
            },
        ],
    )
    usual, strict = organisation.peers
    assert (usual.name, usual.domain, usual.port) == ("partner", "partner.test", 0)
    assert (usual.require_client_certificate, usual.client_names) == (False, [])
    assert usual.trusted_roots == [ISSUER.certificate]
    assert (strict.name, strict.domain, strict.port) == ("strict", "other.test", 20025)
    assert (strict.require_client_certificate, strict.client_names) == (True, ["mail.contoso.test"])
    assert strict.trusted_roots == [OTHER_ISSUER.certificate]
    assert strict.certificate.Thumbprint != usual.certificate.Thumbprint


@pytest.mark.parametrize(
    ("peer", "complaint"),
    [
        ({}, "peers[0]: the key 'name' is missing"),
        ({"name": "a", "certificate": "x"}, "peers[0].certificate: there is no certificate 'x'"),
        ({"name": "a", "trusted_roots": ["no.pem"]}, "peers[0].trusted_roots[0]: there is no file"),
        ({"name": "a", "client_names": ["b"]}, "peers[0].trusted_roots: a peer that checks"),
        (
            {"name": "a", "require_client_certificate": True},
            "peers[0].trusted_roots: a peer that checks certificates needs roots",
        ),
        ({"name": "a", "tls": False}, "peers[0]: unknown key 'tls'"),
    ],
)
def test_a_mistake_about_them_is_named(load: Load, peer: dict[str, Any], complaint: str) -> None:
    with pytest.raises(LoadingError, match=re.escape(complaint)):
        load(peers=[peer])


def test_two_of_one_name_are_a_mistake(load: Load) -> None:
    with pytest.raises(LoadingError, match=re.escape("peers[1]: there are two peers 'a'")):
        load(peers=[{"name": "a"}, {"name": "A"}])


def test_queues_of_the_file_hold_messages(load: Load) -> None:
    error = "454 4.7.5 no certificate"
    retry = {"name": 3, "MessageCount": 2, "Status": "Retry", "LastError": error}
    organisation = load(
        servers=[
            {
                "name": "EX01",
                "dag": "DAG1",
                "queues": [retry, {"name": "Poison", "MessageCount": 1}, {"name": 4}],
            }
        ]
    )
    server = organisation.servers["EX01"]
    queues = {queue.name: queue for queue in server.queues}
    assert {name: queue.MessageCount for name, queue in queues.items()} == {
        "Submission": 0,
        "3": 2,
        "Poison": 1,
        "4": 0,
    }
    assert (queues["3"].Status, queues["3"].LastError) == ("Retry", error)
    assert [message.stuck for message in queues["3"].messages] == [True, True]
    assert len(organisation.mail.accepted) == 3
    assert server.DatabaseAvailabilityGroup == "DAG1"


def test_what_is_no_yaml_is_said_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.yml"
    file.write_text("servers:\n  - {name: EX01\n", encoding="utf-8")
    with pytest.raises(LoadingError, match=r"broken\.yml: line \d+: "):
        load_organisation(file)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(LoadingError, match="cannot be read"):
        load_organisation(tmp_path / "none.yml")


def test_the_example_loads() -> None:
    examples = Path(__file__).parents[3] / "fake_exchange" / "examples"
    organisation = load_organisation(examples / "contoso.yml")
    assert len(organisation.servers) == 4
    assert {server.Site for server in organisation} == {"Berlin", "Hamburg"}
    assert organisation.hybrid_configuration is not None


def test_rights_at_connectors_are_given_and_denied(load: Load) -> None:
    right = "ms-Exch-SMTP-Accept-Any-Recipient"
    connector = {"extended_rights": {"ANONYMOUS LOGON": [right]}}
    organisation = load(
        servers=[{"name": "EX01", "receive_connectors": {"Default Frontend": connector}}],
        send_connectors=[
            {"name": "Web", "denied_rights": {"EX01$": ["ms-Exch-Send-Headers-Forest"]}}
        ],
    )
    front_end = organisation.servers["EX01"].receive_connector("Default Frontend EX01")
    assert front_end is not None
    assert front_end.access == [AccessEntry("NT AUTHORITY\\ANONYMOUS LOGON", ExtendedRight=right)]
    (entry,) = organisation.send_connectors[0].access
    assert (entry.User, entry.Deny) == ("CONTOSO\\EX01$", True)


@pytest.mark.parametrize(
    ("rights", "complaint"),
    [
        ({"nobody": ["Send-As"]}, "extended_rights.nobody: there is no user or group 'nobody'"),
        ({"EX01$": ["Fly"]}, "there is no extended right 'Fly'"),
    ],
)
def test_rights_of_nobody_or_to_nothing_are_refused(
    load: Load, rights: dict[str, list[str]], complaint: str
) -> None:
    with pytest.raises(LoadingError, match=re.escape(complaint)):
        load(send_connectors=[{"name": "Web", "extended_rights": rights}])


def test_mail_access_is_set_in_the_file(load: Load) -> None:
    name = {"X509CertificateName": "pop.contoso.test"}
    server = load(servers=[{"name": "EX01", "pop_settings": name}]).servers["EX01"]
    assert server.mail_access["POP"].X509CertificateName == "pop.contoso.test"
    assert server.mail_access["IMAP"].X509CertificateName == "EX01"
    with pytest.raises(LoadingError, match="a server of role Edge has no POP"):
        load(servers=[{"name": "EX01", "role": "Edge", "pop_settings": name}])


def test_edge_servers_are_subscribed_to_a_site(load: Load) -> None:
    servers = [{"name": "EX01", "site": "Berlin"}, {"name": "EDGE01", "role": "Edge"}]
    organisation = load(
        servers=servers, edge_subscriptions=[{"server": "EDGE01", "site": "Berlin"}]
    )
    (subscription,) = organisation.edge_subscriptions
    assert set(subscription.trusted) == {"EX01", "EDGE01"}
    with pytest.raises(LoadingError, match="there is no Edge server 'EX01'"):
        load(servers=servers, edge_subscriptions=["EX01"])
    with pytest.raises(LoadingError, match="no Mailbox server in the site"):
        load(servers=servers, edge_subscriptions=["EDGE01"])
