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
from fake_exchange.fronts.messages import address, read_content
from fake_exchange.organisation import tls_names
from fake_exchange.organisation.model import Organisation, Peer, Received
from fake_exchange.wsman.listener import Connection, Listener, ListenerHub, TlsIdentity
from fake_exchange.wsman.tls import load_certificate


class Peers:
    """The ports of all peers; `open` fills every `Peer.port`."""

    def __init__(self, organisation: Organisation, hub: ListenerHub) -> None:
        self._organisation = organisation
        self._hub = hub
        self._listeners: dict[str, Listener] = {}

    def open(self) -> None:
        """Listen for all of them. Raises OSError if a port that the file fixes is taken."""
        for peer in self._organisation.peers:
            front = PeerFront(self._organisation, peer)
            try:
                listener = self._hub.add(f"peer {peer.name}", front, port=peer.port)
            except OSError as error:
                where = f"peer {peer.name}: 127.0.0.1:{peer.port}"
                raise OSError(error.errno, f"{where}: {error.strerror}") from None
            peer.port = listener.port
            self._listeners[peer.name] = listener

    def hold_closed(self, name: str, *, closed: bool) -> None:
        """Let a peer refuse connections, or end that. Raises KeyError for a name that none has."""
        listener = self._listeners[name.casefold()]
        if closed:
            listener.close()
        else:
            listener.open()


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
    shown: x509.Certificate | None = None
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
                    self.recipients.append(address(argument))
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
        self.shown = x509.load_der_x509_certificate(presented) if presented else None
        return True

    def _mail(self, argument: str) -> None:
        refusal = self._refusal()
        if refusal is None:
            self.sender, self.recipients = address(argument), []
        self.lines.write(refusal or "250 2.1.0 OK")

    def _refusal(self) -> str | None:
        """Why this client may not send; a certificate of an unknown root ended the handshake."""
        peer, shown = self.front.peer, self.shown
        if shown is None:
            if not peer.require_client_certificate:
                return None
            return "530 5.7.0 A client certificate is required"
        if peer.client_names and not any(tls_names.covers(shown, n) for n in peer.client_names):
            return "454 4.7.5 Certificate validation failure, Reason:SubjectMismatch"
        return None

    def _data(self) -> bool:
        if not self.recipients:
            self.lines.write("503 5.5.2 Need rcpt command")
            return True
        self.lines.write("354 Go ahead")
        content = read_content(self.lines)
        if content is None:
            return False
        shown = self.shown
        received = Received(
            self.front.peer.name,
            content.header("message-id"),
            self.sender,
            tuple(self.recipients),
            self.secure,
            shown.fingerprint(hashes.SHA1()).hex().upper() if shown is not None else None,
        )
        organisation = self.front.organisation
        with organisation.lock:
            organisation.mail.received_by_peers.append(received)
        self.recipients = []
        self.lines.write("250 2.0.0 OK")
        return True
