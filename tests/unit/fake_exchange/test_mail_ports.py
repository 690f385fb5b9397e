# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can a test put mail into a running fake, hold it there, let it go, and see where it went?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import pki
from support.fake_process import FakeProcess

ORGANISATION = """
organization: {name: Contoso, domain: contoso.test}
trusted_roots: [root.pem]
servers:
  - {name: EX01, queues: [{name: Poison, MessageCount: 1}]}
  - EX02
send_connectors:
  - {name: Partner, address_spaces: [partner.test], smart_hosts: [partner.test]}
peers:
  - {name: partner}
"""
PATIENCE = 10


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeProcess]:
    directory: Path = tmp_path_factory.mktemp("mail")
    pki.root().write(directory / "root.pem")
    file = directory / "contoso.yml"
    file.write_text(ORGANISATION)
    with FakeProcess.start(file) as fake:
        fake.post("/snapshot", name="start")
        yield fake


@pytest.fixture
def fake(shared: FakeProcess) -> Iterator[FakeProcess]:
    shared.post("/snapshot/restore", name="start")
    yield shared
    shared.post("/peers", peer="partner", closed=False)


def after(fake: FakeProcess, key: str, count: int) -> dict[str, Any]:
    """`GET /mail` as soon as so many messages are listed under `key`."""
    deadline = time.monotonic() + PATIENCE
    while len(fake.get("/mail")[key]) < count:
        assert time.monotonic() < deadline, fake.get("/mail")
        time.sleep(0.02)
    return dict(fake.get("/mail"))


def queues(fake: FakeProcess, server: str = "EX01") -> dict[str, tuple[int, str, str]]:
    """MessageCount, Status and LastError of the queues that hold something."""
    return {
        queue["Identity"]: (queue["MessageCount"], queue["Status"], queue["LastError"])
        for queue in fake.get("/state")["servers"][server]["queues"]
        if queue["MessageCount"]
    }


def test_messages_that_are_put_there_are_delivered_once(fake: FakeProcess) -> None:
    assert fake.post("/mail", server="EX01", queue="3", count=3)["queue"] == "EX01\\3"
    mail = after(fake, "delivered", 3)
    assert [item["server"] for item in mail["delivered"]] == ["EX01"] * 3
    assert (mail["lost"], mail["doubled"], len(mail["accepted"])) == ([], [], 4)
    assert queues(fake) == {"EX01\\Poison": (1, "Ready", "")}


def test_a_message_to_a_partner_shows_on_both_sides(fake: FakeProcess) -> None:
    fake.post("/mail", server="EX01", recipient="you@partner.test")
    mail = after(fake, "sent", 1)
    (received,) = mail["received_by_peers"]
    assert received["peer"] == "partner"
    assert received["MessageId"] == mail["sent"][0]["MessageId"]
    assert (received["tls"], received["client_certificate"]) == (True, None)


def test_stuck_messages_stay_until_they_are_released(fake: FakeProcess) -> None:
    error = "451 4.4.0 nobody there"
    fake.post("/mail", server="EX02", queue="7", count=2, stuck=True, last_error=error)
    fake.post("/mail", server="EX02", queue="8", count=1)
    after(fake, "delivered", 1)
    assert queues(fake, "EX02") == {"EX02\\7": (2, "Retry", error)}
    fake.post("/mail/release", server="EX02", queue="7")
    assert len(after(fake, "delivered", 3)["queued"]["EX02"]["EX02\\7"]) == 0


def test_mail_moves_when_a_component_becomes_active_again(fake: FakeProcess) -> None:
    fake.post("/components", server="EX01", component="HubTransport", state="Inactive")
    fake.post("/mail", server="EX01", count=2)
    assert queues(fake)["EX01\\Submission"][0] == 2
    fake.post("/components", server="EX01", component="HubTransport", state="Active")
    after(fake, "delivered", 2)


def test_mail_that_takes_its_time_moves_when_it_need_not_any_more(fake: FakeProcess) -> None:
    fake.post("/behavior", mail_seconds=3600)
    fake.post("/mail", server="EX01", count=2)
    assert queues(fake)["EX01\\Submission"][0] == 2
    fake.post("/behavior", mail_seconds=0)
    after(fake, "delivered", 2)


def test_a_peer_can_be_out_of_reach(fake: FakeProcess) -> None:
    (partner,) = fake.endpoints["peers"].items()
    assert partner[0] == "partner"
    assert partner[1]["domain"] == "partner.test"
    fake.post("/behavior", mail_retry_seconds=0.1)
    fake.post("/peers", peer="partner", closed=True)
    fake.post("/mail", server="EX01", recipient="you@partner.test")
    deadline = time.monotonic() + PATIENCE
    while ("Retry", "421 4.4.1 Connection timed out") not in [q[1:] for q in queues(fake).values()]:
        assert time.monotonic() < deadline, queues(fake)
        time.sleep(0.02)
    fake.post("/peers", peer="partner", closed=False)
    mail = after(fake, "sent", 1)
    assert (mail["lost"], mail["doubled"], len(mail["received_by_peers"])) == ([], [], 1)


@pytest.mark.parametrize(
    ("path", "values", "complaint"),
    [
        ("/mail", {"server": "EX09"}, "there is no server 'EX09'"),
        ("/mail", {"server": "EX01", "count": "many"}, "count"),
        ("/mail", {"server": "EX01", "count": -1}, "count"),
        ("/mail", {"server": "EX01", "size": 5}, "expected server, queue"),
        ("/mail/release", {"server": "EX01", "queue": "99"}, "EX01 has no queue '99'"),
        ("/peers", {"peer": "stranger"}, "there is no peer 'stranger'"),
    ],
)
def test_a_request_without_sense_is_answered_with_a_reason(
    fake: FakeProcess, path: str, values: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        fake.post(path, **values)
    assert len(fake.get("/mail")["accepted"]) == 1
