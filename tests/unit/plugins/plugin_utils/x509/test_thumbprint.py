# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thumbprints are recognised however they were copied, and found in any message."""

from __future__ import annotations

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
    normalize_thumbprints,
    thumbprint_of,
    thumbprints_in,
)

THUMBPRINT = "611C687DFC4343A5A03E0005A1EC6E9B6AFF586D"


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(THUMBPRINT, id="as Windows writes it"),
        pytest.param(THUMBPRINT.lower(), id="lower case"),
        pytest.param("\u200e" + THUMBPRINT, id="invisible mark of the certificate dialog"),
        pytest.param(
            ":".join(THUMBPRINT[i : i + 2] for i in range(0, 40, 2)), id="OpenSSL's colons"
        ),
        pytest.param(f" {THUMBPRINT[:20]} {THUMBPRINT[20:]} ", id="blanks"),
    ],
)
def test_any_way_of_writing_is_understood(written: str) -> None:
    assert normalize_thumbprint(written) == THUMBPRINT


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        pytest.param("", "40 hexadecimal digits", id="empty"),
        pytest.param(THUMBPRINT[:-1], "40 hexadecimal digits", id="one digit short"),
        pytest.param("Z" * 40, "40 hexadecimal digits", id="not hexadecimal"),
        pytest.param("a" * 64, "SHA-256", id="the other fingerprint"),
    ],
)
def test_anything_else_is_refused(written: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        normalize_thumbprint(written)


@pytest.mark.parametrize(
    ("given", "found"),
    [(None, None), ([], []), ([THUMBPRINT.lower(), "f" * 40], [THUMBPRINT, "F" * 40])],
)
def test_none_given_is_not_the_same_as_an_empty_list(
    given: list[str] | None, found: list[str] | None
) -> None:
    assert normalize_thumbprints(given) == found


def test_it_is_the_sha1_of_the_der() -> None:
    assert thumbprint_of(b"abc") == "A9993E364706816ABA3E25717850C26C9CD0D89D"


def test_they_are_found_in_a_message_of_any_language() -> None:
    other = "F" * 40
    text = f"Aktuelles Zertifikat: '{THUMBPRINT.lower()}'\nErsetzen durch: '{other}' 0{THUMBPRINT}"
    assert thumbprints_in(text) == {THUMBPRINT, other}
