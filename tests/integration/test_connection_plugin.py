# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection plugin inside the real ansible-playbook: sessions, options, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.one_server import PASSWORD, OneServer, start_one_server
from support.run_playbook import PlaybookRun, play, run_playbook, task, write_inventory

USER = r"CONTOSO\ansible"
INFO = "exchange_certificate_info"
IGNORED = {"ignore_errors": True, "ignore_unreachable": True}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneServer]:
    server = start_one_server(tmp_path_factory.mktemp("two-servers"), servers=("EX01", "EX02"))
    with server.fake:
        yield server


@pytest.fixture
def server(running: OneServer) -> OneServer:
    running.calm()
    return running


def run(
    server: OneServer,
    directory: Path,
    *tasks: dict[str, Any],
    hosts: str = "EX01",
    password: str | None = PASSWORD,
    arguments: tuple[str, ...] = (),
    gather_facts: bool = False,
    **variables: Any,
) -> PlaybookRun:
    inventory = write_inventory(
        directory, server.fake.endpoints, user=USER, password=password, variables=variables
    )
    return run_playbook(
        directory,
        [play(hosts, tasks, gather_facts=gather_facts)],
        inventory=inventory,
        arguments=arguments,
    )


def sessions(server: OneServer, name: str) -> int:
    return int(server.fake.get("/counters")["servers"].get(name, {}).get("sessions", 0))


# --- what this connection does not do ------------------------------------------------------------


