# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the cmdlet tests: an organisation of two servers and an administrator's shell."""

from __future__ import annotations

import pytest

from fake_exchange.organisation.model import Organisation, Server
from support.cmdlet_shell import Shell, small_organisation


@pytest.fixture
def organisation() -> Organisation:
    return small_organisation("EX01", "EX02")


@pytest.fixture
def server(organisation: Organisation) -> Server:
    return organisation.servers["EX01"]


@pytest.fixture
def shell(organisation: Organisation, server: Server) -> Shell:
    return Shell(organisation, organisation.accounts[0], server)
