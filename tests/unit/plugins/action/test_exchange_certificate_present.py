# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does exchange_certificate install a certificate: what is sent, returned, refused?"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletNotAvailable,
    OutcomeUnknown,
)
from support import pki
from support.model_server import Held, ModelServer, failed, raising

MODULE = "exchange_certificate"
FULL_INSTALLATION = [
    "Get-ExchangeCertificate",
    "Get-TransportService",
    "Import-ExchangeCertificate",
    "Enable-ExchangeCertificate",
    "Get-TransportService",
    "Get-ExchangeCertificate",
]


def test_a_new_certificate_is_imported_and_enabled_back_to_back(
    run: Any, server: ModelServer, certificates: Any, pfx: Any
) -> None:
    result = run(**pfx(certificates.new), services=["IIS", "SMTP"])

    assert run.sent == FULL_INSTALLATION
    assert result["changed"] is True
    assert server.services(certificates.new) == {"IIS", "SMTP"}
    assert result["certificate"]["thumbprint"] == certificates.new.thumbprint
    assert result["certificate"]["services"] == ["IIS", "SMTP"]
    assert result["changes"] == [
        f"Imported certificate {certificates.new.thumbprint} (mail.contoso.test) on EX01.",
        f"Enabled certificate {certificates.new.thumbprint} (mail.contoso.test) for IIS, SMTP on "
        f"EX01 (IIS moves from {certificates.old.thumbprint}).",
    ]


def test_the_second_run_sends_nothing_but_one_read(
    run: Any, server: ModelServer, certificates: Any, pfx: Any
) -> None:
    options = {**pfx(certificates.new), "services": ["IIS", "SMTP"]}
    run(**options)

    result = run(**options)

    assert result["changed"] is False
    assert result["changes"] == []
    assert run.sent == ["Get-ExchangeCertificate"]


def test_check_mode_plans_everything_and_sends_no_change(
    run: Any, server: ModelServer, certificates: Any, pfx: Any
) -> None:
    options = {**pfx(certificates.new), "services": ["IIS", "SMTP"]}

    planned = run(**options, check_mode=True, diff=True)

    assert planned["changed"] is True
    assert run.changing == []
    assert planned["changes"][0].startswith("Import certificate ")
    assert planned["changes"][1].startswith("Enable certificate ")
    done = run(**options, diff=True)
    assert planned["diff"] == done["diff"]
    assert planned["certificate"]["services"] == done["certificate"]["services"]
    assert planned["certificate"]["tls_certificate_name"].startswith("<I>CN=Issuing CA 2")


def test_the_diff_shows_before_and_after(
    run: Any, server: ModelServer, certificates: Any, pfx: Any
) -> None:
    result = run(**pfx(certificates.new), services=["SMTP"], diff=True)

    assert result["diff"]["before"]["certificate"] is None
    assert result["diff"]["after"]["certificate"]["services"] == ["SMTP"]
    assert result["diff"]["after"]["internal_transport_certificate"] == certificates.own.thumbprint


def test_only_the_missing_services_are_enabled(
    run: Any, server: ModelServer, certificates: Any, pfx: Any
) -> None:
    server.certificates.append(Held(certificates.new, frozenset({"IIS"})))

    run(**pfx(certificates.new), services=["IIS", "SMTP"])

    assert run.changing == ["Enable-ExchangeCertificate"]
    assert run.session.changing[0].parameters["Services"] == "SMTP"


def test_a_thumbprint_alone_enables_what_is_there(
    run: Any, server: ModelServer, certificates: Any
) -> None:
    text = " ".join(certificates.old.thumbprint.lower()[i : i + 2] for i in range(0, 40, 2))

    result = run(thumbprint=f"\u200e{text}", services=["IMAP"])

    assert run.changing == ["Enable-ExchangeCertificate"]
    assert result["certificate"]["services"] == ["IMAP", "IIS", "SMTP"]


def test_without_services_it_is_only_imported(
    run: Any, server: ModelServer, certificates: Any, pfx: Any
) -> None:
    run(**pfx(certificates.new))

    assert run.sent == [
        "Get-ExchangeCertificate",
        "Import-ExchangeCertificate",
        "Get-ExchangeCertificate",
    ]
    assert server.services(certificates.new) == frozenset()


