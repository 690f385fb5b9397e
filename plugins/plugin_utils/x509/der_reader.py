# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What elements does a piece of DER consist of?

The few lines of ASN.1 that names need; everything else about certificates is read by
``cryptography``. Every length is checked against what is there, so hostile input ends in an error.
"""

from __future__ import annotations

from dataclasses import dataclass

_OBJECT_IDENTIFIER = 6
_CONSTRUCTED = 0x20


class MalformedDer(ValueError):
    """The bytes are not the DER that was expected."""


@dataclass(frozen=True)
class DerElement:
    """One element: its tag byte, its content, and the whole of it as encoded."""

    tag: int
    content: bytes
    encoded: bytes

    def children(self) -> list[DerElement]:
        """Return the elements inside a constructed element.

        Raises:
            MalformedDer: the element is primitive, or its content is cut short.
        """
        if not self.tag & _CONSTRUCTED:
            raise MalformedDer(f"element with tag {self.tag} has no parts")
        elements = []
        position = 0
        while position < len(self.content):
            element = _read_element(self.content, position)
            elements.append(element)
            position += len(element.encoded)
        return elements


def read_der(data: bytes) -> DerElement:
    """Return the element at the start of ``data``; bytes behind it are ignored.

    Raises:
        MalformedDer: the element is cut short or uses a form DER does not have.
    """
    return _read_element(bytes(data), 0)


def read_object_identifier(element: DerElement) -> str:
    """Return an OBJECT IDENTIFIER in dotted form.

    Raises:
        MalformedDer: the element is something else.
    """
    if element.tag != _OBJECT_IDENTIFIER or not element.content or element.content[-1] & 0x80:
        raise MalformedDer("expected an object identifier")
    numbers = []
    number = 0
    for byte in element.content:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))


def _read_element(data: bytes, start: int) -> DerElement:
    if start + 2 > len(data):
        raise MalformedDer("an element is cut short")
    tag, length = data[start], data[start + 1]
    if tag & 0x1F == 0x1F:
        raise MalformedDer("tags of several bytes do not occur in certificates")
    content_start = start + 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or content_start + size > len(data):
            raise MalformedDer("the length of an element is malformed")
        length = int.from_bytes(data[content_start : content_start + size], "big")
        content_start += size
    end = content_start + length
    if end > len(data):
        raise MalformedDer("an element is longer than what is there")
    return DerElement(tag, data[content_start:end], data[start:end])
