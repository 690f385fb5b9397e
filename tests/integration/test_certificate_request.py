# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request, an authority that answers it, and a rotation: the way of commercial certificates."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from support import pki
from support.example_organisation import NAMES, authorities, write_example
from support.fake_process import FakeProcess
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import PlaybookRun, play, task

SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Hamburg"}]
ROOT, FIRST_CA, SECOND_CA = authorities()
SUBJECT = 'CN=mail.contoso.test, O="Contoso, Ltd.", C=DE'
ASKED = {"certificate_request_subject": SUBJECT, "certificate_request_names": list(NAMES)}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[RotationStage]:
    example = write_example(tmp_path, SERVERS)
    with FakeProcess.start(example.file) as fake:
        yield RotationStage(tmp_path, example, fake)


def run(stage: RotationStage, name: str, *, check_mode: bool = False, **more: Any) -> PlaybookRun:
    playbook = REPOSITORY / "playbooks" / f"{name}.yml"
    return stage.run(playbook=playbook, check_mode=check_mode, give_certificate=False, **more)


def changing(stage: RotationStage) -> list[str]:
    """Cmdlets that change something; reading a request is an export."""
    return [name for name in stage.changing_cmdlets() if not name.startswith("Export")]


def ask(stage: RotationStage, **more: Any) -> PlaybookRun:
    return run(stage, "request_cert", **{**ASKED, **more})


def waiting(stage: RotationStage, server: str = "EX01") -> list[str]:
    certificates = stage.state()["servers"][server]["certificates"]
    return [name for name, item in certificates.items() if item["Status"] == "PendingRequest"]


def answered(stage: RotationStage, request: str, form: str) -> tuple[str, Path]:
    """The thumbprint of the answer, and the file as the authority sends it."""
    leaf = pki.answer(SECOND_CA, request)
    chain = [leaf, *SECOND_CA.chain]
    content = {
        "cer": leaf.public_bytes(Encoding.DER),
        "p7b": pkcs7.serialize_certificates(chain, Encoding.DER),
        "pem": b"".join(item.public_bytes(Encoding.PEM) for item in chain),
        "base64": base64.encodebytes(leaf.public_bytes(Encoding.DER)),
    }[form]
    path = stage.directory / f"answer.{form}"
    path.write_bytes(content)
    return thumbprint(leaf), path


