# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How is a secret kept out of a result that a server has put it into?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_MASK = "********"

# A shorter secret hides nothing, and blotting it out would tear holes into thumbprints and names.
_SHORTEST_SCRUBBED_SECRET = 4


def scrubbed(value: Any, secrets: Sequence[str]) -> Any:
    """The value with every occurrence of a secret inside a text blotted out."""
    wanted = sorted(
        (secret for secret in secrets if len(secret) >= _SHORTEST_SCRUBBED_SECRET),
        key=len,
        reverse=True,
    )
    return _scrubbed(value, wanted) if wanted else value


def _scrubbed(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, _MASK)
        return value
    if isinstance(value, dict):
        return {name: _scrubbed(item, secrets) for name, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item, secrets) for item in value]
    return value
