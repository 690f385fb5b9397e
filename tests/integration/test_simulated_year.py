# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A year of 47-day certificates, four servers, and a job that nobody attends.

Time is simulated for everybody: the authority, the servers, and the job.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from support import pki, simulated_clock
from support.example_organisation import (
    MAIL_AND_WEB_PORTS,
    NAMES,
    SUBJECT,
    authorities,
    write_example,
)
from support.fake_process import FakeProcess
from support.pebble import Pebble, missing_programs
from support.presented import certificate
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import PlaybookRun, has_collection
from support.simulated_clock import SimulatedClock

DAYS = 365
LIFETIME = 47
# How often the job is started. Daily would be no other test and seven times as long.
EVERY = 7
SERVERS = [
    {"name": f"EX0{number}", "site": "Berlin" if number < 3 else "Hamburg"}
    for number in (1, 2, 3, 4)
]
MISSING = [*missing_programs(), *simulated_clock.missing_programs()]

pytestmark = [
    pytest.mark.long,
    pytest.mark.year,
    pytest.mark.once,
    pytest.mark.longest,
    pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} missing"),
    pytest.mark.skipif(
        not has_collection("community.crypto"),
        reason="community.crypto could not be downloaded from PyPI (package ansible)",
    ),
]


class Year:
    """The organization, its job, and what was seen of both."""

    def __init__(self, stage: RotationStage, clock: SimulatedClock) -> None:
        self.stage = stage
        self.clock = clock
        self.log: list[str] = []
        self.renewed_on: list[datetime] = []
        self.issuers: list[str] = []

    def look(self) -> None:
        """What must hold: ports present what is valid, connectors name what is there."""
        now = self.clock.now
        for server in self.stage.fake.names:
            for port, (protocol, service) in MAIL_AND_WEB_PORTS.items():
                if service in ("IMAP", "POP"):
                    continue
                found = self._presented(server, port, protocol)
                assert found.not_valid_before_utc <= now + timedelta(minutes=5), (server, port)
                assert now < found.not_valid_after_utc, f"{server} {port} expired on {now:%F}"
        state = self.stage.state()
        held = {
            name: {
                f"<I>{item['Issuer']}<S>{item['Subject']}"
                for item in server["certificates"].values()
            }
            for name, server in state["servers"].items()
        }
        for connector in state["send_connectors"]:
            wanted = connector["TlsCertificateName"]
            assert wanted is None or all(wanted in names for names in held.values())
        for name, server in state["servers"].items():
            for connector in server["receive_connectors"]:
                wanted = connector["TlsCertificateName"]
                assert wanted is None or wanted in held[name]

    def run_job(self, variables: dict[str, Any]) -> PlaybookRun:
        """What the schedule starts, and one line of the log."""
        run = self.stage.run(
            playbook=REPOSITORY / "playbooks" / "renew_acme.yml",
            give_certificate=False,
            environment=self.clock.environment,
            **variables,
        ).check()
        tasks = (
            "due : Report the verdict",
            "acme_renewal : receive | Report the new certificate",
            "acme_renewal : take_kept | Report the kept certificate",
        )
        sentences = [text for task in tasks for text in _said(run, task)]
        self.log.append(f"{self.clock.now:%Y-%m-%d}  " + " ".join(sentences))
        if run.changed:
            self.renewed_on.append(self.clock.now)
            found = self._presented("EX01", "https", "https")
            self.issuers.append(found.issuer.rfc4514_string())
        return run

    def _presented(self, server: str, port: str, protocol: str) -> x509.Certificate:
        endpoint = self.stage.fake.server(server)
        der = certificate(
            endpoint["address"],
            endpoint["ports"][port],
            starttls=protocol == "smtp",
            name=NAMES[0],
        )
        assert der is not None, f"{server} {port} does not answer"
        return x509.load_der_x509_certificate(der)


def test_a_year_passes_and_nobody_was_needed(tmp_path: Path) -> None:
    clock = SimulatedClock(tmp_path / "clock")
    _root, first, _second = authorities()
    old = first.issue(*SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(20), valid_days=LIFETIME)
    example = write_example(
        tmp_path, SERVERS, old=old, adjust=lambda whole: whole.pop("trusted_roots")
    )
    with (
        FakeProcess.start(example.file, environment=clock.server_environment) as fake,
        Pebble(
            tmp_path / "pebble",
            lifetime_days=LIFETIME,
            environment=clock.go_environment,
            wrapper=clock.go_programs,
        ) as pebble,
    ):
        year = Year(RotationStage(tmp_path, example, fake), clock)
        begin = clock.now
        while clock.now < begin + timedelta(days=DAYS):
            before = len(year.renewed_on)
            year.look()
            run = year.run_job(job(tmp_path, pebble))
            year.look()
            if len(year.renewed_on) == before:
                assert run.changed == 0
            elif len(year.renewed_on) % 2 == 0:
                pebble.restart()  # another issuing certificate, as Let's Encrypt has several
            clock.advance(EVERY)
        written = "\n".join(year.log)
        (tmp_path / "year.log").write_text(written, encoding="utf-8")

        # Two thirds of 47 days, at the next start of the job.
        intervals = [
            (after - earlier).days
            for earlier, after in zip(year.renewed_on, year.renewed_on[1:], strict=False)
        ]
        assert set(intervals) == {35}, written
        assert len(year.renewed_on) == 11, written
        assert len(set(year.issuers)) == 6, year.issuers
        # Everything was in the log, a line for each start and nothing else.
        assert len(year.log) == DAYS // EVERY + 1
        quiet = [line for line in year.log if "Nothing is due" in line]
        busy = [line for line in year.log if "A renewal is due" in line]
        assert len(busy) == len(year.renewed_on)
        assert len(quiet) == len(year.log) - len(busy)
        assert all(re.search(r"was issued by .* until \d{4}-\d\d-\d\d", line) for line in busy)
        # And a record of every rotation, complete.
        summaries = list((tmp_path / "runs").glob("*-rotate-*/summary.md"))
        assert len(summaries) == len(year.renewed_on)


def job(folder: Path, pebble: Pebble) -> dict[str, Any]:
    """What the administrator wrote a year ago."""
    return {**pebble.variables(folder), "rotate_services": ["IIS", "SMTP"]}


def _said(run: PlaybookRun, task: str) -> list[str]:
    """What a task reported."""
    found = [item for item in run.results if item.task.endswith(task) and item.result.get("msg")]
    texts = [item.result["msg"] for item in found]
    return [" ".join(text) if isinstance(text, list) else text for text in texts]
