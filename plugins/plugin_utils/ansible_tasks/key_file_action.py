# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How is a private key kept in a file of the control node, for its owner alone or vaulted?"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ansible.errors import AnsibleError

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.record import run_folder

_OWNER_ALONE = 0o600
_NO_SECRET = (
    "No vault password was given, so {path} cannot be encrypted: run with --ask-vault-pass or "
    "--vault-id, or keep the key in a file for its owner alone."
)


class KeyFileAction(ExchangeActionBase):
    """What actions share that keep a key on the control node."""

    def keep_key(self, path: Path, content: str, *, encrypt: bool, vault_id: str | None) -> None:
        """Have the key in the file, whole or not at all, and in no other file at any moment.

        Raises:
            InvalidInput: it cannot be written, or not be encrypted.
        """
        content = content.rstrip("\n") + "\n"
        if self._is_kept(path, content, encrypt=encrypt):
            return
        text = self._encrypted(path, content, vault_id) if encrypt else content
        if self.check_mode:
            _see_that_it_can_be_written(path)
            self.report.changes.append(f"Keep the private key in {path}.")
            return
        _write(path, text)
        self.report.changes.append(f"Kept the private key in {path}.")

    def held_content(self, path: Path) -> str | None:
        """What the file holds, decrypted, or None where there is none.

        Raises:
            InvalidInput: it cannot be read.
        """
        try:
            os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
        vaulted = self._vaulted_content(str(path), option="path")
        try:
            data = path.read_bytes() if vaulted is None else vaulted
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
        return data.decode("utf-8", "replace")

    def _is_kept(self, path: Path, content: str, *, encrypt: bool) -> bool:
        held = self.held_content(path)
        if held is None:
            return False
        vaulted = self._vaulted_content(str(path), option="path") is not None
        mode = stat.S_IMODE(os.stat(path).st_mode)
        return held == content and vaulted == encrypt and mode == _OWNER_ALONE

    def _encrypted(self, path: Path, content: str, wanted_id: str | None) -> str:
        from ansible.parsing.vault import match_encrypt_secret

        vault = self._loader._vault
        if not vault.secrets:
            raise InvalidInput(_NO_SECRET.format(path=path))
        try:
            vault_id, secret = match_encrypt_secret(vault.secrets, encrypt_vault_id=wanted_id)
        except AnsibleError as error:
            raise InvalidInput(f"vault_id: {error}") from error
        return str(vault.encrypt(content, secret=secret, vault_id=vault_id).decode("ascii"))


def _see_that_it_can_be_written(path: Path) -> None:
    """Whether the folder, or the next one above that is there, takes it; nothing is written."""
    folder = next((item for item in path.absolute().parents if os.path.exists(item)), path.parent)
    reason = None
    if not folder.is_dir():
        reason = f"{folder} is no folder"
    elif not os.access(folder, os.W_OK | os.X_OK):
        reason = f"the folder {folder} is not writable"
    if reason:
        raise _not_kept(path, reason)


def _write(path: Path, text: str) -> None:
    try:
        run_folder.make_folder(path.parent)
        run_folder.write_document(path.parent, path.name, text)
    except InvalidInput as error:
        reason = error.__cause__.strerror if isinstance(error.__cause__, OSError) else None
        raise _not_kept(path, reason or "the folder is not writable") from error


def _not_kept(path: Path, reason: str) -> InvalidInput:
    return InvalidInput(
        f"The private key cannot be kept in {path}: {reason}.", details={"path": str(path)}
    )
