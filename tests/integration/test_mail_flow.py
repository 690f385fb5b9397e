# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is mail flow proved, and explained where there is none?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.example_organisation import USER, ExampleOrganisation, write_example
from support.fake_process import FakeProcess
from support.run_playbook import PlaybookRun, play, run_playbook, task, write_inventory

SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Hamburg"}]
Send = Callable[..., PlaybookRun]


def with_a_partner(organisation: dict[str, Any]) -> None:
    organisation["send_connectors"] += [
        {
            "name": "Partner",
            "address_spaces": ["smtp:partner.test;1"],
            "smart_hosts": ["partner.test"],
            "source_transport_servers": ["EX02"],
            "require_tls": True,
            "tls_certificate_name": {"of": "old"},
        }
    ]
    organisation["peers"] = [
        {
            "name": "partner",
            "domain": "partner.test",
            "require_client_certificate": True,
            "trusted_roots": ["root.pem"],
        }
    ]


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[FakeProcess, ExampleOrganisation]]:
    directory = tmp_path_factory.mktemp("mail")
    example = write_example(directory, SERVERS, adjust=with_a_partner)
    with FakeProcess.start(example.file) as fake:
        fake.post("/snapshot", name="start")
        yield fake, example


@pytest.fixture
def fake(shared: tuple[FakeProcess, ExampleOrganisation]) -> FakeProcess:
    shared[0].post("/snapshot/restore", name="start")
    return shared[0]


@pytest.fixture
def send(
    fake: FakeProcess, shared: tuple[FakeProcess, ExampleOrganisation], tmp_path: Path
) -> Send:
    """Sends a test message through EX01."""

    def run(*, port: str = "smtp", check_mode: bool = False, **options: Any) -> PlaybookRun:
        values = {
            "port": fake.server("EX01")["ports"][port],
            "sender": "monitor@elsewhere.test",
            "recipient": "somebody@contoso.test",
            "timeout": 4,
            "poll_interval": 0.2,
            **options,
        }
        fake.post("/counters/reset")
        return run_playbook(
            tmp_path,
            [play("EX01", [task("Send", "exchange_mail_flow", values)])],
            inventory=write_inventory(
                tmp_path, fake.endpoints, user=USER, password=shared[1].password
            ),
            check_mode=check_mode,
            arguments=("-vvv",),
        )

    return run


def test_mail_from_outside_is_delivered(
    fake: FakeProcess, send: Send, shared: tuple[FakeProcess, ExampleOrganisation]
) -> None:
    run = send(expect_thumbprint=shared[1].old.thumbprint).check()

    mail = run.result("Send")["mail"]
    assert run.changed == 0
    assert mail["arrived"] is True
    assert [(step["server"], step["event_id"]) for step in mail["path"]] == [
        ("EX01", "RECEIVE"),
        ("EX01", "DELIVER"),
    ]
    assert mail["smtp"]["certificate"]["thumbprint"] == shared[1].old.thumbprint
    assert mail["smtp"]["tls_version"].startswith("TLS")
    (delivered,) = fake.get("/mail")["delivered"]
    assert delivered["MessageId"] == mail["message_id"]


def test_check_mode_sends_nothing(fake: FakeProcess, send: Send) -> None:
    assert send(check_mode=True).check().result("Send")["mail"]["sent"] is False
    assert fake.get("/mail")["accepted"] == []


def outside(
    send: Send, shared: tuple[FakeProcess, ExampleOrganisation], **options: Any
) -> PlaybookRun:
    values = {
        "port": "submission",
        "user": USER,
        "password": shared[1].password,
        "sender": "me@contoso.test",
        "recipient": "you@partner.test",
        **options,
    }
    return send(**values)


def test_mail_to_outside_leaves_through_the_connector_that_shows_its_certificate(
    fake: FakeProcess, send: Send, shared: tuple[FakeProcess, ExampleOrganisation]
) -> None:
    run = outside(send, shared).check()

    mail = run.result("Send")["mail"]
    assert mail["connector"] == "Partner"
    assert [(step["server"], step["event_id"]) for step in mail["path"]] == [
        ("EX01", "RECEIVE"),
        ("EX01", "SEND"),
        ("EX02", "RECEIVE"),
        ("EX02", "SENDEXTERNAL"),
    ]
    assert all(delay["seconds"] >= 0 for delay in mail["delays"])
    (received,) = fake.get("/mail")["received_by_peers"]
    assert (received["tls"], received["client_certificate"]) == (True, shared[1].old.thumbprint)
    assert shared[1].password not in run.output


def test_a_connector_that_names_nothing_usable_is_found_to_be_the_reason(
    fake: FakeProcess, send: Send, shared: tuple[FakeProcess, ExampleOrganisation], tmp_path: Path
) -> None:
    name = {"name": "Partner", "tls_certificate_name": "<I>CN=Nobody<S>CN=nothing.test"}
    run_playbook(
        tmp_path,
        [play("EX01", [task("Break it", "exchange_send_connector", name)])],
        inventory=write_inventory(tmp_path, fake.endpoints, user=USER, password=shared[1].password),
    ).check()

    run = outside(send, shared)

    assert run.return_code != 0
    message = run.result("Send")["msg"]
    assert "454 4.7.5" in message
    assert "install it there, or correct TlsCertificateName" in message
    mail = run.result("Send")["mail"]
    assert mail["arrived"] is False
    assert mail["path"][-1]["server"] == "EX02"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"recipient": "you@partner.test"}, "550 5.7.54"),
        ({"port": "submission"}, "5.7.57"),
        ({"port": "submission", "user": USER, "password": "wr0ng-password"}, "refuses the login"),
        ({"sender": "nobody"}, "sender: 'nobody'"),
        ({"recipient": "x@y z"}, "is not a mail address"),
        ({"timeout": 0}, "timeout"),
        ({"user": USER}, "user needs password"),
        ({"expect_thumbprint": "F" * 40}, "presented certificate"),
    ],
)
def test_each_refusal_says_what_to_do(send: Send, options: dict[str, Any], said: str) -> None:
    run = send(**options)

    assert run.return_code != 0
    assert said in run.result("Send")["msg"]
    assert "wr0ng-password" not in run.output


def test_a_server_whose_front_end_is_stopped_is_reported(fake: FakeProcess, send: Send) -> None:
    fake.post("/services", server="EX01", service="MSExchangeFrontEndTransport", action="stop")
    assert "cannot be reached" in send().result("Send")["msg"]


def test_without_starttls_the_message_says_what_that_means(fake: FakeProcess, send: Send) -> None:
    fake.post("/services", server="EX01", service="MSExchangeTransport", action="stop")
    fake.post("/services", server="EX02", service="MSExchangeTransport", action="stop")
    assert "451 4.7.0" in send().result("Send")["msg"]
