# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is a due certificate renewed by an ACME authority and rotated to, and is Exchange left alone when
anything about that fails? The authority is Pebble."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from support import pki
from support.acme_proxy import AcmeProxy
from support.dns_server import DnsServer
from support.dns_server import missing_programs as missing_dns_programs
from support.example_organisation import NAMES, write_example
from support.fake_process import FakeProcess
from support.pebble import Pebble, missing_programs
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import (
    OPTIONAL_COLLECTIONS,
    PlaybookRun,
    has_collection,
    write_yaml,
)
from support.watcher import Watcher
from support.web_directory import WebDirectory

PLAYBOOK = REPOSITORY / "playbooks" / "renew_acme.yml"
ONE_SERVER = [{"name": "EX01", "site": "Berlin"}]

pytestmark = [
    pytest.mark.skipif(bool(missing_programs()), reason="pebble is missing (Debian: pebble)"),
    pytest.mark.skipif(
        not has_collection("community.crypto"),
        reason="community.crypto could not be downloaded from PyPI (package ansible)",
    ),
]


@pytest.fixture
def pebble(tmp_path: Path) -> Iterator[Pebble]:
    with Pebble(tmp_path / "pebble") as running:
        yield running


@pytest.fixture
def stage(tmp_path: Path, pebble: Pebble) -> Iterator[RotationStage]:
    """One server with a certificate of which ten of ninety days are left."""
    example = write_example(tmp_path, ONE_SERVER, adjust=lambda whole: whole.pop("trusted_roots"))
    with FakeProcess.start(example.file) as fake:
        yield RotationStage(tmp_path, example, fake, variables=pebble.variables(tmp_path))


def renew(stage: RotationStage, *, check_mode: bool = False, **more: Any) -> PlaybookRun:
    arguments = more.pop("arguments", ())
    environment = more.pop("environment", None)
    return stage.run(
        playbook=PLAYBOOK,
        check_mode=check_mode,
        give_certificate=False,
        arguments=arguments,
        environment=environment,
        **more,
    )


def changing(stage: RotationStage) -> list[str]:
    return stage.changing_cmdlets()


def certificate(stage: RotationStage) -> x509.Certificate:
    """What was issued last."""
    (folder,) = [path for path in (stage.directory / "acme").iterdir() if path.is_dir()]
    newest = max(folder.glob("*.fullchain.pem"), key=lambda path: path.stat().st_mtime_ns)
    return x509.load_pem_x509_certificates(newest.read_bytes())[0]


def only(stage: RotationStage) -> str:
    """The one certificate that every port presents."""
    (found,) = stage.everywhere()
    assert found is not None
    return found


def keys_in(stage: RotationStage) -> list[Path]:
    return sorted((stage.directory / "acme").rglob("*.key.pem"))


# -- what works -----------------------------------------------------------------------------------


def test_what_is_due_is_renewed_and_then_nothing_is(stage: RotationStage, pebble: Pebble) -> None:
    # Relative to the folder in which ansible-playbook is started.
    stage.variables |= {
        "acme_renewal_directory": "acme",
        # As -e name=value gives them.
        "acme_renewal_names": ",".join(NAMES),
        "acme_renewal_contact": "postmaster@contoso.test",
        "acme_renewal_force": "false",
        "acme_renewal_authority_ca_path": os.path.relpath(pebble.ca_file, stage.directory),
    }
    planned = renew(stage, check_mode=True).check()
    assert "would be ordered" in planned.output
    assert changing(stage) == []
    assert not (stage.directory / "acme").exists()

    run = renew(stage).check()

    issued = certificate(stage)
    assert only(stage) == thumbprint(issued)
    assert issued.subject.rfc4514_string() == f"CN={NAMES[0]}"
    assert set(alternative_names(issued)) == set(NAMES)
    assert issued.public_key().key_size == 2048  # type: ignore[union-attr]
    assert run.result("Leave it for whoever started the job")
    # Only the account's key is kept, for its owner alone.
    assert [path.name for path in keys_in(stage)] == ["account.key.pem"]
    assert stat.S_IMODE(keys_in(stage)[0].stat().st_mode) == 0o600
    assert stat.S_IMODE((stage.directory / "acme").stat().st_mode) == 0o700

    again = renew(stage).check()
    assert again.changed == 0
    assert "Nothing is due" in again.output
    assert stage.fake.get("/counters")["servers"]["EX01"]["cmdlets"] == {
        "Get-ExchangeCertificate": 1
    }


