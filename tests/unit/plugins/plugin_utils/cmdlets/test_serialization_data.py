# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The serialized copy of a certificate yields its services and friendly name, but no more."""

from __future__ import annotations

import random

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.binary_formatter import (
    MalformedStream,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.serialization_data import (
    read_certificate_serialization,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import RemoteObject
from support import captures
from support.serialized_certificate import exchange_certificate, signed

DER = b"\x30\x03abc"


@pytest.mark.parametrize("envelope", [bytes, signed], ids=["plain", "signed"])
def test_every_member_is_read(envelope: type[bytes]) -> None:
    blob = envelope(
        exchange_certificate(
            DER,
            services=27,
            status=3,
            root_ca_type=2,
            friendly_name="Größe",
            exportable=False,
            self_signed=True,
            sites=("IIS://EX01/W3SVC/1", "IIS://EX01/W3SVC/2"),
            identity="ex01.contoso.com\\0563B8",
        )
    )
    read = read_certificate_serialization(blob)
    assert (read.services, read.status, read.root_ca_type) == (27, 3, 2)
    assert (read.self_signed, read.private_key_exportable) == (True, False)
    assert read.has_private_key is True
    assert read.friendly_name == "Größe"
    assert read.identity == "ex01.contoso.com\\0563B8"
    assert read.iis_services == ("IIS://EX01/W3SVC/1", "IIS://EX01/W3SVC/2")
    assert read.certificate == DER


def test_without_a_friendly_name_it_is_empty() -> None:
    blob = exchange_certificate(DER, friendly_name=None)
    assert read_certificate_serialization(blob).friendly_name == ""


@pytest.mark.parametrize(
    ("blob", "complaint"),
    [
        pytest.param(b"#sig#", "cut short", id="no length"),
        pytest.param(b"#sig#\xff\xff\xff\x7f" + b"x" * 40, "cut short", id="length too large"),
        pytest.param(b"#sig#\xff\xff\xff\xff" + b"x" * 40, "cut short", id="negative length"),
        pytest.param(bytes(2 * 1024 * 1024), "too large", id="two megabytes"),
        pytest.param(exchange_certificate(DER, class_name="A.B"), "holds a A.B", id="other class"),
    ],
)
def test_anything_else_is_refused(blob: bytes, complaint: str) -> None:
    with pytest.raises(MalformedStream, match=complaint):
        read_certificate_serialization(blob)


def test_damage_never_leads_to_another_error() -> None:
    blob = exchange_certificate(DER)
    dice = random.Random(7)
    for _ in range(3000):
        copy = bytearray(blob)
        copy[dice.randrange(len(copy))] = dice.randrange(256)
        try:
            read_certificate_serialization(bytes(copy))
        except MalformedStream:
            continue


# File, position, services, exportable, root CA type, friendly name: read by hand from the files.
CAPTURED = [
    ("exlab-GetExchangeCertificate", 0, 0, True, 0, "Microsoft Exchange Server Auth Certificate"),
    ("exlab-GetExchangeCertificate", 1, 11, False, 3, "Microsoft Exchange"),
    ("exlab-GetExchangeCertificate", 2, 0, True, 0, "IIS Express Development Certificate"),
    ("exlab-GetExchangeCertificate", 3, 0, True, 3, "WMSVC-SHA2"),
    ("exlab-GetExchangeCertificateWithoutAuth", 0, 11, False, 3, "Microsoft Exchange"),
    ("e16-GetExchangeCertificate", 0, 16, True, 0, "Microsoft Exchange Server Auth Certificate"),
    ("e16-GetExchangeCertificate", 1, 27, False, 3, "Microsoft Exchange"),
    ("e16-GetExchangeCertificate", 2, 0, True, 3, "CN=WMSvc-WIN-9UC94ETVM30"),
    ("contoso-NewExchangeCertificateDefaultTransport", 0, 17, True, 0, "E2k16-1"),
]


@captures.needs_captures
@pytest.mark.parametrize(
    ("file", "position", "services", "exportable", "root_ca_type", "friendly_name"),
    CAPTURED,
    ids=[f"{row[0]}-{row[1]}" for row in CAPTURED],
)
def test_captured_certificates(
    file: str,
    position: int,
    services: int,
    exportable: bool,
    root_ca_type: int,
    friendly_name: str,
) -> None:
    value = captures.read(f"exchange-certificate/{file}")[position]
    read = read_certificate_serialization(value.get("SerializationData"))
    assert read.services == services
    assert read.private_key_exportable is exportable
    assert read.root_ca_type == root_ca_type
    assert read.friendly_name == friendly_name
    assert read.certificate == value.get("RawData")
    assert (read.status, read.self_signed) == (1, True)


@captures.needs_captures
def test_only_certificates_are_accepted_from_all_captured_objects() -> None:
    blobs = 0
    for path in captures.FOLDER.glob("*/*.xml"):
        if path.parent.name == "exchange-certificate":
            continue
        for value in captures.read(f"{path.parent.name}/{path.stem}"):
            for blob in serialized_copies(value):
                blobs += 1
                with pytest.raises(MalformedStream):
                    read_certificate_serialization(blob)
    assert blobs > 50


def serialized_copies(value: object) -> list[bytes]:
    if isinstance(value, list):
        return [blob for item in value for blob in serialized_copies(item)]
    if not isinstance(value, RemoteObject):
        return []
    own = [
        item
        for name, item in value.properties.items()
        if name == "SerializationData" and isinstance(item, bytes)
    ]
    return own + [blob for item in value.properties.values() for blob in serialized_copies(item)]
