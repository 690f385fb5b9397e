# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does a rotation survive every fault at every point? Runs the fault matrix (see
``support/fault_matrix.py``), prints it, and writes it to ``docs/fault-matrix.md``.

There are many points, and a cell takes up to three runs of a playbook. ``--minutes`` ends after a
while; what matters most comes first, and what was not tried is counted as such. A later call with
``--resume`` continues where the last one ended.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from support.fault_matrix import CMDLET_FAULTS, FAULTS, WIRE_FAULTS, Cell, Matrix, Point, matrix

REPOSITORY = Path(__file__).resolve().parents[2]
DIRECTORY = REPOSITORY / ".cache" / "faults"
DOCUMENT = REPOSITORY / "docs" / "fault-matrix.md"
SCENARIOS: dict[str, dict[str, Any]] = {
    "another name": {"same_name": False},
    "same name": {"same_name": True},
}
TITLES = {
    "another name": "The new certificate has another issuer, so every name changes",
    "same name": "The new certificate has the same issuer and subject",
}
INTRODUCTION = (Path(__file__).parent / "introduction.md").read_text(encoding="utf-8")
CHANGING = ("Import-", "Enable-", "Set-", "Remove-", "Redirect-", "Export-")
# What is being looked at: everything that decides how a rotation goes.
SOURCES = ("plugins", "roles", "playbooks", "tests/fake_exchange", "tests/support/fault_matrix.py")


def cells(points: Sequence[Point]) -> list[tuple[str, Point]]:
    """Every fault at every point where it can strike: one of each kind, then a second of each.

    A kind is a number in the table. Faults take turns, and each begins where it matters most.
    """
    found = [
        (fault, point)
        for point in points
        for fault in (CMDLET_FAULTS if point.is_cmdlet else WIRE_FAULTS)
    ]
    ordered = [cell for _rank, cell in sorted((_rank(*cell), cell) for cell in found)]
    rounds: Counter[tuple[str, str]] = Counter()
    turns: Counter[tuple[str, int]] = Counter()
    places = []
    for place, (fault, point) in enumerate(ordered):
        kind = (fault, _group(point))
        number = rounds[kind]
        places.append((number, turns[fault, number], place))
        rounds[kind] += 1
        turns[fault, number] += 1
    return [ordered[place] for _round, _turn, place in sorted(places)]


def _rank(fault: str, point: Point) -> tuple[int, int, int]:
    """Changing cmdlets and Windows come first, then a spread over everything else."""
    if point.is_cmdlet:
        level = 0 if point.what.startswith(CHANGING) else 3
    else:
        level = 1 if point.endpoint == "windows" else 2
    # The first server does what is done once; of the others one represents all at first.
    level += {"EX01": 0, "EX03": 0}.get(point.server, 4)
    spread = int(hashlib.sha256(f"{fault}{point}".encode()).hexdigest()[:6], 16)
    return level, spread, FAULTS.index(fault)


def digest() -> str:
    """Changes with everything that decides how a rotation goes."""
    total = hashlib.sha256()
    for source in SOURCES:
        path = REPOSITORY / source
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.suffix in (".py", ".yml", ".j2", ".ps1"):
                total.update(file.read_bytes())
    return total.hexdigest()[:16]


class Results:
    """Cells that were tried, kept on disk after each."""

    def __init__(self, file: Path, *, resume: bool) -> None:
        self._file = file
        self.digest = digest()
        self.cells: dict[str, dict[str, Any]] = {}
        self.totals: dict[str, list[str]] = {}
        if resume and file.exists():
            document = json.loads(file.read_text(encoding="utf-8"))
            if document["digest"] == self.digest:
                self.cells, self.totals = document["cells"], document["totals"]

    def key(self, scenario: str, fault: str, point: Point) -> str:
        return f"{scenario} | {fault} | {point}"

    def add(self, scenario: str, cell: Cell) -> None:
        self.cells[self.key(scenario, cell.fault, cell.point)] = {
            "scenario": scenario,
            **asdict(cell),
        }
        self.save()

    def save(self) -> None:
        document = {"digest": self.digest, "cells": self.cells, "totals": self.totals}
        self._file.write_text(json.dumps(document, indent=1), encoding="utf-8")


