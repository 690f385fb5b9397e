# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One small PKI for all tests of this folder."""

from __future__ import annotations

import pytest

from support import pki


@pytest.fixture(scope="session")
def issuing_authority() -> pki.Authority:
    return pki.root().intermediate()


@pytest.fixture(scope="session")
def issued(issuing_authority: pki.Authority) -> pki.Issued:
    """A certificate as a public authority issues it: a host name and one more."""
    return issuing_authority.issue(
        ("CN", "mail.contoso.com"),
        ("O", "Contoso, Ltd."),
        ("C", "DE"),
        dns=["mail.contoso.com", "autodiscover.contoso.com"],
        key=pki.kept_key("mail.contoso.com"),
    )
