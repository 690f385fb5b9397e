# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do the IMAP and POP ports say? Greeting, capabilities, STARTTLS or STLS, goodbye; nobody
can log on."""

from __future__ import annotations

from dataclasses import dataclass

from fake_exchange.fronts.lines import Lines
from fake_exchange.fronts.tls import TlsContexts
from fake_exchange.organisation import services
from fake_exchange.organisation.model import Organisation, Server
from fake_exchange.wsman.listener import Connection


@dataclass(eq=False)
class MailAccessFront:
    """One of the ports `imap`, `imaps`, `pop3`, `pop3s` of one server, as a connection handler."""

    organisation: Organisation
    server: Server
    port: str
    contexts: TlsContexts

    def __call__(self, connection: Connection) -> None:
        secure = self.port.endswith("s")
        if self.port.startswith("imap"):
            self._imap(Lines(connection), secure=secure)
        else:
            self._pop3(Lines(connection), secure=secure)

    def _starttls(self, lines: Lines) -> bool:
        done = lines.start_tls(self.contexts.source(self.server, self.port))
        if done:
            self.organisation.counters.add(self.server.Name, "handshakes", key=self.port)
        return done

    def _offers_tls(self) -> bool:
        return services.presented(self.organisation, self.server, self.port) is not None

    def _imap(self, lines: Lines, *, secure: bool) -> None:
        lines.write("* OK The Microsoft Exchange IMAP4 service is ready.")
        while (line := lines.read()) is not None:
            tag, _, rest = line.partition(" ")
            command = rest.strip().upper()
            if command == "CAPABILITY":
                offer = " STARTTLS LOGINDISABLED" if not secure and self._offers_tls() else ""
                lines.write(
                    f"* CAPABILITY IMAP4 IMAP4rev1{offer} UIDPLUS ID CHILDREN IDLE NAMESPACE",
                    f"{tag} OK CAPABILITY completed.",
                )
            elif command == "STARTTLS" and not secure and self._offers_tls():
                lines.write(f"{tag} OK Begin TLS negotiation now.")
                if not self._starttls(lines):
                    return
                secure = True
            elif command == "NOOP":
                lines.write(f"{tag} OK NOOP completed.")
            elif command == "LOGOUT":
                lines.write(
                    "* BYE Microsoft Exchange Server IMAP4 server signing off.",
                    f"{tag} OK LOGOUT completed.",
                )
                return
            else:
                lines.write(f"{tag} BAD Command Error. 10")

    def _pop3(self, lines: Lines, *, secure: bool) -> None:
        lines.write("+OK The Microsoft Exchange POP3 service is ready.")
        while (line := lines.read()) is not None:
            command = line.strip().upper()
            if command == "CAPA":
                offer = ["STLS"] if not secure and self._offers_tls() else []
                lines.write("+OK", "TOP", "UIDL", *offer, ".")
            elif command == "STLS" and not secure and self._offers_tls():
                lines.write("+OK Begin TLS negotiation.")
                if not self._starttls(lines):
                    return
                secure = True
            elif command == "NOOP":
                lines.write("+OK")
            elif command == "QUIT":
                lines.write("+OK Microsoft Exchange Server POP3 server signing off.")
                return
            else:
                lines.write("-ERR Command is not valid in this state.")
