# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Exchange builds are known, and which of them still get updates?

Data, newest first; extend it when Microsoft releases a cumulative update. Get-ExchangeServer shows
the cumulative update and not the security update (Exchange build numbers page), so the fourth
number is only a lower bound.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Build:
    """A cumulative update: ``first`` is its release; ``supported`` whether it gets updates."""

    name: str
    first: tuple[int, int, int]
    supported: bool = True


BUILDS = (
    Build(name="Exchange SE RTM", first=(15, 2, 2562)),
    Build(name="Exchange 2019 CU15", first=(15, 2, 1748), supported=False),
    Build(name="Exchange 2019 CU14", first=(15, 2, 1544), supported=False),
    Build(name="Exchange 2019 CU13", first=(15, 2, 1258), supported=False),
    Build(name="Exchange 2019 CU12", first=(15, 2, 1118), supported=False),
    Build(name="Exchange 2019 CU11", first=(15, 2, 986), supported=False),
    Build(name="Exchange 2016 CU23", first=(15, 1, 2507), supported=False),
    Build(name="Exchange 2016 CU22", first=(15, 1, 2375), supported=False),
)
# Before the first half of 2022, Import-ExchangeCertificate had other parameters.
OLDEST_USABLE = ((15, 2, 1118), (15, 1, 2507))

_NUMBERS = re.compile(r"(\d+)\.(\d+)\D+(\d+)\.(\d+)")


def read_version(text: str) -> tuple[int, int, int, int] | None:
    """Read ``15.2.1748.10`` and ``Version 15.2 (Build 1748.10)``."""
    match = _NUMBERS.search(text)
    if match is None:
        return None
    major, minor, build, revision = (int(part) for part in match.groups())
    return major, minor, build, revision


def find_build(version: tuple[int, ...], further: tuple[Build, ...] = ()) -> Build | None:
    """Return the known build that a version is exactly of, or None."""
    for build in (*further, *BUILDS):
        if build.first == tuple(version[:3]):
            return build
    return None


def is_newer_than_known(version: tuple[int, ...]) -> bool:
    """Whether no known build of its main version is as new."""
    return all(
        tuple(version[:3]) > build.first for build in BUILDS if build.first[:2] == version[:2]
    )


def is_too_old(version: tuple[int, ...]) -> bool:
    """Whether the collection's cmdlets do not work with it."""
    return any(
        tuple(version[:2]) == oldest[:2] and tuple(version[:3]) < oldest for oldest in OLDEST_USABLE
    ) or tuple(version[:2]) < (15, 1)
