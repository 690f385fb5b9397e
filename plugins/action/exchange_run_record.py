# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a run open its record, find an unfinished one, and close it?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.record import (
    run_folder,
    running,
    runs,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

OPERATIONS = ("rotate", "cleanup")


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_run_record)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        "state": {
            "type": "str",
            "choices": ["begun", "found", "read", "finished"],
            "required": True,
        },
        "directory": {"type": "path"},
        "folder": {"type": "path"},
        "exclusive": {"type": "bool", "default": False},
        "operation": {"type": "str", "choices": list(OPERATIONS), "default": "rotate"},
        "thumbprint": {"type": "str"},
        "servers": {"type": "dict"},
        "organization": {"type": "dict"},
        "plan": {"type": "dict"},
        "require_plan": {"type": "bool", "default": False},
        "plan_maximum_age_hours": {"type": "float", "default": 72.0},
        "maximum_age_hours": {"type": "float"},
        "outcome": {"type": "str"},
        "complete": {"type": "bool", "default": True},
        "summary": {"type": "str"},
    }
    REQUIRED_IF = [
        ("state", "begun", ("directory", "thumbprint", "servers", "plan")),
        ("state", "found", ("directory", "servers")),
        ("state", "read", ("folder",)),
        ("state", "finished", ("folder", "outcome", "summary")),
    ]
    # Replaced by tests.
    playbook_process = staticmethod(running.playbook_process)

    # Only files of the control node are touched.
    REQUIRES_CONNECTION = False

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        for name in ("plan_maximum_age_hours", "maximum_age_hours"):
            if options[name] is not None and options[name] <= 0:
                raise InvalidInput(f"{name} must be more than 0.")
        act = {
            "begun": self._plan_only if self.check_mode else self._begin,
            "found": self._find,
            "read": self._read,
            "finished": self._finish,
        }[options["state"]]
        return act(options)

    def _plan_only(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """In check mode the plan is what a run leaves behind; nothing else has begun."""
        folder = runs.keep_plan(
            Path(options["directory"]),
            thumbprint=normalize_thumbprint(options["thumbprint"]),
            plan=options["plan"],
            now=self.now(),
        )
        if options["summary"]:
            run_folder.write_document(folder, run_folder.SUMMARY, options["summary"])
        return {"run": {"folder": str(folder), "resumed": False, "finished": False, "before": None}}

    def _begin(self, options: Mapping[str, Any]) -> dict[str, Any]:
        directory = Path(options["directory"])
        thumbprint = normalize_thumbprint(options["thumbprint"])
        now = self.now()
        own = self.playbook_process()
        if options["require_plan"]:
            self._check_plan(options, directory, thumbprint)
        with running.one_at_a_time(directory):
            running.refuse_running_on(directory, addresses_of(options["servers"]), own)
            run, resumed = runs.begin_run(
                directory,
                operation=options["operation"],
                thumbprint=thumbprint,
                servers=options["servers"],
                organization=options["organization"],
                now=now,
            )
            running.note_carrier(run, own)
        run_folder.write_document(
            run.folder, run_folder.PLAN, runs.plan_document(options["plan"], thumbprint, now)
        )
        run_folder.write_document(run.folder, run_folder.SUMMARY, under_way(run, resumed=resumed))
        run_folder.append_event(
            run.folder,
            {"event": "resumed" if resumed else "began", "servers": sorted(options["servers"])},
        )
        return {"run": result_of(run, resumed=resumed)}

    def _check_plan(self, options: Mapping[str, Any], directory: Path, thumbprint: str) -> None:
        unfinished = runs.find_unfinished(
            directory,
            operation=options["operation"],
            thumbprint=thumbprint,
            addresses=addresses_of(options["servers"]),
        )
        if unfinished is not None:
            # The plan was looked at before that run began; what is left of it is another plan.
            return
        runs.check_plan(
            directory,
            thumbprint=thumbprint,
            plan=options["plan"],
            maximum_age_hours=options["plan_maximum_age_hours"],
            now=self.now(),
        )

    def _find(self, options: Mapping[str, Any]) -> dict[str, Any]:
        directory, addresses = Path(options["directory"]), addresses_of(options["servers"])
        running.refuse_running_on(directory, addresses, self.playbook_process())
        run = runs.find_unfinished(
            directory,
            operation=options["operation"],
            thumbprint=normalize_thumbprint(options["thumbprint"])
            if options["thumbprint"]
            else None,
            addresses=addresses,
        )
        maximum = options["maximum_age_hours"]
        if run is not None and maximum and runs.hours_since(run, self.now()) > maximum:
            return {"run": None, "too_old": str(run.folder)}
        return {"run": None if run is None else result_of(run, resumed=True), "too_old": None}

    def _read(self, options: Mapping[str, Any]) -> dict[str, Any]:
        run = runs.open_run(Path(options["folder"]))
        own = self.playbook_process()
        running.refuse_running(run, own)
        if options["exclusive"]:
            self._claim(run, own)
        after = run_folder.read_document(run.folder, run_folder.AFTER)
        plan = run_folder.read_document(run.folder, run_folder.PLAN)
        return {"run": {**result_of(run, resumed=True), "after": after, "plan": plan}}

    def _claim(self, run: runs.Run, own: running.Carrier | None) -> None:
        """Let nobody else begin on the servers of a run."""
        directory = run.folder.parent
        # A record may be gone back to from wherever it was moved to.
        if os.access(directory, os.R_OK | os.X_OK):
            running.refuse_running_on(directory, addresses_of(run.before["servers"]), own)
        if not self.check_mode:
            running.note_carrier(run, own)

    def _finish(self, options: Mapping[str, Any]) -> dict[str, Any]:
        if self.check_mode:
            return {}
        folder = Path(options["folder"])
        run = runs.open_run(folder)
        run_folder.write_document(folder, run_folder.SUMMARY, options["summary"])
        event = {"event": "finished" if options["complete"] else "stopped"}
        run_folder.append_event(folder, {**event, "outcome": options["outcome"]})
        if options["complete"]:
            run_folder.write_document(
                folder,
                run_folder.AFTER,
                {
                    "format": runs.FORMAT,
                    "outcome": options["outcome"],
                    "finished": self.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "servers": options["servers"] or {},
                    "organization": options["organization"],
                },
            )
        running.forget_carrier(folder)
        return {"run": result_of(run, resumed=False)}


def addresses_of(servers: Mapping[str, Any]) -> dict[str, str]:
    """Under which address each server is reached."""
    return {
        name: str((server or {}).get("address")) if isinstance(server, Mapping) else ""
        for name, server in servers.items()
    }


def result_of(run: runs.Run, *, resumed: bool) -> dict[str, Any]:
    """The run as RETURN documents it."""
    return {
        "folder": str(run.folder),
        "resumed": resumed,
        "finished": run.finished,
        "before": dict(run.before),
    }


def under_way(run: runs.Run, *, resumed: bool) -> str:
    """What summary.md says until the end of the run takes its place."""
    again = ", and was gone on with after an interruption" if resumed else ""
    servers = ", ".join(sorted(run.before["servers"]))
    return "\n".join(
        (
            "# A run that has not finished",
            "",
            f"It began {run.before['began']} for certificate {run.before['thumbprint']}",
            f"on {servers}{again}.",
            "If it is not running any more, it was interrupted.",
            "",
            f"- What was done so far: `{run_folder.EVENTS}` in this folder. A `begin` without its",
            "  `done` may or may not have taken effect.",
            "- To finish it: run the same playbook again. It goes on in this folder.",
            "- To go back: `ansible-playbook mailops.exchange.rollback_cert -i INVENTORY",
            f"  -e rollback_run_folder={run.folder}`",
        )
    )
