# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How are keys kept, requests made, and certificates found on the control node?"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from support import pki
from support.action_runner import RecordingConnection, run_action

NAMES = ("mail.contoso.test", "autodiscover.contoso.test")
SUBJECT = (("CN", "mail.contoso.test"), ("O", "Contoso, Ltd."))
WRITTEN = 'CN=mail.contoso.test, O="Contoso, Ltd."'
CA = pki.root().intermediate(("CN", "Issuing CA"), ("O", "Contoso, Ltd."))


def run(name: str, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    connection = RecordingConnection(transport="local")
    return run_action(name, options, connection=connection, check_mode=check_mode)


# -- a key ----------------------------------------------------------------------------------------


def test_a_key_is_kept_for_its_owner_alone_and_once(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "mail.key.pem"
    content = CA.issue(*SUBJECT).key_pem().decode()

    planned = run("exchange_key_file", path=str(path), content=content, check_mode=True)
    assert planned["changes"] == [f"Keep the private key in {path}."]
    assert not path.parent.exists()

    assert run("exchange_key_file", path=str(path), content=content)["changed"] is True
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert run("exchange_key_file", path=str(path), content=content)["changed"] is False

    path.chmod(0o644)
    assert run("exchange_key_file", path=str(path), content=content)["changed"] is True
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_is_not_vaulted_without_a_password(tmp_path: Path) -> None:
    path = tmp_path / "mail.key.pem"
    content = CA.issue(*SUBJECT).key_pem().decode()
    refused = run("exchange_key_file", path=str(path), content=content, encrypt=True)
    assert refused["failed"] is True
    assert "No vault password was given" in refused["msg"]
    assert not path.exists()
    assert content.splitlines()[1] not in str(refused)


@pytest.mark.parametrize("content", ["", "no key"])
def test_what_is_no_key_is_not_kept(tmp_path: Path, content: str) -> None:
    refused = run("exchange_key_file", path=str(tmp_path / "x"), content=content)
    assert refused["failed"] is True
    assert "no private key" in refused["msg"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_key_below_a_file_cannot_be_kept_nor_be_planned(tmp_path: Path, check_mode: bool) -> None:
    (tmp_path / "a-file").touch()
    path = tmp_path / "a-file" / "keys" / "mail.key.pem"
    content = CA.issue(*SUBJECT).key_pem().decode()
    refused = run("exchange_key_file", path=str(path), content=content, check_mode=check_mode)
    assert refused["failed"] is True
    assert refused["changed"] is False
    assert f"cannot be kept in {path}: " in refused["msg"]
    assert content.splitlines()[1] not in str(refused)


def test_a_key_in_a_folder_of_somebody_else_is_not_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def access(path: Path, mode: int) -> bool:
        return path != tmp_path

    # For root every folder is writable.
    monkeypatch.setattr("os.access", access)
    path = tmp_path / "keys" / "of" / "mail.key.pem"
    content = CA.issue(*SUBJECT).key_pem().decode()
    refused = run("exchange_key_file", path=str(path), content=content, check_mode=True)
    assert refused["failed"] is True
    assert f"the folder {tmp_path} is not writable" in refused["msg"]


@pytest.mark.parametrize(
    ("name", "option"),
    [("exchange_key_file", "path"), ("exchange_certificate_request_file", "private_key_path")],
)
def test_a_key_that_may_not_be_looked_at_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, option: str
) -> None:
    path = tmp_path / "closed" / "mail.key.pem"
    original = os.stat

    def refusing(file: Any, **more: Any) -> os.stat_result:
        # For root every folder is open.
        if str(file) == str(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(file))
        return original(file, **more)

    monkeypatch.setattr("os.stat", refusing)
    more = (
        {"content": CA.issue(*SUBJECT).key_pem().decode()}
        if option == "path"
        else {"subject": WRITTEN}
    )
    refused = run(name, **{option: str(path), **more})
    assert refused["failed"] is True
    assert refused["msg"] == f"{path} cannot be read: Permission denied."


# -- a request ------------------------------------------------------------------------------------


def ask(path: Path, **more: Any) -> dict[str, Any]:
    return run(
        "exchange_certificate_request_file",
        **{
            "subject": WRITTEN,
            "names": list(NAMES),
            "private_key_path": str(path / "mail.key.pem"),
            "path": str(path / "mail.csr"),
            **more,
        },
    )


@pytest.mark.parametrize(("kind", "size"), [("RSA", 2048), ("RSA", 3072), ("EC", 256), ("EC", 384)])
def test_a_request_is_what_was_asked_for(tmp_path: Path, kind: str, size: int) -> None:
    pem = ask(tmp_path, key_type=kind, key_size=size)["request"]["pem"]
    request = x509.load_pem_x509_csr(pem.encode())
    assert request.is_signature_valid
    assert request.subject == pki.name(*SUBJECT)
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(names.get_values_for_type(x509.DNSName)) == NAMES
    assert request.public_key().key_size == size  # type: ignore[union-attr]
    key = load_pem_private_key((tmp_path / "mail.key.pem").read_bytes(), None)
    assert key.public_key() == request.public_key()


def test_a_request_stays_the_same_until_something_else_is_asked_for(tmp_path: Path) -> None:
    first = ask(tmp_path)
    assert len(first["changes"]) == 2
    again = ask(tmp_path)
    assert again["changed"] is False
    assert again["request"] == first["request"]
    other = ask(tmp_path, names=[NAMES[0]])
    assert other["changes"] == [f"Wrote the request to {tmp_path / 'mail.csr'}."]
    assert ask(tmp_path, names=[NAMES[0]])["changed"] is False


@pytest.mark.parametrize(
    ("subject", "names"),
    [
        ("C=DE, O=Contoso, CN=mail.contoso.test", ["mail.contoso.test"]),
        ('CN="*.contoso.test", O=Contoso', ["*.contoso.test"]),
        ("CN=EX01", []),
        ("CN=Contoso Mail", []),
    ],
)
def test_without_names_a_common_name_that_is_a_host_name_is_asked_for(
    tmp_path: Path, subject: str, names: list[str]
) -> None:
    assert ask(tmp_path, subject=subject, names=[])["request"]["dns_names"] == names
    assert ask(tmp_path, subject=subject, names=[])["changed"] is False


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"subject": "O=Contoso"}, "has no common name"),
        ({"subject": 'O="Contoso, CN=x"'}, "has no common name"),
        ({"subject": "CN=mail.contoso.com, Contoso"}, "cannot be asked for: expected '='"),
        (
            {"subject": "CN=" + "x" * 65},
            "cannot be asked for: CN has 65 characters, and 64 are allowed",
        ),
        (
            {"subject": "CN=mail.contoso.com, OU=" + "x" * 65},
            "cannot be asked for: OU has 65 characters, and 64 are allowed",
        ),
        ({"subject": "CN=mail.contoso.com, C=USA"}, "cannot be asked for"),
        ({"names": ["mail contoso"]}, "is no full host name"),
        ({"key_size": 1024}, "key_size has to be one of 2048, 3072, 4096"),
        ({"key_type": "EC", "key_size": 2048}, "key_size has to be one of 256, 384"),
    ],
)
def test_a_wrong_request_leaves_no_key(
    tmp_path: Path, options: dict[str, Any], reason: str
) -> None:
    refused = ask(tmp_path, **options)
    assert refused["failed"] is True
    assert reason in refused["msg"]
    assert list(tmp_path.iterdir()) == []


