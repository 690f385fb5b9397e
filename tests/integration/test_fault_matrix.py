# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does a rotation survive a fault at every kind of moment? A part of the matrix of `make faults`.

And would the matrix notice if it did not: a broken product must not survive.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fault_matrix import Cell, Matrix, Point, matrix

pytestmark = pytest.mark.once

# One of each kind of fault, where it hurts most.
CELLS = [
    ("dropped", Point("EX01", "exchange", "Command", 20)),
    ("answer lost", Point("EX02", "windows", "Receive", 2)),
    ("session gone", Point("EX02", "exchange", "Receive", 24)),
    ("site restarted", Point("EX01", "exchange", "Send", 1)),
    ("killed", Point("EX02", "windows", "Send", 2)),
    ("killed", Point("EX02", "exchange", "Send", 0)),
    ("error", Point("EX02", "", "Enable-ExchangeCertificate", 0)),
    ("terminating error", Point("EX01", "", "Set-SendConnector", 0)),
    ("error after effect", Point("EX02", "", "Import-ExchangeCertificate", 0)),
    ("too slow", Point("EX01", "", "Set-ServerComponentState", 1)),
    ("never answered", Point("EX02", "", "Enable-ExchangeCertificate", 0)),
]
SERVERS = [
    {"name": "EX01", "site": "Berlin", "dag": "DAG1"},
    {"name": "EX02", "site": "Berlin", "dag": "DAG1"},
]


# What a renewal under the same name does differently: no connector is set, and two certificates
# have one name. `make faults` has the rest.
OF_THE_SAME_NAME = ("session gone", "error after effect", "never answered")
ALL = [("another name", *cell) for cell in CELLS]
ALL += [("same name", *cell) for cell in CELLS if cell[0] in OF_THE_SAME_NAME]
# One of each kind: contact lost in a session, at Windows, after a change, and the name kept.
IN_EVERY_RUN = (
    ("another name", "answer lost"),
    ("another name", "session gone"),
    ("another name", "error"),
    ("same name", "error after effect"),
)


@pytest.fixture(scope="module")
def prepared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Matrix]:
    directory = tmp_path_factory.mktemp("faults")
    with matrix(directory, same_name=request.param == "same name", servers=SERVERS) as found:
        yield found


@pytest.mark.parametrize(
    ("prepared", "fault", "point"),
    [
        pytest.param(
            name,
            fault,
            point,
            id=f"{name}, {fault} at {point}",
            marks=[] if (name, fault) in IN_EVERY_RUN else pytest.mark.long,
        )
        for name, fault, point in ALL
    ],
    indirect=["prepared"],
)
def test_it_survives(prepared: Matrix, fault: str, point: Point) -> None:
    cell = prepared.run(fault, point)

    assert cell.reached, "the rotation never came to this point"
    assert cell.problems == []


def test_a_product_that_cannot_roll_back_is_found_out(tmp_path: Path) -> None:
    """Its record is gone, as if it had never been written."""

    class WithoutRecord(Matrix):
        def _roll_back(self) -> list[str]:
            for file in self.records.rglob("before.json"):
                file.unlink()
            return super()._roll_back()

    cell = _one_cell(tmp_path, WithoutRecord, rotate_rollback=False)

    assert cell.ended == "in between"
    assert "rollback: something was changed without a record" in cell.problems


def test_a_product_that_points_before_it_installs_is_found_out(tmp_path: Path) -> None:
    """The Send connector names the new certificate while a source server lacks it."""

    class PointsTooEarly(Matrix):
        def run(self, fault: str, point: Point) -> Cell:
            name = self.goal["send connectors"][0]["TlsCertificateName"]
            early = {
                "name": "Point too early",
                "mailops.exchange.exchange_send_connector": {
                    "name": "Outbound to Office 365",
                    "tls_certificate_name": name,
                },
            }
            self._begin("start")
            self.stage.run(playbook=[{"hosts": "EX01", "gather_facts": False, "tasks": [early]}])
            return Cell(fault, point, problems=self._invariants())

    cell = _one_cell(tmp_path, PointsTooEarly)

    assert any("named what EX02 cannot present" in problem for problem in cell.problems)


def _one_cell(directory: Path, kind: type[Matrix], **variables: object) -> Cell:
    with matrix(directory, servers=SERVERS, **variables) as found:
        broken = kind(found.stage, found.records, found.start, found.goal, found.points)
        return broken.run("error", Point("EX02", "", "Set-ReceiveConnector", 0))
