# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the SerializationData of an ExchangeCertificate? The formatter's copy of the live
object with its eight members, the certificate inside as Windows serializes it, and the signed
envelope of servers that sign serialization payloads."""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from fake_exchange.clixml.binary_formatter import (
    Member,
    NetObject,
    ObjectArray,
    class_member,
    enum_member,
    serialize,
)

_TASKS = "Microsoft.Exchange.Management.SystemConfigurationTasks."
_MANAGEMENT = (
    "Microsoft.Exchange.Management, Version=15.0.0.0, Culture=neutral, "
    "PublicKeyToken=31bf3856ad364e35"
)
_SYSTEM = "System, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089"

# CERT_*_PROP_ID of the CryptoAPI.
_KEY_PROVIDER_INFO, _SHA1_HASH, _FRIENDLY_NAME, _KEY_IDENTIFIER, _CERTIFICATE = 2, 3, 11, 20, 32
_SCHANNEL_PROVIDER, _MACHINE_KEYSET, _KEY_EXCHANGE = 12, 0x20, 1


@dataclass(frozen=True)
class CertificateState:
    """What one certificate's blob says. ``services``, ``status`` and ``root_ca_type`` are the
    numbers of Exchange's enums; ``iis_sites`` like ``IIS://EX01/W3SVC/1``."""

    der: bytes
    friendly_name: str
    key_container: str | None
    key_identifier: bytes
    self_signed: bool
    status: int
    root_ca_type: int
    services: int
    private_key_exportable: bool
    identity: str
    iis_sites: Sequence[str] = ()


def _property(identifier: int, data: bytes) -> bytes:
    return struct.pack("<III", identifier, 1, len(data)) + data


def serialized_certificate(state: CertificateState) -> bytes:
    """The CryptoAPI's serialized certificate: properties, then the certificate (property 32)."""
    parts = []
    if state.friendly_name:
        name = state.friendly_name.encode("utf-16-le") + b"\0\0"
        parts.append(_property(_FRIENDLY_NAME, name))
    if state.key_container is not None:
        container = state.key_container.encode("utf-16-le") + b"\0\0"
        info = struct.pack("<7I", 28, 0, _SCHANNEL_PROVIDER, _MACHINE_KEYSET, 0, 0, _KEY_EXCHANGE)
        parts.append(_property(_KEY_PROVIDER_INFO, info + container + b"\0" * 6))
    parts.append(_property(_SHA1_HASH, hashlib.sha1(state.der, usedforsecurity=False).digest()))
    parts.append(_property(_KEY_IDENTIFIER, state.key_identifier))
    parts.append(_property(_CERTIFICATE, state.der))
    return b"".join(parts)


def _iis_service(site: str) -> NetObject:
    validation = _TASKS + "UrlValidation"
    members = (
        Member("serviceName", "String", site),
        Member("internalUrl", "Class", None, "System.Uri", _SYSTEM),
        enum_member("internalUrlValid", validation, _MANAGEMENT, 0),
        Member("externalUrl", "Class", None, "System.Uri", _SYSTEM),
        enum_member("externalUrlValid", validation, _MANAGEMENT, 0),
    )
    return NetObject(_TASKS + "IisService", _MANAGEMENT, members)


def _iis_services(sites: Sequence[str]) -> NetObject:
    item_type = _TASKS + "IisService"
    items = ObjectArray(
        item_type, _MANAGEMENT, [_iis_service(site) for site in sites], capacity=4 if sites else 0
    )
    return NetObject(
        f"System.Collections.Generic.List`1[[{item_type}, {_MANAGEMENT}]]",
        "",
        (
            Member("_items", "Class", items, item_type + "[]", _MANAGEMENT),
            Member("_size", "Int32", len(sites)),
            Member("_version", "Int32", len(sites) + 1),
        ),
    )


@lru_cache(maxsize=4096)
def certificate_blob(state: CertificateState) -> bytes:
    """The plain stream (class ExchangeCertificate, eight members in Exchange's order)."""
    root = NetObject(
        _TASKS + "ExchangeCertificate",
        _MANAGEMENT,
        (
            Member("CertData", "Array of Byte", serialized_certificate(state)),
            Member("SelfSigned", "Boolean", state.self_signed),
            enum_member("Status", _TASKS + "CertificateStatus", _MANAGEMENT, state.status),
            enum_member(
                "RootCAType", _TASKS + "CertificateAuthorityType", _MANAGEMENT, state.root_ca_type
            ),
            enum_member("Services", _TASKS + "AllowedServices", _MANAGEMENT, state.services),
            class_member("IISServices", _iis_services(state.iis_sites), system=True),
            Member("PrivateKeyExportable", "Boolean", state.private_key_exportable),
            Member("Identity", "String", state.identity),
        ),
    )
    return serialize(root)


@lru_cache(maxsize=4096)
def signed(blob: bytes) -> bytes:
    """The envelope of "certificate signing of PowerShell serialization payload": marker, length,
    stream, 32 bytes of signature (made up here; nobody can check it without the server's key)."""
    signature = hmac.new(b"signature of the pretended server", blob, hashlib.sha256).digest()
    return b"#sig#" + struct.pack("<i", len(blob)) + blob + signature