def test_a_key_with_a_passphrase_needs_it(tmp_path: Path) -> None:
    ask(tmp_path, private_key_passphrase="open sesame")
    assert "ENCRYPTED" in (tmp_path / "mail.key.pem").read_text()
    assert ask(tmp_path, private_key_passphrase="open sesame")["changed"] is False
    refused = ask(tmp_path, private_key_passphrase="wrong")
    assert "can be opened with private_key_passphrase" in refused["msg"]


# -- a folder -------------------------------------------------------------------------------------


def look(path: Path, **more: Any) -> dict[str, Any]:
    return run("exchange_certificate_file_info", directory=str(path), **more)


def test_the_newest_that_can_be_used_is_found(tmp_path: Path) -> None:
    older = CA.issue(*SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(50), valid_days=200)
    newer = CA.issue(*SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(5), valid_days=47)
    unfit = CA.issue(*SUBJECT, dns=NAMES[:1], valid_days=47)
    nameless = CA.issue(dns=NAMES, valid_days=47)
    for name, item in (("a", older), ("b", newer), ("c", unfit), ("d", nameless)):
        folder = tmp_path / name
        folder.mkdir()
        item.write_fullchain(folder / "fullchain.pem")
        item.write_key(folder / "privkey.pem")

    found = look(tmp_path, names=list(NAMES))

    assert found["newest"]["thumbprint"] == newer.thumbprint
    assert found["newest"]["private_key_path"] == str(tmp_path / "b" / "privkey.pem")
    assert found["newest"]["fullchain"].count("BEGIN CERTIFICATE") == 2
    assert 10 < found["newest"]["lifetime_used_percent"] < 11
    reasons = {item["thumbprint"]: item["reasons"] for item in found["certificates"]}
    assert reasons[unfit.thumbprint] == [f"it lacks the names {NAMES[1]}"]
    assert reasons[nameless.thumbprint] == ["it has no common name"]
    allowed = look(tmp_path, names=list(NAMES), require_common_name=False)
    assert allowed["newest"]["thumbprint"] == nameless.thumbprint
    assert "PRIVATE KEY" not in str(found)


