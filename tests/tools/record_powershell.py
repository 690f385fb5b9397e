# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record what real PowerShell answers in the situations of tests/recordings/powershell, and which
texts of the scripts it was: `make record-powershell`.

A situation is a line without answer, or with an old one: name, script, parameters, state.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from fake_exchange.winrs.scripts import SUMS, sum_of
from support import real_powershell
from support.powershell_recordings import (
    RECORDINGS,
    SCRIPTS,
    Recording,
    comparable,
    recordings,
)


def main(names: list[str]) -> int:
    """Record the scripts of these names, or all of them."""
    if real_powershell.program() is None:
        print(real_powershell.missing("nothing was recorded"), file=sys.stderr)
        return 1
    files = [one for one in sorted(RECORDINGS.glob("*.jsonl")) if not names or one.stem in names]
    situations = {file: list(recordings(file.stem)) for file in files}
    every = [one for known in situations.values() for one in known]
    results = {one["name"]: one for one in real_powershell.perform(every)}
    for file, known in situations.items():
        changed = 0
        for one in known:
            result = results[one["name"]]
            changed += comparable(one.get("answer")) != comparable(result["answer"])
            _update(one, result)
        file.write_text(
            "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in known),
            encoding="utf-8",
        )
        print(f"{file.stem}: {len(known)} situations, {changed} with another answer")
    sums = {path.stem: sum_of(path.read_text("utf-8")) for path in sorted(SCRIPTS.glob("*.ps1"))}
    SUMS.write_text(json.dumps(sums, indent=2) + "\n", encoding="utf-8")
    return 0


def _update(recording: Recording, result: Recording) -> None:
    """Put the result into the recording; what differs from run to run alone changes nothing."""
    if comparable(recording.get("answer")) != comparable(result["answer"]):
        recording["answer"] = result["answer"]
        # It was noted for the answer that was there.
        recording.pop("answer_with_json_of_5_1", None)
    if result["exit_code"] is not None or (recording.get("answer") is None and result["ended"]):
        recording["exit_code"] = result["exit_code"]
    recording["pwsh_version"] = result["pwsh_version"]
    recording["sha256"] = result["sha256"]
    for key in ("log", "ended"):
        recording.pop(key, None)
        if result[key]:
            recording[key] = result[key]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
