# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the next run finish what a killed one began, whenever it was killed?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support import pki
from support.example_organisation import NAMES, SUBJECT, authorities, write_example
from support.fake_process import FakeProcess
from support.rotation_stage import RotationStage

SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Hamburg"}]
ROOT, FIRST_CA, SECOND_CA = authorities()
OLD = FIRST_CA.issue(*SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(80), valid_days=90)
NEW = SECOND_CA.issue(*SUBJECT, dns=NAMES, valid_days=90)
RENEWED = FIRST_CA.issue(*SUBJECT, dns=NAMES, valid_days=90)
PATIENCE = 120.0

pytestmark = pytest.mark.once


@pytest.fixture(params=["other issuer", "same name"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RotationStage]:
    new = NEW if request.param == "other issuer" else RENEWED
    # Slow enough that the moments differ.
    behavior = {"service_restart_seconds": 0.1, "cmdlet_seconds": 0.02}
    example = write_example(tmp_path, SERVERS, old=OLD, new=new, behavior=behavior)
    with FakeProcess.start(example.file) as fake:
        yield RotationStage(tmp_path, example, fake)


def kill_at(stage: RotationStage, steps: int) -> bool:
    """Run the playbook and end it and its workers without warning when so many steps were taken.

    Returns whether it was still running then.
    """
    process = stage.start()
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if stage.steps() >= steps:
            family = [process, *process.children(recursive=True)]
            for member in family:
                with_no_warning(member)
            psutil.wait_procs(family, timeout=10)
            return True
        time.sleep(0.01)
    return False


def with_no_warning(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        pass


@pytest.mark.long
def test_a_killed_run_is_finished_by_the_next(stage: RotationStage) -> None:
    """Killed again and again, each time further on, until a run comes through."""
    internal = {
        name: server["InternalTransportCertificateThumbprint"]
        for name, server in stage.state()["servers"].items()
    }
    killed = [steps for steps in (5, 9, 12, 14, 17, 20, 24, 30) if kill_at(stage, steps)]
    assert len(killed) >= 3, "the run was too short to be killed in the middle"

    stage.run().check()

    assert stage.everywhere() == {stage.example.new.thumbprint}
    for name, server in stage.state()["servers"].items():
        assert server["InternalTransportCertificateThumbprint"] == internal[name]
        services = server["certificates"][stage.example.new.thumbprint]["Services"]
        assert set(services) == {"IIS", "SMTP", "IMAP", "POP"}
        stopped = [
            service
            for service in ("MSExchangeTransport", "MSExchangeFrontEndTransport", "W3SVC")
            if server["services"][service]["Status"] != "Running"
        ]
        assert stopped == []
    assert stage.run().check().changed == 0


@pytest.mark.long_variants
@pytest.mark.parametrize(
    ("stage", "cmdlet"),
    [
        ("other issuer", "Import-ExchangeCertificate"),
        ("other issuer", "Enable-ExchangeCertificate"),
        ("other issuer", "Set-SendConnector"),
        ("other issuer", "Set-ReceiveConnector"),
        # No connector is set then.
        ("same name", "Import-ExchangeCertificate"),
        ("same name", "Enable-ExchangeCertificate"),
    ],
    indirect=["stage"],
)
def test_a_run_whose_changing_cmdlet_got_lost_is_finished_by_the_next(
    stage: RotationStage, cmdlet: str
) -> None:
    """The server did it, the answer never arrived, and the control node stopped waiting."""
    stage.fake.post("/faults", kind="lose_cmdlet", cmdlet=cmdlet)
    stage.inventory_variables["ansible_exchange_deadline"] = 3

    stage.run()
    assert stage.fake.get("/faults")["armed"] == [], "the cmdlet never ran"
    stage.run().check()

    assert stage.everywhere() == {stage.example.new.thumbprint}
    assert stage.run().check().changed == 0