def test_pem_files_serve_as_well(
    run: Any, server: ModelServer, certificates: Any, tmp_path: Path
) -> None:
    certificates.new.write_fullchain(tmp_path / "fullchain.pem")
    certificates.new.write_key(tmp_path / "privkey.pem", "key-Passphrase")

    result = run(
        fullchain_path="fullchain.pem",
        private_key_path="privkey.pem",
        private_key_passphrase="key-Passphrase",
        services=["SMTP"],
    )

    assert result["changed"] is True
    assert server.services(certificates.new) == {"SMTP"}


def test_contents_serve_as_well(run: Any, server: ModelServer, certificates: Any) -> None:
    content = base64.b64encode(certificates.new.pfx("content-Passw0rd")).decode()

    run(pfx_content=content, pfx_password="content-Passw0rd", services=["SMTP"])

    assert server.services(certificates.new) == {"SMTP"}


class TestOptionsOfTheImport:
    def test_friendly_name_and_exportable_are_sent(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        result = run(**pfx(certificates.new), friendly_name="mail 2027", exportable=True)

        sent = run.session.changing[0].parameters
        assert sent["FriendlyName"] == "mail 2027"
        assert sent["PrivateKeyExportable"] is True
        assert result["certificate"]["friendly_name"] == "mail 2027"
        assert result["certificate"]["exportable"] is True

    def test_the_name_in_the_pfx_is_kept(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        run(**pfx(certificates.new, friendly_name="from the PFX"))

        assert run.session.changing[0].parameters["FriendlyName"] == "from the PFX"

    def test_what_cannot_be_changed_later_is_a_warning_and_no_change(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        server.certificates.append(
            Held(certificates.new, frozenset({"SMTP"}), "other", exportable=False)
        )

        result = run(
            **pfx(certificates.new), services=["SMTP"], friendly_name="mail 2027", exportable=True
        )

        assert result["changed"] is False
        assert run.changing == []
        assert any("not exportable" in text for text in result["warnings"])
        assert any("'other'" in text for text in result["warnings"])

    def test_a_name_in_the_pfx_that_the_server_does_not_have_is_no_warning(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        server.certificates.append(Held(certificates.new, frozenset({"SMTP"}), "other"))

        result = run(**pfx(certificates.new, friendly_name="from the PFX"), services=["SMTP"])

        assert "warnings" not in result


class TestOptionsOfEnabling:
    def test_require_ssl_false_leaves_the_setting_of_the_site(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        run(**pfx(certificates.new), services=["IIS"], require_ssl=False)

        assert run.session.changing[1].parameters["DoNotRequireSsl"] is True

    def test_network_service_access_goes_along(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        run(**pfx(certificates.new), services=["IIS"], network_service_allowed=True)

        assert run.session.changing[1].parameters["NetworkServiceAllowed"] is True

    def test_network_service_access_without_services_enables_for_none(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        result = run(**pfx(certificates.new), network_service_allowed=True)

        assert run.session.changing[1].parameters["Services"] == "None"
        assert "NETWORK SERVICE" in result["changes"][1]

    def test_network_service_access_alone_is_not_repeated(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        options = {**pfx(certificates.new), "network_service_allowed": True}
        run(**options)

        assert run(**options)["changed"] is False
        assert run.changing == []

    def test_services_beyond_the_wanted_ones_are_explained_and_left(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        server.certificates.append(Held(certificates.new, frozenset({"IMAP", "SMTP"})))

        result = run(**pfx(certificates.new), services=["SMTP"])

        assert result["changed"] is False
        assert any(
            "IMAP" in text and "cannot take services away" in text for text in result["warnings"]
        )


class TestInternalTransportCertificate:
    def test_the_question_is_answered_no_and_nothing_is_forced(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        result = run(**pfx(certificates.new), services=["SMTP"])

        assert [item.answer for item in server.prompts] == ["No"]
        assert server.internal_transport == certificates.own.thumbprint
        assert "Force" not in run.session.changing[1].parameters
        assert result["internal_transport_certificate"] == certificates.own.thumbprint

    def test_should_it_change_anyway_it_is_restored(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        server.ignores_no = True

        result = run(**pfx(certificates.new), services=["SMTP"])

        assert server.internal_transport == certificates.own.thumbprint
        assert run.changing == [
            "Import-ExchangeCertificate",
            "Enable-ExchangeCertificate",
            "Enable-ExchangeCertificate",
        ]
        assert run.session.changing[2].parameters["Thumbprint"] == certificates.own.thumbprint
        assert any(certificates.own.thumbprint in text for text in result["warnings"])
        assert server.services(certificates.new) == {"SMTP"}

    def test_replace_answers_yes(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        options = {
            **pfx(certificates.new),
            "services": ["SMTP"],
            "internal_transport_certificate": "replace",
        }

        result = run(**options, diff=True)

        assert server.internal_transport == certificates.new.thumbprint
        assert result["internal_transport_certificate"] == certificates.new.thumbprint
        assert (
            result["diff"]["before"]["internal_transport_certificate"]
            != (result["diff"]["after"]["internal_transport_certificate"])
        )
        assert run(**options)["changed"] is False

    def test_replace_also_works_on_a_certificate_that_serves_smtp_already(
        self, run: Any, server: ModelServer, certificates: Any
    ) -> None:
        result = run(
            thumbprint=certificates.old.thumbprint,
            services=["SMTP"],
            internal_transport_certificate="replace",
        )

        assert result["changed"] is True
        assert server.internal_transport == certificates.old.thumbprint

    def test_a_replacement_that_does_not_happen_is_a_failure(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        server.instead["Enable-ExchangeCertificate"] = CmdletResult

        result = run(
            **pfx(certificates.new), services=["SMTP"], internal_transport_certificate="replace"
        )

        assert result["failed"] is True
        assert f"is still {certificates.own.thumbprint}" in result["msg"]

    def test_an_account_that_may_not_look_is_warned(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        server.instead["Get-TransportService"] = raising(CmdletNotAvailable("not recognized"))

        result = run(**pfx(certificates.new), services=["SMTP"])

        assert result["changed"] is True
        assert [item.answer for item in server.prompts] == ["No"]
        assert any("Get-TransportService" in text for text in result["warnings"])

    def test_it_is_not_looked_at_where_smtp_is_not_concerned(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        result = run(**pfx(certificates.new), services=["IIS"])

        assert "Get-TransportService" not in run.sent
        assert "internal_transport_certificate" not in result


BadInput = Callable[[Any, Any, Path], dict[str, Any]]


def _key_of_another(certificates: Any, pfx: Any, files: Path) -> dict[str, Any]:
    certificates.new.write_fullchain(files / "fullchain.pem")
    certificates.old.write_key(files / "privkey.pem")
    return {"fullchain_path": "fullchain.pem", "private_key_path": "privkey.pem"}


def _no_key(certificates: Any, pfx: Any, files: Path) -> dict[str, Any]:
    certificates.new.write_fullchain(files / "fullchain.pem")
    return {"fullchain_path": "fullchain.pem"}


def _not_yet_valid(certificates: Any, pfx: Any, files: Path) -> dict[str, Any]:
    future = pki.root().issue(("CN", "m"), dns=["m"], not_before=pki.now() + pki.days(2))
    return dict(pfx(future))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        pytest.param(_key_of_another, "does not match", id="key-of-another"),
        pytest.param(_no_key, "private key", id="no-key"),
        pytest.param(
            lambda c, pfx, d: {**pfx(c.new), "pfx_password": "wrong-Passw0rd"},
            "password",
            id="wrong-password",
        ),
        pytest.param(
            lambda c, pfx, d: pfx(c.new, with_key=False), "no private key", id="pfx-without-key"
        ),
        pytest.param(lambda c, pfx, d: pfx(c.expired), "expired", id="expired"),
        pytest.param(_not_yet_valid, "not valid before", id="not-yet-valid"),
        pytest.param(
            lambda c, pfx, d: {**pfx(c.new), "thumbprint": c.old.thumbprint},
            "asked for",
            id="other-thumbprint",
        ),
        pytest.param(
            lambda c, pfx, d: {**pfx(c.wildcard), "services": ["POP"]},
            "Set-PopSettings",
            id="wildcard-pop",
        ),
        pytest.param(
            lambda c, pfx, d: {**pfx(c.wildcard), "services": ["SMTP", "IMAP"]},
            "Set-ImapSettings",
            id="wildcard-imap",
        ),
        pytest.param(
            lambda c, pfx, d: {**pfx(c.new), "services": ["Federation"]},
            "Set-FederationTrust",
            id="federation",
        ),
        pytest.param(
            lambda c, pfx, d: {**pfx(c.new), "services": "SMTP, federation"},
            "Set-FederationTrust",
            id="federation-in-text",
        ),
        pytest.param(
            lambda c, pfx, d: {**pfx(c.new), "services": ["None"]},
            "cannot be taken away",
            id="none",
        ),
        pytest.param(
            lambda c, pfx, d: {**pfx(c.new), "services": ["HTTP"]},
            "'HTTP' is not a service",
            id="unknown-service",
        ),
        pytest.param(
            lambda c, pfx, d: {**pfx(c.new), "friendly_name": "x" * 64},
            "64 characters",
            id="long-friendly-name",
        ),
        pytest.param(
            lambda c, pfx, d: {"thumbprint": "12 34", "services": ["SMTP"]},
            "not a thumbprint",
            id="no-thumbprint",
        ),
        pytest.param(lambda c, pfx, d: {"services": ["SMTP"]}, "one of the", id="no-source"),
        pytest.param(
            lambda c, pfx, d: {**pfx(c.new), "pfx_content": "AA=="},
            "mutually exclusive",
            id="two-sources",
        ),
        pytest.param(
            lambda c, pfx, d: {"pfx_path": "nowhere.pfx"}, "was not found", id="missing-file"
        ),
        pytest.param(
            lambda c, pfx, d: {"pfx_content": "%%%", "pfx_password": "x"},
            "not base64",
            id="content-not-base64",
        ),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    run: Any, certificates: Any, pfx: Any, tmp_path: Path, bad: BadInput, words: str
) -> None:
    result = run(**bad(certificates, pfx, tmp_path))

    assert result["failed"] is True
    assert result["changed"] is False
    assert words in result["msg"]
    assert "\n" not in result["msg"]
    assert run.sent == []


class TestThumbprintAlone:
    def test_one_that_the_server_lacks_says_what_to_do(
        self, run: Any, server: ModelServer, certificates: Any
    ) -> None:
        result = run(thumbprint=certificates.new.thumbprint, services=["SMTP"])

        assert result["failed"] is True
        assert "give its PFX or PEM files" in result["msg"]
        assert run.changing == []

    def test_an_expired_one_is_refused(
        self, run: Any, server: ModelServer, certificates: Any
    ) -> None:
        server.certificates.append(Held(certificates.expired))

        result = run(thumbprint=certificates.expired.thumbprint, services=["SMTP"])

        assert "expired" in result["msg"]
        assert run.changing == []

    def test_one_that_is_not_valid_yet_is_refused(self, run: Any, server: ModelServer) -> None:
        future = pki.root().issue(("CN", "m"), dns=["m"], not_before=pki.now() + pki.days(2))
        server.certificates.append(Held(future))

        result = run(thumbprint=future.thumbprint, services=["SMTP"])

        assert "not valid before" in result["msg"]
        assert run.changing == []

    def test_a_wildcard_for_imap_is_refused(
        self, run: Any, server: ModelServer, certificates: Any
    ) -> None:
        server.certificates.append(Held(certificates.wildcard))

        result = run(thumbprint=certificates.wildcard.thumbprint, services=["IMAP"])

        assert "Set-ImapSettings" in result["msg"]
        assert run.changing == []

    def test_a_pending_request_is_refused(
        self, run: Any, server: ModelServer, certificates: Any
    ) -> None:
        server.certificates.append(Held(certificates.new, status="PendingRequest"))

        result = run(thumbprint=certificates.new.thumbprint, services=["SMTP"])

        assert "request" in result["msg"]
        assert run.changing == []


def test_an_elliptic_curve_key_is_a_warning_with_the_reason(run: Any, pfx: Any) -> None:
    issued = pki.root().issue(
        ("CN", "m.contoso.test"), dns=["m.contoso.test"], key=pki.new_key("ec")
    )

    result = run(**pfx(issued), services=["SMTP"])

    assert result["changed"] is True
    assert any("EnableEccCertificateSupport" in text for text in result["warnings"])


class TestFailures:
    def test_an_import_that_exchange_refuses_because_it_exists_without_key_is_explained(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        server.certificates.append(Held(certificates.new, visible=False))

        result = run(**pfx(certificates.new), services=["SMTP"])

        assert result["failed"] is True
        assert result["changed"] is False
        assert "without its private key" in result["msg"]
        assert result["cmdlet"] == "Import-ExchangeCertificate"
        assert result["server"] == "EX01"
        assert "Enable-ExchangeCertificate" not in run.sent

    def test_an_import_that_does_not_show_up_is_explained(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        server.instead["Import-ExchangeCertificate"] = CmdletResult

        result = run(**pfx(certificates.new))

        assert result["failed"] is True
        assert "does not show it" in result["msg"]

    def test_a_failure_of_enabling_reports_that_the_import_was_done(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        server.instead["Enable-ExchangeCertificate"] = raising(
            failed("Enable-ExchangeCertificate", "The RPC server is unavailable.")
        )

        result = run(**pfx(certificates.new), services=["SMTP"])

        assert result["failed"] is True
        assert result["changed"] is True
        assert len(result["changes"]) == 1
        assert result["changes"][0].startswith("Imported ")
        assert result["cmdlet"] == "Enable-ExchangeCertificate"
        assert result["category"] == "NotSpecified"
        assert "The RPC server is unavailable." in result["msg"]

    def test_services_that_do_not_stick_are_a_failure(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        server.forgets_services = True

        result = run(**pfx(certificates.new), services=["SMTP"])

        assert result["failed"] is True
        assert "without an error, but reports it only for None, not for SMTP" in result["msg"]

    def test_a_lost_answer_to_the_import_is_looked_up_and_not_repeated(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        def imported_but_lost() -> CmdletResult:
            server.certificates.append(Held(certificates.new))
            raise OutcomeUnknown("contact was lost")

        server.instead["Import-ExchangeCertificate"] = imported_but_lost

        result = run(**pfx(certificates.new), services=["SMTP"])

        assert "failed" not in result
        assert run.sent.count("Import-ExchangeCertificate") == 1
        assert server.services(certificates.new) == {"SMTP"}
        assert len(result["changes"]) == 2

    def test_a_lost_import_that_did_not_happen_fails(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        server.instead["Import-ExchangeCertificate"] = raising(OutcomeUnknown("contact was lost"))

        result = run(**pfx(certificates.new), services=["SMTP"])

        assert result["failed"] is True
        assert result["changed"] is False
        assert run.sent.count("Import-ExchangeCertificate") == 1

    def test_a_lost_answer_to_enabling_is_looked_up_and_not_repeated(
        self, run: Any, server: ModelServer, certificates: Any
    ) -> None:
        def enabled_but_lost() -> CmdletResult:
            old = server.held(certificates.old.thumbprint)
            index = server.certificates.index(old)
            server.certificates[index] = replace(old, services=frozenset({"IIS", "SMTP", "POP"}))
            raise OutcomeUnknown("contact was lost")

        server.instead["Enable-ExchangeCertificate"] = enabled_but_lost

        result = run(thumbprint=certificates.old.thumbprint, services=["POP"])

        assert "failed" not in result
        assert result["changed"] is True
        assert run.sent.count("Enable-ExchangeCertificate") == 1

    def test_unknown_services_are_not_taken_for_none(
        self, run: Any, server: ModelServer, certificates: Any, pfx: Any
    ) -> None:
        server.certificates.append(Held(certificates.new, services=None))

        result = run(**pfx(certificates.new), services=["SMTP"])

        assert result["certificate"]["services"] is None
        assert any("does not report which services" in text for text in result["warnings"])


def test_no_secret_is_in_any_result(
    run: Any, server: ModelServer, certificates: Any, pfx: Any
) -> None:
    options = pfx(certificates.new)
    server.instead["Import-ExchangeCertificate"] = raising(
        failed("Import-ExchangeCertificate", f"cannot use {options['pfx_password']}")
    )

    result = run(**options, services=["SMTP"])

    assert options["pfx_password"] not in str(result)
    assert "********" in result["msg"]


def test_the_server_of_the_task_wins_over_that_of_the_connection(
    run: Any, server: ModelServer, certificates: Any, pfx: Any
) -> None:
    server.name = "EX09"

    result = run(**pfx(certificates.new), services=["IIS"], server="EX09")

    assert result["certificate"]["server"] == "EX09"
