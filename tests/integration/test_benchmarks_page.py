# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does a rotation still cost what docs/benchmarks.md says: sessions, cmdlets, round trips?"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.benchmark_page import (
    NO_OP,
    PAGE,
    ROTATION,
    differences,
    read_tables,
    rotation_rows,
    row_of,
)
from support.benchmark_scenarios import measure_rotations

pytestmark = pytest.mark.once


@pytest.mark.parametrize("servers", [1, 2])
def test_counts_are_those_of_the_page(tmp_path: Path, servers: int) -> None:
    tables = read_tables(PAGE.read_text(encoding="utf-8"))
    runs = measure_rotations(tmp_path, servers=servers)
    found = [
        f"{name}, {servers} servers: {difference}"
        for name, run in zip((ROTATION, NO_OP), runs, strict=True)
        for difference in differences(
            rotation_rows([run])[0], row_of(tables[name], servers=servers)
        )
    ]
    assert not found, "\n".join([*found, "If that is meant: make bench"])
