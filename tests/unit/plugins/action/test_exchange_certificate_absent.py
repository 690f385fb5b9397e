# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does exchange_certificate remove a certificate, and when does it explain that it cannot?"""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import OutcomeUnknown
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)
from support.model_server import Held, ModelServer, failed, raising

MODULE = "exchange_certificate"


def name_of(issued: Any) -> str:
    return TlsCertificateName.from_certificate(issued.certificate).render()


@pytest.fixture
def unused(server: ModelServer, certificates: Any) -> ModelServer:
    """The old certificate serves nothing any more but SMTP; a new one has taken over."""
    server.certificates = [
        Held(certificates.own, frozenset({"SMTP"})),
        Held(certificates.old, frozenset({"SMTP"})),
        Held(certificates.new, frozenset({"IIS", "SMTP"})),
    ]
    return server


def test_it_is_removed_without_a_question(run: Any, unused: ModelServer, certificates: Any) -> None:
    result = run(state="absent", thumbprint=certificates.old.thumbprint, diff=True)

    assert result["changed"] is True
    assert run.changing == ["Remove-ExchangeCertificate"]
    assert run.session.changing[0].parameters["Confirm"] is False
    assert result["certificate"]["thumbprint"] == certificates.old.thumbprint
    assert result["changes"] == [
        f"Removed certificate {certificates.old.thumbprint} (mail.contoso.test) from EX01."
    ]
    assert result["diff"]["before"]["certificate"]["services"] == ["SMTP"]
    assert result["diff"]["after"] == {"certificate": None}


def test_the_second_run_is_one_read(run: Any, unused: ModelServer, certificates: Any) -> None:
    run(state="absent", thumbprint=certificates.old.thumbprint)

    result = run(state="absent", thumbprint=certificates.old.thumbprint)

    assert result == {"changed": False, "changes": []}
    assert run.sent == ["Get-ExchangeCertificate"]


def test_check_mode_removes_nothing(run: Any, unused: ModelServer, certificates: Any) -> None:
    result = run(state="absent", thumbprint=certificates.old.thumbprint, check_mode=True)

    assert result["changed"] is True
    assert run.changing == []
    assert result["changes"][0].startswith("Remove certificate")
    assert unused.held(certificates.old.thumbprint)


def _bound_to_iis(server: ModelServer, old: Any, certificates: Any) -> None:
    server.certificates[1] = Held(old, frozenset({"IIS", "SMTP"}))


def _internal_transport(server: ModelServer, old: Any, certificates: Any) -> None:
    server.internal_transport = old.thumbprint


def _federation(server: ModelServer, old: Any, certificates: Any) -> None:
    server.certificates[1] = Held(old, frozenset({"Federation"}))


def _send_connector(server: ModelServer, old: Any, certificates: Any) -> None:
    server.send_connectors["To the cloud"] = {"TlsCertificateName": name_of(old)}


def _receive_connector(server: ModelServer, old: Any, certificates: Any) -> None:
    server.receive_connectors["Default Frontend EX01"] = {
        "TlsCertificateName": name_of(old).lower() + " "
    }


def _hybrid(server: ModelServer, old: Any, certificates: Any) -> None:
    server.hybrid = name_of(old)


@pytest.mark.parametrize(
    ("situation", "words"),
    [
        pytest.param(_bound_to_iis, ["IIS"], id="iis"),
        pytest.param(_internal_transport, ["internal transport certificate"], id="internal"),
        pytest.param(_federation, ["Set-FederationTrust"], id="federation"),
        pytest.param(_send_connector, ["Send connector 'To the cloud'"], id="send-connector"),
        pytest.param(
            _receive_connector,
            ["Receive connector 'EX01\\Default Frontend EX01'"],
            id="receive-connector",
        ),
        pytest.param(_hybrid, ["hybrid configuration"], id="hybrid"),
        *(
            pytest.param(
                lambda server, old, certificates, role=role: server.auth.update(
                    {role: old.thumbprint}
                ),
                [f"{role} Auth certificate"],
                id=f"auth-{role}",
            )
            for role in ("current", "next", "previous")
        ),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True], ids=["real", "check"])
def test_what_stands_in_the_way_is_explained_before_anything_is_sent(
    run: Any,
    unused: ModelServer,
    certificates: Any,
    situation: Any,
    words: list[str],
    check_mode: bool,
) -> None:
    situation(unused, certificates.old, certificates)

    result = run(state="absent", thumbprint=certificates.old.thumbprint, check_mode=check_mode)

    assert result["failed"] is True
    assert result["changed"] is False
    assert run.changing == []
    assert len(result["reasons"]) == 1
    for word in words:
        assert word in result["reasons"][0]
        assert word in result["msg"]
    assert result["certificate"]["thumbprint"] == certificates.old.thumbprint


def test_every_reason_is_reported_at_once(run: Any, unused: ModelServer, certificates: Any) -> None:
    _bound_to_iis(unused, certificates.old, certificates)
    _internal_transport(unused, certificates.old, certificates)
    _send_connector(unused, certificates.old, certificates)

    result = run(state="absent", thumbprint=certificates.old.thumbprint)

    assert len(result["reasons"]) == 3


def test_a_receive_connector_may_name_it_where_a_renewed_one_of_the_same_name_remains(
    run: Any, unused: ModelServer, certificates: Any
) -> None:
    unused.certificates.append(Held(certificates.renewed, frozenset({"SMTP"})))
    _receive_connector(unused, certificates.old, certificates)

    result = run(state="absent", thumbprint=certificates.old.thumbprint)

    assert result["changed"] is True


def test_the_thumbprint_is_needed(run: Any, unused: ModelServer) -> None:
    result = run(state="absent", pfx_path="mail.pfx")

    assert result["failed"] is True
    assert "thumbprint" in result["msg"]
    assert run.sent == []


def test_a_refusal_of_exchange_keeps_its_words_and_keys(
    run: Any, unused: ModelServer, certificates: Any
) -> None:
    unused.instead["Remove-ExchangeCertificate"] = raising(
        failed("Remove-ExchangeCertificate", "Access denied.", category="PermissionDenied")
    )

    result = run(state="absent", thumbprint=certificates.old.thumbprint)

    assert result["failed"] is True
    assert result["changed"] is False
    assert "Access denied." in result["msg"]
    assert result["category"] == "PermissionDenied"
    assert result["cmdlet"] == "Remove-ExchangeCertificate"


def test_a_removal_that_does_not_stick_is_a_failure(
    run: Any, unused: ModelServer, certificates: Any
) -> None:
    unused.instead["Remove-ExchangeCertificate"] = CmdletResult

    result = run(state="absent", thumbprint=certificates.old.thumbprint)

    assert result["failed"] is True
    assert "still has it" in result["msg"]


def test_a_lost_answer_is_looked_up_and_not_repeated(
    run: Any, unused: ModelServer, certificates: Any
) -> None:
    def removed_but_lost() -> CmdletResult:
        del unused.certificates[1]
        raise OutcomeUnknown("contact was lost")

    unused.instead["Remove-ExchangeCertificate"] = removed_but_lost

    result = run(state="absent", thumbprint=certificates.old.thumbprint)

    assert result["changed"] is True
    assert "failed" not in result
    assert run.sent.count("Remove-ExchangeCertificate") == 1


def test_a_lost_removal_that_did_not_happen_fails(
    run: Any, unused: ModelServer, certificates: Any
) -> None:
    unused.instead["Remove-ExchangeCertificate"] = raising(OutcomeUnknown("contact was lost"))

    result = run(state="absent", thumbprint=certificates.old.thumbprint)

    assert result["failed"] is True
    assert result["changed"] is False
