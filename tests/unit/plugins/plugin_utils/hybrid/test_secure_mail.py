# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which connectors carry hybrid mail, and on which ports are they met?"""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.connectors import (
    ReceiveConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.hybrid import secure_mail

EVERYBODY = ["::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "0.0.0.0-255.255.255.255"]
PEER = ipaddress.ip_address("192.0.2.10")


def receive(name: str, port: int = 25, *ranges: str, **further: Any) -> ReceiveConnector:
    values = {
        "bindings": [f"0.0.0.0:{port}", f"[::]:{port}"],
        "remote_ip_ranges": list(ranges) or EVERYBODY,
        "transport_role": "FrontendTransport",
        "enabled": True,
    }
    return ReceiveConnector(name=name, identity=f"EX01\\{name}", further={**values, **further})


DEFAULT = receive("Default Frontend EX01")
CLIENT = receive("Client Frontend EX01", 587)


@pytest.mark.parametrize(
    ("others", "ports"),
    [
        pytest.param([], (25,), id="alone"),
        pytest.param([CLIENT], (25,), id="another port"),
        pytest.param([receive("Relay", 25, "192.0.2.10")], (), id="one for the peer"),
        pytest.param([receive("Relay", 25, "192.0.2.0/24")], (), id="one for its network"),
        pytest.param(
            [receive("Relay", 25, "198.51.100.1-198.51.100.9", "2001:db8::/32")],
            (25,),
            id="one for others",
        ),
        pytest.param(
            [receive("Relay", 25, "192.0.2.10", enabled=False)], (25,), id="a disabled one"
        ),
        pytest.param([receive("Relay", 25, "what is this")], (), id="one that nobody understands"),
    ],
)
def test_a_peer_meets_the_connector_unless_another_one_is_made_for_it(
    others: list[ReceiveConnector], ports: tuple[int, ...]
) -> None:
    assert secure_mail.ports_met(DEFAULT, [DEFAULT], [DEFAULT, *others], PEER) == ports


def test_without_an_address_any_other_connector_on_the_port_may_be_met() -> None:
    relay = receive("Relay", 25, "198.51.100.1")
    assert secure_mail.ports_met(DEFAULT, [DEFAULT], [DEFAULT, relay], None) == ()
    assert secure_mail.ports_met(DEFAULT, [DEFAULT], [DEFAULT, CLIENT], None) == (25,)
