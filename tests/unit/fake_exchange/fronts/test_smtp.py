# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a Receive connector say to a client?"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator

import pytest

from fake_exchange.organisation.model import AcceptedDomain, ComponentState
from support.stocked_server import StockedServer

pytestmark = pytest.mark.usefixtures("ports")


@pytest.fixture
def client(stock: StockedServer) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(timeout=10) as client:
        yield client


def connect(client: smtplib.SMTP, stock: StockedServer, port: str = "smtp") -> str:
    # smtplib keeps the name for the handshake only when it is given to the constructor.
    vars(client)["_host"] = "127.0.0.1"
    code, text = client.connect("127.0.0.1", stock.server.ports[port])
    return f"{code} {text.decode()}"


def secured(client: smtplib.SMTP) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    client.starttls(context=context)


def test_the_banner_carries_the_fqdn_of_the_connector(
    client: smtplib.SMTP, stock: StockedServer
) -> None:
    stock.front_end.Fqdn = "mail.contoso.test"
    assert connect(client, stock).startswith(
        "220 mail.contoso.test Microsoft ESMTP MAIL Service ready at "
    )


def test_a_banner_of_ones_own_replaces_it(client: smtplib.SMTP, stock: StockedServer) -> None:
    stock.front_end.Banner = "220 hello"
    assert connect(client, stock) == "220 hello"


def test_starttls_is_offered_until_it_is_done(client: smtplib.SMTP, stock: StockedServer) -> None:
    connect(client, stock)
    client.ehlo()
    assert client.has_extn("starttls")
    secured(client)
    client.ehlo()
    assert not client.has_extn("starttls")


def test_without_tls_among_the_mechanisms_there_is_no_starttls(
    client: smtplib.SMTP, stock: StockedServer
) -> None:
    stock.front_end.AuthMechanism.remove("Tls")
    connect(client, stock)
    client.ehlo()
    assert not client.has_extn("starttls")
    assert client.docmd("STARTTLS")[0] == 500


def test_without_a_matching_certificate_there_is_no_starttls(
    client: smtplib.SMTP, stock: StockedServer
) -> None:
    stock.front_end.TlsCertificateName = "<I>CN=Nobody<S>CN=nothing"
    stock.restart("MSExchangeFrontEndTransport")
    connect(client, stock)
    client.ehlo()
    assert not client.has_extn("starttls")


@pytest.mark.parametrize(
    ("mechanisms", "before", "after"),
    [
        (["Tls", "BasicAuth", "BasicAuthRequireTLS"], "", "LOGIN"),
        (["Tls", "BasicAuth"], "LOGIN", "LOGIN"),
        (["Tls", "Integrated"], "GSSAPI NTLM", "GSSAPI NTLM"),
        (["Tls"], "", ""),
    ],
)
def test_the_ways_to_log_on_follow_from_the_mechanisms(
    client: smtplib.SMTP, stock: StockedServer, mechanisms: list[str], before: str, after: str
) -> None:
    stock.front_end.AuthMechanism = mechanisms
    connect(client, stock)
    client.ehlo()
    assert client.esmtp_features.get("auth", "").split() == before.split()
    secured(client)
    client.ehlo()
    assert client.esmtp_features.get("auth", "").split() == after.split()


def test_a_connector_that_requires_tls_takes_no_mail_in_the_clear(
    client: smtplib.SMTP, stock: StockedServer
) -> None:
    stock.front_end.RequireTLS = True
    connect(client, stock)
    client.ehlo()
    assert client.docmd("MAIL", "FROM:<a@b.test>")[0] == 530
    secured(client)
    client.ehlo()
    assert client.docmd("MAIL", "FROM:<a@b.test>")[0] == 250


def test_what_was_said_before_the_handshake_is_forgotten(
    client: smtplib.SMTP, stock: StockedServer
) -> None:
    connect(client, stock)
    client.ehlo()
    secured(client)
    assert client.docmd("MAIL", "FROM:<a@b.test>")[0] == 503


def test_a_message_is_taken_and_tracked(client: smtplib.SMTP, stock: StockedServer) -> None:
    stock.organisation.accepted_domains = [_domain()]
    connect(client, stock)
    client.sendmail("a@b.test", ["x@contoso.test"], "Subject: hello\r\n\r\n..dot\r\n.\r\n")
    (event,) = stock.server.tracking_log
    assert (event.EventId, event.Sender, event.Recipients) == (
        "RECEIVE",
        "a@b.test",
        ("x@contoso.test",),
    )
    assert event.MessageSubject == "hello"
    assert event.ConnectorId == "EX01\\Default Frontend EX01"


def test_other_domains_are_not_relayed(client: smtplib.SMTP, stock: StockedServer) -> None:
    stock.organisation.accepted_domains = [_domain()]
    connect(client, stock)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail("a@b.test", ["x@elsewhere.test"], "hello")


def test_submission_wants_a_log_on(client: smtplib.SMTP, stock: StockedServer) -> None:
    connect(client, stock, "submission")
    client.ehlo()
    assert client.docmd("MAIL", "FROM:<a@b.test>")[0] == 530


@pytest.mark.parametrize("component", ["FrontendTransport", "ServerWideOffline"])
def test_an_inactive_server_says_so(
    client: smtplib.SMTP, stock: StockedServer, component: str
) -> None:
    stock.server.component_states[component] = ComponentState(
        component, {"Maintenance": "Inactive"}
    )
    assert connect(client, stock).startswith("421 4.3.2")


def _domain() -> AcceptedDomain:
    return AcceptedDomain("contoso.test", "contoso.test", Default=True)
