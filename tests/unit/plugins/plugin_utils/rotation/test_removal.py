# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reason that speaks against removing a certificate is reported, and no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_configuration import (  # noqa: E501
    AuthConfiguration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    HybridConfiguration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
    SendConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.removal import (
    removal_obstacles,
)

ISSUER, SUBJECT = "CN=Contoso CA", "CN=mail.contoso.com"
NAME = f"<I>{ISSUER}<S>{SUBJECT}"


def certificate(letter: str, *services: str, issuer: str = ISSUER) -> ExchangeCertificate:
    return ExchangeCertificate(
        thumbprint=letter * 40, subject=SUBJECT, issuer=issuer, services=frozenset(services)
    )


OLD = certificate("A", "SMTP")
SEND = SendConnector(name="Outbound", tls_certificate_name=NAME)
RECEIVE = ReceiveConnector(name="Frontend", identity="EX01\\Frontend", tls_certificate_name=NAME)


def test_a_certificate_nobody_needs_can_go() -> None:
    assert not removal_obstacles(
        OLD,
        others=[certificate("B", "IIS", "SMTP")],
        internal_transport_thumbprint="C" * 40,
        send_connectors=[SendConnector(name="x", tls_certificate_name="<I>CN=a<S>CN=b")],
        receive_connectors=[ReceiveConnector(name="x")],
        auth_configuration=AuthConfiguration(current="C" * 40),
        hybrid_configuration=HybridConfiguration(tls_certificate_name=None),
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"send_connectors": [SEND]}, ["Send connector 'Outbound'"], id="send"),
        pytest.param({"receive_connectors": [RECEIVE]}, ["EX01\\Frontend"], id="receive"),
        pytest.param(
            {"hybrid_configuration": HybridConfiguration(tls_certificate_name=NAME.lower())},
            ["hybrid configuration"],
            id="hybrid",
        ),
        pytest.param(
            {"internal_transport_thumbprint": "A" * 40},
            ["internal transport certificate"],
            id="internal transport",
        ),
        pytest.param(
            {"auth_configuration": AuthConfiguration(current="A" * 40, previous="A" * 40)},
            ["current Auth certificate", "previous Auth certificate"],
            id="current and previous Auth certificate",
        ),
        pytest.param(
            {"auth_configuration": AuthConfiguration(next="A" * 40)},
            ["next Auth certificate"],
            id="next Auth certificate",
        ),
    ],
)
def test_each_reason(options: dict[str, object], words: list[str]) -> None:
    obstacles = removal_obstacles(OLD, **options)  # type: ignore[arg-type]
    assert len(obstacles) == len(words)
    for obstacle, word in zip(obstacles, words, strict=True):
        assert word in obstacle
        assert "first." in obstacle


def test_iis() -> None:
    (obstacle,) = removal_obstacles(certificate("A", "IIS"))
    assert "bound to IIS" in obstacle


def test_the_back_end_site_has_its_own_words() -> None:
    back_end = replace(certificate("A", "IIS"), iis_sites=("IIS://EX01/W3SVC/2",))
    (obstacle,) = removal_obstacles(back_end)
    assert "Exchange Back End site" in obstacle


def test_a_renewal_of_the_same_name_frees_receive_connectors_but_not_send_connectors() -> None:
    obstacles = removal_obstacles(
        OLD,
        others=[OLD, certificate("B", "SMTP")],
        send_connectors=[SEND],
        receive_connectors=[RECEIVE],
        hybrid_configuration=HybridConfiguration(tls_certificate_name=NAME),
    )
    assert len(obstacles) == 1
    assert "renewed certificate has the same name" in obstacles[0]


def test_a_namesake_that_has_expired_frees_nothing() -> None:
    now = datetime(2026, 11, 22, tzinfo=timezone.utc)
    expired = replace(certificate("B", "SMTP"), not_after=now - timedelta(days=1))
    assert removal_obstacles(OLD, others=[expired], receive_connectors=[RECEIVE], now=now)


def test_a_renewal_that_is_not_enabled_for_smtp_frees_nothing() -> None:
    others = [certificate("B", "IIS")]
    assert removal_obstacles(OLD, others=others, receive_connectors=[RECEIVE])
