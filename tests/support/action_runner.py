# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a unit test run one action without Ansible, on a session that records everything?"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ansible.parsing.dataloader import DataLoader

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.exchange_session import (
    CmdletResult,
    SessionStatistics,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.prompts import PromptPolicy

PACKAGE = "ansible_collections.mailops.exchange.plugins.action"
CONNECTION = "mailops.exchange.exchange"
CONNECTION_PASSWORD = "connection-Passw0rd"

CHANGING_VERBS = ("Import", "Enable", "Remove", "Set", "New")


class RecordingSession:
    """In place of an ExchangeSession: hands each cmdlet to `answer_cmdlet` and remembers it."""

    def __init__(self, answer_cmdlet: Callable[..., CmdletResult]) -> None:
        self.calls: list[Cmdlet] = []
        self.statistics = SessionStatistics()
        self._answer_cmdlet = answer_cmdlet

    def invoke(
        self,
        *pipeline: Cmdlet,
        answer: PromptPolicy | None = None,
        deadline: float | None = None,
        changing: bool = False,
        expect_errors: bool = False,
    ) -> CmdletResult:
        first = pipeline[0]
        self.calls.append(first)
        is_changing = first.name.split("-")[0] in CHANGING_VERBS
        assert changing == is_changing, f"{first.name} was sent with changing={changing}"
        return self._answer_cmdlet(first, answer=answer)

    def close(self) -> None:
        """Nothing to close."""

    @property
    def names(self) -> list[str]:
        """The cmdlets sent, in order."""
        return [call.name for call in self.calls]

    @property
    def changing(self) -> list[Cmdlet]:
        """The cmdlets sent that change something."""
        return [call for call in self.calls if call.name.split("-")[0] in CHANGING_VERBS]


@dataclass
class RecordingConnection:
    """In place of the collection's connection plugin."""

    session: Any = None
    windows: Any = None
    transport: str = CONNECTION
    exchange_server: str = "EX01"
    is_edge: bool = False
    domain_controller: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    _shell: Any = field(default_factory=lambda: SimpleNamespace(tmpdir=None))

    @property
    def exchange(self) -> Any:
        assert self.session is not None, "the action opened an Exchange session"
        return self.session

    def get_option(self, name: str) -> Any:
        return {"password": CONNECTION_PASSWORD, **self.options}.get(name)


def run_action(
    module: str,
    options: Mapping[str, Any],
    *,
    connection: RecordingConnection,
    check_mode: bool = False,
    diff: bool = False,
    now: datetime | None = None,
    search_path: Path | None = None,
    task_vars: Mapping[str, Any] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Run the action of a module and return its result.

    Args:
        now: Stops the clock of the action.
        search_path: The folder in which relative paths are looked for.
        attributes: Attributes of the action to replace.
    """
    action_class = importlib.import_module(f"{PACKAGE}.{module}").ActionModule
    task = SimpleNamespace(
        args=dict(options),
        action=f"mailops.exchange.{module}",
        check_mode=check_mode,
        diff=diff,
        async_val=0,
        get_search_path=lambda: [str(search_path)] if search_path else [],
    )
    action = action_class(
        task=task,
        connection=connection,
        play_context=SimpleNamespace(),
        loader=DataLoader(),
        templar=None,
        shared_loader_obj=None,
    )
    if now is not None:
        action.now = lambda: now
    for name, value in (attributes or {}).items():
        setattr(action, name, value)
    result: dict[str, Any] = action.run(task_vars=dict(task_vars or {}))
    return result
