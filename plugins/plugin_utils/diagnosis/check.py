# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What did one look at one endpoint or port show, and which cause does it speak for?"""

from __future__ import annotations

from dataclasses import dataclass

PASS, FAIL, UNCHECKED = "pass", "fail", "not_checked"
EXCHANGE, WINDOWS, PORT, MESSAGE = "exchange", "windows", "port", "message"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check: where was looked, at what, and what was seen there."""

    check: str
    endpoint: str
    status: str
    subject: str
    evidence: str
    # Id of a cause in causes.py; empty where nothing is wrong.
    cause: str = ""

    def to_result(self, server: str) -> dict[str, str]:
        """Return the form that exchange_tls_diagnosis_info documents under RETURN."""
        return {
            "server": server,
            "check": self.check,
            "endpoint": self.endpoint,
            # Deprecated, removed in 0.5.0.
            "door": self.endpoint,
            "status": self.status,
            "subject": self.subject,
            "evidence": self.evidence,
            "cause": self.cause,
        }


def passed(check: str, endpoint: str, subject: str, evidence: str) -> Check:
    """All is well there."""
    return Check(check=check, endpoint=endpoint, status=PASS, subject=subject, evidence=evidence)


def failed(check: str, endpoint: str, subject: str, evidence: str, cause: str) -> Check:
    """Something is wrong there, and this is what it is."""
    return Check(
        check=check, endpoint=endpoint, status=FAIL, subject=subject, evidence=evidence, cause=cause
    )


def not_checked(check: str, endpoint: str, subject: str, reason: str) -> Check:
    """Nobody could look, so nothing is claimed."""
    return Check(check=check, endpoint=endpoint, status=UNCHECKED, subject=subject, evidence=reason)
