# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the playbook rotate certificates as its documentation promises, whatever they look like?

The real ansible-playbook against the fake organization; judged from outside (see `rotation_stage`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support import pki
from support.example_organisation import NAMES, SUBJECT, authorities, write_example
from support.fake_process import FakeProcess
from support.rotation_stage import RotationStage
from support.run_playbook import play

SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Hamburg"}]
Setting = Callable[..., RotationStage]

ROOT, FIRST_CA, SECOND_CA = authorities()


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    """Sets up an organization; everything is ended afterwards."""
    running: list[FakeProcess] = []

    def set_up(
        *,
        variables: dict[str, Any] | None = None,
        files: Mapping[str, bytes] | None = None,
        hide_ports: bool = False,
        **example: Any,
    ) -> RotationStage:
        for name, content in (files or {}).items():
            (tmp_path / name).write_bytes(content)
        example = {"servers": SERVERS, **example}
        written = write_example(tmp_path, **example)
        running.append(FakeProcess.start(written.file))
        stage = RotationStage(tmp_path, written, running[-1], variables or {})
        if hide_ports:
            stage.host_variables = {name: {"rotate_ports": []} for name in stage.fake.names}
        return stage

    yield set_up
    for fake in running:
        fake.stop()


def old_certificate(*subject: pki.Part, dns: tuple[str, ...] = NAMES, days: int = 90) -> pki.Issued:
    """One of the first authority, ending in a few days."""
    start = pki.now() - pki.days(days - 10)
    return FIRST_CA.issue(*(subject or SUBJECT), dns=dns, not_before=start, valid_days=days)


def assert_rotated(stage: RotationStage) -> None:
    """Every port presents the new certificate, and a further run changes nothing."""
    assert stage.everywhere() == {stage.example.new.thumbprint}
    again = stage.run().check()
    assert again.changed == 0
    assert stage.changing_cmdlets() == []


def test_a_certificate_of_another_issuer_is_installed_named_restarted_and_presented(
    setting: Setting,
) -> None:
    stage = setting()
    before = stage.state()
    assert stage.everywhere() == {stage.example.old.thumbprint}

    stage.run().check()

    names = stage.connector_names()
    issuer = 'CN=Contoso Issuing CA 2, O="Contoso, Ltd."'
    after = f'<I>{issuer}<S>CN=mail.contoso.test, O="Contoso, Ltd.", C=DE'
    assert {name for name, value in names.items() if value == after} == {
        "Outbound to Office 365",
        "Default Frontend EX01",
        "Default Frontend EX02",
    }
    assert {value for value in names.values() if value} == {after}
    for name, server in stage.state()["servers"].items():
        installed = server["certificates"][stage.example.new.thumbprint]
        assert set(installed["Services"]) == {"IIS", "SMTP", "IMAP", "POP"}
        # Subscribed Edge servers and the old certificate are left in peace.
        internal = before["servers"][name]["InternalTransportCertificateThumbprint"]
        assert server["InternalTransportCertificateThumbprint"] == internal
        assert stage.example.old.thumbprint in server["certificates"]
    assert_rotated(stage)


def test_words_of_the_command_line_mean_what_they_say(setting: Setting) -> None:
    """What -e name=value gives is text: lists with commas, and false as a word."""
    stage = setting()
    words = {"rotate_services": "IIS,SMTP,IMAP,POP", "rotate_drain": "false"}
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Set-SendConnector")

    failed = stage.run(rotate_rollback="false", **words)
    assert failed.return_code != 0
    assert "rotate_rollback is false" in failed.output
    assert stage.example.new.thumbprint in stage.state()["servers"]["EX01"]["certificates"]

    run = stage.run(rotate_rollback="false", **words).check()
    assert "installed for IIS, SMTP, IMAP, POP" in run.output
    assert stage.fake.get("/counters")["servers"]["EX01"]["cmdlets"].get("Redirect-Message") is None
    assert_rotated(stage)


def test_a_renewal_under_the_same_name_sets_no_connector_but_restarts(setting: Setting) -> None:
    stage = setting(new=FIRST_CA.issue(*SUBJECT, dns=NAMES, valid_days=90))
    names = stage.connector_names()

    stage.run().check()

    assert not [name for name in stage.changing_cmdlets() if name.startswith("Set-")]
    assert stage.connector_names() == names
    assert_rotated(stage)


def test_a_wildcard_certificate_takes_over_web_and_smtp(setting: Setting) -> None:
    wildcard = SECOND_CA.issue(
        ("CN", "*.contoso.test"), dns=["*.contoso.test", "contoso.test"], valid_days=90
    )
    stage = setting(
        old=old_certificate(("CN", "*.contoso.test"), dns=("*.contoso.test",)),
        new=wildcard,
        services=("IIS", "SMTP"),
        variables={"rotate_services": ["IIS", "SMTP"], "preflight_allow_wildcard": True},
    )

    stage.run().check()

    seen = {
        port: value
        for port, value in stage.presented().items()
        if port[1] not in ("imaps", "pop3s")
    }
    assert set(seen.values()) == {wildcard.thumbprint}
    assert stage.run().check().changed == 0


def test_a_wildcard_certificate_for_imap_stops_before_any_change(setting: Setting) -> None:
    wildcard = SECOND_CA.issue(("CN", "*.contoso.test"), dns=["*.contoso.test"], valid_days=90)
    stage = setting(new=wildcard)

    run = stage.run()

    assert run.return_code != 0
    assert "wildcard" in run.output.lower()
    assert stage.changing_cmdlets() == []


@pytest.mark.long_variants
@pytest.mark.parametrize(
    "subject",
    [
        pytest.param((("CN", NAMES[0]), ("O", "Müller, Söhne & Co. KG")), id="comma and umlauts"),
        pytest.param((("CN", NAMES[0]), ("O", 'The "Best" Mail'), ("ST", "NRW")), id="quotes"),
        pytest.param((("CN", NAMES[0]), ("O", "A+B=C; <D> #E")), id="every character that quotes"),
        pytest.param((("CN", NAMES[0]), ("OU", "x" * 60), ("O", " blanks ")), id="long and blanks"),
    ],
)
def test_names_with_commas_and_quotes_reach_the_connectors_as_windows_prints_them(
    setting: Setting, subject: tuple[pki.Part, ...]
) -> None:
    stage = setting(
        servers=SERVERS[:1],
        old=old_certificate(*subject),
        new=SECOND_CA.issue(*subject, dns=NAMES, valid_days=90),
    )

    stage.run().check()

    stored = stage.state()["servers"]["EX01"]["certificates"][stage.example.new.thumbprint]
    expected = f"<I>{stored['Issuer']}<S>{stored['Subject']}"
    assert stage.connector_names()["Default Frontend EX01"] == expected
    assert stage.connector_names()["Outbound to Office 365"] == expected
    assert_rotated(stage)


def test_two_old_certificates_with_one_name_are_both_replaced(setting: Setting) -> None:
    older = old_certificate(days=300)

    def adjust(organisation: dict[str, Any]) -> None:
        organisation["certificates"]["older"] = {"pfx": "older.pfx", "password": "older"}
        certificates = organisation["defaults"]["certificates"]
        certificates.insert(0, {"certificate": "older", "services": ["SMTP", "IMAP", "POP"]})

    stage = setting(adjust=adjust, files={"older.pfx": older.pfx("older")})

    plan = "\n".join(stage.run(check_mode=True).check().result("Show what was done")["msg"])
    stage.run().check()

    assert {older.thumbprint, stage.example.old.thumbprint} <= set(plan.replace(":", " ").split())
    assert_rotated(stage)


def test_several_connectors_that_name_it_are_all_pointed_to_the_new_one(setting: Setting) -> None:
    of_old = {"tls_certificate_name": {"of": "old"}}

    def adjust(organisation: dict[str, Any]) -> None:
        organisation["send_connectors"] += [
            {"name": "Partner, with TLS", "address_spaces": ["smtp:partner.test;1"], **of_old},
            {"name": "Relay [old]*", "address_spaces": ["smtp:relay.test;1"], **of_old},
        ]
        organisation["defaults"]["receive_connectors"]["Client Frontend"] = of_old
        organisation["defaults"]["receive_connectors"]["Scanner"] = {
            "bindings": ["0.0.0.0:2526"],
            **of_old,
        }

    stage = setting(adjust=adjust)
    old_name = stage.connector_names()["Default Frontend EX01"]
    naming = {name for name, value in stage.connector_names().items() if value == old_name}
    assert len(naming) >= 8

    stage.run().check()

    values = stage.connector_names()
    assert {values[name] for name in naming} == {values["Default Frontend EX01"]}
    assert old_name not in values.values()
    assert_rotated(stage)


def test_check_mode_shows_the_whole_plan_and_sends_nothing_that_changes(setting: Setting) -> None:
    stage = setting()
    before = stage.state()

    run = stage.run(check_mode=True).check()

    assert stage.changing_cmdlets() == []
    assert stage.state() == before
    plan = run.result("Show the plan")["msg"]
    text = "\n".join(plan)
    for server in stage.fake.names:
        assert f"Import certificate {stage.example.new.thumbprint}" in text
        assert f"for IMAP, POP, IIS, SMTP on {server}" in text
        assert f"Default Frontend {server}" in text
    assert "Outbound to Office 365" in text
    assert "Restart for SMTP" in text
    # What the plan said is what a run then does.
    done = stage.run().check()
    assert done.result("Show the plan")["msg"] == plan


def test_a_run_with_nothing_to_do_is_cheap(setting: Setting) -> None:
    stage = setting()
    first = stage.run().check()
    assert first.changed > 0
    counters = stage.fake.get("/counters")["servers"]
    for server in stage.fake.names:
        sessions = counters[server]["sessions"] + counters[server]["windows_shells"]
        # What belongs to the organization is looked at and set through the first server, which is
        # also asked for Edge subscriptions in the end.
        organization = 1 if server == "EX01" else 0
        assert sessions <= 8 + 2 * organization, counters[server]
        assert sum(counters[server]["cmdlets"].values()) <= 25 + 12 * organization, counters[server]

    assert stage.run().check().changed == 0

    counters = stage.fake.get("/counters")["servers"]
    for server in stage.fake.names:
        # One for the preflight, one for the plan.
        assert counters[server]["sessions"] == 2, counters[server]
        assert counters[server]["windows_shells"] == 2, counters[server]
        assert counters[server]["service_starts"] == {}, counters[server]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"rotate_pfx_password": "wrong"}, "password", id="wrong password"),
        pytest.param({"rotate_thumbprint": "0" * 40}, "thumbprint", id="another certificate"),
        pytest.param({"rotate_pfx_path": "/nowhere/at.pfx"}, "at.pfx", id="missing file"),
        pytest.param({"rotate_services": ["FTP"]}, "FTP", id="unknown service"),
        pytest.param({"rotate_ports": [{"port": 25}]}, "protocol", id="incomplete port"),
    ],
)
def test_bad_input_stops_before_any_change(
    setting: Setting, change: dict[str, Any], words: str
) -> None:
    stage = setting(servers=SERVERS[:1])

    run = stage.run(**change)

    assert run.return_code != 0
    assert words in run.output
    assert stage.changing_cmdlets() == []


