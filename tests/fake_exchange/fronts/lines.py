# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do line protocols (SMTP, IMAP, POP) read and write on a connection?"""

from __future__ import annotations

from fake_exchange.wsman.listener import Connection, TlsSource

LONGEST_LINE = 4096


class Lines:
    """CRLF lines over a connection that may switch to TLS in between."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._buffer = b""

    def read(self) -> str | None:
        """The next line without its end; None at the end of the connection or if it is too long."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > LONGEST_LINE:
                return None
            data = self._connection.socket.recv(4096)
            if not data:
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def write(self, *lines: str) -> None:
        self._connection.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def start_tls(self, source: TlsSource) -> bool:
        """Handshake; what was sent in the clear beyond the command is thrown away."""
        self._buffer = b""
        return self._connection.start_tls(source)
