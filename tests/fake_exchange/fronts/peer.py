# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a mail server outside answer? STARTTLS that asks for a client certificate, checks it
against its roots, and remembers which one it was shown."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from fake_exchange.fronts.lines import Lines
from fake_exchange.organisation.model import Organisation, Peer, Received
from fake_exchange.wsman.listener import Connection, ListenerHub, TlsIdentity
from fake_exchange.wsman.tls import load_certificate


def open_peers(organisation: Organisation, hub: ListenerHub) -> None:
    """Listen for all of them."""
    for peer in organisation.peers:
        front = PeerFront(organisation, peer)
        peer.port = hub.add(f"peer {peer.name}", front, port=peer.port).port


@dataclass(eq=False)
class PeerFront:
    """The port of one peer, as a connection handler."""

    organisation: Organisation
    peer: Peer

    def __call__(self, connection: Connection) -> None:
        _Dialogue(self, connection).run()

    def identity(self) -> TlsIdentity:
        """A context that asks for the client's certificate and breaks off at a bad one."""
        own = self.peer.certificate
        assert own.private_key is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_certificate(context, own.certificate, own.private_key, own.chain)
        roots = "".join(c.public_bytes(Encoding.PEM).decode() for c in self.peer.trusted_roots)
        if roots:
            context.load_verify_locations(cadata=roots)
            context.verify_mode = ssl.CERT_OPTIONAL
        return TlsIdentity(context, own.certificate.public_bytes(Encoding.DER))


@dataclass(eq=False)
class _Dialogue:
    front: PeerFront
    connection: Connection
    lines: Lines = field(init=False)
    shown: str | None = None
    secure: bool = False
    sender: str = ""
    recipients: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = Lines(self.connection)

    def run(self) -> None:
        name = self.front.peer.domain
        self.lines.write(f"220 {name} ESMTP")
        while (line := self.lines.read()) is not None:
            verb, _, argument = line.strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    offered = [name, *([] if self.secure else ["STARTTLS"])]
                    self.lines.write(*(f"250-{word}" for word in offered), "250 SIZE 37748736")
                case "STARTTLS":
                    self.lines.write("220 Ready to start TLS")
                    if not self._start_tls():
                        return
                case "MAIL":
                    self._mail(argument)
                case "RCPT":
                    self.recipients.append(_address(argument))
                    self.lines.write("250 2.1.5 OK")
                case "DATA":
                    if not self._data():
                        return
                case "QUIT":
                    self.lines.write("221 2.0.0 Bye")
                    return
                case _:
                    self.lines.write("250 2.0.0 OK")

    def _start_tls(self) -> bool:
        if not self.lines.start_tls(self.front.identity):
            return False
        self.secure = True
        presented = self.connection.socket.getpeercert(binary_form=True)  # type: ignore[attr-defined]
        if presented:
            certificate = x509.load_der_x509_certificate(presented)
            self.shown = certificate.fingerprint(hashes.SHA1()).hex().upper()
        return True

    def _mail(self, argument: str) -> None:
        if self.front.peer.require_client_certificate and self.shown is None:
            self.lines.write("530 5.7.0 A client certificate is required")
            return
        self.sender, self.recipients = _address(argument), []
        self.lines.write("250 2.1.0 OK")

    def _data(self) -> bool:
        if not self.recipients:
            self.lines.write("503 5.5.2 Need rcpt command")
            return True
        self.lines.write("354 Go ahead")
        message_id = ""
        while (line := self.lines.read()) != ".":
            if line is None:
                return False
            if line.lower().startswith("message-id:"):
                message_id = line.partition(":")[2].strip()
        organisation = self.front.organisation
        with organisation.lock:
            organisation.mail.received_by_peers.append(
                Received(
                    self.front.peer.name,
                    message_id,
                    self.sender,
                    tuple(self.recipients),
                    self.secure,
                    self.shown,
                )
            )
        self.lines.write("250 2.0.0 OK")
        return True


def _address(argument: str) -> str:
    return argument.partition(":")[2].strip().lstrip("<").partition(">")[0]
