# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate does a port present? Asked with the standard library alone, so that this is a
second opinion beside the collection's own probe."""

from __future__ import annotations

import hashlib
import smtplib
import socket
import ssl

TIMEOUT = 10.0


def thumbprint(address: str, port: int, *, starttls: bool, name: str) -> str | None:
    """SHA-1 of the presented certificate in upper case, or None when there is no answer."""
    found = certificate(address, port, starttls=starttls, name=name)
    return None if found is None else hashlib.sha1(found, usedforsecurity=False).hexdigest().upper()


def certificate(address: str, port: int, *, starttls: bool, name: str) -> bytes | None:
    """The presented certificate (DER), or None when there is no answer."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        if starttls:
            return _after_starttls(address, port, context)
        with (
            socket.create_connection((address, port), timeout=TIMEOUT) as plain,
            context.wrap_socket(plain, server_hostname=name) as encrypted,
        ):
            return _certificate(encrypted)
    except (OSError, smtplib.SMTPException):
        return None


def _after_starttls(address: str, port: int, context: ssl.SSLContext) -> bytes:
    with smtplib.SMTP(address, port, local_hostname="demo.test", timeout=TIMEOUT) as client:
        client.starttls(context=context)
        assert isinstance(client.sock, ssl.SSLSocket)
        return _certificate(client.sock)


def _certificate(encrypted: ssl.SSLSocket) -> bytes:
    found = encrypted.getpeercert(binary_form=True)
    assert found is not None
    return found