def thumbprint(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives import hashes

    return certificate.fingerprint(hashes.SHA1()).hex().upper()


def test_a_request_waits_and_is_the_same_at_every_run(stage: RotationStage) -> None:
    file = stage.directory / "mail.csr"

    planned = ask(stage, check_mode=True, certificate_request_file=str(file)).check()
    assert planned.result("See to the request")["changes"] == [
        f"Create a request for {SUBJECT} on EX01."
    ]
    assert changing(stage) == []
    assert not file.exists()

    ask(stage, certificate_request_file=str(file)).check()
    (request,) = waiting(stage)
    assert waiting(stage, "EX02") == []
    text = file.read_text(encoding="ascii")
    parsed = x509.load_pem_x509_csr(text.encode())
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == set(NAMES)

    again = ask(stage, certificate_request_file=str(file)).check()
    assert again.changed == 0
    assert waiting(stage) == [request]
    again_key = x509.load_pem_x509_csr(file.read_bytes()).public_key()
    assert again_key == parsed.public_key()

    other = ask(stage, certificate_request_names=[NAMES[0]]).check()
    assert other.result("See to the request")["changed"] is True
    assert len(waiting(stage)) == 2


@pytest.mark.long
def test_without_names_the_common_name_is_asked_for(stage: RotationStage) -> None:
    def request(subject: str, **more: Any) -> dict[str, Any]:
        more["certificate_request_subject"] = subject
        return run(stage, "request_cert", **more).check().result("See to the request")

    # Common name first or last, quoted or not.
    for subject in ("C=DE, O=Contoso, CN=mail.contoso.test", 'CN="mail.contoso.test", C=DE'):
        assert request(subject, check_mode=True)["changes"] == [
            f"Create a request for {subject} on EX01."
        ]
        assert waiting(stage) == []

        made = request(subject)
        assert made["changed"] is True
        assert made["request"]["dns_names"] == ["mail.contoso.test"]
        (thumbprint,) = waiting(stage)
        stored = stage.state()["servers"]["EX01"]["certificates"][thumbprint]
        assert stored["FriendlyName"] == "mail.contoso.test"
        assert stored["CertificateDomains"] == ["mail.contoso.test"]

        again = request(subject)
        assert again["changed"] is False
        assert again["request"]["thumbprint"] == thumbprint
        assert waiting(stage) == [thumbprint]

        request(subject, certificate_request_state="absent", check_mode=True)
        assert waiting(stage) == [thumbprint]
        gone = request(subject, certificate_request_state="absent")
        assert gone["removed"] == [thumbprint]
        assert waiting(stage) == []


@pytest.mark.long
@pytest.mark.once
def test_a_common_name_that_is_no_host_name_is_asked_for_alone(stage: RotationStage) -> None:
    for common_name in ("EX01", "Contoso Mail"):
        variables = {"certificate_request_subject": f"CN={common_name}, O=Contoso"}
        run(stage, "request_cert", **variables).check()
        assert len(waiting(stage)) == 1
        assert run(stage, "request_cert", **variables).check().changed == 0
        run(stage, "request_cert", certificate_request_state="absent", **variables).check()
        assert waiting(stage) == []


@pytest.mark.long_variants
@pytest.mark.parametrize(
    "form",
    ["p7b", *(pytest.param(form, marks=pytest.mark.once) for form in ("pem", "cer", "base64"))],
)
def test_the_answer_is_completed_brought_everywhere_and_rotated_to(
    stage: RotationStage, form: str
) -> None:
    request = ask(stage).check().result("See to the request")["request"]["pem"]
    new, path = answered(stage, request, form)
    answer = {"certificate_request_response_path": str(path)}

    run(stage, "complete_cert", check_mode=True, **answer).check()
    assert changing(stage) == []

    if form != "p7b":
        # The other forms differ in how they are read alone.
        answer["rotate_ports"] = []  # type: ignore[assignment]
    run(stage, "complete_cert", **answer).check()
    assert waiting(stage) == []
    for server in ("EX01", "EX02"):
        assert new in stage.state()["servers"][server]["certificates"]
    if form == "p7b":
        assert stage.everywhere() == {new}

    again = run(stage, "complete_cert", **answer).check()
    assert again.changed == 0
    assert changing(stage) == []


@pytest.mark.long
def test_relative_paths_are_those_of_the_folder_where_the_run_is_started(
    stage: RotationStage,
) -> None:
    def named(playbook: str, **more: Any) -> PlaybookRun:
        """The collection's playbook by its name, which lies far from the user's files."""
        name = Path(f"mailops.exchange.{playbook}")
        return stage.run(playbook=name, give_certificate=False, rotate_ports=[], **more)

    asked = {**ASKED, "certificate_request_file": "mail.csr"}
    named("request_cert", check_mode=True, **asked).check()
    assert not (stage.directory / "mail.csr").exists()
    named("request_cert", **asked).check()
    assert not (REPOSITORY / "playbooks" / "mail.csr").exists()
    assert named("request_cert", **asked).check().changed == 0

    request = (stage.directory / "mail.csr").read_text(encoding="ascii")
    new, path = answered(stage, request, "p7b")
    answer = {"certificate_request_response_path": path.name}
    named("complete_cert", check_mode=True, **answer).check()
    assert changing(stage) == []
    named("complete_cert", **answer).check()
    assert new in stage.state()["servers"]["EX02"]["certificates"]
    assert named("complete_cert", **answer).check().changed == 0

    pfx = {
        "rotate_pfx_path": stage.example.pfx.name,
        "rotate_pfx_password": stage.example.pfx_password,
    }
    planned = named("rotate_cert", check_mode=True, **pfx).check()
    assert f"Import certificate {stage.example.new.thumbprint}" in planned.output

    refused = named("complete_cert", certificate_request_response_path="nowhere.p7b")
    assert (
        "neither in a files folder of the role or the playbook nor in "
        f"{stage.directory}, where ansible-playbook was started"
        in refused.result("See to the request")["msg"]
    )


@pytest.mark.once
@pytest.mark.parametrize("wrong", ["another key", "rubbish"])
def test_what_does_not_belong_to_the_request_is_refused(stage: RotationStage, wrong: str) -> None:
    ask(stage).check()
    path = stage.directory / "answer.cer"
    path.write_bytes(
        stage.example.new.certificate.public_bytes(Encoding.DER)
        if wrong == "another key"
        else b"what is this?"
    )

    refused = run(stage, "complete_cert", certificate_request_response_path=str(path))

    assert refused.return_code != 0
    said = "key of a request that waits" if wrong == "another key" else "neither CER, P7B nor PEM"
    assert said in refused.result("See to the request")["msg"]
    assert changing(stage) == []
    assert len(waiting(stage)) == 1


def test_a_request_is_withdrawn(stage: RotationStage) -> None:
    ask(stage).check()

    ask(stage, check_mode=True, certificate_request_state="absent").check()
    assert len(waiting(stage)) == 1
    ask(stage, certificate_request_state="absent").check()
    assert waiting(stage) == []
    assert ask(stage, certificate_request_state="absent").check().changed == 0


@pytest.mark.once
def test_the_key_can_be_made_on_the_control_node(stage: RotationStage) -> None:
    key, file = stage.directory / "keys" / "mail.key.pem", stage.directory / "mail.csr"
    password = stage.directory / "vault-password"
    password.write_text("open sesame", encoding="utf-8")
    asked: dict[str, Any] = {
        # Relative to the folder in which ansible-playbook is started.
        "certificate_request_private_key_path": "keys/mail.key.pem",
        "certificate_request_encrypt_key": True,
        "certificate_request_file": "mail.csr",
        "arguments": ("--vault-password-file", str(password)),
    }
    ask(stage, check_mode=True, **asked).check()
    assert not key.exists()
    assert not file.exists()

    ask(stage, **asked).check()
    assert key.read_text(encoding="ascii").startswith("$ANSIBLE_VAULT")
    assert key.stat().st_mode & 0o777 == 0o600
    request = file.read_text(encoding="ascii")
    assert ask(stage, **asked).check().changed == 0
    assert file.read_text(encoding="ascii") == request
    assert waiting(stage) == []

    new, path = answered(stage, request, "p7b")
    answer = {**asked, "certificate_request_response_path": path.name}
    planned = run(stage, "complete_cert", check_mode=True, **answer).check()
    assert f"Import certificate {new}" in planned.output
    assert changing(stage) == []
    run(stage, "complete_cert", **answer).check()
    assert stage.everywhere() == {new}
    assert run(stage, "complete_cert", **answer).check().changed == 0

    path.write_bytes(stage.example.old.certificate.public_bytes(Encoding.DER))
    refused = run(stage, "complete_cert", **answer)
    assert refused.return_code != 0
    assert "none of the 1 certificates in it has the key" in refused.output
    assert changing(stage) == []


def test_a_lost_answer_makes_no_second_request(stage: RotationStage) -> None:
    stage.fake.post("/faults", kind="lose_cmdlet", cmdlet="New-ExchangeCertificate")
    ask(stage).check()
    assert len(waiting(stage)) == 1


@pytest.mark.long
@pytest.mark.once
def test_a_certificate_is_renewed_with_its_names_and_those_on_top(stage: RotationStage) -> None:
    old = stage.example.old.thumbprint
    variables = {
        "certificate_request_renews": old,
        "preflight_required_names": [NAMES[0], "new.contoso.test"],
    }
    made = run(stage, "request_cert", **variables).check().result("See to the request")["request"]
    assert set(made["dns_names"]) == {*NAMES, "new.contoso.test"}
    assert f"CN={NAMES[0]}" in made["subject"]
    assert "O=Contoso" in made["subject"]
    assert run(stage, "request_cert", **variables).check().changed == 0
    assert len(waiting(stage)) == 1

    variables["certificate_request_renews"] = "0" * 40
    refused = run(stage, "request_cert", **variables)
    assert "has no certificate" in refused.result("See to the request")["msg"]


@pytest.mark.long
@pytest.mark.once
def test_short_names_are_not_renewed(tmp_path: Path) -> None:
    old = FIRST_CA.issue(("CN", NAMES[0]), dns=[NAMES[0], "EX01"], valid_days=20)
    example = write_example(tmp_path, SERVERS, old=old)
    variables: dict[str, Any] = {"certificate_request_renews": old.thumbprint}
    with FakeProcess.start(example.file) as fake:
        stage = RotationStage(tmp_path, example, fake)

        planned = run(stage, "request_cert", check_mode=True, **variables).check()
        assert "has it: EX01. Public authorities" in planned.output
        made = run(stage, "request_cert", **variables).check().result("See to the request")
        assert made["request"]["dns_names"] == [NAMES[0]]
        assert made["warnings"] == [
            f"Not asked for, though certificate {old.thumbprint} has it: EX01. "
            "Public authorities refuse what is no full host name."
        ]
        assert run(stage, "request_cert", **variables).check().changed == 0

        # A name that the user gives is the user's choice.
        refused = run(stage, "request_cert", certificate_request_names=["EX01"], **variables)
        assert "names: 'EX01' is no full host name" in refused.result("See to the request")["msg"]

        run(stage, "request_cert", certificate_request_state="absent", **variables).check()
        assert waiting(stage) == []


@pytest.mark.once
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"subject": "O=Contoso"}, "has no common name"),
        ({"subject": "CN=mail.contoso.com, Contoso"}, "cannot be asked for: expected '='"),
        ({"subject": SUBJECT, "names": ["mail contoso"]}, "is no full host name"),
        ({"subject": SUBJECT, "key_size": 1024}, "key_size has to be one of"),
        ({"state": "absent"}, "needs thumbprint or subject"),
        ({"state": "completed", "response_path": "nowhere.cer"}, "was not found"),
        ({"state": "completed"}, "response_path"),
    ],
)
def test_a_wrong_input_is_refused(
    stage: RotationStage, options: dict[str, Any], reason: str
) -> None:
    found = stage.run(
        playbook=[play("EX01", [task("Do", "exchange_certificate_request", options)])]
    )
    assert reason in found.result("Do")["msg"]
    assert changing(stage) == []
