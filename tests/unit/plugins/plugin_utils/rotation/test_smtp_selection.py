# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SMTP port presents what its connector names, else what fits the connector's Fqdn."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.new_certificate import (
    NewCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.smtp_selection import (
    names_presenting,
)

ISSUED = datetime(2026, 11, 1, tzinfo=timezone.utc)
NOW = ISSUED + timedelta(days=9)
STORED = ExchangeCertificate(
    thumbprint="B" * 40,
    subject="CN=mail.contoso.com",
    issuer="CN=CA 1",
    dns_names=("mail.contoso.com",),
    not_before=ISSUED,
    self_signed=False,
)
NEW = NewCertificate.from_stored(STORED)
NEW_NAME = "<I>CN=CA 1<S>CN=mail.contoso.com"
LATER = replace(STORED, thumbprint="C" * 40, not_before=ISSUED + timedelta(days=1))
EARLIER = replace(STORED, thumbprint="A" * 40, not_before=ISSUED - timedelta(days=90))


def connector(
    fqdn: str | None, *, named: str | None = None, tls: bool = True, name: str = "Client Frontend"
) -> ReceiveConnector:
    return ReceiveConnector(
        name=name,
        identity=f"EX01\\{name}",
        fqdn=fqdn,
        tls_certificate_name=named,
        auth_mechanism=frozenset({"Tls", "Integrated"} if tls else {"Integrated"}),
    )


@pytest.mark.parametrize(
    ("connectors", "others", "names"),
    [
        pytest.param([connector("MAIL.contoso.com")], [], ("mail.contoso.com",), id="by its Fqdn"),
        pytest.param([connector("ex01.contoso.com")], [], (), id="Fqdn of another name"),
        pytest.param(
            [connector("ex01.contoso.com", named=NEW_NAME)],
            [],
            ("ex01.contoso.com",),
            id="named, whatever the Fqdn",
        ),
        pytest.param(
            [connector("mail.contoso.com", named="<I>CN=EX01<S>CN=EX01")],
            [],
            (),
            id="names another",
        ),
        pytest.param(
            [connector("mail.contoso.com", named="nonsense")], [], (), id="names nothing readable"
        ),
        pytest.param([connector("mail.contoso.com", tls=False)], [], (), id="no STARTTLS"),
        pytest.param([connector(None)], [], (), id="no Fqdn to be greeted with"),
        pytest.param([connector("mail.contoso.com")], [LATER], (), id="a later one is preferred"),
        pytest.param(
            [connector("mail.contoso.com", named=NEW_NAME)], [LATER], (), id="a later namesake, too"
        ),
        pytest.param(
            [connector("mail.contoso.com")],
            [EARLIER, STORED],
            ("mail.contoso.com",),
            id="an earlier one and itself do not matter",
        ),
        pytest.param(
            [connector("mail.contoso.com")],
            [replace(LATER, self_signed=True)],
            ("mail.contoso.com",),
            id="a self-signed one loses, however new",
        ),
        pytest.param(
            [connector("mail.contoso.com"), connector("mail.contoso.com", named="<I>CN=X<S>CN=Y")],
            [],
            (),
            id="two of one name that differ say nothing",
        ),
    ],
)
def test_names_under_which_the_new_one_is_presented(
    connectors: list[ReceiveConnector],
    others: list[ExchangeCertificate],
    names: tuple[str, ...],
) -> None:
    found = names_presenting(NEW, connectors=connectors, repointed=(), certificates=others, now=NOW)
    assert found == names


def test_a_connector_that_will_be_repointed_counts_as_naming_it() -> None:
    old = connector("ex01.contoso.com", named="<I>CN=CA 0<S>CN=mail.contoso.com")
    found = names_presenting(
        NEW, connectors=[old], repointed={old.identity}, certificates=[], now=NOW
    )
    assert found == ("ex01.contoso.com",)