@pytest.mark.long
@pytest.mark.once
def test_every_renewal_may_come_from_another_issuing_certificate(
    stage: RotationStage, pebble: Pebble
) -> None:
    named = []
    for number in range(3):
        renew(stage, acme_renewal_force=True, rotate_preflight=number == 0).check()
        issued = certificate(stage)
        assert only(stage) == thumbprint(issued)
        issuer = issued.issuer.rfc4514_string()
        names = [name for name in stage.connector_names().values() if name]
        assert names
        assert all(issuer in name for name in names)
        named.append(issuer)
        pebble.restart()
    assert len(set(named)) == 3


@pytest.mark.long
@pytest.mark.once
def test_the_account_is_bound_to_the_one_with_the_authority(tmp_path: Path) -> None:
    secret = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
    with Pebble(tmp_path / "pebble", account_binding={"kid-1": secret}) as pebble:
        example = write_example(tmp_path, ONE_SERVER, adjust=lambda it: it.pop("trusted_roots"))
        with FakeProcess.start(example.file) as fake:
            stage = RotationStage(tmp_path, example, fake, variables=pebble.variables(tmp_path))
            refused = renew(stage)
            assert refused.return_code != 0
            assert "Have an account with the authority" in refused.output
            assert "external account" in refused.output.lower()
            assert changing(stage) == []

            binding = {"kid": "kid-1", "alg": "HS256", "key": secret}
            run = renew(stage, acme_renewal_external_account_binding=binding).check()
            assert secret not in run.output
            assert only(stage) == thumbprint(certificate(stage))


@pytest.mark.long_variants
@pytest.mark.once
@pytest.mark.parametrize("way", ["directory", "listener"])
def test_names_can_be_proved_by_http(stage: RotationStage, pebble: Pebble, way: str) -> None:
    web = stage.directory / "web"
    if way == "directory":
        with WebDirectory(web, pebble.http_port):
            renew(
                stage, acme_renewal_challenge="http-01", acme_renewal_http_directory=web.name
            ).check()
        assert list(web.rglob("*")) == [web / ".well-known", web / ".well-known/acme-challenge"]
    else:
        renew(
            stage,
            acme_renewal_challenge="http-01",
            acme_renewal_http_port=pebble.http_port,
            acme_renewal_http_address="127.0.0.1",
        ).check()
    assert only(stage) == thumbprint(certificate(stage))


@pytest.mark.long
@pytest.mark.once
@pytest.mark.skipif(bool(missing_dns_programs()), reason="named or nsupdate is missing (bind9)")
def test_names_can_be_proved_by_a_dynamic_update(tmp_path: Path) -> None:
    with (
        DnsServer(tmp_path / "dns", "contoso.test") as dns,
        Pebble(tmp_path / "pebble", dns_server=f"127.0.0.1:{dns.port}") as pebble,
    ):
        example = write_example(tmp_path, ONE_SERVER, adjust=lambda it: it.pop("trusted_roots"))
        with FakeProcess.start(example.file) as fake:
            stage = RotationStage(
                tmp_path,
                example,
                fake,
                variables={
                    **pebble.variables(tmp_path),
                    "acme_renewal_dns_tasks": "dns_nsupdate.yml",
                    "acme_renewal_nsupdate_server": "127.0.0.1",
                    "acme_renewal_nsupdate_port": dns.port,
                    "acme_renewal_nsupdate_zone": "contoso.test",
                    "acme_renewal_nsupdate_key_name": dns.key_name,
                    "acme_renewal_nsupdate_key_secret": dns.secret,
                },
            )
            refused = renew(stage, acme_renewal_nsupdate_key_secret="d3Jvbmc=")
            assert refused.return_code != 0
            assert "refused to update the TXT records" in refused.output
            assert changing(stage) == []

            run = renew(stage, arguments=("-vvv",)).check()
            assert dns.secret not in run.output
            assert only(stage) == thumbprint(certificate(stage))
            assert dns.texts(f"_acme-challenge.{NAMES[0]}") == []


