# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How are SOAP messages hidden inside HTTP bodies? The multipart/encrypted form of remote
management, both directions, as Exchange's front end and as WinRM write it."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spnego import ContextProxy

BOUNDARY = "Encrypted Boundary"
SPNEGO = "application/HTTP-SPNEGO-session-encrypted"
KERBEROS = "application/HTTP-Kerberos-session-encrypted"

_BINARY = b"\tContent-Type: application/octet-stream\r\n"
_ENVELOPE = re.compile(
    rb"\A--\s?" + BOUNDARY.encode() + rb"\r\n"
    rb"\s*Content-Type: (?P<protocol>[^\r\n]+)\r\n"
    rb"\s*OriginalContent: type=(?P<type>[^;]+);charset=(?P<charset>[^;]+);"
    rb"Length=(?P<length>\d+)\r\n"
    rb"--\s?" + BOUNDARY.encode() + rb"\r\n" + re.escape(_BINARY)
)
_END = re.compile(rb"--\s?" + BOUNDARY.encode() + rb"--(\r\n)?\Z")


class NotDecryptable(Exception):
    """The body is no encrypted message, or not one of this security context."""


@dataclass(frozen=True)
class MessageEncryption:
    """Encrypts and decrypts with an established security context, strictly in order.

    `boundary_prefix` is `--` for WinRM and `-- ` for Exchange, whose front end writes a blank
    that MIME does not know.
    """

    context: ContextProxy
    protocol: str
    boundary_prefix: str = "--"

    @property
    def content_type(self) -> str:
        return f'multipart/encrypted;protocol="{self.protocol}";boundary="{BOUNDARY}"'

    def decrypt(self, body: bytes) -> bytes:
        """The SOAP message of a request body. Raises `NotDecryptable`."""
        envelope = _ENVELOPE.match(body)
        end = _END.search(body)
        if envelope is None or end is None:
            raise NotDecryptable("not a multipart/encrypted message")
        sealed = body[envelope.end() : end.start()]
        header_length = int(struct.unpack("<i", sealed[:4])[0]) if len(sealed) >= 4 else -1
        if not 0 <= header_length <= len(sealed) - 4:
            raise NotDecryptable("the signature's length is wrong")
        header, data = sealed[4 : 4 + header_length], sealed[4 + header_length :]
        try:
            message: bytes = self.context.unwrap_winrm(header, data)
        except Exception as error:  # Whatever the mechanism raises: it was not for this context.
            raise NotDecryptable(str(error)) from error
        # The length announced may count the padding of a block cipher.
        if not 0 <= int(envelope["length"]) - len(message) <= 16:
            raise NotDecryptable("the message's length is not the one announced")
        return message

    def encrypt(self, message: bytes) -> bytes:
        """The response body that carries `message`."""
        sealed = self.context.wrap_winrm(message)
        line = f"{self.boundary_prefix}{BOUNDARY}"
        length = len(message) + sealed.padding_length
        head = (
            f"{line}\r\n\tContent-Type: {self.protocol}\r\n"
            f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={length}\r\n"
            f"{line}\r\n"
        ).encode()
        signature = struct.pack("<i", len(sealed.header)) + sealed.header
        return b"".join((head, _BINARY, signature, sealed.data, f"{line}--\r\n".encode()))


def is_encrypted(content_type: str | None) -> bool:
    """Whether a request's Content-Type announces an encrypted message."""
    return (content_type or "").lower().startswith("multipart/encrypted")
