# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What did real PowerShell answer? The recordings, and how an answer is compared with one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

TESTS = Path(__file__).resolve().parents[1]
RECORDINGS = TESTS / "recordings" / "powershell"
SCRIPTS = TESTS.parent / "plugins" / "plugin_utils" / "endpoint" / "scripts"

Recording = dict[str, Any]

#: Windows starts a service after the one that it needs; the recorded stage starts both at once.
LOG_NOT_AS_WINDOWS = ("services start what needs another",)


def recordings(*scripts: str) -> Iterator[Recording]:
    """All of them, or those of some scripts."""
    for file in sorted(RECORDINGS.glob("*.jsonl")):
        if not scripts or file.stem in scripts:
            for line in file.read_text(encoding="utf-8").splitlines():
                yield json.loads(line)


def answer_of_5_1(recording: Recording) -> Any:
    """What Windows PowerShell 5.1 answers, whose JSON cmdlets differ from those of 7."""
    return recording.get("answer_with_json_of_5_1", recording["answer"])


def comparable(answer: Any, *, words: bool = True) -> Any:
    """An answer without what differs from run to run: time, line ends and blanks of CLIXML; without
    the messages too, where `words` are known to differ."""
    if isinstance(answer, dict):
        return {
            key: _comparable_member(key, value, words=words)
            for key, value in answer.items()
            if key not in ("seconds", "utc") and (words or key != "message")
        }
    if isinstance(answer, list):
        return [comparable(item, words=words) for item in answer]
    return answer


def _comparable_member(key: str, value: Any, *, words: bool) -> Any:
    if key == "output" and isinstance(value, str):
        return canonical_clixml(value)
    return comparable(value, words=words)


def canonical_clixml(text: str) -> str:
    """CLIXML without the blanks between its elements; every type list is written out."""
    root = ElementTree.fromstring(text)
    types: dict[str, list[str]] = {}
    for element in root.iter():
        name = re.sub(r"^\{.*\}", "", element.tag)
        if name == "TN":
            types[element.attrib["RefId"]] = [child.text or "" for child in element]
    return _canonical(root, types)


def _canonical(element: ElementTree.Element, types: dict[str, list[str]]) -> str:
    name = re.sub(r"^\{.*\}", "", element.tag)
    if name in ("TN", "TNRef"):
        return "<types>" + "|".join(types[element.attrib["RefId"]]) + "</types>"
    inner = "".join(_canonical(child, types) for child in element)
    text = inner if len(element) else element.text or ""
    return f"<{name} {sorted(element.attrib.items())}>{text}</{name}>"
