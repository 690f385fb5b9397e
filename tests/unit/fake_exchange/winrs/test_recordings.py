# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does each function in the place of a script answer what real PowerShell has answered, in every
recorded situation?"""

from __future__ import annotations

import pytest

from fake_exchange.winrs.scripts import FUNCTIONS, recorded_sums, sum_of
from support.powershell_recordings import (
    LOG_NOT_AS_WINDOWS,
    SCRIPTS,
    Recording,
    answer_of_5_1,
    comparable,
    recordings,
)
from support.recorded_stage import play

PLAYED = list(recordings(*FUNCTIONS))


@pytest.mark.parametrize("recording", PLAYED, ids=lambda one: one["name"])
def test_the_function_answers_what_powershell_answered(recording: Recording) -> None:
    words = "only_7" not in recording
    answer, log = play(recording)
    expected = answer_of_5_1(recording)
    assert comparable(answer, words=words) == comparable(expected, words=words)
    if recording["name"] not in LOG_NOT_AS_WINDOWS:
        assert log == recording.get("log", [])


def test_a_situation_that_is_answered_otherwise_would_be_noticed() -> None:
    (recording,) = (one for one in PLAYED if one["name"] == "services stop one that refuses")
    answer, _ = play(recording)
    answer["answer"]["services"][0]["error"] = "another reason"
    assert comparable(answer) != comparable(recording["answer"])


def test_every_script_of_the_collection_has_its_function_and_its_recordings() -> None:
    names = {file.stem for file in SCRIPTS.glob("*.ps1")}
    assert set(FUNCTIONS) == names - {"bootstrap"}
    assert {one["script"] for one in PLAYED} == set(FUNCTIONS)


@pytest.mark.parametrize("name", sorted(file.stem for file in SCRIPTS.glob("*.ps1")))
def test_the_text_of_a_script_is_the_recorded_one(name: str) -> None:
    """After a change: make record-powershell."""
    text = (SCRIPTS / f"{name}.ps1").read_text(encoding="utf-8")
    assert recorded_sums()[name] == sum_of(text)


@pytest.mark.parametrize("recording", PLAYED, ids=lambda one: one["name"])
def test_a_recording_is_one_of_the_text_that_is_there_now(recording: Recording) -> None:
    for name, known in recording["sha256"].items():
        assert recorded_sums()[name] == known