@pytest.mark.parametrize("kind", ["expired", "other names", "foreign key"])
def test_a_bad_certificate_stops_before_any_change(
    setting: Setting, kind: str, tmp_path: Path
) -> None:
    variables: dict[str, Any] = {}
    new = SECOND_CA.issue(*SUBJECT, dns=NAMES, valid_days=90)
    if kind == "expired":
        new = SECOND_CA.issue(
            *SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(40), valid_days=30
        )
    elif kind == "other names":
        new = SECOND_CA.issue(("CN", "www.contoso.test"), dns=["www.contoso.test"], valid_days=90)
    else:
        new.write_fullchain(tmp_path / "fullchain.pem")
        pki.self_signed(("CN", "other")).write_key(tmp_path / "other.key")
        variables = {
            "rotate_pfx_path": "{{ omit }}",
            "rotate_pfx_password": "{{ omit }}",
            "rotate_fullchain_path": str(tmp_path / "fullchain.pem"),
            "rotate_private_key_path": str(tmp_path / "other.key"),
        }
    stage = setting(new=new, variables=variables)

    run = stage.run()

    assert run.return_code != 0
    assert stage.changing_cmdlets() == []
    assert stage.everywhere() == {stage.example.old.thumbprint}
    expected = {"expired": "expired", "other names": "lacks its names", "foreign key": "key"}
    assert expected[kind] in run.output


