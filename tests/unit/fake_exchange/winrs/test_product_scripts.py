# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the collection's own script files run as they are, sent the way its client sends them? Only
the files are used here, nothing of the client."""

from __future__ import annotations

import base64
import json
import re
import threading
from pathlib import Path

import pytest

from fake_exchange.faults import Fault
from fake_exchange.winrs.powershell import Machine, parse_errors, powershell_exe

REPOSITORY = Path(__file__).resolve().parents[4]
SCRIPTS = REPOSITORY / "plugins" / "plugin_utils" / "endpoint" / "scripts"
SEPARATOR = "\0\0\0\0"


def script(name: str) -> str:
    return (SCRIPTS / f"{name}.ps1").read_text(encoding="utf-8")


@pytest.fixture
def answer(organisation, server):
    """Runs one of the scripts through the bootstrap; its answer and the process's exit code."""

    def run(name: str, **parameters: object) -> dict:
        stdout, stderr = bytearray(), bytearray()
        encoded = base64.b64encode(script("bootstrap").encode("utf-16-le")).decode()
        stdin = (script(name) + SEPARATOR + json.dumps(parameters)).encode()
        code = powershell_exe.run(
            Machine(organisation, server),
            ["-NoProfile", "-NonInteractive", "-EncodedCommand", encoded],
            read_stdin=lambda: stdin,
            write_stdout=stdout.extend,
            write_stderr=stderr.extend,
        )
        assert bytes(stderr) == b""
        found = re.search(rb"<<<answer ([A-Za-z0-9+/=]+) answer>>>", stdout)
        assert found, bytes(stdout)
        return {"code": code, **json.loads(base64.b64decode(found[1]))}

    return run


def services(answer: dict) -> dict[str, dict]:
    assert (answer["code"], answer["ok"]) == (0, True)
    return {one["name"]: one for one in answer["answer"]["services"]}


@pytest.mark.parametrize("file", sorted(SCRIPTS.glob("*.ps1")), ids=lambda file: file.name)
def test_every_script_is_valid_windows_powershell_5_1(file: Path) -> None:
    assert parse_errors(file.read_text(encoding="utf-8")) == []


def test_the_bootstrap_fits_a_command_line() -> None:
    encoded = base64.b64encode(script("bootstrap").encode("utf-16-le"))
    assert len(encoded) < 8000


def test_query_says_what_is_there_and_what_is_not(answer, server) -> None:
    server.services["MSExchangePOP3"].Status = "Stopped"
    found = services(
        answer(
            "services",
            action="query",
            services=["MSExchangeTransport", "msexchangepop3", "MSExchangeUM"],
            timeout=5,
        )
    )
    transport = found["MSExchangeTransport"]
    assert (transport["exists"], transport["status"], transport["start_type"]) == (
        True,
        "Running",
        "Automatic",
    )
    assert found["MSExchangePOP3"]["status"] == "Stopped"
    assert found["MSExchangeUM"]["exists"] is False


def test_restart_goes_through_the_services_in_order(answer, organisation) -> None:
    seen: list[tuple[str, str]] = []
    organisation.service_observers.append(
        lambda server, service: seen.append((service.Name, service.Status))
    )
    names = ["MSExchangeTransport", "MSExchangeFrontEndTransport"]
    found = services(answer("services", action="restart", services=names, timeout=5))
    assert seen == [(name, status) for name in names for status in ("Stopped", "Running")]
    assert all(found[name]["status"] == "Running" for name in names)
    assert all(found[name]["changed"] for name in names)


def test_restart_skips_an_optional_service_that_is_missing(answer) -> None:
    found = services(
        answer("services", action="restart", services=["MSExchangeUM", "W3SVC"], timeout=5)
    )
    assert found["MSExchangeUM"]["exists"] is False
    assert found["W3SVC"]["status"] == "Running"


def test_a_restart_brings_dependents_back(answer, server) -> None:
    found = services(answer("services", action="restart", services=["WAS"], timeout=5))
    assert found["WAS"]["status"] == "Running"
    assert server.services["W3SVC"].Status == "Running"


def test_start_of_a_disabled_service_is_reported(answer, server) -> None:
    server.services["MSExchangePOP3"].StartType = "Disabled"
    server.services["MSExchangePOP3"].Status = "Stopped"
    found = services(answer("services", action="start", services=["MSExchangePOP3"], timeout=5))
    assert "cannot be started" in found["MSExchangePOP3"]["error"]
    assert found["MSExchangePOP3"]["status"] == "Stopped"


def test_a_service_that_fails_to_start_is_reported(answer, organisation) -> None:
    organisation.faults.arm(Fault("service_start_fails", service="MSExchangeTransport"))
    found = services(
        answer("services", action="restart", services=["MSExchangeTransport"], timeout=5)
    )
    assert "Failed to start service" in found["MSExchangeTransport"]["error"]
    assert found["MSExchangeTransport"]["status"] == "Stopped"


def test_a_service_that_does_not_come_in_time_is_reported(answer, server, monkeypatch) -> None:
    """It is starting already when the script asks; Start-Service of a pending service waits."""
    go_on = threading.Event()
    monkeypatch.setattr(
        "fake_exchange.winrs.powershell.cmdlets.services.Transition.wait",
        lambda *_: True,
    )
    monkeypatch.setattr(
        "fake_exchange.organisation.services.time.sleep", lambda seconds: go_on.wait(30)
    )
    try:
        found = services(
            answer("services", action="restart", services=["MSExchangeTransport"], timeout=0)
        )
    finally:
        go_on.set()
    assert found["MSExchangeTransport"]["error"]
    assert found["MSExchangeTransport"]["status"] != "Running"


def test_stop(answer, server) -> None:
    found = services(answer("services", action="stop", services=["MSExchangeIMAP4"], timeout=5))
    assert found["MSExchangeIMAP4"]["status"] == "Stopped"
    assert server.services["MSExchangeIMAP4"].Status == "Stopped"


def test_https_bindings(answer, server) -> None:
    result = answer("https_bindings")
    assert result["ok"]
    assert [
        (one["site"], one["ip"], one["port"], one["thumbprint"])
        for one in result["answer"]["bindings"]
    ] == [
        (binding.site, binding.bindingInformation.split(":")[0], port, binding.certificateHash)
        for binding, port in zip(server.web_bindings[1:], (443, 443, 444), strict=True)
    ]


def test_a_script_that_fails_answers_with_its_error(answer, monkeypatch, tmp_path) -> None:
    for file in SCRIPTS.glob("*.ps1"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "broken.ps1").write_text("param($p)\nGet-Service -Name nope")
    monkeypatch.setitem(globals(), "SCRIPTS", tmp_path)
    result = answer("broken")
    assert (result["ok"], result["code"], result["category"]) == (False, 1, "ObjectNotFound")
    assert result["message"] == "Cannot find any service with service name 'nope'."
