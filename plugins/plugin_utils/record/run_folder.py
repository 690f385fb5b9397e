# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the folder of a run, and how is it written so that a crash leaves the truth?

A document is written whole or not at all; an event is one line, on the disk before what it
announces begins. Everything is for the owner alone (0600, in a folder of 0700), and nothing in it
is a secret.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

BEFORE = "before.json"
PLAN = "plan.json"
EVENTS = "events.jsonl"
AFTER = "after.json"
RUNNING = "running.json"
SUMMARY = "summary.md"

# Kinds of events; a drain that began and did not end leaves a server that takes no mail.
CHANGE = "change"
DRAIN = "drain"

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


def make_folder(folder: Path) -> Path:
    """Make a folder, and those above it, for the owner alone.

    Raises:
        InvalidInput: it cannot be made or written to.
    """
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidInput(
            f"The folder {folder} for the record cannot be written to by this user: name another "
            "one, or give it to the user who runs Ansible."
        )
    return folder


def write_document(folder: Path, name: str, content: Mapping[str, Any] | str) -> Path:
    """Write a document whole: a JSON object, or text as it is. Returns its path.

    Raises:
        InvalidInput: it cannot be written; a former one is still there.
    """
    text = content if isinstance(content, str) else json.dumps(content, indent=2, sort_keys=True)
    target = folder / name
    try:
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        try:
            # mkstemp makes files of 0600 and no other.
            with open(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text.rstrip("\n") + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _settle(folder)
    except OSError as error:
        raise unusable(target, error) from error
    return target


def read_document(folder: Path, name: str) -> dict[str, Any] | None:
    """Return a JSON document, or None if there is none.

    Raises:
        InvalidInput: it cannot be read, or is no JSON object.
    """
    file = folder / name
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InvalidInput(f"{file} is damaged: {error}.") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"{file} is damaged: it holds no JSON object.")
    return found


def append_event(folder: Path, event: Mapping[str, Any]) -> None:
    """Append one event, with the time, and have it on the disk before this returns.

    Several workers append at once: a line is one write to a file opened for appending.

    Raises:
        InvalidInput: it cannot be written.
    """
    moment = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = json.dumps({"time": moment, **event}, ensure_ascii=False) + "\n"
    file = folder / EVENTS
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _FILE_MODE)
        try:
            os.write(descriptor, line.encode("utf-8"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unusable(file, error) from error


def read_events(folder: Path) -> list[dict[str, Any]]:
    """Return all events; a last line that a crash cut off is passed over."""
    try:
        lines = (folder / EVENTS).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InvalidInput(f"{folder / EVENTS} cannot be read: {error.strerror}.") from error
    events = []
    for line in lines:
        with suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict):
                events.append(found)
    return events


def open_drains(folder: Path) -> set[str]:
    """Return the servers (as Exchange names them) whose drain was begun and never ended."""
    begun: set[str] = set()
    for event in read_events(folder):
        if event.get("kind") != DRAIN:
            continue
        server = str(event.get("server"))
        if event.get("event") == "begin":
            begun.add(server)
        elif event.get("event") == "done":
            begun.discard(server)
    return begun


def _settle(folder: Path) -> None:
    """Have the new name on the disk, too; not every file system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def unusable(path: Path, error: OSError) -> InvalidInput:
    """The refusal to continue without a record."""
    return InvalidInput(
        f"The record cannot be written: {path}: {error.strerror}. Nothing is changed without a "
        "record: make room, or name another folder.",
        details={"path": str(path)},
    )
