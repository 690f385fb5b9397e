# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drive Cert: with the certificates of the pretended server's store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cryptography.x509 import Certificate

from ..invocation import Call
from ..values import CustomObject

if TYPE_CHECKING:
    from fake_exchange.organisation.model import StoredCertificate


def children(call: Call, path: str) -> list[object] | None:
    """What is in Cert:\\`path`; None if there is no such path."""
    parts = [part for part in re.split(r"[\\/]", path) if part]
    if [part.casefold() for part in parts[:1]] != ["localmachine"]:
        raise call.interpreter.unsupported(f"the path Cert:\\{path}", call.node)
    if len(parts) == 1:
        return [CustomObject([("Name", "My")])]
    if parts[1].casefold() != "my":
        raise call.interpreter.unsupported(f"the path Cert:\\{path}", call.node)
    server = call.machine.server
    stored = list(server.certificates.values()) if server is not None else []
    if len(parts) > 2:
        stored = [one for one in stored if one.Thumbprint.casefold() == parts[2].casefold()]
        if not stored:
            return None
    return [_certificate(one) for one in stored]


def _certificate(stored: StoredCertificate) -> CustomObject:
    certificate: Certificate = stored.certificate
    return CustomObject(
        [
            ("Thumbprint", stored.Thumbprint),
            ("FriendlyName", stored.FriendlyName),
            ("HasPrivateKey", stored.HasPrivateKey),
            ("NotBefore", stored.NotBefore.astimezone().replace(tzinfo=None)),
            ("NotAfter", stored.NotAfter.astimezone().replace(tzinfo=None)),
            ("SerialNumber", f"{certificate.serial_number:X}"),
            ("Subject", _name(certificate.subject.rdns)),
            ("Issuer", _name(certificate.issuer.rdns)),
            ("PSChildName", stored.Thumbprint),
        ],
        type_names=(
            "System.Security.Cryptography.X509Certificates.X509Certificate2",
            "System.Object",
        ),
        text=f"[Subject]\r\n  {_name(certificate.subject.rdns)}",
    )


def _name(rdns) -> str:  # type: ignore[no-untyped-def]
    """Most specific first, comma and blank between; only for display."""
    return ", ".join(rdn.rfc4514_string().replace("ST=", "S=", 1) for rdn in reversed(rdns))
