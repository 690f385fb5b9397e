# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the playbook name the cause of each documented error, and nothing where nothing is wrong?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support import pki
from support.example_organisation import NAMES, SUBJECT, authorities, write_example
from support.fake_process import FakeProcess
from support.rotation_stage import REPOSITORY, RotationStage
from support.run_playbook import PlaybookRun

PLAYBOOK = REPOSITORY / "playbooks" / "diagnose_tls.yml"
_ROOT, CA, OTHER_CA = authorities()

STARTTLS = "451 5.7.3 STARTTLS is required to send mail"
WRAPPED = f"450 4.4.101 Proxy session setup failed with '{STARTTLS}' [Message={STARTTLS}]"
NOT_FOUND = (
    "454 4.7.5 The certificate specified in TlsCertificateName of the SendConnector could not be "
    "found."
)
UNTRUSTED = "454 4.7.0 Failed to establish appropriate TLS channel: UntrustedRoot: Access Denied"
KERBEROS = "454 4.7.0 Temporary authentication failure"
RELAY = "550 5.7.64 Relay Access Denied ATTR36"
NO_KEY = "TLS negotiation failed with error NoCredentials"
NOT_BOUND = "TLS negotiation failed with error UnknownCredentials"
EXPIRED = "450 4.4.317 Cannot connect to remote server [Message=CertificateExpired]"
MISMATCH = (
    "450 4.4.317 Cannot connect to remote server [Message=SubjectMismatch Expected Subject: {}. "
    "Presented Subject: CN=mail.contoso.test]"
)
EVENT_12014 = (
    "Event 12014: Microsoft Exchange could not find a certificate that contains the domain name "
    "<I>CN=Nobody<S>CN=nothing.test in the personal store on the local computer."
)

NOBODY = {"tls_certificate_name": "<I>CN=Nobody<S>CN=nothing.test"}


def frontend(**settings: Any) -> dict[str, Any]:
    return {"receive_connectors": {"Default Frontend": settings}}


def holding(certificate: str, *services: str, **settings: Any) -> list[dict[str, Any]]:
    return [
        {"certificate": "old", "services": ["IIS", "SMTP"]},
        {"certificate": certificate, "services": list(services), **settings},
    ]


def waiting(error: str) -> dict[str, Any]:
    return {"queues": [{"name": "7", "MessageCount": 2, "Status": "Retry", "LastError": error}]}