def try_scenario(name: str, results: Results, ends_at: float, *, faults: Sequence[str]) -> None:
    """Try cells of one scenario until the time is over."""
    directory = DIRECTORY / name.replace(" ", "-")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    with matrix(directory, **SCENARIOS[name]) as prepared:
        chosen = [cell for cell in cells(prepared.points) if cell[0] in faults]
        results.totals[name] = [f"{fault} | {_group(point)}" for fault, point in chosen]
        for number, (fault, point) in enumerate(chosen, start=1):
            if time.monotonic() > ends_at:
                return
            if results.key(name, fault, point) in results.cells:
                continue
            cell = _try(prepared, fault, point)
            results.add(name, cell)
            verdict = "survived" if cell.survived else "NOT SURVIVED: " + "; ".join(cell.problems)
            print(
                f"[{number}/{len(chosen)}] {name}: {fault} at {point}: "
                f"ended {cell.ended}; {verdict}",
                flush=True,
            )


def _try(prepared: Matrix, fault: str, point: Point) -> Cell:
    try:
        return prepared.run(fault, point)
    except Exception as error:  # whatever it is, the table has to show it
        return Cell(fault, point, problems=[f"{type(error).__name__}: {error}"])


def _group(point: Point) -> str:
    """The row of the table that a point belongs to."""
    first = "first server" if point.server == "EX01" else "other servers"
    what = point.what if point.is_cmdlet else f"{point.endpoint}: {point.what}"
    return f"{what} ({first})"


def table(results: Results, scenario: str) -> Iterator[str]:
    """The matrix as Markdown: survived of tried, and how many there are."""
    tried: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for cell in results.cells.values():
        if cell["scenario"] == scenario and cell["reached"]:
            tried[_group(Point(**cell["point"])), cell["fault"]].append(cell)
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for entry in results.totals.get(scenario, []):
        fault, group = entry.split(" | ", 1)
        totals[group, fault] += 1
    for title, faults in (("Requests", list(WIRE_FAULTS)), ("Cmdlets", list(CMDLET_FAULTS))):
        groups = sorted({group for group, fault in totals if fault in faults})
        yield ""
        yield f"| {title} | " + " | ".join(faults) + " |"
        yield "| --- |" + " --- |" * len(faults)
        for group in groups:
            shown = [_shown(tried[group, fault], totals[group, fault]) for fault in faults]
            yield f"| {group} | " + " | ".join(shown) + " |"


def _shown(tried: Sequence[dict[str, Any]], total: int) -> str:
    if not total:
        return ""
    survived = sum(not cell["problems"] for cell in tried)
    if survived < len(tried):
        return f"**{survived} of {len(tried)}**, {total} in all"
    return f"{survived} of {total}" if tried else f"\N{EN DASH} of {total}"


def document(results: Results) -> str:
    """The whole page."""
    reached = [cell for cell in results.cells.values() if cell["reached"]]
    lost = [cell for cell in reached if cell["problems"]]
    everything = sum(map(len, results.totals.values()))
    lines = [
        INTRODUCTION.format(
            date=f"{datetime.now(timezone.utc):%Y-%m-%d}",
            tried=len(reached),
            everything=everything,
            survived=len(reached) - len(lost),
            lost=len(lost),
        ).rstrip("\n")
    ]
    for scenario, sentence in TITLES.items():
        if scenario in results.totals:
            lines += ["", f"## {sentence}"]
            lines += table(results, scenario)
    if lost:
        lines += ["", "## Not survived", ""]
        lines += [
            f"- {cell['scenario']}: {cell['fault']} at {Point(**cell['point'])}: "
            f"{'; '.join(cell['problems'])}"
            for cell in lost
        ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run it; 0 when every cell that was tried was survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, help="end after so many minutes")
    parser.add_argument(
        "--resume", action="store_true", help="continue after what was tried before"
    )
    parser.add_argument("--scenario", choices=list(SCENARIOS), help="only this one")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only these")
    arguments = parser.parse_args()
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    results = Results(DIRECTORY / "results.json", resume=arguments.resume)
    scenarios = [arguments.scenario] if arguments.scenario else list(SCENARIOS)
    began = time.monotonic()
    for number, scenario in enumerate(scenarios, start=1):
        share = number / len(scenarios)
        ends_at = began + arguments.minutes * 60 * share if arguments.minutes else float("inf")
        try_scenario(scenario, results, ends_at, faults=arguments.fault or list(FAULTS))
    results.save()
    page = document(results)
    DOCUMENT.write_text(page, encoding="utf-8")
    print("\n" + page)
    reached = [cell for cell in results.cells.values() if cell["reached"]]
    lost = [cell for cell in reached if cell["problems"]]
    print(f"{len(reached) - len(lost)} survived, {len(lost)} did not")
    return 1 if lost or not reached else 0


if __name__ == "__main__":
    sys.exit(main())
