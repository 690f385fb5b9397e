# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What passed, what failed, and what could not run here and why: runs the checks, two at a time.

A failure stops nothing; the table at the end tells everything, and the last line is for machines.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

import checks
import machine
from checks import Check
from environments import CACHE, REPOSITORY, Environment, SetupFailed, ready

TAIL_LINES = 40


@dataclass(frozen=True)
class Outcome:
    """How one check ended. Tests of pytest count singly, any other check counts as one."""

    check: Check
    verdict: str
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    remarks: list[str] = field(default_factory=list)


class Runner:
    """Runs checks and knows what is running, so that Ctrl-C ends it."""

    def __init__(self, environments: dict[str, Environment]) -> None:
        self._environments = environments
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, check: Check) -> Outcome:
        missing = [need.sentence() for need in check.needs if not need.found]
        if missing:
            return Outcome(check=check, verdict="could not run", remarks=missing)
        environment = self._environments[check.environment]
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
                self._running.add(process)
            status = process.wait()
            with self._lock:
                self._running.discard(process)
        return _outcome(check, environment, status=status, seconds=time.monotonic() - started)

    def stop(self) -> None:
        """End what is running: each check has a process group of its own."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                os.killpg(process.pid, signal.SIGTERM)


def _outcome(check: Check, environment: Environment, *, status: int, seconds: float) -> Outcome:
    remarks = [need.sentence() for need in check.better_with if not need.found]
    if check.junit and environment.without_kerberos:
        remarks.append(environment.without_kerberos)
    passed, failed = (1, 0) if status == 0 else (0, 1)
    if check.junit and check.report.exists():
        counts, skipped = _read_report(check)
        passed, failed = counts["passed"], counts["failed"] or failed
        remarks += [f"{number} skipped: {reason}" for reason, number in skipped.items()]
    verdict = "passed" if status == 0 else "FAILED"
    if status == 0 and check.junit and passed == 0:
        verdict, remarks = "could not run", remarks or ["no test ran"]
    return Outcome(
        check=check, verdict=verdict, seconds=seconds, passed=passed, failed=failed, remarks=remarks
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


def _show(outcomes: list[Outcome], *, also: list[str], seconds: float) -> None:
    for outcome in outcomes:
        if outcome.verdict == "FAILED":
            lines = outcome.check.log.read_text(errors="replace").splitlines()
            print(f"\n----- {outcome.check.name}: the last lines of {_relative(outcome.check)}")
            print("\n".join(lines[-TAIL_LINES:]))
    width = max(len(outcome.check.name) for outcome in outcomes)
    print(f"\n{'check':{width}}  result         passed  failed  seconds")
    for outcome in outcomes:
        numbers = f"{outcome.passed:6}  {outcome.failed:6}  {outcome.seconds:7.1f}"
        print(f"{outcome.check.name:{width}}  {outcome.verdict:13}  {numbers}")
    not_run = [(outcome.check.name, remark) for outcome in outcomes for remark in outcome.remarks]
    not_run += [("everything", sentence) for sentence in also]
    if not_run:
        print("\nWhat could not run on this machine, and why:")
        for name, remark in not_run:
            print(f"  {name}: {remark}")
    print(f"\n{len(outcomes)} checks in {seconds:.0f} seconds; logs in .cache/logs")


def _relative(check: Check) -> str:
    return str(check.log.relative_to(REPOSITORY))


def main() -> int:
    """Run the checks that were asked for; 0 when none failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="only what takes less than a minute")
    parser.add_argument("--jobs", type=int, default=2, help="checks at a time (2)")
    parser.add_argument("names", nargs="*", help="only these checks")
    arguments = parser.parse_args()
    chosen = checks.quick() if arguments.quick else checks.everything()
    if unknown := set(arguments.names) - {check.name for check in chosen}:
        parser.error(f"no such check: {', '.join(sorted(unknown))}")
    chosen = [check for check in chosen if not arguments.names or check.name in arguments.names]
    started = time.monotonic()
    try:
        names = {"tools", "newest"} if arguments.quick else {"tools", "newest", "oldest"}
        environments = {made.name: made for made in ready(*sorted(names))}
    except SetupFailed as failure:
        print(f"Cannot go on: {failure}", file=sys.stderr)
        return 1
    (CACHE / "logs").mkdir(exist_ok=True)
    outcomes = _run_all(Runner(environments), chosen, jobs=arguments.jobs)
    also = [] if arguments.quick else machine.not_tried(machine.find_pythons())
    _show(outcomes, also=also, seconds=time.monotonic() - started)
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
            raise SystemExit(130) from None
    return [outcomes[check.name] for check in chosen]


if __name__ == "__main__":
    sys.exit(main())
