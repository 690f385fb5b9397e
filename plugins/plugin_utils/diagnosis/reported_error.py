# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does the text of a bounced message, a queue or an event say?

Exchange and Exchange Online wrap one answer into another; codes are taken from wherever they are,
and the innermost, which is the most specific, comes first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_STATUS = re.compile(r"(?<![\d.])([245]\d\d)[ \-]#?([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_ENHANCED = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
_EVENT = re.compile(r"\bevent(?:\s*id)?\s*[:=]?\s*(\d{1,5})\b", re.IGNORECASE)
_BARE_EVENT = re.compile(r"\s*(\d{4,5})\s*\Z")
_HOSTS = (
    re.compile(r"\{?FQDN=\s*([A-Za-z0-9.\-]+)", re.IGNORECASE),
    re.compile(r"\bremote server (?:at )?'?([A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+)", re.IGNORECASE),
    re.compile(r"\b(?:generating|reporting) server:\s*([A-Za-z0-9.\-]+)", re.IGNORECASE),
)
_EXPECTED = re.compile(r"Expected Subject:\s*([^\s;,\]]+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ReportedError:
    """What was reported; a part that the text does not have is None."""

    text: str
    code: int | None = None
    enhanced_code: str | None = None
    # Every pair of codes, the innermost first.
    codes: tuple[tuple[int, str], ...] = ()
    event: int | None = None
    remote_host: str | None = None
    expected_name: str | None = None

    def to_result(self) -> dict[str, Any]:
        """Return the form that exchange_tls_diagnosis_info documents under RETURN."""
        return {
            "text": self.text,
            "code": self.code,
            "enhanced_code": self.enhanced_code,
            "event": self.event,
            "remote_host": self.remote_host,
            "expected_name": self.expected_name,
        }


def read_reported_error(text: str) -> ReportedError:
    """Read a text, however it is wrapped and broken into lines."""
    plain = " ".join(text.split())
    codes = tuple((int(code), enhanced) for code, enhanced in _STATUS.findall(plain))[::-1]
    event = _EVENT.search(plain) or _BARE_EVENT.match(plain)
    alone = None if codes else _ENHANCED.search(plain)
    return ReportedError(
        text=plain,
        code=codes[0][0] if codes else None,
        enhanced_code=codes[0][1] if codes else (alone.group(1) if alone else None),
        codes=codes,
        event=int(event.group(1)) if event else None,
        remote_host=_first(plain, _HOSTS),
        expected_name=_first(plain, (_EXPECTED,)),
    )


def _first(text: str, patterns: tuple[re.Pattern[str], ...]) -> str | None:
    for pattern in patterns:
        found = pattern.search(text)
        if found:
            return found.group(1).rstrip(".").lower()
    return None
