# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does AWX start a job? With ansible-runner, from a private data directory with the project,
the inventory, the variables and the answers to prompts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import playbook_environment, write_yaml

PROJECT = REPOSITORY / "docs" / "awx-project"
SETTINGS = REPOSITORY / "roles" / "awx_setup" / "vars" / "main.yml"
PROGRAM = (sys.executable, "-m", "ansible_runner")


@dataclass(frozen=True)
class JobOutcome:
    """What AWX learns of a job."""

    return_code: int
    status: str
    artifacts: dict[str, Any]
    output: str


class RunnerJob:
    """One job of an organization: its private data directory, and the ways to run it.

    Args:
        template: the one of the role awx_setup; the job gets its playbook, its kind, its variables
            and those that its credentials inject, and no others.
        variables: answers of a survey, and artifacts of jobs before this one.
        renew_playbook: what the template *renew* renews with.
    """

    def __init__(
        self,
        stage: RotationStage,
        template: str,
        name: str,
        variables: Mapping[str, Any],
        *,
        renew_playbook: str = "renew_acme.yml",
    ) -> None:
        self.directory = stage.directory / name
        settings = _settings()
        (row,) = [row for row in settings["__awx_setup_templates"] if row["name"] == template]
        self._playbook = renew_playbook if template == "renew" else row["playbook"]
        self._name = name
        secrets = {"awx_setup_pfx_password": stage.example.pfx_password}
        injected = {
            variable: secrets[secret["option"]]
            for secret in settings["__awx_setup_secrets"]
            for variable in secret["variables"]
            if secret["option"] in secrets
            and (template in secret["templates"] or self._playbook in secret.get("playbooks", ()))
        }
        # What awx_setup_variables says for all templates.
        shared = {
            name: value for name, value in stage.example.variables().items() if "_pfx_" not in name
        }
        self._environment = playbook_environment(stage.directory)
        shutil.copytree(PROJECT, self.directory / "project")
        inventory = stage.example.inventory(stage.fake.endpoints)
        # The machine credential: the user by a variable, the password by the prompt of --ask-pass.
        del inventory["exchange"]["vars"]["ansible_password"]
        write_yaml(self.directory / "inventory" / "hosts.yml", inventory)
        given = {**shared, **row.get("variables", {}), **injected, **variables}
        self._write("extravars", given)
        self._write("passwords", {r"SSH password:\s*?$": stage.example.password})
        self._write("envvars", self._environment)
        options = "--ask-pass --check" if row["job_type"] == "check" else "--ask-pass"
        (self.directory / "env" / "cmdline").write_text(options, encoding="utf-8")
        stage.fake.post("/counters/reset")

    def run(self) -> JobOutcome:
        """On one machine."""
        self._call("run", str(self.directory), "-p", self._playbook, "--ident", self._name)
        return self.outcome(self.directory)

    def run_by_mesh(self) -> JobOutcome:
        """As AWX does: sent to a worker elsewhere, whose results are brought back."""
        work, back = self.directory / "worker", self.directory / "back"
        commands = [
            ("transmit", str(self.directory), "-p", self._playbook, "--ident", self._name),
            ("worker", "--private-data-dir", str(work)),
            ("process", str(back), "--ident", self._name),
        ]
        data = b""
        for command in commands:
            done = subprocess.run(
                [*PROGRAM, *command],
                env={**os.environ, **self._environment},
                input=data,
                stdout=subprocess.PIPE,
                timeout=300,
                check=False,
            )
            data = done.stdout
        return self.outcome(back)

    def start(self) -> subprocess.Popen[bytes]:
        """In the background, for whoever wants to cancel it."""
        return subprocess.Popen(
            [*PROGRAM, "run", str(self.directory), "-p", self._playbook, "--ident", self._name],
            env={**os.environ, **self._environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def outcome(self, directory: Path) -> JobOutcome:
        """What lies in the artifacts."""
        artifacts = directory / "artifacts" / self._name
        events = [
            json.loads(file.read_text(encoding="utf-8"))
            for file in sorted(
                (artifacts / "job_events").glob("*.json"),
                key=lambda path: int(path.name.partition("-")[0]),
            )
        ]
        last = [event for event in events if event["event"] == "playbook_on_stats"]
        return JobOutcome(
            return_code=int((artifacts / "rc").read_text() or -1),
            status=(artifacts / "status").read_text(),
            artifacts=last[-1]["event_data"].get("artifact_data", {}) if last else {},
            output="".join(event.get("stdout", "") + "\n" for event in events),
        )

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        path = self.directory / "env" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(dict(content)), encoding="utf-8")

    def _call(self, *arguments: str) -> None:
        subprocess.run(
            [*PROGRAM, *arguments],
            env={**os.environ, **self._environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )


class _Loader(yaml.SafeLoader):
    """Reads what templates hold as it is written."""


_Loader.add_constructor("!unsafe", lambda loader, node: node.value)


def _settings() -> dict[str, Any]:
    """What the role awx_setup configures, as data."""
    found: dict[str, Any] = yaml.load(SETTINGS.read_text(encoding="utf-8"), Loader=_Loader)
    return found
