# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tests run, and in which order?

That an older ansible-core works is shown by the first tests of every file, each in its first
variant: what the variants are about is Exchange, and not Ansible. What takes longest begins first,
so that parallel workers end together.
"""

from __future__ import annotations

from collections import Counter

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --first."""
    parser.addoption(
        "--first",
        type=int,
        default=0,
        metavar="NUMBER",
        help="run only so many tests of each file, in their order, without variants: the main ways",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what comes later in its file, and put the longest first."""
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)
    number = config.getoption("--first")
    if not number:
        return
    seen: Counter[str] = Counter()
    functions: set[tuple[str, str]] = set()
    kept, left_out = [], []
    for item in items:
        file, function = str(item.path), getattr(item, "originalname", item.name)
        is_variant = (file, function) in functions
        functions.add((file, function))
        seen[file] += 1
        (kept if seen[file] <= number and not is_variant else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept
