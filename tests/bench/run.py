# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what the collection costs and writes docs/benchmarks.md: `make bench`."""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from scenarios import (
    Rotation,
    TaskTimes,
    measure_rotations,
    measure_tasks,
    processors,
)

from support.run_playbook import REPOSITORY

DIRECTORY = REPOSITORY / ".cache" / "bench"
REPORT = REPOSITORY / "docs" / "benchmarks.md"
SIZES = (1, 10, 50, 100)
FORKS = 10
MEGABYTE = 1024 * 1024

# What is to be reached on two cores; (label, limit).
NO_OP_TASK_SECONDS = 0.150
SESSIONS_PER_SERVER = 6
CMDLETS_PER_SERVER = 12
NO_OP_SECONDS_AT_100 = 90
NO_OP_BYTES_AT_100 = 1.5 * 1024 * MEGABYTE


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="SERVERS")
    parser.add_argument("--rounds", type=int, default=41, help="of each single task")
    parser.add_argument("--output", type=Path, default=REPORT)
    options = parser.parse_args()
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    print(f"single tasks, {options.rounds} rounds", flush=True)
    tasks = measure_tasks(_directory("tasks"), rounds=options.rounds)
    rotations = []
    for servers in options.sizes:
        print(f"rotation and no-op of {servers} servers", flush=True)
        rotations.append(
            measure_rotations(_directory(f"{servers}-servers"), servers=servers, forks=FORKS)
        )
    text = report(tasks, rotations)
    options.output.write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten to {options.output}")
    return 0


def report(tasks: TaskTimes, rotations: list[tuple[Rotation, Rotation]]) -> str:
    """The page: tables of what was measured in this run, and the goals beside them."""
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {datetime.now(timezone.utc):%Y-%m-%d}: "
        f"{processors()} processors, Python {platform.python_version()}, "
        f"ansible-core {version('ansible-core')}, {FORKS} forks. The fake organization runs on the "
        "same machine and takes its share of both processors: wall times contain it, processor "
        "time and memory are the controller's alone. Sessions over http with NTLM and message "
        "encryption.",
        "",
        "## One task",
        "",
        f"Median of {tasks.rounds - 1} rounds in one run; the first, which loads plugins, is left "
        "out.",
        "",
        "| task | milliseconds | against `debug` | against the bare client |",
        "|---|---:|---:|---:|",
        _task_row("`debug`", tasks.debug, tasks),
        _task_row(
            "`exchange_certificate`, nothing to do (a session of its own)", tasks.no_op, tasks
        ),
        _task_row("bare client script: session, same cmdlets, close", tasks.bare_client, tasks),
        "",
        "## A rotation",
        "",
        "A certificate from another issuer for IIS, SMTP, IMAP and POP: every server imports and "
        "enables it, one Receive connector per server and one Send connector are pointed to it, "
        "and transport, IIS, POP and IMAP services restart one server after the other.",
        "",
        *_rotation_table([full for full, _no_op in rotations]),
        "",
        "## Nothing to do",
        "",
        "The same playbook again.",
        "",
        *_rotation_table([no_op for _full, no_op in rotations]),
        "",
        "Sessions are PowerShell sessions plus Windows shells. Cmdlets are Exchange's; "
        "`Select-Object` behind one is not counted again. What belongs to the organization (Send "
        "connectors, hybrid configuration) is read and set once, on the first server: the marginal "
        "column shows what each further server costs beyond the smallest run.",
        "",
        "## Goals",
        "",
        "| goal | reached | measured |",
        "|---|---|---:|",
        *_goals(tasks, rotations),
        "",
    ]
    return "\n".join(lines)


def _task_row(label: str, seconds: float, tasks: TaskTimes) -> str:
    return (
        f"| {label} | {seconds * 1000:.0f} | {seconds / tasks.debug:.1f} | "
        f"{seconds / tasks.bare_client:.2f} |"
    )


