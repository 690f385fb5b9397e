# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors are compared as Exchange does; what differs is sent, with what must go along."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    LEAVE_ALONE,
    ReceiveConnector,
    SendConnector,
    difference,
    receive_connector_of,
    send_connector_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteEnum,
    RemoteObject,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from support import captures
from support.recording_session import remote

NAME = "<I>CN=Contoso CA, C=US<S>CN=mail.contoso.com"
OTHER = "<I>CN=Contoso CA 2, C=US<S>CN=mail.contoso.com"
PLAIN_SEND = SendConnector(name="Outbound")
HYBRID_SEND = SendConnector(
    name="Outbound to Office 365",
    tls_certificate_name=NAME,
    require_tls=True,
    tls_auth_level="DomainValidation",
    tls_domain="mail.protection.outlook.com",
    fqdn="mail.contoso.com",
    cloud_services_mail_enabled=True,
)
PLAIN_RECEIVE = ReceiveConnector(
    name="Default Frontend EX01",
    identity="EX01\\Default Frontend EX01",
    auth_mechanism=frozenset(
        {"Tls", "Integrated", "BasicAuth", "BasicAuthRequireTLS", "ExchangeServer"}
    ),
    fqdn="ex01.contoso.com",
)


class TestSendConnector:
    @pytest.mark.parametrize(
        ("desired", "actual", "sent", "changed"),
        [
            pytest.param({}, HYBRID_SEND, {}, (), id="nothing asked"),
            pytest.param(
                {"fqdn": LEAVE_ALONE, "tls_domain": LEAVE_ALONE},
                HYBRID_SEND,
                {},
                (),
                id="everything left alone",
            ),
            pytest.param(
                {
                    "tls_certificate_name": NAME,
                    "require_tls": True,
                    "tls_auth_level": "domainvalidation",
                    "tls_domain": "MAIL.protection.outlook.com",
                    "fqdn": "Mail.Contoso.com",
                    "cloud_services_mail_enabled": True,
                },
                HYBRID_SEND,
                {},
                (),
                id="the same in another case",
            ),
            pytest.param(
                {"tls_certificate_name": "<i>cn=contoso ca,C=US</i><s>CN=mail.contoso.com</s>"},
                HYBRID_SEND,
                {},
                (),
                id="the same certificate in another spelling",
            ),
            pytest.param(
                {"tls_certificate_name": OTHER},
                HYBRID_SEND,
                {"TlsCertificateName": OTHER, "RequireTLS": True},
                ("tls_certificate_name",),
                id="another certificate takes RequireTLS along",
            ),
            pytest.param(
                {"tls_certificate_name": NAME},
                PLAIN_SEND,
                {"TlsCertificateName": NAME},
                ("tls_certificate_name",),
                id="certificate alone where TLS is not required",
            ),
            pytest.param(
                {"tls_certificate_name": NAME, "require_tls": True},
                PLAIN_SEND,
                {"TlsCertificateName": NAME, "RequireTLS": True},
                ("tls_certificate_name", "require_tls"),
                id="certificate and RequireTLS",
            ),
            pytest.param(
                {"tls_certificate_name": ""},
                HYBRID_SEND,
                {"TlsCertificateName": None},
                ("tls_certificate_name",),
                id="clearing the certificate",
            ),
            pytest.param(
                {"tls_certificate_name": "", "fqdn": None, "tls_domain": ""},
                PLAIN_SEND,
                {},
                (),
                id="clearing what is not set",
            ),
            pytest.param(
                {
                    "require_tls": True,
                    "tls_auth_level": "DomainValidation",
                    "tls_domain": "fabrikam.com",
                },
                PLAIN_SEND,
                {
                    "RequireTLS": True,
                    "TlsAuthLevel": "DomainValidation",
                    "TlsDomain": "fabrikam.com",
                },
                ("require_tls", "tls_auth_level", "tls_domain"),
                id="level and domain",
            ),
            pytest.param(
                {"tls_domain": "fabrikam.com"},
                HYBRID_SEND,
                {
                    "RequireTLS": True,
                    "TlsAuthLevel": "DomainValidation",
                    "TlsDomain": "fabrikam.com",
                },
                ("tls_domain",),
                id="a domain takes its level along",
            ),
            pytest.param(
                {"tls_auth_level": "CertificateValidation", "tls_domain": ""},
                HYBRID_SEND,
                {"RequireTLS": True, "TlsAuthLevel": "CertificateValidation", "TlsDomain": None},
                ("tls_auth_level", "tls_domain"),
                id="a lower level without the domain",
            ),
            pytest.param(
                {"tls_auth_level": "none", "tls_domain": "", "require_tls": False},
                HYBRID_SEND,
                {"RequireTLS": False, "TlsAuthLevel": None, "TlsDomain": None},
                ("require_tls", "tls_auth_level", "tls_domain"),
                id="no TLS any more",
            ),
            pytest.param(
                {"domain_secure_enabled": True, "cloud_services_mail_enabled": False},
                HYBRID_SEND,
                {"DomainSecureEnabled": True, "CloudServicesMailEnabled": False},
                ("domain_secure_enabled", "cloud_services_mail_enabled"),
                id="switches",
            ),
        ],
    )
    def test_difference(
        self,
        desired: dict[str, object],
        actual: SendConnector,
        sent: dict[str, object],
        changed: tuple[str, ...],
    ) -> None:
        found = difference(desired, actual)
        assert dict(found.parameters) == sent
        assert found.changed == changed
        assert bool(found) is bool(changed)
        # What it leads to is what was asked for: a second run has nothing to do.
        assert not difference(desired, found.after)

    @pytest.mark.parametrize(
        "stored",
        [
            pytest.param("<I>CN=Contoso CA, C=US</I><S>CN=mail.contoso.com</S>", id="closing tags"),
            pytest.param("<I>CN=Contoso CA,C=US<S>CN=mail.contoso.com", id="missing blank"),
            pytest.param("mail.contoso.com", id="not a name at all"),
        ],
    )
    def test_a_malformed_stored_value_is_repaired(self, stored: str) -> None:
        actual = SendConnector(name="x", tls_certificate_name=stored)
        found = difference({"tls_certificate_name": NAME}, actual)
        assert found.parameters == {"TlsCertificateName": NAME}

    @pytest.mark.parametrize(
        ("desired", "actual", "complaint"),
        [
            pytest.param(
                {"tls_auth_level": "CertificateValidation"},
                PLAIN_SEND,
                "needs RequireTLS: set require_tls: true",
                id="level without RequireTLS",
            ),
            pytest.param(
                {"require_tls": False}, HYBRID_SEND, "clear the level", id="level stays behind"
            ),
            pytest.param(
                {"require_tls": True, "ignore_starttls": True},
                PLAIN_SEND,
                "IgnoreSTARTTLS",
                id="required and ignored",
            ),
            pytest.param(
                {"tls_domain": "fabrikam.com"},
                SendConnector(name="x", require_tls=True, tls_auth_level="EncryptionOnly"),
                "only be set with TlsAuthLevel DomainValidation",
                id="domain without validation",
            ),
            pytest.param(
                {"tls_auth_level": "EncryptionOnly"},
                HYBRID_SEND,
                "clear tls_domain",
                id="domain stays behind",
            ),
            pytest.param(
                {"tls_auth_level": "DomainValidation", "require_tls": True},
                SendConnector(name="x", dns_routing_enabled=False),
                "smart host",
                id="smart host needs a domain",
            ),
            pytest.param(
                {"tls_certificate_name": "mail.contoso.com"},
                PLAIN_SEND,
                "expected <I>issuer<S>subject",
                id="certificate by host name",
            ),
        ],
    )
    def test_what_exchange_would_refuse_is_said_beforehand(
        self, desired: dict[str, object], actual: SendConnector, complaint: str
    ) -> None:
        with pytest.raises(InvalidInput, match=complaint):
            difference(desired, actual)

    def test_an_old_contradiction_is_no_reason_to_refuse_another_change(self) -> None:
        contradiction = SendConnector(name="x", tls_auth_level="EncryptionOnly")
        assert difference({"fqdn": "mail.contoso.com"}, contradiction).changed == ("fqdn",)


