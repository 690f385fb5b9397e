# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address of the control node towards a server is found without a word to the server."""

from __future__ import annotations

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.own_address import (
    own_address,
)


def test_it_is_the_one_of_the_way_to_the_server() -> None:
    assert str(own_address("127.0.0.5")) == "127.0.0.1"


def test_a_server_that_nobody_knows_has_no_way_to_it() -> None:
    assert own_address("no-such-server.invalid") is None
    assert own_address("a name that is none, " + "x" * 300) is None
