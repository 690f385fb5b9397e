# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second reading of CLIXML files, straight from the XML, to hold the product's reading against.

It knows nothing of psrpcore or the product and gives tuples that are easy to compare.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

_NAMESPACE = "{http://schemas.microsoft.com/powershell/2004/04}"
_LISTS = ("LST", "IE", "STK", "QUE")
_INTEGERS = ("By", "SB", "I16", "U16", "I32", "U32", "I64", "U64")
_PRIMITIVES = ("S", "B", "Db", "G", "DT", "BA", "Version", "URI", "Nil", *_INTEGERS)


def read_file(path: Path) -> list[Any]:
    """Every top-level object of an Export-Clixml file."""
    root = ElementTree.fromstring(path.read_text(encoding="utf-8-sig"))
    reader = _Reader()
    return [reader.read(element) for element in root]


class _Reader:
    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.type_names: dict[str, tuple[str, ...]] = {}

    def read(self, element: ElementTree.Element) -> Any:
        tag = _tag(element)
        if tag == "Obj":
            value = self.read_object(element)
            self.objects[element.attrib["RefId"]] = value
            return value
        if tag == "Ref":
            return self.objects[element.attrib["RefId"]]
        return _primitive(tag, element.text or "")

    def read_object(self, element: ElementTree.Element) -> Any:
        names: tuple[str, ...] = ()
        text = None
        properties: dict[str, Any] = {}
        for child in element:
            tag = _tag(child)
            if tag == "TN":
                names = tuple(name.text or "" for name in child)
                self.type_names[child.attrib["RefId"]] = names
            elif tag == "TNRef":
                names = self.type_names[child.attrib["RefId"]]
            elif tag == "ToString":
                text = _unescaped(child.text or "")
            elif tag in ("Props", "MS"):
                for member in child:
                    properties[member.attrib["N"]] = self.read(member)
            elif tag in _LISTS:
                return [self.read(item) for item in child]
            elif tag in _PRIMITIVES:
                value = _primitive(tag, child.text or "")
                return ("enum", names, text, value) if "System.Enum" in names else value
            else:
                raise ValueError(f"this reader has never met <{tag}>")
        return ("object", names, text, properties)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.removeprefix(_NAMESPACE)


def _primitive(tag: str, text: str) -> Any:
    if tag == "Nil":
        return None
    if tag == "B":
        return {"true": True, "false": False}[text]
    if tag in _INTEGERS:
        return int(text)
    if tag == "Db":
        return float(text)
    if tag == "BA":
        return base64.b64decode(text)
    if tag == "DT":
        # Python keeps six of .NET's seven fraction digits.
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d", r"\1", text).replace("Z", "+00:00"))
    return _unescaped(text)


def _unescaped(text: str) -> str:
    units = re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found.group(1), 16)), text)
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
