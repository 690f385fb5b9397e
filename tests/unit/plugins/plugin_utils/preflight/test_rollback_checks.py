# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said before a rotation about rolling it back?"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.new_certificate import (
    NewCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight.rollback_checks import (
    check_rollback,
)

OUTGOING = ExchangeCertificate(
    thumbprint="A" * 40,
    subject="CN=mail.contoso.com",
    issuer="CN=CA 1",
    dns_names=("mail.contoso.com",),
    not_before=datetime(2026, 9, 1, tzinfo=timezone.utc),
    not_after=datetime(2026, 12, 1, tzinfo=timezone.utc),
    services=frozenset({"IIS", "SMTP"}),
    status="Valid",
    self_signed=False,
    has_private_key=True,
    exportable=True,
    server="EX01",
)
ANOTHER_ISSUER = NewCertificate.from_stored(
    replace(OUTGOING, thumbprint="B" * 40, issuer="CN=CA 2")
)
SAME_NAME = NewCertificate.from_stored(replace(OUTGOING, thumbprint="B" * 40))


def judged(
    new: NewCertificate, *outgoing: ExchangeCertificate, backup_required: bool = False
) -> dict[str, str]:
    findings = check_rollback(new, outgoing, backup_required=backup_required)
    return {finding.check: finding.status for finding in findings}


def test_a_certificate_with_another_name_stays_for_a_rollback() -> None:
    assert judged(ANOTHER_ISSUER, OUTGOING) == {"rollback": "pass", "backup": "pass"}


def test_a_certificate_with_the_same_name_makes_a_rollback_a_removal() -> None:
    assert judged(SAME_NAME, OUTGOING)["rollback"] == "warn"


def test_where_nothing_is_replaced_there_is_nothing_to_say() -> None:
    assert judged(SAME_NAME) == {"rollback": "pass", "backup": "pass"}


def test_a_key_that_cannot_be_exported_stops_only_who_wants_a_backup() -> None:
    locked = replace(OUTGOING, exportable=False)
    assert judged(ANOTHER_ISSUER, locked)["backup"] == "warn"
    assert judged(ANOTHER_ISSUER, locked, backup_required=True)["backup"] == "fail"
