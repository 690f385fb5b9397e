# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a run open its record, or one that it resumes, and close it?"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.mailops.exchange.plugins.action import exchange_run_record
from support.run_records import NEW, OTHER, SERVERS, content, finish, info, record, start

REPOSITORY = Path(__file__).resolve().parents[4]


def events(folder: str) -> list[str]:
    lines = (Path(folder) / "events.jsonl").read_text().splitlines()
    return [json.loads(line)["event"] for line in lines]


# -- started -------------------------------------------------------------------------------------


def test_a_run_that_is_under_way_says_what_to_do_should_it_be_found(tmp_path: Path) -> None:
    result = start(tmp_path)

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


def test_an_unfinished_run_is_resumed_until_it_has_finished(tmp_path: Path) -> None:
    first = start(tmp_path)["run"]
    assert (first["resumed"], first["finished"], first["running"]) == (False, False, True)

    second = start(tmp_path)["run"]
    assert (second["folder"], second["resumed"]) == (first["folder"], True)
    assert second["before"] == first["before"]

    finish(first["folder"])
    assert events(first["folder"]) == ["began", "resumed", "finished"]
    third = start(tmp_path)["run"]
    assert (third["folder"] != first["folder"], third["resumed"]) == (True, False)


def test_in_check_mode_only_the_plan_is_kept_each_time_in_a_folder_of_its_own(
    tmp_path: Path,
) -> None:
    first = start(tmp_path, check_mode=True)["run"]
    second = start(tmp_path, check_mode=True)["run"]

    assert first["folder"] != second["folder"]
    for run in (first, second):
        folder = Path(run["folder"])
        assert "-plan-" in folder.name
        assert sorted(file.name for file in folder.iterdir()) == ["plan.json", "summary.md"]
        assert (run["resumed"], run["finished"], run["running"]) == (False, False, False)
        assert (run["before"], run["after"]) == (None, None)
        assert run["plan"]["servers"] == {"EX01": ["Import it."]}
    assert start(tmp_path, require_plan=True)["run"]["resumed"] is False


def test_without_the_plan_that_is_required_nothing_starts(tmp_path: Path) -> None:
    start(tmp_path, check_mode=True, plan={"servers": {"EX01": ["Something else."]}})

    result = start(tmp_path, require_plan=True)

    assert result["failed"] is True
    assert "--check" in result["msg"]
    assert not list(tmp_path.glob("*-rotate-*"))


def test_a_run_that_is_resumed_needs_no_new_plan(tmp_path: Path) -> None:
    start(tmp_path)
    assert start(tmp_path, require_plan=True)["run"]["resumed"] is True


# -- resumed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("finished", [False, True])
def test_a_run_is_resumed_by_its_folder_and_locked_until_it_is_finished_again(
    tmp_path: Path, finished: bool
) -> None:
    folder = start(tmp_path)["run"]["folder"]
    finish(folder, complete=finished)
    lock = Path(folder) / "running.json"
    assert not lock.exists()

    for _again in range(2):
        result = record(state="resumed", folder=folder)
        run = result["run"]
        assert result["changed"] is False
        assert (run["folder"], run["resumed"], run["running"]) == (folder, True, True)
        assert run["finished"] is finished
        assert run["before"]["servers"] == SERVERS
        assert run["plan"]["servers"] == {"EX01": ["Import it."]}
        assert (run["after"] is not None) is finished
        assert lock.exists()

    finish(folder, outcome="rolled back")
    assert not lock.exists()


def test_in_check_mode_a_run_is_resumed_without_its_lock(tmp_path: Path) -> None:
    folder = start(tmp_path)["run"]["folder"]
    finish(folder)
    written = content(tmp_path)

    for _again in range(2):
        run = record(check_mode=True, state="resumed", folder=folder)["run"]
        assert (run["folder"], run["resumed"], run["running"]) == (folder, True, False)
    assert content(tmp_path) == written


# -- finished ------------------------------------------------------------------------------------


def test_a_run_that_has_finished_holds_what_was_at_the_end_and_may_be_finished_again(
    tmp_path: Path,
) -> None:
    folder = start(tmp_path)["run"]["folder"]

    for outcome in ("rotated", "rolled back"):
        result = finish(folder, outcome=outcome, summary=f"It was {outcome}.")
        run = result["run"]
        assert result["changed"] is False
        assert (run["finished"], run["running"], run["resumed"]) == (True, False, False)
        assert (run["after"]["outcome"], run["after"]["servers"]) == (outcome, SERVERS)
        assert f"It was {outcome}." in (Path(folder) / "summary.md").read_text()


def test_a_run_that_did_not_reach_its_goal_stays_unfinished(tmp_path: Path) -> None:
    folder = start(tmp_path)["run"]["folder"]

    finish(folder, outcome="failed", complete=False, summary="It failed.")

    assert not (Path(folder) / "after.json").exists()
    assert "It failed." in (Path(folder) / "summary.md").read_text()
    assert events(folder) == ["began", "stopped"]
    assert start(tmp_path)["run"]["resumed"] is True


