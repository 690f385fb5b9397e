# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which OAuth certificate do OWA and ECP sign with, and what takes a restart to change it?"""

from __future__ import annotations

from datetime import timedelta
from email.message import Message
from typing import Any

import pytest

from fake_exchange.fronts.https import page
from fake_exchange.organisation import certificates, services
from fake_exchange.organisation.model import Organisation, Server, StoredCertificate, now
from fake_exchange.winrs.powershell import ScriptResult, run_script_text
from fake_exchange.wsman.http import HttpRequest
from support.cmdlet_shell import small_organisation

OWA, ECP = services.APPLICATION_POOLS
PAGES = {OWA: "/owa/auth/logon.aspx", ECP: "/ecp/"}


@pytest.fixture
def organisation() -> Organisation:
    """A server that was started with an OAuth certificate, and has a newer one since."""
    organisation = small_organisation("EX01")
    services.restart(organisation, organisation.servers["EX01"], "W3SVC")
    return organisation


@pytest.fixture
def server(organisation: Organisation) -> Server:
    return organisation.servers["EX01"]


def name(organisation: Organisation, server: Server, *, expired: bool = False) -> str:
    """Another current certificate of the Auth configuration."""
    data = certificates.self_signed(
        certificates.common_name("Auth"),
        key=certificates.shared_key("test"),
        valid_from=now() - timedelta(days=400),
        years=1 if expired else 5,
    )
    stored = StoredCertificate(data.certificate, data.private_key)
    server.certificates[stored.Thumbprint] = stored
    organisation.auth_config.CurrentCertificateThumbprint = stored.Thumbprint
    return stored.Thumbprint


def loaded(server: Server, pool: str) -> str | None:
    found = server.services["W3SVC"].loaded.get(pool)
    return found.Thumbprint if found is not None else None


def status(server: Server, pool: str) -> int:
    return page(server)(HttpRequest("GET", PAGES[pool], Message())).status


def run(organisation: Organisation, server: Server, text: str, **options: Any) -> ScriptResult:
    return run_script_text(text, organisation=organisation, server=server, **options)


@pytest.mark.parametrize("pool", [OWA, ECP])
def test_a_pool_keeps_its_certificate_until_it_is_restarted(
    organisation: Organisation, server: Server, pool: str
) -> None:
    before = loaded(server, pool)
    assert before == organisation.auth_config.CurrentCertificateThumbprint
    thumbprint = name(organisation, server)
    assert loaded(server, pool) == before
    result = run(organisation, server, f"Restart-WebAppPool -Name {pool}")
    assert (result.stderr, result.exit_code) == ("", 0)
    assert loaded(server, pool) == thumbprint
    assert [loaded(server, other) for other in PAGES if other != pool] == [before]
    counters: Any = organisation.counters.as_dict()["servers"]
    assert counters["EX01"]["application_pool_starts"] == {pool: 1}
    journal: Any = organisation.journal.as_dict()["changes"]
    assert journal[-1]["what"] == f"{pool} restarted"


def test_a_restart_of_iis_restarts_all_of_them(organisation: Organisation, server: Server) -> None:
    thumbprint = name(organisation, server)
    services.restart(organisation, server, "W3SVC")
    assert {loaded(server, pool) for pool in PAGES} == {thumbprint}


def test_without_a_valid_certificate_nobody_can_log_on(
    organisation: Organisation, server: Server
) -> None:
    assert status(server, OWA) == 200
    name(organisation, server, expired=True)
    services.recycle(organisation, server, OWA)
    assert (status(server, OWA), status(server, ECP)) == (500, 200)
    organisation.auth_config.CurrentCertificateThumbprint = "AA" * 20
    services.recycle(organisation, server, ECP)
    assert status(server, ECP) == 500


def test_pools_are_listed(organisation: Organisation, server: Server) -> None:
    text = r"(Get-WebAppPoolState MSExchangeOWAAppPool).Value; (Get-ChildItem IIS:\AppPools).name"
    result = run(organisation, server, "Import-Module WebAdministration; " + text)
    assert result.stdout.split() == ["Started", OWA, ECP]


def test_what_is_not_there_or_stands_cannot_be_restarted(
    organisation: Organisation, server: Server
) -> None:
    result = run(organisation, server, "Restart-WebAppPool Nothing")
    assert "does not exist" in result.stderr
    services.stop(organisation, server, "W3SVC")
    result = run(organisation, server, f"Restart-WebAppPool {OWA}")
    assert "cannot accept control messages" in result.stderr
