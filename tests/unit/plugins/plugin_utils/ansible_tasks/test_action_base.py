# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How do options become results in every action?"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    CERTIFICATE_SOURCE_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletFailed,
    EndpointUnreachable,
    OutcomeUnknown,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.record.run_folder import (
    read_events,
)

CONNECTION = "mailops.exchange.exchange"


class Probe(ExchangeActionBase):
    """An action whose work is whatever the test says."""

    ARGUMENT_SPEC = {
        **CERTIFICATE_SOURCE_OPTIONS,
        "name": {"type": "str", "required": True},
        "services": {"type": "list", "elements": "str", "choices": ["IIS", "SMTP"]},
        "level": {"type": "str", "choices": ["Low", "High"]},
    }
    work: Any = staticmethod(lambda self, options: {})

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        self.seen = options
        return self.work(self, options)  # type: ignore[no-any-return]


def probe(
    args: Mapping[str, Any],
    work: Any = None,
    *,
    transport: str = CONNECTION,
    check_mode: bool = False,
    diff: bool = False,
    async_val: int = 0,
    loader: DataLoader | None = None,
    files: Path | None = None,
) -> Probe:
    action = Probe(
        task=SimpleNamespace(
            args=dict(args),
            action="mailops.exchange.probe",
            check_mode=check_mode,
            diff=diff,
            async_val=async_val,
            get_search_path=lambda: [str(files)] if files else [],
        ),
        connection=SimpleNamespace(
            transport=transport,
            _shell=SimpleNamespace(tmpdir=None),
            get_option=lambda name: "connection-Passw0rd",
            exchange_server="EX01",
        ),
        play_context=SimpleNamespace(),
        loader=loader or DataLoader(),
        templar=None,
        shared_loader_obj=None,
    )
    if work:
        action.work = work
    return action


def test_a_task_that_changes_nothing_says_so() -> None:
    assert probe({"name": "x"}).run() == {"changed": False, "changes": []}


def test_choices_are_understood_in_any_case_and_spelled_as_documented() -> None:
    action = probe({"name": "x", "services": ["iis", "Smtp"], "level": "HIGH"})

    action.run()

    assert action.seen["services"] == ["IIS", "SMTP"]
    assert action.seen["level"] == "High"


def test_a_comma_separated_text_is_a_list_of_choices_too() -> None:
    action = probe({"name": "x", "services": "iis, smtp"})

    action.run()

    assert action.seen["services"] == ["IIS", "SMTP"]


@pytest.mark.parametrize(
    ("args", "text"),
    [
        pytest.param({}, "missing required arguments: name", id="missing"),
        pytest.param({"name": "x", "level": "Middle"}, "level must be one of", id="choice"),
        pytest.param({"name": "x", "nmae": "y"}, "unsupported option nmae", id="unknown"),
        pytest.param({"name": "x", "services": {"a": 1}}, "services", id="type"),
    ],
)
def test_invalid_options_fail_in_one_line_before_anything_is_done(
    args: dict[str, Any], text: str
) -> None:
    action = probe(args, lambda self, options: pytest.fail("the task was done"))

    result = action.run()

    assert result["failed"] is True
    assert result["changed"] is False
    assert text in result["msg"]
    assert "\n" not in result["msg"]
    assert result["msg"].startswith("mailops.exchange.probe: ")


def test_another_connection_is_refused_with_what_to_do() -> None:
    result = probe({"name": "x"}, transport="ssh").run()

    assert result["failed"] is True
    assert "needs the connection mailops.exchange.exchange" in result["msg"]
    assert "'ssh'" in result["msg"]


def test_async_is_refused() -> None:
    from ansible.errors import AnsibleActionFail

    with pytest.raises(AnsibleActionFail, match="async"):
        probe({"name": "x"}, async_val=10).run()


