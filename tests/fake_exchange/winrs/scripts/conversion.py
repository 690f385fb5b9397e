# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does PowerShell turn one value into another? Only what the recorded scripts rely on: a cast
to text, to a whole number and to a truth, and `@()`."""

from __future__ import annotations

from typing import Any


def text(value: Any) -> str:
    """[string]$value of a value of JSON."""
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(text(item) for item in value)
    return str(value)


def number(value: Any) -> int:
    """[int]$value of a number or of a text that is one."""
    return int(value or 0)


def truth(value: Any) -> bool:
    """What `if ($value)` makes of a value of JSON: a text is true unless it is empty."""
    if isinstance(value, list):
        return truth(value[0]) if len(value) == 1 else bool(value)
    return bool(value)


def several(value: Any) -> list[Any]:
    """@($value): nothing becomes a list of one null."""
    return value if isinstance(value, list) else [value]
