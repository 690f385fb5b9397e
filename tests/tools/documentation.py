# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the HTML documentation of every module, plugin and role build?

The result is in .cache/docs/build/html.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from environments import CACHE, TOOLS, SetupFailed, ready


def main() -> int:
    """Build with antsibull-docs and Sphinx; warnings stay, for links need the network."""
    try:
        (tools,) = ready(TOOLS)
    except SetupFailed as failure:
        print(f"Cannot continue: {failure}", file=sys.stderr)
        return 1
    directory = CACHE / "docs"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700)
    prepare: list[str | Path] = [
        tools.program("antsibull-docs"),
        "sphinx-init",
        "--use-current",
        "--squash-hierarchy",
    ]
    prepare += ["--lenient", "--dest-dir", directory, "mailops.exchange"]
    build: list[str | Path] = [directory / "build.sh"]
    for command in (prepare, build):
        done = subprocess.run(command, cwd=directory, env=tools.variables(), check=False)
        if done.returncode != 0:
            return done.returncode
    pages = sorted(page.name for page in (directory / "build" / "html").glob("*_*.html"))
    print(f"{len(pages)} pages: {', '.join(pages)}")
    return 0 if pages else 1


if __name__ == "__main__":
    sys.exit(main())