def test_what_would_be_due_at_once_is_reported_and_still_the_newest(tmp_path: Path) -> None:
    new = CA.issue(*SUBJECT, dns=NAMES, valid_days=47)
    new.write_fullchain(tmp_path / "mail.pem")
    new.write_key(tmp_path / "mail.key")
    spaced = " ".join(new.thumbprint[at : at + 2] for at in range(0, 40, 2)).lower()
    last_day = f"{new.certificate.not_valid_after_utc:%Y-%m-%d}"
    name = CA.certificate.subject.rfc4514_string().partition("=")[2][:4].upper()

    days_left = look(tmp_path)["newest"]["days_left"]
    assert 40 < days_left < 47

    for options, reasons in (
        ({}, []),
        ({"revoked_thumbprints": [spaced]}, ["it is revoked"]),
        ({"minimum_days": 60}, [f"it has {days_left} days left"]),
        ({"minimum_days": 40}, []),
        (
            {"distrusted_issuers": [{"issuer": name, "from": last_day}]},
            [f"clients do not trust its issuer from {last_day} on"],
        ),
        ({"distrusted_issuers": [{"issuer": name, "from": "2199-01-01"}]}, []),
        ({"distrusted_issuers": [{"issuer": "Somebody else", "from": last_day}]}, []),
    ):
        found = look(tmp_path, **options)
        assert found["newest"]["due_reasons"] == reasons, options
        assert found["newest"]["usable"] is True

    assert "minimum_days" in look(tmp_path, minimum_days=-1)["msg"]
    assert (
        "revoked_thumbprints: '12' is not a thumbprint"
        in look(tmp_path, revoked_thumbprints=["12"])["msg"]
    )
    wrong = [{"issuer": name, "from": "soon"}]
    assert "'soon' is no day" in look(tmp_path, distrusted_issuers=wrong)["msg"]


def test_certificates_of_a_week_are_counted_with_their_key_or_without(tmp_path: Path) -> None:
    for number, days in enumerate((1, 3, 8)):
        item = CA.issue(*SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(days), valid_days=47)
        item.write_fullchain(tmp_path / f"{number}.fullchain.pem")
    found = look(tmp_path, names=list(NAMES))
    assert len(found["issued_within_a_week"]) == 2
    assert found["newest"] is None
    assert look(tmp_path, names=list(NAMES[:1]))["issued_within_a_week"] == []


