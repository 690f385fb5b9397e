# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes over the wire when a certificate is changed: cmdlets, their order, their values."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.changes import (
    check_friendly_name,
    enable_certificate,
    export_certificate,
    import_and_enable,
    import_certificate,
    remove_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.prompts import Prompt
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import Secret
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletFailed,
    InvalidInput,
    OutcomeUnknown,
    UnexpectedPrompt,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_source import (
    CertificateSource,
    load_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    LoadedCertificate,
)
from support import pki
from support.recording_session import RecordingSession, cmdlet_error, remote

OLD, NEW = "A" * 40, "B" * 40


@pytest.fixture(scope="module")
def loaded(issued: pki.Issued) -> LoadedCertificate:
    return load_certificate(
        CertificateSource(
            fullchain_content=issued.fullchain_pem().decode(),
            private_key_content=issued.key_pem().decode(),
        )
    )


def overwrite_question(old: str = OLD, new: str = NEW) -> Prompt:
    return Prompt(
        caption="Confirm",
        message="Overwrite the existing default SMTP certificate?\n\n"
        f"Current certificate: '{old}' (expires 8/6/2026)\n"
        f"Replace it with certificate: '{new}' (expires 1/1/2027)",
        choices=["Yes", "Yes to All", "No", "No to All"],
        default=0,
    )


class TestImport:
    def test_the_file_travels_under_a_password_of_its_own(
        self, loaded: LoadedCertificate, issued: pki.Issued
    ) -> None:
        session = RecordingSession()
        import_certificate(
            session, loaded, server="EX01", friendly_name="Mail 2027", exportable=True
        )
        (call,) = session.calls
        assert call.cmdlet == "Import-ExchangeCertificate"
        assert call.changing
        sent = call.parameters
        password = sent.pop("Password")
        content = sent.pop("FileData")
        assert sent == {"Server": "EX01", "FriendlyName": "Mail 2027", "PrivateKeyExportable": True}
        assert isinstance(password, Secret)
        assert isinstance(content, bytes)
        bundle = pkcs12.load_pkcs12(content, password.reveal().encode())
        assert bundle.cert is not None
        assert bundle.cert.certificate == issued.certificate
        assert len(bundle.additional_certs) == 1

    def test_every_import_has_another_password(self, loaded: LoadedCertificate) -> None:
        session = RecordingSession()
        for _ in range(2):
            import_certificate(session, loaded, server="EX01")
        first, second = (call.parameters["Password"] for call in session.calls)
        assert first != second
        assert "PrivateKeyExportable" not in session.calls[0].parameters

    def test_an_invisible_certificate_is_explained(self, loaded: LoadedCertificate) -> None:
        error = cmdlet_error(
            "A special Rpc error occurs on server EX01: Cannot import certificate. A certificate "
            f"with the thumbprint {loaded.thumbprint} already exists.",
            cmdlet="Import-ExchangeCertificate",
        )
        session = RecordingSession(
            {"Import-ExchangeCertificate": [CmdletFailed(error.message, errors=[error])]}
        )
        with pytest.raises(CmdletFailed) as failure:
            import_certificate(session, loaded, server="EX01")
        message = failure.value.message
        assert message.startswith(f"Importing certificate {loaded.thumbprint}")
        assert "on EX01 failed" in message
        assert "without its private key" in message
        assert "certutil -repairstore" in message
        assert failure.value.details["server"] == "EX01"
        assert failure.value.errors == [error]

    def test_friendly_names_have_a_limit(self) -> None:
        check_friendly_name("x" * 63)
        check_friendly_name(None)
        with pytest.raises(InvalidInput, match="64 characters"):
            check_friendly_name("x" * 64)


