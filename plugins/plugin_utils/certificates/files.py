# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates, with which keys, lie in a folder of the control node, and which one is next?

Whoever fetched them: certbot and lego write PEM files, win-acme and corporate authorities a PFX,
and the role acme_renewal its own. What belongs together is found by the keys, never by the names of
files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.renewal_due import (
    DueRules,
    days_left_sentence,
    early_renewal_reasons,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_facts import (
    CertificateFacts,
    read_certificate_facts,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import (
    normalize_host_name,
    uncovered,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    encoded_public_key,
    order_chain,
    public_key_of,
)

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

PFX_SUFFIXES = (".pfx", ".p12")
PEM_SUFFIXES = (".pem", ".crt", ".cer", ".key")
_PEM_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_PEM_KEY = b"PRIVATE KEY-----"


@dataclass(frozen=True, kw_only=True)
class Passwords:
    """What opens a PFX or an encrypted key."""

    pfx_password: str | None = field(default=None, repr=False)
    private_key_passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class CertificateFile:
    """A certificate of the folder: with the file of its key, or without one."""

    path: str
    facts: CertificateFacts
    fullchain_pem: str
    pfx_path: str | None = None
    private_key_path: str | None = None
    reasons: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether a rotation could begin with it."""
        return not self.reasons

    def due_reasons(self, rules: DueRules, now: datetime) -> list[str]:
        """Why it would be due for renewal as soon as it is in use."""
        facts = self.facts
        days = (facts.not_after - now).days
        return [
            *([days_left_sentence(days)] if days < rules.minimum_days else []),
            *early_renewal_reasons(
                rules,
                thumbprint=facts.thumbprint,
                issuer=facts.issuer,
                not_after=facts.not_after,
            ),
        ]

    def to_result(self, due: DueRules, now: datetime) -> dict[str, object]:
        """The certificate as RETURN documents it."""
        facts = self.facts
        return {
            "path": self.path,
            "thumbprint": facts.thumbprint,
            "subject": facts.subject,
            "issuer": facts.issuer,
            "dns_names": list(facts.dns_names),
            "not_before": f"{facts.not_before:%Y-%m-%dT%H:%M:%SZ}",
            "not_after": f"{facts.not_after:%Y-%m-%dT%H:%M:%SZ}",
            "days_left": (facts.not_after - now).days,
            "lifetime_used_percent": _used_percent(facts, now),
            "fullchain": self.fullchain_pem,
            "pfx_path": self.pfx_path,
            "private_key_path": self.private_key_path,
            "usable": self.usable,
            "reasons": list(self.reasons),
            "due_reasons": self.due_reasons(due, now),
        }


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Which certificates are good enough."""

    names: tuple[str, ...] = ()
    require_common_name: bool = True


def is_candidate(path: Path) -> bool:
    """Whether a file's name says that it may hold a certificate or a key."""
    return path.suffix.lower() in (*PFX_SUFFIXES, *PEM_SUFFIXES)


def read_files(
    contents: Mapping[str, bytes], passwords: Passwords, rules: Rules, *, now: datetime
) -> tuple[list[CertificateFile], list[str]]:
    """Return the certificates of a folder, newest first, and what could not be read and why.

    Args:
        contents: Bytes by path, decrypted where they were vaulted.
    """
    skipped: list[str] = []
    found: list[CertificateFile] = []
    pem: dict[str, bytes] = {}
    for path, data in contents.items():
        if Path(path).suffix.lower() in PFX_SUFFIXES:
            try:
                found.append(_from_pfx(path, data, passwords, rules, now=now))
            except InvalidInput as error:
                skipped.append(error.message)
        else:
            pem[path] = data
    for folder in sorted({str(Path(path).parent) for path in pem}):
        here = {path: data for path, data in pem.items() if str(Path(path).parent) == folder}
        found += _from_pem(here, passwords, rules, skipped, now=now)
    return _newest_first(found), skipped


def choose(files: Sequence[CertificateFile]) -> CertificateFile | None:
    """The usable certificate that was issued last; of several that which ends last."""
    usable = [item for item in files if item.usable]
    return _newest_first(usable)[0] if usable else None


def with_exactly(files: Iterable[CertificateFile], names: Iterable[str]) -> list[CertificateFile]:
    """Those with exactly these names, as authorities count duplicates."""
    wanted = {normalize_host_name(name) for name in names}
    return [
        item
        for item in files
        if {normalize_host_name(name) for name in item.facts.dns_names} == wanted
    ]


def _used_percent(facts: CertificateFacts, now: datetime) -> float:
    lifetime = (facts.not_after - facts.not_before).total_seconds()
    used = (now - facts.not_before).total_seconds()
    return round(100 * used / lifetime, 1) if lifetime > 0 else 100.0


def _newest_first(files: Iterable[CertificateFile]) -> list[CertificateFile]:
    best: dict[str, CertificateFile] = {}
    for item in files:
        known = best.get(item.facts.thumbprint)
        if known is None or (item.usable and not known.usable):
            best[item.facts.thumbprint] = item
    return sorted(
        best.values(), key=lambda item: (item.facts.not_before, item.facts.not_after), reverse=True
    )


def _from_pfx(
    path: str, data: bytes, passwords: Passwords, rules: Rules, *, now: datetime
) -> CertificateFile:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import pkcs12

    secret = passwords.pfx_password
    bundle = None
    for password in [secret.encode()] if secret else [None, b""]:
        try:
            bundle = pkcs12.load_pkcs12(data, password)
            break
        except UnsupportedAlgorithm:
            raise InvalidInput(
                f"{path}: its key or its encryption is of an unknown kind."
            ) from None
        except (ValueError, TypeError):
            continue
    if bundle is None:
        reason = "it is no PFX, or has another password" if secret else "it needs a password"
        raise InvalidInput(f"{path}: {reason}.")
    if bundle.cert is None or bundle.key is None:
        raise InvalidInput(f"{path}: it holds no certificate with its private key.")
    leaf = bundle.cert.certificate
    chain, _unrelated = order_chain(leaf, [item.certificate for item in bundle.additional_certs])
    facts = _facts(leaf)
    return CertificateFile(
        path=path,
        facts=facts,
        fullchain_pem=_pem([leaf, *chain]),
        pfx_path=path,
        reasons=_reasons(facts, rules, now=now, key_found=True),
    )


def _from_pem(
    contents: Mapping[str, bytes],
    passwords: Passwords,
    rules: Rules,
    skipped: list[str],
    *,
    now: datetime,
) -> list[CertificateFile]:
    """The leaves of one folder, each with its chain and the file of its key."""
    certificates: dict[x509.Certificate, str] = {}
    keys: dict[bytes, str] = {}
    for path, data in contents.items():
        try:
            for certificate in _certificates(data):
                certificates.setdefault(certificate, path)
            key = _private_key(data, passwords)
        except ValueError as error:
            skipped.append(f"{path}: {error}.")
            continue
        if key is not None:
            keys.setdefault(encoded_public_key(key.public_key()), path)
    found = []
    for certificate, path in certificates.items():
        facts = _facts(certificate)
        if facts.is_certificate_authority:
            continue
        public = public_key_of(certificate)
        if public is None:
            skipped.append(f"{path}: the key of its certificate is of an unknown kind.")
            continue
        key_path = keys.get(public)
        chain, _unrelated = order_chain(certificate, certificates)
        found.append(
            CertificateFile(
                path=path,
                facts=facts,
                fullchain_pem=_pem([certificate, *chain]),
                private_key_path=key_path,
                reasons=_reasons(facts, rules, now=now, key_found=key_path is not None),
            )
        )
    return found


def _reasons(
    facts: CertificateFacts, rules: Rules, *, now: datetime, key_found: bool
) -> tuple[str, ...]:
    reasons = []
    if not key_found:
        reasons.append("its private key is not in the same folder")
    if facts.not_after <= now:
        reasons.append(f"it expired on {facts.not_after:%Y-%m-%d %H:%M} UTC")
    if facts.not_before > now:
        reasons.append(f"it is not valid before {facts.not_before:%Y-%m-%d %H:%M} UTC")
    if facts.self_issued:
        reasons.append("it is self-signed")
    lacking = uncovered(facts.dns_names, rules.names)
    if lacking:
        reasons.append(f"it lacks the names {', '.join(lacking)}")
    if rules.require_common_name and not facts.common_name:
        reasons.append("it has no common name")
    return tuple(reasons)


def _certificates(data: bytes) -> list[x509.Certificate]:
    from cryptography import x509

    try:
        if _PEM_CERTIFICATE in data:
            return x509.load_pem_x509_certificates(data)
        return [x509.load_der_x509_certificate(data)] if data[:1] == b"\x30" else []
    except ValueError:
        raise ValueError("it holds a damaged certificate") from None


def _private_key(data: bytes, passwords: Passwords) -> PrivateKeyTypes | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if _PEM_KEY not in data:
        return None
    secret = passwords.private_key_passphrase
    # A key must not travel with the text of an error, so causes are not chained.
    try:
        return load_pem_private_key(data, None)
    except TypeError:
        pass
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("it holds a damaged private key") from None
    if not secret:
        raise ValueError("its private key is encrypted, and private_key_passphrase is not set")
    try:
        return load_pem_private_key(data, secret.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("its private key has another passphrase") from None


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    from cryptography.hazmat.primitives.serialization import Encoding

    return read_certificate_facts(certificate.public_bytes(Encoding.DER))


def _pem(certificates: Iterable[x509.Certificate]) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return "".join(item.public_bytes(Encoding.PEM).decode("ascii") for item in certificates)
