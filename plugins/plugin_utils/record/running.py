# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a run that has not finished still running, or was it interrupted?

``running.json`` in its folder is its lock, and names the process that owns the lock. A number alone
would not do: it is given again after a restart, and each container counts for itself. Where that
process cannot be looked up (another machine, another container, no ``/proc``), the run counts as
interrupted.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.record import run_folder, runs

# Of the folder of all runs, held only while one of them is looked for and opened.
_LOCK = ".lock"
# Of /proc/<pid>/stat (proc_pid_stat(5)), counted behind the name in parentheses.
_STATE = 0
_START_TIME = 19
_DEAD = "ZX"


@dataclass(frozen=True, kw_only=True)
class LockOwner:
    """A process, distinguished from every other that has the same number."""

    pid: int
    started: str
    boot: str
    pid_namespace: str


def playbook_process() -> LockOwner | None:
    """The process of ansible-playbook, which starts a worker for each task; None without /proc."""
    return process_of(os.getppid())


def take_lock(run: runs.Run, owner: LockOwner | None) -> None:
    """Write down which process owns the lock of a run from now on.

    Args:
        owner: None where a process cannot be looked up; then there is no lock.

    Raises:
        InvalidInput: it cannot be written.
    """
    if owner is not None:
        run_folder.write_document(run.folder, run_folder.RUNNING, asdict(owner))


def release_lock(folder: Path) -> None:
    """Remove the lock of the run.

    Where that fails, the process that is named will soon be dead, which says the same.
    """
    with suppress(OSError):
        (folder / run_folder.RUNNING).unlink()


def is_running(run: runs.Run) -> bool:
    """Whether the process that owns the lock of a run still lives."""
    return _living_owner(run) is not None


def refuse_running(run: runs.Run, own: LockOwner | None) -> None:
    """Refuse to touch a run whose lock another process owns.

    Raises:
        InvalidInput: that process still lives; says which, for which run, and what to do.
    """
    owner = _living_owner(run)
    if owner is None or owner == own:
        return
    raise InvalidInput(
        f"Another playbook is at work on these servers: process {owner.pid} of this machine "
        f"owns the lock of {run.folder}, for certificate {run.before['thumbprint']}, begun "
        f"{run.before['began']}. Two at a time would undo each other's work. Wait for its end, or "
        "stop it and start this one again, which resumes what it left.",
        details={"folder": str(run.folder), "pid": owner.pid},
    )


def refuse_running_on(directory: Path, addresses: Mapping[str, str], own: LockOwner | None) -> None:
    """Refuse to begin where another process owns the lock of a run on one of these servers.

    Raises:
        InvalidInput: as from `refuse_running`.
    """
    for run in runs.runs_in(directory):
        if runs.same_organization(run.before["servers"], addresses):
            refuse_running(run, own)


@contextmanager
def one_at_a_time(directory: Path) -> Iterator[None]:
    """Let one process look and begin before the next one looks.

    Raises:
        InvalidInput: the folder cannot be written to.
    """
    run_folder.make_folder(directory)
    try:
        descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise run_folder.unusable(directory / _LOCK, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _living_owner(run: runs.Run) -> LockOwner | None:
    noted = run_folder.read_document(run.folder, run_folder.RUNNING) or {}
    pid = noted.get("pid")
    found = process_of(pid) if isinstance(pid, int) else None
    return found if found is not None and asdict(found) == noted else None


def process_of(pid: int) -> LockOwner | None:
    """The living process of a number, as this machine and container count them."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = status.rpartition(")")[2].split()
        if fields[_STATE] in _DEAD:
            return None
        return LockOwner(
            pid=pid,
            started=fields[_START_TIME],
            boot=Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip(),
            pid_namespace=os.readlink("/proc/self/ns/pid"),
        )
    except (OSError, IndexError):
        return None
