# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a Receive connector say? Banner, EHLO capabilities, STARTTLS with the certificate the
transport service has loaded, and just enough of the rest to hand in a message."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import format_datetime

from fake_exchange.fronts.lines import Lines
from fake_exchange.fronts.messages import Content, address, read_content
from fake_exchange.fronts.tls import TlsContexts
from fake_exchange.organisation import connector_permissions, mail, routing, services
from fake_exchange.organisation.model import Organisation, ReceiveConnector, Server
from fake_exchange.wsman.listener import Connection

DEFAULT_SIZE = 37_748_736
#: EHLO keyword -> setting of the Receive connector that switches it off.
_EXTENSIONS = {
    "PIPELINING": "PipeliningEnabled",
    "DSN": "DeliveryStatusNotificationEnabled",
    "ENHANCEDSTATUSCODES": "EnhancedStatusCodesEnabled",
}
_MIME_EXTENSIONS = {
    "8BITMIME": "EightBitMimeEnabled",
    "BINARYMIME": "BinaryMimeEnabled",
    "CHUNKING": "ChunkingEnabled",
    "SMTPUTF8": "SmtpUtf8Enabled",
}


@dataclass(eq=False)
class SmtpFront:
    """The port `smtp` or `submission` of one server, as a connection handler."""

    organisation: Organisation
    server: Server
    port: str
    contexts: TlsContexts

    def __call__(self, connection: Connection) -> None:
        connector = services.connector_of_port(self.server, self.port)
        if connector is not None:
            _Session(self, connector, connection).run()


