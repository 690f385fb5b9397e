# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does the ``SerializationData`` of an ExchangeCertificate say beyond the certificate itself?

A whole certificate object carries only ``RawData`` over remoting; services, status and friendly
name are inside this blob, a .NET BinaryFormatter copy of the live object, on servers that sign
their payloads wrapped in ``#sig#``, length, stream, signature (captures exchange-certificate/*).
The blob is a fallback: a blob that cannot be read means "unknown", never an error of the task.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.binary_formatter import (
    BinaryObject,
    MalformedStream,
    read_stream,
)

_SIGNED = b"#sig#"
_CLASS_NAME = "ExchangeCertificate"
# Identifiers in a Windows serialized certificate (CertData), see CERT_FRIENDLY_NAME_PROP_ID.
_KEY_PROVIDER_PROPERTY = 2
_FRIENDLY_NAME_PROPERTY = 11
_CERTIFICATE_PROPERTY = 32
_LARGEST = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class CertificateSerialization:
    """What the blob holds; None where it does not say. Numbers are those of the .NET enums."""

    services: int | None = None
    status: int | None = None
    root_ca_type: int | None = None
    self_signed: bool | None = None
    private_key_exportable: bool | None = None
    has_private_key: bool | None = None
    friendly_name: str | None = None
    identity: str | None = None
    iis_services: tuple[str, ...] | None = None
    certificate: bytes | None = None


def read_certificate_serialization(blob: bytes) -> CertificateSerialization:
    """Read a blob, plain or signed; the signature is not checked (only Exchange could).

    Raises:
        MalformedStream: it is no serialized ExchangeCertificate.
    """
    if len(blob) > _LARGEST:
        raise MalformedStream("the blob is too large for a certificate")
    root = read_stream(_unwrap(bytes(blob)))
    if root.class_name.rpartition(".")[2] != _CLASS_NAME:
        raise MalformedStream(f"the blob holds a {root.class_name}")
    members = root.members
    properties = _serialized_certificate(members.get("CertData"))
    friendly_name = properties.get(_FRIENDLY_NAME_PROPERTY)
    return CertificateSerialization(
        services=_enum_number(members.get("Services")),
        status=_enum_number(members.get("Status")),
        root_ca_type=_enum_number(members.get("RootCAType")),
        self_signed=_boolean(members.get("SelfSigned")),
        private_key_exportable=_boolean(members.get("PrivateKeyExportable")),
        has_private_key=_KEY_PROVIDER_PROPERTY in properties if properties else None,
        friendly_name=_wide_text(friendly_name) if properties else None,
        identity=_text(members.get("Identity")),
        iis_services=_iis_services(members.get("IISServices")),
        certificate=properties.get(_CERTIFICATE_PROPERTY),
    )


def _unwrap(blob: bytes) -> bytes:
    if not blob.startswith(_SIGNED):
        return blob
    start = len(_SIGNED) + 4
    length = int.from_bytes(blob[len(_SIGNED) : start], "little", signed=True)
    if len(blob) < start or not 0 <= length <= len(blob) - start:
        raise MalformedStream("the signed blob is cut short")
    return blob[start : start + length]


def _serialized_certificate(data: object) -> dict[int, bytes]:
    """Read ``{property id, encoding, length, bytes}`` after one another, all little-endian."""
    if not isinstance(data, bytes):
        return {}
    properties: dict[int, bytes] = {}
    position = 0
    while position < len(data):
        if position + 12 > len(data):
            raise MalformedStream("the serialized certificate is cut short")
        identifier = int.from_bytes(data[position : position + 4], "little")
        length = int.from_bytes(data[position + 8 : position + 12], "little")
        position += 12
        if length > len(data) - position:
            raise MalformedStream("a property of the serialized certificate is cut short")
        properties[identifier] = data[position : position + length]
        position += length
    return properties


def _enum_number(value: object) -> int | None:
    number = value.members.get("value__") if isinstance(value, BinaryObject) else value
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _wide_text(data: bytes | None) -> str:
    return (data or b"").decode("utf-16-le", errors="replace").rstrip("\0")


def _iis_services(value: object) -> tuple[str, ...] | None:
    """Return ``IIS://<server>/W3SVC/<site id>`` of every site; only ``_size`` items are real."""
    if not isinstance(value, BinaryObject):
        return None
    items, size = value.members.get("_items"), value.members.get("_size")
    if not isinstance(items, list) or not isinstance(size, int):
        return None
    names = [
        item.members.get("serviceName")
        for item in items[: max(size, 0)]
        if isinstance(item, BinaryObject)
    ]
    return tuple(name for name in names if isinstance(name, str))