def _rotation_table(runs: list[Rotation]) -> list[str]:
    rows = [
        "| servers | wall s | s per server | controller CPU s per server | peak memory MB | "
        "sessions per server | cmdlets per server | marginal cmdlets | HTTP requests per server |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for run in runs:
        rows.append(
            f"| {run.servers} | {run.cost.wall_seconds:.1f} "
            f"| {run.per_server(run.cost.wall_seconds):.2f} "
            f"| {run.per_server(run.cost.cpu_seconds):.2f} "
            f"| {run.cost.peak_memory_bytes / MEGABYTE:.0f} "
            f"| {run.per_server(run.sessions + run.windows_shells):.2f} "
            f"| {run.per_server(run.cmdlets):.2f} "
            f"| {_marginal_cmdlets(runs[0], run)} "
            f"| {run.per_server(run.http_requests):.1f} |"
        )
    return rows


def _marginal_cmdlets(smallest: Rotation, run: Rotation) -> str:
    if run.servers == smallest.servers:
        return ""
    return f"{(run.cmdlets - smallest.cmdlets) / (run.servers - smallest.servers):.2f}"


def _goals(tasks: TaskTimes, rotations: list[tuple[Rotation, Rotation]]) -> list[str]:
    largest, largest_no_op = rotations[-1]
    goals = [
        (
            f"no-op task <= {NO_OP_TASK_SECONDS * 1000:.0f} ms",
            tasks.no_op <= NO_OP_TASK_SECONDS,
            f"{tasks.no_op * 1000:.0f} ms",
        ),
        (
            f"a rotation <= {SESSIONS_PER_SERVER} sessions per server",
            largest.per_server(largest.sessions + largest.windows_shells) <= SESSIONS_PER_SERVER,
            f"{largest.per_server(largest.sessions + largest.windows_shells):.2f}",
        ),
        (
            f"a rotation <= {CMDLETS_PER_SERVER} cmdlets per server",
            largest.per_server(largest.cmdlets) <= CMDLETS_PER_SERVER,
            f"{largest.per_server(largest.cmdlets):.2f}",
        ),
    ]
    if largest.servers == 100:
        goals += [
            (
                f"100 servers, nothing to do <= {NO_OP_SECONDS_AT_100} s",
                largest_no_op.cost.wall_seconds <= NO_OP_SECONDS_AT_100,
                f"{largest_no_op.cost.wall_seconds:.0f} s",
            ),
            (
                f"100 servers, nothing to do <= {NO_OP_BYTES_AT_100 / MEGABYTE / 1024:.1f} GB",
                largest_no_op.cost.peak_memory_bytes <= NO_OP_BYTES_AT_100,
                f"{largest_no_op.cost.peak_memory_bytes / MEGABYTE:.0f} MB",
            ),
        ]
    goals += _flatness(rotations)
    return [
        f"| {goal} | {'yes' if reached else '**no**'} | {seen} |" for goal, reached, seen in goals
    ]


def _flatness(rotations: list[tuple[Rotation, Rotation]]) -> list[tuple[str, bool, str]]:
    """Whether a server costs the same in the largest run as in that of ten servers."""
    by_size = {full.servers: (full, no_op) for full, no_op in rotations}
    if 10 not in by_size or 100 not in by_size:
        return []
    goals = []
    for label, index in (("rotation", 0), ("nothing to do", 1)):
        small, large = by_size[10][index], by_size[100][index]
        ratio = large.per_server(large.cost.cpu_seconds) / small.per_server(small.cost.cpu_seconds)
        goals.append(
            (
                f"{label}: CPU per server flat from 10 to 100 (ratio <= 1.25)",
                ratio <= 1.25,
                f"{ratio:.2f}",
            )
        )
    return goals


def _directory(name: str) -> Path:
    directory = DIRECTORY / name
    directory.mkdir(parents=True, mode=0o700)
    return directory


if __name__ == "__main__":
    sys.exit(main())
