# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does an organisation get back to an earlier state, whatever has happened since?"""

from __future__ import annotations

import pytest

from fake_exchange.organisation import certificate_rules, mail, snapshots
from fake_exchange.organisation.model import (
    AccessEntry,
    EdgeSubscription,
    HybridConfiguration,
    SendConnector,
)
from fake_exchange.organisation.tls_names import tls_certificate_name
from fake_exchange.organisation.view import state_of
from support.stocked_server import StockedServer, issued, stocked_server


@pytest.fixture
def stock() -> StockedServer:
    """A server with something of everything."""
    stock = stocked_server()
    stock.organisation.send_connectors = [SendConnector("Internet", ["SMTP:*;1"], ["EX01"])]
    stock.organisation.hybrid_configuration = HybridConfiguration()
    stock.restart("W3SVC")
    stock.restart("MSExchangeFrontEndTransport")
    stock.server.ports = {"smtp": 20025}
    with stock.organisation.lock:
        queue = mail.queue(stock.server, "3", "SmtpDeliveryToMailbox")
        mail.make_up(stock.organisation, queue, 2, stuck=True)
    return stock


def lose_messages(stock: StockedServer) -> None:
    for queue in stock.server.queues:
        queue.messages.clear()


def turn_everything_over(stock: StockedServer) -> None:
    """What a rotation does, and some more."""
    organisation, server = stock.organisation, stock.server
    new = stock.store(issued())
    stock.enable(new, "IIS", "SMTP", replace_internal_transport=True)
    name = tls_certificate_name(new.certificate)
    stock.front_end.TlsCertificateName = name
    organisation.send_connectors[0].TlsCertificateName = name
    organisation.send_connectors.append(SendConnector("Another", ["SMTP:a.test;1"], ["EX01"]))
    assert organisation.hybrid_configuration is not None
    organisation.hybrid_configuration.TlsCertificateName = name
    organisation.auth_config.NextCertificateThumbprint = new.Thumbprint
    organisation.edge_subscriptions.append(EdgeSubscription("EDGE01", "Berlin", {"EX01": "AA"}))
    server.mail_access["POP"].X509CertificateName = "pop.contoso.test"
    stock.front_end.access.append(AccessEntry("CONTOSO\\scanner", ExtendedRight="Send-As"))
    server.component_states["HubTransport"].requesters["Maintenance"] = "Draining"
    lose_messages(stock)
    stock.restart("W3SVC")
    stock.restart("MSExchangeFrontEndTransport")
    server.services["MSExchangeTransport"].Status = "Stopped"
    for stored in list(server.certificates.values()):
        if stored is not new:
            certificate_rules.remove(organisation, server, stored)


def test_everything_comes_back(stock: StockedServer) -> None:
    before, presented = state_of(stock.organisation), stock.presented("https")
    snapshot = snapshots.take(stock.organisation)
    turn_everything_over(stock)
    assert state_of(stock.organisation) != before
    assert stock.presented("https") != presented
    snapshots.restore(stock.organisation, snapshot)
    assert state_of(stock.organisation) == before
    assert stock.presented("https") == presented


def test_certificates_come_back_with_their_keys(stock: StockedServer) -> None:
    thumbprint, key = stock.default.Thumbprint, stock.default.private_key
    snapshot = snapshots.take(stock.organisation)
    certificate_rules.remove(stock.organisation, stock.server, stock.default)
    snapshots.restore(stock.organisation, snapshot)
    again = stock.server.certificates[thumbprint].private_key
    assert key is not None
    assert again is not None
    assert again.private_numbers() == key.private_numbers()


def test_messages_come_back_and_none_counts_as_lost(stock: StockedServer) -> None:
    snapshot = snapshots.take(stock.organisation)
    before = mail.state_of_mail(stock.organisation)
    lose_messages(stock)
    assert mail.state_of_mail(stock.organisation)["lost"]
    snapshots.restore(stock.organisation, snapshot)
    assert mail.state_of_mail(stock.organisation) == before


def test_listening_ports_keep_their_numbers(stock: StockedServer) -> None:
    snapshot = snapshots.take(stock.organisation)
    stock.server.ports["https"] = 20443
    snapshots.restore(stock.organisation, snapshot)
    assert stock.server.ports == {"smtp": 20025, "https": 20443}


def test_a_snapshot_can_be_restored_again_and_again(stock: StockedServer) -> None:
    before = state_of(stock.organisation)
    snapshot = snapshots.take(stock.organisation)
    for _ in range(2):
        turn_everything_over(stock)
        snapshots.restore(stock.organisation, snapshot)
        assert state_of(stock.organisation) == before


def test_snapshots_of_different_moments_stand_side_by_side(stock: StockedServer) -> None:
    first = snapshots.take(stock.organisation)
    turn_everything_over(stock)
    after = state_of(stock.organisation)
    second = snapshots.take(stock.organisation)
    snapshots.restore(stock.organisation, first)
    assert state_of(stock.organisation) != after
    snapshots.restore(stock.organisation, second)
    assert state_of(stock.organisation) == after