@pytest.mark.long
@pytest.mark.once
def test_another_chain_can_be_chosen(tmp_path: Path) -> None:
    with Pebble(tmp_path / "pebble", environment={"PEBBLE_ALTERNATE_ROOTS": "1"}) as pebble:
        example = write_example(tmp_path, ONE_SERVER, adjust=lambda it: it.pop("trusted_roots"))
        with FakeProcess.start(example.file) as fake:
            stage = RotationStage(tmp_path, example, fake, variables=pebble.variables(tmp_path))
            wanted = x509.load_pem_x509_certificate(pebble.root(1)).subject
            name = wanted.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
            chain = [{"test_certificates": "last", "issuer": {"CN": name}}]
            renew(stage, acme_renewal_chain=chain).check()
            (file,) = (stage.directory / "acme").rglob("*.fullchain.pem")
            assert x509.load_pem_x509_certificates(file.read_bytes())[-1].issuer == wanted


# -- what an interrupted run costs ----------------------------------------------------------------


@pytest.mark.long_variants
@pytest.mark.once
@pytest.mark.parametrize("keep", ["file", "vault"])
def test_a_kept_certificate_is_taken_by_the_next_run(stage: RotationStage, keep: str) -> None:
    arguments: tuple[str, ...] = ()
    if keep == "vault":
        password = stage.directory / "vault-password"
        password.write_text("open sesame", encoding="utf-8")
        arguments = ("--vault-password-file", str(password))
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Import-ExchangeCertificate")
    failed = renew(stage, acme_renewal_keep_key=keep, arguments=arguments)
    assert failed.return_code != 0
    assert only(stage) == stage.example.old.thumbprint
    key = next(path for path in keys_in(stage) if path.name != "account.key.pem")
    begins = key.read_text(encoding="ascii")[:14]
    assert (begins == "$ANSIBLE_VAULT") == (keep == "vault")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600

    renew(stage, acme_renewal_keep_key=keep, arguments=arguments).check()
    assert len(list((stage.directory / "acme").rglob("*.fullchain.pem"))) == 1
    assert only(stage) == thumbprint(certificate(stage))


@pytest.mark.long_variants
@pytest.mark.once
@pytest.mark.parametrize("why", ["revoked", "minimum days", "distrusted"])
def test_a_kept_certificate_that_is_due_itself_is_not_taken(stage: RotationStage, why: str) -> None:
    """After a rotation the newest one that is kept is the one in use."""
    kept: dict[str, Any] = {"acme_renewal_keep_key": "file"}
    renew(stage, **kept).check()
    first = certificate(stage)
    assert renew(stage, **kept).check().changed == 0
    reason: dict[str, Any] = {
        "revoked": {"due_revoked_thumbprints": [thumbprint(first).lower()]},
        # More than its lifetime, so that what comes next has fewer days left, too.
        "minimum days": {"due_minimum_days": 100_000},
        "distrusted": {"due_distrusted_issuers": [{"issuer": "Pebble", "from": "2020-01-01"}]},
    }[why]

    planned = renew(stage, check_mode=True, **kept, **reason).check()
    assert "would be ordered" in planned.output
    assert changing(stage) == []

    run = renew(stage, **kept, **reason).check()

    assert "A renewal is due" in run.output
    second = certificate(stage)
    assert thumbprint(second) != thumbprint(first)
    assert only(stage) == thumbprint(second)
    if why == "revoked":
        again = renew(stage, **kept, **reason).check()
        assert again.changed == 0
        assert "Nothing is due" in again.output


@pytest.mark.long
@pytest.mark.once
def test_a_kept_certificate_that_was_revoked_before_it_was_used_is_not_taken(
    stage: RotationStage,
) -> None:
    kept: dict[str, Any] = {"acme_renewal_keep_key": "file"}
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Import-ExchangeCertificate")
    assert renew(stage, **kept).return_code != 0
    first = thumbprint(certificate(stage))
    renew(stage, **kept, due_revoked_thumbprints=[first]).check()
    assert only(stage) == thumbprint(certificate(stage)) != first


# -- what fails, and leaves Exchange alone --------------------------------------------------------


def failed_untouched(stage: RotationStage, run: PlaybookRun) -> str:
    """The one message of a run that has to have failed before anything was changed."""
    assert run.return_code != 0, run.output[-3000:]
    assert changing(stage) == []
    assert only(stage) == stage.example.old.thumbprint
    counters = stage.fake.get("/counters")["servers"]["EX01"]
    assert counters["cmdlets"] == {"Get-ExchangeCertificate": 1}
    message: str = run.result("Say that nothing was changed")["msg"]
    assert "nothing was changed on any Exchange server" in message
    return message