class TestEnable:
    def test_parameters(self) -> None:
        session = RecordingSession()
        enable_certificate(session, NEW, {"SMTP", "IIS"}, server="EX01", domain_controller="dc1")
        (call,) = session.calls
        assert call.cmdlet == "Enable-ExchangeCertificate"
        assert call.parameters == {
            "Server": "EX01",
            "Thumbprint": NEW,
            "Services": "IIS, SMTP",
            "DomainController": "dc1",
        }
        assert call.changing

    def test_options(self) -> None:
        session = RecordingSession()
        enable_certificate(
            session,
            NEW,
            {"IIS"},
            server="EX01",
            require_ssl=False,
            network_service_allowed=True,
            force=True,
        )
        sent = session.calls[0].parameters
        assert (sent["DoNotRequireSsl"], sent["NetworkServiceAllowed"], sent["Force"]) == (
            True,
            True,
            True,
        )

    def test_ssl_is_no_matter_without_iis(self) -> None:
        session = RecordingSession()
        enable_certificate(session, NEW, {"SMTP"}, server="EX01", require_ssl=False)
        assert "DoNotRequireSsl" not in session.calls[0].parameters

    @pytest.mark.parametrize(
        ("replace", "label"), [(False, "No"), (True, "Yes")], ids=["keep", "replace"]
    )
    def test_the_question_about_smtp_is_answered(self, replace: bool, label: str) -> None:
        session = RecordingSession({"Enable-ExchangeCertificate": [overwrite_question()]})
        enable_certificate(
            session, NEW, {"SMTP"}, server="EX01", replace_internal_transport=replace
        )
        assert session.prompt_answers == [label]
        assert "Force" not in session.calls[0].parameters

    def test_a_question_about_another_certificate_is_not_answered(self) -> None:
        session = RecordingSession(
            {"Enable-ExchangeCertificate": [overwrite_question(new="C" * 40)]}
        )
        with pytest.raises(UnexpectedPrompt, match=r"Enabling certificate B{40} for SMTP on EX01"):
            enable_certificate(session, NEW, {"SMTP"}, server="EX01")
        assert session.prompt_answers == [None]

    def test_a_missing_key_is_explained_whatever_the_language(self) -> None:
        error = cmdlet_error(
            f"Das Zertifikat mit dem Fingerabdruck {NEW} wurde gefunden, ist aber ungültig.",
            cmdlet="Enable-ExchangeCertificate",
            code="DA6D9EA1",
        )
        session = RecordingSession(
            {"Enable-ExchangeCertificate": [CmdletFailed(error.message, errors=[error])]}
        )
        with pytest.raises(CmdletFailed, match="without its private key") as failure:
            enable_certificate(session, NEW, {"SMTP"}, server="EX01")
        assert "Fingerabdruck" in failure.value.message

    def test_a_lost_connection_stays_an_unknown_outcome(self) -> None:
        lost = OutcomeUnknown("the connection was lost", details={"cmdlet": "x"})
        session = RecordingSession({"Enable-ExchangeCertificate": [lost]})
        with pytest.raises(OutcomeUnknown, match="Enabling certificate") as failure:
            enable_certificate(session, NEW, {"SMTP"}, server="EX01")
        assert failure.value.details == {"cmdlet": "x", "server": "EX01", "thumbprint": NEW}
        assert len(session.calls) == 1


class TestImportAndEnable:
    def test_nothing_comes_between(self, loaded: LoadedCertificate) -> None:
        session = RecordingSession()
        import_and_enable(session, loaded, {"SMTP"}, server="EX01")
        assert session.cmdlets == ["Import-ExchangeCertificate", "Enable-ExchangeCertificate"]
        assert session.calls[1].parameters["Thumbprint"] == loaded.thumbprint

    def test_without_services_there_is_nothing_to_enable(self, loaded: LoadedCertificate) -> None:
        session = RecordingSession()
        import_and_enable(session, loaded, (), server="EX01")
        assert session.cmdlets == ["Import-ExchangeCertificate"]

    def test_the_network_service_can_be_allowed_alone(self, loaded: LoadedCertificate) -> None:
        session = RecordingSession()
        import_and_enable(session, loaded, (), server="EX01", network_service_allowed=True)
        assert session.calls[1].parameters["Services"] == "None"
        assert session.calls[1].parameters["NetworkServiceAllowed"] is True

    def test_a_failed_import_enables_nothing(self, loaded: LoadedCertificate) -> None:
        session = RecordingSession({"Import-ExchangeCertificate": [CmdletFailed("no")]})
        with pytest.raises(CmdletFailed):
            import_and_enable(session, loaded, {"SMTP"}, server="EX01")
        assert session.cmdlets == ["Import-ExchangeCertificate"]


class TestRemoveAndExport:
    def test_removal_does_not_ask(self) -> None:
        session = RecordingSession()
        remove_certificate(session, OLD, server="EX01")
        assert session.calls[0].parameters == {
            "Server": "EX01",
            "Thumbprint": OLD,
            "Confirm": False,
        }
        assert session.calls[0].changing

    def test_export_returns_the_bytes(self) -> None:
        session = RecordingSession({"Export-ExchangeCertificate": [[remote(FileData=b"PFX")]]})
        assert export_certificate(session, OLD, Secret("x"), server="EX01") == b"PFX"
        assert session.calls[0].parameters["BinaryEncoded"] is True

    def test_an_empty_export_is_a_failure(self) -> None:
        session = RecordingSession({"Export-ExchangeCertificate": [[remote(FileData=b"")]]})
        with pytest.raises(CmdletFailed, match="returned no data"):
            export_certificate(session, OLD, Secret("x"), server="EX01")
