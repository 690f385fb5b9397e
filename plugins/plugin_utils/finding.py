# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does one check say, and what is to be done about it?"""

from __future__ import annotations

from dataclasses import dataclass

PASS, WARN, FAIL = "pass", "warn", "fail"
STATUSES = (FAIL, WARN, PASS)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check: what was found, and what to do about it where something has to be done."""

    check: str
    status: str
    message: str
    remedy: str = ""

    def to_result(self, server: str) -> dict[str, str]:
        """Return the form that exchange_preflight documents under RETURN."""
        return {
            "server": server,
            "check": self.check,
            "status": self.status,
            "message": self.message,
            "remedy": self.remedy,
        }


def passed(check: str, message: str) -> Finding:
    """All is well."""
    return Finding(check=check, status=PASS, message=message)


def warned(check: str, message: str, remedy: str = "") -> Finding:
    """Good to know, and no reason to stop."""
    return Finding(check=check, status=WARN, message=message, remedy=remedy)


def failed(check: str, message: str, remedy: str) -> Finding:
    """Reason enough not to begin."""
    return Finding(check=check, status=FAIL, message=message, remedy=remedy)
