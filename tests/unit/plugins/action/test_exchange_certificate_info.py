# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does exchange_certificate_info report about a server's certificates?"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.mailops.exchange.plugins.modules import exchange_certificate_info
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import CmdletNotAvailable
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)
from support.model_server import Held, ModelServer, raising

MODULE = "exchange_certificate_info"


def thumbprints(result: dict[str, Any]) -> list[str]:
    return [item["thumbprint"] for item in result["certificates"]]


@pytest.fixture
def stocked(server: ModelServer, certificates: Any) -> ModelServer:
    server.certificates += [
        Held(certificates.wildcard, frozenset({"SMTP"})),
        Held(certificates.expired, frozenset()),
        Held(certificates.renewed, None),
    ]
    name = TlsCertificateName.from_certificate(certificates.old.certificate).render()
    server.send_connectors["Outbound"] = {"TlsCertificateName": name}
    server.receive_connectors["Default Frontend EX01"] = {"TlsCertificateName": name.lower()}
    server.receive_connectors["Client Frontend EX01"] = {"TlsCertificateName": None}
    return server


def test_everything_is_reported_in_four_reads_of_one_session(
    run: Any, stocked: ModelServer, certificates: Any
) -> None:
    result = run()

    assert run.sent == [
        "Get-ExchangeCertificate",
        "Get-TransportService",
        "Get-SendConnector",
        "Get-ReceiveConnector",
    ]
    assert result["changed"] is False
    old = next(x for x in result["certificates"] if x["thumbprint"] == certificates.old.thumbprint)
    assert old["services"] == ["IIS", "SMTP"]
    assert old["dns_names"] == ["mail.contoso.test", "autodiscover.contoso.test"]
    assert old["days_left"] == 9
    assert old["internal_transport"] is False
    assert old["send_connectors"] == ["Outbound"]
    assert old["receive_connectors"] == ["Default Frontend EX01"]
    own = next(x for x in result["certificates"] if x["thumbprint"] == certificates.own.thumbprint)
    assert own["internal_transport"] is True
    assert own["self_signed"] is True
    assert own["send_connectors"] == []


def test_the_soonest_to_expire_comes_first(run: Any, stocked: ModelServer) -> None:
    dates = [item["not_after"] for item in run()["certificates"]]

    assert dates == sorted(dates)


def test_the_keys_are_those_that_the_documentation_promises(run: Any, stocked: ModelServer) -> None:
    documented = yaml.safe_load(exchange_certificate_info.RETURN)["certificates"]["contains"]

    found = run()["certificates"]

    assert found
    for item in found:
        assert set(item) == set(documented)


def test_unknown_services_are_null_and_not_none(
    run: Any, stocked: ModelServer, certificates: Any
) -> None:
    result = run(thumbprint=certificates.renewed.thumbprint)

    assert result["certificates"][0]["services"] is None


@pytest.mark.parametrize(
    ("options", "found"),
    [
        pytest.param({"services": ["iis"]}, ["old"], id="services"),
        pytest.param({"services": ["IIS", "SMTP"]}, ["old"], id="all-services"),
        pytest.param(
            {"dns_name": "AUTODISCOVER.contoso.test"},
            ["expired", "old", "wildcard", "renewed"],
            id="dns-name-and-wildcard",
        ),
        pytest.param({"dns_name": "other.example"}, [], id="dns-name-of-none"),
        pytest.param({"expires_within_days": 30}, ["expired", "old"], id="expiring"),
        pytest.param({"expires_within_days": 0}, ["expired"], id="expired"),
        pytest.param({"self_signed": True}, ["own"], id="self-signed"),
        pytest.param({"self_signed": False, "services": ["SMTP"]}, ["old", "wildcard"], id="two"),
    ],
)
def test_filters_narrow_together(
    run: Any, stocked: ModelServer, certificates: Any, options: dict[str, Any], found: list[str]
) -> None:
    wanted = [getattr(certificates, name).thumbprint for name in found]

    assert sorted(thumbprints(run(**options))) == sorted(wanted)


def test_a_thumbprint_is_understood_as_it_is_copied_from_windows(
    run: Any, stocked: ModelServer, certificates: Any
) -> None:
    written = "\u200e" + ":".join(
        certificates.old.thumbprint.lower()[index : index + 2] for index in range(0, 40, 2)
    )

    assert thumbprints(run(thumbprint=written)) == [certificates.old.thumbprint]


def test_one_that_is_not_there_is_an_empty_list_after_one_read(
    run: Any, stocked: ModelServer, certificates: Any
) -> None:
    assert run(thumbprint=certificates.new.thumbprint)["certificates"] == []
    assert run.sent == ["Get-ExchangeCertificate"]


def test_connectors_can_be_left_out(run: Any, stocked: ModelServer) -> None:
    result = run(connectors=False)

    assert run.sent == ["Get-ExchangeCertificate", "Get-TransportService"]
    assert "send_connectors" not in result["certificates"][0]


def test_without_the_right_to_look_the_internal_transport_is_unknown(
    run: Any, stocked: ModelServer
) -> None:
    stocked.instead["Get-TransportService"] = raising(CmdletNotAvailable("not recognized"))

    result = run()

    assert {item["internal_transport"] for item in result["certificates"]} == {None}
    assert "internal_transport is unknown" in result["warnings"][0]


def test_something_that_is_no_thumbprint_is_refused(run: Any, stocked: ModelServer) -> None:
    result = run(thumbprint="mail.contoso.test")

    assert result["failed"] is True
    assert "is not a thumbprint" in result["msg"]
    assert run.sent == []
