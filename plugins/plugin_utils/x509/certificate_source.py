# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate does a task bring along, and could Exchange use it?

PFX or PEM is read and checked on the control node, so that a wrong file is refused before anything
is sent. Keys and passwords stay in memory and out of every representation.
"""

from __future__ import annotations

import base64
import binascii
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    LoadedCertificate,
    describe,
    encoded_public_key,
    order_chain,
    public_key_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

# Far above any real file; keeps a mistaken path (a log, a disk image) from filling the memory.
_MAXIMUM_FILE_SIZE = 4 * 1024 * 1024

_PEM_KEY = re.compile(rb"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_PEM_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, kw_only=True)
class CertificateSource:
    """The source options of a task, as given; contents are PEM text or base64 of a PFX."""

    pfx_path: str | None = None
    pfx_content: str | None = field(default=None, repr=False)
    pfx_password: str | None = field(default=None, repr=False)
    fullchain_path: str | None = None
    # Some programs write the key into the same file.
    fullchain_content: str | None = field(default=None, repr=False)
    private_key_path: str | None = None
    private_key_content: str | None = field(default=None, repr=False)
    private_key_passphrase: str | None = field(default=None, repr=False)
    thumbprint: str | None = None

    @property
    def has_file(self) -> bool:
        """Whether the certificate itself is given, not just the thumbprint of one."""
        return any((self.pfx_path, self.pfx_content, self.fullchain_path, self.fullchain_content))

    @property
    def normalized_thumbprint(self) -> str | None:
        """The thumbprint as Windows writes it, or None.

        Raises:
            InvalidInput: it is no thumbprint.
        """
        return normalize_thumbprint(self.thumbprint) if self.thumbprint else None


@dataclass(frozen=True, kw_only=True)
class _Content:
    """What a file holds, before anything is checked."""

    origin: str
    certificates: list[x509.Certificate]
    private_key: PrivateKeyTypes | None = field(repr=False)
    friendly_name: str | None = None


def load_certificate(
    source: CertificateSource,
    *,
    now: datetime | None = None,
    needs_private_key: bool = True,
) -> LoadedCertificate:
    """Read, check and order what a source gives.

    Args:
        source: must bring the certificate itself (``has_file``).
        now: aware time that the validity is judged by; the present if left out.
        needs_private_key: False where only names and dates matter; a key that is given all the
            same is still checked.

    Raises:
        InvalidInput: one sentence that says what is wrong with which option and what to do.
    """
    now = now or datetime.now(timezone.utc)
    _check_options(source)
    if source.pfx_path or source.pfx_content:
        content = _read_pfx(source)
    else:
        content = _read_pem(source)
    if content.private_key is None and needs_private_key:
        raise InvalidInput(_missing_key_sentence(source, content.origin))
    leaf = _certificate_of_key(content)
    chain, unrelated = order_chain(leaf, content.certificates)
    loaded = LoadedCertificate(
        leaf=leaf,
        chain=tuple(chain),
        private_key=content.private_key,
        origin=content.origin,
        friendly_name=content.friendly_name,
    )
    _check_validity(loaded, now)
    _check_thumbprint(loaded, source)
    if unrelated:
        names = ", ".join(describe(certificate) for certificate in unrelated)
        loaded.warnings.append(
            f"{content.origin} also holds certificates that do not belong to the chain; they are "
            f"left out: {names}."
        )
    return loaded


def _check_options(source: CertificateSource) -> None:
    if not source.has_file:
        raise InvalidInput(
            "No certificate is given: set pfx_path or pfx_content, or fullchain_path or "
            "fullchain_content together with the private key."
        )
    pfx = bool(source.pfx_path or source.pfx_content)
    pem = bool(source.fullchain_path or source.fullchain_content)
    if pfx and pem:
        raise InvalidInput("Give either a PFX (pfx_*) or PEM files (fullchain_*), not both.")
    for path, content in (
        ("pfx_path", "pfx_content"),
        ("fullchain_path", "fullchain_content"),
        ("private_key_path", "private_key_content"),
    ):
        if getattr(source, path) and getattr(source, content):
            raise InvalidInput(f"Give either {path} or {content}, not both.")
    if pfx and (source.private_key_path or source.private_key_content):
        raise InvalidInput(
            "A PFX brings its own private key: leave out private_key_path and private_key_content."
        )


def _read_file(path: str, option: str) -> bytes:
    file = Path(path).expanduser()
    try:
        with file.open("rb") as stream:
            data = stream.read(_MAXIMUM_FILE_SIZE + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InvalidInput(
            f"{option}: cannot read '{path}' on the control node: {reason}."
        ) from error
    if not data:
        raise InvalidInput(f"{option}: '{path}' is empty.")
    if len(data) > _MAXIMUM_FILE_SIZE:
        raise InvalidInput(f"{option}: '{path}' is too large to be a certificate file.")
    return data


def _pfx_bytes(source: CertificateSource) -> bytes:
    if source.pfx_path:
        return _read_file(source.pfx_path, "pfx_path")
    try:
        return base64.b64decode("".join((source.pfx_content or "").split()), validate=True)
    except (binascii.Error, ValueError):
        # No "from": the content must not travel with the error.
        raise InvalidInput(
            "pfx_content is not base64: give the PFX file base64 encoded, for example with the "
            "b64encode filter or slurp."
        ) from None


def _read_pfx(source: CertificateSource) -> _Content:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import pkcs12

    origin = source.pfx_path or "the content of pfx_content"
    data = _pfx_bytes(source)
    if not _looks_like_pfx(data):
        raise InvalidInput(
            f"{origin} is not a PFX (PKCS#12) file"
            + (
                ": it is PEM; use fullchain_path and private_key_path."
                if b"-----BEGIN " in data[:4096]
                else "; it may be damaged or of another kind (a .cer or .p7b has no private key)."
            )
        )
    bundle: pkcs12.PKCS12KeyAndCertificates | None = None
    # An empty password is written in two ways by different programs.
    for password in [source.pfx_password.encode()] if source.pfx_password else [None, b""]:
        with suppress(ValueError, TypeError, UnsupportedAlgorithm):
            bundle = pkcs12.load_pkcs12(data, password)
            break
    if bundle is None:
        raise InvalidInput(
            f"{origin} cannot be opened with the pfx_password that was given: the password is "
            "wrong or the file is damaged."
            if source.pfx_password
            else f"{origin} is protected by a password: set pfx_password."
        )
    entries = [entry for entry in (bundle.cert, *bundle.additional_certs) if entry is not None]
    if not entries:
        raise InvalidInput(f"{origin} holds no certificate.")
    name = bundle.cert.friendly_name if bundle.cert else None
    return _Content(
        origin=origin,
        certificates=[entry.certificate for entry in entries],
        private_key=bundle.key,
        friendly_name=name.decode("utf-8", errors="replace") if name else None,
    )


def _looks_like_pfx(data: bytes) -> bool:
    """Whether the bytes begin as PKCS#12 does: SEQUENCE, INTEGER 3 (DER or BER lengths)."""
    return data[:1] == b"\x30" and b"\x02\x01\x03" in data[2:7]


