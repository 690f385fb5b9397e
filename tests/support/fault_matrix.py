# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left behind by a rotation into which a fault was thrown, and do the next run and the
rollback both get out of it?

One cell of the fault matrix is one fault at one point of one rotation of a whole organization.
After it, from the same state, once the same playbook again and once the rollback. What must hold is
judged from outside: the fake's state, its journal, its mail, and every line that was written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from support import pki
from support.example_organisation import (
    NAMES,
    SUBJECT,
    ExampleOrganisation,
    authorities,
    write_example,
)
from support.fake_process import FakeProcess
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import PlaybookRun

ROLLBACK = REPOSITORY / "playbooks" / "rollback_cert.yml"
SERVERS = (
    {"name": "EX01", "site": "Berlin", "dag": "DAG1"},
    {"name": "EX02", "site": "Berlin", "dag": "DAG1"},
    {"name": "EX03", "site": "Hamburg", "dag": "DAG2"},
    {"name": "EX04", "site": "Hamburg", "dag": "DAG2"},
)
SERVICES = ("IIS", "SMTP")
# Ports of the fake, and what is spoken there.
PORTS = {"smtp": ("smtp", "SMTP"), "https": ("https", "IIS")}
BACKUP_PASSWORD = "s3cret of the backup"
# Longer than this the product does not wait for a cmdlet.
DEADLINE = 6
BEYOND_DEADLINE = 8
PATIENCE = 240.0
MESSAGES_PER_SERVER = 3

WIRE_FAULTS: Mapping[str, Mapping[str, Any]] = {
    "dropped": {"kind": "drop_connection"},
    "answer lost": {"kind": "lose_answer"},
    "session gone": {"kind": "kill_shell"},
    "too late": {"kind": "slow_request", "seconds": BEYOND_DEADLINE},
    "site restarted": {"kind": "restart_site", "seconds": 0.3},
    "server restarted": {"kind": "restart_server", "seconds": 1.0},
    "killed": {"kind": "hold"},
}
CMDLET_FAULTS: Mapping[str, Mapping[str, Any]] = {
    "error": {"kind": "fail_cmdlet"},
    "terminating error": {"kind": "fail_cmdlet", "terminating": True},
    "error after effect": {"kind": "fail_cmdlet", "after": True},
    "too slow": {"kind": "slow_cmdlet", "seconds": BEYOND_DEADLINE},
    "never answered": {"kind": "lose_cmdlet"},
}
FAULTS = (*WIRE_FAULTS, *CMDLET_FAULTS)


@dataclass(frozen=True, order=True)
class Point:
    """A moment of a rotation: the n-th request of a kind, or call of a cmdlet, on one server.

    Within one server everything happens in one order, so this is the same moment in every run.
    """

    server: str
    # exchange or windows; empty for a cmdlet.
    endpoint: str
    # The verb of a request, or the name of a cmdlet.
    what: str
    occurrence: int

    @property
    def is_cmdlet(self) -> bool:
        return not self.endpoint

    def selectors(self) -> dict[str, Any]:
        """How the fake knows it."""
        place = (
            {"cmdlet": self.what}
            if self.is_cmdlet
            else {"endpoint": self.endpoint, "verb": self.what}
        )
        return {"server": self.server, "skip": self.occurrence, **place}

    def __str__(self) -> str:
        where = f"{self.server} {self.endpoint} {self.what}".replace("  ", " ")
        return f"{where} {self.occurrence + 1}"


@dataclass
class Cell:
    """What came of one fault at one point; survived without any problem."""

    fault: str
    point: Point
    reached: bool = True
    ended: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def survived(self) -> bool:
        return not self.problems


