# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do .NET's regular expressions and PowerShell's wildcards read in Python?"""

from __future__ import annotations

import functools
import re

from .values import MethodFailed


@functools.lru_cache(maxsize=512)
def to_regex(pattern: str, *, ignore_case: bool, flags: int = 0) -> re.Pattern[str]:
    """A .NET regular expression. Raises MethodFailed (ArgumentException) if it is none."""
    text = re.sub(r"\(\?<(?![=!])", "(?P<", pattern)
    text = re.sub(r"\\z", r"\\Z", text).replace(r"\k<", "(?P=") if r"\k<" not in text else text
    try:
        return re.compile(text, (re.IGNORECASE if ignore_case else 0) | flags)
    except re.error as failure:
        raise MethodFailed(
            "System.ArgumentException", f'parsing "{pattern}" - {failure.msg}.'
        ) from None


@functools.lru_cache(maxsize=512)
def wildcard_to_regex(pattern: str, *, ignore_case: bool = True) -> re.Pattern[str]:
    """`*`, `?`, `[a-z]` and the backtick as escape."""
    pieces: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        closing = pattern.find("]", position + 2) if character == "[" else -1
        if character == "`" and position + 1 < len(pattern):
            position += 1
            pieces.append(re.escape(pattern[position]))
        elif character == "*":
            pieces.append(".*")
        elif character == "?":
            pieces.append(".")
        elif closing > 0:
            inner = pattern[position + 1 : closing].replace("\\", "\\\\").replace("^", "\\^")
            pieces.append(f"[{inner}]")
            position = closing
        else:
            pieces.append(re.escape(character))
        position += 1
    return re.compile("".join(pieces), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def has_wildcards(text: str) -> bool:
    return any(character in text for character in "*?[")


def replacement_template(text: str) -> str:
    """The replacement of -replace ($1, ${name}, $&, $$) in Python's spelling."""

    def convert(found: re.Match[str]) -> str:
        token = found.group()
        if token == "\\":
            return "\\\\"
        if token == "$$":
            return "$"
        if token in ("$&", "$0"):
            return r"\g<0>"
        return rf"\g<{token.strip('${}')}>"

    return re.sub(r"\\|\$\$|\$&|\$\d+|\$\{\w+\}", convert, text)
