# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do the cmdlets say that a preflight reads beside certificates and connectors: Autodiscover,
federation?"""

from __future__ import annotations

from typing import Any

from fake_exchange.organisation.model import FederationTrust, Organisation
from support.cmdlet_shell import Shell


def rows(shell: Shell, cmdlet: str, **parameters: Any) -> list[dict[str, Any]]:
    return shell.run((cmdlet, parameters)).succeeded().rows


def addresses(shell: Shell, **parameters: Any) -> dict[str, str]:
    """Where each server sends clients for Autodiscover."""
    return {
        str(row["Name"]): str(row["AutoDiscoverServiceInternalUri"])
        for row in rows(shell, "Get-ClientAccessService", **parameters)
    }


def test_setup_sends_clients_to_each_server_itself(shell: Shell) -> None:
    assert addresses(shell) == {
        "EX01": "https://ex01.contoso.test/Autodiscover/Autodiscover.xml",
        "EX02": "https://ex02.contoso.test/Autodiscover/Autodiscover.xml",
    }


def test_one_server_can_be_asked_for_and_its_address_changed(
    shell: Shell, organisation: Organisation
) -> None:
    address = "https://autodiscover.contoso.test/Autodiscover/Autodiscover.xml"
    organisation.servers["EX02"].AutoDiscoverServiceInternalUri = address
    assert addresses(shell, Identity="ex02") == {"EX02": address}


def test_edge_servers_have_no_clients(shell: Shell, organisation: Organisation) -> None:
    organisation.servers["EX02"].ServerRole = "Edge"
    assert set(addresses(shell)) == {"EX01"}


def test_an_organisation_without_federation_has_no_trust(shell: Shell) -> None:
    assert rows(shell, "Get-FederationTrust") == []


def test_a_trust_names_its_certificates(shell: Shell, organisation: Organisation) -> None:
    organisation.federation_trust = FederationTrust(
        OrgPrivCertificate="AA" * 20, OrgNextPrivCertificate="BB" * 20
    )
    (row,) = rows(shell, "Get-FederationTrust")
    assert row["Name"] == "Microsoft Federation Gateway"
    assert (
        row["OrgPrivCertificate"],
        row["OrgPrevPrivCertificate"],
        row["OrgNextPrivCertificate"],
    ) == ("AA" * 20, "", "BB" * 20)