def test_other_modules_fail_with_a_sentence_and_run_nowhere(
    server: OneServer, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    script = tmp_path / "script.sh"
    script.write_text(f"#!/bin/sh\ntouch {marker}\n")
    stray: dict[str, dict[str, str]] = {
        "command": {"cmd": f"touch {marker}"},
        "shell": {"cmd": f"touch {marker}"},
        "raw": {"_raw_params": f"touch {marker}"},
        "setup": {},
        "ping": {},
        "copy": {"content": "x", "dest": str(marker)},
        "file": {"path": str(marker), "state": "touch"},
        "fetch": {"src": "/etc/hostname", "dest": str(marker)},
        "script": {"cmd": str(script)},
    }
    done = run(
        server,
        tmp_path,
        *[
            {"name": f"Stray {module}", f"ansible.builtin.{module}": options, "ignore_errors": True}
            for module, options in stray.items()
        ],
    )
    for module in stray:
        result = done.of(f"Stray {module}")
        assert result.status == "failed", module
        assert "mailops.exchange.exchange" in result.result["msg"], module
        assert "delegate it to localhost" in result.result["msg"], module
    assert not marker.exists()
    assert server.count("connections") == 0


def test_gathering_facts_fails_with_a_sentence(server: OneServer, tmp_path: Path) -> None:
    done = run(server, tmp_path, gather_facts=True)
    assert "gather_facts: false" in done.of("Gathering Facts").result["msg"]


def test_tasks_of_the_control_node_can_be_delegated(server: OneServer, tmp_path: Path) -> None:
    done = run(
        server,
        tmp_path,
        {
            "name": "Here",
            "ansible.builtin.command": {"cmd": "echo here"},
            "delegate_to": "localhost",
            "vars": {"ansible_connection": "local"},
        },
    )
    assert done.check().result("Here")["stdout"] == "here"


# --- sessions ------------------------------------------------------------------------------------


@pytest.mark.main_way
def test_a_task_opens_one_session_and_closes_it(server: OneServer, tmp_path: Path) -> None:
    server.behave(maximum_sessions_per_user=1)
    run(server, tmp_path, *[task(f"Read {n}", INFO, {}) for n in range(3)]).check()
    assert server.count("sessions") == 3


def test_the_items_of_a_loop_share_one_session(server: OneServer, tmp_path: Path) -> None:
    run(server, tmp_path, task("Read", INFO, {}, loop=[1, 2, 3, 4])).check()
    assert server.count("sessions") == 1


def test_a_session_is_closed_after_a_failed_task_too(server: OneServer, tmp_path: Path) -> None:
    server.behave(maximum_sessions_per_user=1)
    server.fault("fail_cmdlet", cmdlet="Get-ExchangeCertificate", times=1)
    done = run(
        server,
        tmp_path,
        task("Fails", INFO, {}, ignore_errors=True),
        task("Works", INFO, {}),
    )
    assert done.check().of("Fails").status == "failed"


def test_a_delegated_task_talks_to_the_other_server(server: OneServer, tmp_path: Path) -> None:
    done = run(server, tmp_path, task("Read", INFO, {}, delegate_to="EX02")).check()
    assert sessions(server, "EX01") == 0
    assert sessions(server, "EX02") == 1
    (call,) = server.fake.get("/log")[:1]
    assert call["parameters"]["Server"] == "EX02"
    assert done.result("Read")["certificates"]


def test_items_delegated_to_different_servers_get_sessions_of_their_own(
    server: OneServer, tmp_path: Path
) -> None:
    server.behave(maximum_sessions_per_user=1)
    run(
        server,
        tmp_path,
        task("Read", INFO, {}, delegate_to="{{ item }}", loop=["EX01", "EX02", "EX01"]),
    ).check()
    assert sessions(server, "EX01") == 2
    assert sessions(server, "EX02") == 1


def test_an_item_with_other_settings_replaces_the_session(
    server: OneServer, tmp_path: Path
) -> None:
    server.behave(maximum_sessions_per_user=1)
    run(
        server,
        tmp_path,
        task(
            "Read",
            INFO,
            {},
            loop=[10, 10, 11],
            vars={"ansible_exchange_operation_timeout": "{{ item }}"},
        ),
    ).check()
    assert server.count("sessions") == 2


def test_reset_connection_is_understood(server: OneServer, tmp_path: Path) -> None:
    done = run(
        server,
        tmp_path,
        task("Before", INFO, {}),
        {"ansible.builtin.meta": "reset_connection"},
        task("After", INFO, {}),
    ).check()
    assert "not implemented" not in done.output


# --- options -------------------------------------------------------------------------------------


def test_the_password_can_come_from_the_prompt_of_ask_pass(
    server: OneServer, tmp_path: Path
) -> None:
    """A file stands in for the terminal; Ansible hands both to the connection in the same way."""
    file = tmp_path / "connection-password"
    file.write_text(PASSWORD + "\n")
    run(
        server,
        tmp_path,
        task("Read", INFO, {}),
        task("Elsewhere", INFO, {}, delegate_to="EX02"),
        password=None,
        arguments=(f"--connection-password-file={file}",),
    ).check()


def test_the_user_can_come_from_the_command_line(server: OneServer, tmp_path: Path) -> None:
    inventory = write_inventory(
        tmp_path, server.fake.endpoints, user="{{ undefined_on_purpose }}", password=PASSWORD
    )
    text = inventory.read_text().replace("ansible_user:", "not_the_user:")
    inventory.write_text(text)
    run_playbook(
        tmp_path,
        [play("EX01", [task("Read", INFO, {})])],
        inventory=inventory,
        arguments=(f"--user={USER}",),
    ).check()


def test_the_server_s_name_is_the_inventory_name_without_its_domain(
    server: OneServer, tmp_path: Path
) -> None:
    inventory = write_inventory(tmp_path, server.fake.endpoints, user=USER, password=PASSWORD)
    text = inventory.read_text().replace("EX02:", "ex02.contoso.test:")
    text = text.replace("ansible_exchange_server: EX02", "other: EX02")
    inventory.write_text(text)
    run_playbook(
        tmp_path, [play("ex02.contoso.test", [task("Read", INFO, {})])], inventory=inventory
    ).check()
    assert server.fake.get("/log")[0]["parameters"]["Server"] == "ex02"


def test_an_address_as_inventory_name_asks_for_the_server_s_name(
    server: OneServer, tmp_path: Path
) -> None:
    inventory = write_inventory(tmp_path, server.fake.endpoints, user=USER, password=PASSWORD)
    text = inventory.read_text().replace("    EX02:", "    127.0.0.2:")
    text = text.replace("ansible_exchange_server: EX02", "other: EX02")
    inventory.write_text(text)
    done = run_playbook(
        tmp_path, [play("127.0.0.2", [task("Read", INFO, {})])], inventory=inventory
    )
    assert "ansible_exchange_server" in done.result("Read")["msg"]


def test_basic_over_tls(server: OneServer, tmp_path: Path) -> None:
    inventory = write_inventory(
        tmp_path,
        server.fake.endpoints,
        user=USER,
        password=PASSWORD,
        authentication="basic",
        ca_file=Path(server.ca_file),
    )
    run_playbook(tmp_path, [play("EX01", [task("Read", INFO, {})])], inventory=inventory).check()


def test_a_host_without_a_session_is_unreachable_and_a_wrong_setting_a_failure(
    server: OneServer, tmp_path: Path
) -> None:
    cases: dict[str, tuple[dict[str, str], str, str]] = {
        "password": ({"ansible_password": "wrong"}, "unreachable", "refuses the login"),
        "path": ({"ansible_exchange_path": "nothing/"}, "unreachable", "404"),
        "name": ({"ansible_exchange_host": "no.such.name.invalid"}, "unreachable", "unknown"),
        "encryption": ({"ansible_exchange_message_encryption": "never"}, "failed", "in clear"),
        "basic": (
            {"ansible_exchange_auth": "basic", "ansible_exchange_scheme": "http"},
            "failed",
            "basic over http",
        ),
    }
    done = run(
        server,
        tmp_path,
        *[
            task(f"Wrong {name}", INFO, {}, vars=variables, **IGNORED)
            for name, (variables, _status, _words) in cases.items()
        ],
    )
    for name, (_variables, status, words) in cases.items():
        result = done.of(f"Wrong {name}")
        assert result.status == status, name
        assert words in result.result["msg"], name
        assert "\n" not in result.result["msg"], name


def test_the_password_is_in_no_output_at_the_highest_verbosity(
    server: OneServer, tmp_path: Path
) -> None:
    log = tmp_path / "ansible.log"
    done = run_playbook(
        tmp_path,
        [
            play(
                "EX01",
                [
                    task("Read", INFO, {}),
                    task("Refused", INFO, {}, vars={"ansible_exchange_path": "nothing/"}),
                ],
            )
        ],
        inventory=write_inventory(tmp_path, server.fake.endpoints, user=USER, password=PASSWORD),
        arguments=("-vvvvv",),
        environment={"ANSIBLE_LOG_PATH": str(log), "ANSIBLE_DEBUG": "1"},
    )
    assert done.of("Refused").status == "unreachable"
    assert "Exchange endpoint http://127.0.0.1" in done.output
    assert PASSWORD not in done.output
    assert PASSWORD not in log.read_text()
