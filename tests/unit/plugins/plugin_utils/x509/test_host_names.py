# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate's name covers a host name as RFC 6125 says."""

from __future__ import annotations

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import (
    covers,
    uncovered,
)


@pytest.mark.parametrize(
    ("names", "host_name", "covered"),
    [
        pytest.param(["mail.contoso.com"], "mail.contoso.com", True, id="same"),
        pytest.param(["Mail.Contoso.COM"], "mail.contoso.com.", True, id="case and final dot"),
        pytest.param(["*.contoso.com"], "mail.contoso.com", True, id="wildcard"),
        pytest.param(["*.contoso.com"], "contoso.com", False, id="wildcard is not the domain"),
        pytest.param(["*.contoso.com"], "a.b.contoso.com", False, id="wildcard is one label"),
        pytest.param(["*.contoso.com"], "*.contoso.com", True, id="the same wildcard"),
        pytest.param(["mail.contoso.com"], "*.contoso.com", False, id="wildcard needs a wildcard"),
        pytest.param(["*.com"], "*.contoso.com", False, id="not a wildcard of wildcards"),
        pytest.param(["münchen.example"], "xn--mnchen-3ya.example", True, id="international"),
        pytest.param([], "mail.contoso.com", False, id="no names"),
    ],
)
def test_covers(names: list[str], host_name: str, covered: bool) -> None:
    assert covers(names, host_name) is covered


def test_uncovered_names_keep_their_order() -> None:
    assert uncovered(["*.contoso.com"], ["b.fabrikam.com", "a.contoso.com", "a.fabrikam.com"]) == [
        "b.fabrikam.com",
        "a.fabrikam.com",
    ]