def test_a_problem_on_one_server_leaves_all_of_them_untouched(setting: Setting) -> None:
    foreign = FIRST_CA.issue(("CN", "owa.fabrikam.test"), dns=["owa.fabrikam.test"], valid_days=90)

    def adjust(organisation: dict[str, Any]) -> None:
        organisation["servers"][1]["certificates"] = [
            {"certificate": "foreign", "services": ["IIS"]}
        ]
        organisation["certificates"]["foreign"] = {"pfx": "foreign.pfx", "password": "foreign"}

    stage = setting(adjust=adjust, files={"foreign.pfx": foreign.pfx("foreign")})

    run = stage.run()

    assert run.return_code != 0
    assert "owa.fabrikam.test" in run.output
    assert stage.changing_cmdlets() == []


def test_a_server_that_cannot_be_reached_leaves_all_of_them_untouched(setting: Setting) -> None:
    stage = setting()
    stage.fake.post("/ports", server="EX02", port="winrm_http", closed=True)

    run = stage.run()

    assert run.return_code != 0
    assert stage.changing_cmdlets() == []


def test_a_port_that_is_out_of_reach_is_reported_before_any_change(setting: Setting) -> None:
    stage = setting()
    stage.fake.post("/ports", server="EX02", port="submission", closed=True)

    run = stage.run()

    assert run.return_code != 0
    assert "does not answer although its services run" in run.output
    assert "EX02" in run.output
    assert stage.changing_cmdlets() == []


