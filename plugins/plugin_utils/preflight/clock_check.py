# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do the clocks of a server and the control node agree?"""

from __future__ import annotations

from datetime import datetime, timezone

from ansible_collections.mailops.exchange.plugins.plugin_utils.finding import (
    Finding,
    failed,
    passed,
    warned,
)


def judge_clock(text: str, before: datetime, after: datetime, tolerance: float) -> Finding:
    """Judge the server's clock; it was read at some moment between two of the control node's."""
    try:
        there = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return warned("clock", f"The server's clock cannot be read ('{text}').")
    # Its seconds are cut off.
    ahead = (there - after).total_seconds()
    behind = (before - there).total_seconds() - 1
    difference = max(ahead, behind, 0.0)
    if difference > tolerance:
        return failed(
            "clock",
            f"The clocks of server and control node differ by {difference:.0f} seconds.",
            "Synchronize them by NTP. Kerberos fails from five minutes on.",
        )
    return passed("clock", "The clocks agree.")
