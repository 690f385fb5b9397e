# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate, chain, TLS version and cipher does a mail or web port really present?

A peer's view: connect, speak the protocol up to TLS, shake hands with all checks off so that even
a bad chain is seen, and judge it afterwards. No credentials, no session with Exchange or Windows.
"""

from __future__ import annotations

import ipaddress
import select
import socket
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    MissingLibrary,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.chain_verdict import (
    ChainVerdict,
    find_authorities,
    judge_chain,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.starttls_dialogue import (
    Greeting,
    PlainConnection,
    PortTimedOut,
    TlsHandshakeFailed,
    start_imap,
    start_pop3,
    start_smtp,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_facts import (
    CertificateFacts,
    read_certificate_facts,
)

if TYPE_CHECKING:
    from OpenSSL import SSL

DEFAULT_PORTS = {
    "smtp": 25,
    "smtps": 465,
    "https": 443,
    "imap": 143,
    "imaps": 993,
    "pop3": 110,
    "pop3s": 995,
}
PROTOCOLS = (*DEFAULT_PORTS, "tls")

_TLS_1_0 = 0x0301


@dataclass(frozen=True, kw_only=True)
class TlsProbeResult:
    """What a port presented; the chain as DER, the port's own certificate first."""

    host: str
    port: int
    protocol: str
    server_name: str | None
    chain: tuple[bytes, ...]
    verdict: ChainVerdict
    tls_version: str
    cipher: str
    banner: str | None
    capabilities: tuple[str, ...]

    @property
    def certificate(self) -> CertificateFacts:
        """The port's own certificate."""
        return read_certificate_facts(self.chain[0])

    @property
    def complete(self) -> bool:
        """Whether a path to a root can be built from what was presented and the trusted roots."""
        return self.verdict.complete

    @property
    def trusted(self) -> bool:
        """Whether OpenSSL trusts the chain."""
        return self.verdict.trusted

    def to_result(self, now: datetime) -> dict[str, Any]:
        """Return the JSON-safe form that exchange_tls_probe documents under RETURN."""
        leaf = self.certificate
        return {
            "certificate": {
                "thumbprint": leaf.thumbprint,
                "subject": leaf.subject,
                "issuer": leaf.issuer,
                "dns_names": leaf.dns_names,
                "not_before": _iso(leaf.not_before),
                "not_after": _iso(leaf.not_after),
                "days_left": (leaf.not_after - now).days,
            },
            "chain": [
                {"thumbprint": item.thumbprint, "subject": item.subject, "issuer": item.issuer}
                for item in map(read_certificate_facts, self.chain)
            ],
            "complete": self.complete,
            "trusted": self.trusted,
            "trust_problem": self.verdict.trust_problem,
            "tls_version": self.tls_version,
            "cipher": self.cipher,
            "banner": self.banner,
            "capabilities": list(self.capabilities),
        }


def probe(
    host: str,
    port: int,
    protocol: str,
    *,
    server_name: str | None = None,
    ca_file: str | None = None,
    timeout: float = 10,
    ehlo_name: str | None = None,
) -> TlsProbeResult:
    """Examine one port.

    Args:
        protocol: one of PROTOCOLS.
        server_name: asked for in the handshake (SNI); the host if left out, unless an address.
        ca_file: PEM file of trusted authorities; the system's if left out.
        timeout: seconds for connecting, for each answer, and for the handshake.
        ehlo_name: given in EHLO; this machine's name if left out.

    Raises:
        InvalidInput: an unknown protocol, an unusable CA file.
        MissingLibrary: pyOpenSSL is missing.
        TlsProbeFailed: PortUnreachable, PortTimedOut, StartTlsNotOffered, UnexpectedAnswer or
            TlsHandshakeFailed, with a sentence.
    """
    if protocol not in PROTOCOLS:
        raise InvalidInput(f"'{protocol}' is not a protocol to probe: {', '.join(PROTOCOLS)}.")
    authorities = find_authorities(ca_file)
    asked_name = server_name or (None if _is_address(host) else host)
    connection = PlainConnection(host, port, timeout=timeout)
    try:
        greeting = _reach_tls(connection, protocol, ehlo_name or socket.gethostname())
        tls = _shake_hands(connection, asked_name)
        chain = _presented_chain(tls, connection.peer)
        version, cipher = tls.get_protocol_version_name(), tls.get_cipher_name() or ""
        _say_goodbye(tls)
    finally:
        connection.close()
    try:
        verdict = judge_chain(chain, authorities)
        read_certificate_facts(chain[0])
    except ValueError as error:
        raise TlsHandshakeFailed(
            f"{connection.peer} presents a certificate that cannot be read: {error}."
        ) from error
    return TlsProbeResult(
        host=host,
        port=port,
        protocol=protocol,
        server_name=asked_name,
        chain=chain,
        verdict=verdict,
        tls_version=version,
        cipher=cipher,
        banner=greeting.banner,
        capabilities=greeting.capabilities,
    )


