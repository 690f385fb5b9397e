# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does the program start, answer at its control endpoint, and end? As a real process."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fake_exchange.control import ROUTES
from fake_exchange.faults import KINDS
from fake_exchange.organisation.behavior import Behavior
from support.fake_process import FakeProcess
from support.presented import thumbprint

TESTS = Path(__file__).resolve().parents[2]
EXAMPLE = TESTS / "fake_exchange" / "examples" / "contoso.yml"
TRANSPORT = "MSExchangeFrontEndTransport"


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fake_exchange", *arguments],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return Path(shutil.copy(EXAMPLE, tmp_path / "contoso.yml"))


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeProcess]:
    file = shutil.copy(EXAMPLE, tmp_path_factory.mktemp("program") / "contoso.yml")
    with FakeProcess.start(Path(file)) as running:
        yield running


def presented(fake: FakeProcess, server: str, port: str) -> str | None:
    found = fake.server(server)
    starttls = port in ("smtp", "submission")
    return thumbprint(found["address"], found["ports"][port], starttls=starttls, name="x.test")


def loaded(fake: FakeProcess, server: str, service: str) -> dict[str, Any]:
    found: dict[str, Any] = fake.get("/state")["servers"][server]["services"][service]["loaded"]
    return found


def test_help_names_both_commands_and_an_example() -> None:
    result = program("--help")
    assert result.returncode == 0
    for word in ("serve", "check", "--ready-file", "contoso.yml"):
        assert word in result.stdout


def test_check_says_what_is_in_the_file() -> None:
    result = program("check", str(EXAMPLE))
    assert result.returncode == 0
    assert result.stdout.startswith(
        "Contoso: 4 Mailbox and 0 Edge servers (EX01, EX02, EX03, EX04)"
    )


