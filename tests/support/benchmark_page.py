# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in docs/benchmarks.md? `make bench` writes it; tests read its tables and compare.

page = page_text(tasks, rotations, origin=Origin.now())
row_of(read_tables(page)[ROTATION], servers=2)["sessions per server"]
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from support.benchmark_scenarios import FORKS, Rotation, TaskTimes, processors
from support.run_playbook import REPOSITORY

PAGE = REPOSITORY / "docs" / "benchmarks.md"
MEGABYTE = 1024 * 1024

# Headings of the sections that have a table.
ONE_TASK, ROTATION, NO_OP, GOALS = "One task", "A rotation", "Nothing to do", "Goals"
NO_OP_TASK = "`exchange_certificate`, nothing to do (a session of its own)"

# What is to be reached on two cores.
NO_OP_TASK_MILLISECONDS = 150
SESSIONS_PER_SERVER = 6
CMDLETS_PER_SERVER = 12
NO_OP_SECONDS_AT_100 = 90
NO_OP_MEGABYTES_AT_100 = 1536
FLAT_CPU_RATIO = 1.25

# The headers of counts, which the next run has to find again: exactly, or Receives nearly.
SESSIONS, CMDLETS = "sessions per server", "cmdlets per server"
REQUESTS, RECEIVES = "HTTP requests per server", "Receives per server"
EXACT = (SESSIONS, CMDLETS, REQUESTS)
RECEIVES_TOLERANCE_PERCENT = 20

Row = Mapping[str, str]
"""A row of a table, its cells by their headers."""


@dataclass(frozen=True)
class Origin:
    """When, of which commit and on which machine was it measured?"""

    date: str
    commit: str
    uncommitted_changes: bool
    load_average: float

    @classmethod
    def now(cls, repository: Path = REPOSITORY) -> Origin:
        """Of the checkout and machine as they are. `commit` is empty outside of a repository."""
        # The page itself may have been written by the run before.
        status = _git(repository, "status", "--porcelain", "--", ".", ":!docs/benchmarks.md")
        return cls(
            date=f"{datetime.now(timezone.utc):%Y-%m-%d}",
            commit=_git(repository, "rev-parse", "HEAD"),
            uncommitted_changes=bool(status),
            load_average=os.getloadavg()[0],
        )

    @property
    def on_shared_machine(self) -> bool:
        """Whether other work ran on it when the measurement began."""
        return self.load_average > 1

    def __str__(self) -> str:
        commit = f"of commit `{self.commit}`" if self.commit else "of no commit"
        if self.uncommitted_changes:
            commit += " with uncommitted changes"
        return f"Written by `make bench` on {self.date}, {commit}"


@dataclass(frozen=True)
class Goal:
    """Something to be reached; `reached` is None when this run cannot say."""

    label: str
    measured: str = ""
    reached: bool | None = None

    def row(self) -> Row:
        words = {True: "yes", False: "**no**", None: "not measured"}
        return {"goal": self.label, "reached": words[self.reached], "measured": self.measured}


