# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a plain-text mail dialogue get to the point where TLS begins?

SMTP, IMAP and POP3 up to the "go ahead" of STARTTLS, over a socket, with a time limit for every
answer and a size limit for all of them: the peer is whoever answers on that port.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import TlsProbeFailed

_LONGEST_LINE = 8 * 1024
_LONGEST_DIALOGUE = 128 * 1024


class PortUnreachable(TlsProbeFailed):
    """Nobody listens there, the name does not resolve, or the way there is closed."""


class PortTimedOut(TlsProbeFailed):
    """No connection, or no complete answer, within the time limit."""


class StartTlsNotOffered(TlsProbeFailed):
    """The peer speaks the protocol but does not offer to switch to TLS."""


class UnexpectedAnswer(TlsProbeFailed):
    """The peer speaks something else, or refuses."""


class TlsHandshakeFailed(TlsProbeFailed):
    """The TLS handshake did not succeed."""


@dataclass(frozen=True)
class Greeting:
    """What a peer said before TLS: its banner and what it offers, one entry per capability."""

    banner: str | None = None
    capabilities: tuple[str, ...] = ()


class PlainConnection:
    """A TCP connection that is read line by line, each answer within ``timeout`` seconds."""

    def __init__(self, host: str, port: int, *, timeout: float) -> None:
        self.peer = f"{host}:{port}"
        self.timeout = timeout
        self._buffer = b""
        self._received = 0
        try:
            self.socket = socket.create_connection((host, port), timeout=timeout)
        except TimeoutError as error:
            raise PortTimedOut(
                f"{self.peer} does not answer within {timeout:g} seconds: check the address, "
                "firewalls, and whether the server is up."
            ) from error
        except ConnectionRefusedError as error:
            raise PortUnreachable(
                f"{self.peer} refuses the connection: the service behind this port is not running "
                "or listens elsewhere."
            ) from error
        except socket.gaierror as error:
            raise PortUnreachable(
                f"The name '{host}' cannot be resolved: {error.strerror}."
            ) from error
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise PortUnreachable(f"{self.peer} cannot be reached: {reason}.") from error

    def close(self) -> None:
        """Close the connection; may be called twice."""
        self.socket.close()

    def send_line(self, line: str) -> None:
        """Send one command."""
        try:
            self.socket.settimeout(self.timeout)
            self.socket.sendall(line.encode("ascii", errors="replace") + b"\r\n")
        except OSError as error:
            raise UnexpectedAnswer(f"{self.peer} closed the connection before TLS.") from error

    def read_answer(self, is_last: Callable[[str], bool]) -> list[str]:
        """Return lines up to and with the one that ends the answer."""
        limit = time.monotonic() + self.timeout
        lines = [self._read_line(limit)]
        while not is_last(lines[-1]):
            lines.append(self._read_line(limit))
        return lines

    def refuse_leftovers(self) -> None:
        """Refuse text that came in clear behind the go-ahead: somebody may have injected it."""
        if self._buffer:
            raise UnexpectedAnswer(
                f"{self.peer} sent more in clear after it agreed to TLS. Something between here "
                "and the server meddles with the connection."
            )

    def _read_line(self, limit: float) -> str:
        while b"\n" not in self._buffer:
            if len(self._buffer) > _LONGEST_LINE or self._received > _LONGEST_DIALOGUE:
                raise UnexpectedAnswer(f"{self.peer} sends more than this protocol ever would.")
            self._buffer += self._receive(limit)
        line, _newline, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", errors="replace")

    def _receive(self, limit: float) -> bytes:
        remaining = limit - time.monotonic()
        try:
            if remaining <= 0:
                raise TimeoutError
            self.socket.settimeout(remaining)
            data = self.socket.recv(4096)
        except TimeoutError as error:
            raise PortTimedOut(
                f"{self.peer} accepted the connection but gave no answer within {self.timeout:g} "
                "seconds: the service hangs, delays strangers, or expects TLS from the first byte."
            ) from error
        except OSError as error:
            raise UnexpectedAnswer(f"{self.peer} closed the connection before TLS.") from error
        if not data:
            raise UnexpectedAnswer(
                f"{self.peer} closed the connection before TLS: it may refuse this address, or "
                "expect TLS from the first byte."
            )
        self._received += len(data)
        return data


