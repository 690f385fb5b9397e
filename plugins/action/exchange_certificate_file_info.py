# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates lie in a folder of the control node, and which of them is the next one?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
    RENEWAL_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.files import (
    CertificateFile,
    Passwords,
    Rules,
    choose,
    is_candidate,
    read_files,
    with_exactly,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.renewal_due import (
    rules_from,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

# Far above any real file; keeps a mistaken folder from filling the memory.
_MAXIMUM_FILE_SIZE = 4 * 1024 * 1024
_MAXIMUM_FILES = 5000


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_certificate_file_info)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RENEWAL_OPTIONS,
        "directory": {"type": "path", "required": True},
        "names": {"type": "list", "elements": "str", "default": []},
        "require_common_name": {"type": "bool", "default": True},
        "pfx_password": {"type": "str", "no_log": True},
        "private_key_passphrase": {"type": "str", "no_log": True},
        "missing_directory": {"type": "str", "choices": ["fail", "empty"], "default": "fail"},
    }
    # Only files of the control node are read.
    REQUIRES_CONNECTION = False

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        now, due = self.now(), rules_from(options)
        contents, skipped = self._contents(options)
        files, unreadable = read_files(
            contents,
            Passwords(
                pfx_password=options["pfx_password"],
                private_key_passphrase=options["private_key_passphrase"],
            ),
            Rules(
                names=tuple(options["names"]),
                require_common_name=options["require_common_name"],
            ),
            now=now,
        )
        newest = choose(files)
        return {
            "certificates": [item.to_result(due, now) for item in files],
            "newest": newest.to_result(due, now) if newest else None,
            "not_read": [*skipped, *unreadable],
            "issued_within_a_week": _issued_since(files, options["names"], now - timedelta(days=7)),
        }

    def _contents(self, options: Mapping[str, Any]) -> tuple[dict[str, bytes], list[str]]:
        # Absolute, because whoever reads what is found here would look elsewhere first.
        folder = Path(options["directory"]).expanduser().absolute()
        try:
            if not folder.is_dir():
                if options["missing_directory"] == "empty" and not folder.exists():
                    return {}, []
                raise InvalidInput(f"directory: there is no folder {folder} on the control node.")
        except OSError as error:
            raise InvalidInput(f"directory: {folder} cannot be read: {error.strerror}.") from error
        contents: dict[str, bytes] = {}
        skipped: list[str] = []
        for path in _files_of(folder, skipped):
            try:
                if path.stat().st_size > _MAXIMUM_FILE_SIZE:
                    skipped.append(f"{path}: it is too large to be a certificate.")
                    continue
                vaulted = self._vaulted_content(str(path), option="directory")
                contents[str(path)] = path.read_bytes() if vaulted is None else vaulted
            except OSError as error:
                skipped.append(f"{path}: it cannot be read: {error.strerror}.")
            except InvalidInput as error:
                skipped.append(error.message)
        return contents, skipped


def _files_of(folder: Path, skipped: list[str]) -> list[Path]:
    """Candidates of the folder and all below it; what is closed below it goes to `skipped`.

    Raises:
        InvalidInput: the folder itself is closed, or has too many of them.
    """

    def closed(error: OSError) -> None:
        if Path(str(error.filename)) == folder:
            raise InvalidInput(f"directory: {folder} cannot be read: {error.strerror}.") from error
        skipped.append(f"{error.filename}: the folder cannot be read: {error.strerror}.")

    found = sorted(
        path
        for place, _folders, names in os.walk(folder, onerror=closed, followlinks=False)
        for path in (Path(place) / name for name in names)
        if is_candidate(path) and _is_file(path)
    )
    if len(found) > _MAXIMUM_FILES:
        raise InvalidInput(
            f"directory: {folder} has {len(found)} files that could be certificates or keys, more "
            f"than {_MAXIMUM_FILES}: name a folder of certificates."
        )
    return found


def _is_file(path: Path) -> bool:
    """Whether it is one; what cannot be looked at counts, so that reading it says why."""
    try:
        return path.is_file()
    except OSError:
        return True


def _issued_since(files: list[CertificateFile], names: list[str], moment: Any) -> list[str]:
    """When certificates with exactly these names were issued, the first of them first."""
    dates = [item.facts.not_before for item in with_exactly(files, names)]
    return [f"{date:%Y-%m-%dT%H:%M:%SZ}" for date in sorted(dates) if date >= moment]
