# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is a run that has not finished still running, or was it interrupted?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.record import (
    run_folder,
    running,
    runs,
)

NEW = "0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43"
ADDRESSES = {"EX01": "ex01.contoso.com"}
LOOK = (
    "import os, sys\n"
    "from ansible_collections.mailops.exchange.plugins.plugin_utils.record import running\n"
    "if os.fork() == 0:\n"
    "    print(running.playbook_process().pid, flush=True)\n"
    "    os._exit(0)\n"
    "os.wait()\n"
    "sys.stdin.read()\n"
)


@pytest.fixture
def run(tmp_path: Path) -> runs.Run:
    begun, _ = runs.begin_run(
        tmp_path,
        operation="rotate",
        thumbprint=NEW,
        servers={name: {"address": address} for name, address in ADDRESSES.items()},
        organization=None,
        now=datetime(2027, 1, 10, 21, 30, tzinfo=timezone.utc),
    )
    return begun


@contextmanager
def another_process() -> Iterator[tuple[subprocess.Popen[str], running.LockOwner]]:
    """A living process whose worker asks which process it belongs to."""
    with subprocess.Popen(
        [sys.executable, "-c", LOOK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert int(process.stdout.readline()) == process.pid
            owner = running.process_of(process.pid)
            assert owner is not None
            yield process, owner
        finally:
            process.kill()


def test_a_run_whose_lock_another_living_process_owns_is_refused(
    run: runs.Run, tmp_path: Path
) -> None:
    own = running.playbook_process()
    with another_process() as (process, owner):
        running.take_lock(run, owner)
        with pytest.raises(InvalidInput) as refused:
            running.refuse_running(run, own)
        with pytest.raises(InvalidInput):
            running.refuse_running_on(tmp_path, ADDRESSES, own)
        # Other servers are nothing to it, nor is the run to the process itself.
        running.refuse_running_on(tmp_path, {"EX07": "ex07.contoso.com"}, own)
        running.refuse_running(run, owner)
        assert running.is_running(run)
    assert f"process {process.pid} " in str(refused.value)
    assert str(run.folder) in str(refused.value)
    assert "begun 2027-01-10T21:30:00Z" in str(refused.value)


def test_a_run_whose_lock_a_dead_process_owns_was_interrupted(run: runs.Run) -> None:
    with another_process() as (process, owner):
        running.take_lock(run, owner)
        process.kill()
        # Not waited for yet, so the number is still taken.
        while running.process_of(process.pid) is not None:
            pass
        running.refuse_running(run, None)
        assert not running.is_running(run)
    running.refuse_running(run, None)


@pytest.mark.parametrize("part", ["started", "boot", "pid_namespace"])
def test_the_same_number_of_another_time_or_place_is_another_process(
    run: runs.Run, part: str
) -> None:
    with another_process() as (_, owner):
        running.take_lock(run, replace(owner, **{part: "other"}))
        running.refuse_running(run, None)


def test_the_lock_of_a_run_that_has_ended_is_released(run: runs.Run) -> None:
    with another_process() as (_, owner):
        running.take_lock(run, owner)
        assert run_folder.read_document(run.folder, run_folder.RUNNING) == asdict(owner)
        running.release_lock(run.folder)
        running.refuse_running(run, None)
    running.release_lock(run.folder)


def test_a_process_that_cannot_be_looked_up_takes_no_lock(run: runs.Run) -> None:
    running.take_lock(run, None)
    assert not (run.folder / run_folder.RUNNING).exists()


def test_one_looks_after_the_other(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from ansible_collections.mailops.exchange.plugins.plugin_utils.record import running\n"
        "with running.one_at_a_time(pathlib.Path(sys.argv[1])):\n"
        "    print('in', flush=True)\n"
    )
    with running.one_at_a_time(tmp_path):
        second = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(timeout=3)
    assert second.communicate(timeout=60)[0] == "in\n"
    assert (tmp_path / ".lock").stat().st_mode & 0o777 == 0o600