def test_a_first_certificate_that_an_interrupted_run_only_installed_is_loaded_by_the_next(
    setting: Setting,
) -> None:
    """Nothing is replaced and no connector changes: only the connectors' names show what is due."""

    def adjust(organisation: dict[str, Any]) -> None:
        del organisation["defaults"]["certificates"]
        del organisation["defaults"]["receive_connectors"]["Default Frontend"]
        del organisation["send_connectors"][0]["tls_certificate_name"]

    stage = setting(adjust=adjust)
    new = stage.example.new.thumbprint
    install = {
        "name": "Install",
        "mailops.exchange.exchange_certificate": {
            "pfx_path": "{{ rotate_pfx_path }}",
            "pfx_password": "{{ rotate_pfx_password }}",
            "services": "{{ rotate_services }}",
        },
    }
    stage.run(playbook=[play("exchange", [install])]).check()
    assert new not in {stage.presented()["EX01", port] for port in ("smtp", "submission")}

    stage.run().check()

    after = stage.presented()
    assert after["EX01", "submission"] == after["EX02", "submission"] == new
    # Port 25 goes by the server's own name, which the certificate does not have.
    assert after["EX01", "smtp"] not in (new, None)
    assert stage.run().check().changed == 0


def test_a_port_that_goes_by_the_servers_own_name_keeps_its_self_signed_certificate(
    setting: Setting,
) -> None:
    def adjust(organisation: dict[str, Any]) -> None:
        del organisation["defaults"]["receive_connectors"]["Client Frontend"]

    stage = setting(adjust=adjust)
    before = stage.presented()
    assert before["EX01", "submission"] != stage.example.old.thumbprint

    run = stage.run().check()

    after = stage.presented()
    assert after["EX01", "submission"] == before["EX01", "submission"]
    assert after["EX01", "smtp"] == after["EX01", "https"] == stage.example.new.thumbprint
    assert "goes by another name" in "\n".join(run.result("Show what was done")["msg"])
    assert stage.run().check().changed == 0


