# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When is it inside the maintenance window?"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight.maintenance_window import (
    read_window,
)


def inside(moment: str, **options: Any) -> bool:
    when = datetime.fromisoformat(moment).replace(tzinfo=timezone.utc)
    return read_window(options).contains(when)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2027-01-08T15:59", False),
        ("2027-01-08T16:00", True),
        ("2027-01-08T19:59", True),
        ("2027-01-08T20:00", False),
        ("2027-01-09T17:00", False),
    ],
)
def test_a_friday_afternoon(moment: str, expected: bool) -> None:
    assert inside(moment, start="16:00", end="20:00", days=["Fri"]) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2027-01-08T22:30", True),
        ("2027-01-09T03:59", True),
        ("2027-01-09T04:00", False),
        ("2027-01-08T03:00", False),
        ("2027-01-09T22:30", False),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(moment: str, expected: bool) -> None:
    assert inside(moment, start="22:00", end="04:00", days=["friday"]) is expected


def test_the_time_zone_of_the_user_counts_also_in_summer() -> None:
    options = {"start": "22:00", "end": "23:00", "time_zone": "Europe/Berlin"}
    assert inside("2027-01-08T21:30", **options) is True
    assert inside("2027-07-08T20:30", **options) is True
    assert inside("2027-07-08T21:30", **options) is False


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"start": "25:00", "end": "04:00"}, "25:00"),
        ({"start": "22:00", "end": "22:00"}, "both 22:00"),
        ({"start": "22", "end": "23:00"}, "no time"),
        ({"start": "22:00", "end": "23:00", "time_zone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"start": "22:00", "end": "23:00", "days": ["Someday"]}, "Som"),
    ],
)
def test_what_makes_no_sense_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_window(options)
