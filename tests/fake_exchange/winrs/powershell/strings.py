# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which characters does a string literal stand for?"""

from __future__ import annotations

import re

_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}


def verbatim(text: str) -> str:
    """The value of a single-quoted string or here-string."""
    here = re.match(r"@'[ \t]*\n", text)
    if here:
        return re.sub(r"\n'@\Z", "", "\n" + text[here.end() :])[1:]
    return text[1:-1].replace("''", "'")


def unquoted(text: str, *, first: bool, last: bool, here: bool) -> str:
    """A literal piece of an expandable string: without the quotes it may carry, escapes done."""
    if here:
        if first:
            text = "\n" + re.sub(r'\A@"[ \t]*\n', "", text)
        text = re.sub(r'\n"@\Z', "", text) if last else text
        text = text[1:] if first else text
        return escaped(text)
    text = text[1:] if first else text
    text = text[:-1] if last else text
    return escaped(text.replace('""', '"'))


def escaped(text: str) -> str:
    """Backtick escapes replaced."""

    def character(found: re.Match[str]) -> str:
        mark = found.group(1)
        return "" if mark == "\n" else _ESCAPES.get(mark, mark)

    return re.sub(r"`(.|\n)", character, text)
