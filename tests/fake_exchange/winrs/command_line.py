# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which words does a Windows command line consist of?"""

from __future__ import annotations


def split_words(line: str) -> list[str]:
    """Words at blanks; double quotes hold blanks together and disappear."""
    words: list[str] = []
    current: list[str] = []
    quoted = started = False
    for character in line:
        if character == '"':
            quoted, started = not quoted, True
        elif character in " \t" and not quoted:
            if started:
                words.append("".join(current))
            current, started = [], False
        else:
            current.append(character)
            started = True
    if started:
        words.append("".join(current))
    return words
