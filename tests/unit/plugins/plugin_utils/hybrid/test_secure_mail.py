# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which connectors carry hybrid mail, and on which ports are they met?"""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
    SendConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.hybrid import secure_mail
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)

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


FORMER = TlsCertificateName("CN=CA 1", "CN=mail.contoso.com")
NEW = TlsCertificateName("CN=CA 2", "CN=mail.contoso.com")
OTHER = TlsCertificateName("CN=CA 2", "CN=mail.fabrikam.com")


def send(name: str, certificate: TlsCertificateName | None = None, **values: Any) -> SendConnector:
    """As the wizard leaves it, but for what is given."""
    further = {
        "address_spaces": values.pop("address_spaces", ["smtp:contoso.mail.onmicrosoft.com;1"]),
        "smart_hosts": values.pop("smart_hosts", []),
    }
    text = certificate.render() if certificate else None
    return SendConnector(
        name=name, identity=name, tls_certificate_name=text, further=further, **values
    )


SMART_HOST = "contoso-com.mail.protection.outlook.com"
RELAY = send(
    "My company to Office 365",
    FORMER,
    address_spaces=["smtp:*;1"],
    smart_hosts=[SMART_HOST],
    dns_routing_enabled=False,
)


def found(
    *connectors: SendConnector, followed: tuple[str, ...] = ()
) -> tuple[list[str], list[str]]:
    """Names of those of hybrid mail, and of the others."""
    result = secure_mail.cloud_connectors(connectors, certificates=[FORMER, NEW], followed=followed)
    return [item.name for item in result.hybrid], [item.name for item, _why in result.others]


@pytest.mark.parametrize("certificate", [None, FORMER, NEW, OTHER])
def test_one_alone_is_the_one_whatever_its_name_and_certificate(
    certificate: TlsCertificateName | None,
) -> None:
    assert found(
        send("To the cloud", certificate), send("Internet", address_spaces=["smtp:*;1"])
    ) == (
        ["To the cloud"],
        [],
    )


@pytest.mark.parametrize("certificate", [None, FORMER, NEW])
def test_of_several_the_certificate_decides_which(certificate: TlsCertificateName | None) -> None:
    tenant = send("Fabrikam", OTHER, address_spaces=["smtp:fabrikam.mail.onmicrosoft.com;1"])
    assert found(send("Contoso", certificate), tenant) == (["Contoso"], ["Fabrikam"])


def test_one_that_the_rotation_points_to_the_new_certificate_is_among_them() -> None:
    pair = send("Contoso", FORMER), send("Second", OTHER)
    assert found(*pair, followed=("Second",)) == (["Contoso", "Second"], [])


def test_a_relay_is_none_even_when_it_is_the_only_one_and_names_the_certificate() -> None:
    assert found(RELAY) == ([], ["My company to Office 365"])
    # It does not make several out of one, either.
    assert found(RELAY, send("Contoso", OTHER))[0] == ["Contoso"]


@pytest.mark.parametrize(
    ("unlike", "why"),
    [
        (send("A", smart_hosts=[SMART_HOST]), SMART_HOST),
        (send("A", dns_routing_enabled=False), "by DNS"),
        (RELAY, SMART_HOST),
    ],
)
def test_why_one_is_left_alone_is_reported(unlike: SendConnector, why: str) -> None:
    result = secure_mail.cloud_connectors([unlike], certificates=[FORMER])
    ((_connector, reason),) = result.others
    assert why in reason
