# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what the collection costs and writes docs/benchmarks.md: `make bench`.

The goals for 100 servers need that size, which takes as long as all others together:
`make bench ARGS="--sizes 1 2 10 50 100"`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from support.benchmark_page import PAGE, Origin, page_text
from support.benchmark_scenarios import measure_rotations, measure_tasks
from support.run_playbook import REPOSITORY

DIRECTORY = REPOSITORY / ".cache" / "bench"
# A test compares the page with what 1 and 2 servers cost.
SIZES = (1, 2, 10, 50)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="SERVERS")
    parser.add_argument("--rounds", type=int, default=41, help="of each single task")
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args()
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    origin = Origin.now()
    print(f"single tasks, {options.rounds} rounds", flush=True)
    tasks = measure_tasks(_directory("tasks"), rounds=options.rounds)
    rotations = []
    for servers in sorted(options.sizes):
        print(f"rotation and no-op of {servers} servers", flush=True)
        rotations.append(measure_rotations(_directory(f"{servers}-servers"), servers=servers))
    text = page_text(tasks, rotations, origin=origin)
    options.output.write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten to {options.output}")
    return 0


def _directory(name: str) -> Path:
    directory = DIRECTORY / name
    directory.mkdir(parents=True, mode=0o700)
    return directory


if __name__ == "__main__":
    sys.exit(main())