@dataclass
class Matrix:
    """An organization in its starting state, and what a rotation of it looks like undisturbed."""

    stage: RotationStage
    records: Path
    start: dict[str, Any] = field(default_factory=dict)
    goal: dict[str, Any] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    # Follow-ups that were seen to come out well, by the state that they began with.
    _proved: set[str] = field(default_factory=set)

    # -- preparation -----------------------------------------------------------------------------

    def prepare(self) -> None:
        """Rotate once undisturbed; learn the goal, and every point there is."""
        fake = self.stage.fake
        for server in fake.names:
            fake.post("/mail", server=server, queue="7", count=MESSAGES_PER_SERVER, stuck=True)
        fake.post("/snapshot", name="start")
        self.start = sound(self.stage.state())
        self._begin("start")
        self.stage.run().check()
        self.goal = sound(self.stage.state())
        self.points = self._points()
        problems = self._invariants(expected_imports=1)
        assert not problems, problems
        assert self.goal != self.start

    def _points(self) -> list[Point]:
        counts: Counter[tuple[str, str, str]] = Counter()
        found = []
        for request in self.stage.fake.get("/requests"):
            key = (request["server"], request["endpoint"], request["verb"])
            found.append(Point(*key, counts[key]))
            counts[key] += 1
        for call in self.stage.fake.get("/log"):
            if call["cmdlet"] == "Select-Object":
                continue
            key = (call["server"], "", call["cmdlet"])
            found.append(Point(*key, counts[key]))
            counts[key] += 1
        return found

    # -- one cell --------------------------------------------------------------------------------

    def run(self, fault: str, point: Point) -> Cell:
        """Throw one fault, and see what the next run and the rollback make of it."""
        cell = Cell(fault, point)
        self._begin("start")
        definition = {**WIRE_FAULTS, **CMDLET_FAULTS}[fault]
        self.stage.fake.post("/faults", **definition, **point.selectors())
        if fault == "killed":
            output = self._kill_when_held()
        else:
            run = self.stage.run()
            output = run.output
            if "Traceback (most recent call last)" in output:
                cell.problems.append("a traceback was shown")
        cell.reached = bool(self.stage.fake.get("/faults")["fired"])
        self.stage.fake.post("/faults/clear")
        self._settle()
        state = sound(self.stage.state())
        cell.ended = self._name(state)
        cell.problems += self._invariants()
        cell.problems += self._secrets(output)
        if cell.reached:
            self._follow_up(cell, state)
        return cell

    def _follow_up(self, cell: Cell, state: dict[str, Any]) -> None:
        """From the same state, once the same playbook again and once the rollback."""
        key = self._key(state)
        if key in self._proved:
            return
        self.stage.fake.post("/snapshot", name="after fault")
        kept = self.records.with_name("records-after-fault")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.records, kept)
        problems = [f"rerun: {problem}" for problem in self._rerun()]
        self._begin("after fault", records=kept)
        problems += [f"rollback: {problem}" for problem in self._roll_back()]
        cell.problems += problems
        if not problems:
            self._proved.add(key)

    def _rerun(self) -> list[str]:
        run = self.stage.run()
        problems = self._secrets(run.output)
        if run.return_code != 0:
            return [*problems, f"it failed: {_last_words(run)}"]
        self._settle()
        state = sound(self.stage.state())
        if state != self.goal:
            problems.append(f"not at the goal: {difference(state, self.goal)}")
        if self._presented() != {self.stage.example.new.thumbprint}:
            problems.append("a port presents another certificate")
        return [*problems, *self._invariants()]

    def _roll_back(self) -> list[str]:
        folder = self._run_folder()
        if folder is None:
            # Nothing had begun, so there must be nothing to roll back.
            state = sound(self.stage.state())
            return [] if state == self.start else ["something was changed without a record"]
        run = self.stage.run(playbook=ROLLBACK, rollback_run_folder=str(folder))
        problems = self._secrets(run.output)
        if run.return_code != 0:
            return [*problems, f"it failed: {_last_words(run)}"]
        self._settle()
        state = sound(self.stage.state())
        if state != self.start:
            problems.append(f"not as before: {difference(state, self.start)}")
        if self._presented() != {self.stage.example.old.thumbprint}:
            problems.append("a port presents another certificate than before")
        return [*problems, *self._invariants()]

    # -- what must hold --------------------------------------------------------------------------

    def _invariants(self, *, expected_imports: int | None = None) -> list[str]:
        """What must hold at every moment and at every end."""
        fake = self.stage.fake
        journal, mail = fake.get("/journal"), fake.get("/mail")
        problems = [
            f"{item['connector']} named what {item['server']} cannot present, after {item['after']}"
            for item in journal["violations"]
        ]
        problems += [f"messages lost: {mail['lost']}"] if mail["lost"] else []
        problems += [f"messages doubled: {mail['doubled']}"] if mail["doubled"] else []
        problems += twice(journal["changes"])
        if expected_imports is not None:
            done = [
                c for c in journal["changes"] if c["what"].startswith("Import-") and not c["error"]
            ]
            if len(done) != expected_imports * len(fake.names):
                problems.append(f"{len(done)} imports")
        return problems

    def _secrets(self, output: str) -> list[str]:
        """Passwords and keys in what was shown or written down."""
        example = self.stage.example
        secrets = [example.password, example.pfx_password, BACKUP_PASSWORD, *key_lines(example.new)]
        texts = {"output": output}
        for file in self.records.rglob("*"):
            if file.is_file() and file.suffix != ".pfx":
                texts[file.name] = file.read_text(encoding="utf-8", errors="replace")
        return [
            f"a secret in {where}"
            for where, text in texts.items()
            if any(secret in text for secret in secrets)
        ]

    def _name(self, state: dict[str, Any]) -> str:
        if state == self.start:
            return "before"
        return "goal" if state == self.goal else "in between"

    def _key(self, state: dict[str, Any]) -> str:
        """Two faults that leave the same state and the same record have the same way out."""
        folder = self._run_folder()
        record: list[str] = []
        if folder is not None:
            record = sorted(file.name for file in folder.iterdir())
            document = json.loads((folder / "before.json").read_text(encoding="utf-8"))
            # Ports are numbers of this fake, times are of this run.
            record.append(json.dumps({**document, "began": ""}, sort_keys=True))
        text = json.dumps([state, record], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    # -- inside ----------------------------------------------------------------------------------

    def _begin(self, snapshot: str, *, records: Path | None = None) -> None:
        self.stage.fake.post("/snapshot/restore", name=snapshot)
        shutil.rmtree(self.records, ignore_errors=True)
        if records is not None:
            shutil.copytree(records, self.records)
        else:
            self.records.mkdir()

    def _presented(self) -> set[str | None]:
        """What the ports that the playbook looks at present, seen by handshakes of our own."""
        shown = self.stage.presented()
        return {thumbprint for (_server, port), thumbprint in shown.items() if port in PORTS}

    def _settle(self) -> None:
        """Wait for services that come back by themselves."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            state = self.stage.state()
            pending = [
                name
                for server in state["servers"].values()
                for name, service in server["services"].items()
                if service["Status"] not in ("Running", "Stopped")
                or (name in ("W3SVC", "WinRM") and service["Status"] != "Running")
            ]
            if not pending:
                return
            time.sleep(0.1)

    def _run_folder(self) -> Path | None:
        folders = sorted(f for f in self.records.iterdir() if (f / "before.json").exists())
        return folders[-1] if folders else None

    def _kill_when_held(self) -> str:
        """Run until the request is held, then end the playbook and its workers without warning."""
        process = self.stage.start()
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            if self.stage.fake.get("/faults")["holding"]:
                family = [process, *process.children(recursive=True)]
                for member in family:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        member.kill()
                psutil.wait_procs(family, timeout=10)
                break
            time.sleep(0.02)
        self.stage.fake.post("/faults/release")
        return ""


@contextlib.contextmanager
def matrix(
    directory: Path,
    *,
    same_name: bool = False,
    servers: Sequence[Mapping[str, Any]] = SERVERS,
    **variables: Any,
) -> Iterator[Matrix]:
    """A prepared matrix.

    Args:
        same_name: whether the new certificate has the issuer and subject of the old one.
        variables: of the playbook, beside those that are set here.
    """
    _root, first, second = authorities()
    example = write_example(
        directory,
        servers,
        old=first.issue(*SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(80), valid_days=90),
        new=(first if same_name else second).issue(*SUBJECT, dns=NAMES, valid_days=90),
        services=SERVICES,
        adjust=_only_what_is_looked_at,
    )
    records = directory / "records"
    with FakeProcess.start(example.file) as fake:
        stage = RotationStage(directory, example, fake)
        stage.variables = {
            "rotate_services": list(SERVICES),
            "rotate_record_directory": str(records),
            "rotate_drain": True,
            "rotate_drain_timeout": 10,
            "rotate_backup_password": BACKUP_PASSWORD,
            "rotate_verify_retries": 2,
            "rotate_verify_delay": 0.5,
            **variables,
        }
        stage.inventory_variables = {"ansible_exchange_deadline": DEADLINE}
        stage.host_variables = {
            name: {"rotate_ports": _ports(example, fake, name)} for name in fake.names
        }
        prepared = Matrix(stage, records)
        prepared.prepare()
        yield prepared


def _only_what_is_looked_at(organisation: dict[str, Any]) -> None:
    """POP and IMAP play no part here."""
    organisation["defaults"]["services"] = {}


def _ports(example: ExampleOrganisation, fake: FakeProcess, server: str) -> list[dict[str, Any]]:
    ports = fake.server(server)["ports"]
    return [
        {"port": ports[port], "protocol": protocol, "service": service}
        for port, (protocol, service) in PORTS.items()
    ]


def sound(state: Mapping[str, Any]) -> dict[str, Any]:
    """What of the fake's state counts when two are compared: not counts, times or chains."""
    servers = {}
    for name, server in state["servers"].items():
        servers[name] = {
            "certificates": {
                thumbprint: sorted(item["Services"])
                for thumbprint, item in server["certificates"].items()
            },
            "internal transport": server["InternalTransportCertificateThumbprint"],
            "receive connectors": {
                item["Name"]: {
                    key: value for key, value in item.items() if not key.startswith("When")
                }
                for item in server["receive_connectors"]
            },
            "services": {key: value["Status"] for key, value in server["services"].items()},
            "loaded": {
                key: {port: item["Thumbprint"] for port, item in value["loaded"].items()}
                for key, value in server["services"].items()
                if value["loaded"]
            },
            "bindings": server["web_bindings"],
            "held down": {
                component: {who: asked for who, asked in requesters.items() if asked != "Active"}
                for component, requesters in server["requesters"].items()
                if set(requesters.values()) - {"Active"}
            },
        }
    return {
        "servers": servers,
        "send connectors": [
            {key: value for key, value in item.items() if not key.startswith("When")}
            for item in state["send_connectors"]
        ],
        "hybrid": state["hybrid_configuration"],
    }


def difference(actual: Any, wanted: Any, path: str = "") -> str:
    """Where two states differ, the first few places."""
    found = list(_differences(actual, wanted, path))
    return "; ".join(found[:4]) + (f" (and {len(found) - 4} more)" if len(found) > 4 else "")


def _differences(actual: Any, wanted: Any, path: str) -> Iterator[str]:
    if isinstance(actual, dict) and isinstance(wanted, dict):
        for key in sorted({*actual, *wanted}, key=str):
            yield from _differences(actual.get(key), wanted.get(key), f"{path}/{key}")
    elif isinstance(actual, list) and isinstance(wanted, list) and len(actual) == len(wanted):
        for index, (one, other) in enumerate(zip(actual, wanted, strict=True)):
            yield from _differences(one, other, f"{path}/{index}")
    elif actual != wanted:
        yield f"{path}: {actual!r} instead of {wanted!r}"


def twice(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was done again although it had been done: imports without a removal in between."""
    problems = []
    present: dict[str, int] = {}
    for change in changes:
        server = change["server"]
        if change["what"] == "Import-ExchangeCertificate":
            if "already exists" in change["error"]:
                problems.append(f"imported again on {server}")
            elif not change["error"] or "couldn't be performed" in change["error"]:
                present[server] = present.get(server, 0) + 1
        elif change["what"] == "Remove-ExchangeCertificate" and not change["error"]:
            present[server] = 0
    return problems


def key_lines(issued: pki.Issued) -> list[str]:
    """Lines of a private key, any of which would give it away."""
    lines = issued.key_pem(None).decode().splitlines()
    return [line for line in lines if not line.startswith("-")][:5]


def _last_words(run: PlaybookRun) -> str:
    failures = [
        str(item.result.get("msg"))
        for item in run.results
        if item.status in ("failed", "unreachable")
    ]
    return " | ".join(dict.fromkeys(failures))[-600:] or run.output[-400:]
