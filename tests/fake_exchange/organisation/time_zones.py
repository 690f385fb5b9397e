# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where do the pretended servers stand? Dates on the wire carry the offset of their time zone."""

from __future__ import annotations

from datetime import timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DEFAULT = "Europe/Berlin"


def time_zone(name: str) -> tzinfo:
    """The time zone of a name such as ``America/New_York`` or ``UTC``.

    Raises `ValueError` if there is none. The default exists on machines without time zones, too.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if name == DEFAULT:
            return timezone(timedelta(hours=1))
        raise ValueError(f"'{name}' is no time zone that this machine knows") from None


def default_time_zone() -> tzinfo:
    return time_zone(DEFAULT)
