# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is this Python new enough for the workshop? Then starts the program that the arguments name.

Written so that any Python 3, and Python 2.7, can read it: an older one gets a sentence, not a
traceback.
"""

import os
import sys

NEEDED = (3, 10)


def main():  # type: ignore[no-untyped-def] # Python 2 knows no annotations
    """Run ``python start.py PROGRAM.py ARGUMENTS`` as ``python PROGRAM.py ARGUMENTS``."""
    if sys.version_info < NEEDED:
        sys.stderr.write(
            "Cannot continue: this is Python %d.%d (%s), and %d.%d or later is needed to set up "
            "the checks. Name one: make PYTHON=python3.12 ...\n"
            % (sys.version_info[0], sys.version_info[1], sys.executable, NEEDED[0], NEEDED[1])
        )
        return 1
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), sys.argv[1])
    return os.execv(sys.executable, [sys.executable, program] + sys.argv[2:])  # noqa: RUF005


if __name__ == "__main__":
    sys.exit(main())
