# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does exchange_receive_connector_tls set the TLS side of a Receive connector?

What it shares with exchange_send_connector is tested there.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.mailops.exchange.plugins.modules import exchange_receive_connector_tls
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)
from support.model_server import ModelServer

MODULE = "exchange_receive_connector_tls"
NAME = "Default Frontend EX01"
CAPABILITY = "mail.protection.outlook.com:AcceptCloudServicesMail"


def name_of(issued: Any) -> str:
    return TlsCertificateName.from_certificate(issued.certificate).render()


@pytest.fixture
def connector(server: ModelServer, certificates: Any) -> dict[str, Any]:
    server.receive_connectors[NAME] = {
        "TlsCertificateName": name_of(certificates.old),
        "RequireTLS": False,
        "AuthMechanism": "Tls, Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer",
        "Fqdn": "ex01.contoso.test",
        "DomainSecureEnabled": False,
        "TlsDomainCapabilities": [],
        "SuppressXAnonymousTls": False,
    }
    return server.receive_connectors[NAME]


@pytest.mark.parametrize("written", [NAME, f"EX01\\{NAME}", f"ex01\\{NAME.lower()}"])
def test_the_connector_is_named_with_or_without_its_server(
    run: Any,
    server: ModelServer,
    connector: dict[str, Any],
    certificates: Any,
    pfx: Any,
    written: str,
) -> None:
    server.name = written.partition("\\")[0] if "\\" in written else "EX01"

    result = run(name=written, **pfx(certificates.new))

    assert result["changed"] is True
    assert run.sent == ["Get-ReceiveConnector", "Set-ReceiveConnector", "Get-ReceiveConnector"]
    parameters = run.session.changing[0].parameters
    assert parameters["Identity"] == f"{server.name}\\{NAME}"
    assert parameters["TlsCertificateName"] == name_of(certificates.new)
    assert set(parameters) == {"Identity", "TlsCertificateName"}


def test_the_second_run_is_one_read(
    run: Any, connector: dict[str, Any], certificates: Any, pfx: Any
) -> None:
    options = {
        "name": NAME,
        **pfx(certificates.new),
        "tls_domain_capabilities": [CAPABILITY],
        "auth_mechanism": ["Tls", "Integrated"],
        "domain_secure_enabled": True,
        "suppress_x_anonymous_tls": True,
        "fqdn": "mail.contoso.test",
    }
    first = run(**options)

    second = run(**options)

    assert first["changed"] is True
    assert len(first["changes"]) == 6
    assert second["changed"] is False
    assert run.sent == ["Get-ReceiveConnector"]


def test_check_mode_sets_nothing(
    run: Any, connector: dict[str, Any], certificates: Any, pfx: Any
) -> None:
    result = run(name=NAME, **pfx(certificates.new), check_mode=True, diff=True)

    assert result["changed"] is True
    assert run.changing == []
    assert result["diff"]["after"]["tls_certificate_name"] == name_of(certificates.new)


def test_mechanisms_are_compared_without_order_and_case(
    run: Any, connector: dict[str, Any]
) -> None:
    result = run(
        name=NAME,
        auth_mechanism=["exchangeserver", "basicauthrequiretls", "BasicAuth", "integrated", "TLS"],
    )

    assert result["changed"] is False


def test_require_tls_takes_the_mechanisms_along(run: Any, connector: dict[str, Any]) -> None:
    run(name=NAME, require_tls=True)

    parameters = run.session.changing[0].parameters
    assert parameters["RequireTLS"] is True
    assert "Tls" in parameters["AuthMechanism"]


def test_empty_values_clear(run: Any, connector: dict[str, Any]) -> None:
    connector["TlsDomainCapabilities"] = [CAPABILITY]

    result = run(name=NAME, tls_certificate_name="", tls_domain_capabilities=[])

    parameters = run.session.changing[0].parameters
    assert parameters["TlsCertificateName"] is None
    assert not parameters["TlsDomainCapabilities"]
    assert result["connector"]["tls_domain_capabilities"] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(
            {"name": "EX01\\Nowhere"}, "There is no Receive connector", id="unknown-connector"
        ),
        pytest.param(
            {"name": NAME, "auth_mechanism": ["BasicAuthRequireTLS"]},
            "needs BasicAuth and Tls",
            id="basic-require-tls-alone",
        ),
        pytest.param(
            {"name": NAME, "auth_mechanism": ["Integrated"], "require_tls": True},
            "needs Tls in AuthMechanism",
            id="require-tls-without-tls",
        ),
        pytest.param(
            {"name": NAME, "auth_mechanism": ["None", "Tls"]}, "stands alone", id="none-and-more"
        ),
        pytest.param({"name": NAME, "auth_mechanism": ["Magic"]}, "must be one", id="mechanism"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_set(
    run: Any, connector: dict[str, Any], options: dict[str, Any], words: str
) -> None:
    result = run(**options)

    assert result["failed"] is True
    assert words in result["msg"]
    assert run.changing == []


def test_the_keys_are_those_that_the_documentation_promises(
    run: Any, connector: dict[str, Any]
) -> None:
    documented = yaml.safe_load(exchange_receive_connector_tls.RETURN)["connector"]["contains"]

    assert set(run(name=NAME)["connector"]) == set(documented)
