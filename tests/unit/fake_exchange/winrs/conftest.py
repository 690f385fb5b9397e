# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which pretended server do these tests act?"""

from __future__ import annotations

import pytest

from fake_exchange.organisation import services
from fake_exchange.organisation.model import Organisation, Server, WebBinding

THUMBPRINT = "B30B89B96AD0351B53D73EC2B5EA7A8B6A746B2B"
BACK_END_THUMBPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"


@pytest.fixture
def server() -> Server:
    server = Server("EX01", "ex01.contoso.test", "Berlin")
    server.services = services.installed(server)
    server.web_bindings = [
        WebBinding("Default Web Site", 1, "http", "*:80:"),
        WebBinding("Default Web Site", 1, "https", ":443:", THUMBPRINT, "MY"),
        WebBinding("Default Web Site", 1, "https", "127.0.0.1:443:", THUMBPRINT, "MY"),
        WebBinding("Exchange Back End", 2, "https", "*:444:", BACK_END_THUMBPRINT, "MY"),
    ]
    return server


@pytest.fixture
def organisation(server: Server) -> Organisation:
    return Organisation("Contoso", "contoso.test", servers={server.Name: server})
