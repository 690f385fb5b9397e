# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do real PowerShell, the recordings and the fake say the same, in every situation?

The three are compared here where PowerShell is present. The recordings and the fake are compared
without it (test_recordings.py).
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from fake_exchange.winrs.scripts import FUNCTIONS
from support import real_powershell
from support.powershell_recordings import SCRIPTS, Recording, comparable, recordings
from support.recorded_stage import play

EVERY = {one["name"]: one for one in recordings()}

needs_powershell = pytest.mark.skipif(
    real_powershell.program() is None,
    reason=real_powershell.missing(
        f"the fake was compared with {len(EVERY)} recordings of it, in test_recordings.py"
    ),
)
pytestmark = needs_powershell


@pytest.fixture(scope="module")
def real() -> dict[str, Recording]:
    """The answer to every situation, all of them in one process."""
    return {result["name"]: result for result in real_powershell.perform(EVERY.values())}


@pytest.mark.parametrize("name", EVERY)
def test_what_is_real_was_recorded(real: dict[str, Recording], name: str) -> None:
    recording, result = EVERY[name], real[name]
    assert comparable(result["answer"]) == comparable(recording["answer"])
    assert result["log"] == recording.get("log", [])
    assert result["ended"] == recording.get("ended")
    # How a process ends that prints no answer is not seen from within a runspace.
    if result["exit_code"] is not None:
        assert result["exit_code"] == recording["exit_code"]


@pytest.mark.parametrize(
    "name", [name for name, one in EVERY.items() if one["script"] in FUNCTIONS]
)
def test_the_fake_does_what_is_real(real: dict[str, Recording], name: str) -> None:
    recording = EVERY[name]
    if "answer_with_json_of_5_1" in recording:
        pytest.skip("the fake answers as 5.1, whose JSON is not that of 7")
    words = "only_7" not in recording
    answer, _ = play(recording)
    assert comparable(answer, words=words) == comparable(real[name]["answer"], words=words)


# What is younger than Windows PowerShell 5.1 ------------------------------------------------------

#: What the scripts use, and Windows PowerShell 5.1 has: command -> parameters.
COMMANDS: dict[str, set[str]] = {
    "Add-PSSnapin": {"Name"},
    "ConvertFrom-Json": {"InputObject"},
    "ConvertTo-Json": {"InputObject", "Compress", "Depth"},
    "ConvertTo-SecureString": {"String", "AsPlainText", "Force"},
    "ForEach-Object": set(),
    "Get-ChildItem": {"Path"},
    "Get-Date": set(),
    "Get-Item": {"LiteralPath"},
    "Get-PSSnapin": {"Name", "Registered", "ErrorAction"},
    "Get-Service": set(),
    "Get-WebAppPoolState": {"Name"},
    "Get-WebBinding": {"Name", "Protocol"},
    "Import-Module": {"Name"},
    "New-Object": set(),
    "Out-String": set(),
    "Restart-WebAppPool": {"Name"},
    "Select-Object": {"Property"},
    "Start-Sleep": {"Milliseconds"},
    "Test-Path": {"LiteralPath"},
    "Where-Object": set(),
}
MEMBERS = {
    "Console::InputEncoding",
    "Console::Out",
    "Console::OutputEncoding",
    "Convert::FromBase64String",
    "Convert::ToBase64String",
    "DateTime::UtcNow",
    "Math::Round",
    "ScriptBlock::Create",
    "System.Management.Automation.PSSerializer::Serialize",
    "System.StringSplitOptions::RemoveEmptyEntries",
    "System.Text.Encoding::UTF8",
}
YOUNGER = {
    "$x ?? 1": "??",
    "$x ??= 1": "??=",
    "${x}?.y": "?.",
    "${x}?.y()": "?.",
    "${x}?[0]": "?[]",
    "$x ? 1 : 2": "a ternary",
    "a && b": "&& or ||",
    "a || b": "&& or ||",
    "a &": "a background &",
    "function f { end { } clean { } }": "a clean block",
    "0b11": "a number with prefix or suffix",
    "7u": "a number with prefix or suffix",
}


@pytest.fixture(scope="module")
def parsed() -> dict[str, Any]:
    texts = {file.stem: file.read_text(encoding="utf-8") for file in SCRIPTS.glob("*.ps1")}
    return real_powershell.parse(texts | {f"young {text}": text for text in YOUNGER})


@pytest.mark.parametrize("name", sorted(file.stem for file in SCRIPTS.glob("*.ps1")))
def test_a_script_is_one_of_windows_powershell_5_1(parsed: dict[str, Any], name: str) -> None:
    found = parsed[name]
    assert (found["errors"], found["newer"]) == ([], [])
    for command in found["commands"]:
        assert command["name"] in COMMANDS
        common = {"ErrorAction", "ErrorVariable", "WarningAction", "WarningVariable"}
        assert set(command["parameters"]) <= COMMANDS[command["name"]] | common
    # No version is part of the name of a type, so what has to be looked up is the whole list.
    assert {re.sub(r"^System\.(?=Convert|Math)", "", one) for one in found["members"]} <= MEMBERS


@pytest.mark.parametrize("text", YOUNGER)
def test_younger_syntax_would_be_noticed(parsed: dict[str, Any], text: str) -> None:
    assert YOUNGER[text] in parsed[f"young {text}"]["newer"]
