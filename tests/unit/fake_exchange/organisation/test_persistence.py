# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does an organisation come back from its state file as it was?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fake_exchange.organisation import certificate_rules, mail, routing
from fake_exchange.organisation.model import (
    AcceptedDomain,
    HybridConfiguration,
    SendConnector,
    now,
)
from fake_exchange.organisation.persistence import load_state, save_state
from fake_exchange.organisation.reading import LoadingError
from fake_exchange.organisation.tls_names import tls_certificate_name
from fake_exchange.organisation.view import state_of
from support.stocked_server import StockedServer, issued, organisation_of, stocked_server


@pytest.fixture
def used(stock: StockedServer) -> StockedServer:
    """A server on which something of everything has happened."""
    public = stock.store(issued(), "IIS", "SMTP", "POP")
    stock.front_end.TlsCertificateName = tls_certificate_name(public.certificate)
    stock.restart("W3SVC")
    stock.restart("MSExchangeFrontEndTransport")
    certificate_rules.remove(stock.organisation, stock.server, public)
    stock.store(issued(started_days_ago=2), "IMAP")
    stock.server.services["MSExchangePOP3"].Status = "Stopped"
    stock.server.component_states["HubTransport"].requesters["Maintenance"] = "Draining"
    stock.organisation.send_connectors = [SendConnector("Internet", ["SMTP:*;1"], ["EX01"])]
    stock.organisation.hybrid_configuration = HybridConfiguration(Domains=["contoso.test"])
    stock.server.ports = {"smtp": 20025}
    return stock


def restored(used: StockedServer, file: Path) -> StockedServer:
    save_state(used.organisation, file)
    fresh = stocked_server()
    load_state(fresh.organisation, file)
    return fresh


def test_everything_comes_back(used: StockedServer, tmp_path: Path) -> None:
    again = restored(used, tmp_path / "state.json")
    assert state_of(again.organisation) == state_of(used.organisation)


def test_keys_and_what_services_have_loaded_come_back(used: StockedServer, tmp_path: Path) -> None:
    again = restored(used, tmp_path / "state.json")
    assert again.presented("https") == used.presented("https")
    assert again.presented("https") not in again.server.certificates
    before, after = used.default.private_key, again.default.private_key
    assert before is not None
    assert after is not None
    assert after.private_numbers() == before.private_numbers()


def test_messages_come_back_where_they_were(used: StockedServer, tmp_path: Path) -> None:
    organisation, server = used.organisation, used.server
    organisation.accepted_domains = [AcceptedDomain("contoso.test")]
    mail.make_up(organisation, mail.queue(server, "Submission"), 1, stuck=False)
    routing.advance(organisation, now())
    mail.make_up(organisation, mail.queue(server, "7"), 2, stuck=True)
    again = restored(used, tmp_path / "state.json")
    assert mail.state_of_mail(again.organisation) == mail.state_of_mail(organisation)
    before, after = (s.queues[-1] for s in (server, again.server))
    assert after.messages == before.messages
    assert (after.Status, after.LastError) == ("Retry", mail.HELD_UP)
    mail.release(again.organisation, after)
    routing.advance(again.organisation, now())
    state = mail.state_of_mail(again.organisation)
    assert len(again.organisation.mail.delivered) == 3
    assert (state["lost"], state["doubled"]) == ([], [])


def test_ports_come_back_to_their_numbers(used: StockedServer, tmp_path: Path) -> None:
    again = restored(used, tmp_path / "state.json")
    assert again.server.fixed_ports == {"smtp": 20025}


def test_the_file_is_for_its_owner_only(used: StockedServer, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    save_state(used.organisation, file)
    save_state(used.organisation, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 99, "servers": {}}', "no JSON"])
def test_what_is_no_state_is_refused_in_one_line(
    stock: StockedServer, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "state.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(LoadingError, match=r"state\.json: .*remove it to start from the beginning"):
        load_state(stock.organisation, file)


def test_the_state_of_other_servers_is_refused(stock: StockedServer, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    save_state(organisation_of("MBX01"), file)
    with pytest.raises(LoadingError, match="other servers \\(MBX01\\)"):
        load_state(stock.organisation, file)


def test_a_certificate_on_many_servers_is_written_once(tmp_path: Path) -> None:
    organisation = organisation_of("EX01", "EX02", "EX03")
    file = tmp_path / "state.json"
    data = issued().pfx("x")
    for server in organisation:
        certificate_rules.import_data(organisation, server, data, "x")
    save_state(organisation, file)
    document = json.loads(file.read_text(encoding="utf-8"))
    own = len({t for server in organisation for t in server.certificates})
    assert len(document["certificates"]) == own
