# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would a serialized ExchangeCertificate look like? Written record by record, for tests."""

from __future__ import annotations

import struct

_LIBRARY_ID = 2


def int32(number: int) -> bytes:
    return struct.pack("<i", number)


def text(value: str) -> bytes:
    content = value.encode()
    length, prefix = len(content), b""
    while length >= 0x80:
        prefix += bytes([length & 0x7F | 0x80])
        length >>= 7
    return prefix + bytes([length]) + content


def header(root_id: int = 1) -> bytes:
    return b"\0" + struct.pack("<iiii", root_id, -1, 1, 0)


def library() -> bytes:
    return b"\x0c" + int32(_LIBRARY_ID) + text("Microsoft.Exchange.Management, Version=15.0.0.0")


def enumeration(object_id: int, name: str, number: int) -> bytes:
    """An inline class of one member value__."""
    members = b"\x05" + int32(object_id) + text(name) + int32(1) + text("value__")
    return members + b"\x00\x08" + int32(_LIBRARY_ID) + int32(number)


def serialized_certificate(der: bytes, friendly_name: str | None) -> bytes:
    def item(identifier: int, content: bytes) -> bytes:
        return struct.pack("<III", identifier, 1, len(content)) + content

    parts = [item(2, b"key provider")]
    if friendly_name is not None:
        parts.append(item(11, (friendly_name + "\0").encode("utf-16-le")))
    return b"".join([*parts, item(32, der)])


def exchange_certificate(
    der: bytes,
    *,
    services: int = 24,
    status: int = 1,
    root_ca_type: int = 1,
    friendly_name: str | None = "Mail",
    exportable: bool = True,
    self_signed: bool = False,
    sites: tuple[str, ...] = ("IIS://EX01/W3SVC/1",),
    identity: str = "ex01.contoso.com\\0563",
    class_name: str = "Microsoft.Exchange.Management.SystemConfigurationTasks.ExchangeCertificate",
) -> bytes:
    """The blob of one certificate, with records in the order of the captured ones."""
    names = [
        "CertData",
        "SelfSigned",
        "Status",
        "RootCAType",
        "Services",
        "IISServices",
        "PrivateKeyExportable",
        "Identity",
    ]
    root = b"\x05" + int32(1) + text(class_name) + int32(len(names)) + b"".join(map(text, names))
    root += bytes([7, 0, 4, 4, 4, 4, 0, 1])  # the kinds of the members, then what each kind needs
    root += b"\x02" + b"\x01"
    for name in ("Status", "RootCAType", "Services", "IisServiceList"):
        root += text(name) + int32(_LIBRARY_ID)
    root += b"\x01" + int32(_LIBRARY_ID)
    root += b"\x09" + int32(3) + bytes([self_signed])
    root += enumeration(-4, "Status", status) + enumeration(-5, "RootCAType", root_ca_type)
    root += enumeration(-6, "AllowedServices", services)
    root += b"\x09" + int32(7) + bytes([exportable])
    root += b"\x06" + int32(8) + text(identity)
    data = serialized_certificate(der, friendly_name)
    array = b"\x0f" + int32(3) + int32(len(data)) + b"\x02" + data
    return header() + library() + root + array + _site_list(sites) + b"\x0b"


def signed(blob: bytes) -> bytes:
    """The envelope of servers that sign their payloads."""
    return b"#sig#" + int32(len(blob)) + blob + bytes(32)


def _site_list(sites: tuple[str, ...]) -> bytes:
    """A List of IisService with room for two more, as .NET grows its lists."""
    room = len(sites) + 2
    listing = b"\x04" + int32(7) + text("System.Collections.Generic.List`1") + int32(3)
    listing += text("_items") + text("_size") + text("_version") + bytes([4, 0, 0])
    listing += text("IisService[]") + int32(_LIBRARY_ID) + b"\x08\x08"
    listing += b"\x09" + int32(9) + int32(len(sites)) + int32(1)
    array = b"\x07" + int32(9) + b"\x00" + int32(1) + int32(room) + b"\x04" + text("IisService")
    array += int32(_LIBRARY_ID)
    array += b"".join(b"\x09" + int32(20 + index) for index in range(len(sites)))
    array += b"\x0d\x02"  # a run of two nulls
    for index, site in enumerate(sites):
        array += b"\x05" + int32(20 + index) + text("IisService") + int32(1) + text("serviceName")
        array += b"\x01" + int32(_LIBRARY_ID) + b"\x06" + int32(40 + index) + text(site)
    return listing + array
