# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a run that has not finished still running, or was it interrupted?

Its folder names the process that carries it. A number alone would not do: it is given again after a
restart, and in each container anew. Where that process cannot be looked up (another machine,
another container, no ``/proc``), the run counts as interrupted.
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

_LOCK = ".lock"
# Of /proc/<pid>/stat (proc_pid_stat(5)), counted behind the name in parentheses.
_STATE = 0
_START_TIME = 19
_DEAD = "ZX"


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """A process, told from every other that has the same number."""

    pid: int
    started: str
    boot: str
    pid_namespace: str


def playbook_process() -> Carrier | None:
    """The process of ansible-playbook, which starts a worker for each task; None without /proc."""
    return process_of(os.getppid())


def note_carrier(run: runs.Run, carrier: Carrier | None) -> None:
    """Write down which process carries a run from now on.

    Raises:
        InvalidInput: it cannot be written.
    """
    if carrier is not None:
        run_folder.write_document(run.folder, run_folder.RUNNING, asdict(carrier))


def forget_carrier(folder: Path) -> None:
    """Write down that no process carries the run any more.

    Where that fails, the process that is named will soon be dead, which says the same.
    """
    with suppress(OSError):
        (folder / run_folder.RUNNING).unlink()


def refuse_running(run: runs.Run, own: Carrier | None) -> None:
    """Refuse to touch a run that another process carries.

    Raises:
        InvalidInput: that process still lives; says which, for which run, and what to do.
    """
    noted = run_folder.read_document(run.folder, run_folder.RUNNING)
    if noted is None or (own is not None and noted == asdict(own)) or not _lives(noted):
        return
    raise InvalidInput(
        f"Another playbook is at work on these servers: process {noted['pid']} of this machine, in "
        f"{run.folder}, for certificate {run.before['thumbprint']}, begun {run.before['began']}. "
        "Two at a time would undo each other's work. Wait for its end, or stop it and start this "
        "one again, which goes on with what it left.",
        details={"folder": str(run.folder), "pid": noted["pid"]},
    )


def refuse_running_on(directory: Path, addresses: Mapping[str, str], own: Carrier | None) -> None:
    """Refuse to begin where another process carries a run on one of these servers.

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


def _lives(noted: Mapping[str, object]) -> bool:
    pid = noted.get("pid")
    found = process_of(pid) if isinstance(pid, int) else None
    return found is not None and asdict(found) == noted


def process_of(pid: int) -> Carrier | None:
    """The living process of a number, as this machine and container count them."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = status.rpartition(")")[2].split()
        if fields[_STATE] in _DEAD:
            return None
        return Carrier(
            pid=pid,
            started=fields[_START_TIME],
            boot=Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip(),
            pid_namespace=os.readlink("/proc/self/ns/pid"),
        )
    except (OSError, IndexError):
        return None
