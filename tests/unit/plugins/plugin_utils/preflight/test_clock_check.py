# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When do the clocks of a server and the control node agree?"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight.clock_check import (
    judge_clock,
)

ASKED = datetime(2027, 1, 10, 21, 30, tzinfo=timezone.utc)
ANSWERED = ASKED + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param("2027-01-10T21:30:01", "pass", id="read in between"),
        pytest.param("2027-01-10T21:29:59", "pass", id="seconds are cut off"),
        pytest.param("2027-01-10T21:31:02", "pass", id="as far ahead as is tolerated"),
        pytest.param("2027-01-10T21:31:03", "fail", id="too far ahead"),
        pytest.param("2027-01-10T21:28:59", "pass", id="as far behind as is tolerated"),
        pytest.param("2027-01-10T21:28:58", "fail", id="too far behind"),
        pytest.param("10.01.2027 21:30", "warn", id="cannot be read"),
    ],
)
def test_the_answer_was_read_at_some_moment_in_between(text: str, status: str) -> None:
    assert judge_clock(text, ASKED, ANSWERED, 60).status == status


def test_a_difference_is_reported_in_seconds() -> None:
    assert "by 600 seconds" in judge_clock("2027-01-10T21:40:02", ASKED, ANSWERED, 60).message
