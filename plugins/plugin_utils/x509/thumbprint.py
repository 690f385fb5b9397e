# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate does a written or computed SHA-1 thumbprint mean?"""

from __future__ import annotations

import hashlib
import re

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

_THUMBPRINT = re.compile(r"[0-9A-F]{40}")
_THUMBPRINTS_IN_TEXT = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{40}(?![0-9A-Fa-f])")


def thumbprint_of(der: bytes) -> str:
    """Return the thumbprint of a DER encoded certificate as Windows shows it (upper-case hex)."""
    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


def normalize_thumbprint(text: str) -> str:
    """Return a thumbprint as Windows writes it.

    Spaces, colons, dashes and the invisible mark that the Windows certificate dialog puts in front
    when a thumbprint is copied from it are dropped.

    Raises:
        InvalidInput: what remains is not 40 hexadecimal digits.
    """
    digits = re.sub(r"[\s:\-\u00a0\u200b\u200e\u200f\u202a-\u202e\ufeff]", "", text).upper()
    if len(digits) == 64:
        raise InvalidInput(
            f"'{text}' looks like a SHA-256 fingerprint; Exchange identifies certificates by their "
            "SHA-1 thumbprint of 40 hexadecimal digits."
        )
    if not _THUMBPRINT.fullmatch(digits):
        raise InvalidInput(f"'{text}' is not a thumbprint: expected 40 hexadecimal digits.")
    return digits


def normalize_thumbprints(given: list[str] | None) -> list[str] | None:
    """Normalize each of them; None, of an option that is not given, stays None.

    Raises:
        InvalidInput: one of them is not a thumbprint.
    """
    return None if given is None else [normalize_thumbprint(item) for item in given]


def thumbprints_in(text: str) -> set[str]:
    """Return every thumbprint that a message of the server mentions, in any language."""
    return {match.group().upper() for match in _THUMBPRINTS_IN_TEXT.finditer(text)}
