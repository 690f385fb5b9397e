# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When does an Edge subscription stop working?"""

from __future__ import annotations

import pytest

from fake_exchange.organisation import certificate_rules, edge_subscriptions
from fake_exchange.organisation.model import Organisation, Server
from support.cmdlet_shell import Shell, small_organisation


@pytest.fixture
def organisation() -> Organisation:
    """Two Mailbox servers, one of them in the site that EDGE01 is subscribed to."""
    organisation = small_organisation("EX01", "EX02", "EDGE01")
    edge = organisation.servers["EDGE01"]
    edge.ServerRole = "Edge"
    organisation.servers["EX02"].Site = "Hamburg"
    subscription = edge_subscriptions.subscribe(organisation, edge, "Berlin")
    organisation.edge_subscriptions.append(subscription)
    return organisation


def status(shell: Shell) -> tuple[str, str]:
    (row,) = shell.run("Test-EdgeSynchronization").succeeded().rows
    assert row["Name"] == "EDGE01"
    return row["SyncStatus"].PSObject.to_string, row["FailureDetail"]


def replace_internal_transport(server: Server) -> None:
    other = next(
        stored
        for stored in server.certificates.values()
        if stored.Thumbprint != server.InternalTransportCertificateThumbprint
    )
    certificate_rules.set_internal_transport(server, other)


def test_a_subscription_names_its_site(shell: Shell) -> None:
    (row,) = shell.run("Get-EdgeSubscription").succeeded().rows
    assert (row["Name"], row["Domain"]) == ("EDGE01", "contoso.test")
    assert row["Site"].PSObject.to_string.endswith("/Berlin")
    assert status(shell) == ("Normal", "")


@pytest.mark.parametrize("name", ["EX01", "EDGE01"])
def test_another_internal_transport_certificate_on_either_side_breaks_it(
    shell: Shell, organisation: Organisation, name: str
) -> None:
    server = organisation.servers[name]
    before = organisation.servers[name].InternalTransportCertificateThumbprint
    replace_internal_transport(server)
    state, detail = status(shell)
    assert state == "Failed"
    assert f"{name} are encrypted with the certificate {before}" in detail
    certificate_rules.set_internal_transport(server, server.certificates[str(before)])
    assert status(shell) == ("Normal", "")


def test_servers_of_other_sites_do_not_matter(shell: Shell, organisation: Organisation) -> None:
    replace_internal_transport(organisation.servers["EX02"])
    assert status(shell) == ("Normal", "")


def test_a_server_that_came_later_is_no_part_of_it(
    shell: Shell, organisation: Organisation
) -> None:
    organisation.servers["EX02"].Site = "Berlin"
    assert status(shell) == ("Failed", "The server EX02 isn't part of the Edge Subscription.")


def test_one_edge_server_can_be_tested(shell: Shell) -> None:
    one = shell.run(("Test-EdgeSynchronization", {"TargetServer": "edge01.contoso.test"}))
    assert len(one.succeeded().rows) == 1
    other = shell.run(("Test-EdgeSynchronization", {"TargetServer": "EX01"}))
    assert "couldn't be found" in other.error.message


def test_an_organisation_without_edge_servers_has_none(
    shell: Shell, organisation: Organisation
) -> None:
    organisation.edge_subscriptions.clear()
    assert shell.run("Get-EdgeSubscription").succeeded().rows == []
    assert shell.run("Test-EdgeSynchronization").succeeded().rows == []