def test_a_mistake_in_the_file_is_one_line_on_stderr(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yml"
    file.write_text("servrs: []\n", encoding="utf-8")
    for command in ("check", "serve"):
        result = program(command, str(file))
        assert result.returncode == 1
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        assert line.endswith("wrong.yml: unknown key 'servrs'; did you mean 'servers'?")


def test_a_taken_port_is_one_line_on_stderr(fake: FakeProcess, tmp_path: Path) -> None:
    file = tmp_path / "taken.yml"
    taken = fake.server("EX01")["ports"]["smtp"]
    document = {"servers": [{"name": "EX01", "ports": {"smtp": taken}}]}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    result = program("serve", str(file))
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"fake_exchange: EX01 smtp: 127.0.0.1:{taken}: Address already in use"
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_and_saves_its_state(example: Path, number: signal.Signals) -> None:
    state = example.with_name("state.json")
    fake = FakeProcess.start(example, "--state", str(state))
    os.kill(fake.pid, number)
    assert fake.stop() == 0
    assert state.exists()
    assert "Traceback" not in fake.log.read_text(encoding="utf-8")


def test_a_restarted_fake_presents_the_same_on_the_same_ports(example: Path) -> None:
    state = str(example.with_name("state.json"))
    with FakeProcess.start(example, "--state", state) as fake:
        before = {
            (server, port): presented(fake, server, port)
            for server in fake.names
            for port in ("smtp", "https", "imaps", "pop3s")
        }
        endpoints = fake.endpoints["servers"]
    assert None not in before.values()
    with FakeProcess.start(example, "--state", state) as fake:
        assert fake.endpoints["servers"] == endpoints
        assert {key: presented(fake, *key) for key in before} == before


def test_the_state_can_be_saved_on_request(example: Path) -> None:
    state = example.with_name("state.json")
    with FakeProcess.start(example, "--state", str(state)) as fake:
        assert fake.post("/state/save") == {"saved": str(state)}
        assert state.exists()


def test_without_a_state_file_saving_is_refused(fake: FakeProcess) -> None:
    with pytest.raises(ValueError, match="started without --state"):
        fake.post("/state/save")


def test_the_control_endpoint_lists_what_it_can_do(fake: FakeProcess) -> None:
    assert {"GET /endpoints", "GET /counters", "POST /faults"} <= set(fake.get("/"))


def test_the_endpoints_are_those_of_the_ready_file(fake: FakeProcess) -> None:
    assert fake.get("/endpoints") == fake.endpoints
    assert set(fake.server("EX01")["ports"]) == {
        "powershell_http",
        "https",
        "winrm_http",
        "winrm_https",
        "smtp",
        "submission",
        "imap",
        "imaps",
        "pop3",
        "pop3s",
    }


def test_ports_of_all_servers_differ(fake: FakeProcess) -> None:
    numbers = [number for name in fake.names for number in fake.server(name)["ports"].values()]
    assert len(numbers) == len(set(numbers)) == 40


def test_the_state_holds_no_key_and_no_password(fake: FakeProcess) -> None:
    text = str(fake.get("/state"))
    assert "Outbound to Office 365" in text
    assert "PRIVATE" not in text
    assert "Correct-Horse" not in text


def test_services_can_be_restarted_from_the_control_endpoint(fake: FakeProcess) -> None:
    fake.post("/counters/reset")
    fake.post("/services", server="EX02", service=TRANSPORT, action="stop")
    assert presented(fake, "EX02", "smtp") is None
    fake.post("/services", server="EX02", service=TRANSPORT, action="start")
    connector = loaded(fake, "EX02", TRANSPORT)["Default Frontend EX02"]
    assert presented(fake, "EX02", "smtp") == connector["Thumbprint"]
    counters = fake.get("/counters")
    assert counters["total"]["service_starts"] == {TRANSPORT: 1}
    assert counters["total"]["handshakes"] == {"smtp": 1}


def test_a_port_can_be_closed_from_the_control_endpoint(fake: FakeProcess) -> None:
    fake.post("/ports", server="EX03", port="imaps", closed=True)
    assert presented(fake, "EX03", "imaps") is None
    fake.post("/ports", server="EX03", port="imaps", closed=False)
    assert presented(fake, "EX03", "imaps") is not None


def test_switches_can_be_changed(fake: FakeProcess) -> None:
    assert fake.get("/behavior")["select_object"] is True
    assert fake.post("/behavior", select_object=False)["select_object"] is False
    assert fake.post("/behavior", select_object=True)["select_object"] is True


@pytest.mark.parametrize(
    ("path", "values", "complaint"),
    [
        ("/behavior", {"select": True}, "unknown key 'select'"),
        ("/behavior", {"certificates_load": "now"}, "'now' is none of"),
        ("/faults", {"kind": "earthquake"}, "unknown fault 'earthquake'"),
        ("/faults", {"kind": "throttle", "where": "EX01"}, "where"),
        ("/services", {"server": "EX09", "action": "stop"}, "there is no server 'EX09'"),
        ("/services", {"server": "EX01", "action": "kill"}, "expected start, stop or restart"),
        ("/ports", {"server": "EX01", "port": "ftp"}, "EX01 has no port 'ftp'"),
        ("/nothing", {}, "there is no POST /nothing"),
    ],
)
def test_a_request_without_sense_is_answered_with_a_reason(
    fake: FakeProcess, path: str, values: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        fake.post(path, **values)


def test_faults_can_be_armed_and_cleared(fake: FakeProcess) -> None:
    fake.post("/faults", kind="slow_cmdlet", cmdlet="Get-Queue", seconds=1)
    (armed,) = fake.get("/faults")["armed"]
    assert (armed["kind"], armed["cmdlet"]) == ("slow_cmdlet", "Get-Queue")
    fake.post("/faults/clear")
    assert fake.get("/faults")["armed"] == []


def test_the_readme_knows_every_switch_fault_and_request() -> None:
    text = (TESTS / "fake_exchange" / "README.md").read_text(encoding="utf-8")
    named = [field.name for field in dataclasses.fields(Behavior)] + list(KINDS) + list(ROUTES)
    assert [name for name in named if f"`{name}`" not in text and name != "GET /"] == []