# Server -> (what is broken there, what is reported, the cause).
BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "NAME": (frontend(**NOBODY), WRAPPED, "receive_connector_certificate_not_found"),
    "EVENT": (frontend(**NOBODY), EVENT_12014, "receive_connector_certificate_not_found"),
    "MECHANISM": (
        frontend(AuthMechanism=["Integrated"]),
        STARTTLS,
        "starttls_not_in_auth_mechanism",
    ),
    "EXPIRED": (
        {
            **frontend(tls_certificate_name={"of": "expired"}),
            "certificates": holding("expired", "SMTP"),
        },
        EXPIRED,
        "certificate_expired",
    ),
    "EVENT16": (
        {
            **frontend(tls_certificate_name={"of": "expired"}),
            "certificates": holding("expired", "SMTP"),
        },
        "12016",
        "certificate_expired",
    ),
    "UNBOUND": (
        {
            **frontend(tls_certificate_name={"of": "other"}),
            "certificates": holding("other", "IIS"),
        },
        NOT_BOUND,
        "smtp_not_enabled",
    ),
    "KEYLESS": (
        {
            **frontend(tls_certificate_name={"of": "other"}),
            "certificates": holding("other", without_private_key=True),
        },
        NO_KEY,
        "private_key_unusable",
    ),
    "CHAIN": ({"import_intermediates": False}, STARTTLS, "chain_incomplete"),
    "STOPPED": (
        {"services": {"MSExchangeFrontEndTransport": "Stopped"}},
        "421 4.4.1 Connection timed out",
        "port_closed",
    ),
    "INTERNAL": (
        {"certificates": holding("expired", "SMTP", internal_transport=True)},
        "Event ID: 12015",
        "internal_transport_certificate_expired",
    ),
    "CLOCK": ({"clock_offset": 400}, KERBEROS, "clocks_differ"),
    "KERBEROS": (waiting(KERBEROS), KERBEROS, "servers_cannot_authenticate"),
    "PEERROOT": (waiting(UNTRUSTED), UNTRUSTED, "peer_not_trusted"),
    "PEERTLS": (waiting(STARTTLS), STARTTLS, "peer_offers_no_starttls"),
    "SENDER": ({}, NOT_FOUND, "send_connector_certificate_not_found"),
    "RETRY": (waiting(NOT_FOUND), NOT_FOUND, "messages_wait_for_retry"),
    "CLOUD": ({}, RELAY, "cloud_connector_without_certificate"),
    "CLOUDOFF": ({}, RELAY, "cloud_mail_not_enabled"),
    "CLOUDNAME": (
        {"certificates": holding("foreign", "SMTP")},
        RELAY,
        "certificate_name_not_accepted",
    ),
}
TO_CLOUD = {"address_spaces": ["smtp:more.mail.onmicrosoft.com;1"], "require_tls": True}
SEND_CONNECTORS = {
    "SENDER": NOBODY,
    "CLOUD": {**TO_CLOUD, "cloud_services_mail_enabled": True},
    "CLOUDOFF": {**TO_CLOUD, "tls_certificate_name": {"of": "old"}},
    "CLOUDNAME": {
        **TO_CLOUD,
        "tls_certificate_name": {"of": "foreign"},
        "cloud_services_mail_enabled": True,
    },
}
SOUND = "SOUND"
REPORTS = {
    "starttls": STARTTLS, "wrapped": WRAPPED, "4.7.5": NOT_FOUND, "untrusted": UNTRUSTED,
    "kerberos": KERBEROS, "relay": RELAY, "no key": NO_KEY, "not bound": NOT_BOUND,
    "expired": EXPIRED, "mismatch": MISMATCH.format("mail.contoso.test"), "12012": "12012",
    "12013": "12013", "12014": EVENT_12014, "12015": "12015", "12016": "12016",
    "4.4.1": "421 4.4.1 Connection timed out",
}  # fmt: skip


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RotationStage]:
    directory = tmp_path_factory.mktemp("diagnosis")
    old = CA.issue(*SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(10), valid_days=90)
    others = {
        "expired": CA.issue(
            ("CN", "gone.contoso.test"), not_before=pki.now() - pki.days(90), valid_days=80
        ),
        "other": OTHER_CA.issue(("CN", "other.contoso.test"), valid_days=90),
        "foreign": OTHER_CA.issue(("CN", "mail.fabrikam.test"), valid_days=90),
    }

    def adjust(organisation: dict[str, Any]) -> None:
        for name, issued in others.items():
            issued.write_pfx(directory / f"{name}.pfx", name)
            organisation["certificates"][name] = {"pfx": f"{name}.pfx", "password": name}
        organisation["peers"] = [{"name": "firewall", "domain": "f.test"}]
        hybrid, internet = organisation["send_connectors"]
        hybrid["cloud_services_mail_enabled"] = True
        hybrid["source_transport_servers"] = internet["source_transport_servers"] = [SOUND]
        organisation["send_connectors"] += [
            {
                "name": f"From {server}",
                "address_spaces": [f"smtp:{server}.test;1"],
                "source_transport_servers": [server],
                **settings,
            }
            for server, settings in SEND_CONNECTORS.items()
        ]

    servers = [{"name": SOUND}] + [
        {"name": name, **settings} for name, (settings, _message, _cause) in BROKEN.items()
    ]
    example = write_example(directory, servers, old=old, adjust=adjust)
    with FakeProcess.start(example.file) as fake:
        yield RotationStage(directory, example, fake)