@pytest.mark.once
def test_a_wrong_proof_is_reported(stage: RotationStage, pebble: Pebble) -> None:
    body = {"host": "{{ acme_renewal_record_name }}.", "value": "something else"}
    # People are notified, by whatever way is set up.
    notified = stage.directory / "notified"
    tasks = write_yaml(
        stage.directory / "notify.yml",
        [
            {
                "name": "Notify",
                "ansible.builtin.copy": {
                    "content": "{{ notify_event }}: {{ notify_text }}",
                    "dest": str(notified),
                    "mode": "0600",
                },
            }
        ],
    )
    variables = {"acme_renewal_dns_api_present_body": body, "notify_tasks": str(tasks)}
    message = failed_untouched(stage, renew(stage, **variables))
    assert notified.read_text(encoding="utf-8") == f"failure: {message}"
    # With the authority's reason, where community.crypto passes it on.
    assert "status='invalid'" in message


@pytest.mark.long
@pytest.mark.once
def test_a_task_of_the_users_that_is_not_to_be_quoted_is_not(stage: RotationStage) -> None:
    tasks = write_yaml(
        stage.directory / "own-dns.yml",
        [
            {
                "name": "Notify the provider",
                "ansible.builtin.fail": {"msg": "the token-of-the-provider was refused"},
                "no_log": True,
            }
        ],
    )
    message = failed_untouched(stage, renew(stage, acme_renewal_dns_tasks=str(tasks)))
    assert "'Notify the provider' - what it said is hidden" in message
    assert "token-of-the-provider" not in message


@pytest.mark.once
def test_a_key_that_cannot_be_vaulted_is_reported_before_anything_is_ordered(
    stage: RotationStage,
) -> None:
    key = stage.example.old.key_pem().decode()
    variables = {"acme_renewal_keep_key": "vault", "acme_renewal_account_key_content": key}
    message = failed_untouched(stage, renew(stage, **variables))
    assert "See that the key can be kept" in message
    assert "No vault password was given" in message
    assert not list((stage.directory / "acme").rglob("*"))


@pytest.mark.long_variants
@pytest.mark.once
@pytest.mark.parametrize("keep", ["nowhere", "file"])
def test_a_folder_that_cannot_be_written_is_reported_before_anything_is_ordered(
    stage: RotationStage, pebble: Pebble, keep: str
) -> None:
    (stage.directory / "a-file").touch()
    with AcmeProxy(pebble) as proxy:
        variables = {
            "acme_renewal_authority": proxy.url,
            "acme_renewal_account_key_content": stage.example.old.key_pem().decode(),
            "acme_renewal_directory": str(stage.directory / "a-file" / "acme"),
            "acme_renewal_keep_key": keep,
        }
        message = failed_untouched(stage, renew(stage, **variables))
        assert str(stage.directory / "a-file") in message
        assert proxy.asked("newAccount") >= 1
        assert proxy.asked("newOrder") == 0


@pytest.mark.long
@pytest.mark.once
def test_a_provider_that_refuses_is_reported(stage: RotationStage, pebble: Pebble) -> None:
    url = f"{pebble.dns_api}/no-such-call"
    message = failed_untouched(stage, renew(stage, acme_renewal_dns_api_present_url=url))
    assert "404" in message


@pytest.mark.long
@pytest.mark.once
def test_an_authority_that_is_down_is_reported(stage: RotationStage, pebble: Pebble) -> None:
    pebble.stop()
    message = failed_untouched(stage, renew(stage, acme_renewal_timeout=5))
    assert "Ask the authority what it offers" in message
    pebble.start()


@pytest.mark.long
@pytest.mark.once
def test_an_authority_that_goes_down_half_way_is_reported(
    stage: RotationStage, pebble: Pebble
) -> None:
    with AcmeProxy(pebble) as proxy:
        proxy.close_after("newOrder")
        variables = {"acme_renewal_authority": proxy.url, "acme_renewal_timeout": 5}
        message = failed_untouched(stage, renew(stage, **variables))
        assert "Place the order" in message
        proxy.open()
        renew(stage, acme_renewal_authority=proxy.url).check()
        assert only(stage) == thumbprint(certificate(stage))


@pytest.mark.long
@pytest.mark.once
def test_a_limited_rate_is_respected_and_reported(stage: RotationStage, pebble: Pebble) -> None:
    with AcmeProxy(pebble) as proxy:
        proxy.limit("newOrder", retry_after=3600)
        variables = {"acme_renewal_authority": proxy.url, "acme_renewal_timeout": 8}
        message = failed_untouched(stage, renew(stage, **variables))
        assert "Place the order" in message
        assert "limits the rate" in message
        # Asked as often as the authority allows, and not more.
        assert proxy.asked("newOrder") <= 2


