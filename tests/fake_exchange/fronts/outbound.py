# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does mail leave? An SMTP client that shows the certificate of its Send connector, and a
thread that moves messages as long as there is something to do."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
import threading
from email.message import EmailMessage

from fake_exchange.organisation import mail, selection
from fake_exchange.organisation.model import (
    LoadedCertificate,
    Message,
    Organisation,
    Queue,
    SendConnector,
    Server,
    Service,
    now,
)
from fake_exchange.wsman.tls import load_certificate

NO_CERTIFICATE = (
    "454 4.7.5 The certificate specified in TlsCertificateName of the SendConnector could not be "
    "found."
)
_SECONDS = 10.0
_IDLE_SECONDS = 0.02


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
        self._closed = True
        self._work.set()
        if self._thread is not None:
            self._thread.join(timeout=_SECONDS)

    def _follow(self, server: Server, service: Service) -> None:
        if service.Name == mail.TRANSPORT:
            self._work.set()

    def _run(self) -> None:
        while not self._closed:
            self._work.wait()
            self._work.clear()
            while not self._closed and self._move():
                self._work.wait(timeout=_IDLE_SECONDS)

    def _move(self) -> bool:
        """One round; whether there is anything that may still move by itself."""
        organisation = self._organisation
        outgoing: list[tuple[Server, Queue]] = []
        with organisation.lock:
            for server in organisation:
                outgoing += [(server, each) for each in mail.step(organisation, server, now())]
        for server, each in outgoing:
            send_out(organisation, server, each)
        with organisation.lock:
            return any(
                not message.stuck
                for server in organisation
                if mail.transport_runs(server)
                for each in server.queues
                if each.empties_by_itself and each.name != "Unreachable"
                for message in each.messages
            )


def send_out(organisation: Organisation, server: Server, waiting: Queue) -> None:
    """Try to send every message of a queue."""
    connector = organisation.send_connector(waiting.NextHopConnector)
    for message in list(waiting.messages):
        if message.stuck:
            continue
        error = "550 5.4.4 The connector is gone"
        if connector is not None:
            error = _send(organisation, server, connector, waiting.NextHopDomain, message)
        if error:
            mail.not_sent(organisation, server, waiting, message, error)
            return
        mail.sent(organisation, server, waiting, message)


def client_certificate(
    organisation: Organisation, server: Server, connector: SendConnector
) -> LoadedCertificate | None:
    """What the connector shows; None where its name finds nothing usable on this server."""
    chosen = selection.best(
        selection.matching(server, connector.TlsCertificateName or ""),
        tie_break=organisation.behavior.certificate_tie_break,
    )
    if chosen is None or "SMTP" not in chosen.Services:
        return None
    return selection.as_loaded(organisation, server, chosen)


def _send(
    organisation: Organisation,
    server: Server,
    connector: SendConnector,
    hop: str,
    message: Message,
) -> str:
    """Send one message; the error as a queue shows it, empty if it was taken."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if connector.TlsCertificateName:
        with organisation.lock:
            loaded = client_certificate(organisation, server, connector)
        if loaded is None or loaded.private_key is None:
            return NO_CERTIFICATE
        load_certificate(context, loaded.certificate, loaded.private_key, loaded.chain)
    peer = next((p for p in organisation.peers if hop.casefold() in (p.domain, p.name)), None)
    if peer is None:
        return "451 4.4.0 DNS query failed. The error was: DNS query failed with error ErrorRetry"
    try:
        with smtplib.SMTP("127.0.0.1", peer.port, timeout=_SECONDS) as client:
            client.ehlo(connector.Fqdn or server.Fqdn)
            if not connector.IgnoreSTARTTLS and client.has_extn("starttls"):
                client.starttls(context=context)
                client.ehlo(connector.Fqdn or server.Fqdn)
            elif connector.RequireTLS:
                return "451 5.7.3 STARTTLS is required to send mail"
            client.send_message(
                _content(message), from_addr=message.Sender, to_addrs=list(message.Recipients)
            )
    except smtplib.SMTPResponseException as error:
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    except smtplib.SMTPRecipientsRefused as error:
        code, reply = next(iter(error.recipients.values()))
        return f"{code} {_text(reply)}"
    except (smtplib.SMTPException, ssl.SSLError):
        return "454 4.7.0 TLS negotiation failed with error UnknownCredentials"
    except OSError:
        return "421 4.4.1 Connection timed out"
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
    with contextlib.suppress(AttributeError):
        return reply.decode("utf-8", "replace")  # type: ignore[union-attr]
    return str(reply)
