# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors are read in one pipeline, picked literally, and sent only what differs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.access import (
    connectors_naming,
    find_connector,
    read_receive_connectors,
    read_send_connectors,
    set_connector,
    still_different,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
    SendConnector,
    difference,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletFailed,
    InvalidInput,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)
from support.recording_session import RecordingSession, cmdlet_error, remote

NAME = "<I>CN=Contoso CA, C=US<S>CN=mail.contoso.com"
RECEIVE = [
    ReceiveConnector(name=name, identity=f"EX01\\{name}", guid=f"guid-{index}")
    for index, name in enumerate(["Default EX01", "Default Frontend EX01", "[odd*name]"])
]


def test_send_connectors_of_the_organization() -> None:
    session = RecordingSession({"Get-SendConnector": [[remote(Name="A"), remote(Name="B")]]})
    connectors = read_send_connectors(session, "dc1")
    assert [connector.name for connector in connectors] == ["A", "B"]
    assert session.calls[0].parameters == {"DomainController": "dc1"}
    assert session.calls[0].projected


def test_source_servers_are_read_where_they_are_asked_for() -> None:
    sources = [replace(remote(), text=name) for name in ("EX01", "EX02")]
    answer = [remote(Name="A", SourceTransportServers=sources)]
    session = RecordingSession({"Get-SendConnector": [answer]})
    (connector,) = read_send_connectors(session, source_servers=True)
    assert connector.source_transport_servers == ("EX01", "EX02")


def test_receive_connectors_of_a_server_are_asked_for_by_server_and_not_by_identity() -> None:
    session = RecordingSession({"Get-ReceiveConnector": [[remote(Name="A")]]})
    read_receive_connectors(session, "EX01")
    assert session.calls[0].parameters == {"Server": "EX01"}


@pytest.mark.parametrize(
    ("asked", "position"),
    [
        pytest.param("Default EX01", 0, id="name"),
        pytest.param("default frontend ex01", 1, id="case"),
        pytest.param("EX01\\Default EX01", 0, id="with the server"),
        pytest.param("GUID-1", 1, id="GUID"),
        pytest.param("[odd*name]", 2, id="literal, no pattern"),
    ],
)
def test_picking_one(asked: str, position: int) -> None:
    assert find_connector(RECEIVE, asked, server="EX01") is RECEIVE[position]


@pytest.mark.parametrize("asked", ["Default", "Default*", "EX02\\Default EX01", ""])
def test_a_missing_one_is_said_together_with_those_that_exist(asked: str) -> None:
    with pytest.raises(InvalidInput, match=r"no Receive connector .* on EX01.*'Default EX01'"):
        find_connector(RECEIVE, asked, server="EX01")


def test_a_missing_send_connector_in_an_empty_organization() -> None:
    connectors: list[SendConnector] = []
    with pytest.raises(InvalidInput, match=r"in the organization\. Existing ones: none"):
        find_connector(connectors, "x")


@pytest.mark.parametrize(
    ("connector", "cmdlet", "identity"),
    [
        pytest.param(SendConnector(name="A"), "Set-SendConnector", "A", id="send"),
        pytest.param(
            RECEIVE[0], "Set-ReceiveConnector", "EX01\\Default EX01", id="receive, with its server"
        ),
    ],
)
def test_setting_sends_only_the_difference(
    connector: SendConnector | ReceiveConnector, cmdlet: str, identity: str
) -> None:
    session = RecordingSession()
    change = difference({"tls_certificate_name": NAME}, connector)
    set_connector(session, connector, change, domain_controller="dc1")
    (call,) = session.calls
    assert call.cmdlet == cmdlet
    assert call.parameters == {
        "Identity": identity,
        "TlsCertificateName": NAME,
        "DomainController": "dc1",
    }
    assert call.changing


def test_a_refused_set_says_what_was_being_set() -> None:
    error = cmdlet_error("No.", cmdlet="Set-SendConnector", category="InvalidArgument")
    session = RecordingSession({"Set-SendConnector": [CmdletFailed("No.", errors=[error])]})
    connector = SendConnector(name="A")
    change = difference({"tls_certificate_name": NAME}, connector)
    with pytest.raises(CmdletFailed, match="Setting TlsCertificateName of Send connector 'A'"):
        set_connector(session, connector, change)


def test_a_change_that_did_not_arrive_is_said() -> None:
    desired: dict[str, object] = {"tls_certificate_name": NAME, "fqdn": "x"}
    error = still_different(desired, SendConnector(name="A", fqdn="X"))
    assert "Send connector 'A' still differs in tls_certificate_name." in error.message


def test_connectors_that_name_a_certificate_in_any_spelling() -> None:
    stored = [NAME, NAME.lower(), "<I>CN=Contoso CA,C=US</I><S>CN=mail.contoso.com</S>"]
    others = [None, "", "nonsense", "<I>CN=Contoso CA<S>CN=mail.contoso.com"]
    connectors = [
        SendConnector(name=f"{index}", tls_certificate_name=value)
        for index, value in enumerate([*stored, *others])
    ]
    naming = connectors_naming(connectors, TlsCertificateName.parse(NAME))
    assert [connector.name for connector in naming] == ["0", "1", "2"]
