# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does a variable of several words mean, wherever it was set?"""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.filter.comma_separated import FilterModule


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (["a", "b"], ["a", "b"]),
        ("a", ["a"]),
        (" a , b,,", ["a", "b"]),
        (["a,b", ["c", " d "]], ["a", "b", "c", "d"]),
        (("a", "a"), ["a", "a"]),
        ([200, "204,404"], ["200", "204", "404"]),
        (200, ["200"]),
        ("", []),
        ([], []),
        (None, []),
        (["", None], []),
    ],
)
def test_a_list_stays_and_words_with_commas_become_one(value: Any, words: list[str]) -> None:
    assert FilterModule().filters()["comma_separated"](value) == words
