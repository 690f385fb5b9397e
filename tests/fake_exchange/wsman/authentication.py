# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is calling? Basic, NTLM, Negotiate and Kerberos over HTTP, one security context for each
connection, checked against the organisation's accounts."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import spnego
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from spnego._ntlm_raw.crypto import ntowfv1
from spnego.channel_bindings import GssChannelBindings

from fake_exchange.wsman.encryption import KERBEROS, SPNEGO, MessageEncryption

if TYPE_CHECKING:
    from fake_exchange.organisation.model import Account, Organisation
    from fake_exchange.wsman.http import HttpRequest

log = logging.getLogger(__name__)

#: pyspnego takes its accounts from the file that this variable names, and from nowhere else.
_USER_FILE = "NTLM_USER_FILE"
_environment_lock = threading.Lock()


@dataclass(frozen=True)
class AuthenticationMethods:
    """What a web site offers. `channel_bindings`: NTLM over TLS must name the certificate that it
    saw (Extended Protection)."""

    basic: bool = False
    negotiate: bool = True
    kerberos: bool = True
    ntlm: bool = True
    channel_bindings: bool = True

    def challenges(self, realm: str) -> tuple[tuple[str, str], ...]:
        """The WWW-Authenticate headers of a 401."""
        offered = []
        if self.negotiate:
            offered.append("Negotiate")
        if self.kerberos:
            offered.append("Kerberos")
        if self.ntlm:
            offered.append("NTLM")
        if self.basic:
            offered.append(f'Basic realm="{realm}"')
        return tuple(("WWW-Authenticate", text) for text in offered)


class NtlmAccounts:
    """The accounts' NT hashes in a private file, the only form the NTLM acceptor reads.

    The hash instead of the password keeps passwords off the disk and allows any character in
    them. Use as a context manager, or `close`.
    """

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="fake-exchange-")  # mode 0700
        self.path = Path(self._directory.name) / "accounts"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            for account in accounts:
                nt_hash = ntowfv1(account.password).hex().upper()
                for name in (account.name, account.principal, account.user):
                    file.write(f"{name}:0:{'0' * 32}:{nt_hash}:[U]:LCT-0\n")

    @contextmanager
    def in_environment(self) -> Iterator[None]:
        """While the acceptor looks for an account, the variable has to name this file."""
        with _environment_lock:
            if os.environ.get(_USER_FILE) != str(self.path):
                os.environ[_USER_FILE] = str(self.path)
            yield

    def close(self) -> None:
        with _environment_lock:
            if os.environ.get(_USER_FILE) == str(self.path):
                del os.environ[_USER_FILE]
        self._directory.cleanup()

    def __enter__(self) -> NtlmAccounts:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class Refused:
    """Not (yet) authenticated; `headers` go with the 401."""

    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Authenticated:
    """The caller is known; `headers` carry the last token of the mechanism, if there is one."""

    account: Account
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(eq=False)
class ConnectionAuthentication:
    """The security context of one TCP connection."""

    organisation: Organisation
    methods: AuthenticationMethods
    accounts: NtlmAccounts
    realm: str
    certificate: bytes | None = field(default=None, repr=False)
    """Leaf presented by TLS (DER), None over plain http."""
    boundary_prefix: str = "--"
    account: Account | None = None
    encryption: MessageEncryption | None = None
    _context: spnego.ContextProxy | None = None
    _scheme: str = ""

    def authenticate(self, request: HttpRequest) -> Authenticated | Refused:
        """Judge one request. A request without Authorization relies on what the connection
        already has: NTLM, Negotiate and Kerberos authenticate the connection, Basic each request.
        """
        scheme, _, credentials = (request.headers.get("Authorization") or "").partition(" ")
        scheme = scheme.lower()
        if not scheme:
            if self.account is not None and self._scheme != "basic":
                return Authenticated(self.account)
            return self._refused()
        if scheme == "basic" and self.methods.basic:
            return self._basic(credentials)
        if scheme in self._offered_schemes():
            return self._token(scheme, credentials)
        return self._refused()

    def _offered_schemes(self) -> set[str]:
        offered = {
            "negotiate": self.methods.negotiate,
            "kerberos": self.methods.kerberos,
            "ntlm": self.methods.ntlm,
        }
        return {name for name, is_offered in offered.items() if is_offered}

    def _refused(self) -> Refused:
        self.account = self.encryption = self._context = None
        return Refused(self.methods.challenges(self.realm))

    def _basic(self, credentials: str) -> Authenticated | Refused:
        try:
            raw = base64.b64decode(credentials, validate=True)
        except binascii.Error:
            return self._refused()
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")  # What clients send that do not say UTF-8.
        user, _, password = text.partition(":")
        account = self.organisation.account(user)
        if account is None or not hmac.compare_digest(account.password.encode(), password.encode()):
            return self._refused()
        self.account, self._scheme = account, "basic"
        return Authenticated(account)

    def _token(self, scheme: str, credentials: str) -> Authenticated | Refused:
        try:
            token = base64.b64decode(credentials.strip(), validate=True)
            if self._context is None or self._context.complete:
                self._context = self._new_context(scheme, token)
            with self.accounts.in_environment():
                answer = self._context.step(token)
        except Exception as error:  # A mechanism's refusal comes as any of many exceptions.
            log.debug("%s refused: %s", scheme, error)
            return self._refused()
        name = {"negotiate": "Negotiate", "kerberos": "Kerberos", "ntlm": "NTLM"}[scheme]
        headers: tuple[tuple[str, str], ...] = ()
        if answer:
            headers = (("WWW-Authenticate", f"{name} {base64.b64encode(answer).decode()}"),)
        if not self._context.complete:
            return Refused(headers)
        account = self.organisation.account(self._context.client_principal or "")
        if account is None:
            return self._refused()
        self.account, self._scheme = account, scheme
        protocol = KERBEROS if scheme == "kerberos" else SPNEGO
        self.encryption = MessageEncryption(self._context, protocol, self.boundary_prefix)
        return Authenticated(account, headers)

    def _new_context(self, scheme: str, token: bytes) -> spnego.ContextProxy:
        if token.startswith(b"NTLMSSP\0"):
            if not self.methods.ntlm:
                raise PermissionError("NTLM is not offered")
            scheme = "ntlm"
        bindings = None
        if self.certificate is not None and self.methods.channel_bindings:
            bindings = GssChannelBindings(application_data=_end_point(self.certificate))
        with self.accounts.in_environment():
            return spnego.server(
                protocol=scheme,
                service="HTTP",
                channel_bindings=bindings,
                options=spnego.NegotiateOptions.wrapping_winrm,
            )


def _end_point(certificate: bytes) -> bytes:
    """The tls-server-end-point binding of RFC 5929 for a certificate (DER)."""
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except UnsupportedAlgorithm:
        algorithm = None
    if algorithm is None or algorithm.name in ("md5", "sha1"):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(certificate)
    return b"tls-server-end-point:" + digest.finalize()
