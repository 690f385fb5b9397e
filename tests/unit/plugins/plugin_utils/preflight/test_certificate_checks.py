# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates are fit to take over?"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight.certificate_checks import (
    Demands,
    check_certificate,
    check_chain,
    check_names,
    missing_issuer_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_facts import (
    CertificateFacts,
)
from support import pki

NOW = datetime(2027, 1, 10, tzinfo=timezone.utc)
LONG = {"subject": "CN=" + "x" * 250}


def facts(**changes: Any) -> CertificateFacts:
    values: dict[str, Any] = {
        "thumbprint": "A" * 40,
        "subject": "CN=mail.contoso.com",
        "issuer": "CN=CA",
        "serial_number": "1",
        "not_before": NOW - timedelta(days=1),
        "not_after": NOW + timedelta(days=90),
        "common_name": "mail.contoso.com",
        "subject_alternative_names": ["mail.contoso.com", "autodiscover.contoso.com"],
        "key_type": "RSA",
        "key_size": 2048,
        "extended_key_usages": frozenset({"serverAuth", "clientAuth"}),
        "is_certificate_authority": False,
        **changes,
    }
    return CertificateFacts(**values)


def verdicts(certificate: CertificateFacts, **demands: Any) -> dict[str, str]:
    found = check_certificate(certificate, None, Demands(**demands), now=NOW)
    return {item.check: item.status for item in found}


def test_a_good_certificate_passes_every_check() -> None:
    assert set(verdicts(facts(), hybrid=True, tls_certificate_name_limit=256).values()) == {"pass"}


@pytest.mark.parametrize(
    ("changes", "demands", "check", "status"),
    [
        ({"not_after": NOW + timedelta(days=29)}, {}, "validity", "fail"),
        ({"not_after": NOW - timedelta(days=1)}, {}, "validity", "fail"),
        ({"not_before": NOW + timedelta(hours=1)}, {}, "validity", "fail"),
        ({}, {"minimum_days": 365}, "validity", "fail"),
        ({"not_after": NOW + timedelta(days=366)}, {"minimum_days": 365}, "validity", "pass"),
        ({"subject_alternative_names": ["*.contoso.com"]}, {}, "wildcard", "fail"),
        (
            {"subject_alternative_names": ["*.contoso.com"]},
            {"allow_wildcard": True},
            "wildcard",
            "pass",
        ),
        ({"common_name": None}, {}, "common_name", "fail"),
        ({"key_size": 1024}, {}, "key", "fail"),
        ({"key_size": 2048}, {"minimum_rsa_bits": 3072}, "key", "fail"),
        ({"key_type": "EC", "key_size": 256}, {}, "key", "warn"),
        ({"key_type": "DSA"}, {}, "key", "fail"),
        ({"extended_key_usages": frozenset({"clientAuth"})}, {}, "usage", "fail"),
        ({"extended_key_usages": frozenset({"serverAuth"})}, {}, "usage", "pass"),
        ({"extended_key_usages": frozenset({"serverAuth"})}, {"hybrid": True}, "usage", "warn"),
        ({"issuer": "CN=mail.contoso.com"}, {}, "self_signed", "fail"),
        (
            {"issuer": "CN=mail.contoso.com"},
            {"allow_self_signed": True},
            "self_signed",
            "pass",
        ),
        ({}, {"revoked": frozenset({"A" * 40})}, "revoked", "fail"),
        (
            {"subject": "CN=" + "x" * 250},
            {"tls_certificate_name_limit": 256},
            "name_length",
            "fail",
        ),
        (
            {"subject": "CN=" + "x" * 250},
            {"tls_certificate_name_limit": 1024},
            "name_length",
            "pass",
        ),
    ],
)
def test_each_reason_is_found(
    changes: dict[str, Any], demands: dict[str, Any], check: str, status: str
) -> None:
    found = verdicts(facts(**changes), **demands)

    assert found.pop(check) == status
    assert set(found.values()) <= {"pass"}


def test_every_failure_says_what_to_do() -> None:
    bad = facts(not_after=NOW, common_name=None, key_size=512, extended_key_usages=frozenset({"x"}))
    for item in check_certificate(bad, None, Demands(), now=NOW):
        assert (item.status == "pass") == (item.remedy == "")


def names(required: list[str], expected: list[str], outgoing: list[str]) -> list[str]:
    found = check_names(facts(), required=required, expected=expected, outgoing=outgoing)
    return [item.status for item in found]


def test_names_that_are_demanded_must_be_there() -> None:
    assert names(["mail.contoso.com"], [], []) == ["pass"]
    assert names(["pop.contoso.com"], [], []) == ["fail"]


def test_a_suggested_name_counts_when_the_outgoing_certificate_has_it() -> None:
    assert names([], ["imap.contoso.com"], ["imap.contoso.com"]) == ["fail"]
    assert names([], ["imap.contoso.com"], []) == ["warn"]
    assert names([], ["autodiscover.contoso.com"], []) == ["pass"]


def test_how_far_up_a_file_reaches() -> None:
    root = pki.root()
    between = root.intermediate()
    leaf = between.issue(("CN", "mail.contoso.com"))
    certificate, issuer = leaf.certificate, between.certificate

    assert missing_issuer_of([certificate, issuer], [root.certificate]) is None
    assert missing_issuer_of([certificate, issuer, root.certificate], []) is None
    assert "Test Root CA" in str(missing_issuer_of([certificate, issuer], []))
    assert "Test Issuing CA" in str(missing_issuer_of([certificate], [root.certificate]))


@pytest.mark.parametrize(
    ("missing", "leaf_issuer", "given", "status"),
    [
        (None, True, False, "pass"),
        ("CN=Root", True, False, "warn"),
        ("CN=Root", True, True, "fail"),
        ("CN=Issuing", False, False, "fail"),
    ],
)
def test_an_unknown_root_is_no_failure_unless_the_roots_are_given(
    missing: str | None, leaf_issuer: bool, given: bool, status: str
) -> None:
    found = check_chain(missing, leaf_issuer_is_there=leaf_issuer, roots_are_given=given)
    assert found.status == status
