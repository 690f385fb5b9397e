# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does docs/benchmarks.md agree with itself and with what else quotes it, and is what `make bench`
writes what the tests read?"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from support.benchmark_page import (
    CMDLETS,
    GOALS,
    NO_OP,
    PAGE,
    RECEIVES,
    REQUESTS,
    ROTATION,
    SESSIONS,
    Origin,
    Row,
    differences,
    goal_rows,
    page_text,
    read_tables,
    rotation_rows,
    row_of,
)
from support.benchmark_scenarios import Rotation, TaskTimes
from support.process_cost import Cost

REPOSITORY = Path(__file__).resolve().parents[3]
README = REPOSITORY / "README.md"
# A line of the demonstration: server, what it has, 1st and 2nd run's sessions, cmdlets, seconds.
DEMO_LINE = re.compile(r"^  EX\d+ .* (\d+) +(\d+) +(\d+) +(\d+) +[\d.]+ +[\d.]+$", re.MULTILINE)


@pytest.fixture
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture
def tables(text: str) -> dict[str, list[Row]]:
    return read_tables(text)


def test_the_page_says_when_and_of_which_commit_it_was_measured(text: str) -> None:
    assert re.search(r"`make bench` on \d{4}-\d\d-\d\d, of commit `[0-9a-f]{40}`[: ]", text)


def test_its_goals_are_judged_by_its_own_numbers(tables: dict[str, list[Row]]) -> None:
    assert tables[GOALS] == goal_rows(tables)


def test_the_goals_are_those_that_were_set(tables: dict[str, list[Row]]) -> None:
    assert [row["goal"] for row in tables[GOALS]] == [
        "no-op task <= 150 ms",
        "a rotation <= 6 sessions per server",
        "a rotation <= 12 cmdlets per server",
        "100 servers, nothing to do <= 90 s",
        "100 servers, nothing to do <= 1.5 GB",
        "rotation: CPU per server flat from 10 to 100 (ratio <= 1.25)",
        "nothing to do: CPU per server flat from 10 to 100 (ratio <= 1.25)",
    ]


@pytest.mark.parametrize("section", [ROTATION, NO_OP])
def test_marginal_cmdlets_follow_from_the_cmdlets_of_the_page(
    tables: dict[str, list[Row]], section: str
) -> None:
    smallest, *larger = tables[section]
    for row in larger:
        more = total(row, CMDLETS) - total(smallest, CMDLETS)
        servers = int(row["servers"]) - int(smallest["servers"])
        assert row["marginal cmdlets"] == f"{more / servers:.2f}"


@pytest.mark.parametrize("header", [SESSIONS, CMDLETS])
def test_the_demonstration_in_the_readme_counts_the_same(
    tables: dict[str, list[Row]], header: str
) -> None:
    lines = DEMO_LINE.findall(README.read_text(encoding="utf-8"))
    assert len(lines) == 4
    first_column = {SESSIONS: 0, CMDLETS: 2}[header]
    for run, section in enumerate((ROTATION, NO_OP)):
        one, two = (total(row_of(tables[section], servers=number), header) for number in (1, 2))
        shown = [int(line[first_column + run]) for line in lines]
        assert shown == [one, two - one, two - one, two - one], section


def test_no_other_document_has_figures_of_its_own() -> None:
    documents = [README, *REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob("roles/*/README.md")]
    figure = re.compile(r"\d (sessions|cmdlets|HTTP requests) (per|a|for each|on each) server")
    assert figure.search(PAGE.read_text(encoding="utf-8"))
    assert [file.name for file in documents if figure.search(file.read_text("utf-8"))] == [
        PAGE.name
    ]


def total(row: Row, header: str) -> int:
    """Of all servers; the page gives it per server, with two decimals."""
    return round(float(row[header]) * int(row["servers"]))


# What is written


def rotation(
    servers: int,
    *,
    sessions: int = 5,
    cmdlets: int = 11,
    receives: int = 20,
    wall_seconds: float = 0.5,
    cpu_seconds: float = 1.0,
) -> Rotation:
    """A run, given what each server costs."""
    return Rotation(
        servers=servers,
        cost=Cost(wall_seconds * servers, cpu_seconds * servers, 300 * 1024 * 1024),
        sessions=sessions * servers,
        cmdlets=cmdlets * servers,
        http_requests=40 * servers,
        receives=receives * servers,
    )


TASKS = TaskTimes(debug=0.05, no_op=0.12, bare_client=0.06, rounds=41)
QUIET = Origin("2026-12-01", "0123456789" * 4, uncommitted_changes=False, load_average=0.3)


def written(*runs: Rotation, tasks: TaskTimes = TASKS, origin: Origin = QUIET) -> str:
    return page_text(tasks, [(run, run) for run in runs], origin=origin)


