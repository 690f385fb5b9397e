# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which request that waits on a server is the one that is asked for?"""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.request import (
    RequestSpec,
)

MAIL, AUTODISCOVER = "mail.contoso.com", "autodiscover.contoso.com"
SUBJECT = f"CN={MAIL}, O=Contoso"


def pending(*names: str, **more: Any) -> ExchangeCertificate:
    facts = {"subject": SUBJECT, "key_size": 2048, **more}
    return ExchangeCertificate(
        thumbprint="A" * 40, issuer=facts["subject"], dns_names=names, **facts
    )


def spec(*names: str, subject: str = SUBJECT) -> RequestSpec:
    return RequestSpec(subject=subject, names=names, friendly_name=MAIL)


@pytest.mark.parametrize(
    ("wanted", "held"),
    [
        pytest.param([MAIL], [MAIL], id="as it was asked for"),
        pytest.param([MAIL, AUTODISCOVER], [AUTODISCOVER, MAIL.upper()], id="order and case"),
        pytest.param([AUTODISCOVER], [MAIL, AUTODISCOVER], id="Exchange adds the common name"),
        pytest.param([], [MAIL], id="the common name is all that it has"),
        pytest.param([], [], id="none"),
    ],
)
def test_a_request_with_the_names_is_the_same(wanted: list[str], held: list[str]) -> None:
    assert spec(*wanted).matches(pending(*held))


@pytest.mark.parametrize(
    ("wanted", "held"),
    [
        pytest.param([MAIL, AUTODISCOVER], [MAIL], id="one is missing"),
        pytest.param([MAIL, AUTODISCOVER], [AUTODISCOVER], id="the common name is missing"),
        pytest.param([MAIL], [MAIL, AUTODISCOVER], id="one too many"),
        pytest.param([], [AUTODISCOVER], id="another one"),
    ],
)
def test_a_request_with_other_names_is_another(wanted: list[str], held: list[str]) -> None:
    assert not spec(*wanted).matches(pending(*held))


def test_another_subject_or_key_size_is_another_request() -> None:
    assert not spec(MAIL, subject=f"CN={MAIL}").matches(pending(MAIL))
    assert not spec(MAIL).matches(pending(MAIL, key_size=4096))
    assert spec(MAIL).matches(pending(MAIL, key_size=None))
