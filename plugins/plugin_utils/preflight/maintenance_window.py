# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is it now inside the maintenance window?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, kw_only=True)
class MaintenanceWindow:
    """A span of time on some days of the week; what passes midnight belongs to its first day."""

    start: time
    end: time
    days: tuple[str, ...]
    zone: tzinfo
    zone_name: str

    def contains(self, moment: datetime) -> bool:
        """Whether an aware moment is inside."""
        local = moment.astimezone(self.zone)
        clock = local.time().replace(second=0, microsecond=0)
        today, yesterday = DAYS[local.weekday()], DAYS[(local - timedelta(days=1)).weekday()]
        if self.start < self.end:
            return today in self.days and self.start <= clock < self.end
        began_today = today in self.days and clock >= self.start
        began_yesterday = yesterday in self.days and clock < self.end
        return began_today or began_yesterday

    def describe(self) -> str:
        """The window in a few words."""
        days = "every day" if self.days == DAYS else ", ".join(self.days)
        return f"{self.start:%H:%M} to {self.end:%H:%M} {self.zone_name}, {days}"


def read_window(options: Mapping[str, Any]) -> MaintenanceWindow:
    """Understand what a user wrote.

    Args:
        options: ``start`` and ``end`` as HH:MM, ``time_zone`` (IANA name), ``days``.

    Raises:
        InvalidInput: with the value in question.
    """
    name = options.get("time_zone") or "UTC"
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(
            f"window: '{name}' is no time zone: give an IANA name such as Europe/Berlin (and "
            "install the package tzdata where the control node has none)."
        ) from error
    start, end = _time(options["start"], "start"), _time(options["end"], "end")
    if start == end:
        raise InvalidInput(f"window: start and end are both {options['start']}.")
    return MaintenanceWindow(
        start=start, end=end, days=_days(options.get("days") or DAYS), zone=zone, zone_name=name
    )


def _time(text: str, option: str) -> time:
    match = _CLOCK.fullmatch(str(text).strip())
    if match is None:
        raise InvalidInput(f"window: {option} '{text}' is no time: give it as HH:MM, quoted.")
    return time(int(match[1]), int(match[2]))


def _days(names: Sequence[str]) -> tuple[str, ...]:
    chosen = {name.strip()[:3].capitalize(): name for name in names}
    unknown = [name for short, name in chosen.items() if short not in DAYS]
    if unknown:
        raise InvalidInput(f"window: '{', '.join(unknown)}' is no day: use {', '.join(DAYS)}.")
    return tuple(day for day in DAYS if day in chosen)