def start_smtp(connection: PlainConnection, *, ehlo_name: str) -> Greeting:
    """Greet an SMTP server and ask it for TLS (RFC 3207)."""
    banner = _smtp_answer(connection, "220", "its greeting")
    connection.send_line(f"EHLO {ehlo_name}")
    offered = tuple(line[4:].strip() for line in _smtp_answer(connection, "250", "EHLO")[1:])
    if "STARTTLS" not in (capability.upper() for capability in offered):
        raise StartTlsNotOffered(
            f"{connection.peer} does not offer STARTTLS. On Exchange that means: the connector's "
            "AuthMechanism lacks Tls, or its TlsCertificateName matches no certificate that is "
            "enabled for SMTP (event 12014).",
            details={"banner": banner[0], "capabilities": list(offered)},
        )
    connection.send_line("STARTTLS")
    _smtp_answer(connection, "220", "STARTTLS")
    connection.refuse_leftovers()
    return Greeting(banner[0], offered)


def start_imap(connection: PlainConnection) -> Greeting:
    """Greet an IMAP server and ask it for TLS (RFC 9051)."""
    banner = connection.read_answer(lambda line: True)[0]
    if not banner.startswith("* OK"):
        raise UnexpectedAnswer(f"{connection.peer} does not greet as an IMAP server: '{banner}'.")
    lines = _imap_answer(connection, "A1", "CAPABILITY")
    offered = tuple(
        word
        for line in lines
        if line.upper().startswith("* CAPABILITY ")
        for word in line.split()[2:]
    )
    if "STARTTLS" not in (capability.upper() for capability in offered):
        raise _not_offered(connection, "STARTTLS", banner, offered)
    if not _imap_answer(connection, "A2", "STARTTLS")[-1].upper().startswith("A2 OK"):
        raise UnexpectedAnswer(f"{connection.peer} offers STARTTLS and then refuses it.")
    connection.refuse_leftovers()
    return Greeting(banner, offered)


def start_pop3(connection: PlainConnection) -> Greeting:
    """Greet a POP3 server and ask it for TLS (RFC 2595)."""
    banner = connection.read_answer(lambda line: True)[0]
    if not banner.startswith("+OK"):
        raise UnexpectedAnswer(f"{connection.peer} does not greet as a POP3 server: '{banner}'.")
    connection.send_line("CAPA")
    offered: tuple[str, ...] = ()
    lines = connection.read_answer(lambda line: line == "." or line.startswith("-ERR"))
    if lines[0].startswith("+OK"):
        offered = tuple(line.strip() for line in lines[1:-1])
        if "STLS" not in (capability.upper() for capability in offered):
            raise _not_offered(connection, "STLS", banner, offered)
    connection.send_line("STLS")
    if not connection.read_answer(lambda line: True)[0].startswith("+OK"):
        raise _not_offered(connection, "STLS", banner, offered)
    connection.refuse_leftovers()
    return Greeting(banner, offered)


def _smtp_answer(connection: PlainConnection, expected: str, asked: str) -> list[str]:
    lines = connection.read_answer(lambda line: line[3:4] != "-")
    if not lines[-1].startswith(expected):
        raise UnexpectedAnswer(
            f"{connection.peer} answered '{lines[-1]}' to {asked} where {expected} was expected: "
            "the service is busy, paused, or refuses this address."
            if asked != "its greeting"
            else f"{connection.peer} greets with '{lines[-1]}' where 220 was expected: the service "
            "is starting, paused, refuses this address, or is no SMTP server."
        )
    return lines


def _imap_answer(connection: PlainConnection, tag: str, command: str) -> list[str]:
    connection.send_line(f"{tag} {command}")
    return connection.read_answer(lambda line: line.startswith(f"{tag} "))


def _not_offered(
    connection: PlainConnection, command: str, banner: str, offered: tuple[str, ...]
) -> StartTlsNotOffered:
    return StartTlsNotOffered(
        f"{connection.peer} does not offer {command}. On Exchange that means: the service has no "
        "usable certificate, or its LoginType does not ask for secure logins.",
        details={"banner": banner, "capabilities": list(offered)},
    )
