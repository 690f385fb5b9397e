# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does the console host print objects? Text as it is, other objects as a table (up to four
properties) or a list."""

from __future__ import annotations

from .conversion import to_text
from .errors import ErrorRecord
from .members import get_member
from .type_names import type_names_of
from .values import DictionaryEntry, Hashtable, NetObject, as_sequence

_DEFAULT_COLUMNS = {
    "System.ServiceProcess.ServiceController": ("Status", "Name", "DisplayName"),
    "System.Collections.DictionaryEntry": ("Name", "Value"),
}


def display_text(items: list[object]) -> str:
    """All of `items` as the host writes them, every line ended by CR LF."""
    lines: list[str] = []
    pending: list[NetObject] = []
    for item in [entry for one in items for entry in _unrolled(one)]:
        if _is_structured(item):
            assert isinstance(item, NetObject)
            if pending and _columns(pending[0]) != _columns(item):
                lines += _rendered(pending)
                pending = []
            pending.append(item)
            continue
        if pending:
            lines += _rendered(pending)
            pending = []
        lines += _plain(item)
    if pending:
        lines += _rendered(pending)
    return "".join(f"{line}\r\n" for line in lines)


def _unrolled(item: object) -> list[object]:
    if isinstance(item, Hashtable):
        return [DictionaryEntry(key, value) for key, value in item.items()]
    items = as_sequence(item)
    return [item] if items is None else [entry for one in items for entry in _unrolled(one)]


def _is_structured(item: object) -> bool:
    if not isinstance(item, NetObject) or isinstance(item, ErrorRecord):
        return False
    return bool(_columns(item))


def _plain(item: object) -> list[str]:
    if item is None:
        return []
    if isinstance(item, ErrorRecord):
        return item.as_lines()
    text = to_text(item)
    return text.replace("\r\n", "\n").split("\n") if text.count("\r\n") or "\n" in text else [text]


def _columns(item: NetObject) -> tuple[str, ...]:
    return _DEFAULT_COLUMNS.get(type_names_of(item)[0]) or tuple(item.property_names())


def _cell(item: object, name: str) -> str:
    value = get_member(item, name)
    items = as_sequence(value)
    if items is not None:
        return "{" + ", ".join(to_text(one) for one in items) + "}"
    if isinstance(value, Hashtable):
        return "{" + ", ".join(to_text(key) for key, _ in value.items()) + "}"
    return to_text(value)


def _rendered(items: list[NetObject]) -> list[str]:
    columns = _columns(items[0])
    rows = [[_cell(item, name) for name in columns] for item in items]
    if len(columns) > 4:
        width = max(len(name) for name in columns)
        lines = [""]
        for row in rows:
            lines.append("")
            lines += [
                f"{name.ljust(width)} : {cell}" for name, cell in zip(columns, row, strict=True)
            ]
        return [*lines, "", "", ""]
    widths = [
        max(len(name), *(len(row[index]) for row in rows)) for index, name in enumerate(columns)
    ]

    def line(cells: list[str]) -> str:
        return " ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()

    ruled = [line(["-" * len(name) for name in columns])]
    return ["", line(list(columns)), *ruled, *(line(row) for row in rows), "", ""]
