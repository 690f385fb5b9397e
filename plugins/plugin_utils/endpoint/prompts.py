# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which answer a cmdlet's question gets: by the label of the choice, never by its position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Prompt:
    """A question of a cmdlet; `choices` are labels without the access key's ampersand."""

    caption: str
    message: str
    choices: list[str]
    default: int

    @property
    def text(self) -> str:
        """The question as a person would see it, on one line."""
        return " ".join(f"{self.caption} {self.message}".split())


PromptPolicy = Callable[[Prompt], "str | None"]
"""Returns the label to answer with, or None when the question is not known."""


@dataclass(frozen=True)
class AnsweredPrompt:
    """A question and the label it was answered with; `expected` is False when no policy knew it."""

    prompt: Prompt
    answer: str
    expected: bool = True


def plain_label(label: str) -> str:
    """A choice's label without its access key: `No to A&ll` -> `No to All`."""
    return label.replace("&", "")


def choice_index(choices: list[str], answer: str) -> int | None:
    """The position of the choice whose label is `answer`, ignoring case and ampersands."""
    wanted = plain_label(answer).strip().lower()
    for index, label in enumerate(choices):
        if plain_label(label).strip().lower() == wanted:
            return index
    return None


def refusal_index(choices: list[str]) -> int | None:
    """The position of No.

    The session asks for English, but a server may answer in its own language; then only the two
    shapes that PowerShell's ShouldContinue has are trusted: [Yes, No] and [Yes, Yes to All, No, No
    to All].
    """
    by_label = choice_index(choices, "No")
    if by_label is not None:
        return by_label
    return {2: 1, 4: 2}.get(len(choices))