class TestReceiveConnector:
    @pytest.mark.parametrize(
        ("desired", "sent", "changed"),
        [
            pytest.param(
                {
                    "auth_mechanism": [
                        "exchangeserver",
                        "BASICAUTH",
                        "BasicAuthRequireTLS",
                        "Integrated",
                        "tls",
                    ]
                },
                {},
                (),
                id="mechanisms in another order and case",
            ),
            pytest.param(
                {"auth_mechanism": ["BasicAuth", "Tls"]},
                {"AuthMechanism": "Tls, BasicAuth"},
                ("auth_mechanism",),
                id="fewer mechanisms",
            ),
            pytest.param(
                {"auth_mechanism": ["None"]},
                {"AuthMechanism": "None"},
                ("auth_mechanism",),
                id="no mechanism",
            ),
            pytest.param(
                {"require_tls": True},
                {
                    "RequireTLS": True,
                    "AuthMechanism": "Tls, Integrated, BasicAuth, BasicAuthRequireTLS, "
                    "ExchangeServer",
                },
                ("require_tls",),
                id="RequireTLS takes AuthMechanism along",
            ),
            pytest.param(
                {
                    "tls_domain_capabilities": [
                        "mail.protection.outlook.com:AcceptCloudServicesMail"
                    ]
                },
                {"TlsDomainCapabilities": ["mail.protection.outlook.com:AcceptCloudServicesMail"]},
                ("tls_domain_capabilities",),
                id="hybrid",
            ),
            pytest.param({"tls_domain_capabilities": []}, {}, (), id="no capabilities anyway"),
            pytest.param(
                {"suppress_x_anonymous_tls": True, "domain_secure_enabled": True},
                {"DomainSecureEnabled": True, "SuppressXAnonymousTls": True},
                ("domain_secure_enabled", "suppress_x_anonymous_tls"),
                id="switches",
            ),
        ],
    )
    def test_difference(
        self, desired: dict[str, object], sent: dict[str, object], changed: tuple[str, ...]
    ) -> None:
        found = difference(desired, PLAIN_RECEIVE)
        assert dict(found.parameters) == sent
        assert found.changed == changed
        assert not difference(desired, found.after)

    def test_capabilities_are_compared_without_order_and_case(self) -> None:
        actual = ReceiveConnector(
            name="x", tls_domain_capabilities=("Fabrikam.com:A,B", "contoso.com:C")
        )
        same = ["contoso.com:c", "fabrikam.com: b, a"]
        assert not difference({"tls_domain_capabilities": same}, actual)
        cleared = difference({"tls_domain_capabilities": []}, actual)
        assert cleared.parameters == {"TlsDomainCapabilities": None}
        assert cleared.sentences("X") == ["Clear TlsDomainCapabilities of X."]

    @pytest.mark.parametrize(
        ("desired", "complaint"),
        [
            pytest.param(
                {"require_tls": True, "auth_mechanism": ["Integrated"]},
                "needs Tls in AuthMechanism",
                id="RequireTLS without Tls",
            ),
            pytest.param(
                {"auth_mechanism": ["BasicAuthRequireTLS", "Tls"]},
                "needs BasicAuth and Tls",
                id="BasicAuthRequireTLS alone",
            ),
            pytest.param(
                {"auth_mechanism": ["ExternalAuthoritative", "Tls", "Integrated"]},
                "only be combined with Tls",
                id="ExternalAuthoritative in company",
            ),
            pytest.param({"auth_mechanism": ["None", "Tls"]}, "stands alone", id="None and Tls"),
        ],
    )
    def test_what_exchange_would_refuse_is_said_beforehand(
        self, desired: dict[str, object], complaint: str
    ) -> None:
        with pytest.raises(InvalidInput, match=complaint):
            difference(desired, PLAIN_RECEIVE)

    def test_an_option_of_the_other_kind_is_a_mistake_of_the_caller(self) -> None:
        with pytest.raises(ValueError, match="tls_domain"):
            difference({"tls_domain": "x"}, PLAIN_RECEIVE)