def page_text(
    tasks: TaskTimes, rotations: Sequence[tuple[Rotation, Rotation]], *, origin: Origin
) -> str:
    """The page: tables of what was measured in this run, and the goals beside them.

    Args:
        rotations: Of each size, the smallest first, the rotation and the run with nothing to do.
    """
    one_task = _task_rows(tasks)
    rotation = rotation_rows([full for full, _no_op in rotations])
    no_op = rotation_rows([no_op for _full, no_op in rotations])
    goals = goal_rows({ONE_TASK: one_task, ROTATION: rotation, NO_OP: no_op})
    lines = [
        "# Benchmarks",
        "",
        f"{origin}: {processors()} processors, Python {platform.python_version()}, ansible-core "
        f"{version('ansible-core')}, {FORKS} forks. Sessions over http with NTLM and message "
        "encryption. The fake organization runs on the same machine and takes its share of the "
        "processors: wall times contain it, processor time and memory are the controller's alone.",
        "",
        f"The load average of the machine was {origin.load_average:.1f} at the start."
        f"{_shared(origin)}",
        "",
        "A test runs 1 and 2 servers again and compares sessions, cmdlets and HTTP requests with "
        "this page, seconds and memory not. When it fails, see whether the change was meant to "
        "cost or save that, and write the page again.",
        "",
        f"## {ONE_TASK}",
        "",
        f"Median of {tasks.rounds - 1} rounds in one run; the first, which loads plugins, is left "
        "out.",
        "",
        *_table(one_task),
        "",
        f"## {ROTATION}",
        "",
        "A certificate from another issuer for IIS, SMTP, IMAP and POP: every server imports and "
        "enables it, one Receive connector per server and one Send connector are pointed to it, "
        "and transport, IIS, POP and IMAP services restart one server after the other.",
        "",
        *_table(rotation),
        "",
        f"## {NO_OP}",
        "",
        "The same playbook again.",
        "",
        *_table(no_op),
        "",
        "Sessions are PowerShell sessions plus Windows shells. Cmdlets are Exchange's; "
        "`Select-Object` behind one is not counted again. What belongs to the organization (Send "
        "connectors, hybrid configuration) is read and set once, on the first server: the marginal "
        "column shows what each further server costs beyond the smallest run.",
        "",
        "HTTP requests are all but WSMan's Receive. A Receive takes the output that there is at "
        "that moment, so the end of a cmdlet comes with its output or in an answer of its own, as "
        "time has it: the test compares Receives within "
        f"{RECEIVES_TOLERANCE_PERCENT} %, and the other counts exactly.",
        "",
        f"## {GOALS}",
        "",
        *_table(goals),
        "",
    ]
    if any(row["reached"] == "**no**" for row in goals):
        lines += ["A goal that is missed stays: a later change has to bring its number down.", ""]
    if origin.on_shared_machine:
        lines += ["Whether a goal of time is reached was judged on a shared machine.", ""]
    return "\n".join(lines)


def read_tables(text: str) -> dict[str, list[Row]]:
    """The tables of a page by the headings of their sections, of which each has at most one."""
    tables: dict[str, list[Row]] = {}
    for section in text.split("\n## ")[1:]:
        heading, *lines = section.splitlines()
        cells = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in lines
            if line.startswith("|") and not line.startswith("|--")
        ]
        if cells:
            tables[heading] = [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]
    return tables


def row_of(rows: Sequence[Row], *, servers: int) -> Row:
    """The row of runs on so many servers. Raises LookupError when the page has none."""
    for row in rows:
        if row["servers"] == str(servers):
            return row
    raise LookupError(f"there is no row of {servers} servers")


def rotation_rows(runs: Sequence[Rotation]) -> list[Row]:
    """A row for each run, of which the first is the smallest."""
    columns: dict[str, Callable[[Rotation], str]] = {
        "servers": lambda run: f"{run.servers}",
        "wall s": lambda run: f"{run.cost.wall_seconds:.1f}",
        "s per server": lambda run: f"{run.per_server(run.cost.wall_seconds):.2f}",
        "controller CPU s per server": lambda run: f"{run.per_server(run.cost.cpu_seconds):.2f}",
        "peak memory MB": lambda run: f"{run.cost.peak_memory_bytes / MEGABYTE:.0f}",
        SESSIONS: lambda run: f"{run.per_server(run.sessions):.2f}",
        CMDLETS: lambda run: f"{run.per_server(run.cmdlets):.2f}",
        "marginal cmdlets": lambda run: _marginal_cmdlets(runs[0], run),
        REQUESTS: lambda run: f"{run.per_server(run.http_requests):.2f}",
        RECEIVES: lambda run: f"{run.per_server(run.receives):.1f}",
    }
    return [{header: cell(run) for header, cell in columns.items()} for run in runs]


def differences(measured: Row, on_page: Row) -> list[str]:
    """One sentence for each count of a run that is not what the page says."""
    found = [
        f"{header}: {measured[header]}, the page says {on_page[header]}"
        for header in EXACT
        if measured[header] != on_page[header]
    ]
    receives, expected = float(measured[RECEIVES]), float(on_page[RECEIVES])
    if abs(receives - expected) > expected * RECEIVES_TOLERANCE_PERCENT / 100:
        found.append(
            f"{RECEIVES}: {receives}, the page says {expected} "
            f"(compared within {RECEIVES_TOLERANCE_PERCENT} %)"
        )
    return found


