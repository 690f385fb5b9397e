# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is what a worker needs really there under the names that are imported beforehand?"""

from __future__ import annotations

import importlib
import sys

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    PRELOADED_FOR_WINDOWS,
    preload,
)


@pytest.mark.parametrize("name", [*PRELOADED_FOR_EXCHANGE, *PRELOADED_FOR_WINDOWS])
def test_every_name_can_be_imported(name: str) -> None:
    # preload() passes over a name that is wrong, and every task would be slower.
    importlib.import_module(name)


def test_a_missing_library_is_left_to_whoever_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "json.tool", raising=False)
    preload("there.is.no.such.library", "json.tool")
    assert "json.tool" in sys.modules
