# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions are answered by their label, in whatever order the choices come."""

from __future__ import annotations

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.prompts import (
    Prompt,
    choice_index,
    plain_label,
    refusal_index,
)

SHORT = ["&Yes", "&No"]
LONG = ["&Yes", "Yes to &All", "&No", "No to A&ll"]


@pytest.mark.parametrize(
    ("choices", "answer", "index"),
    [
        (SHORT, "No", 1),
        (LONG, "No", 2),
        (LONG, "no", 2),
        (LONG, "&No", 2),
        (LONG, "Yes to All", 1),
        (["&No", "&Yes"], "yes", 1),
        (LONG, "Maybe", None),
        ([], "No", None),
    ],
)
def test_an_answer_is_found_by_its_label(
    choices: list[str], answer: str, index: int | None
) -> None:
    assert choice_index(choices, answer) == index


@pytest.mark.parametrize(
    ("choices", "index"),
    [
        (SHORT, 1),
        (LONG, 2),
        (["&No", "&Yes"], 0),
        (["&Ja", "&Nein"], 1),
        (["&Ja", "Ja, &alle", "&Nein", "Nein, &keine"], 2),
        (["&Retry", "&Skip", "&Abort"], None),
        (["&OK"], None),
        ([], None),
    ],
)
def test_no_is_found_also_in_another_language(choices: list[str], index: int | None) -> None:
    assert refusal_index(choices) == index


def test_labels_lose_their_access_keys() -> None:
    assert [plain_label(label) for label in LONG] == ["Yes", "Yes to All", "No", "No to All"]


def test_a_question_s_text_is_one_line() -> None:
    assert Prompt("Confirm", "Really?\nThink.", ["Yes"], 0).text == "Confirm Really? Think."
