# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is one word used for one thing, and is it the field's own?

Looks through everything that is written by hand: names, messages, documentation and task names. A
word that means something else in one place is allowed there, by the line that holds it, in
``allowed_words.txt`` beside this file.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from environments import REPOSITORY

ALLOWED = Path(__file__).resolve().parent / "allowed_words.txt"

# Pattern -> what to say instead. Patterns ignore case; `_` counts as the end of a word.
INSTEAD = {
    r"ways? back": "rollback",
    r"(go|goes|going|gone|went)( \w+)? back": "roll back",
    r"(take|takes|taken|taking|took)( \w+)? back": "roll back, restore",
    r"(put|puts|putting)( \w+)? back": "restore",
    r"(give|gives|given|giving|gave)( \w+)? back": "restore",
    r"(go|goes|going|gone|went) on( with)?": "resume, continue",
    r"doors?": "endpoint (Exchange, Windows), port",
    r"wish(es|ed)?": "desired state, spec",
    r"carriers?": "lock, owner of the lock",
    r"tells?|told|telling": "report, show, notify, say",
    r"worthless": "revoked, distrusted",
    r"(stand|stands|standing|stood) for": "covers",
    r"twins?": "certificate with the same issuer and subject",
    r"anew": "again",
    r"(give|gives|given|giving|gave) up": "release",
    r"(give|gives|given|giving|gave)( \w+)? free": "release",
    r"(make|makes|made|making) up for": "compensate",
}
# What every such place has in it: most lines have none, and are passed over at once.
ANY = re.compile(
    "back|door|wish|carrier|tell|told|worthless|twin|anew|free"
    "|(go|goes|going|gone|went)[_ ]?on|(stand|stands|standing|stood)[_ ]?for"
    "|(give|gives|given|giving|gave)[_ ]?up|up[_ ]?for"
)
SUFFIXES = (".py", ".yml", ".yaml", ".md", ".j2", ".ps1", ".cfg", ".toml", ".txt", "Makefile")
# What was said in former versions stays as it was said.
LEFT_OUT: tuple[str, ...] = ("CHANGELOG.md", "changelogs/", "LICENSE", "tests/tools/words.py")
LEFT_OUT += ("tests/tools/allowed_words.txt",)


def findings(name: str, text: str, allowed: set[tuple[str, str]]) -> list[str]:
    """One sentence for every place of a file with a word that has another one."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not ANY.search(line.lower()) or (name, line.strip()) in allowed:
            continue
        for pattern, instead in INSTEAD.items():
            for match in re.finditer(rf"(?<![A-Za-z])({pattern})(?![A-Za-z])", _spaced(line)):
                found.append(f"{name}:{number}: '{match.group(1)}': {instead}")
    return found


def _spaced(line: str) -> str:
    """A name such as ``wayBack`` or ``way_back`` in the words that it is made of, in lower case."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", line).replace("_", " ").lower()


def read_allowed(text: str) -> set[tuple[str, str]]:
    """Pairs of a file and a line of it; ``FILE: LINE``, and # begins a remark."""
    pairs = set()
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, allowed = line.partition(": ")
            pairs.add((name, allowed.strip()))
    return pairs


def main() -> int:
    """Print what was found; 1 if anything was, or if an allowed place is gone."""
    allowed = read_allowed(ALLOWED.read_text(encoding="utf-8"))
    used: set[tuple[str, str]] = set()
    found: list[str] = []
    chosen = sys.argv[1:]
    for name in _files():
        if chosen and not name.startswith(tuple(chosen)):
            continue
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        used |= {(name, line.strip()) for line in text.splitlines()} & allowed
        found += findings(name, text, allowed)
    print("\n".join(found))
    if not chosen:
        for name, line in sorted(allowed - used):
            found.append(name)
            print(f"{name} has no line '{line}' any more: take it out of {ALLOWED.name}")
    print(f"{len(found)} found")
    return 1 if found else 0


def _files() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        name
        for name in listing.stdout.splitlines()
        if name.endswith(SUFFIXES)
        and not name.startswith(LEFT_OUT)
        and (REPOSITORY / name).exists()
    ]


if __name__ == "__main__":
    sys.exit(main())
