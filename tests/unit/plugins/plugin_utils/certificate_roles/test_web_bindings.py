# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said about the bindings of a server, and which certificate serves its front end?"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.web_bindings import (  # noqa: E501
    WebBinding,
    front_end_certificate,
    problems,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

NOW = datetime(2027, 1, 10, tzinfo=timezone.utc)
A, B = "A" * 40, "B" * 40


def certificate(
    thumbprint: str, *sites: str | None, days: int = 30, services: tuple[str, ...] = ("IIS",)
) -> ExchangeCertificate:
    return ExchangeCertificate(
        thumbprint=thumbprint,
        subject="CN=mail.contoso.com",
        issuer="CN=CA 1",
        not_after=NOW + timedelta(days=days),
        services=frozenset(services),
        iis_sites=None if sites == (None,) else tuple(f"IIS://EX01/W3SVC/{s}" for s in sites),
    )


def front(thumbprint: str, ip: str = "", host: str = "") -> WebBinding:
    return WebBinding(
        site="Default Web Site", ip=ip, port=443, thumbprint=thumbprint, host_header=host
    )


def said(*bindings: WebBinding, days: int = 30) -> list[str]:
    known = [certificate(A, "1", days=days), certificate(B, "2", days=days)]
    return list(problems(bindings, known, NOW))


def test_bindings_that_agree_are_no_problem() -> None:
    assert said(front(A), front(A, "127.0.0.1")) == []


def test_bindings_of_the_front_end_that_disagree_are_one() -> None:
    (sentence,) = said(front(A), front(B, "127.0.0.1"))
    assert f"({A}, {B})" in sentence


def test_a_binding_for_a_host_name_may_have_a_certificate_of_its_own() -> None:
    assert said(front(A), front(B, host="legacy.contoso.com")) == []


def test_a_certificate_that_exchange_cannot_see_or_that_has_expired_is_reported() -> None:
    (gone,) = said(front("C" * 40))
    assert "which Exchange cannot see" in gone
    (expired,) = said(front(A), days=-1)
    assert "has expired" in expired


def test_a_back_end_without_a_certificate_breaks_remote_powershell() -> None:
    (sentence,) = said(WebBinding(site="Exchange Back End", ip="*", port=444))
    assert "Remote PowerShell" in sentence


def test_the_front_end_is_served_by_what_its_site_is_bound_to() -> None:
    found = front_end_certificate([certificate(A, "2"), certificate(B, "1")], server="EX01")
    assert found.thumbprint == B


def test_where_the_sites_are_not_known_the_service_decides() -> None:
    found = front_end_certificate([certificate(A, None)], server="EX01")
    assert found.thumbprint == A


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ([certificate(A, "2")], "names no certificate"),
        ([certificate(A, "1", services=("SMTP",))], "names no certificate"),
        ([certificate(A, "1"), certificate(B, "1", "2")], "names several certificates"),
    ],
)
def test_nothing_is_guessed(known: list[ExchangeCertificate], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        front_end_certificate(known, server="EX01")
