# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does exchange_rotation_info plan, with how many reads, and when does it fail?

The rules of the plan itself are tested with plugin_utils/rotation/server_plan.py.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.mailops.exchange.plugins.modules import exchange_rotation_info
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)
from support import pki
from support.model_server import Held, ModelServer

MODULE = "exchange_rotation_info"


def name_of(issued: Any) -> str:
    return TlsCertificateName.from_certificate(issued.certificate).render()


@pytest.fixture
def connected(server: ModelServer, certificates: Any) -> ModelServer:
    """The old certificate is named by two connectors and the hybrid configuration."""
    old = {"TlsCertificateName": name_of(certificates.old)}
    server.receive_connectors = {
        "Default Frontend EX01": dict(old),
        "Client Frontend EX01": {"TlsCertificateName": None},
    }
    server.send_connectors = {"Outbound": {**old, "RequireTLS": True}, "Plain": {}}
    server.hybrid = name_of(certificates.old)
    return server


def test_the_plan_of_a_server_takes_two_reads(
    run: Any, connected: ModelServer, certificates: Any, pfx: Any
) -> None:
    result = run(**pfx(certificates.new))

    rotation = result["rotation"]
    assert run.sent == ["Get-ExchangeCertificate", "Get-ReceiveConnector"]
    assert result["changed"] is False
    assert rotation["server"] == "EX01"
    assert rotation["new"]["thumbprint"] == certificates.new.thumbprint
    assert [item["thumbprint"] for item in rotation["outgoing"]] == [certificates.old.thumbprint]
    assert rotation["install_needed"] is True
    assert rotation["services_to_enable"] == ["IIS", "SMTP"]
    assert rotation["receive_connectors"] == [
        {
            "name": "EX01\\Default Frontend EX01",
            "tls_certificate_name_before": name_of(certificates.old),
            "tls_certificate_name_after": name_of(certificates.new),
        }
    ]
    assert len(rotation["changes"]) == 3
    assert "send_connectors" not in rotation


def test_the_organization_takes_two_more(
    run: Any, connected: ModelServer, certificates: Any, pfx: Any
) -> None:
    rotation = run(**pfx(certificates.new), organization=True)["rotation"]

    assert run.sent == [
        "Get-ExchangeCertificate",
        "Get-ReceiveConnector",
        "Get-SendConnector",
        "Get-HybridConfiguration",
    ]
    assert [item["name"] for item in rotation["send_connectors"]] == ["Outbound"]
    assert rotation["hybrid_configuration"] == {
        "tls_certificate_name": name_of(certificates.old),
        "names_outgoing": True,
    }


def test_the_keys_are_those_that_the_documentation_promises(
    run: Any, connected: ModelServer, certificates: Any, pfx: Any
) -> None:
    documented = yaml.safe_load(exchange_rotation_info.RETURN)["rotation"]["contains"]

    rotation = run(**pfx(certificates.new), organization=True)["rotation"]

    assert set(rotation) == set(documented)
    for key in ("new", "hybrid_configuration"):
        assert set(rotation[key]) == set(documented[key]["contains"])
    for key in ("receive_connectors", "send_connectors"):
        assert set(rotation[key][0]) == set(documented[key]["contains"])


def test_after_the_rotation_there_is_nothing_left(
    run: Any, connected: ModelServer, certificates: Any, pfx: Any
) -> None:
    connected.certificates[1] = Held(certificates.old, frozenset({"SMTP"}))
    connected.certificates.append(Held(certificates.new, frozenset({"IIS", "SMTP"})))
    for connectors in (connected.receive_connectors, connected.send_connectors):
        for connector in connectors.values():
            if connector.get("TlsCertificateName"):
                connector["TlsCertificateName"] = name_of(certificates.new)

    rotation = run(**pfx(certificates.new), organization=True)["rotation"]

    assert rotation["changes"] == []
    assert rotation["install_needed"] is False
    assert rotation["send_connectors"] == []


