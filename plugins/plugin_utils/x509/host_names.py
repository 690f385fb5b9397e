# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host names does a certificate's list of names cover?"""

from __future__ import annotations

from collections.abc import Iterable


def normalize_host_name(name: str) -> str:
    """Return a host name for comparison: lower case, no trailing dot, A-labels for IDNs."""
    plain = name.strip().rstrip(".").lower()
    if plain.isascii():
        return plain
    try:
        return plain.encode("idna").decode("ascii")
    except UnicodeError:
        return plain


def covers(names: Iterable[str], host_name: str) -> bool:
    """Whether one of a certificate's names covers the host name.

    A wildcard covers exactly one label (RFC 6125), and a wildcard asked about is covered by
    the same wildcard only.
    """
    wanted = normalize_host_name(host_name)
    first_label, _dot, parent = wanted.partition(".")
    for name in map(normalize_host_name, names):
        if name == wanted:
            return True
        if name.startswith("*.") and parent == name[2:] and first_label not in ("", "*"):
            return True
    return False


def uncovered(names: Iterable[str], host_names: Iterable[str]) -> list[str]:
    """Return those of the host names that the certificate's names do not cover."""
    own = list(names)
    return [host_name for host_name in host_names if not covers(own, host_name)]


def is_wildcard(name: str) -> bool:
    """Whether a certificate's name is a wildcard such as ``*.contoso.com``."""
    return name.strip().startswith("*.")