def test_an_unreachable_endpoint_marks_the_host_unreachable() -> None:
    def work(self: Probe, options: dict[str, Any]) -> dict[str, Any]:
        raise EndpointUnreachable("EX01 does not answer.", details={"server": "EX01"})

    result = probe({"name": "x"}, work).run()

    assert result["unreachable"] is True
    assert "failed" not in result
    assert result["msg"] == "EX01 does not answer."
    assert result["server"] == "EX01"


@pytest.mark.parametrize("kind", [CmdletFailed, OutcomeUnknown, EndpointUnreachable])
def test_a_failure_half_way_reports_what_was_changed_until_then(kind: type[Exception]) -> None:
    def work(self: Probe, options: dict[str, Any]) -> dict[str, Any]:
        self.report.changes.append("Imported it.")
        self.report.facts["certificate"] = {"thumbprint": "AB"}
        raise kind("Enabling it failed.")

    result = probe({"name": "x"}, work).run()

    assert result["changed"] is True
    assert result["changes"] == ["Imported it."]
    assert result["certificate"] == {"thumbprint": "AB"}
    assert result["msg"] == "Enabling it failed."


@pytest.mark.parametrize(
    ("arrived", "noted", "changes"),
    [
        (
            True,
            [("begin", "Set a and b."), ("done", "Set a."), ("done", "Set b.")],
            ["Set a.", "Set b."],
        ),
        (False, [("begin", "Set a and b."), ("failed", "It is not set.")], []),
    ],
)
def test_a_change_is_noted_before_and_reported_once_it_arrived(
    tmp_path: Path, arrived: bool, noted: list[tuple[str, str]], changes: list[str]
) -> None:
    def work(self: Probe, options: dict[str, Any]) -> dict[str, Any]:
        self._record = tmp_path
        self.carry_out(
            "Set a and b.",
            lambda: None,
            read=lambda: arrived,
            reached=bool,
            otherwise=lambda _state: StateNotReached("It is not set."),
            done=["Set a.", "Set b."],
        )
        return {}

    result = probe({"name": "x"}, work).run()

    assert result["changes"] == changes
    events = read_events(tmp_path)
    assert [(event["event"], event["what"]) for event in events] == noted


def test_a_missing_library_is_named_with_the_command_that_installs_it() -> None:
    def work(action: Probe, options: dict[str, Any]) -> dict[str, Any]:
        raise ModuleNotFoundError("No module named 'cryptography'", name="cryptography")

    result = probe({"name": "x"}, work).run()
    assert result["failed"]
    assert not result["changed"]
    assert result["reason"] == "library_missing"
    assert "library cryptography is missing" in result["msg"]
    assert f"{sys.executable} -m pip install -r requirements.txt" in result["msg"]


def test_diff_is_returned_only_when_asked_for() -> None:
    def work(self: Probe, options: dict[str, Any]) -> dict[str, Any]:
        self.report.before, self.report.after = {"a": 1}, {"a": 2}
        return {}

    assert "diff" not in probe({"name": "x"}, work).run()
    assert probe({"name": "x"}, work, diff=True).run()["diff"] == {
        "before": {"a": 1},
        "after": {"a": 2},
    }


def test_warnings_are_returned_once_each() -> None:
    def work(self: Probe, options: dict[str, Any]) -> dict[str, Any]:
        self.report.warn(["Mind the gap.", "Mind the gap."])
        self.report.warn(["Mind the gap."])
        return {}

    assert probe({"name": "x"}, work).run()["warnings"] == ["Mind the gap."]


@pytest.mark.parametrize("secret", ["pfx-Passw0rd", "connection-Passw0rd"])
def test_a_secret_that_a_server_echoes_is_blotted_out(secret: str) -> None:
    def work(self: Probe, options: dict[str, Any]) -> dict[str, Any]:
        raise CmdletFailed(f"cannot open with {secret}", details={"texts": [f"<{secret}>"]})

    result = probe({"name": "x", "pfx_password": "pfx-Passw0rd"}, work).run()

    assert secret not in str(result)
    assert result["msg"] == "cannot open with ********"
    assert result["texts"] == ["<********>"]


