# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests of the organisation's rules."""

from __future__ import annotations

import pytest

from support.stocked_server import StockedServer, stocked_server


@pytest.fixture
def stock() -> StockedServer:
    return stocked_server()
