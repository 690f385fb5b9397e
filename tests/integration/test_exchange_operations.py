# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and connectors are read and changed on a running fake, in whatever form it answers.

Every test has a server of its own in one organization; the session is with the first of them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_configuration import (  # noqa: E501
    read_auth_configuration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    read_hybrid_configuration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.changes import (
    enable_certificate,
    export_certificate,
    import_and_enable,
    import_certificate,
    remove_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.new_certificate import (
    NewCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.access import (
    find_connector,
    read_receive_connectors,
    read_send_connectors,
    set_connector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    Connector,
    difference,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.exchange_session import (
    ExchangeSession,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import Secret
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import CmdletFailed
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.server_plan import (
    plan_server,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.transport_service import (
    keep_internal_transport_certificate,
    read_internal_transport_thumbprint,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_source import (
    CertificateSource,
    load_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    LoadedCertificate,
)
from support.one_server import OneServer, start_one_server

PLAIN_FORMS: dict[str, bool] = {
    "select_object": True,
    "serialization_data": True,
    "signed_serialization": False,
    "deserialized_types": False,
    "require_tls_with_tls_certificate_name": False,
}
WANTED = frozenset({"IIS", "SMTP"})


@pytest.fixture(scope="module")
def organization(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneServer]:
    names = tuple(f"EX{number:02}" for number in range(1, 21))
    running = start_one_server(tmp_path_factory.mktemp("operations"), servers=names)
    with running.fake:
        yield running


@pytest.fixture(scope="module")
def session(organization: OneServer) -> Iterator[ExchangeSession]:
    with ExchangeSession(organization.exchange()) as opened:
        yield opened


@pytest.fixture(scope="module")
def unused_servers(organization: OneServer) -> Iterator[str]:
    return iter(organization.fake.names[1:])


@pytest.fixture
def server(organization: OneServer, unused_servers: Iterator[str]) -> str:
    organization.behave(**PLAIN_FORMS)
    return next(unused_servers)


@pytest.fixture
def new(organization: OneServer) -> LoadedCertificate:
    content = base64.b64encode(organization.new.pfx("x", modern=True)).decode()
    return load_certificate(CertificateSource(pfx_content=content, pfx_password="x"))


def by_thumbprint(certificates: list[ExchangeCertificate]) -> dict[str, ExchangeCertificate]:
    return {certificate.thumbprint: certificate for certificate in certificates}


def old_certificate(session: ExchangeSession, server: str) -> ExchangeCertificate:
    (old,) = [item for item in read_certificates(session, server) if not item.self_signed]
    return old


def test_all_forms_of_an_answer_say_the_same(
    organization: OneServer, session: ExchangeSession, server: str
) -> None:
    usual = by_thumbprint(read_certificates(session, server))
    assert any(certificate.services == WANTED for certificate in usual.values())
    for changes in (
        {"select_object": False},
        {"select_object": False, "signed_serialization": True},
        {"select_object": False, "deserialized_types": True},
    ):
        organization.behave(**PLAIN_FORMS | changes)
        other = by_thumbprint(read_certificates(session, server))
        assert set(other) == set(usual)
        for thumbprint, certificate in other.items():
            expected = usual[thumbprint]
            assert certificate.services == expected.services, changes
            assert certificate.status == expected.status
            assert certificate.friendly_name == expected.friendly_name
            assert certificate.exportable == expected.exportable
            assert certificate.tls_certificate_name == expected.tls_certificate_name
            assert certificate.not_after == expected.not_after
            assert certificate.self_signed == expected.self_signed


def test_without_any_copy_services_are_unknown(
    organization: OneServer, session: ExchangeSession, server: str
) -> None:
    organization.behave(**PLAIN_FORMS | {"select_object": False, "serialization_data": False})
    certificates = read_certificates(session, server)
    assert certificates
    assert {certificate.services for certificate in certificates} == {None}
    connectors = read_receive_connectors(session, server)
    assert len(connectors) == 5
    assert read_internal_transport_thumbprint(session, server) is not None


class TestInstalling:
    def test_import_and_enable_keep_the_internal_transport_certificate(
        self, session: ExchangeSession, server: str, new: LoadedCertificate
    ) -> None:
        before = read_internal_transport_thumbprint(session, server)
        certificates = read_certificates(session, server)
        results = import_and_enable(
            session, new, WANTED, server=server, friendly_name="Mail 2027", exportable=True
        )
        assert [prompt.answer for prompt in results[1].prompts] == ["No"]
        sentence = keep_internal_transport_certificate(
            session, server=server, before=before, certificates_before=certificates, taken=WANTED
        )
        assert sentence is None
        installed = find_certificate(read_certificates(session, server), new.thumbprint)
        assert installed is not None
        assert installed.services == WANTED
        assert (installed.friendly_name, installed.exportable) == ("Mail 2027", True)
        assert installed.has_private_key is True

    def test_what_was_taken_with_force_is_restored(
        self, session: ExchangeSession, server: str, new: LoadedCertificate
    ) -> None:
        before = read_internal_transport_thumbprint(session, server)
        certificates = read_certificates(session, server)
        import_certificate(session, new, server=server)
        enable_certificate(session, new.thumbprint, WANTED, server=server, force=True)
        assert read_internal_transport_thumbprint(session, server) == new.thumbprint
        sentence = keep_internal_transport_certificate(
            session, server=server, before=before, certificates_before=certificates, taken=WANTED
        )
        assert sentence is not None
        assert read_internal_transport_thumbprint(session, server) == before
        after = by_thumbprint(read_certificates(session, server))
        # The web site stays with the new certificate.
        assert after[new.thumbprint].services == WANTED
        assert "SMTP" in (after[before or ""].services or ())

    def test_replacing_is_answered_with_yes(
        self, session: ExchangeSession, server: str, new: LoadedCertificate
    ) -> None:
        import_and_enable(session, new, WANTED, server=server, replace_internal_transport=True)
        assert read_internal_transport_thumbprint(session, server) == new.thumbprint

    def test_a_second_import_is_explained(
        self, session: ExchangeSession, server: str, new: LoadedCertificate
    ) -> None:
        import_certificate(session, new, server=server)
        with pytest.raises(CmdletFailed, match=r"already exists.*certutil -repairstore"):
            import_certificate(session, new, server=server)

    def test_a_plan_after_installing_has_only_connectors_left(
        self, session: ExchangeSession, server: str, new: LoadedCertificate
    ) -> None:
        now = datetime.now(timezone.utc)

        def changes() -> tuple[str, ...]:
            return plan_server(
                NewCertificate.from_loaded(new),
                server=server,
                certificates=read_certificates(session, server),
                receive_connectors=read_receive_connectors(session, server),
                services=WANTED,
                now=now,
            ).changes

        assert len(changes()) == 2
        import_and_enable(session, new, WANTED, server=server)
        assert changes() == ()


class TestRemovingAndExporting:
    def test_a_certificate_can_be_exported_and_removed(
        self, session: ExchangeSession, server: str
    ) -> None:
        old = old_certificate(session, server)
        content = export_certificate(session, old.thumbprint, Secret("backup"), server=server)
        bundle = pkcs12.load_pkcs12(content, b"backup")
        assert bundle.key is not None
        remove_certificate(session, old.thumbprint, server=server)
        assert find_certificate(read_certificates(session, server), old.thumbprint) is None

    def test_the_internal_transport_certificate_stays(
        self, session: ExchangeSession, server: str
    ) -> None:
        thumbprint = read_internal_transport_thumbprint(session, server)
        with pytest.raises(CmdletFailed, match="internal_transport_certificate: replace"):
            remove_certificate(session, thumbprint or "", server=server)

    def test_a_certificate_that_a_send_connector_names_stays(
        self, session: ExchangeSession, server: str
    ) -> None:
        old = old_certificate(session, server)
        connector = find_connector(read_send_connectors(session), "Partner 00")
        change = difference(
            {"tls_certificate_name": old.tls_certificate_name.render(), "require_tls": True},
            connector,
        )
        set_connector(session, connector, change)
        with pytest.raises(CmdletFailed, match=r"Partner 00.*Point these Send connectors"):
            remove_certificate(session, old.thumbprint, server=server)
        connector = find_connector(read_send_connectors(session), "Partner 00")
        set_connector(session, connector, difference({"tls_certificate_name": ""}, connector))
        remove_certificate(session, old.thumbprint, server=server)

    def test_a_key_that_is_not_exportable_is_explained(
        self, session: ExchangeSession, server: str, new: LoadedCertificate
    ) -> None:
        import_certificate(session, new, server=server)
        with pytest.raises(CmdletFailed, match="imported as not exportable"):
            export_certificate(session, new.thumbprint, Secret("x"), server=server)


class TestConnectors:
    SEND_STEPS: tuple[dict[str, object], ...] = (
        {"tls_certificate_name": "<I>CN=Contoso Root CA<S>CN=mail.contoso.test, O=Contoso"},
        {"require_tls": True, "tls_auth_level": "DomainValidation", "tls_domain": "fabrikam.test"},
        {"tls_domain": "other.test", "fqdn": "mail.contoso.test"},
        {"tls_auth_level": "CertificateValidation", "tls_domain": ""},
        {"domain_secure_enabled": True, "cloud_services_mail_enabled": True},
        {"tls_certificate_name": "", "fqdn": "", "tls_auth_level": "none", "require_tls": False},
    )
    RECEIVE_STEPS: tuple[dict[str, object], ...] = (
        {"tls_certificate_name": "<I>CN=Contoso Root CA</I><S>CN=mail.contoso.test, O=Contoso</S>"},
        {"auth_mechanism": ["basicauth", "tls"], "require_tls": True},
        {"tls_domain_capabilities": ["mail.protection.outlook.com:AcceptCloudServicesMail"]},
        {"suppress_x_anonymous_tls": True, "fqdn": "mail.contoso.test"},
        {"tls_domain_capabilities": [], "tls_certificate_name": None, "require_tls": False},
        {"auth_mechanism": ["None"]},
    )

    def change(
        self, session: ExchangeSession, connector: Connector, desired: dict[str, object]
    ) -> None:
        needed = difference(desired, connector)
        assert needed
        set_connector(session, connector, needed)

    def test_a_send_connector_through_all_its_states(
        self, session: ExchangeSession, server: str
    ) -> None:
        for desired in self.SEND_STEPS:
            self.change(
                session, find_connector(read_send_connectors(session), "partner 01"), desired
            )
            after = find_connector(read_send_connectors(session), "partner 01")
            assert not difference(desired, after)
        assert after.to_result()["tls_certificate_name"] is None

    def test_a_receive_connector_through_all_its_states(
        self, session: ExchangeSession, server: str
    ) -> None:
        name = f"Default Frontend {server}"
        for desired in self.RECEIVE_STEPS:
            connectors = read_receive_connectors(session, server)
            self.change(session, find_connector(connectors, name, server=server), desired)
            connectors = read_receive_connectors(session, server)
            after = find_connector(connectors, name, server=server)
            assert not difference(desired, after)
        assert after.auth_mechanism == frozenset()

    def test_exchange_demanding_require_tls_is_understood(
        self, organization: OneServer, session: ExchangeSession, server: str
    ) -> None:
        organization.behave(require_tls_with_tls_certificate_name=True)
        connector = find_connector(read_send_connectors(session), "Partner 02")
        name = old_certificate(session, server).tls_certificate_name.render()
        with pytest.raises(CmdletFailed, match="Set require_tls together with the certificate"):
            self.change(session, connector, {"tls_certificate_name": name})
        self.change(session, connector, {"tls_certificate_name": name, "require_tls": True})

    def test_organization_wide_objects(self, session: ExchangeSession, server: str) -> None:
        auth = read_auth_configuration(session)
        assert auth.current is not None
        assert find_certificate(read_certificates(session, server), auth.current) is not None
        assert read_hybrid_configuration(session) is None
