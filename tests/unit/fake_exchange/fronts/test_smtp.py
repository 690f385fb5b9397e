# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a Receive connector say to a client?"""

from __future__ import annotations

import base64
import dataclasses
import smtplib
import ssl
from collections.abc import Iterator

import pytest

from fake_exchange.organisation.model import AcceptedDomain, AccessEntry, Account, ComponentState
from support.stocked_server import StockedServer, organisation_of

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


def test_what_is_switched_off_is_not_offered(client: smtplib.SMTP, stock: StockedServer) -> None:
    connect(client, stock)
    client.ehlo()
    assert client.esmtp_features["size"] == "37748736"
    assert client.has_extn("chunking")
    stock.front_end.other |= {"MaxMessageSize": 1_048_576, "ChunkingEnabled": False}
    client.ehlo()
    assert client.esmtp_features["size"] == "1048576"
    assert not client.has_extn("chunking")
    stock.front_end.other["SizeEnabled"] = "Disabled"
    client.ehlo()
    assert not client.has_extn("size")


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


def test_other_domains_are_relayed_for_anonymous_users_who_have_the_right(
    client: smtplib.SMTP, stock: StockedServer
) -> None:
    stock.organisation.accepted_domains = [_domain()]
    right = "ms-Exch-SMTP-Accept-Any-Recipient"
    stock.front_end.access = [AccessEntry("NT AUTHORITY\\ANONYMOUS LOGON", ExtendedRight=right)]
    connect(client, stock)
    assert client.sendmail("a@b.test", ["x@elsewhere.test"], "hello") == {}


def test_the_connector_with_the_narrowest_range_around_the_client_answers(
    client: smtplib.SMTP, stock: StockedServer
) -> None:
    near = dataclasses.replace(stock.front_end, Name="Near", RemoteIPRanges=["127.0.0.0/8"])
    far = dataclasses.replace(stock.front_end, Name="Far", RemoteIPRanges=["10.0.0.1"])
    near.Banner, far.Banner = "220 near", "220 far"
    stock.server.receive_connectors += [far, near]
    assert connect(client, stock) == "220 near"


HEADERS = {
    "as it is": "Message-ID: <1@client.test>\r\nSubject: hello",
    "in any case": "SUBJECT: hello\r\nmessage-id:<1@client.test>",
    "folded": "Message-ID:\r\n <1@client.test>\r\nSubject:\r\n\thello",
    "the first one": "Message-ID: <1@client.test>\r\nMessage-ID: <2@client.test>\r\nSubject: hello",
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=list(HEADERS))
def test_the_message_id_of_the_client_is_kept(
    client: smtplib.SMTP, stock: StockedServer, headers: str
) -> None:
    stock.organisation.accepted_domains = [_domain()]
    connect(client, stock)
    body = "Message-ID: <body@client.test>\r\nSubject: body"
    client.sendmail("a@b.test", ["x@contoso.test"], f"{headers}\r\n\r\n{body}\r\n")
    (event,) = stock.server.tracking_log
    assert (event.MessageId, event.MessageSubject) == ("<1@client.test>", "hello")


def test_a_message_without_one_gets_one_and_the_answer_shows_it(
    client: smtplib.SMTP, stock: StockedServer
) -> None:
    stock.organisation.accepted_domains = [_domain()]
    connect(client, stock)
    client.ehlo()
    client.mail("a@b.test")
    client.rcpt("x@contoso.test")
    code, answer = client.data("hello")
    (event,) = stock.server.tracking_log
    assert event.MessageId.endswith("@ex01.contoso.test>")
    assert (code, answer.decode()) == (
        250,
        f"2.6.0 {event.MessageId} [InternalId=1, Hostname=ex01.contoso.test] "
        "Queued mail for delivery",
    )


def test_without_a_server_that_takes_it_a_message_is_refused_for_now(
    client: smtplib.SMTP, stock: StockedServer
) -> None:
    stock.organisation.accepted_domains = [_domain()]
    states = {"Maintenance": "Draining"}
    stock.server.component_states["HubTransport"] = ComponentState("HubTransport", states)
    connect(client, stock)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("a@b.test", ["x@contoso.test"], "hello")
    assert refused.value.smtp_code == 451
    assert stock.organisation.mail.accepted == []
    states["Maintenance"] = "Active"
    client.sendmail("a@b.test", ["x@contoso.test"], "hello")
    assert len(stock.organisation.mail.accepted) == 1


