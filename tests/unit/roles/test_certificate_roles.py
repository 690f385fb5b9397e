# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of certificate roles names modules, playbooks and tests that exist, in every cell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
TABLE = REPOSITORY / "docs" / "certificate-roles.md"
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in TABLE.read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and not line.startswith(("| ---", "| Role"))
]


def test_there_is_a_table() -> None:
    assert len(ROWS) >= 12


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_cell_names_something_that_is_there(row: list[str]) -> None:
    role, module, playbook, test = row
    assert role
    named = {name: re.fullmatch(r"`([^`]+)`", name) for name in (module, playbook, test)}
    assert all(named.values()), row
    assert (REPOSITORY / "plugins" / "modules" / f"{module.strip('`')}.py").is_file()
    assert (REPOSITORY / "playbooks" / playbook.strip("`")).is_file()
    path = REPOSITORY / test.strip("`")
    assert path.is_file()
    # The test runs that playbook, or the module itself.
    text = path.read_text(encoding="utf-8") + (
        REPOSITORY / "tests" / "support" / "rotation_stage.py"
    ).read_text(encoding="utf-8")
    assert playbook.strip("`") in text


def test_every_playbook_that_renews_something_is_in_the_table() -> None:
    named = {row[2].strip("`") for row in ROWS}
    renewing = {path.name for path in (REPOSITORY / "playbooks").glob("renew_*.yml")}
    assert renewing <= named
