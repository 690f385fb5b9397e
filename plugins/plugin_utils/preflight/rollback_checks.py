# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Can a rotation be rolled back, and what it replaces be backed up?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.new_certificate import (
    NewCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.finding import (
    Finding,
    failed,
    passed,
    warned,
)


def check_rollback(
    new: NewCertificate, outgoing: Sequence[ExchangeCertificate], *, backup_required: bool
) -> Iterator[Finding]:
    """Judge whether the rotation can be rolled back.

    Args:
        new: the certificate that is to be rotated in.
        outgoing: those that it replaces on the server.
        backup_required: whether a key that cannot be exported is a failure.
    """
    same_name = [
        item.thumbprint
        for item in outgoing
        if item.tls_certificate_name == new.tls_certificate_name
    ]
    if same_name:
        yield warned(
            "rollback",
            f"The outgoing certificate {', '.join(same_name)} has the same issuer and subject.",
            "A rollback then has to remove the new certificate, and clears Send connectors for a "
            "moment meanwhile.",
        )
    elif outgoing:
        yield passed(
            "rollback", "The outgoing certificate stays in the store; a rollback is possible."
        )
    else:
        yield passed("rollback", "No certificate is replaced.")
    locked = [item.thumbprint for item in outgoing if item.exportable is False]
    if not locked:
        yield passed("backup", "What is replaced can be exported, or nothing is replaced.")
        return
    message = f"The key of {', '.join(locked)} cannot be exported, so there is no backup of it."
    remedy = "Keep the PFX that it came from, and set rotate_backup_not_exportable: accept."
    if backup_required:
        yield failed("backup", message, remedy)
    else:
        yield warned("backup", message, "Keep the PFX that it came from.")
