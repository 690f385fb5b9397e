# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do single tasks, and whole rotations of organizations of several sizes, cost? `make bench`
measures them; a test holds their counts against docs/benchmarks.md."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.example_organisation import USER, ExampleOrganisation, write_example
from support.fake_process import FakeProcess
from support.process_cost import Cost, run
from support.run_playbook import REPOSITORY, playbook_environment, write_yaml
from support.task_seconds import read_task_seconds, task_seconds_environment

BARE_CLIENT = REPOSITORY / "tests" / "bench" / "bare_client.py"
ROTATE = REPOSITORY / "playbooks" / "rotate_cert.yml"
FORKS = 10


@dataclass(frozen=True)
class TaskTimes:
    """Median seconds of one task: of `debug`, of a no-op module, and of the bare client."""

    debug: float
    no_op: float
    bare_client: float
    rounds: int


@dataclass(frozen=True)
class Rotation:
    """What one run of the playbook cost, on how many servers, by the fake's own counters.

    sessions: PowerShell sessions and Windows shells. http_requests: all of them but WSMan's
    Receive, which are receives: only their number depends on time.
    """

    servers: int
    cost: Cost
    sessions: int
    cmdlets: int
    http_requests: int
    receives: int

    def per_server(self, amount: float) -> float:
        return amount / self.servers


def measure_tasks(directory: Path, *, rounds: int) -> TaskTimes:
    """Run many debug tasks and many no-op tasks in one play, and the bare client beside them."""
    example = write_example(directory, [{"name": "EX01", "site": "Berlin"}])
    with FakeProcess.start(example.file) as fake:
        inventory = write_yaml(directory / "inventory.yml", example.inventory(fake.endpoints))
        seconds = _task_seconds(directory, example, inventory, rounds=rounds)
        bare = _bare_client_seconds(example, fake, rounds=rounds)
    return TaskTimes(
        debug=statistics.median(seconds["debug"]),
        no_op=statistics.median(seconds["no-op"]),
        bare_client=statistics.median(bare),
        rounds=rounds,
    )


def measure_rotations(directory: Path, *, servers: int) -> tuple[Rotation, Rotation]:
    """Rotate an organization of that size, then run the same playbook again: (full, no-op).

    Raises CommandFailed when one of the two runs fails.
    """
    example = write_example(
        directory,
        [
            {"name": f"EX{number:03}", "site": ("Berlin", "Hamburg")[number % 2]}
            for number in range(1, servers + 1)
        ],
    )
    with FakeProcess.start(example.file) as fake:
        inventory = write_yaml(directory / "inventory.yml", example.inventory(fake.endpoints))
        variables = write_yaml(directory / "variables.yml", example.variables())
        command = [_program("ansible-playbook"), "--inventory", str(inventory)]
        command += ["--forks", str(FORKS), "--extra-vars", f"@{variables}", str(ROTATE)]
        environment = playbook_environment(directory)
        full = _rotation(fake, command, environment, directory / "full.log", servers=servers)
        no_op = _rotation(fake, command, environment, directory / "no_op.log", servers=servers)
    return full, no_op


def _task_seconds(
    directory: Path, example: ExampleOrganisation, inventory: Path, *, rounds: int
) -> dict[str, list[float]]:
    tasks: list[dict[str, Any]] = []
    for _round in range(rounds):
        tasks.append({"name": "debug", "ansible.builtin.debug": {"msg": "nothing"}})
        tasks.append(
            {
                "name": "no-op",
                "mailops.exchange.exchange_certificate": {
                    "thumbprint": example.old.thumbprint,
                    "services": ["IIS", "SMTP"],
                },
            }
        )
    play = {"hosts": "exchange", "gather_facts": False, "tasks": tasks}
    playbook = write_yaml(directory / "tasks.yml", [play])
    record = directory / "seconds.jsonl"
    environment = playbook_environment(directory) | task_seconds_environment(record)
    command = [_program("ansible-playbook"), "--inventory", str(inventory), str(playbook)]
    run(command, environment=environment, log=directory / "tasks.log")
    seconds: dict[str, list[float]] = {"debug": [], "no-op": []}
    for entry in read_task_seconds(record):
        seconds[entry.task].append(entry.seconds)
    # The first task of a kind loads its plugins; the others show the lasting cost.
    return {name: values[1:] for name, values in seconds.items()}


def _bare_client_seconds(
    example: ExampleOrganisation, fake: FakeProcess, *, rounds: int
) -> list[float]:
    server = fake.server("EX01")
    directory = example.directory
    environment = playbook_environment(directory)
    environment |= {
        "PYTHONPATH": environment["ANSIBLE_COLLECTIONS_PATH"],
        "BENCH_USER": USER,
        "BENCH_PASSWORD": example.password,
    }
    arguments = [server["address"], str(server["ports"]["powershell_http"]), "EX01", str(rounds)]
    output = subprocess.run(
        [sys.executable, str(BARE_CLIENT), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [float(line) for line in output.split()][1:]


def _rotation(
    fake: FakeProcess,
    command: Sequence[str],
    environment: dict[str, str],
    log: Path,
    *,
    servers: int,
) -> Rotation:
    fake.post("/counters/reset")
    cost = run(command, environment=environment, log=log)
    total = fake.get("/counters")["total"]
    receives = total["wsman_requests"].get("Receive", 0)
    return Rotation(
        servers=servers,
        cost=cost,
        sessions=total["sessions"] + total["windows_shells"],
        cmdlets=sum(count for name, count in total["cmdlets"].items() if name != "Select-Object"),
        http_requests=total["http_requests"] - receives,
        receives=receives,
    )


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))