def test_a_draining_server_has_its_neighbour_take_it(
    client: smtplib.SMTP, stock: StockedServer
) -> None:
    organisation = stock.organisation
    organisation.accepted_domains = [_domain()]
    neighbour = organisation.servers["EX02"] = organisation_of("EX02").servers["EX02"]
    stock.server.component_states["HubTransport"].requesters["Maintenance"] = "Draining"
    connect(client, stock)
    client.sendmail("a@b.test", ["x@contoso.test"], "hello")
    assert stock.server.tracking_log == []
    assert [e.ConnectorId for e in neighbour.tracking_log] == ["EX02\\Default EX02"]
    assert [q.MessageCount for q in neighbour.queues if q.name == "Submission"] == [1]


def test_submission_wants_a_log_on(client: smtplib.SMTP, stock: StockedServer) -> None:
    connect(client, stock, "submission")
    client.ehlo()
    assert client.docmd("MAIL", "FROM:<a@b.test>")[0] == 530


# Logging on ---------------------------------------------------------------------------------------

PASSWORD = "Größe-7"


@pytest.fixture
def submission(client: smtplib.SMTP, stock: StockedServer) -> smtplib.SMTP:
    """Port 587, with TLS, of an organisation with one account."""
    stock.organisation.accepted_domains = [_domain()]
    stock.organisation.accounts = [Account("anna", "CONTOSO", "CONTOSO.TEST", PASSWORD)]
    connect(client, stock, "submission")
    secured(client)
    client.ehlo()
    return client


def log_on(client: smtplib.SMTP, user: str, password: str) -> int:
    """The code that ends the dialogue."""
    words = [base64.b64encode(text.encode()).decode() for text in (user, password)]
    assert client.docmd("AUTH", "LOGIN") == (334, b"VXNlcm5hbWU6")
    assert client.docmd(words[0]) == (334, b"UGFzc3dvcmQ6")
    return client.docmd(words[1])[0]


@pytest.mark.parametrize("user", ["anna", "ANNA", "CONTOSO\\anna", "anna@contoso.test"])
def test_an_account_that_has_logged_on_may_write_to_any_domain(
    submission: smtplib.SMTP, stock: StockedServer, user: str
) -> None:
    assert log_on(submission, user, PASSWORD) == 235
    assert submission.sendmail("anna@contoso.test", ["x@elsewhere.test"], "hello") == {}
    assert [item.recipients for item in stock.organisation.mail.accepted] == [("x@elsewhere.test",)]


def test_the_user_may_come_with_the_command(submission: smtplib.SMTP) -> None:
    user, password = (base64.b64encode(text.encode()).decode() for text in ("anna", PASSWORD))
    assert submission.docmd("AUTH", f"LOGIN {user}") == (334, b"UGFzc3dvcmQ6")
    assert submission.docmd(password)[0] == 235


@pytest.mark.parametrize(
    ("user", "password"),
    [("anna", "wrong"), ("anna", ""), ("bert", PASSWORD), ("OTHER\\anna", PASSWORD)],
)
def test_a_wrong_log_on_is_refused_and_opens_nothing(
    submission: smtplib.SMTP, user: str, password: str
) -> None:
    assert log_on(submission, user, password) == 535
    assert submission.docmd("MAIL", "FROM:<a@b.test>")[0] == 530
    assert log_on(submission, "anna", PASSWORD) == 235


def test_a_log_on_can_be_broken_off(submission: smtplib.SMTP) -> None:
    assert submission.docmd("AUTH", "LOGIN")[0] == 334
    assert submission.docmd("*")[0] == 501
    assert submission.docmd("NOOP")[0] == 250


def test_nobody_logs_on_twice(submission: smtplib.SMTP) -> None:
    assert log_on(submission, "anna", PASSWORD) == 235
    assert submission.docmd("AUTH", "LOGIN")[0] == 503


@pytest.mark.parametrize("method", ["PLAIN", "NTLM"])
def test_other_ways_to_log_on_are_not_known(submission: smtplib.SMTP, method: str) -> None:
    assert submission.docmd("AUTH", method)[0] == 504


def test_no_password_goes_in_the_clear_where_tls_is_demanded(
    client: smtplib.SMTP, stock: StockedServer
) -> None:
    connect(client, stock, "submission")
    client.ehlo()
    assert client.docmd("AUTH", "LOGIN")[0] in (504, 530)


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
