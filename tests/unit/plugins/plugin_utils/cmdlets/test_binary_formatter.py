# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile or damaged streams end in one kind of error, at a cost no larger than their own size."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.binary_formatter import (
    BinaryObject,
    MalformedStream,
    read_stream,
)
from support.serialized_certificate import exchange_certificate, header, int32, library, text


def system_class(object_id: int, members: dict[str, bytes], kinds: bytes, extra: bytes) -> bytes:
    names = b"".join(text(name) for name in members)
    head = b"\x04" + int32(object_id) + text("Some.Class") + int32(len(members)) + names
    return head + kinds + extra + b"".join(members.values())


def one_member(kind: bytes, value: bytes) -> bytes:
    return header() + system_class(1, {"m": value}, kind[:1], kind[1:]) + b"\x0b"


@pytest.mark.parametrize(
    ("kind", "content", "value"),
    [
        pytest.param(1, b"\x01", True, id="Boolean"),
        pytest.param(2, b"\xff", 255, id="Byte"),
        pytest.param(3, "é".encode(), "é", id="Char"),
        pytest.param(6, struct.pack("<d", 1.5), 1.5, id="Double"),
        pytest.param(7, struct.pack("<h", -2), -2, id="Int16"),
        pytest.param(8, struct.pack("<i", -3), -3, id="Int32"),
        pytest.param(9, struct.pack("<q", 2**40), 2**40, id="Int64"),
        pytest.param(14, struct.pack("<H", 65535), 65535, id="UInt16"),
        pytest.param(18, text("x" * 300), "x" * 300, id="String with a long length"),
    ],
)
def test_primitive_members(kind: int, content: bytes, value: object) -> None:
    root = read_stream(one_member(bytes([0, kind]), content))
    assert root == BinaryObject("Some.Class", {"m": value})


def test_references_may_point_forwards_and_in_circles() -> None:
    first = system_class(1, {"m": b"\x09" + int32(2)}, b"\x02", b"")
    second = system_class(2, {"m": b"\x09" + int32(1)}, b"\x02", b"")
    root = read_stream(header() + first + second + b"\x0b")
    other = root.members["m"]
    assert isinstance(other, BinaryObject)
    assert other.members["m"] is root


def test_a_class_described_once_serves_for_more_objects() -> None:
    first = system_class(1, {"m": b"\x09" + int32(2)}, b"\x02", b"")
    second = b"\x01" + int32(2) + int32(1) + b"\x0a"
    root = read_stream(header() + first + second + b"\x0b")
    assert root.members["m"] == BinaryObject("Some.Class", {"m": None})


def nested(depth: int) -> bytes:
    content = b"\x0a"
    for number in range(depth, 0, -1):
        content = system_class(number, {"m": content}, b"\x02", b"")
    return header() + content + b"\x0b"


def test_reasonable_nesting_is_read() -> None:
    assert read_stream(nested(20)).class_name == "Some.Class"


@pytest.mark.parametrize(
    ("stream", "complaint"),
    [
        pytest.param(b"", "ends early", id="empty"),
        pytest.param(b"\x01" * 20, "header", id="no header"),
        pytest.param(b"\0" + struct.pack("<iiii", 1, -1, 2, 0), "version", id="version"),
        pytest.param(header() + b"\x0b", "no root", id="nothing in it"),
        pytest.param(header() + b"\x63", "record type 99", id="unknown record"),
        pytest.param(header() + b"\x02" + int32(1), "record type 2", id="class without types"),
        pytest.param(nested(200), "nested too deeply", id="nesting"),
        pytest.param(
            one_member(b"\x02", b"\x09" + int32(77)), "points to nothing", id="dangling reference"
        ),
        pytest.param(
            header() + b"\x01" + int32(1) + int32(5), "not described", id="undescribed class"
        ),
        pytest.param(
            header() + b"\x04" + int32(1) + text("X") + int32(2**31 - 1),
            "count is larger",
            id="two billion members",
        ),
        pytest.param(
            header() + b"\x04" + int32(1) + text("X") + int32(-1), "count", id="negative count"
        ),
        pytest.param(
            header() + b"\x0f" + int32(1) + int32(2**31 - 1) + b"\x02",
            "count",
            id="two billion bytes",
        ),
        pytest.param(
            header() + b"\x10" + int32(1) + int32(2**31 - 1), "too long", id="two billion objects"
        ),
        pytest.param(
            header() + b"\x10" + int32(1) + int32(3) + b"\x0e" + int32(2**31 - 1),
            "run of nulls",
            id="two billion nulls",
        ),
        pytest.param(
            header() + b"\x10" + int32(1) + int32(3) + b"\x0d\x00", "run of nulls", id="no nulls"
        ),
        pytest.param(
            header() + b"\x06" + int32(1) + b"\xff\xff\xff\xff\xff", "malformed", id="string length"
        ),
        pytest.param(header() + b"\x06" + int32(1) + b"\x01\xff", "UTF-8", id="bad UTF-8"),
        pytest.param(one_member(b"\x09", b""), "member type 9", id="member type"),
        pytest.param(one_member(b"\x00\x63", b""), "primitive type 99", id="primitive type"),
        pytest.param(header() + library() * 30_000, "too many records", id="endless libraries"),
        pytest.param(
            header() + b"\x07" + int32(1) + b"\x02" + int32(2) + bytes(30),
            "one dimension",
            id="rectangular array",
        ),
    ],
)
def test_hostile_streams_are_refused(stream: bytes, complaint: str) -> None:
    with pytest.raises(MalformedStream, match=complaint):
        read_stream(stream)


def damaged(blob: bytes) -> Iterator[bytes]:
    """Every way of cutting the blob short, and thousands of reproducible damages."""
    for length in range(len(blob)):
        yield blob[:length]
    dice = random.Random(20261122)
    for _ in range(3000):
        copy = bytearray(blob)
        for _ in range(dice.randint(1, 8)):
            copy[dice.randrange(len(copy))] = dice.randrange(256)
        yield bytes(copy)


def test_no_damage_leads_to_anything_but_the_one_error() -> None:
    refused = 0
    for blob in damaged(exchange_certificate(b"0123456789" * 3)):
        try:
            read_stream(blob)
        except MalformedStream:
            refused += 1
    assert refused > 1000
