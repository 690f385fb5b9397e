# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wizard's prerequisites are judged one by one, and it is said to be needed only when it is."""

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
from ansible_collections.mailops.exchange.plugins.plugin_utils.hybrid import wizard
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)

HELD = ExchangeCertificate(
    thumbprint="A" * 40,
    subject="CN=mail.contoso.com",
    issuer="CN=CA 2",
    dns_names=("mail.contoso.com", "hybrid.contoso.com"),
    services=frozenset({"IIS", "SMTP"}),
    root_ca_type="ThirdParty",
)
NEW = NewCertificate.from_stored(HELD)


def statuses(held: ExchangeCertificate | None) -> dict[str, str]:
    found = wizard.judge_certificate(NEW, [held] if held else [], "EX01")
    return {item.check: item.status for item in found}


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (HELD, {"same_certificate": "pass", "third_party_issuer": "pass", "smtp_enabled": "pass"}),
        (None, {"same_certificate": "warn"}),
        (
            replace(HELD, root_ca_type="Enterprise"),
            {"same_certificate": "pass", "third_party_issuer": "fail", "smtp_enabled": "pass"},
        ),
        (
            replace(HELD, services=frozenset({"IIS"})),
            {"same_certificate": "pass", "third_party_issuer": "pass", "smtp_enabled": "fail"},
        ),
    ],
)
def test_the_certificate(held: ExchangeCertificate | None, expected: dict[str, str]) -> None:
    assert statuses(held) == expected


def test_a_certificate_without_subject_is_found_even_if_nobody_uses_it() -> None:
    nameless = replace(HELD, thumbprint="B" * 40, subject="", services=frozenset())
    assert wizard.judge_store([HELD], "EX01").status == "pass"
    found = wizard.judge_store([HELD, nameless], "EX01")
    assert (found.status, "B" * 40 in found.message) == ("fail", True)


@pytest.mark.parametrize(("count", "status"), [(0, "fail"), (1, "pass"), (2, "fail")])
def test_the_receive_connector(count: int, status: str) -> None:
    assert wizard.judge_frontend(count, "EX01").status == status


@pytest.mark.parametrize(("names", "status"), [([], "warn"), (["A"], "pass"), (["A", "B"], "fail")])
def test_the_send_connector(names: list[str], status: str) -> None:
    assert wizard.judge_cloud_connectors(names).status == status


@pytest.mark.parametrize(
    ("versions", "status"),
    [
        ({"EX01": "Version 15.2 (Build 1748.10)", "EX02": "Version 15.2 (Build 1748.24)"}, "pass"),
        ({"EX01": "Version 15.2 (Build 1748.10)", "EX02": "Version 15.2 (Build 1544.4)"}, "fail"),
        ({"EX01": "Version 15.2 (Build 1748.10)", "EX02": "unreadable"}, "pass"),
    ],
)
def test_the_builds(versions: dict[str, str], status: str) -> None:
    found = wizard.judge_builds(versions)
    assert found.status == status
    assert ("ApplicationIdentifier" in found.message) == (status == "fail")


FORMER = TlsCertificateName("CN=CA 1", "CN=mail.contoso.com")


@pytest.mark.parametrize(
    ("former", "names", "required", "recommended", "commands"),
    [
        pytest.param(NEW.tls_certificate_name, ["mail.contoso.com"], False, False, 0, id="same"),
        pytest.param(FORMER, ["mail.contoso.com"], False, True, 0, id="another issuer"),
        pytest.param(
            TlsCertificateName("CN=CA 2", "CN=hybrid.contoso.com"),
            [],
            False,
            True,
            0,
            id="another subject, and the former name is among the others",
        ),
        pytest.param(FORMER, ["old.contoso.com"], True, True, 4, id="a name is lost"),
        pytest.param(
            TlsCertificateName("CN=CA 1", "CN=edge.contoso.com"), [], True, True, 4, id="its CN"
        ),
        pytest.param(None, [], True, True, 2, id="none before"),
    ],
)
def test_whether_it_has_to_run(
    former: TlsCertificateName | None,
    names: list[str],
    required: bool,
    recommended: bool,
    commands: int,
) -> None:
    verdict = wizard.judge_wizard(former, names, NEW)
    assert (verdict.required, verdict.recommended) == (required, recommended)
    assert len(verdict.commands) == commands
    assert verdict.reasons


NOW = datetime(2027, 3, 1, tzinfo=timezone.utc)


def renewed(thumbprint: str, *names: str, age: int) -> ExchangeCertificate:
    """A certificate of one issuer and subject with all the others, of so many days ago."""
    begin = NOW - timedelta(days=age)
    return replace(
        HELD,
        thumbprint=thumbprint * 40,
        dns_names=names,
        not_before=begin,
        not_after=begin + timedelta(days=90),
    )


def test_a_name_dropped_two_renewals_ago_is_not_lost_now() -> None:
    store = [
        renewed("1", "mail.contoso.com", "legacy.contoso.com", age=160),
        renewed("2", "mail.contoso.com", "hybrid.contoso.com", age=80),
        renewed("A", "mail.contoso.com", "hybrid.contoso.com", age=1),
    ]
    new = NewCertificate.from_stored(store[-1])
    names = wizard.former_names(new.tls_certificate_name, new, store, now=NOW)
    assert names == ("mail.contoso.com", "hybrid.contoso.com")
    assert not wizard.judge_wizard(new.tls_certificate_name, names, new).required


def test_a_name_of_the_certificate_in_use_is_lost_although_issuer_and_subject_stay() -> None:
    store = [
        renewed("1", "mail.contoso.com", age=160),
        renewed("2", "mail.contoso.com", "hybrid.contoso.com", age=80),
    ]
    new = NewCertificate.from_stored(renewed("A", "mail.contoso.com", age=1))
    names = wizard.former_names(new.tls_certificate_name, new, store, now=NOW)
    verdict = wizard.judge_wizard(new.tls_certificate_name, names, new)
    assert verdict.required
    assert any("hybrid.contoso.com" in command for command in verdict.commands)


def test_a_newer_certificate_that_is_no_longer_valid_was_not_the_one_in_use() -> None:
    revoked = replace(renewed("3", "late.contoso.com", age=5), status="Revoked")
    store = [renewed("2", "mail.contoso.com", age=80), revoked]
    new = NewCertificate.from_stored(renewed("A", "mail.contoso.com", age=1))
    assert wizard.former_names(new.tls_certificate_name, new, store, now=NOW) == (
        "mail.contoso.com",
    )


def test_nothing_is_known_of_a_certificate_that_is_gone() -> None:
    assert wizard.former_names(FORMER, NEW, [HELD], now=NOW) == ()
    assert wizard.former_names(None, NEW, [HELD], now=NOW) == ()