def _reach_tls(connection: PlainConnection, protocol: str, ehlo_name: str) -> Greeting:
    if protocol == "smtp":
        return start_smtp(connection, ehlo_name=ehlo_name)
    if protocol == "imap":
        return start_imap(connection)
    if protocol == "pop3":
        return start_pop3(connection)
    return Greeting()


def _shake_hands(connection: PlainConnection, server_name: str | None) -> SSL.Connection:
    """Shake hands with all checks off, down to old versions and weak keys: this is to look."""
    try:
        from OpenSSL import SSL
    except ImportError as error:
        raise MissingLibrary.named("OpenSSL") from error
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_min_proto_version(_TLS_1_0)
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    connection.socket.setblocking(False)
    tls = SSL.Connection(context, connection.socket)
    if server_name:
        tls.set_tlsext_host_name(_encoded_name(server_name))
    tls.set_connect_state()
    limit = time.monotonic() + connection.timeout
    while True:
        try:
            tls.do_handshake()
            return tls
        except SSL.WantReadError:
            _wait(connection, limit, writing=False)
        except SSL.WantWriteError:
            _wait(connection, limit, writing=True)
        except (SSL.Error, OSError) as error:
            raise TlsHandshakeFailed(
                f"The TLS handshake with {connection.peer} failed: {_reason(error)}. The service "
                "may have no usable certificate or key, or expect another protocol on this port."
            ) from error


def _wait(connection: PlainConnection, limit: float, *, writing: bool) -> None:
    sockets = [connection.socket]
    remaining = max(limit - time.monotonic(), 0)
    ready = select.select([] if writing else sockets, sockets if writing else [], [], remaining)
    if not any(ready):
        raise PortTimedOut(
            f"{connection.peer} did not finish the TLS handshake within {connection.timeout:g} "
            "seconds: the service hangs, or speaks in clear on this port."
        )


def _presented_chain(tls: SSL.Connection, peer: str) -> tuple[bytes, ...]:
    from OpenSSL import crypto

    presented = tls.get_peer_cert_chain()
    if not presented:
        raise TlsHandshakeFailed(f"{peer} presented no certificate.")
    return tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, item) for item in presented)


def _say_goodbye(tls: SSL.Connection) -> None:
    from OpenSSL import SSL

    try:
        tls.shutdown()
    except (SSL.Error, OSError):
        pass  # everything has been read; how the peer takes the end does not matter


def _reason(error: Exception) -> str:
    """Return OpenSSL's last words, for example ``wrong version number``."""
    details = error.args[0] if error.args else None
    if isinstance(details, list) and details and isinstance(details[-1], tuple):
        return str(details[-1][-1])
    if error.args and error.args[-1] == "Unexpected EOF":
        return "the peer closed the connection"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _encoded_name(name: str) -> bytes:
    try:
        return name.rstrip(".").encode("ascii" if name.isascii() else "idna")
    except UnicodeError as error:
        raise InvalidInput(f"'{name}' is not a host name.") from error


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