def reached(page: str) -> dict[str, tuple[str, str]]:
    """Of the goals, by the beginnings of their labels."""
    return {
        re.split("[<:(]", row["goal"])[0].strip(): (row["reached"], row["measured"])
        for row in read_tables(page)[GOALS]
    }


def test_what_is_written_can_be_read_again() -> None:
    runs = [rotation(1, cmdlets=16), rotation(10)]
    tables = read_tables(written(*runs))
    assert tables[ROTATION] == tables[NO_OP] == rotation_rows(runs)
    assert row_of(tables[ROTATION], servers=10)[REQUESTS] == "40.00"
    with pytest.raises(LookupError, match="no row of 2 servers"):
        row_of(tables[ROTATION], servers=2)


def test_a_missed_goal_is_said_to_be_missed() -> None:
    page = written(rotation(1), rotation(50, sessions=8, cmdlets=12))
    assert reached(page)["a rotation"] == ("yes", "12.00")
    assert "| a rotation <= 6 sessions per server | **no** | 8.00 |" in page
    assert "A goal that is missed stays" in page
    assert "A goal that is missed stays" not in written(rotation(1))


def test_a_slow_task_misses_its_goal() -> None:
    slow = TaskTimes(debug=0.05, no_op=0.151, bare_client=0.06, rounds=41)
    assert reached(written(rotation(1), tasks=slow))["no-op task"] == ("**no**", "151 ms")


def test_goals_of_a_size_that_did_not_run_are_not_judged() -> None:
    goals = reached(written(rotation(1), rotation(10)))
    assert goals["100 servers, nothing to do"] == ("not measured", "")
    assert goals["nothing to do"] == ("not measured", "")


def test_goals_of_100_servers_are_judged_by_that_size() -> None:
    goals = reached(written(rotation(10), rotation(100, wall_seconds=0.9, cpu_seconds=1.3)))
    assert goals["rotation"] == ("**no**", "1.30")
    page = written(rotation(10), rotation(100, wall_seconds=0.91))
    assert "| 100 servers, nothing to do <= 90 s | **no** | 91.0 s |" in page
    assert "| 100 servers, nothing to do <= 1.5 GB | yes | 300 MB |" in page


def test_a_busy_machine_is_said_to_be_busy() -> None:
    busy = Origin(QUIET.date, QUIET.commit, uncommitted_changes=False, load_average=4.2)
    page = written(rotation(1), origin=busy)
    assert "The load average of the machine was 4.2 at the start. Other work ran" in page
    assert "a goal of time is reached was judged on a shared machine" in page
    assert "shared machine" not in written(rotation(1))


# What is compared


def row(run: Rotation) -> Row:
    return rotation_rows([run])[0]


def test_the_same_counts_are_no_difference_whatever_time_and_memory_are() -> None:
    assert differences(row(rotation(2, wall_seconds=9, cpu_seconds=9)), row(rotation(2))) == []


def test_one_cmdlet_more_on_one_server_is_a_difference() -> None:
    run = rotation(2)
    more = Rotation(2, run.cost, run.sessions, run.cmdlets + 1, run.http_requests + 1, run.receives)
    assert differences(row(more), row(run)) == [
        "cmdlets per server: 11.50, the page says 11.00",
        "HTTP requests per server: 40.50, the page says 40.00",
    ]


@pytest.mark.parametrize(("receives", "is_difference"), [(16, 0), (24, 0), (15, 1), (25, 1)])
def test_receives_may_differ_by_a_fifth(receives: int, is_difference: int) -> None:
    found = differences(row(rotation(2, receives=receives)), row(rotation(2)))
    assert [RECEIVES in difference for difference in found] == [True] * is_difference


# Where it comes from


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for name in ("code.py", "docs/benchmarks.md"):
        (tmp_path / name).write_text("as committed\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=A", "-c", "user.email=a@b.test", "commit", "-qm", "first")
    return tmp_path


def git(directory: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=directory, check=True)


def test_a_clean_tree_is_its_commit(repository: Path) -> None:
    assert re.fullmatch(
        r"Written by `make bench` on [\d-]{10}, of commit `[0-9a-f]{40}`",
        str(Origin.now(repository)),
    )


@pytest.mark.parametrize("name", ["code.py", "new.py"])
def test_uncommitted_changes_are_said(repository: Path, name: str) -> None:
    (repository / name).write_text("changed\n")
    assert str(Origin.now(repository)).endswith("` with uncommitted changes")


def test_the_page_that_is_written_is_no_uncommitted_change(repository: Path) -> None:
    (repository / "docs" / "benchmarks.md").write_text("measured again\n")
    assert not Origin.now(repository).uncommitted_changes


def test_outside_of_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    assert str(Origin.now(tmp_path)).endswith(", of no commit")