def test_without_ports_to_look_at_services_are_restarted_when_something_was_changed(
    setting: Setting,
) -> None:
    stage = setting(hide_ports=True)

    stage.run().check()

    assert stage.everywhere() == {stage.example.new.thumbprint}
    assert stage.run().check().changed == 0


def test_a_play_in_batches_is_refused_before_any_change(setting: Setting) -> None:
    stage = setting()
    play = {"hosts": "exchange", "gather_facts": False, "serial": 1, "any_errors_fatal": True}
    role = {"role": "mailops.exchange.rotate"}

    run = stage.run(playbook=[{"name": "One by one", **play, "roles": [role]}])

    assert run.return_code != 0
    assert "serial" in run.output
    assert stage.changing_cmdlets() == []


def test_a_source_server_outside_of_the_play_stops_before_any_change(setting: Setting) -> None:
    stage = setting()

    run = stage.run(arguments=("--limit", "EX01"))

    assert run.return_code != 0
    assert "also sends from EX02, which is not in this play" in run.output
    assert stage.changing_cmdlets() == []
    stage.run(arguments=("--limit", "EX01"), rotate_prepared_servers=["ex02.contoso.test"]).check()


def test_the_internal_transport_certificate_is_replaced_by_a_later_run_too(
    setting: Setting,
) -> None:
    stage = setting()
    stage.run().check()

    stage.run(rotate_internal_transport_certificate="replace").check()

    for server in stage.state()["servers"].values():
        assert server["InternalTransportCertificateThumbprint"] == stage.example.new.thumbprint
    assert stage.run(rotate_internal_transport_certificate="replace").check().changed == 0


def test_a_stopped_imap_service_stays_as_it_is(setting: Setting) -> None:
    stage = setting(hide_ports=True)
    imap = ("MSExchangeIMAP4", "MSExchangeIMAP4BE")
    for service in imap:
        stage.fake.post("/services", server="EX01", service=service, action="stop")

    stage.run().check()

    services = stage.state()["servers"]["EX01"]["services"]
    assert {services[service]["Status"] for service in imap} == {"Stopped"}


def test_a_stopped_transport_service_is_started_again(setting: Setting) -> None:
    stage = setting()
    stage.run().check()
    stage.fake.post("/services", server="EX01", service="MSExchangeTransport", action="stop")

    stage.run().check()

    services = stage.state()["servers"]["EX01"]["services"]
    assert services["MSExchangeTransport"]["Status"] == "Running"
    assert stage.run().check().changed == 0


def test_a_server_that_does_not_come_back_ends_the_run_while_the_others_serve(
    setting: Setting,
) -> None:
    stage = setting()
    service = "MSExchangeFrontEndTransport"
    starts = stage.state()["servers"]["EX02"]["services"][service]["starts"]
    stage.fake.post("/faults", kind="service_start_fails", server="EX01", service=service)

    run = stage.run()

    assert run.return_code != 0
    assert service in run.output
    assert stage.state()["servers"]["EX02"]["services"][service]["starts"] == starts
    # The next run finishes it.
    stage.run().check()
    assert_rotated(stage)