def _read_pem(source: CertificateSource) -> _Content:
    origin = source.fullchain_path or "the content of fullchain_content"
    if source.fullchain_path:
        chain = _read_file(source.fullchain_path, "fullchain_path")
    else:
        chain = (source.fullchain_content or "").encode("utf-8")
    certificates = _read_pem_certificates(chain, origin)
    key_data, key_origin = None, source.private_key_path or "the content of private_key_content"
    if source.private_key_path:
        key_data = _read_file(source.private_key_path, "private_key_path")
    elif source.private_key_content:
        key_data = source.private_key_content.encode("utf-8")
    elif _PEM_KEY.search(chain):  # some programs write key and chain into one file
        key_data, key_origin = chain, origin
    key = None
    if key_data is not None:
        key = _read_private_key(key_data, source.private_key_passphrase, origin=key_origin)
    return _Content(origin=origin, certificates=certificates, private_key=key)


def _missing_key_sentence(source: CertificateSource, origin: str) -> str:
    if source.pfx_path or source.pfx_content:
        return (
            f"{origin} holds no private key; Exchange cannot use a certificate without one. Export "
            "the PFX again with its private key."
        )
    return f"No private key is given for {origin}: set private_key_path or private_key_content."


def _read_pem_certificates(data: bytes, origin: str) -> list[x509.Certificate]:
    from cryptography import x509

    try:
        if _PEM_CERTIFICATE in data:
            return x509.load_pem_x509_certificates(data)
        if data[:1] == b"\x30":
            return [x509.load_der_x509_certificate(data)]
    except ValueError as error:
        raise InvalidInput(f"{origin} holds a damaged certificate: {error}.") from error
    if b"-----BEGIN PKCS7-----" in data:
        raise InvalidInput(f"{origin} is PKCS#7 (.p7b): convert it to PEM certificates.")
    if _PEM_KEY.search(data):
        raise InvalidInput(
            f"{origin} holds a private key but no certificate; the key belongs into "
            "private_key_path or private_key_content."
        )
    raise InvalidInput(f"{origin} holds no PEM certificate.")


