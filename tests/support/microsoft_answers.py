# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where are the recorded answers of Microsoft's own code (PowerShell and .NET), and how are they
read? They are compared with where they are present; what a test needs in any case, it holds itself.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = Path(
    os.environ.get("MAILOPS_MICROSOFT_ANSWERS")
    or _REPOSITORY.parent / "shared" / "microsoft-answers"
)

needs_microsoft_answers = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"no answers of Microsoft's code in {FOLDER}"
)


def names() -> list[tuple[bytes, str]]:
    """DER of an X.501 name, and what `X500DistinguishedName.Name` prints."""
    lines = (FOLDER / "names" / "names.jsonl").read_text(encoding="utf-8").splitlines()
    return [(bytes.fromhex(entry["der"]), entry["name"]) for entry in map(json.loads, lines)]


def psrp(sample: str) -> dict[str, Any]:
    """One message, value, error or session of Microsoft's PSRP server, such as `value_uri`."""
    file = FOLDER / "psrp" / f"{sample}.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def psrp_samples(prefix: str) -> list[str]:
    """The names of all samples that start so; empty without the folder."""
    return sorted(file.stem for file in (FOLDER / "psrp").glob(f"{prefix}*.json"))
