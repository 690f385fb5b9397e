# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is the record of a run true after a crash, and can nobody else read it?"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.record import run_folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folder_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    os.umask(0)
    folder = run_folder.make_folder(tmp_path / "runs" / "one")
    run_folder.write_document(folder, "before.json", {"a": 1})
    run_folder.append_event(folder, {"event": "begin"})

    assert mode(folder) == 0o700
    assert {mode(file) for file in folder.iterdir()} == {0o600}


def test_a_document_is_replaced_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    run_folder.write_document(tmp_path, "before.json", {"a": 1})
    run_folder.write_document(tmp_path, "before.json", {"a": 2})

    assert run_folder.read_document(tmp_path, "before.json") == {"a": 2}
    assert [file.name for file in tmp_path.iterdir()] == ["before.json"]


def test_a_write_that_fails_leaves_the_former_document(tmp_path: Path) -> None:
    run_folder.write_document(tmp_path, "before.json", {"a": 1})

    with pytest.raises(TypeError):
        run_folder.write_document(tmp_path, "before.json", {"a": object()})

    assert run_folder.read_document(tmp_path, "before.json") == {"a": 1}


@pytest.mark.parametrize("content", ["{", "[1]", ""])
def test_a_damaged_document_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "before.json").write_text(content)

    with pytest.raises(InvalidInput, match=r"before\.json is damaged"):
        run_folder.read_document(tmp_path, "before.json")


def test_events_come_back_in_order_and_without_the_line_that_a_crash_cut_off(
    tmp_path: Path,
) -> None:
    for number in range(3):
        run_folder.append_event(tmp_path, {"event": "begin", "number": number})
    with (tmp_path / "events.jsonl").open("a") as stream:
        stream.write('{"event": "do')

    events = run_folder.read_events(tmp_path)
    assert [event["number"] for event in events] == [0, 1, 2]
    assert all(event["time"].endswith("Z") for event in events)


def test_a_drain_is_open_until_it_has_ended(tmp_path: Path) -> None:
    def note(event: str, server: str, kind: str = run_folder.DRAIN) -> None:
        run_folder.append_event(tmp_path, {"event": event, "kind": kind, "server": server})

    assert run_folder.open_drains(tmp_path) == set()
    note("begin", "EX01")
    note("begin", "EX02")
    note("begin", "EX03", run_folder.CHANGE)
    note("done", "EX01")
    assert run_folder.open_drains(tmp_path) == {"EX02"}


def test_without_a_place_to_write_the_reason_and_the_remedy_are_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InvalidInput, match="name another folder"):
        run_folder.make_folder(tmp_path / "file" / "runs")


def test_a_document_is_readable_by_people(tmp_path: Path) -> None:
    run_folder.write_document(tmp_path, "plan.json", {"b": 1, "a": [1]})

    text = (tmp_path / "plan.json").read_text()
    assert text.count("\n") > 3
    assert json.loads(text) == {"a": [1], "b": 1}