def _read_private_key(data: bytes, passphrase: str | None, *, origin: str) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    block = _PEM_KEY.search(data)
    if block is None and data[:1] != b"\x30":
        raise InvalidInput(f"{origin} holds no private key in PEM form.")
    encrypted = block is not None and (
        block.group(1) == b"ENCRYPTED PRIVATE KEY" or b"Proc-Type: 4,ENCRYPTED" in block.group()
    )
    if encrypted and not passphrase:
        raise InvalidInput(f"The private key in {origin} is encrypted: set private_key_passphrase.")
    secret = passphrase.encode("utf-8") if encrypted and passphrase else None
    # The causes are not chained: their texts may describe the key.
    try:
        if block is not None:
            return serialization.load_pem_private_key(block.group(), secret)
        return _load_der_key(data, passphrase)
    except UnsupportedAlgorithm:
        raise InvalidInput(
            f"The private key in {origin} is of a kind or encryption that cannot be read here."
        ) from None
    except (ValueError, TypeError):
        raise InvalidInput(
            f"The private key in {origin} cannot be opened with private_key_passphrase: the "
            "passphrase is wrong or the key is damaged."
            if passphrase
            else f"The private key in {origin} is damaged."
        ) from None


def _load_der_key(data: bytes, passphrase: str | None) -> PrivateKeyTypes:
    from cryptography.hazmat.primitives import serialization

    try:
        return serialization.load_der_private_key(data, None)
    except TypeError:  # encrypted
        return serialization.load_der_private_key(data, (passphrase or "").encode("utf-8"))


def _certificate_of_key(content: _Content) -> x509.Certificate:
    """Return the certificate that belongs to the key; without one, that which issued no other."""
    if content.private_key is None:
        issuers = {item.issuer for item in content.certificates if item.issuer != item.subject}
        leaves = [item for item in content.certificates if item.subject not in issuers]
        return (leaves or content.certificates)[0]
    public = encoded_public_key(content.private_key.public_key())
    for certificate in content.certificates:
        if public_key_of(certificate) == public:
            return certificate
    raise InvalidInput(
        f"The private key does not match any certificate in {content.origin}; its first "
        f"certificate is {describe(content.certificates[0])}. Give the key that this certificate "
        "was requested with."
    )


def _check_validity(loaded: LoadedCertificate, now: datetime) -> None:
    if now > loaded.not_after:
        raise InvalidInput(
            f"The certificate {loaded.description} in {loaded.origin} expired on "
            f"{loaded.not_after:%Y-%m-%d %H:%M} UTC: get a new one first."
        )
    if now < loaded.not_before:
        raise InvalidInput(
            f"The certificate {loaded.description} in {loaded.origin} is not valid before "
            f"{loaded.not_before:%Y-%m-%d %H:%M} UTC: wait until then, or check the clock of this "
            "control node."
        )


def _check_thumbprint(loaded: LoadedCertificate, source: CertificateSource) -> None:
    wanted = source.normalized_thumbprint
    if wanted and wanted != loaded.thumbprint:
        raise InvalidInput(
            f"{loaded.origin} holds the certificate {loaded.thumbprint}, but the thumbprint asked "
            f"for is {wanted}: correct one of the two."
        )
