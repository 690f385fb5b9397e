# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a test run the real ansible-playbook against the fake, and look at what came out of it?

inventory = write_inventory(tmp_path, endpoints, user=r"CONTOSO\\ansible", password="...")
run = run_playbook(tmp_path, [play("all", [task])], inventory=inventory)
assert run.result("Install")["changed"]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
# Set by tests/tools/environments.py.
OPTIONAL_COLLECTIONS = "MAILOPS_OPTIONAL_COLLECTIONS"
CONNECTION = "mailops.exchange.exchange"


@dataclass(frozen=True)
class TaskResult:
    """One result of a task on a host; `status` is ok, changed, failed, unreachable or skipped."""

    host: str
    task: str
    action: str
    status: str
    result: dict[str, Any]


@dataclass(frozen=True)
class PlaybookRun:
    """Everything that a run of ansible-playbook left behind."""

    return_code: int
    output: str
    results: list[TaskResult] = field(default_factory=list)
    statistics: dict[str, dict[str, int]] = field(default_factory=dict)
    # Heavy libraries that Ansible's main process had imported in the end.
    imported: list[str] = field(default_factory=list)

    def of(self, task: str, host: str | None = None) -> TaskResult:
        """The one result of a task, by a part of its name."""
        found = [item for item in self.results if task in item.task and host in (None, item.host)]
        if len(found) != 1:
            raise AssertionError(
                f"{len(found)} results of task '{task}' (host {host}):\n{self.output}"
            )
        return found[0]

    def result(self, task: str, host: str | None = None) -> dict[str, Any]:
        """What a task returned."""
        return self.of(task, host).result

    @property
    def changed(self) -> int:
        """How many results on all hosts were changes."""
        return sum(item["changed"] for item in self.statistics.values())

    @property
    def failed(self) -> int:
        """How many results on all hosts were failures, or unreachable hosts."""
        return sum(item["failures"] + item["unreachable"] for item in self.statistics.values())

    def check(self) -> PlaybookRun:
        """This run, which must have succeeded."""
        if self.return_code != 0:
            raise AssertionError(f"ansible-playbook returned {self.return_code}:\n{self.output}")
        return self


def has_collection(name: str) -> bool:
    """Whether the environment of the tests brings a collection of others."""
    folder = Path(os.environ.get(OPTIONAL_COLLECTIONS, "")) / "ansible_collections"
    return bool(os.environ.get(OPTIONAL_COLLECTIONS)) and folder.joinpath(*name.split(".")).is_dir()


