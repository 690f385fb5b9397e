# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which run resumes which, and which plan counts?"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.record import run_folder, runs

NOW = datetime(2027, 1, 10, 21, 30, tzinfo=timezone.utc)
NEW = "0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43"
OTHER = "D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90"
SERVERS: dict[str, dict[str, Any]] = {
    "EX01": {"address": "ex01.contoso.com", "internal": "A"},
    "EX02": {"address": "ex02.contoso.com", "internal": "A"},
}
ADDRESSES = {name: str(server["address"]) for name, server in SERVERS.items()}


def begin(directory: Path, minutes: int = 0, **changes: Any) -> tuple[runs.Run, bool]:
    arguments: dict[str, Any] = {
        "operation": "rotate",
        "thumbprint": NEW,
        "servers": SERVERS,
        "organization": {},
        "now": NOW + timedelta(minutes=minutes),
        **changes,
    }
    return runs.begin_run(directory, **arguments)


def finish(run: runs.Run) -> None:
    run_folder.write_document(run.folder, run_folder.AFTER, {"outcome": "rotated"})


def test_a_run_writes_down_what_was_before(tmp_path: Path) -> None:
    run, resumed = begin(tmp_path)

    assert resumed is False
    assert run.folder.name == "20270110T213000Z-rotate-0563B863"
    assert run.finished is False
    before = run_folder.read_document(run.folder, run_folder.BEFORE)
    assert before is not None
    assert before["servers"] == SERVERS


def test_an_unfinished_run_is_resumed_and_what_was_before_it_stays(tmp_path: Path) -> None:
    first, _ = begin(tmp_path)
    half_changed = {"EX01": {"address": "ex01.contoso.com", "internal": "B"}}

    second, resumed = begin(tmp_path, minutes=5, servers=half_changed)

    assert resumed is True
    assert second.folder == first.folder
    assert second.before["servers"] == SERVERS


def test_a_server_that_the_unfinished_run_did_not_know_is_added(tmp_path: Path) -> None:
    begin(tmp_path, servers={"EX01": SERVERS["EX01"]})

    run, resumed = begin(tmp_path, minutes=5)

    assert resumed is True
    assert set(run.before["servers"]) == {"EX01", "EX02"}
    assert runs.open_run(run.folder).before == run.before


@pytest.mark.parametrize(
    "changes",
    [
        {"thumbprint": OTHER},
        {"operation": "cleanup"},
        {"servers": {"EX01": {"address": "ex01.fabrikam.com"}}},
    ],
    ids=["another certificate", "another operation", "another organization"],
)
def test_a_run_for_something_else_begins_from_the_start(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    first, _ = begin(tmp_path)

    second, resumed = begin(tmp_path, minutes=5, **changes)

    assert resumed is False
    assert second.folder != first.folder


def test_after_a_finished_run_the_next_begins_from_the_start(tmp_path: Path) -> None:
    first, _ = begin(tmp_path)
    finish(first)

    second, resumed = begin(tmp_path)

    assert resumed is False
    assert second.folder.name == f"{first.folder.name}-2"


def test_an_unfinished_run_behind_a_finished_one_is_left_alone(tmp_path: Path) -> None:
    begin(tmp_path)
    (tmp_path / "20270110T213000Z-rotate-0563B863" / "before.json").rename(tmp_path / "kept")
    second, _ = begin(tmp_path, minutes=5)
    (tmp_path / "kept").rename(tmp_path / "20270110T213000Z-rotate-0563B863" / "before.json")
    finish(second)

    found = runs.find_unfinished(tmp_path, operation="rotate", thumbprint=NEW, addresses=ADDRESSES)

    assert found is None


@pytest.mark.parametrize("finished", [False, True])
def test_without_a_certificate_the_newest_run_of_the_servers_counts(
    tmp_path: Path, finished: bool
) -> None:
    begin(tmp_path)
    newest, _ = begin(tmp_path, minutes=5, thumbprint=OTHER)
    if finished:
        finish(newest)

    found = runs.find_unfinished(tmp_path, operation="rotate", thumbprint=None, addresses=ADDRESSES)

    assert (found and found.folder) == (None if finished else newest.folder)


@pytest.mark.parametrize(
    ("addresses", "found"),
    [
        ({"mail1": "ex01.contoso.com"}, True),
        ({"EX01": "ex01.contoso.com"}, True),
        ({"mail1": "ex01.fabrikam.com"}, False),
        ({"mail3": "ex01.contoso.com"}, False),
    ],
    ids=["by its host", "by its name", "another address", "another host"],
)
def test_a_run_is_found_by_the_hosts_of_the_inventory(
    tmp_path: Path, addresses: dict[str, str], found: bool
) -> None:
    begin(tmp_path, servers={"EX01": {"host": "mail1", "address": "ex01.contoso.com"}})
    run = runs.find_unfinished(tmp_path, operation="rotate", thumbprint=None, addresses=addresses)
    assert (run is not None) is found


def test_a_run_is_as_old_as_its_last_event(tmp_path: Path) -> None:
    run, _ = begin(tmp_path)
    assert runs.hours_since(run, NOW + timedelta(hours=3)) == 3
    later = NOW + timedelta(hours=2)
    event = json.dumps({"time": later.isoformat(timespec="milliseconds").replace("+00:00", "Z")})
    (run.folder / run_folder.EVENTS).write_text(f"{event}\n{{cut off")
    assert runs.hours_since(run, NOW + timedelta(hours=3)) == 1


def test_folders_that_are_no_runs_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "20270110T213000Z-rotate-0563B863").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "file").write_text("")

    assert runs.runs_in(tmp_path) == []
    assert runs.runs_in(tmp_path / "missing") == []


