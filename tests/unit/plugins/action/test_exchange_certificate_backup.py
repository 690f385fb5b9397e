# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is a certificate with its key kept so that it can be had again, and nowhere else?"""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from support.model_server import Held, ModelServer

MODULE = "exchange_certificate_backup"
PASSWORD = "backup-Passw0rd"


@pytest.fixture
def old(server: ModelServer, certificates) -> str:  # type: ignore[no-untyped-def]
    """The old certificate, exportable."""
    server.certificates[1] = Held(certificates.old, frozenset({"IIS", "SMTP"}), exportable=True)
    return str(certificates.old.thumbprint)


def backup(run, thumbprint: str, folder: Path, **options):  # type: ignore[no-untyped-def]
    return run(thumbprint=thumbprint, directory=str(folder), password=PASSWORD, **options)


def test_the_backup_opens_with_the_password_and_has_the_key(run, old: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "backup"

    result = backup(run, old, folder)

    file = folder / f"EX01-{old}.pfx"
    assert result["backup"]["path"] == str(file)
    assert result["changed"] is True
    key, certificate, _others = pkcs12.load_key_and_certificates(
        file.read_bytes(), PASSWORD.encode()
    )
    assert key is not None
    assert certificate is not None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [item.name for item in folder.iterdir()] == [file.name]
    assert PASSWORD not in str(result)


def test_a_second_run_leaves_it_alone_and_asks_no_server(run, old: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    backup(run, old, tmp_path)
    content = (tmp_path / f"EX01-{old}.pfx").read_bytes()

    result = backup(run, old, tmp_path)

    assert result["changed"] is False
    assert run.sent == []
    assert (tmp_path / f"EX01-{old}.pfx").read_bytes() == content


def test_check_mode_writes_nothing(run, old: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    result = backup(run, old, tmp_path / "backup", check_mode=True)

    assert result["changed"] is True
    assert not (tmp_path / "backup").exists()
    assert "Export-ExchangeCertificate" not in run.sent


@pytest.mark.parametrize("content", [b"something else", b""])
def test_another_file_is_never_overwritten(run, old: str, tmp_path: Path, content: bytes) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / f"EX01-{old}.pfx"
    file.write_bytes(content)

    result = backup(run, old, tmp_path)

    assert result["failed"] is True
    assert "is not overwritten" in result["msg"]
    assert file.read_bytes() == content
    assert run.sent == []


def test_a_backup_under_another_password_is_not_taken_for_one(
    run, old: str, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    backup(run, old, tmp_path)

    result = run(thumbprint=old, directory=str(tmp_path), password="another-Passw0rd")

    assert result["failed"] is True
    assert "another password" in result["msg"]


@pytest.mark.parametrize("exportable", [False, None], ids=["known", "found out"])
def test_a_key_that_cannot_be_exported_needs_an_explicit_yes(  # type: ignore[no-untyped-def]
    run, server: ModelServer, certificates, tmp_path: Path, exportable: bool | None
) -> None:
    held = Held(certificates.old, frozenset({"SMTP"}))
    server.certificates[1] = held
    if exportable is None:
        # Exchange does not show it beforehand, so only the export itself does.
        server.shows_exportable = False
    thumbprint = certificates.old.thumbprint

    refused = backup(run, thumbprint, tmp_path)
    assert refused["failed"] is True
    assert "not_exportable: accept" in refused["msg"]

    accepted = backup(run, thumbprint, tmp_path, not_exportable="accept")
    assert accepted["changed"] is False
    assert accepted["backup"] == {
        "thumbprint": thumbprint,
        "path": None,
        "exportable": False,
        "size": None,
    }
    assert "cannot be exported" in accepted["warnings"][0]
    assert list(tmp_path.glob("*.pfx")) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"password": "sh0rt!"}, "too short"),
        ({"thumbprint": "nonsense"}, "nonsense"),
        ({"thumbprint": "F" * 40}, "nothing to back up"),
    ],
)
def test_bad_input_is_refused_before_anything_is_exported(  # type: ignore[no-untyped-def]
    run, old: str, tmp_path: Path, options: dict[str, str], said: str
) -> None:
    values = {"thumbprint": old, "directory": str(tmp_path), "password": PASSWORD, **options}

    result = run(**values)

    assert result["failed"] is True
    assert said in result["msg"]
    assert "sh0rt!" not in str(result)
    assert "Export-ExchangeCertificate" not in run.sent
