# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What passed, what failed, what could not run here and why, and where the time went?

Runs the checks, two at a time. A failure stops nothing; the tables at the end show everything, and
the last line is for machines.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

import checks
import machine
import processes
from checks import Check
from environments import CACHE, REPOSITORY, TOOLS, Environment, SetupFailed, ready

TAIL_LINES = 40
SLOWEST = 20


@dataclass(frozen=True)
class Outcome:
    """How one check ended. Tests of pytest count singly, any other check counts as one."""

    check: Check
    verdict: str
    seconds: float = 0.0
    processor_seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    remarks: list[str] = field(default_factory=list)
    # Seconds of each test, by file and name.
    tests: dict[tuple[str, str], float] = field(default_factory=dict)


class Runner:
    """Runs checks and knows what is running, so that a signal ends it."""

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, check: Check) -> Outcome:
        missing = [need.sentence() for need in check.needs if not need.found]
        if missing:
            return Outcome(check=check, verdict="could not run", remarks=missing)
        try:
            (environment,) = ready(check.environment)
        except SetupFailed as failure:
            return Outcome(check=check, verdict="FAILED", failed=1, remarks=[str(failure)])
        started = time.monotonic()
        check.report.unlink(missing_ok=True)
        command = [*check.command, *([f"--junit-xml={check.report}"] if check.junit else [])]
        with check.log.open("wb") as log:
            with self._lock:
                if self._stopped:
                    return Outcome(check=check, verdict="could not run", remarks=["interrupted"])
                process = subprocess.Popen(
                    command,
                    cwd=check.directory,
                    env=environment.variables() | check.variables,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                self._running.add(process.pid)
            _, status, used = os.wait4(process.pid, 0)
            with self._lock:
                self._running.discard(process.pid)
            process.returncode = os.waitstatus_to_exitcode(status)
        return _outcome(
            check,
            environment,
            status=process.returncode,
            seconds=time.monotonic() - started,
            processor_seconds=used.ru_utime + used.ru_stime,
        )

    def stop(self) -> None:
        """End what is running, and everything that it started."""
        with self._lock:
            self._stopped = True
            processes.end_descendants()


def _outcome(
    check: Check,
    environment: Environment,
    *,
    status: int,
    seconds: float,
    processor_seconds: float,
) -> Outcome:
    remarks = [need.sentence() for need in check.better_with if not need.found]
    if check.junit and environment.without_kerberos:
        remarks.append(environment.without_kerberos)
    passed, failed = (1, 0) if status == 0 else (0, 1)
    tests: dict[tuple[str, str], float] = {}
    if check.junit and check.report.exists():
        tests = _read_seconds(check)
        counts, skipped = _read_report(check)
        passed, failed = counts["passed"], counts["failed"] or failed
        remarks += [f"{number} skipped: {reason}" for reason, number in skipped.items()]
    verdict = "passed" if status == 0 else "FAILED"
    if status == 0 and check.junit and passed == 0:
        verdict, remarks = "could not run", remarks or ["no test ran"]
    return Outcome(
        check=check,
        verdict=verdict,
        seconds=seconds,
        processor_seconds=processor_seconds,
        passed=passed,
        failed=failed,
        remarks=remarks,
        tests=tests,
    )


def _read_report(check: Check) -> tuple[Counter[str], Counter[str]]:
    """Counts by result, and by the reason for each skipped test, of a JUnit report."""
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for case in ElementTree.parse(check.report).iter("testcase"):
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            counts["failed"] += 1
        elif skipped is not None:
            reasons[skipped.get("message") or "no reason given"] += 1
        else:
            counts["passed"] += 1
    return counts, reasons


def _read_seconds(check: Check) -> dict[tuple[str, str], float]:
    """How long each test took, preparation and end included, by file and name."""
    return {
        (case.get("classname", "").rpartition(".")[2], case.get("name", "")): float(
            case.get("time", "0")
        )
        for case in ElementTree.parse(check.report).iter("testcase")
    }


def _show(outcomes: list[Outcome], *, also: list[str], left_out: list[str], seconds: float) -> None:
    for outcome in outcomes:
        if outcome.verdict == "FAILED" and outcome.check.log.exists():
            lines = outcome.check.log.read_text(errors="replace").splitlines()
            print(f"\n----- {outcome.check.name}: the last lines of {_relative(outcome.check)}")
            print("\n".join(lines[-TAIL_LINES:]))
    _show_slowest(outcomes)
    width = max(len(outcome.check.name) for outcome in outcomes)
    print(f"\n{'check':{width}}  result         passed  failed  seconds  processor seconds")
    for outcome in outcomes:
        numbers = f"{outcome.passed:6}  {outcome.failed:6}  {outcome.seconds:7.1f}"
        numbers += f"  {outcome.processor_seconds:17.1f}"
        print(f"{outcome.check.name:{width}}  {outcome.verdict:13}  {numbers}")
    where: dict[str, list[str]] = {}
    for outcome in outcomes:
        for remark in outcome.remarks:
            where.setdefault(remark, []).append(outcome.check.name)
    for sentence in also:
        where.setdefault(sentence, []).append("everything")
    if where:
        print("\nWhat could not run on this machine, and why:")
        for remark, names in where.items():
            print(f"  {', '.join(names)}: {remark}")
    if left_out:
        listed = ", ".join(file.rpartition("/test_")[2].removesuffix(".py") for file in left_out)
        print(f"\nLeft out, because the change cannot reach them ({len(left_out)} files):")
        print(textwrap.fill(listed, 100, initial_indent="  ", subsequent_indent="  "))
    total = sum(outcome.processor_seconds for outcome in outcomes)
    print(
        f"\n{len(outcomes)} checks in {seconds:.0f} seconds, {total:.0f} processor seconds; "
        "logs in .cache/logs"
    )


def _show_slowest(outcomes: list[Outcome]) -> None:
    """The tests and the files of tests that took longest, of all checks together."""
    tests = {
        f"{outcome.check.name}: {file}::{name}": seconds
        for outcome in outcomes
        for (file, name), seconds in outcome.tests.items()
    }
    files: dict[str, float] = {}
    for outcome in outcomes:
        for (file, _), seconds in outcome.tests.items():
            name = f"{outcome.check.name}: {file}"
            files[name] = files.get(name, 0.0) + seconds
    for title, table in (("tests", tests), ("files", files)):
        if table:
            print(f"\nThe slowest {title}, in seconds:")
        for name in sorted(table, key=lambda name: -table[name])[:SLOWEST]:
            print(f"  {table[name]:7.1f}  {name}")


def _relative(check: Check) -> str:
    return str(check.log.relative_to(REPOSITORY))


def main() -> int:
    """Run the checks that were asked for; 0 when none failed.

    Ended by a signal, it takes everything along that it started.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    patience = parser.add_mutually_exclusive_group()
    patience.add_argument("--quick", action="store_true", help="only what takes about a minute")
    patience.add_argument(
        "--long",
        nargs="?",
        const="",
        metavar="PART",
        help="what a release needs: all parts, or one of them; 'list' shows them",
    )
    parser.add_argument("--jobs", type=int, default=2, help="checks at a time (2)")
    parser.add_argument("names", nargs="*", help="only these checks")
    arguments = parser.parse_args()
    processes.adopt_orphans()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return _check(parser, arguments)
    except KeyboardInterrupt as interrupt:
        processes.end_descendants()
        print("Interrupted; everything that was started has been ended.", file=sys.stderr)
        return 128 + (interrupt.args or (signal.SIGINT,))[0]


def _check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    left_out: list[str] = []
    try:
        ready(TOOLS)
        if arguments.quick:
            chosen, left_out = checks.quick()
        elif arguments.long is not None:
            parts = checks.long_parts()
            if arguments.long == "list":
                print("\n".join(parts))
                return 0
            if arguments.long and arguments.long not in parts:
                parser.error(f"no such part: {arguments.long}; there is {', '.join(parts)}")
            wanted = [arguments.long] if arguments.long else list(parts)
            chosen = [check for part in wanted for check in parts[part]]
        else:
            chosen = checks.everything()
    except SetupFailed as failure:
        print(f"Cannot continue: {failure}", file=sys.stderr)
        return 1
    if unknown := set(arguments.names) - {check.name for check in chosen}:
        parser.error(f"no such check: {', '.join(sorted(unknown))}")
    chosen = [check for check in chosen if not arguments.names or check.name in arguments.names]
    (CACHE / "logs").mkdir(exist_ok=True)
    outcomes = _run_all(Runner(), chosen, jobs=arguments.jobs)
    also = [] if arguments.quick else machine.not_tried(machine.find_pythons())
    _show(outcomes, also=also, left_out=left_out, seconds=time.monotonic() - started)
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    print(f"{passed} passed, {failed} failed")
    return 1 if any(outcome.verdict == "FAILED" for outcome in outcomes) else 0


def _run_all(runner: Runner, chosen: list[Check], *, jobs: int) -> list[Outcome]:
    """The outcomes in the order of the checks; says each as it ends."""
    outcomes: dict[str, Outcome] = {}
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        waiting = [pool.submit(runner.run, check) for check in chosen]
        try:
            for number, done in enumerate(as_completed(waiting), start=1):
                outcome = done.result()
                outcomes[outcome.check.name] = outcome
                name, seconds = outcome.check.name, outcome.seconds
                print(
                    f"[{number:2}/{len(chosen)}] {outcome.verdict:13} {name} ({seconds:.1f} s)",
                    flush=True,
                )
        except KeyboardInterrupt:
            runner.stop()
            raise
    return [outcomes[check.name] for check in chosen]


def _interrupt(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(number)


if __name__ == "__main__":
    sys.exit(main())