def test_in_check_mode_a_run_is_not_finished(tmp_path: Path) -> None:
    folder = start(tmp_path)["run"]["folder"]
    written = content(tmp_path)

    for _again in range(2):
        assert finish(folder, check_mode=True)["run"] is None
    assert content(tmp_path) == written


# -- all -----------------------------------------------------------------------------------------


def test_while_another_playbook_is_at_work_nothing_is_started_or_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = start(tmp_path)["run"]["folder"]
    lock = (Path(folder) / "running.json").read_text()
    # This process lives, and is not the one that asks.
    monkeypatch.setattr(exchange_run_record.ActionModule, "playbook_process", lambda self: None)

    refused = [record(check_mode=mode, state="resumed", folder=folder) for mode in (False, True)]
    refused += [start(tmp_path, thumbprint=thumbprint) for thumbprint in (NEW, OTHER)]

    for result in refused:
        assert result["failed"] is True
        assert "Another playbook is at work on these servers" in result["msg"]
    assert (Path(folder) / "running.json").read_text() == lock
    assert len(list(tmp_path.glob("*-rotate-*"))) == 1
    elsewhere = start(tmp_path, servers={"EX07": {"address": "ex07.contoso.com"}})
    assert elsewhere["run"]["resumed"] is False


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"state": "started"}, "directory, thumbprint, servers, plan"),
        ({"state": "resumed"}, "folder"),
        ({"state": "resumed", "folder": "/nonexistent"}, "/nonexistent"),
        ({"state": "finished", "folder": "/nonexistent"}, "outcome, summary"),
        ({"state": "resumed", "folder": "/", "plan_maximum_age_hours": 0}, "plan_maximum_age"),
    ],
)
def test_bad_input_is_named(options: dict[str, Any], said: str) -> None:
    result = record(**options)
    assert result["failed"] is True
    assert said in result["msg"]
    assert "deprecations" not in result


# -- the deprecated states -----------------------------------------------------------------------


def deprecation(result: dict[str, Any]) -> str:
    """The message of the one deprecation that a result reports."""
    (entry,) = result["deprecations"]
    assert (entry["version"], entry["collection_name"]) == ("0.4.0", "mailops.exchange")
    return str(entry["msg"])


@pytest.mark.parametrize("check_mode", [False, True])
def test_begun_is_started_and_deprecated(tmp_path: Path, check_mode: bool) -> None:
    result = start(tmp_path, state="begun", check_mode=check_mode)

    assert "state=begun" in deprecation(result)
    assert "state=started" in deprecation(result)
    kept = sorted(folder.name.split("-")[1] for folder in tmp_path.glob("*-*-*"))
    assert kept == ["plan" if check_mode else "rotate"]


def test_found_is_the_info_module_and_deprecated(tmp_path: Path) -> None:
    found = {"state": "found", "directory": str(tmp_path), "thumbprint": NEW, "servers": SERVERS}
    none = record(**found)
    assert (none["run"], none["too_old"]) == (None, None)
    folder = start(tmp_path)["run"]["folder"]

    result = record(**found)

    assert "exchange_run_record_info" in deprecation(result)
    assert result["run"] == {**info(folder=folder)["run"], "resumed": True}
    old = record(**found, maximum_age_hours=1e-9)
    assert (old["run"], old["too_old"]) == (None, folder)


def test_read_is_the_info_module_or_resumed_and_deprecated(tmp_path: Path) -> None:
    folder = start(tmp_path)["run"]["folder"]
    finish(folder)
    lock = Path(folder) / "running.json"

    read = record(state="read", folder=folder)
    assert "exchange_run_record_info" in deprecation(read)
    assert read["run"] == {**info(folder=folder)["run"], "resumed": True}
    assert not lock.exists()

    exclusive = record(state="read", folder=folder, exclusive=True)
    assert "state=resumed" in deprecation(exclusive)
    assert exclusive["run"] == {**read["run"], "running": True}
    assert lock.exists()


def test_a_deprecated_state_that_fails_is_reported_as_deprecated_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = start(tmp_path)["run"]["folder"]
    monkeypatch.setattr(exchange_run_record.ActionModule, "playbook_process", lambda self: None)
    asked: list[dict[str, Any]] = [
        {"state": "found", "directory": str(tmp_path), "servers": SERVERS},
        {"state": "read", "folder": folder},
        {"state": "read", "folder": folder, "exclusive": True},
    ]
    for options in asked:
        result = record(**options)
        assert "Another playbook is at work on these servers" in result["msg"], options
        assert f"state={options['state']}" in deprecation(result)


def test_no_role_and_no_playbook_uses_a_deprecated_state() -> None:
    used = [
        state
        for folder in ("roles", "playbooks")
        for file in (REPOSITORY / folder).rglob("*.yml")
        for state in re.findall(
            r"exchange_run_record:\n +state: (\w+)", file.read_text(encoding="utf-8")
        )
    ]

    assert set(used) == {"started", "resumed", "finished"}


def test_what_is_deprecated_is_removed_with_its_version() -> None:
    galaxy = yaml.safe_load((REPOSITORY / "galaxy.yml").read_text(encoding="utf-8"))

    def number(version: str) -> list[int]:
        return [int(part) for part in version.split(".")]

    assert number(galaxy["version"]) < number(exchange_run_record.REMOVAL_VERSION)
