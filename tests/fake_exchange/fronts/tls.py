# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a loaded certificate become a TLS handshake? One server-side context per certificate
and chain, made when first needed and kept."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
import threading
from collections.abc import Iterator

from cryptography.hazmat.primitives import serialization

from fake_exchange.organisation.model import LoadedCertificate, Organisation, Server
from fake_exchange.organisation.services import presented
from fake_exchange.wsman.listener import TlsIdentity, TlsSource


class TlsContexts:
    """Makes and keeps the contexts of all ports; thread-safe."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self._lock = threading.Lock()
        self._identities: dict[tuple[bytes, ...], TlsIdentity] = {}

    def source(self, server: Server, port: str) -> TlsSource:
        """What `port` of `server` presents, asked anew at every handshake.

        None, and so a failing handshake, where no certificate was found or the one found cannot
        be used.
        """

        def identity() -> TlsIdentity | None:
            loaded = presented(self._organisation, server, port)
            return self.identity(loaded) if loaded is not None else None

        return identity

    def identity(self, loaded: LoadedCertificate) -> TlsIdentity | None:
        """The context for `loaded`; None if a handshake with it must fail."""
        if loaded.failure is not None or loaded.private_key is None:
            return None
        ders = tuple(
            certificate.public_bytes(serialization.Encoding.DER)
            for certificate in (loaded.certificate, *loaded.chain)
        )
        with self._lock:
            if ders not in self._identities:
                self._identities[ders] = TlsIdentity(_context(loaded), ders[0])
            return self._identities[ders]


def _context(loaded: LoadedCertificate) -> ssl.SSLContext:
    assert loaded.private_key is not None
    pem = loaded.private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for certificate in (loaded.certificate, *loaded.chain):
        pem += certificate.public_bytes(serialization.Encoding.PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with _readable_as_file(pem) as path:
        context.load_cert_chain(path)
    return context


@contextlib.contextmanager
def _readable_as_file(content: bytes) -> Iterator[str]:
    """A path under which OpenSSL can read `content`; in memory where the system can do that."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("certificate")
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            yield file.name
