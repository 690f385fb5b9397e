# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a run open its record, or one that it resumes, and close it?"""

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
    run_lookup,
    running,
    runs,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

# States of 0.2.0, and what takes their place.
DEPRECATED_STATES = {
    "begun": "state=started",
    "found": "mailops.exchange.exchange_run_record_info with directory",
    "read": "mailops.exchange.exchange_run_record_info with folder, or state=resumed in place of "
    "exclusive=true",
}
REMOVAL_VERSION = "0.4.0"


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_run_record)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        "state": {
            "type": "str",
            "choices": ["started", "resumed", "finished", *DEPRECATED_STATES],
            "required": True,
        },
        "directory": {"type": "path"},
        "folder": {"type": "path"},
        "operation": {"type": "str", "choices": list(runs.OPERATIONS), "default": "rotate"},
        "thumbprint": {"type": "str"},
        "servers": {"type": "dict"},
        "organization": {"type": "dict"},
        "plan": {"type": "dict"},
        "require_plan": {"type": "bool", "default": False},
        "plan_maximum_age_hours": {"type": "float", "default": 72.0},
        "outcome": {"type": "str"},
        "complete": {"type": "bool", "default": True},
        "summary": {"type": "str"},
        # Of the deprecated states.
        "exclusive": {"type": "bool", "default": False},
        "maximum_age_hours": {"type": "float"},
    }
    REQUIRED_IF = [
        ("state", "started", ("directory", "thumbprint", "servers", "plan")),
        ("state", "resumed", ("folder",)),
        ("state", "finished", ("folder", "outcome", "summary")),
        ("state", "begun", ("directory", "thumbprint", "servers", "plan")),
        ("state", "found", ("directory", "servers")),
        ("state", "read", ("folder",)),
    ]
    # Replaced by tests.
    playbook_process = staticmethod(running.playbook_process)

    # Only files of the control node are touched.
    REQUIRES_CONNECTION = False

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        state = options["state"]
        if state in DEPRECATED_STATES:
            # A fact, so that a failure reports it too.
            self.report.facts["deprecations"] = [deprecation_of(state)]
        if options["plan_maximum_age_hours"] <= 0:
            raise InvalidInput("plan_maximum_age_hours must be more than 0.")
        act = {
            "started": self._start,
            "resumed": self._resume,
            "finished": self._finish,
            "begun": self._start,
            "found": self._find,
            "read": self._read,
        }[state]
        return act(options)

    def _start(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return self._keep_plan(options) if self.check_mode else self._open(options)

    def _keep_plan(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """In check mode the plan is what a run leaves behind; nothing else has started."""
        folder = runs.keep_plan(
            Path(options["directory"]),
            thumbprint=normalize_thumbprint(options["thumbprint"]),
            plan=options["plan"],
            now=self.now(),
        )
        if options["summary"]:
            run_folder.write_document(folder, run_folder.SUMMARY, options["summary"])
        return {
            "run": {
                "folder": str(folder),
                "resumed": False,
                "finished": False,
                "running": False,
                "before": None,
                "after": None,
                "plan": run_folder.read_document(folder, run_folder.PLAN),
            }
        }

    def _open(self, options: Mapping[str, Any]) -> dict[str, Any]:
        directory = Path(options["directory"])
        thumbprint = normalize_thumbprint(options["thumbprint"])
        now = self.now()
        own = self.playbook_process()
        if options["require_plan"]:
            self._check_plan(options, directory, thumbprint)
        with running.one_at_a_time(directory):
            running.refuse_running_on(directory, runs.addresses_of(options["servers"]), own)
            run, resumed = runs.begin_run(
                directory,
                operation=options["operation"],
                thumbprint=thumbprint,
                servers=options["servers"],
                organization=options["organization"],
                now=now,
            )
            running.take_lock(run, own)
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
            addresses=runs.addresses_of(options["servers"]),
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

    def _resume(self, options: Mapping[str, Any]) -> dict[str, Any]:
        run = runs.open_run(Path(options["folder"]))
        own = self.playbook_process()
        running.refuse_running(run, own)
        directory = run.folder.parent
        # A record may be rolled back from wherever it was moved to.
        if os.access(directory, os.R_OK | os.X_OK):
            running.refuse_running_on(directory, runs.addresses_of(run.before["servers"]), own)
        if not self.check_mode:
            running.take_lock(run, own)
        return {"run": result_of(run, resumed=True)}

    def _finish(self, options: Mapping[str, Any]) -> dict[str, Any]:
        if self.check_mode:
            return {"run": None}
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
        running.release_lock(folder)
        return {"run": result_of(run, resumed=False)}

    # -- the deprecated states -------------------------------------------------------------------

    def _find(self, options: Mapping[str, Any]) -> dict[str, Any]:
        directory, servers = Path(options["directory"]), options["servers"]
        running.refuse_running_on(directory, runs.addresses_of(servers), self.playbook_process())
        thumbprint = options["thumbprint"]
        result = run_lookup.find_result(
            directory,
            operation=options["operation"],
            thumbprint=normalize_thumbprint(thumbprint) if thumbprint else None,
            servers=servers,
            maximum_age_hours=options["maximum_age_hours"],
            now=self.now(),
        )
        if result["run"] is not None:
            result["run"]["resumed"] = True
        return result

    def _read(self, options: Mapping[str, Any]) -> dict[str, Any]:
        if options["exclusive"]:
            return self._resume(options)
        run = runs.open_run(Path(options["folder"]))
        running.refuse_running(run, self.playbook_process())
        return {"run": result_of(run, resumed=True)}


def result_of(run: runs.Run, *, resumed: bool) -> dict[str, Any]:
    """The run as RETURN documents it."""
    return {**run_lookup.run_result(run), "resumed": resumed}


def deprecation_of(state: str) -> dict[str, str]:
    """An entry of the result's `deprecations` as every ansible-core takes it."""
    return {
        "msg": f"state={state} of mailops.exchange.exchange_run_record is deprecated: use "
        f"{DEPRECATED_STATES[state]}.",
        "version": REMOVAL_VERSION,
        "collection_name": "mailops.exchange",
    }


def under_way(run: runs.Run, *, resumed: bool) -> str:
    """What summary.md says until the end of the run takes its place."""
    again = ", and was resumed after an interruption" if resumed else ""
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
            "- To finish it: run the same playbook again. It resumes in this folder.",
            "- To roll back: `ansible-playbook mailops.exchange.rollback_cert -i INVENTORY",
            f"  -e rollback_run_folder={run.folder}`",
        )
    )
