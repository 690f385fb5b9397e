# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does mail leave? An SMTP client that shows the certificate of its Send connector, and a
thread that moves messages as long as there is something to do."""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from datetime import datetime, timedelta
from email.message import EmailMessage

from fake_exchange.organisation import mail, routing, selection
from fake_exchange.organisation.model import (
    LoadedCertificate,
    Message,
    Organisation,
    Peer,
    Queue,
    SendConnector,
    Server,
    Service,
    now,
)
from fake_exchange.wsman.tls import load_certificate

log = logging.getLogger(__name__)

NO_CERTIFICATE = (
    "454 4.7.5 The certificate specified in TlsCertificateName of the SendConnector could not be "
    "found."
)
NO_SUCH_HOST = "451 4.4.0 DNS query failed. The error was: DNS query failed with error ErrorRetry"
NO_ANSWER = "421 4.4.1 Connection timed out"
NO_STARTTLS = "451 5.7.3 STARTTLS is required to send mail"
NO_HANDSHAKE = "454 4.7.0 TLS negotiation failed with error UnknownCredentials"
BROKEN_OFF = "421 4.4.2 Connection dropped due to ConnectionReset"
#: Statuses with which a certificate may be shown.
USABLE = ("Valid", "RevocationCheckFailure")
_SECONDS = 10.0
_SHORTEST_WAIT = 0.01


class MailPump:
    """Moves messages while there are any; costs nothing while there are none."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self._work = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        organisation.mail_observers.append(self._work.set)
        organisation.service_observers.append(self._follow)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="mail", daemon=True)
        self._thread.start()
        self._work.set()

    def close(self) -> None:
        """Stop, after the message that is being sent. Calling it again does nothing."""
        self._closed = True
        self._work.set()
        if self._thread is not None:
            self._thread.join(timeout=_SECONDS)

    def _follow(self, server: Server, service: Service) -> None:
        if service.Name == mail.TRANSPORT:
            self._work.set()

    def _run(self) -> None:
        again: datetime | None = None
        while not self._closed:
            self._work.wait(timeout=_seconds_until(again))
            self._work.clear()
            try:
                again = self._move()
            except Exception:
                # One bad message must not stop all others for good.
                log.exception("moving mail failed")
                again = now() + timedelta(seconds=1)

    def _move(self) -> datetime | None:
        """Move whatever can be moved now; when to look again (None: when something happens)."""
        while not self._closed:
            done = routing.advance(self._organisation, now())
            if not done.outgoing:
                return done.again
            for server, waiting in done.outgoing:
                send_out(self._organisation, server, waiting)
        return None


def _seconds_until(moment: datetime | None) -> float | None:
    if moment is None:
        return None
    return max((moment - now()).total_seconds(), _SHORTEST_WAIT)


def send_out(organisation: Organisation, server: Server, waiting: Queue) -> None:
    """Send the messages of a queue, one after the other, until one cannot be sent."""
    while (message := routing.begin_transmission(organisation, server, waiting)) is not None:
        error = NO_ANSWER
        try:
            error = _transmit(organisation, server, waiting, message)
        finally:
            if error:
                routing.not_sent(organisation, server, waiting, message, error)
        if error:
            return
        routing.sent(organisation, server, waiting, message)


def client_certificate(
    organisation: Organisation, server: Server, name: str
) -> LoadedCertificate | None:
    """What a Send connector with this TlsCertificateName shows, sent from this server.

    None where the name finds nothing valid, or where the one chosen by name is not enabled for
    SMTP: that is not asked before the choice, so an imported renewal breaks the connector until it
    is enabled.
    """
    valid = [each for each in selection.matching(server, name) if each.Status in USABLE]
    chosen = selection.best(valid, tie_break=organisation.behavior.certificate_tie_break)
    if chosen is None or "SMTP" not in chosen.Services:
        return None
    return selection.as_loaded(organisation, server, chosen)


def _transmit(organisation: Organisation, server: Server, waiting: Queue, message: Message) -> str:
    """Send one message; the error as a queue shows it, empty if it was taken."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with organisation.lock:
        connector = organisation.send_connector(waiting.NextHopConnector)
        if connector is None:
            return NO_SUCH_HOST
        if connector.TlsCertificateName:
            loaded = client_certificate(organisation, server, connector.TlsCertificateName)
            if loaded is None or loaded.private_key is None:
                return NO_CERTIFICATE
            load_certificate(context, loaded.certificate, loaded.private_key, loaded.chain)
        peer = _peer(organisation, waiting.NextHopDomain)
        host_name = connector.Fqdn or server.Fqdn
    if peer is None:
        return NO_SUCH_HOST
    try:
        return _dialogue(peer, connector, host_name, context, message)
    except smtplib.SMTPResponseException as error:
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    except smtplib.SMTPRecipientsRefused as error:
        code, reply = next(iter(error.recipients.values()))
        return f"{code} {_text(reply)}"
    except smtplib.SMTPServerDisconnected:
        return BROKEN_OFF
    except ssl.SSLError:
        return NO_HANDSHAKE
    except OSError:
        return NO_ANSWER


def _peer(organisation: Organisation, hop: str) -> Peer | None:
    """Whom a next hop means: the peer of this name or domain."""
    wanted = hop.casefold()
    return next((p for p in organisation.peers if wanted in (p.domain, p.name)), None)


def _dialogue(
    peer: Peer, connector: SendConnector, host_name: str, context: ssl.SSLContext, message: Message
) -> str:
    with smtplib.SMTP("127.0.0.1", peer.port, host_name, timeout=_SECONDS) as client:
        client.ehlo()
        if not connector.IgnoreSTARTTLS and client.has_extn("starttls"):
            client.starttls(context=context)
            try:
                client.ehlo()
            except smtplib.SMTPServerDisconnected:
                # With TLS 1.3 a refused client certificate shows only now.
                return NO_HANDSHAKE
        elif connector.RequireTLS:
            return NO_STARTTLS
        client.send_message(
            _content(message), from_addr=message.Sender, to_addrs=list(message.Recipients)
        )
    return ""


def _content(message: Message) -> EmailMessage:
    content = EmailMessage()
    content["From"] = message.Sender
    content["To"] = ", ".join(message.Recipients)
    content["Subject"] = message.MessageSubject
    content["Message-ID"] = message.MessageId
    content.set_content("A message of the fake organisation.\n")
    return content


def _text(reply: bytes | str) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