def test_changes_are_reported_in_sentences() -> None:
    found = difference({"tls_certificate_name": OTHER, "fqdn": ""}, HYBRID_SEND)
    assert found.sentences(HYBRID_SEND.title) == [
        "Set TlsCertificateName of Send connector 'Outbound to Office 365'.",
        "Clear Fqdn of Send connector 'Outbound to Office 365'.",
    ]


def test_objects_of_select_object_and_whole_ones_read_alike() -> None:
    def identifier(text: str) -> RemoteObject:
        return RemoteObject(("Microsoft.Exchange.Data.SmtpX509Identifier",), text)

    properties: dict[str, Any] = {
        "Name": "Outbound",
        "RequireTLS": True,
        "TlsAuthLevel": RemoteEnum("DomainValidation", 3),
        "TlsDomain": RemoteObject(("X",), "fabrikam.com"),
        "TlsCertificateName": identifier(NAME),
    }
    flat = {
        **properties,
        "TlsAuthLevel": "DomainValidation",
        "TlsDomain": "fabrikam.com",
        "TlsCertificateName": NAME,
    }
    assert send_connector_of(remote(**properties)) == send_connector_of(remote(**flat))
    assert send_connector_of(remote(**flat)).tls_auth_level == "DomainValidation"


@captures.needs_captures
def test_captured_send_connector() -> None:
    file = "send-connector/exlab-GetSendConnectorConfiguredToRelayToM365"
    (value,) = captures.read(file)
    connector = send_connector_of(value)
    assert connector.to_result() == {
        "name": connector.name,
        "identity": connector.name,
        "tls_certificate_name": None,
        "require_tls": True,
        "tls_auth_level": "CertificateValidation",
        "tls_domain": None,
        "fqdn": "mail.contoso.com",
        "domain_secure_enabled": False,
        "cloud_services_mail_enabled": True,
        "ignore_starttls": False,
    }
    assert connector.dns_routing_enabled is False


