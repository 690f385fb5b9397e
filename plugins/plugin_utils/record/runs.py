# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs have there been, which of them is not finished, and which plan was made for what?

A run is begun when ``before.json`` is there and finished when ``after.json`` is. What is not
finished is resumed in the same folder, so that ``before.json`` stays what was before the first
change, however often a run was interrupted.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.record import run_folder

FORMAT = 1
OPERATIONS = ("rotate", "cleanup")
_STAMP = "%Y%m%dT%H%M%SZ"
_FOLDER = re.compile(r"\d{8}T\d{6}Z-[a-z]+-[0-9A-F]{8}(-\d+)?")
_MOST_FOLDERS_OF_A_SECOND = 100


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that has begun: its folder, and what was before it."""

    folder: Path
    before: Mapping[str, Any]

    @property
    def finished(self) -> bool:
        return (self.folder / run_folder.AFTER).exists()


def open_run(folder: Path) -> Run:
    """Return the run of a folder.

    Raises:
        InvalidInput: the folder holds no record of a run, or a damaged one.
    """
    if not folder.is_dir():
        raise InvalidInput(f"There is no folder {folder}: name the folder of a run.")
    before = run_folder.read_document(folder, run_folder.BEFORE)
    if before is None:
        raise InvalidInput(
            f"{folder} holds no {run_folder.BEFORE}: no run that changes something has begun there."
        )
    if before.get("format") != FORMAT or not isinstance(before.get("servers"), dict):
        raise InvalidInput(
            f"{folder / run_folder.BEFORE} is of another format than this version of the "
            "collection writes."
        )
    return Run(folder=folder, before=before)


def runs_in(directory: Path) -> list[Run]:
    """Return all runs under a folder, the newest first; what is no run is passed over.

    Raises:
        InvalidInput: the folder cannot be read.
    """
    found = []
    for folder in _folders(directory):
        with suppress(InvalidInput):
            found.append(open_run(folder))
    return found


def find_unfinished(
    directory: Path, *, operation: str, thumbprint: str | None, addresses: Mapping[str, str]
) -> Run | None:
    """Return the newest run that began for the same certificate and servers and has not finished.

    Args:
        thumbprint: None for any certificate. Then a newer run for another one, which has finished,
            hides what was left before it: a rollback behind that would undo what it did.
        addresses: of the servers now; one in common, under the same address, makes it the same
            organization.
    """
    for run in runs_in(directory):
        before = run.before
        if before.get("operation") != operation:
            continue
        if thumbprint not in (None, before.get("thumbprint")):
            continue
        if not same_organization(before["servers"], addresses):
            continue
        # Only the newest counts: an older one was left behind on purpose.
        return None if run.finished else run
    return None


def hours_since(run: Run, now: datetime) -> float:
    """How long ago a run has written its last event, or began."""
    moments = [str(event.get("time"))[:19] + "Z" for event in run_folder.read_events(run.folder)]
    last = max([str(run.before.get("began")), *moments], key=_moment)
    return (now - _moment(last)).total_seconds() / 3600


def begin_run(
    directory: Path,
    *,
    operation: str,
    thumbprint: str,
    servers: Mapping[str, Mapping[str, Any]],
    organization: Mapping[str, Any] | None,
    now: datetime,
) -> tuple[Run, bool]:
    """Open the folder of a run and have ``before.json`` in it; True when it resumes another.

    Servers that the run it resumes did not know are added; what is known stays as it is.

    Raises:
        InvalidInput: the record cannot be written.
    """
    run = find_unfinished(
        directory, operation=operation, thumbprint=thumbprint, addresses=addresses_of(servers)
    )
    if run is not None:
        missing = {
            name: item for name, item in servers.items() if name not in run.before["servers"]
        }
        if missing:
            before = {**run.before, "servers": {**run.before["servers"], **missing}}
            run_folder.write_document(run.folder, run_folder.BEFORE, before)
            run = Run(folder=run.folder, before=before)
        return run, True
    folder = _new_folder(directory, operation, thumbprint, now)
    before = {
        "format": FORMAT,
        "operation": operation,
        "thumbprint": thumbprint,
        "began": _iso(now),
        "servers": dict(servers),
        "organization": organization,
    }
    run_folder.write_document(folder, run_folder.BEFORE, before)
    return Run(folder=folder, before=before), False


def keep_plan(directory: Path, *, thumbprint: str, plan: Mapping[str, Any], now: datetime) -> Path:
    """Write a plan made in check mode into a folder of its own. Returns the folder."""
    folder = _new_folder(directory, "plan", thumbprint, now)
    run_folder.write_document(folder, run_folder.PLAN, plan_document(plan, thumbprint, now))
    return folder


def plan_document(plan: Mapping[str, Any], thumbprint: str, now: datetime) -> dict[str, Any]:
    """The content of ``plan.json``."""
    return {
        "format": FORMAT,
        "thumbprint": thumbprint,
        "made": _iso(now),
        "digest": plan_digest(plan),
        **plan,
    }


def plan_digest(plan: Mapping[str, Any]) -> str:
    """What two plans have in common that would do the same to the same servers."""
    text = json.dumps(plan, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def check_plan(
    directory: Path,
    *,
    thumbprint: str,
    plan: Mapping[str, Any],
    maximum_age_hours: float,
    now: datetime,
) -> Path:
    """Return the folder of the plan that was made, in check mode, for exactly this run.

    Raises:
        InvalidInput: there is none; says which came closest, and what to do.
    """
    wanted = plan_digest(plan)
    closest = ""
    for folder, document in _plans(directory):
        if document.get("thumbprint") != thumbprint:
            continue
        age = (now - _moment(str(document.get("made")))).total_seconds() / 3600
        if document.get("digest") != wanted:
            closest = closest or f" The plan in {folder} is another one: {_other(document, plan)}."
        elif age > maximum_age_hours:
            closest = closest or f" The plan in {folder} is {age:.0f} hours old."
        else:
            return folder
    raise InvalidInput(
        f"A plan is required and none was made for certificate {thumbprint} and exactly these "
        f"servers and changes.{closest} Run the playbook with --check, have its plan looked at, "
        "and run again.",
        details={"thumbprint": thumbprint},
    )


def _plans(directory: Path) -> Iterable[tuple[Path, dict[str, Any]]]:
    """Plans made in check mode, the newest first: folders without a run."""
    for folder in _folders(directory):
        if "-plan-" not in folder.name:
            continue
        with suppress(InvalidInput):
            document = run_folder.read_document(folder, run_folder.PLAN)
            if document is not None:
                yield folder, document


def _folders(directory: Path) -> list[Path]:
    """The folders of runs and plans, the newest first."""
    try:
        if not directory.is_dir():
            return []
        found = sorted(directory.iterdir(), reverse=True)
    except OSError as error:
        raise InvalidInput(
            f"The folder {directory} of the records cannot be read: {error.strerror}."
        ) from error
    return [folder for folder in found if _FOLDER.fullmatch(folder.name)]


def _other(document: Mapping[str, Any], plan: Mapping[str, Any]) -> str:
    then, now = document.get("servers"), plan.get("servers")
    if not isinstance(then, dict) or not isinstance(now, dict):
        return "it lists other changes"
    if set(then) != set(now):
        return f"it is for {', '.join(sorted(then))} and this run for {', '.join(sorted(now))}"
    differing = [name for name in sorted(now) if then[name] != now[name]]
    return f"it lists other changes for {', '.join(differing) or 'the organization'}"


def _new_folder(directory: Path, operation: str, thumbprint: str, now: datetime) -> Path:
    run_folder.make_folder(directory)
    name = f"{now.strftime(_STAMP)}-{operation}-{thumbprint[:8]}"
    for suffix in ["", *(f"-{number}" for number in range(2, _MOST_FOLDERS_OF_A_SECOND))]:
        folder = directory / f"{name}{suffix}"
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        except OSError as error:
            raise InvalidInput(
                f"The folder of the run cannot be made: {folder}: {error.strerror}."
            ) from error
        return folder
    raise InvalidInput(f"There are too many runs of one second in {directory}.")


def addresses_of(servers: Mapping[str, Any]) -> dict[str, str]:
    """Under which address each server is reached."""
    return {
        name: str((server or {}).get("address")) if isinstance(server, Mapping) else ""
        for name, server in servers.items()
    }


def same_organization(
    servers: Mapping[str, Mapping[str, Any]], addresses: Mapping[str, str]
) -> bool:
    """By the names of servers, or of the hosts of the inventory that they were."""
    return any(
        name in (server, recorded.get("host")) and str(recorded.get("address")) == address
        for name, address in addresses.items()
        for server, recorded in servers.items()
    )


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return datetime.min.replace(tzinfo=timezone.utc)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
