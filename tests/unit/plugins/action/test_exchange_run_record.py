# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a run open its record, find an unfinished one, and close it?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.action import exchange_run_record
from support.action_runner import RecordingConnection, run_action

NEW = "0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43"
OTHER = "D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90"
SERVERS = {"EX01": {"address": "ex01.contoso.com"}}


def record(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    connection = RecordingConnection(transport="local")
    return run_action("exchange_run_record", options, connection=connection, check_mode=check_mode)


def begin(directory: Path, **changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "state": "begun",
        "directory": str(directory),
        "thumbprint": NEW,
        "servers": SERVERS,
        "plan": {"servers": {"EX01": ["Import it."]}},
        "summary": "The plan.",
        **changes,
    }
    return record(**options)


def test_a_run_that_is_under_way_says_what_to_do_should_it_be_found(tmp_path: Path) -> None:
    result = begin(tmp_path)

    folder = Path(result["run"]["folder"])
    assert result["changed"] is False
    assert sorted(file.name for file in folder.iterdir()) == [
        "before.json",
        "events.jsonl",
        "plan.json",
        "running.json",
        "summary.md",
    ]
    summary = (folder / "summary.md").read_text()
    assert "has not finished" in summary
    assert f"rollback_run_folder={folder}" in summary


def test_an_unfinished_run_is_found_and_gone_on_with_until_it_is_closed(tmp_path: Path) -> None:
    found = {"state": "found", "directory": str(tmp_path), "thumbprint": NEW, "servers": SERVERS}
    assert record(**found)["run"] is None
    first = begin(tmp_path)["run"]
    assert record(**found)["run"]["folder"] == first["folder"]

    second = begin(tmp_path)["run"]
    assert (second["folder"], second["resumed"]) == (first["folder"], True)

    record(
        state="finished",
        folder=first["folder"],
        outcome="rotated",
        summary="Done.",
        servers=SERVERS,
    )
    assert record(**found)["run"] is None
    read = record(state="read", folder=first["folder"])["run"]
    assert (read["finished"], read["after"]["outcome"]) == (True, "rotated")
    events = [
        json.loads(line)
        for line in (Path(first["folder"]) / "events.jsonl").read_text().splitlines()
    ]
    assert [event["event"] for event in events] == ["began", "resumed", "finished"]


def test_a_run_that_did_not_reach_its_goal_stays_unfinished(tmp_path: Path) -> None:
    folder = begin(tmp_path)["run"]["folder"]

    record(state="finished", folder=folder, outcome="failed", complete=False, summary="It failed.")

    assert not (Path(folder) / "after.json").exists()
    assert "It failed." in (Path(folder) / "summary.md").read_text()
    assert begin(tmp_path)["run"]["resumed"] is True


@pytest.mark.parametrize("check_mode", [False, True])
def test_without_a_certificate_only_a_run_that_is_not_too_old_is_found(
    tmp_path: Path, check_mode: bool
) -> None:
    folder = begin(tmp_path)["run"]["folder"]
    found = {"state": "found", "directory": str(tmp_path), "servers": SERVERS}
    young = record(check_mode, **found, maximum_age_hours=1)
    assert (young["run"]["folder"], young["too_old"]) == (folder, None)
    old = record(check_mode, **found, maximum_age_hours=1e-9)
    assert (old["run"], old["too_old"]) == (None, folder)


def test_going_back_to_a_run_keeps_others_away_until_it_is_closed(tmp_path: Path) -> None:
    folder = Path(begin(tmp_path)["run"]["folder"])
    closed: dict[str, Any] = {
        "state": "finished",
        "folder": str(folder),
        "outcome": "rotated",
        "summary": "Done.",
    }
    record(**closed)
    assert not (folder / "running.json").exists()

    record(state="read", folder=str(folder))
    record(check_mode=True, state="read", folder=str(folder), exclusive=True)
    assert not (folder / "running.json").exists()
    record(state="read", folder=str(folder), exclusive=True)
    assert (folder / "running.json").exists()

    record(**closed)
    assert not (folder / "running.json").exists()


def test_while_another_playbook_is_at_work_nothing_is_begun_found_or_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = begin(tmp_path)["run"]["folder"]
    noted = (Path(folder) / "running.json").read_text()
    # This process is alive, and not the one that asks.
    monkeypatch.setattr(exchange_run_record.ActionModule, "playbook_process", lambda self: None)
    asked: list[dict[str, Any]] = [
        {"state": "found", "directory": str(tmp_path), "servers": SERVERS},
        {"state": "read", "folder": folder},
        {"state": "read", "folder": folder, "exclusive": True},
    ]
    for check_mode in (False, True):
        for options in asked:
            refused = record(check_mode, **options)
            assert "Another playbook is at work on these servers" in refused["msg"], options
    for thumbprint in (NEW, OTHER):
        refused = begin(tmp_path, thumbprint=thumbprint)
        assert "Another playbook is at work on these servers" in refused["msg"]
    assert (Path(folder) / "running.json").read_text() == noted
    assert len(list(tmp_path.glob("*-rotate-*"))) == 1

    elsewhere = begin(tmp_path, servers={"EX07": {"address": "ex07.contoso.com"}})
    assert elsewhere["run"]["resumed"] is False


def test_in_check_mode_only_the_plan_is_kept(tmp_path: Path) -> None:
    result = begin(tmp_path, check_mode=True)

    folder = Path(result["run"]["folder"])
    assert "-plan-" in folder.name
    assert sorted(file.name for file in folder.iterdir()) == ["plan.json", "summary.md"]
    assert begin(tmp_path, require_plan=True)["run"]["resumed"] is False


def test_without_the_plan_that_is_required_nothing_begins(tmp_path: Path) -> None:
    begin(tmp_path, check_mode=True, plan={"servers": {"EX01": ["Something else."]}})

    result = begin(tmp_path, require_plan=True)

    assert result["failed"] is True
    assert "--check" in result["msg"]
    assert not list(tmp_path.glob("*-rotate-*"))


def test_a_run_that_is_gone_on_with_needs_no_new_plan(tmp_path: Path) -> None:
    begin(tmp_path)
    assert begin(tmp_path, require_plan=True)["run"]["resumed"] is True


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"state": "begun"}, "directory"),
        ({"state": "read", "folder": "/nonexistent"}, "/nonexistent"),
        ({"state": "finished", "folder": "/nonexistent"}, "outcome"),
        ({"state": "read"}, "folder"),
        ({"state": "read", "folder": "/", "maximum_age_hours": 0}, "maximum_age_hours"),
    ],
)
def test_bad_input_is_named(options: dict[str, Any], said: str) -> None:
    result = record(**options)
    assert result["failed"] is True
    assert said in result["msg"]
