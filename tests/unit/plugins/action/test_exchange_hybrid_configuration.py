# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How is the certificate that the hybrid configuration names changed?"""

from __future__ import annotations

import pytest

from support.model_server import ModelServer

MODULE = "exchange_hybrid_configuration"
NAME = "<I>CN=CA 1<S>CN=mail.contoso.com"


def test_it_is_set_once(run, server: ModelServer) -> None:  # type: ignore[no-untyped-def]
    server.hybrid = "<I>CN=CA 0<S>CN=mail.contoso.com"

    result = run(tls_certificate_name="<i>CN=CA 1</i> <s>CN=mail.contoso.com</s>", diff=True)

    assert server.hybrid == NAME
    assert result["hybrid_configuration"]["tls_certificate_name"] == NAME
    assert result["diff"]["before"] != result["diff"]["after"]
    assert run(tls_certificate_name=NAME)["changed"] is False
    assert run.changing == []


def test_check_mode_sends_nothing(run, server: ModelServer) -> None:  # type: ignore[no-untyped-def]
    server.hybrid = ""

    result = run(tls_certificate_name=NAME, check_mode=True)

    assert result["changed"] is True
    assert run.changing == []


def test_an_empty_text_clears_it(run, server: ModelServer) -> None:  # type: ignore[no-untyped-def]
    server.hybrid = NAME

    assert run(tls_certificate_name="")["changes"] == [
        "Clear TlsCertificateName of the hybrid configuration."
    ]
    assert server.hybrid == ""


@pytest.mark.parametrize("text", ["nonsense", "<I>CN=CA"])
def test_what_is_no_name_is_refused_before_anything_is_asked(
    run, server: ModelServer, text: str
) -> None:  # type: ignore[no-untyped-def]
    server.hybrid = NAME

    result = run(tls_certificate_name=text)

    assert result["failed"] is True
    assert text in result["msg"]
    assert run.sent == []


def test_an_organization_that_is_not_hybrid_is_reported(run) -> None:  # type: ignore[no-untyped-def]
    assert "no hybrid configuration" in run(tls_certificate_name=NAME)["msg"]