@pytest.mark.parametrize("content", [None, {"format": 99, "servers": {}}, {"format": 1}])
def test_a_folder_without_a_usable_record_is_refused(tmp_path: Path, content: Any) -> None:
    if content is not None:
        run_folder.write_document(tmp_path, run_folder.BEFORE, content)

    with pytest.raises(InvalidInput, match=r"before\.json"):
        runs.open_run(tmp_path)


PLAN = {"servers": {"EX01": {"changes": ["Import it."]}, "EX02": {"changes": []}}}


def check(directory: Path, plan: dict[str, Any], *, hours: float = 1) -> Path:
    return runs.check_plan(
        directory,
        thumbprint=NEW,
        plan=plan,
        maximum_age_hours=72,
        now=NOW + timedelta(hours=hours),
    )


def test_a_plan_made_for_exactly_this_run_counts(tmp_path: Path) -> None:
    folder = runs.keep_plan(tmp_path, thumbprint=NEW, plan=PLAN, now=NOW)

    assert check(tmp_path, PLAN) == folder
    assert runs.runs_in(tmp_path) == []


@pytest.mark.parametrize(
    ("plan", "hours", "said"),
    [
        ({"servers": {"EX01": {"changes": ["Import it."]}}}, 1, "this run for EX01"),
        (
            {"servers": {**PLAN["servers"], "EX02": {"changes": ["More."]}}},
            1,
            "other changes for EX02",
        ),
        (PLAN, 100, "100 hours old"),
    ],
    ids=["other servers", "other changes", "too old"],
)
def test_any_other_plan_does_not(
    tmp_path: Path, plan: dict[str, Any], hours: float, said: str
) -> None:
    runs.keep_plan(tmp_path, thumbprint=NEW, plan=PLAN, now=NOW)

    with pytest.raises(InvalidInput, match=said):
        check(tmp_path, plan, hours=hours)


def test_without_any_plan_the_remedy_is_reported(tmp_path: Path) -> None:
    runs.keep_plan(tmp_path, thumbprint=OTHER, plan=PLAN, now=NOW)

    with pytest.raises(InvalidInput, match="--check"):
        check(tmp_path, PLAN)


def test_a_folder_of_records_that_cannot_be_read_is_an_error_and_not_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", closed)
    with pytest.raises(InvalidInput, match=f"{tmp_path} of the records cannot be read: Permission"):
        runs.runs_in(tmp_path)