@captures.needs_captures
def test_captured_receive_connectors() -> None:
    values = captures.read("receive-connector/exlab-GetReceiveConnector.first3")
    connectors = [receive_connector_of(value) for value in values]
    server = "WIN-CTD3L0RGEN4"
    assert [connector.name for connector in connectors] == [
        f"Default {server}",
        f"Client Proxy {server}",
        f"Default Frontend {server}",
    ]
    front_end = connectors[2]
    assert front_end.identity == f"{server}\\Default Frontend {server}"
    assert front_end.tls_certificate_name == f"<I>CN={server}<S>CN={server}"
    assert front_end.tls_domain_capabilities == ("fabrikam.com:AcceptCloudServicesMail",)
    assert front_end.auth_mechanism == {
        "Tls",
        "Integrated",
        "BasicAuth",
        "BasicAuthRequireTLS",
        "ExchangeServer",
    }
    assert [connector.tls_certificate_name for connector in connectors[:2]] == [None, None]
    assert connectors[0].fqdn == f"{server}.exlab.dom"
    # What is there already is no change, in whatever words.
    desired: dict[str, object] = {
        "tls_certificate_name": f"<i>CN={server.lower()}</i><s>CN={server}</s>",
        "tls_domain_capabilities": ["Fabrikam.com:acceptcloudservicesmail"],
        "auth_mechanism": sorted(front_end.auth_mechanism),
    }
    assert not difference(desired, front_end)
