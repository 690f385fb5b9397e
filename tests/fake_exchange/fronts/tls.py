# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a loaded certificate become a TLS handshake? One server-side context per certificate
and chain, made when first needed and kept."""

from __future__ import annotations

import threading

from cryptography.hazmat.primitives import serialization

from fake_exchange.organisation.model import LoadedCertificate, Organisation, Server
from fake_exchange.organisation.services import presented
from fake_exchange.wsman.listener import TlsIdentity, TlsSource
from fake_exchange.wsman.tls import tls_identity


class TlsContexts:
    """Makes and keeps the contexts of all ports; thread-safe."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self._lock = threading.Lock()
        self._identities: dict[tuple[bytes, ...], TlsIdentity] = {}

    def source(self, server: Server, port: str) -> TlsSource:
        """What `port` of `server` presents, looked up at every handshake.

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
                self._identities[ders] = tls_identity(
                    loaded.certificate, loaded.private_key, loaded.chain
                )
            return self._identities[ders]
