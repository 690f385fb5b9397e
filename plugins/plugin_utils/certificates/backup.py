# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How is a PFX kept on the control node, and how is one known to be a usable backup?"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    encoded_public_key,
    public_key_of,
)

SHORTEST_PASSWORD = 8


def check_password(password: str) -> None:
    """Refuse a password that protects nothing.

    Raises:
        InvalidInput: it is too short; the message does not hold it.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput(
            f"password of the backup is too short: give at least {SHORTEST_PASSWORD} characters."
        )


def why_not_usable(data: bytes, password: str, thumbprint: str) -> str | None:
    """Return why a PFX is no backup of a certificate, or None if it is one.

    Opens it as whoever needs it one day will: with the password, and the key has to fit.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import pkcs12

    try:
        key, certificate, _others = pkcs12.load_key_and_certificates(data, password.encode())
    except ValueError:
        return "it is no PFX, or was written under another password"
    if certificate is None or key is None:
        return "it holds no certificate with its private key"
    found = certificate.fingerprint(hashes.SHA1()).hex().upper()
    if found != thumbprint:
        return f"it holds certificate {found}"
    if encoded_public_key(key.public_key()) != public_key_of(certificate):
        return "its private key belongs to another certificate"
    return None


def read_backup(path: Path) -> bytes | None:
    """Return the file's content, or None if there is none.

    Raises:
        InvalidInput: it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error


def write_backup(path: Path, data: bytes) -> None:
    """Write a new file for its owner alone, whole or not at all; never over another one.

    Raises:
        InvalidInput: it cannot be written, or is there already.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp makes files of 0600 and no other.
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            # Unlike a rename, a link fails where there is a file.
            os.link(temporary, path)
        finally:
            with suppress(OSError):
                os.unlink(temporary)
    except FileExistsError as error:
        raise InvalidInput(f"{path} is there already; a backup is never overwritten.") from error
    except OSError as error:
        raise InvalidInput(f"The backup cannot be written: {path}: {error.strerror}.") from error


def check_written(path: Path, password: str, thumbprint: str) -> int:
    """Open what was written; returns its size in bytes.

    Raises:
        StateNotReached: it is not what it should be.
    """
    data = read_backup(path) or b""
    reason = why_not_usable(data, password, thumbprint)
    if reason:
        raise StateNotReached(f"The backup {path} was written and cannot be used: {reason}.")
    return len(data)
