# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does a test of the rotation playbook need: a running organization, the playbook, and eyes.

The eyes are the fake's control endpoint and TLS handshakes with the standard library; nothing that
the playbook says about itself counts.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from support.example_organisation import MAIL_AND_WEB_PORTS, NAMES, ExampleOrganisation
from support.fake_process import FakeProcess
from support.presented import thumbprint
from support.run_playbook import PlaybookRun, playbook_environment, run_playbook, write_yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PLAYBOOK = REPOSITORY / "playbooks" / "rotate_cert.yml"
READING_VERBS = ("Get", "Test", "Select")


@dataclass
class RotationStage:
    """An organization with an expiring certificate, its successor, and the playbook."""

    directory: Path
    example: ExampleOrganisation
    fake: FakeProcess
    variables: dict[str, Any] = field(default_factory=dict)
    inventory_variables: dict[str, Any] = field(default_factory=dict)
    host_variables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(
        self,
        *,
        check_mode: bool = False,
        arguments: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        playbook: Path | Sequence[Mapping[str, Any]] = PLAYBOOK,
        give_certificate: bool = True,
        **variables: Any,
    ) -> PlaybookRun:
        """Run the playbook (or another one) as a user does; the fake counts from zero.

        Args:
            give_certificate: Whether the successor is given; otherwise it comes another way.
        """
        self.fake.post("/counters/reset")
        given = self._given(give_certificate=give_certificate)
        return run_playbook(
            self.directory,
            playbook,
            inventory=self._inventory(),
            extra_variables={**given, **self.variables, **variables},
            check_mode=check_mode,
            arguments=arguments,
            environment=environment,
        )

    def start(
        self, *, playbook: Path = PLAYBOOK, give_certificate: bool = True, **variables: Any
    ) -> psutil.Popen:
        """Start the playbook and return at once, for whoever wants to kill it."""
        self.fake.post("/counters/reset")
        given = write_yaml(
            self.directory / "started.yml",
            {**self._given(give_certificate=give_certificate), **self.variables, **variables},
        )
        command = [sys.executable, "-m", "ansible", "playbook", f"--inventory={self._inventory()}"]
        return psutil.Popen(
            [*command, "--extra-vars", f"@{given}", str(playbook)],
            env=playbook_environment(self.directory),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _given(self, *, give_certificate: bool) -> dict[str, Any]:
        given = self.example.variables()
        if give_certificate:
            return given
        return {name: value for name, value in given.items() if "_pfx_" not in name}

    def _inventory(self) -> Path:
        inventory = self.example.inventory(self.fake.endpoints, **self.inventory_variables)
        for name, variables in self.host_variables.items():
            inventory["exchange"]["hosts"][name].update(variables)
        return write_yaml(self.directory / "inventory.yml", inventory)

    def presented(self) -> dict[tuple[str, str], str | None]:
        """The thumbprint that each port of each server presents."""
        return {
            (server, port): thumbprint(
                self.fake.server(server)["address"],
                self.fake.server(server)["ports"][port],
                starttls=protocol == "smtp",
                name=NAMES[0],
            )
            for server in self.fake.names
            for port, (protocol, _service) in MAIL_AND_WEB_PORTS.items()
        }

    def everywhere(self) -> set[str | None]:
        """What is presented at all, on any port of any server."""
        return set(self.presented().values())

    def state(self) -> dict[str, Any]:
        """What the servers hold, from the control endpoint."""
        found: dict[str, Any] = self.fake.get("/state")
        return found

    def changing_cmdlets(self) -> list[str]:
        """Cmdlets other than reading ones since the last run began."""
        return [
            call["cmdlet"]
            for call in self.fake.get("/log")
            if not call["cmdlet"].startswith(READING_VERBS)
        ]

    def steps(self) -> int:
        """How many cmdlets and Windows commands ran since the last run began."""
        total = self.fake.get("/counters")["total"]
        return sum(total["cmdlets"].values()) + sum(total["scripts"].values())

    def connector_names(self) -> dict[str, str | None]:
        """The TlsCertificateName of every connector, Send and Receive."""
        state = self.state()
        connectors = [*state["send_connectors"]]
        for server in state["servers"].values():
            connectors += server["receive_connectors"]
        return {connector["Name"]: connector["TlsCertificateName"] for connector in connectors}
