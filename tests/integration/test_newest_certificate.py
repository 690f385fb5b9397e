# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is what another program fetched brought to Exchange, and is nothing done when nothing is new?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from support import pki
from support.example_organisation import NAMES, SUBJECT, authorities, write_example
from support.fake_process import FakeProcess
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import PlaybookRun

PLAYBOOK = REPOSITORY / "playbooks" / "rotate_newest.yml"
SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Berlin"}]
ROOT, FIRST_CA, SECOND_CA = authorities()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[RotationStage]:
    example = write_example(tmp_path, SERVERS)
    with FakeProcess.start(example.file) as fake:
        yield RotationStage(tmp_path, example, fake)


def look(stage: RotationStage, *, check_mode: bool = False, **more: Any) -> PlaybookRun:
    arguments = more.pop("arguments", ())
    return stage.run(
        playbook=PLAYBOOK,
        check_mode=check_mode,
        give_certificate=False,
        arguments=arguments,
        **{
            "newest_certificate_directory": str(stage.directory / "fetched"),
            "newest_certificate_names": list(NAMES),
            **more,
        },
    )


def fetched(stage: RotationStage, layout: str, new: pki.Issued) -> dict[str, Any]:
    """What the program leaves in the folder; returns what the administrator has to say of it."""
    folder = stage.directory / "fetched" / "live"
    folder.mkdir(parents=True, exist_ok=True)
    if layout == "certbot":
        new.write_fullchain(folder / "fullchain.pem")
        (folder / "cert.pem").write_bytes(new.certificate_pem())
        new.write_key(folder / "privkey.pem")
    elif layout == "lego":
        (folder / "mail.crt").write_bytes(new.certificate_pem())
        (folder / "mail.issuer.crt").write_bytes(new.chain[0].public_bytes(Encoding.PEM))
        new.write_key(folder / "mail.key")
    else:
        new.write_pfx(folder / "mail.pfx", "the PFX's own password", modern=True)
        return {"newest_certificate_pfx_password": "the PFX's own password"}
    return {}


@pytest.mark.long_variants
@pytest.mark.parametrize(
    "layout", ["certbot", *(pytest.param(it, marks=pytest.mark.once) for it in ("lego", "pfx"))]
)
def test_what_was_fetched_is_rotated_to_once(stage: RotationStage, layout: str) -> None:
    new = stage.example.new
    said = fetched(stage, layout, new)

    planned = look(stage, check_mode=True, **said).check()
    assert f"Import certificate {new.thumbprint}" in planned.output
    assert stage.changing_cmdlets() == []

    run = look(stage, **said).check()
    assert stage.everywhere() == {new.thumbprint}
    assert "the PFX's own password" not in run.output

    again = look(stage, **said).check()
    assert again.changed == 0
    assert "There is nothing to do" in again.output
    for server in ("EX01", "EX02"):
        counters = stage.fake.get("/counters")["servers"][server]
        assert counters["cmdlets"] == {"Get-ExchangeCertificate": 1}


@pytest.mark.long_variants
@pytest.mark.parametrize("why", ["commercial", "revoked"])
def test_a_former_certificate_that_ends_later_makes_nothing_new(tmp_path: Path, why: str) -> None:
    """It keeps SMTP for ever, which nobody can take from it."""
    lifetime, used = (398, 100) if why == "commercial" else (200, 5)
    old = FIRST_CA.issue(
        *SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(used), valid_days=lifetime
    )
    new = SECOND_CA.issue(*SUBJECT, dns=NAMES, valid_days=90)
    example = write_example(tmp_path, SERVERS, old=old, new=new)
    with FakeProcess.start(example.file) as fake:
        stage = RotationStage(tmp_path, example, fake)
        fetched(stage, "certbot", new)
        look(stage).check()
        assert stage.everywhere() == {new.thumbprint}
        for server in stage.state()["servers"].values():
            assert "SMTP" in server["certificates"][old.thumbprint]["Services"]

        again = look(stage).check()

        assert again.changed == 0
        assert "There is nothing to do" in again.output
        for server in ("EX01", "EX02"):
            cmdlets = fake.get("/counters")["servers"][server]["cmdlets"]
            assert cmdlets == {"Get-ExchangeCertificate": 1}


@pytest.mark.once
def test_what_is_missing_on_one_server_is_new(stage: RotationStage) -> None:
    fetched(stage, "certbot", stage.example.new)
    only_one = {"arguments": ("--limit", "EX01"), "rotate_prepared_servers": ["EX02"]}
    look(stage, **only_one).check()
    assert len(stage.everywhere()) == 2
    look(stage).check()
    assert stage.everywhere() == {stage.example.new.thumbprint}
    assert look(stage).check().changed == 0


@pytest.mark.once
def test_what_is_older_than_what_is_in_use_is_left_alone(stage: RotationStage) -> None:
    older = SECOND_CA.issue(
        *SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(100), valid_days=400
    )
    fetched(stage, "certbot", older)
    run = look(stage).check()
    assert run.changed == 0
    assert "older than what is" in run.output


@pytest.mark.once
def test_what_would_be_due_at_once_is_not_rotated_to(stage: RotationStage) -> None:
    fetched(stage, "certbot", stage.example.new)
    revoked = stage.example.new.thumbprint

    refused = look(stage, due_revoked_thumbprints=[revoked])

    assert refused.return_code != 0
    said = f"({revoked}) would be due as soon as it is in use: it is revoked."
    assert said in " ".join(refused.output.split())
    assert stage.changing_cmdlets() == []
    # Once it is in use, the audit of what is due reports it, and there is nothing to rotate to.
    look(stage).check()
    assert look(stage, due_revoked_thumbprints=[revoked]).check().changed == 0


@pytest.mark.once
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("no folder", "there is no folder"),
        ("no key", "its private key is not in the same folder"),
        ("names", "it lacks the names"),
        ("expired", "it expired on"),
        ("password", "it is no PFX, or has another password"),
        ("rubbish", "holds a damaged certificate"),
    ],
)
def test_what_cannot_be_used_is_reported(stage: RotationStage, wrong: str, reason: str) -> None:
    new, said = stage.example.new, {}
    if wrong == "expired":
        new = SECOND_CA.issue(
            *SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(50), valid_days=47
        )
    if wrong == "names":
        new = SECOND_CA.issue(*SUBJECT, dns=NAMES[:1])
    if wrong != "no folder":
        said = fetched(stage, "pfx" if wrong == "password" else "certbot", new)
    folder = stage.directory / "fetched" / "live"
    if wrong == "no key":
        (folder / "privkey.pem").unlink()
    if wrong == "password":
        said = {"newest_certificate_pfx_password": "another one"}
    if wrong == "rubbish":
        for path in folder.iterdir():
            path.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

    refused = look(stage, **said)

    assert refused.return_code != 0
    assert reason in " ".join(refused.output.split())
    assert stage.changing_cmdlets() == []
