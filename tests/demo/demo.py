# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a rotation look like? Starts a fake organization of four Mailbox servers in two sites,
rotates its expiring certificate with the real ansible-playbook, runs the same playbook again, and
shows what each port of each server presented before and after."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from support.example_organisation import (
    MAIL_AND_WEB_PORTS,
    NAMES,
    ExampleOrganisation,
    write_example,
)
from support.fake_process import FakeProcess
from support.presented import thumbprint
from support.task_seconds import TaskSeconds, read_task_seconds, task_seconds_environment

REPOSITORY = Path(__file__).resolve().parents[2]
DIRECTORY = REPOSITORY / ".cache" / "demo"
SERVERS = [
    {"name": "EX01", "site": "Berlin"},
    {"name": "EX02", "site": "Berlin"},
    {"name": "EX03", "site": "Hamburg"},
    {"name": "EX04", "site": "Hamburg"},
]
PORT_LABELS = {"smtp": "25", "submission": "587", "https": "443", "imaps": "993", "pop3s": "995"}

Presented = dict[tuple[str, str], str | None]


@dataclass(frozen=True)
class Run:
    """What one run of the playbook cost and did, by the fake's own counters."""

    seconds: float
    return_code: int
    changed: int
    counters: dict[str, Any]
    tasks: list[TaskSeconds]

    def seconds_of(self, server: str) -> float:
        """Seconds of all tasks of a server; the servers' tasks run side by side."""
        return sum(task.seconds for task in self.tasks if task.host == server)

    def sessions(self, server: str) -> int:
        """Sessions of both kinds, PowerShell and Windows."""
        counts = self.counters["servers"].get(server, {})
        return int(counts.get("sessions", 0)) + int(counts.get("windows_shells", 0))

    def cmdlets(self, server: str) -> int:
        return sum(self.counters["servers"].get(server, {}).get("cmdlets", {}).values())