@dataclass(eq=False)
class _Session:
    front: SmtpFront
    connector: ReceiveConnector
    connection: Connection
    lines: Lines = field(init=False)
    secure: bool = False
    greeted: bool = False
    authenticated: bool = False
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = Lines(self.connection)

    @property
    def host_name(self) -> str:
        return self.connector.Fqdn or self.front.server.Fqdn

    def run(self) -> None:
        if self._inactive():
            self.lines.write("421 4.3.2 Service not active")
            return
        ready = format_datetime(datetime.now(timezone.utc))
        banner = self.connector.Banner or (
            f"220 {self.host_name} Microsoft ESMTP MAIL Service ready at {ready}"
        )
        self.lines.write(banner)
        while (line := self.lines.read()) is not None:
            verb, _, argument = line.strip().partition(" ")
            answer = self._verbs().get(verb.upper())
            if answer is None:
                self.lines.write("500 5.3.3 Unrecognized command 'unknown'")
            elif not answer(argument.strip()):
                return

    def _inactive(self) -> bool:
        role = "FrontendTransport" if self.connector.TransportRole != "HubTransport" else None
        components = ("ServerWideOffline", role or "HubTransport")
        states = self.front.server.component_states
        return any(states[name].State == "Inactive" for name in components if name in states)

    def _verbs(self) -> dict[str, Callable[[str], bool]]:
        return {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "STARTTLS": self._starttls,
            "X-ANONYMOUSTLS": self._anonymous_tls,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "AUTH": self._auth,
            "NOOP": lambda _: self._say("250 2.0.0 OK"),
            "RSET": self._rset,
            "QUIT": self._quit,
        }

    def _say(self, *lines: str) -> bool:
        self.lines.write(*lines)
        return True

    def capabilities(self) -> list[str]:
        """EHLO keywords that follow from the connector's settings and the state of TLS."""
        mechanisms = self.connector.AuthMechanism
        found = [*self._size(), *self._extensions(_EXTENSIONS)]
        if not self.secure and self._offers_starttls():
            found.append("STARTTLS")
        if "ExchangeServer" in mechanisms:
            if not self.secure and not self.connector.SuppressXAnonymousTls:
                found.append("X-ANONYMOUSTLS")
            found.append("X-EXPS GSSAPI NTLM")
        logins = ["GSSAPI", "NTLM"] if "Integrated" in mechanisms else []
        if self._offers_login():
            logins.append("LOGIN")
        if logins:
            found.append("AUTH " + " ".join(logins))
        return [*found, *self._extensions(_MIME_EXTENSIONS)]

    def _size(self) -> list[str]:
        settings = self.connector.other
        mode = settings.get("SizeEnabled", "Enabled")
        if mode == "Disabled":
            return []
        limit = settings.get("MaxMessageSize", DEFAULT_SIZE)
        return [f"SIZE {limit}" if mode == "Enabled" else "SIZE"]

    def _extensions(self, keywords: dict[str, str]) -> list[str]:
        settings = self.connector.other
        return [word for word, setting in keywords.items() if settings.get(setting, True)]

    def _offers_starttls(self) -> bool:
        """Only with Tls among the mechanisms and a certificate found at all."""
        if "Tls" not in self.connector.AuthMechanism:
            return False
        front = self.front
        return services.presented(front.organisation, front.server, front.port) is not None

    def _ehlo(self, argument: str) -> bool:
        self.greeted = True
        words = [f"{self.host_name} Hello [{self.connection.peer[0]}]", *self.capabilities()]
        last = len(words) - 1
        return self._say(*(f"250{' ' if n == last else '-'}{w}" for n, w in enumerate(words)))

    def _helo(self, argument: str) -> bool:
        self.greeted = True
        return self._say(f"250 {self.host_name} Hello [{self.connection.peer[0]}]")

    def _starttls(self, argument: str) -> bool:
        if self.secure or not self._offers_starttls():
            return self._say("500 5.3.3 Unrecognized command 'STARTTLS'")
        if argument:
            return self._say("501 5.5.4 Invalid arguments")
        front = self.front
        return self._handshake(front.port)

    def _anonymous_tls(self, argument: str) -> bool:
        if self.secure or "ExchangeServer" not in self.connector.AuthMechanism:
            return self._say("500 5.3.3 Unrecognized command 'X-ANONYMOUSTLS'")
        return self._handshake(services.ANONYMOUS_TLS)

    def _handshake(self, port: str) -> bool:
        """False ends the connection: the handshake failed."""
        front = self.front
        self._say("220 2.0.0 SMTP server ready")
        if not self.lines.start_tls(front.contexts.source(front.server, port)):
            return False
        front.organisation.counters.add(front.server.Name, "handshakes", key=front.port)
        self.secure, self.greeted = True, False
        return True

    def _auth(self, argument: str) -> bool:
        if self.connector.RequireTLS and not self.secure:
            return self._say("530 5.7.0 Must issue a STARTTLS command first")
        if not self.greeted:
            return self._say("503 5.5.2 Send hello first")
        if self.authenticated:
            return self._say("503 5.5.2 Already authenticated")
        method, _, initial = argument.partition(" ")
        if method.upper() != "LOGIN" or not self._offers_login():
            return self._say("504 5.7.4 Unrecognized authentication type")
        return self._log_in(initial)

    def _offers_login(self) -> bool:
        mechanisms = self.connector.AuthMechanism
        return "BasicAuth" in mechanisms and (
            self.secure or "BasicAuthRequireTLS" not in mechanisms
        )

    def _log_in(self, initial: str) -> bool:
        """AUTH LOGIN: user and password, each as base64 of its own."""
        answers = [initial] if initial else []
        for prompt in ("VXNlcm5hbWU6", "UGFzc3dvcmQ6")[len(answers) :]:
            self.lines.write(f"334 {prompt}")
            line = self.lines.read()
            if line is None:
                return False
            if line.strip() == "*":
                return self._say("501 5.5.4 Authentication was broken off")
            answers.append(line.strip())
        try:
            user, password = (base64.b64decode(text, validate=True) for text in answers)
            account = self.front.organisation.account(user.decode("utf-8"))
        except ValueError:
            return self._say("501 5.5.4 Cannot decode the answer")
        if account is None or not hmac.compare_digest(account.password.encode(), password):
            return self._say("535 5.7.3 Authentication unsuccessful")
        self.authenticated = True
        return self._say("235 2.7.0 Authentication successful")

    def _mail(self, argument: str) -> bool:
        if not self.greeted:
            return self._say("503 5.5.2 Send hello first")
        if self.connector.RequireTLS and not self.secure:
            return self._say("530 5.7.0 Must issue a STARTTLS command first")
        if not self.authenticated and not self._anyone_may(connector_permissions.SUBMIT):
            return self._say("530 5.7.57 Client not authenticated to send mail")
        self.sender, self.recipients = address(argument), []
        return self._say("250 2.1.0 Sender OK")

    def _anyone_may(self, right: str) -> bool:
        anonymous = connector_permissions.ANONYMOUS
        organisation = self.front.organisation
        return connector_permissions.may(organisation, self.connector, anonymous, right)

    def _rcpt(self, argument: str) -> bool:
        if self.sender is None:
            return self._say("503 5.5.2 Need mail command")
        recipient = address(argument)
        known = routing.is_accepted(self.front.organisation, recipient)
        relays = self.authenticated or self._anyone_may(connector_permissions.ANY_RECIPIENT)
        if not known and not relays:
            return self._say("550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain")
        self.recipients.append(recipient)
        return self._say("250 2.1.5 Recipient OK")

    def _data(self, argument: str) -> bool:
        if not self.recipients:
            return self._say("503 5.5.2 Need rcpt command")
        self._say("354 Start mail input; end with <CRLF>.<CRLF>")
        content = read_content(self.lines)
        if content is None:
            return False
        answer = self._hand_over(content)
        self.sender, self.recipients = None, []
        return self._say(answer or "451 4.7.0 Temporary server error. Please try again later. PRX4")

    def _hand_over(self, content: Content) -> str | None:
        """Proxy the message to a transport service that takes new ones; None if there is none."""
        front = self.front
        own = self.connector.Identity
        # A server that begins to drain meanwhile gets no more messages after that.
        with front.organisation.lock:
            hub = mail.hub_for(front.organisation, front.server)
            if hub is None:
                return None
            message = mail.accept(
                front.organisation,
                hub,
                message_id=content.header("message-id") or None,
                sender=self.sender or "",
                recipients=self.recipients,
                subject=content.header("subject"),
                size=content.size,
                connector=own if hub is front.server else f"{hub.Name}\\Default {hub.Name}",
            )
        internal = f"[InternalId={message.number}, Hostname={hub.Fqdn}]"
        return f"250 2.6.0 {message.MessageId} {internal} Queued mail for delivery"

    def _rset(self, argument: str) -> bool:
        self.sender, self.recipients = None, []
        return self._say("250 2.0.0 Resetting")

    def _quit(self, argument: str) -> bool:
        self._say("221 2.0.0 Service closing transmission channel")
        return False
