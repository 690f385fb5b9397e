# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does Microsoft send that psrpcore cannot read? The same, spelled so that it can.

docs/psrpcore.md has each case with an example; once psrpcore reads it, its repair goes.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

# Marks what was a member set; no such type name is ever on the wire.
MEMBER_SET = "System.Management.Automation.PSMemberSet"

# .NET writes the two characters that XML forbids as references, which no XML parser takes.
_FORBIDDEN = re.compile("&#x(FFF[EF]);", re.IGNORECASE)
_MEMBER_SET = re.compile("<MS ")
_OBJECT_AS_KEY = re.compile('<Obj [^>]*N="Key"')
_NAMESPACE = ' xmlns="http://schemas.microsoft.com/powershell/2004/04"'


def readable(clixml: str) -> str:
    """A message or document of Microsoft's serializer as psrpcore can read it.

    What needs no repair comes back unchanged, and so does what is no XML: psrpcore says what is
    wrong with it.
    """
    clixml = _FORBIDDEN.sub(r"_x\1_", clixml)
    if not (_MEMBER_SET.search(clixml) or _OBJECT_AS_KEY.search(clixml)):
        return clixml
    try:
        root = ElementTree.fromstring(clixml.replace(_NAMESPACE, "", 1))
    except ElementTree.ParseError:
        return clixml
    _make_member_sets_objects(root)
    _make_enum_keys_text(root)
    return ElementTree.tostring(root, encoding="unicode")


def _make_member_sets_objects(root: ElementTree.Element) -> None:
    """`<MS N="x">` beside properties is a group of members; psrpcore knows no such element."""
    for members in [element for element in root.iter("MS") if "N" in element.attrib]:
        inner = ElementTree.Element("MS")
        inner.extend(members)
        types = ElementTree.Element("TN", RefId=MEMBER_SET)
        ElementTree.SubElement(types, "T").text = MEMBER_SET
        name = members.attrib["N"]
        members.clear()
        members.tag = "Obj"
        members.attrib["N"] = name
        members.extend([types, inner])


def _make_enum_keys_text(root: ElementTree.Element) -> None:
    """An enum as key of a table counts by its number in psrpcore, and overwrites that number."""
    keys = [
        (entry, key)
        for entry in root.iter("En")
        for key in entry.findall("Obj")
        if key.get("N") == "Key"
    ]
    if keys:
        _write_out_type_names(root)
    for entry, key in keys:
        text = key.find("ToString")
        types = [name.text or "" for name in key.findall("TN/T")]
        if text is None or not any(name.endswith("System.Enum") for name in types):
            continue
        position = list(entry).index(key)
        entry[position] = ElementTree.Element("S", N="Key")
        entry[position].text = text.text


def _write_out_type_names(root: ElementTree.Element) -> None:
    """So that none is lost with the object that had it first."""
    names = {element.get("RefId"): list(element) for element in root.iter("TN")}
    for reference in root.iter("TNRef"):
        reference.tag = "TN"
        reference.extend(names.get(reference.get("RefId"), []))
