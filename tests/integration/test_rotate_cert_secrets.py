# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does a secret of a rotation show up: in output at -vvvv, logs, files, the process list?"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from support.example_organisation import (
    EDGE_AND_MAILBOX,
    ExampleOrganisation,
    with_edge,
    write_example,
)
from support.fake_process import FakeProcess
from support.rotation_stage import RotationStage
from support.watcher import Watcher

INPUTS = {"inventory.yml", "extra_variables.yml", "organisation.yml", "mail.contoso.test.pfx"}


def needles(example: ExampleOrganisation) -> dict[str, list[bytes]]:
    """What must not be found, in the forms in which it could show up."""
    key = example.new.key_pem()
    body = b"".join(key.splitlines()[1:-1])
    der = base64.b64decode(body)
    texts = {"account password": example.password, "PFX password": example.pfx_password}
    found = {
        name: [text.encode(), text.encode("utf-16-le"), base64.b64encode(text.encode())]
        for name, text in texts.items()
    }
    # A piece from the middle: PEM, its unbroken base64, and the bytes themselves.
    found["private key"] = [key.splitlines()[5], body[200:260], der[300:340]]
    pfx = example.pfx.read_bytes()
    found["PFX"] = [base64.b64encode(pfx[300:420]), pfx[300:340]]
    return found


def haystacks(stage: RotationStage, output: str, watcher: Watcher) -> Iterator[tuple[str, bytes]]:
    yield "output", output.encode()
    for number, text in enumerate(watcher.seen):
        yield f"process list {number}: {text[:80]}", text.encode()
    for name, contents in watcher.files.items():
        yield from ((f"temporary file {name}", content) for content in contents)
    for file in stage.directory.rglob("*"):
        if file.is_file() and file.name not in INPUTS and not file.is_symlink():
            yield str(file), file.read_bytes()


def found_in(places: Iterable[tuple[str, bytes]], example: ExampleOrganisation) -> list[str]:
    return [
        f"{name} in {place}"
        for place, content in places
        for name, forms in needles(example).items()
        if any(form in content for form in forms)
    ]


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    example = write_example(tmp_path, [{"name": "EX01"}])
    key = tmp_path / "a.key"
    key.write_bytes(example.new.key_pem())
    places = [(file.name, file.read_bytes()) for file in (example.file, key)]
    places += [("encoded", base64.b64encode(example.pfx_password.encode()))]
    places += [("wide", example.password.encode("utf-16-le")), ("file", example.pfx.read_bytes())]
    assert found_in(places, example) == [
        f"account password in {example.file.name}",
        "private key in a.key",
        "PFX password in encoded",
        "account password in wide",
        "PFX in file",
    ]


def test_files_that_are_gone_again_are_searched(tmp_path: Path) -> None:
    short_lived = tmp_path / "ansible-local" / "secret"
    short_lived.parent.mkdir()
    with Watcher(tmp_path) as watcher:
        short_lived.write_bytes(b"seen")
        while str(short_lived) not in watcher.files:
            assert watcher.is_alive()
        short_lived.unlink()
    assert b"seen" in watcher.files[str(short_lived)]


@pytest.mark.parametrize(
    "outcome", ["success", "failure", pytest.param("with Edge", marks=pytest.mark.once)]
)
def test_no_secret_shows_up_anywhere(tmp_path: Path, outcome: str) -> None:
    if outcome == "with Edge":
        example = write_example(tmp_path, EDGE_AND_MAILBOX, adjust=with_edge)
    else:
        example = write_example(tmp_path, [{"name": "EX01"}])
    # Named briefly: ansible-core opens a socket in it, and a socket's path is short by nature.
    temporary = tmp_path / "t"
    temporary.mkdir()
    log = tmp_path / "ansible.log"
    environment = {
        "ANSIBLE_LOG_PATH": str(log),
        "ANSIBLE_LOCAL_TEMP": str(temporary),
        "TMPDIR": str(temporary),
        "ANSIBLE_KEEP_REMOTE_FILES": "true",
        "ANSIBLE_DEBUG": "true",
        "ANSIBLE_DIFF_ALWAYS": "true",
    }
    with FakeProcess.start(example.file) as fake, Watcher(temporary) as watcher:
        stage = RotationStage(tmp_path, example, fake)
        if outcome == "failure":
            fake.post("/faults", kind="fail_cmdlet", cmdlet="Import-ExchangeCertificate")
        run = stage.run(arguments=("-vvvv",), environment=environment)
        assert (run.return_code == 0) == (outcome != "failure"), run.output[-3000:]
        (tmp_path / "control.log").write_text(str(fake.get("/log")) + str(fake.get("/state")))
    assert log.stat().st_size > 10_000
    assert len(watcher.seen) > 2
    assert found_in(haystacks(stage, run.output, watcher), example) == []
