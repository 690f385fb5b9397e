# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is a peer really shown, and when is it refused? With real connections and handshakes."""

from __future__ import annotations

import hashlib
import imaplib
import poplib
import smtplib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from fake_exchange.fronts.ports import Ports
from fake_exchange.organisation import services
from fake_exchange.organisation.tls_names import tls_certificate_name
from support import pki
from support.stocked_server import ISSUER, StockedServer, issued

SECONDS = 10
FRONT_END = "MSExchangeFrontEndTransport"


def trusting_anything() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def thumbprint(connection: socket.socket | None) -> str:
    assert isinstance(connection, ssl.SSLSocket)
    certificate = connection.getpeercert(binary_form=True)
    assert certificate is not None
    return hashlib.sha1(certificate).hexdigest().upper()


def over_smtp(port: int, context: ssl.SSLContext) -> str:
    with smtplib.SMTP("127.0.0.1", port, timeout=SECONDS) as client:
        client.starttls(context=context)
        return thumbprint(client.sock)


def over_tls(port: int, context: ssl.SSLContext) -> str:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        assert secure.recv(1), "the server says something first"
        return thumbprint(secure)


def over_imap(port: int, context: ssl.SSLContext) -> str:
    with imaplib.IMAP4("127.0.0.1", port, timeout=SECONDS) as client:
        client.starttls(context)
        return thumbprint(client.sock)


def over_pop3(port: int, context: ssl.SSLContext) -> str:
    client = poplib.POP3("127.0.0.1", port, timeout=SECONDS)
    try:
        client.stls(context)
        return thumbprint(client.sock)
    finally:
        client.close()


WAYS: dict[str, Callable[[int, ssl.SSLContext], str]] = {
    "smtp": over_smtp,
    "submission": over_smtp,
    "https": over_tls,
    "imap": over_imap,
    "imaps": over_tls,
    "pop3": over_pop3,
    "pop3s": over_tls,
}
SERVICE_OF = {"https": "W3SVC", "imap": "MSExchangeIMAP4", "pop3": "MSExchangePOP3"}


def service_of(port: str) -> str:
    return SERVICE_OF.get(port if port == "https" else port.removesuffix("s"), FRONT_END)


def presented(stock: StockedServer, port: str, context: ssl.SSLContext | None = None) -> str:
    return WAYS[port](stock.server.ports[port], context or trusting_anything())


@pytest.mark.usefixtures("ports")
@pytest.mark.parametrize("port", WAYS)
def test_a_port_presents_the_new_certificate_after_the_restart_of_its_service(
    stock: StockedServer, port: str
) -> None:
    public = stock.store(issued(), "SMTP", "IIS", "IMAP", "POP")
    for connector in stock.server.receive_connectors:
        connector.TlsCertificateName = tls_certificate_name(public.certificate)
    assert presented(stock, port) == stock.default.Thumbprint
    stock.restart(service_of(port))
    assert presented(stock, port) == public.Thumbprint


@pytest.mark.usefixtures("ports")
@pytest.mark.parametrize("port", WAYS)
def test_a_client_that_knows_the_root_gets_the_whole_chain(
    stock: StockedServer, port: str, tmp_path: Path
) -> None:
    intermediate = ISSUER.intermediate(("CN", "Issuer A 1"))
    public = stock.store(issued(issuer=intermediate), "SMTP", "IIS", "IMAP", "POP")
    for connector in stock.server.receive_connectors:
        connector.TlsCertificateName = tls_certificate_name(public.certificate)
    stock.restart(service_of(port))
    context = ssl.create_default_context(cafile=str(ISSUER.write(tmp_path / "root.pem")))
    context.check_hostname = False
    assert presented(stock, port, context) == public.Thumbprint


@pytest.mark.usefixtures("ports")
def test_without_the_intermediate_on_the_server_the_chain_is_incomplete(
    stock: StockedServer, tmp_path: Path
) -> None:
    stock.organisation.behavior.import_intermediates = False
    stock.store(issued(issuer=ISSUER.intermediate(("CN", "Issuer A 1"))), "IIS")
    stock.restart("W3SVC")
    context = ssl.create_default_context(cafile=str(ISSUER.write(tmp_path / "root.pem")))
    context.check_hostname = False
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        presented(stock, "https", context)


@pytest.mark.usefixtures("ports")
@pytest.mark.parametrize("port", WAYS)
def test_a_stopped_service_refuses_and_listens_again_on_the_same_port(
    stock: StockedServer, port: str
) -> None:
    number = stock.server.ports[port]
    services.stop(stock.organisation, stock.server, service_of(port))
    with pytest.raises(ConnectionRefusedError):
        presented(stock, port)
    services.start(stock.organisation, stock.server, service_of(port))
    assert stock.server.ports[port] == number
    assert presented(stock, port) == stock.default.Thumbprint


@pytest.mark.usefixtures("ports")
def test_the_plain_web_port_follows_iis_too(stock: StockedServer) -> None:
    port = stock.server.ports["powershell_http"]
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        assert connection.recv(100) == b"EX01 powershell_http"
    services.stop(stock.organisation, stock.server, "W3SVC")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=SECONDS)


def test_a_port_can_be_held_closed(stock: StockedServer, ports: Ports) -> None:
    ports.hold_closed(stock.server, "imaps", closed=True)
    stock.restart("MSExchangeIMAP4")
    with pytest.raises(ConnectionRefusedError):
        presented(stock, "imaps")
    ports.hold_closed(stock.server, "imaps", closed=False)
    assert presented(stock, "imaps") == stock.default.Thumbprint


@pytest.mark.usefixtures("ports")
def test_starttls_fails_with_a_renewal_that_is_not_enabled(stock: StockedServer) -> None:
    old = stock.store(issued(started_days_ago=80), "SMTP")
    stock.front_end.TlsCertificateName = tls_certificate_name(old.certificate)
    stock.restart(FRONT_END)
    assert presented(stock, "smtp") == old.Thumbprint
    renewed = stock.store(issued(started_days_ago=1))
    stock.restart(FRONT_END)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        presented(stock, "smtp")
    stock.enable(renewed, "SMTP")
    stock.restart(FRONT_END)
    assert presented(stock, "smtp") == renewed.Thumbprint


@pytest.mark.usefixtures("ports")
def test_https_without_a_certificate_breaks_the_handshake(stock: StockedServer) -> None:
    public = stock.store(issued(), "IIS")
    del stock.server.certificates[public.Thumbprint]
    stock.restart("W3SVC")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        presented(stock, "https")


@pytest.mark.usefixtures("ports")
def test_an_elliptic_curve_certificate_is_presented(stock: StockedServer) -> None:
    certificate = ISSUER.issue(("CN", "mail.contoso.test"), key=pki.kept_key("leaf", "ec"))
    public = stock.store(certificate, "IIS")
    stock.restart("W3SVC")
    assert presented(stock, "https") == public.Thumbprint


@pytest.mark.usefixtures("ports")
def test_handshakes_are_counted_by_port(stock: StockedServer) -> None:
    for port in ("smtp", "smtp", "imap", "pop3s"):
        presented(stock, port)
    total = stock.organisation.counters.as_dict()["total"]
    assert isinstance(total, dict)
    assert total["handshakes"] == {"smtp": 2, "imap": 1, "pop3s": 1}