def run_playbook(
    directory: Path,
    playbook: Path | Sequence[Mapping[str, Any]],
    *,
    inventory: Path,
    arguments: Sequence[str] = (),
    extra_variables: Mapping[str, Any] | None = None,
    check_mode: bool = False,
    diff: bool = False,
    environment: Mapping[str, str] | None = None,
    timeout: float = 300,
) -> PlaybookRun:
    """Run ansible-playbook as a user does.

    Args:
        directory: For everything that the run writes; also the home of the user who runs it.
        playbook: A file, or plays as data, which become `directory/playbook.yml`.
        timeout: Seconds until the run is killed and the test fails.
    """
    if not isinstance(playbook, Path):
        playbook = write_yaml(directory / "playbook.yml", [dict(item) for item in playbook])
    record = directory / "results.jsonl"
    record.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "ansible",
        "playbook",
        f"--inventory={inventory}",
        str(playbook),
    ]
    command += ["--check"] * check_mode + ["--diff"] * diff + list(arguments)
    if extra_variables:
        file = write_yaml(directory / "extra_variables.yml", dict(extra_variables))
        command += ["--extra-vars", f"@{file}"]
    process = subprocess.run(
        command,
        env=playbook_environment(directory, record=record) | dict(environment or {}),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    return PlaybookRun(process.returncode, process.stdout, *_read_record(record))


def playbook_environment(directory: Path, *, record: Path | None = None) -> dict[str, str]:
    """The environment of a run that knows nothing of the machine's own Ansible settings."""
    kept = ("PATH", "KRB5_CONFIG", "KRB5CCNAME", "KRB5_KTNAME", "COVERAGE_PROCESS_START")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    configuration = directory / "ansible.cfg"
    configuration.write_text("[defaults]\n", encoding="utf-8")
    environment |= {
        "HOME": str(directory),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ANSIBLE_CONFIG": str(configuration),
        "ANSIBLE_HOME": str(directory / ".ansible"),
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(
            [str(collections_path(directory)), os.environ.get(OPTIONAL_COLLECTIONS, "")]
        ).rstrip(os.pathsep),
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    if record is not None:
        environment |= {
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "record_results",
            "MAILOPS_RECORD_RESULTS": str(record),
        }
    return environment


def collections_path(directory: Path) -> Path:
    """A folder in which Ansible finds this checkout as `mailops.exchange`, wherever it is."""
    if REPOSITORY.parts[-3:] == ("ansible_collections", "mailops", "exchange"):
        return REPOSITORY.parents[2]
    link = directory / "collections" / "ansible_collections" / "mailops" / "exchange"
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(REPOSITORY, target_is_directory=True)
    return directory / "collections"


def write_inventory(
    directory: Path,
    endpoints: Mapping[str, Any],
    *,
    user: str,
    password: str | None,
    authentication: str = "ntlm",
    ca_file: Path | None = None,
    variables: Mapping[str, Any] | None = None,
    name: str = "inventory.yml",
) -> Path:
    """An inventory of the fake's servers, from its ready file or `GET /endpoints`.

    Args:
        authentication: basic goes over TLS, the others over http with message encryption.
        ca_file: Authorities for https; without it the server's certificate is not checked.
        variables: More variables for all hosts.
    """
    tls = authentication == "basic"
    hosts: dict[str, dict[str, Any]] = {}
    for server, endpoint in endpoints["servers"].items():
        ports = endpoint["ports"]
        hosts[server] = {
            "ansible_host": endpoint["fqdn"]
            if authentication == "kerberos"
            else endpoint["address"],
            "ansible_exchange_server": server,
            "ansible_exchange_port": ports["https" if tls else "powershell_http"],
            "ansible_exchange_winrm_port": ports["winrm_https" if tls else "winrm_http"],
            "fake_ports": dict(ports),
        }
    shared: dict[str, Any] = {
        "ansible_connection": CONNECTION,
        "ansible_python_interpreter": sys.executable,
        "ansible_user": user,
        "ansible_exchange_scheme": "https" if tls else "http",
        "ansible_exchange_auth": authentication,
        "ansible_exchange_winrm_scheme": "https" if tls else "http",
        "ansible_exchange_winrm_auth": authentication,
    }
    if password is not None:
        shared["ansible_password"] = password
    if tls and ca_file is None:
        shared["ansible_exchange_validate_certs"] = False
        shared["ansible_exchange_winrm_validate_certs"] = False
    elif ca_file is not None:
        shared["ansible_exchange_ca_file"] = str(ca_file)
        shared["ansible_exchange_winrm_ca_file"] = str(ca_file)
    document = {"all": {"hosts": hosts, "vars": {**shared, **(variables or {})}}}
    return write_yaml(directory / name, document)


def play(hosts: str, tasks: Sequence[Mapping[str, Any]], **keywords: Any) -> dict[str, Any]:
    """A play as data; facts are not gathered."""
    return {
        "hosts": hosts,
        "gather_facts": False,
        "tasks": [dict(item) for item in tasks],
        **keywords,
    }


def task(name: str, module: str, options: Mapping[str, Any], **keywords: Any) -> dict[str, Any]:
    """A task as data; `module` without the collection's name."""
    return {"name": name, f"mailops.exchange.{module}": dict(options), **keywords}


def write_yaml(path: Path, document: Any) -> Path:
    """Write a YAML file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def _read_record(
    record: Path,
) -> tuple[list[TaskResult], dict[str, dict[str, int]], list[str]]:
    results: list[TaskResult] = []
    last: dict[str, Any] = {"hosts": {}, "imported": []}
    if record.exists():
        for line in record.read_text(encoding="utf-8").splitlines():
            document = json.loads(line)
            if document.pop("kind") == "stats":
                last = document
            else:
                results.append(TaskResult(**document))
    return results, last["hosts"], last["imported"]
