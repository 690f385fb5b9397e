# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does mail leave, with which certificate, and what does a mail server outside say to it? With
real connections and handshakes."""

from __future__ import annotations

import smtplib
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from fake_exchange.fronts.outbound import MailPump, send_out
from fake_exchange.fronts.peer import Peers
from fake_exchange.organisation import mail, routing, services
from fake_exchange.organisation.model import (
    AcceptedDomain,
    LoadedCertificate,
    Organisation,
    Peer,
    Queue,
    SendConnector,
    Server,
    now,
)
from fake_exchange.organisation.tls_names import tls_certificate_name
from fake_exchange.wsman.listener import ListenerHub
from support import pki
from support.stocked_server import ISSUER, OTHER_ISSUER, StockedServer, issued

SECONDS = 10
NOT_FOUND = (
    "454 4.7.5 The certificate specified in TlsCertificateName of the SendConnector could not be "
    "found."
)


@pytest.fixture
def peer() -> Peer:
    """It requires a certificate of the authority that issues those of the organisation."""
    own = OTHER_ISSUER.issue(("CN", "partner.test"), dns=["partner.test"], key=pki.kept_key("leaf"))
    return Peer(
        "partner",
        "partner.test",
        LoadedCertificate(own.certificate, own.key),
        require_client_certificate=True,
        trusted_roots=[ISSUER.certificate],
    )


@pytest.fixture
def connector() -> SendConnector:
    return SendConnector(
        "Partner", ["SMTP:partner.test;1"], ["EX01"], SmartHosts=["partner.test"], RequireTLS=True
    )


@pytest.fixture
def peers(stock: StockedServer, peer: Peer, connector: SendConnector) -> Iterator[Peers]:
    organisation = stock.organisation
    organisation.accepted_domains = [AcceptedDomain("contoso.test")]
    organisation.peers, organisation.send_connectors = [peer], [connector]
    with ListenerHub() as hub:
        peers = Peers(organisation, hub)
        peers.open()
        yield peers


Send = Callable[[], Queue]


@pytest.fixture
def send(stock: StockedServer, peers: Peers) -> Send:
    """Tries to send one message to the partner; the queue that it left, or waits in."""

    def try_it() -> Queue:
        accept(stock)
        ((server, outgoing),) = routing.advance(stock.organisation, now()).outgoing
        send_out(stock.organisation, server, outgoing)
        return outgoing

    return try_it


def accept(stock: StockedServer, recipient: str = "you@partner.test") -> None:
    mail.accept(
        stock.organisation,
        stock.server,
        message_id=f"<{'long' * 30}@client.test>",
        sender="me@contoso.test",
        recipients=[recipient],
        subject="hello",
        size=100,
        connector="EX01\\Client Frontend EX01",
    )


def state_of(queue: Queue) -> tuple[int, str, str]:
    return queue.MessageCount, queue.Status, queue.LastError


def shown(stock: StockedServer) -> list[str | None]:
    """Thumbprints of the client certificates that the partner was shown with each message."""
    return [item.client_certificate for item in stock.organisation.mail.received_by_peers]


# The certificate that is shown --------------------------------------------------------------------


def test_the_certificate_of_the_connector_is_shown(
    stock: StockedServer, connector: SendConnector, send: Send
) -> None:
    public = stock.store(issued(), "SMTP")
    connector.TlsCertificateName = tls_certificate_name(public.certificate)
    assert state_of(send()) == (0, "Ready", "")
    (received,) = stock.organisation.mail.received_by_peers
    assert received.tls
    assert received.client_certificate == public.Thumbprint
    assert received.MessageId == f"<{'long' * 30}@client.test>"
    assert (received.sender, received.recipients) == ("me@contoso.test", ("you@partner.test",))
    assert [item.recipient for item in stock.organisation.mail.sent] == ["you@partner.test"]


def test_it_is_looked_up_when_the_connection_is_made(
    stock: StockedServer, connector: SendConnector, send: Send
) -> None:
    """A renewal of the same name is shown at once, without any restart."""
    old = stock.store(issued(started_days_ago=80), "SMTP")
    connector.TlsCertificateName = tls_certificate_name(old.certificate)
    send()
    renewed = stock.store(issued(started_days_ago=1), "SMTP")
    send()
    assert shown(stock) == [old.Thumbprint, renewed.Thumbprint]


def test_the_intermediate_is_sent_along(
    stock: StockedServer, connector: SendConnector, send: Send
) -> None:
    public = stock.store(issued(issuer=ISSUER.intermediate(("CN", "Issuer A 1"))), "SMTP")
    connector.TlsCertificateName = tls_certificate_name(public.certificate)
    send()
    assert shown(stock) == [public.Thumbprint]


@pytest.mark.parametrize("what", ["nothing of that name", "expired", "not enabled for SMTP"])
def test_without_a_usable_certificate_the_message_waits(
    stock: StockedServer, connector: SendConnector, send: Send, what: str
) -> None:
    connector.TlsCertificateName = "<I>CN=Nobody<S>CN=nothing"
    if what != "nothing of that name":
        days = 100 if what == "expired" else 1
        stored = stock.store(issued(started_days_ago=days), *["SMTP"] * (what == "expired"))
        connector.TlsCertificateName = tls_certificate_name(stored.certificate)
    waiting = send()
    assert state_of(waiting) == (1, "Retry", NOT_FOUND)
    assert stock.organisation.mail.received_by_peers == []
    assert [e.RecipientStatus for e in stock.server.tracking_log if e.EventId == "DEFER"] == [
        NOT_FOUND
    ]


def test_a_renewal_that_is_not_enabled_yet_breaks_the_connector(
    stock: StockedServer, connector: SendConnector, send: Send
) -> None:
    old = stock.store(issued(started_days_ago=80), "SMTP")
    connector.TlsCertificateName = tls_certificate_name(old.certificate)
    stock.store(issued(started_days_ago=1))
    assert send().LastError == NOT_FOUND


# What the partner says ----------------------------------------------------------------------------


def test_a_partner_that_requires_a_certificate_refuses_without_one(
    stock: StockedServer, send: Send
) -> None:
    assert state_of(send()) == (1, "Retry", "530 5.7.0 A client certificate is required")
    assert stock.organisation.mail.received_by_peers == []


def test_one_that_only_asks_takes_the_message(stock: StockedServer, peer: Peer, send: Send) -> None:
    peer.require_client_certificate = False
    assert state_of(send()) == (0, "Ready", "")
    assert shown(stock) == [None]


@pytest.mark.parametrize("what", ["other issuer", "not for clients"])
def test_a_bad_certificate_ends_the_handshake(
    stock: StockedServer, connector: SendConnector, send: Send, what: str
) -> None:
    key, subject = pki.kept_key("leaf"), ("CN", "mail.contoso.test")
    bad = (
        OTHER_ISSUER.issue(subject, key=key)
        if what == "other issuer"
        else ISSUER.issue(subject, key=key, usages=[ExtendedKeyUsageOID.SERVER_AUTH])
    )
    stored = stock.store(bad, "SMTP")
    connector.TlsCertificateName = tls_certificate_name(stored.certificate)
    waiting = send()
    assert state_of(waiting)[:2] == (1, "Retry")
    assert waiting.LastError.startswith("454 4.7.0 TLS negotiation failed")
    assert stock.organisation.mail.received_by_peers == []


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["mail.contoso.test"], True),
        (["other.test", "MAIL.contoso.test"], True),
        (["other.test"], False),
    ],
)
def test_a_partner_may_insist_on_a_name(
    stock: StockedServer,
    peer: Peer,
    connector: SendConnector,
    send: Send,
    names: list[str],
    taken: bool,
) -> None:
    peer.client_names = names
    public = stock.store(issued(), "SMTP")
    connector.TlsCertificateName = tls_certificate_name(public.certificate)
    waiting = send()
    assert waiting.LastError.startswith("454 4.7.5") is not taken
    assert shown(stock) == ([public.Thumbprint] if taken else [])


def handed_in(peer: Peer, *, secure: bool) -> tuple[int, bytes]:
    """The answer to MAIL of a client without certificate."""
    with smtplib.SMTP("127.0.0.1", peer.port, timeout=SECONDS) as client:
        client.ehlo()
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            client.starttls(context=context)
            client.ehlo()
            assert not client.has_extn("starttls")
        return client.docmd("MAIL", "FROM:<a@b.test>")


@pytest.mark.usefixtures("peers")
@pytest.mark.parametrize("secure", [True, False])
def test_any_client_is_asked_alike(peer: Peer, secure: bool) -> None:
    assert handed_in(peer, secure=secure)[0] == 530
    peer.require_client_certificate = False
    assert handed_in(peer, secure=secure)[0] == 250


# Ways that lead nowhere ---------------------------------------------------------------------------


def test_a_partner_that_does_not_answer(send: Send, peers: Peers) -> None:
    peers.hold_closed("Partner", closed=True)
    assert state_of(send()) == (1, "Retry", "421 4.4.1 Connection timed out")
    peers.hold_closed("Partner", closed=False)


def test_a_smart_host_that_nobody_knows(connector: SendConnector, send: Send) -> None:
    connector.SmartHosts = ["nowhere.test"]
    assert state_of(send())[2].startswith("451 4.4.0 DNS query failed")


def test_a_connector_that_requires_tls_and_may_not_use_it(
    stock: StockedServer, peer: Peer, connector: SendConnector, send: Send
) -> None:
    stock.organisation.behavior.mail_retry_seconds = 0
    peer.require_client_certificate = False
    connector.IgnoreSTARTTLS = True
    assert state_of(send())[2].startswith("451 5.7.3")
    connector.RequireTLS = False
    waiting = send()
    assert state_of(waiting)[0] == 0
    assert [item.tls for item in stock.organisation.mail.received_by_peers] == [False, False]


# The thread that moves mail -----------------------------------------------------------------------


@pytest.fixture
def pump(stock: StockedServer, peers: Peers) -> Iterator[MailPump]:
    pump = MailPump(stock.organisation)
    pump.start()
    yield pump
    pump.close()


def until(organisation: Organisation, holds: Callable[[], bool]) -> None:
    """Wait until something holds, or fail."""
    for _ in range(int(SECONDS / 0.01)):
        with organisation.lock:
            if holds():
                return
        threading.Event().wait(0.01)
    pytest.fail("what was waited for did not come")


@pytest.mark.usefixtures("pump")
def test_mail_is_delivered_by_itself(stock: StockedServer) -> None:
    accept(stock, "x@contoso.test")
    until(stock.organisation, lambda: len(stock.organisation.mail.delivered) == 1)


@pytest.mark.usefixtures("pump")
def test_what_could_not_be_sent_is_tried_again(
    stock: StockedServer, peers: Peers, peer: Peer
) -> None:
    organisation = stock.organisation
    organisation.behavior.mail_retry_seconds = 0.05
    peer.require_client_certificate = False
    peers.hold_closed("partner", closed=True)
    accept(stock)
    until(organisation, lambda: any(q.Status == "Retry" for q in stock.server.queues))
    peers.hold_closed("partner", closed=False)
    until(organisation, lambda: len(organisation.mail.sent) == 1)
    state = mail.state_of_mail(organisation)
    assert (state["lost"], state["doubled"]) == ([], [])
    assert len(organisation.mail.received_by_peers) == 1


@pytest.mark.usefixtures("pump")
def test_a_restarted_transport_service_delivers_what_it_has(stock: StockedServer) -> None:
    organisation, server = stock.organisation, stock.server
    services.stop(organisation, server, "MSExchangeTransport")
    accept(stock, "x@contoso.test")
    assert moved_by(organisation, server) == 0
    services.start(organisation, server, "MSExchangeTransport")
    until(organisation, lambda: len(organisation.mail.delivered) == 1)


def moved_by(organisation: Organisation, server: Server) -> int:
    """How many messages a further look at the queues delivers."""
    before = len(organisation.mail.delivered)
    routing.advance(organisation, now())
    return len(organisation.mail.delivered) - before


def test_a_pump_looks_again_only_when_there_is_a_reason(
    stock: StockedServer, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    looked = threading.Event()
    real = routing.advance

    def counted(*arguments: object) -> routing.Round:
        looks.append(1)
        done = real(*arguments)  # type: ignore[arg-type]
        looked.set()
        return done

    monkeypatch.setattr(routing, "advance", counted)
    pump = MailPump(stock.organisation)
    pump.start()
    try:
        assert looked.wait(SECONDS)
        with stock.organisation.lock:
            mail.make_up(stock.organisation, mail.queue(stock.server, "3"), 2, stuck=True)
        threading.Event().wait(0.2)
        assert len(looks) == 1
        looked.clear()
        mail.wake(stock.organisation)
        assert looked.wait(SECONDS)
    finally:
        pump.close()
    assert len(looks) == 2
