# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does a test of single modules need: an organization with a fresh server for each test.

One fake serves a whole test file; a test takes a server that none before it has touched, so that
starting the fake is paid for once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.example_organisation import USER, ExampleOrganisation, write_example
from support.fake_process import FakeProcess
from support.run_playbook import PlaybookRun, play, run_playbook, write_inventory

READING_VERBS = ("Get", "Select")


@dataclass
class ModuleStage:
    """An organization whose certificate `example.old` expires soon, and its successor."""

    directory: Path
    example: ExampleOrganisation
    fake: FakeProcess
    _unused: list[str] = field(default_factory=list)
    _runs: int = 0

    def fresh_server(self) -> str:
        """The name of a server that no test has used.

        Which worker runs how many tests of a file is chance, so a file gives one for each of its
        tests.

        Raises:
            AssertionError: The file asks for more servers than it started.
        """
        assert self._unused, "every server is used: start one for each test of the file"
        return self._unused.pop(0)

    @property
    def source(self) -> dict[str, str]:
        """The options that give the new certificate."""
        return {"pfx_path": str(self.example.pfx), "pfx_password": self.example.pfx_password}

    def run(
        self,
        *tasks: Mapping[str, Any],
        hosts: str,
        check_mode: bool = False,
        diff: bool = False,
        arguments: Sequence[str] = (),
        variables: Mapping[str, Any] | None = None,
        password: str | None = None,
        environment: Mapping[str, str] | None = None,
        **play_keywords: Any,
    ) -> PlaybookRun:
        """Run tasks in a play of their own; the fake counts from zero."""
        self.fake.post("/counters/reset")
        self._runs += 1
        directory = self.directory / f"run-{self._runs}"
        directory.mkdir()
        return run_playbook(
            directory,
            [play(hosts, tasks, **play_keywords)],
            inventory=write_inventory(
                directory,
                self.fake.endpoints,
                user=USER,
                password=password or self.example.password,
                variables=variables,
            ),
            check_mode=check_mode,
            diff=diff,
            arguments=arguments,
            environment=environment,
        )

    def calls(self, *, changing: bool = False) -> list[str]:
        """The cmdlets of the last run in their order, without Select-Object."""
        names = [call["cmdlet"] for call in self.fake.get("/log")]
        if changing:
            return [name for name in names if not name.startswith(READING_VERBS)]
        return [name for name in names if name != "Select-Object"]

    def counters(self, server: str) -> dict[str, Any]:
        """What the last run cost on a server."""
        nothing = {"sessions": 0, "windows_shells": 0, "cmdlets": {}, "service_starts": {}}
        counters: dict[str, Any] = self.fake.get("/counters")["servers"].get(server, nothing)
        return counters

    def server(self, name: str) -> dict[str, Any]:
        """What a server holds, from the control endpoint."""
        state: dict[str, Any] = self.fake.get("/state")["servers"][name]
        return state

    def certificate(self, server: str, thumbprint: str) -> dict[str, Any] | None:
        """A certificate of a server's store."""
        found: dict[str, Any] | None = self.server(server)["certificates"].get(thumbprint)
        return found

    @contextmanager
    def behavior(self, **switches: Any) -> Iterator[None]:
        """The fake's harsher forms, for a while."""
        before = self.fake.get("/behavior")
        self.fake.post("/behavior", **switches)
        try:
            yield
        finally:
            self.fake.post("/behavior", **{name: before[name] for name in switches})


@contextmanager
def module_stage(directory: Path, *, servers: int) -> Iterator[ModuleStage]:
    """A running organization of so many servers."""
    names = [f"EX{number:02}" for number in range(1, servers + 1)]
    example = write_example(directory, [{"name": name} for name in names])
    with FakeProcess.start(example.file) as fake:
        yield ModuleStage(directory, example, fake, names)
