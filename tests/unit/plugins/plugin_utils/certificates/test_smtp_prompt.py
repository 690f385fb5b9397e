# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one known question is recognised by the thumbprints in it, and answered by a label."""

from __future__ import annotations

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.smtp_prompt import (
    smtp_overwrite_policy,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.prompts import Prompt

OLD, NEW = "A" * 40, "B" * 40
ENGLISH = ["Yes", "Yes to All", "No", "No to All"]
GERMAN = ["Ja", "Ja, alle", "Nein", "Nein, keine"]


def question(message: str, choices: list[str]) -> Prompt:
    return Prompt(caption="", message=message, choices=choices, default=0)


@pytest.mark.parametrize(
    ("message", "choices", "keep", "replace"),
    [
        pytest.param(f"Overwrite '{OLD}' with '{NEW}'?", ENGLISH, "No", "Yes", id="English"),
        pytest.param(f"Ersetzen: '{OLD}' durch '{NEW}'", GERMAN, "Nein", "Ja", id="German"),
        pytest.param(f"{NEW} {OLD}", ["Yes", "No"], "No", "Yes", id="two choices"),
        pytest.param(f"{NEW} {OLD}", ["Oui", "Non"], "Non", "Oui", id="two choices in French"),
        pytest.param(f"{NEW} {OLD}", ["No", "Yes"], "No", "Yes", id="label before position"),
        pytest.param(
            f"{NEW.lower()} {OLD.lower()}", ENGLISH, "No", "Yes", id="thumbprints in lower case"
        ),
        pytest.param(f"{NEW} {OLD}", ["A", "B", "C"], None, None, id="unknown choices"),
        pytest.param(f"Overwrite '{OLD}'?", ENGLISH, None, None, id="another certificate"),
        pytest.param(f"Use '{NEW}'?", ENGLISH, None, None, id="nothing is overwritten"),
        pytest.param("Are you sure?", ENGLISH, None, None, id="another question"),
    ],
)
def test_answers(message: str, choices: list[str], keep: str | None, replace: str | None) -> None:
    prompt = question(message, choices)
    assert smtp_overwrite_policy(NEW, replace=False)(prompt) == keep
    assert smtp_overwrite_policy(NEW, replace=True)(prompt) == replace