def diagnose(
    stage: RotationStage, server: str, message: str | None, **variables: Any
) -> tuple[dict[str, Any], PlaybookRun]:
    if message is not None:
        variables["diagnose_tls_message"] = message
    variables.setdefault(
        "diagnose_tls_ports", [{"port": stage.fake.server(server)["ports"]["smtp"]}]
    )
    run = stage.run(
        playbook=PLAYBOOK,
        diagnose_tls_hosts=server,
        diagnose_tls_ca_path=str(stage.directory / "root.pem"),
        **variables,
    )
    assert run.changed == 0
    assert stage.changing_cmdlets() == []
    return run.result("Look at every server", server), run


@pytest.mark.parametrize("server", BROKEN)
def test_what_is_broken_is_found_and_the_repair_named(stage: RotationStage, server: str) -> None:
    _settings, message, cause = BROKEN[server]

    found, run = diagnose(stage, server, message)
    run.check()

    explaining = [item for item in found["causes"] if item["explains_message"]]
    assert [item["cause"] for item in explaining] == [cause]
    assert explaining[0]["evidence"]
    assert explaining[0]["repair"]["description"]
    assert cause in found["summary"]
    evidence = [item for item in found["checks"] if item["cause"] == cause]
    assert {item["status"] for item in evidence} == {"fail"}


@pytest.mark.parametrize("report", REPORTS)
def test_where_nothing_is_broken_nothing_is_claimed(stage: RotationStage, report: str) -> None:
    found, run = diagnose(stage, SOUND, REPORTS[report])
    run.check()

    assert found["reported"]["symptom"] is not None
    assert found["causes"] == []
    assert {item["status"] for item in found["checks"]} == {"pass"}
    # Deprecated: the name until 0.3.0.
    assert [item["door"] for item in found["checks"]] == [
        item["endpoint"] for item in found["checks"]
    ]
    assert "nothing here explains what was reported" in found["summary"]


def test_something_before_the_server_is_distinguished_from_it(stage: RotationStage) -> None:
    firewall = stage.fake.endpoints["peers"]["firewall"]["port"]
    found, run = diagnose(
        stage,
        SOUND,
        EXPIRED,
        diagnose_tls_ports=[
            {"port": stage.fake.server(SOUND)["ports"]["smtp"]},
            {"host": "127.0.0.1", "port": firewall},
        ],
    )
    run.check()

    (cause,) = [item for item in found["causes"] if item["explains_message"]]
    assert cause["cause"] == "something_else_answers"
    assert cause["subjects"] == [f"127.0.0.1:{firewall}"]


def test_another_name_than_the_other_side_expects_is_found(stage: RotationStage) -> None:
    found, run = diagnose(stage, SOUND, MISMATCH.format("*.fabrikam.test"))
    run.check()

    assert [item["cause"] for item in found["causes"]] == ["presented_certificate_has_other_names"]


def test_without_a_message_every_cause_is_reported_and_a_scheduled_job_may_fail(
    stage: RotationStage,
) -> None:
    found, run = diagnose(stage, "NAME", None, diagnose_tls_fail=True)

    assert run.return_code != 0
    assert [item["cause"] for item in found["causes"]] == [
        "receive_connector_certificate_not_found"
    ]
    assert found["reported"] is None


def test_check_mode_and_a_second_run_say_the_same(stage: RotationStage) -> None:
    first, _run = diagnose(stage, "NAME", WRAPPED)
    planned, _run = diagnose(stage, "NAME", WRAPPED, check_mode=True)

    assert first["causes"] == planned["causes"] == diagnose(stage, "NAME", WRAPPED)[0]["causes"]


@pytest.mark.parametrize("port", ["powershell_http", "winrm_http"])
def test_an_endpoint_that_does_not_answer_is_reported_and_no_cause(
    stage: RotationStage, port: str
) -> None:
    stage.fake.post("/ports", server=SOUND, port=port, closed=True)
    try:
        found, run = diagnose(stage, SOUND, STARTTLS)
    finally:
        stage.fake.post("/ports", server=SOUND, port=port, closed=False)
    run.check()

    assert found["causes"] == []
    assert "not_checked" in {item["status"] for item in found["checks"]}
    assert "could not be made" in found["summary"]
