# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does the record of a run hold, and is there a run of these servers that has not finished?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.action import exchange_run_record_info
from support.run_records import NEW, OTHER, SERVERS, content, finish, info, start

both_modes = pytest.mark.parametrize("check_mode", [False, True])


def asked(directory: Path, **more: Any) -> dict[str, Any]:
    return {"directory": str(directory), "servers": SERVERS, **more}


@pytest.fixture
def another_playbook(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process lives and owns what it started, and is not the one that asks."""
    monkeypatch.setattr(
        exchange_run_record_info.ActionModule, "playbook_process", lambda self: None
    )


@both_modes
def test_a_run_is_read_by_its_folder_again_and_again_and_nothing_is_written(
    tmp_path: Path, check_mode: bool
) -> None:
    folder = start(tmp_path)["run"]["folder"]
    written = content(tmp_path)

    first = info(check_mode=check_mode, folder=folder)
    second = info(check_mode=check_mode, folder=folder)

    assert first == second
    assert first["changed"] is False
    run = first["run"]
    assert (run["folder"], run["finished"], run["running"]) == (folder, False, True)
    assert (run["before"]["thumbprint"], run["before"]["servers"]) == (NEW, SERVERS)
    assert run["plan"]["servers"] == {"EX01": ["Import it."]}
    assert run["after"] is None
    assert content(tmp_path) == written


def test_what_was_at_the_end_is_returned_of_a_run_that_has_finished(tmp_path: Path) -> None:
    folder = start(tmp_path)["run"]["folder"]
    finish(folder)

    run = info(folder=folder)["run"]

    assert (run["finished"], run["running"]) == (True, False)
    assert (run["after"]["outcome"], run["after"]["servers"]) == ("rotated", SERVERS)


@both_modes
def test_a_run_is_found_until_it_has_finished(tmp_path: Path, check_mode: bool) -> None:
    def found() -> Any:
        return info(check_mode=check_mode, **asked(tmp_path, thumbprint=NEW))

    assert (found()["run"], found()["too_old"]) == (None, None)
    folder = start(tmp_path)["run"]["folder"]
    assert (found()["run"]["folder"], found()["too_old"]) == (folder, None)
    finish(folder)
    assert (found()["run"], found()["too_old"]) == (None, None)


def test_another_certificate_operation_or_server_is_another_run(tmp_path: Path) -> None:
    folder = start(tmp_path)["run"]["folder"]

    assert info(**asked(tmp_path))["run"]["folder"] == folder
    assert info(**asked(tmp_path, thumbprint=NEW.lower()))["run"]["folder"] == folder
    assert info(**asked(tmp_path, thumbprint=OTHER))["run"] is None
    assert info(**asked(tmp_path, operation="cleanup"))["run"] is None
    elsewhere = {"EX01": {"address": "ex01.fabrikam.com"}}
    assert info(directory=str(tmp_path), servers=elsewhere)["run"] is None


def test_a_run_that_is_too_old_is_named_and_not_returned(tmp_path: Path) -> None:
    folder = start(tmp_path)["run"]["folder"]

    young = info(**asked(tmp_path, maximum_age_hours=1))
    old = info(**asked(tmp_path, maximum_age_hours=1e-9))

    assert (young["run"]["folder"], young["too_old"]) == (folder, None)
    assert (old["run"], old["too_old"]) == (None, folder)


@both_modes
@pytest.mark.usefixtures("another_playbook")
def test_while_another_playbook_is_at_work_reading_and_finding_fail_unless_asked_not_to(
    tmp_path: Path, check_mode: bool
) -> None:
    folder = start(tmp_path)["run"]["folder"]

    for options in ({"folder": folder}, asked(tmp_path), asked(tmp_path, thumbprint=OTHER)):
        refused = info(check_mode=check_mode, **options)
        assert refused["failed"] is True
        assert "Another playbook is at work on these servers" in refused["msg"], options
    for options in ({"folder": folder}, asked(tmp_path)):
        run = info(check_mode=check_mode, fail_when_running=False, **options)["run"]
        assert (run["folder"], run["running"]) == (folder, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "folder, directory"),
        ({"directory": "/nonexistent"}, "folder, servers"),
        ({"servers": SERVERS}, "folder, directory"),
        ({"folder": "/nonexistent", "directory": "/"}, "mutually exclusive: folder|directory"),
        ({"folder": "/nonexistent", "servers": SERVERS}, "mutually exclusive: folder|servers"),
        ({"folder": "/nonexistent", "thumbprint": NEW}, "mutually exclusive: folder|thumbprint"),
        ({"folder": "/nonexistent", "maximum_age_hours": 1}, "folder|maximum_age_hours"),
        ({"folder": "/nonexistent"}, "/nonexistent"),
        (asked(Path("/"), maximum_age_hours=0), "maximum_age_hours must be more than 0"),
        (asked(Path("/"), thumbprint="F00"), "F00"),
    ],
)
def test_bad_input_is_named(options: dict[str, Any], said: str) -> None:
    result = info(**options)
    assert result["failed"] is True
    assert said in result["msg"]
