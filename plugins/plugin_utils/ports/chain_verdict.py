# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a presented certificate chain complete, and does a peer trust it?

The verdict on trust is OpenSSL's, as it would be for any mail server; completeness is judged on its
own, because a peer that happens to know the missing intermediate hides that others do not.
"""

from __future__ import annotations

import re
import ssl
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    MissingLibrary,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    has_issued,
    names_of,
    order_chain,
)

if TYPE_CHECKING:
    from cryptography import x509

_PEM_CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL
)
# Where distributions keep their authorities, for an OpenSSL that was built to look elsewhere.
_USUAL_PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True, kw_only=True)
class ChainVerdict:
    """What a chain is worth; the problems are None where there are none."""

    complete: bool
    chain_problem: str | None
    trusted: bool
    trust_problem: str | None


@dataclass(frozen=True)
class Authorities:
    """The trusted authorities of a PEM file; None where this machine has none."""

    file: Path | None

    def certificates(self) -> list[x509.Certificate]:
        """Return those that can be read: system stores hold some very old ones that cannot."""
        if self.file is None:
            return []
        found = []
        for block in _PEM_CERTIFICATE.findall(self.file.read_bytes()):
            with warnings.catch_warnings(), suppress(ValueError):
                warnings.simplefilter("ignore")
                found.append(_load_pem(block))
        return found


def find_authorities(ca_file: str | None) -> Authorities:
    """Return the authorities of a file, or the system's.

    Raises:
        InvalidInput: the file cannot be read or holds no certificate.
    """
    if ca_file is None:
        places = map(Path, filter(None, (ssl.get_default_verify_paths().cafile, *_USUAL_PLACES)))
        return Authorities(next((place for place in places if place.is_file()), None))
    authorities = Authorities(Path(ca_file).expanduser())
    try:
        if authorities.certificates():
            return authorities
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InvalidInput(f"ca_path: cannot read '{ca_file}': {reason}.") from error
    raise InvalidInput(f"ca_path: '{ca_file}' holds no PEM certificate.")


def judge_chain(chain: Sequence[bytes], authorities: Authorities) -> ChainVerdict:
    """Judge DER certificates in the order in which they were presented, the peer's own first.

    Raises:
        ValueError: one of them is no certificate.
        MissingLibrary: pyOpenSSL is missing.
    """
    from cryptography import x509

    certificates = [x509.load_der_x509_certificate(der) for der in chain]
    chain_problem = _chain_problem(certificates, authorities)
    trust_problem = _trust_problem(certificates, authorities)
    return ChainVerdict(
        complete=chain_problem is None,
        chain_problem=chain_problem,
        trusted=trust_problem is None,
        trust_problem=trust_problem,
    )


def _load_pem(block: bytes) -> x509.Certificate:
    from cryptography import x509

    return x509.load_pem_x509_certificate(block)


def _chain_problem(
    certificates: Sequence[x509.Certificate], authorities: Authorities
) -> str | None:
    issuers, _strays = order_chain(certificates[0], certificates)
    top = issuers[-1] if issuers else certificates[0]
    if has_issued(top, top):
        return None
    if any(has_issued(authority, top) for authority in authorities.certificates()):
        return None
    return (
        f"the certificate of the issuer '{names_of(top)[0]}' is neither presented nor among the "
        "trusted authorities"
    )


def _trust_problem(
    certificates: Sequence[x509.Certificate], authorities: Authorities
) -> str | None:
    try:
        from OpenSSL import crypto
    except ImportError as error:
        raise MissingLibrary.named("OpenSSL") from error
    store = crypto.X509Store()
    if authorities.file is not None:
        store.load_locations(str(authorities.file))
    leaf, *others = (crypto.X509.from_cryptography(item) for item in certificates)
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError as error:
        return str(error) or "the chain does not verify"
    return None