def test_relative_files_are_found_in_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/mail.pfx").write_bytes(b"0")
    found: list[Any] = []

    def work(self: Probe, options: dict[str, Any]) -> dict[str, Any]:
        found.append(self.certificate_source(options))
        return {}

    probe({"name": "x", "pfx_path": "mail.pfx"}, work, files=tmp_path).run()

    assert found[0].pfx_path == str(tmp_path / "files/mail.pfx")


def test_then_they_are_found_where_the_run_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role, project = tmp_path / "role", tmp_path / "project"
    for path in (role / "files/first.pfx", project / "first.pfx", project / "keys/second.pfx"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0")
    (project / "folder.pfx").mkdir()
    monkeypatch.chdir(project)
    loader = DataLoader()
    loader.set_basedir(str(tmp_path / "playbooks"))
    found: list[Any] = []

    def work(self: Probe, options: dict[str, Any]) -> dict[str, Any]:
        found.append(self.certificate_source(options))
        return {}

    def look(path: str) -> dict[str, Any]:
        return probe({"name": "x", "pfx_path": path}, work, files=role, loader=loader).run()

    look("first.pfx")
    look("keys/second.pfx")
    assert [source.pfx_path for source in found] == [
        str(role / "files/first.pfx"),
        str(project / "keys/second.pfx"),
    ]
    for path in ("nowhere.pfx", "folder.pfx"):
        assert look(path)["msg"] == (
            f"pfx_path: '{path}' was not found on the control node, neither in a files folder of "
            f"the role or the playbook nor in {project}, where ansible-playbook was started."
        )
    assert look("/nowhere.pfx")["msg"] == (
        "pfx_path: '/nowhere.pfx' was not found on the control node."
    )


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    def work(self: Probe, options: dict[str, Any]) -> dict[str, Any]:
        self.certificate_source(options)
        return {}

    result = probe({"name": "x", "pfx_path": "nowhere.pfx"}, work, files=tmp_path).run()

    assert result["failed"] is True
    assert "pfx_path: 'nowhere.pfx' was not found on the control node" in result["msg"]
    assert "\n" not in result["msg"]


@pytest.fixture
def vaulting_loader() -> DataLoader:
    loader = DataLoader()
    loader.set_vault_secrets([("default", VaultSecret(b"vault-Passw0rd"))])
    return loader


def test_a_vaulted_file_is_decrypted_in_memory_only(
    tmp_path: Path, vaulting_loader: DataLoader
) -> None:
    vault = VaultLib([("default", VaultSecret(b"vault-Passw0rd"))])
    (tmp_path / "mail.pfx").write_bytes(vault.encrypt(b"\x30\x82binary"))
    (tmp_path / "key.pem").write_bytes(vault.encrypt("-----BEGIN PRIVATE KEY-----"))
    found: list[Any] = []

    def work(self: Probe, options: dict[str, Any]) -> dict[str, Any]:
        found.append(self.certificate_source(options))
        return {}

    before = sorted(tmp_path.rglob("*"))
    probe(
        {"name": "x", "pfx_path": "mail.pfx", "private_key_path": "key.pem"},
        work,
        loader=vaulting_loader,
        files=tmp_path,
    ).run()

    assert found[0].pfx_path is None
    assert found[0].pfx_content == "MIJiaW5hcnk="
    assert found[0].private_key_content == "-----BEGIN PRIVATE KEY-----"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_vaulted_file_without_the_vault_password_is_one_line(tmp_path: Path) -> None:
    vault = VaultLib([("default", VaultSecret(b"vault-Passw0rd"))])
    (tmp_path / "mail.pfx").write_bytes(vault.encrypt(b"\x30\x82binary"))

    def work(self: Probe, options: dict[str, Any]) -> dict[str, Any]:
        self.certificate_source(options)
        return {}

    result = probe({"name": "x", "pfx_path": "mail.pfx"}, work, files=tmp_path).run()

    assert result["failed"] is True
    assert "pfx_path" in result["msg"]
    assert "\n" not in result["msg"]
