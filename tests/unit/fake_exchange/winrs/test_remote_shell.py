# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a real pywinrm client get along with the remote Windows shells of a running fake?"""

from __future__ import annotations

from pathlib import Path

import pytest
import winrm
from winrm.exceptions import WSManFaultError

from fake_exchange.organisation.loading import load_organisation
from fake_exchange.running import RunningFake
from support.windows_scripts import answer_of, bootstrap, stdin_of

PASSWORD = "Correct-Horse-7"
ORGANISATION = f"""
organization: {{name: Contoso, domain: contoso.test}}
accounts:
  - {{user: ansible, password: {PASSWORD}, role_groups: [Organization Management]}}
servers:
  - name: EX01
"""


@pytest.fixture(scope="module")
def organisation(tmp_path_factory: pytest.TempPathFactory):
    file: Path = tmp_path_factory.mktemp("organisation") / "contoso.yml"
    file.write_text(ORGANISATION)
    organisation = load_organisation(file)
    with RunningFake(organisation):
        yield organisation


TRANSPORTS = {
    "ntlm with message encryption": ("http", "winrm_http", "ntlm"),
    "basic over tls": ("https", "winrm_https", "ssl"),
    "ntlm over tls": ("https", "winrm_https", "ntlm"),
}


@pytest.fixture(params=TRANSPORTS.values(), ids=TRANSPORTS.keys())
def protocol(request: pytest.FixtureRequest, organisation):
    scheme, port, transport = request.param
    return client(organisation, scheme=scheme, port=port, transport=transport)


def client(organisation, *, scheme="http", port="winrm_http", transport="ntlm"):
    server = organisation.servers["EX01"]
    return winrm.Protocol(
        f"{scheme}://127.0.0.1:{server.ports[port]}/wsman",
        transport=transport,
        username="ansible" if transport == "ssl" else r"CONTOSO\ansible",
        password=PASSWORD,
        operation_timeout_sec=5,
        read_timeout_sec=20,
        server_cert_validation="ignore",
        proxy=None,
        ca_trust_path=None,
    )


def run(protocol, *names: str, action: str = "query") -> tuple[bytes, bytes, int]:
    """services.ps1, through a shell of its own."""
    shell = protocol.open_shell(codepage=65001)
    try:
        command = protocol.run_command(
            shell, "powershell.exe", bootstrap(), console_mode_stdin=False
        )
        stdin = stdin_of("services", action=action, services=list(names), timeout=5)
        protocol.send_command_input(shell, command, stdin, end=True)
        result = protocol.get_command_output(shell, command)
        protocol.cleanup_command(shell, command)
        return result
    finally:
        protocol.close_shell(shell)


def test_a_script_with_its_input_and_exit_code(protocol, organisation) -> None:
    before = organisation.counters.as_dict()["total"]["scripts"].get("powershell.exe", 0)
    stdout, stderr, code = run(protocol, "Gr\u00fc\u00dfe")
    assert answer_of(stdout)["answer"] == {
        "services": [{"name": "Gr\u00fc\u00dfe", "exists": False}]
    }
    assert (stderr, code) == (b"", 0)
    after = organisation.counters.as_dict()["total"]["scripts"]["powershell.exe"]
    assert after == before + 1


def test_input_and_output_larger_than_an_envelope(protocol) -> None:
    stdout, _, code = run(protocol, *("ab" * 1000 for _ in range(300)))
    assert len(stdout) > 800_000
    assert (len(answer_of(stdout)["answer"]["services"]), code) == (300, 0)


def test_services_of_the_dialled_server(protocol, organisation) -> None:
    service = organisation.servers["EX01"].services["MSExchangeFrontEndTransport"]
    starts = service.starts
    assert run(protocol, "MSExchangeFrontEndTransport", action="restart")[2] == 0
    assert service.starts == starts + 1


def test_the_shell_of_the_operations_quota_is_used_up(organisation) -> None:
    organisation.behavior.windows_shell_operations = 1
    protocol = client(organisation)
    try:
        shell = protocol.open_shell()
        protocol.run_command(shell, "ver")
        with pytest.raises(WSManFaultError) as caught:
            protocol.run_command(shell, "ver")
        assert caught.value.wsman_fault_code == 0x803381A6
    finally:
        organisation.behavior.windows_shell_operations = None
    protocol.close_shell(shell)
