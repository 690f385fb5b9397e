# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tests are for `make test-long`, and in which order do they run? What takes longest begins
first, so that parallel workers end together."""

from __future__ import annotations

import pytest


# Before -m chooses by the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the later variants of what is marked so, and put the longest first."""
    seen: set[tuple[str, str]] = set()
    for item in items:
        if item.get_closest_marker("long_variants") is not None:
            function = (str(item.path), getattr(item, "originalname", item.name))
            if function in seen:
                item.add_marker(pytest.mark.long)
            seen.add(function)
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)