def test_a_renewal_under_the_same_name_leaves_the_connectors(
    run: Any, connected: ModelServer, certificates: Any, pfx: Any
) -> None:
    rotation = run(**pfx(certificates.renewed), organization=True)["rotation"]

    assert rotation["receive_connectors"] == []
    assert rotation["send_connectors"] == []
    assert rotation["install_needed"] is True


def test_without_a_hybrid_configuration_it_is_null(
    run: Any, connected: ModelServer, certificates: Any, pfx: Any
) -> None:
    connected.hybrid = None

    rotation = run(**pfx(certificates.new), organization=True)["rotation"]

    assert rotation["hybrid_configuration"] is None


def test_the_outgoing_one_can_be_named(
    run: Any, connected: ModelServer, certificates: Any, pfx: Any
) -> None:
    written = certificates.wildcard.thumbprint.lower()
    connected.certificates.append(Held(certificates.wildcard, frozenset({"SMTP"})))

    rotation = run(
        **pfx(certificates.new),
        services=["SMTP"],
        outgoing=[written],
    )["rotation"]

    assert [item["thumbprint"] for item in rotation["outgoing"]] == [
        certificates.wildcard.thumbprint
    ]


def test_a_thumbprint_of_a_certificate_that_is_there_is_enough(
    run: Any, connected: ModelServer, certificates: Any
) -> None:
    connected.certificates.append(Held(certificates.new, frozenset()))

    rotation = run(thumbprint=certificates.new.thumbprint)["rotation"]

    assert rotation["services_to_enable"] == ["IIS", "SMTP"]
    assert rotation["new"]["tls_certificate_name"] == name_of(certificates.new)


@pytest.fixture
def too_small(certificates: Any) -> pki.Issued:
    """A certificate that lacks a name of the one that serves IIS now."""
    return pki.root().issue(("CN", "mail.contoso.test"), dns=["mail.contoso.test"])


def test_a_problem_fails_the_task_but_reports_the_plan(
    run: Any, connected: ModelServer, too_small: pki.Issued, pfx: Any
) -> None:
    result = run(**pfx(too_small))

    assert result["failed"] is True
    assert result["changed"] is False
    assert "autodiscover.contoso.test" in result["msg"]
    assert "outgoing" in result["msg"]
    assert result["rotation"]["problems"] == result["problems"]


def test_a_problem_can_be_left_to_the_playbook(
    run: Any, connected: ModelServer, too_small: pki.Issued, pfx: Any
) -> None:
    result = run(**pfx(too_small), fail_on_problems=False)

    assert "failed" not in result
    assert len(result["rotation"]["problems"]) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({}, "one of the following is required", id="no-source"),
        pytest.param({"thumbprint": "x"}, "is not a thumbprint", id="thumbprint"),
        pytest.param({"pfx_path": "nowhere.pfx"}, "was not found", id="file"),
        pytest.param(
            {"thumbprint": "A" * 40, "services": ["Federation"]}, "Federation", id="federation"
        ),
        pytest.param({"thumbprint": "A" * 40, "outgoing": ["x"]}, "not a thumbprint", id="out"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    run: Any, connected: ModelServer, options: dict[str, Any], words: str
) -> None:
    result = run(**options)

    assert result["failed"] is True
    assert words in result["msg"]
    assert run.sent == []


def test_a_thumbprint_that_the_server_lacks_says_what_to_do(
    run: Any, connected: ModelServer, certificates: Any
) -> None:
    result = run(thumbprint=certificates.new.thumbprint)

    assert "give its PFX or PEM files" in result["msg"]


def test_a_wildcard_for_pop_is_refused_before_anything_is_sent(
    run: Any, connected: ModelServer, certificates: Any, pfx: Any
) -> None:
    result = run(**pfx(certificates.wildcard), services=["POP"])

    assert "Set-PopSettings" in result["msg"]
    assert run.sent == []


def test_nothing_is_ever_changed(
    run: Any, connected: ModelServer, certificates: Any, pfx: Any
) -> None:
    run(**pfx(certificates.new), organization=True, check_mode=False)

    assert run.changing == []