def main() -> int:
    """Show it; 0 when all ports present the new certificate and the second run changed nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quiet", action="store_true", help="without the output of ansible-playbook"
    )
    options = parser.parse_args()
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True, mode=0o700)
    example = write_example(DIRECTORY, SERVERS)
    with _terminated_like_interrupted(), FakeProcess.start(example.file) as fake:
        _say(
            f"A fake organization listens: {', '.join(fake.names)}"
            f"; control: {fake.endpoints['control']}"
        )
        _write_inputs(example, fake)
        before = _look(fake)
        _say("First run: ansible-playbook playbooks/rotate_cert.yml")
        first = _run_playbook(fake, quiet=options.quiet)
        after = _look(fake)
        _say("Second run: the same command")
        second = _run_playbook(fake, quiet=options.quiet)
        state = fake.get("/state")
    _show(example, before=before, after=after, state=state, runs=(first, second))
    return _verdict(example, after=after, runs=(first, second))


def _write_inputs(example: ExampleOrganisation, fake: FakeProcess) -> None:
    inventory = example.inventory(fake.endpoints)
    for name, content in (("inventory.yml", inventory), ("variables.yml", example.variables())):
        file = DIRECTORY / name
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _run_playbook(fake: FakeProcess, *, quiet: bool) -> Run:
    fake.post("/counters/reset")
    command = [str(Path(sys.executable).with_name("ansible-playbook"))]
    command += ["--inventory", str(DIRECTORY / "inventory.yml")]
    command += ["--extra-vars", f"@{DIRECTORY / 'variables.yml'}"]
    command += [str(REPOSITORY / "playbooks" / "rotate_cert.yml")]
    record = DIRECTORY / "task_seconds.jsonl"
    record.unlink(missing_ok=True)
    started = time.monotonic()
    lines = []
    with subprocess.Popen(
        command,
        env=os.environ | task_seconds_environment(record),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if not quiet:
                    print(line, end="", flush=True)
        except BaseException:
            process.terminate()
            raise
    seconds = time.monotonic() - started
    if quiet and process.returncode != 0:
        print("".join(lines))
    changed = sum(int(number) for number in re.findall(r"\bchanged=(\d+)", "".join(lines)))
    counters, tasks = fake.get("/counters"), read_task_seconds(record)
    return Run(seconds, process.returncode, changed, counters, tasks)


def _look(fake: FakeProcess) -> Presented:
    """What every port presents, seen with nothing but the standard library."""
    return {
        (server, port): thumbprint(
            fake.server(server)["address"],
            fake.server(server)["ports"][port],
            starttls=protocol == "smtp",
            name=NAMES[0],
        )
        for server in fake.names
        for port, (protocol, _service) in MAIL_AND_WEB_PORTS.items()
    }


def _show(
    example: ExampleOrganisation,
    *,
    before: Presented,
    after: Presented,
    state: dict[str, Any],
    runs: tuple[Run, Run],
) -> None:
    _say("What every port presented, before -> after")
    print(f"  old  {example.old.thumbprint}\n  new  {example.new.thumbprint}\n")
    print("  server  site     " + "".join(f"{PORT_LABELS[port]:14}" for port in MAIL_AND_WEB_PORTS))
    for server, facts in state["servers"].items():
        cells = [
            f"{_word(example, before[server, port])} -> {_word(example, after[server, port])}"
            for port in MAIL_AND_WEB_PORTS
        ]
        line = f"  {server:7} {facts['Site']:8} " + "".join(f"{cell:14}" for cell in cells)
        print(line.rstrip())
    print(
        "\n  server  services of the new   Receive connectors       sessions     cmdlets      "
        "seconds"
    )
    print(
        "          certificate           that name it             1st   2nd    1st   2nd    "
        "1st   2nd"
    )
    wanted = _issuer_and_subject(state, example)
    for server, facts in state["servers"].items():
        services = facts["certificates"].get(example.new.thumbprint, {}).get("Services", [])
        connectors = [
            connector["Name"].removesuffix(f" {server}")
            for connector in facts["receive_connectors"]
            if connector["TlsCertificateName"] == wanted
        ]
        numbers = "".join(
            f"{count(runs[0], server):3}{count(runs[1], server):6}    "
            for count in (Run.sessions, Run.cmdlets)
        )
        numbers += f"{runs[0].seconds_of(server):3.1f}{runs[1].seconds_of(server):6.1f}"
        print(f"  {server:7} {', '.join(services):21} {', '.join(connectors):24} {numbers}")
    names = [c["Name"] for c in state["send_connectors"] if c["TlsCertificateName"] == wanted]
    print(f"\n  {next(iter(state['servers']))} includes what belongs to the organization. ", end="")
    print(f"Send connectors that name it: {', '.join(names) or 'none'}")
    for label, run in zip(("First", "Second"), runs, strict=True):
        print(f"  {label} run: {run.seconds:.1f} seconds, changed={run.changed}")


def _issuer_and_subject(state: dict[str, Any], example: ExampleOrganisation) -> str:
    for server in state["servers"].values():
        found = server["certificates"].get(example.new.thumbprint)
        if found:
            return f"<I>{found['Issuer']}<S>{found['Subject']}"
    return "not installed anywhere"


def _word(example: ExampleOrganisation, presented: str | None) -> str:
    words = {None: "none", example.old.thumbprint: "old", example.new.thumbprint: "new"}
    return words.get(presented, "other")


def _verdict(example: ExampleOrganisation, *, after: Presented, runs: tuple[Run, Run]) -> int:
    wrong = [f"{server} port {PORT_LABELS[port]}" for (server, port), seen in after.items()
             if seen != example.new.thumbprint]  # fmt: skip
    faults = [f"another certificate is presented by {place}" for place in wrong]
    faults += [f"a run ended with {run.return_code}" for run in runs if run.return_code != 0]
    if runs[1].changed:
        faults.append(f"the second run changed {runs[1].changed} things")
    _say(
        "\n".join(faults)
        or "Every port presents the new certificate, and the second run changed nothing."
    )
    return 1 if faults else 0


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """A SIGTERM ends everything as Ctrl-C does, so that no process is left behind."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _say(text: str) -> None:
    print(f"\n=== {text}\n", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("ANSIBLE_FORKS", "10")
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nInterrupted; everything was ended.", file=sys.stderr)
        sys.exit(130)