def goal_rows(tables: Mapping[str, Sequence[Row]]) -> list[Row]:
    """The table of goals, as the numbers of the other tables have it."""
    (task,) = (row for row in tables[ONE_TASK] if row["task"] == NO_OP_TASK)
    largest = tables[ROTATION][-1]
    goals = [
        _at_most(
            f"no-op task <= {NO_OP_TASK_MILLISECONDS} ms",
            NO_OP_TASK_MILLISECONDS,
            task["milliseconds"],
            unit=" ms",
        ),
        _at_most(
            f"a rotation <= {SESSIONS_PER_SERVER} sessions per server",
            SESSIONS_PER_SERVER,
            largest[SESSIONS],
        ),
        _at_most(
            f"a rotation <= {CMDLETS_PER_SERVER} cmdlets per server",
            CMDLETS_PER_SERVER,
            largest[CMDLETS],
        ),
        *_goals_at_100(tables),
    ]
    return [goal.row() for goal in goals]


def _goals_at_100(tables: Mapping[str, Sequence[Row]]) -> list[Goal]:
    seconds = f"100 servers, nothing to do <= {NO_OP_SECONDS_AT_100} s"
    memory = f"100 servers, nothing to do <= {NO_OP_MEGABYTES_AT_100 / 1024:.1f} GB"
    flat = {
        name: f"{label}: CPU per server flat from 10 to 100 (ratio <= {FLAT_CPU_RATIO})"
        for name, label in ((ROTATION, "rotation"), (NO_OP, "nothing to do"))
    }
    by_size = {(name, row["servers"]): row for name in (ROTATION, NO_OP) for row in tables[name]}
    if not {(name, size) for name in (ROTATION, NO_OP) for size in ("10", "100")} <= set(by_size):
        return [Goal(label) for label in (seconds, memory, *flat.values())]
    no_op = by_size[NO_OP, "100"]
    goals = [
        _at_most(seconds, NO_OP_SECONDS_AT_100, no_op["wall s"], unit=" s"),
        _at_most(memory, NO_OP_MEGABYTES_AT_100, no_op["peak memory MB"], unit=" MB"),
    ]
    for name, label in flat.items():
        small, large = (
            float(by_size[name, size]["controller CPU s per server"]) for size in ("10", "100")
        )
        goals.append(_at_most(label, FLAT_CPU_RATIO, f"{large / small:.2f}"))
    return goals


def _at_most(label: str, limit: float, measured: str, *, unit: str = "") -> Goal:
    return Goal(label, measured + unit, float(measured) <= limit)


def _task_rows(tasks: TaskTimes) -> list[Row]:
    seconds = {
        "`debug`": tasks.debug,
        NO_OP_TASK: tasks.no_op,
        "bare client script: session, same cmdlets, close": tasks.bare_client,
    }
    return [
        {
            "task": label,
            "milliseconds": f"{value * 1000:.0f}",
            "against `debug`": f"{value / tasks.debug:.1f}",
            "against the bare client": f"{value / tasks.bare_client:.2f}",
        }
        for label, value in seconds.items()
    ]


def _marginal_cmdlets(smallest: Rotation, run: Rotation) -> str:
    if run.servers == smallest.servers:
        return ""
    return f"{(run.cmdlets - smallest.cmdlets) / (run.servers - smallest.servers):.2f}"


def _table(rows: Sequence[Row]) -> list[str]:
    """Markdown; what is a word is to the left, what is a number to the right."""
    words = ("task", "goal", "reached")
    headers = list(rows[0])
    return [
        f"| {' | '.join(headers)} |",
        f"|{'|'.join('---' if header in words else '---:' for header in headers)}|",
        *(f"| {' | '.join(row[header] for header in headers)} |" for row in rows),
    ]


def _shared(origin: Origin) -> str:
    if not origin.on_shared_machine:
        return ""
    return (
        " Other work ran on it: wall times were measured on a shared machine and are longer than "
        "on an idle one, counts are not."
    )


def _git(repository: Path, *arguments: str) -> str:
    """What git prints; nothing where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=repository, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip()
