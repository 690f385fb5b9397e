# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a service present, and from when on?"""

from __future__ import annotations

import pytest

from fake_exchange.faults import Fault
from fake_exchange.organisation import services
from fake_exchange.organisation.model import Server, Service
from fake_exchange.organisation.services import FRONT_END_TRANSPORT, ServiceRefused
from fake_exchange.organisation.tls_names import tls_certificate_name
from support.stocked_server import StockedServer, issued


@pytest.mark.parametrize(
    ("port", "service", "name"),
    [
        ("https", "W3SVC", "IIS"),
        ("imaps", "MSExchangeIMAP4", "IMAP"),
        ("imap", "MSExchangeIMAP4", "IMAP"),
        ("pop3s", "MSExchangePOP3", "POP"),
        ("pop3", "MSExchangePOP3", "POP"),
    ],
)
def test_a_certificate_is_presented_from_the_next_start_of_its_service_on(
    stock: StockedServer, port: str, service: str, name: str
) -> None:
    stock.restart(service)
    public = stock.store(issued(), name)
    assert stock.presented(port) == stock.default.Thumbprint
    stock.restart(service)
    assert stock.presented(port) == public.Thumbprint


def test_transport_looks_at_names_when_it_starts(stock: StockedServer) -> None:
    public = stock.store(issued(), "SMTP")
    stock.restart(FRONT_END_TRANSPORT)
    stock.front_end.TlsCertificateName = tls_certificate_name(public.certificate)
    assert stock.presented("smtp") == stock.default.Thumbprint
    stock.restart(FRONT_END_TRANSPORT)
    assert stock.presented("smtp") == public.Thumbprint
    assert stock.presented("submission") == stock.default.Thumbprint


def test_a_removed_certificate_stays_in_memory_until_the_restart(stock: StockedServer) -> None:
    public = stock.store(issued(), "IIS")
    stock.restart("W3SVC")
    del stock.server.certificates[public.Thumbprint]
    assert stock.presented("https") == public.Thumbprint
    stock.restart("W3SVC")
    assert stock.presented("https") is None


def test_changes_show_at_once_where_that_is_switched_on(stock: StockedServer) -> None:
    stock.restart("W3SVC")
    stock.organisation.behavior.certificates_load = "immediately"
    public = stock.store(issued(), "IIS")
    assert stock.presented("https") == public.Thumbprint


def test_tls_between_servers_uses_the_internal_transport_certificate(stock: StockedServer) -> None:
    stock.enable(stock.store(issued()), "SMTP")
    stock.restart(FRONT_END_TRANSPORT)
    assert stock.presented(services.ANONYMOUS_TLS) == stock.default.Thumbprint


def test_starting_what_runs_does_nothing(stock: StockedServer) -> None:
    service = stock.server.services["W3SVC"]
    services.start(stock.organisation, stock.server, "W3SVC")
    assert service.starts == 0
    stock.restart("W3SVC")
    assert service.starts == 1


def test_imap_and_pop_are_stopped_and_manual_after_setup(stock: StockedServer) -> None:
    for name in ("MSExchangeIMAP4", "MSExchangePOP3BE"):
        service = stock.server.services[name]
        assert (service.Status, service.StartType) == ("Stopped", "Manual")


def test_a_disabled_service_does_not_start(stock: StockedServer) -> None:
    service = stock.server.services["MSExchangePOP3"]
    service.StartType = "Disabled"
    with pytest.raises(ServiceRefused, match="cannot be started"):
        services.start(stock.organisation, stock.server, "MSExchangePOP3")
    assert service.Status == "Stopped"


def test_an_unknown_service_is_named(stock: StockedServer) -> None:
    with pytest.raises(ServiceRefused, match="'MSExchangeUM'"):
        services.start(stock.organisation, stock.server, "MSExchangeUM")


def test_a_start_can_be_made_to_fail_once(stock: StockedServer) -> None:
    stock.organisation.faults.arm(Fault("service_start_fails", service="W3SVC"))
    with pytest.raises(ServiceRefused):
        stock.restart("W3SVC")
    assert stock.server.services["W3SVC"].Status == "Stopped"
    services.start(stock.organisation, stock.server, "W3SVC")
    assert stock.server.services["W3SVC"].Status == "Running"


def test_observers_hear_of_every_change(stock: StockedServer) -> None:
    heard: list[tuple[str, str, str]] = []

    def listen(server: Server, service: Service) -> None:
        heard.append((server.Name, service.Name, service.Status))

    stock.organisation.service_observers.append(listen)
    stock.restart("W3SVC")
    assert heard == [("EX01", "W3SVC", "Stopped"), ("EX01", "W3SVC", "Running")]