def test_what_cannot_be_read_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    new = CA.issue(*SUBJECT, dns=NAMES, valid_days=47)
    new.write_pfx(tmp_path / "good.pfx", "the password")
    new.write_pfx(tmp_path / "other.pfx", "another password")
    (tmp_path / "rubbish.crt").write_bytes(b"\x30\x03rubbish")
    (tmp_path / "readme.txt").write_text("not looked at")
    found = look(tmp_path, pfx_password="the password")
    assert found["newest"]["pfx_path"] == str(tmp_path / "good.pfx")
    assert sorted(text.partition(":")[2] for text in found["not_read"]) == [
        " it holds a damaged certificate.",
        " it is no PFX, or has another password.",
    ]


def test_a_certificate_with_a_key_of_an_unknown_kind_hides_no_other(tmp_path: Path) -> None:
    good = CA.issue(*SUBJECT, dns=NAMES, valid_days=47)
    good.write_fullchain(tmp_path / "good.pem")
    good.write_key(tmp_path / "good.key")
    odd = pki.of_an_unknown_kind(CA.issue(*SUBJECT, dns=NAMES, key=pki.new_key("ec")))
    (tmp_path / "odd.crt").write_bytes(odd)
    found = look(tmp_path)
    assert found["newest"]["thumbprint"] == good.thumbprint
    assert found["not_read"] == [
        f"{tmp_path / 'odd.crt'}: the key of its certificate is of an unknown kind."
    ]


def test_a_pfx_of_an_unknown_kind_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = CA.issue(*SUBJECT, dns=NAMES, valid_days=47)
    good.write_fullchain(tmp_path / "good.pem")
    good.write_key(tmp_path / "good.key")
    good.write_pfx(tmp_path / "odd.pfx", "the password")

    def refusing(*_: object) -> None:
        raise UnsupportedAlgorithm("curve 1.2.156.10197.1.301 is not supported")

    monkeypatch.setattr(pkcs12, "load_pkcs12", refusing)
    found = look(tmp_path, pfx_password="the password")
    assert found["newest"]["thumbprint"] == good.thumbprint
    assert found["not_read"] == [
        f"{tmp_path / 'odd.pfx'}: its key or its encryption is of an unknown kind."
    ]


def test_an_answer_may_hold_a_certificate_with_a_key_of_an_unknown_kind(tmp_path: Path) -> None:
    ask(tmp_path)
    key = load_pem_private_key((tmp_path / "mail.key.pem").read_bytes(), None)
    answer = CA.issue(*SUBJECT, dns=NAMES, key=key)  # type: ignore[arg-type]
    odd = pki.of_an_unknown_kind(CA.issue(*SUBJECT, key=pki.new_key("ec")))
    completed = run(
        "exchange_certificate_request_file",
        state="completed",
        private_key_path=str(tmp_path / "mail.key.pem"),
        response_content=odd.decode() + answer.certificate_pem().decode(),
    )
    assert completed["thumbprint"] == answer.thumbprint


def test_a_missing_folder_is_an_error_or_empty(tmp_path: Path) -> None:
    assert "there is no folder" in look(tmp_path / "none")["msg"]
    assert look(tmp_path / "none", missing_directory="empty")["certificates"] == []


def closed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let a folder be one that this account may not list."""
    real = os.scandir

    def refusing(path: Any = ".") -> Any:
        if Path(path) == folder:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)


def test_a_closed_folder_is_not_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = CA.issue(*SUBJECT, dns=NAMES, valid_days=47)
    good.write_fullchain(tmp_path / "good.pem")
    good.write_key(tmp_path / "good.key")
    (tmp_path / "archive").mkdir()

    closed(monkeypatch, tmp_path / "archive")
    found = look(tmp_path)
    assert found["newest"]["thumbprint"] == good.thumbprint
    assert found["not_read"] == [
        f"{tmp_path / 'archive'}: the folder cannot be read: Permission denied."
    ]

    closed(monkeypatch, tmp_path)
    refused = look(tmp_path)
    assert refused["failed"] is True
    assert refused["msg"].startswith(f"directory: {tmp_path} cannot be read: Permission denied.")