@pytest.mark.long
@pytest.mark.once
@pytest.mark.parametrize("share", ["50", "100"])
def test_refused_nonces_are_tried_again(stage: RotationStage, pebble: Pebble, share: str) -> None:
    pebble.environment = {"PEBBLE_WFE_NONCEREJECT": share}
    pebble.restart()
    run = renew(stage)
    if share == "50" and run.return_code == 0:
        assert only(stage) == thumbprint(certificate(stage))
        return
    assert "badNonce" in failed_untouched(stage, run)


@pytest.mark.long
@pytest.mark.once
def test_the_weekly_limit_is_kept(stage: RotationStage, pebble: Pebble) -> None:
    variables = {"acme_renewal_force": True, "acme_renewal_weekly_limit": 1}
    renew(stage, **variables).check()
    refused = renew(stage, **variables)
    assert refused.return_code != 0
    assert "acme_renewal_weekly_limit allows 1" in refused.output
    assert changing(stage) == []
    assert len(list((stage.directory / "acme").rglob("*.fullchain.pem"))) == 1


@pytest.mark.once
@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"acme_renewal_profile": "shortlived"}, "certificates without a common name"),
        ({"acme_renewal_profile": "premium"}, "has no profile premium"),
        ({"acme_renewal_terms_agreed": False}, "terms of service"),
        ({"acme_renewal_names": []}, "acme_renewal_names is empty"),
        ({"acme_renewal_names": ["m" * 60 + ".contoso.test"]}, "has 73 characters"),
        ({"acme_renewal_dns_tasks": ""}, "acme_renewal_dns_tasks"),
        ({"acme_renewal_challenge": "http-01"}, "acme_renewal_http_directory"),
        ({"acme_renewal_challenge": "tls-sni-01"}, "tls-sni-01"),
        ({"acme_renewal_key_size": 1024}, "2048, 3072 or 4096"),
        ({"acme_renewal_account_key_content": "no key"}, "Have an account with the authority"),
    ],
)
def test_what_makes_no_sense_is_refused(
    stage: RotationStage, variables: dict[str, Any], reason: str
) -> None:
    refused = renew(stage, **variables)
    assert refused.return_code != 0
    assert reason in " ".join(refused.output.split())
    assert changing(stage) == []
    assert not list((stage.directory / "acme").rglob("*.fullchain.pem"))


@pytest.mark.once
def test_a_missing_collection_is_reported(
    stage: RotationStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(OPTIONAL_COLLECTIONS)
    refused = renew(stage)
    assert refused.return_code != 0
    assert "ansible-galaxy collection install 'community.crypto" in refused.output
    assert changing(stage) == []


def test_no_key_shows_up_anywhere(stage: RotationStage) -> None:
    """Not in the output at -vvvv, not in a log, not in a temporary file of a module."""
    temporary = stage.directory / "t"
    temporary.mkdir()
    log = stage.directory / "ansible.log"
    with Watcher(temporary) as first, Watcher(stage.directory / ".ansible") as second:
        run = renew(
            stage,
            arguments=("-vvvv", "--diff"),
            environment={
                "ANSIBLE_LOG_PATH": str(log),
                "ANSIBLE_LOCAL_TEMP": str(temporary),
                "TMPDIR": str(temporary),
            },
        ).check()
    account = keys_in(stage)[0].read_text(encoding="ascii")
    places = {"output": run.output.encode(), "log": log.read_bytes()}
    places |= {f"process {n}": text.encode() for n, text in enumerate(first.seen)}
    for watcher in (first, second):
        places |= {
            f"{name} {n}": content
            for name, contents in watcher.files.items()
            for n, content in enumerate(contents)
        }
    secrets = [b"PRIVATE KEY-----\nM", b"PRIVATE KEY-----\\nM", account.splitlines()[1].encode()]
    assert [name for name, text in places.items() if any(it in text for it in secrets)] == []
    assert json.dumps(stage.state()).count("PRIVATE KEY") == 0


def thumbprint(found: x509.Certificate) -> str:
    return pki.Issued(found, pki.kept_key("any")).thumbprint


def alternative_names(found: x509.Certificate) -> list[str]:
    extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return extension.value.get_values_for_type(x509.DNSName)
