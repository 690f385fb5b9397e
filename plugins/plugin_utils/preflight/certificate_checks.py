# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is a new certificate fit to take over, judged by itself and by the names that are needed?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ansible_collections.mailops.exchange.plugins.plugin_utils.finding import (
    Finding,
    failed,
    passed,
    warned,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_facts import (
    CertificateFacts,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import (
    is_wildcard,
    uncovered,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)

if TYPE_CHECKING:
    from cryptography import x509

_WEAK_HASHES = ("md5", "sha1")


@dataclass(frozen=True, kw_only=True)
class Demands:
    """What is asked of a certificate."""

    minimum_days: int = 30
    minimum_rsa_bits: int = 2048
    allow_wildcard: bool = False
    allow_self_signed: bool = False
    revoked: frozenset[str] = frozenset()
    tls_certificate_name_limit: int | None = None
    hybrid: bool = False


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names of a certificate of which nothing else is known here."""

    dns_names: list[str]


def check_certificate(
    facts: CertificateFacts,
    certificate: x509.Certificate | None,
    demands: Demands,
    *,
    now: datetime,
) -> Iterator[Finding]:
    """Judge a certificate.

    Args:
        certificate: for what only the certificate itself shows; None where just facts are known.
        now: aware time that validity is judged by.
    """
    yield _validity(facts, demands, now)
    yield _wildcard(facts, demands)
    yield _common_name(facts)
    yield _key(facts, demands)
    if certificate is not None:
        yield _signature(certificate)
    yield from _usage(facts, demands)
    yield _self_signed(facts, demands)
    yield _revoked(facts, demands)
    yield _name_length(facts, demands)


def check_names(
    facts: CertificateFacts | Names,
    *,
    required: Iterable[str],
    expected: Iterable[str],
    outgoing: Iterable[str],
) -> Iterator[Finding]:
    """Look whether the names that are needed are there.

    Args:
        required: names that the user demands.
        expected: names that accepted domains and Autodiscover suggest.
        outgoing: names of the certificates that are replaced.
    """
    demanded = list(dict.fromkeys(required))
    lacking = uncovered(facts.dns_names, demanded)
    if lacking:
        yield failed(
            "names",
            f"The certificate lacks names that are required: {', '.join(lacking)}.",
            "Request a certificate with these names, or take them out of required_names.",
        )
    replaced = set(outgoing)
    suggested = [name for name in dict.fromkeys(expected) if name not in demanded]
    lost = uncovered(facts.dns_names, suggested)
    broken = [name for name in lost if not uncovered(replaced, [name])]
    if broken:
        yield failed(
            "names",
            f"The certificate lacks names in use that the outgoing one has: {', '.join(broken)}.",
            "Request a certificate with these names; clients would warn of the new one.",
        )
    never = [name for name in lost if name not in broken]
    if never:
        yield warned(
            "names",
            f"Neither the new nor the outgoing certificate has {', '.join(never)}, which accepted "
            "domains or Autodiscover suggest.",
            "If clients use these names, request a certificate with them; otherwise give "
            "required_names to say which ones count.",
        )
    if not (lacking or lost):
        yield passed("names", f"It has every name that is needed: {', '.join(facts.dns_names)}.")


def check_chain(
    missing_issuer: str | None, *, leaf_issuer_is_there: bool, roots_are_given: bool
) -> Finding:
    """Judge how far up the file reaches.

    Args:
        missing_issuer: the first issuer that is neither in the file nor a known root.
        leaf_issuer_is_there: whether the file brings the certificate's own issuer.
        roots_are_given: whether the user says which roots count.
    """
    if missing_issuer is None:
        return passed("chain", "Every certificate up to a known root is in the file.")
    message = f"The issuer '{missing_issuer}' is neither in the file nor among the known roots."
    if leaf_issuer_is_there and not roots_are_given:
        return warned(
            "chain",
            message,
            "If it is a root of your own that all servers and peers trust, name it with ca_path "
            "to have it checked. Otherwise put the missing certificate into the file.",
        )
    return failed(
        "chain",
        message,
        "Put the full chain into the file: the certificate and every intermediate certificate.",
    )


def missing_issuer_of(
    chain: Sequence[x509.Certificate], authorities: Iterable[x509.Certificate]
) -> str | None:
    """Return the issuer at which a chain breaks off, or None if it reaches a root.

    Args:
        chain: the certificate and its issuers from the nearest upwards.
    """
    from ansible_collections.mailops.exchange.plugins.plugin_utils.x509 import (
        loaded_certificate as loaded,
    )

    top = chain[-1]
    issuer, subject = loaded.names_of(top)
    if issuer == subject or any(loaded.has_issued(root, top) for root in authorities):
        return None
    return issuer


def _validity(facts: CertificateFacts, demands: Demands, now: datetime) -> Finding:
    until = f"{facts.not_after:%Y-%m-%d %H:%M} UTC"
    days = (facts.not_after - now).days
    if facts.not_before > now:
        return failed(
            "validity",
            f"The certificate is not valid before {facts.not_before:%Y-%m-%d %H:%M} UTC.",
            "Wait until then, and check the clock of the control node.",
        )
    if facts.not_after <= now:
        return failed("validity", f"The certificate expired {until}.", "Get a new one.")
    if days < demands.minimum_days:
        return failed(
            "validity",
            f"The certificate is valid until {until}, {days} days from now; {demands.minimum_days} "
            "are demanded.",
            "Get one that lasts longer, or lower minimum_days.",
        )
    return passed("validity", f"Valid until {until} ({days} days).")


def _wildcard(facts: CertificateFacts, demands: Demands) -> Finding:
    wildcards = [name for name in facts.dns_names if is_wildcard(name)]
    if not wildcards:
        return passed("wildcard", "No name is a wildcard.")
    if demands.allow_wildcard:
        return passed("wildcard", f"The wildcard {', '.join(wildcards)} is allowed.")
    return failed(
        "wildcard",
        f"The certificate has the wildcard {', '.join(wildcards)}.",
        "Request one with the names themselves, or set allow_wildcard: true. POP and IMAP cannot "
        "be enabled with a wildcard.",
    )


def _common_name(facts: CertificateFacts) -> Finding:
    if facts.common_name:
        return passed("common_name", f"The common name is {facts.common_name}.")
    return failed(
        "common_name",
        "The certificate has no common name.",
        "Request one with a common name: TlsCertificateName and the Hybrid Configuration Wizard "
        "need it. Let's Encrypt gives one with the profile classic.",
    )


def _key(facts: CertificateFacts, demands: Demands) -> Finding:
    if facts.key_type == "RSA":
        bits = facts.key_size or 0
        if bits < demands.minimum_rsa_bits:
            return failed(
                "key",
                f"The RSA key has {bits} bits; {demands.minimum_rsa_bits} are demanded.",
                "Request a certificate with a longer key.",
            )
        return passed("key", f"RSA with {bits} bits.")
    if facts.key_type == "EC":
        return warned(
            "key",
            "The key is an EC key.",
            "Exchange uses it only since November 2024 and with EnableEccCertificateSupport set on "
            "every server. Request RSA unless you know that it is.",
        )
    return failed(
        "key", f"The key is of type {facts.key_type}.", "Request a certificate with an RSA key."
    )


def _signature(certificate: x509.Certificate) -> Finding:
    algorithm = certificate.signature_hash_algorithm
    name = algorithm.name if algorithm is not None else "unknown"
    if name in _WEAK_HASHES:
        return failed(
            "signature",
            f"The certificate is signed with {name}, which peers refuse.",
            "Request one signed with SHA-256.",
        )
    return passed("signature", f"Signed with {name}.")


def _usage(facts: CertificateFacts, demands: Demands) -> Iterator[Finding]:
    usages = facts.extended_key_usages
    if usages and "serverAuth" not in usages:
        yield failed(
            "usage",
            "The certificate is not meant for servers (no serverAuth).",
            "Request a server certificate.",
        )
        return
    if usages and "clientAuth" not in usages and demands.hybrid:
        yield warned(
            "usage",
            "The certificate lacks clientAuth, and the organization is hybrid.",
            "Public authorities do not issue it any more. Whether Exchange Online wants it for "
            "mail from here is documented nowhere: send a test message after the rotation.",
        )
        return
    yield passed("usage", f"Key usages: {', '.join(sorted(usages)) or 'not restricted'}.")


def _self_signed(facts: CertificateFacts, demands: Demands) -> Finding:
    if not facts.self_issued:
        return passed("self_signed", f"Issued by {facts.issuer}.")
    if demands.allow_self_signed:
        return passed("self_signed", "It is self-signed, which is allowed.")
    return failed(
        "self_signed",
        "The certificate is self-signed; no peer trusts it.",
        "Get one from an authority, or set allow_self_signed: true for a test.",
    )


def _revoked(facts: CertificateFacts, demands: Demands) -> Finding:
    if facts.thumbprint in demands.revoked:
        return failed(
            "revoked",
            f"The certificate {facts.thumbprint} is in revoked_thumbprints.",
            "Get a new one; this one has been withdrawn.",
        )
    return passed("revoked", "It is not in the list of revoked certificates.")


def _name_length(facts: CertificateFacts, demands: Demands) -> Finding:
    length = len(TlsCertificateName(facts.issuer, facts.subject).render())
    limit = demands.tls_certificate_name_limit
    if limit is not None and length > limit:
        return failed(
            "name_length",
            f"Its TlsCertificateName has {length} characters; the directory of Edge servers takes "
            f"{limit}.",
            "Request one with a shorter subject, or raise rangeUpper of "
            "ms-Exch-Smtp-TLS-Certificate on the Edge servers (KB4052493) and "
            "tls_certificate_name_limit with it.",
        )
    return passed("name_length", f"Its TlsCertificateName has {length} characters.")
