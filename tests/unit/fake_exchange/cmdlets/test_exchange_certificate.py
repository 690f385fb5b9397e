# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the certificate cmdlets behave as documented? One test per documented behaviour, run without
a network on a small organisation."""

from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from fake_exchange.cmdlets.registry import SecureText
from fake_exchange.organisation import certificate_rules as rules
from fake_exchange.organisation import tls_names
from fake_exchange.organisation.model import Organisation, Server, StoredCertificate
from support import pki
from support.cmdlet_shell import Outcome, Prompted, Shell

PASSWORD = "correct horse"
CA = pki.root(("CN", "Test Root"), ("O", "Contoso, Ltd."))
MAIL = CA.issue(("CN", "mail.contoso.test"), dns=["mail.contoso.test"])
RENEWED = CA.issue(("CN", "mail.contoso.test"), dns=["mail.contoso.test"])
WILDCARD = CA.issue(("CN", "*.contoso.test"), dns=["*.contoso.test"])
EXPIRED = CA.issue(
    ("CN", "old.contoso.test"),
    dns=["old.contoso.test"],
    not_before=pki.now() - pki.days(400),
    not_after=pki.now() - pki.days(35),
)
ELLIPTIC = CA.issue(("CN", "ec.contoso.test"), dns=["ec.contoso.test"], key=pki.new_key("ec"))

NO, YES = 2, 0


def import_it(shell: Shell, issued: pki.Issued = MAIL, **more: object) -> str:
    """Import into the server's store; the thumbprint."""
    parameters = {"FileData": issued.pfx(PASSWORD), "Password": SecureText(PASSWORD), **more}
    shell.run(("Import-ExchangeCertificate", parameters)).succeeded()
    return issued.thumbprint


def enable(shell: Shell, thumbprint: str, services: object, **more: object) -> Outcome:
    return shell.run(
        (
            "Enable-ExchangeCertificate",
            {"Thumbprint": thumbprint, "Services": services, **more},
        )
    )


def stored(server: Server, issued: pki.Issued = MAIL) -> StoredCertificate:
    return server.certificates[issued.thumbprint]


# Get ---------------------------------------------------------------------------------------------


def test_a_whole_certificate_carries_raw_data_and_serialization_data_only(shell: Shell) -> None:
    rows = shell.run("Get-ExchangeCertificate").succeeded().rows
    assert [set(row) for row in rows] == [{"RawData", "SerializationData"}] * 3


def test_selected_properties_are_all_there_and_unknown_ones_are_null(shell: Shell) -> None:
    import_it(shell, FriendlyName="Mail")
    wanted = [
        "thumbprint",
        "Subject",
        "Issuer",
        "Services",
        "ServicesStringForm",
        "Status",
        "RootCAType",
        "FriendlyName",
        "HasPrivateKey",
        "PrivateKeyExportable",
        "IsSelfSigned",
        "Identity",
        "PublicKeySize",
        "CertificateDomains",
        "RawData",
        "NoSuchThing",
    ]
    outcome = shell.run(
        ("Get-ExchangeCertificate", {"Server": "EX01", "Thumbprint": MAIL.thumbprint}),
        ("Select-Object", {"Property": wanted}),
    )
    (row,) = outcome.succeeded().rows
    assert row["Thumbprint"] == MAIL.thumbprint
    assert row["Subject"] == "CN=mail.contoso.test"
    assert row["Issuer"] == 'CN=Test Root, O="Contoso, Ltd."'
    assert (int(row["Services"]), row["Services"].PSObject.to_string) == (0, "None")
    assert row["ServicesStringForm"] == "......"
    assert row["Status"].PSObject.to_string == "Valid"
    assert row["RootCAType"].PSObject.to_string == "ThirdParty"
    assert row["FriendlyName"] == "Mail"
    assert (row["HasPrivateKey"], row["PrivateKeyExportable"], row["IsSelfSigned"]) == (
        True,
        False,
        False,
    )
    assert row["Identity"] == f"ex01.contoso.test\\{MAIL.thumbprint}"
    assert row["PublicKeySize"] == 2048
    assert [d.PSObject.to_string for d in row["CertificateDomains"]] == ["mail.contoso.test"]
    assert bytes(row["RawData"]) == MAIL.certificate.public_bytes(pki.serialization.Encoding.DER)
    assert row["NoSuchThing"] is None
    assert outcome.objects[0].PSObject.type_names == [
        "Deserialized.Selected.Microsoft.Exchange.Management.SystemConfigurationTasks."
        "ExchangeCertificate",
        "Deserialized.System.Management.Automation.PSCustomObject",
        "Deserialized.System.Object",
    ]


def test_a_missing_thumbprint_is_an_error_with_exchange_s_form(shell: Shell) -> None:
    missing = "0" * 40
    error = shell.run(("Get-ExchangeCertificate", {"Thumbprint": missing})).error
    assert error.message == (
        "A special Rpc error occurs on server EX01: "
        f"The certificate with thumbprint {missing} was not found."
    )
    assert (error.category, error.exception_type) == (
        "NotSpecified",
        "System.InvalidOperationException",
    )
    assert re.fullmatch(
        r"\[Server=EX01,RequestId=[0-9a-f-]{36},TimeStamp=\d+/\d+/\d{4} \d+:\d\d:\d\d [AP]M\] "
        r"\[FailureCategory=Cmdlet-InvalidOperationException\] 71D7F7B0,"
        r"Microsoft\.Exchange\.Management\.SystemConfigurationTasks\.GetExchangeCertificate",
        error.error_id,
    )


def test_a_missing_identity_returns_everything(shell: Shell) -> None:
    everything = len(shell.run("Get-ExchangeCertificate").fragments)
    outcome = shell.run(("Get-ExchangeCertificate", {"Identity": f"EX01\\{'0' * 40}"}))
    assert len(outcome.succeeded().fragments) == everything > 1


def test_server_and_identity_exclude_each_other(shell: Shell) -> None:
    outcome = shell.run(("Get-ExchangeCertificate", {"Identity": "EX01\\X", "Server": "EX01"}))
    assert outcome.failure is not None
    assert outcome.failure.error_id.startswith("AmbiguousParameterSet,")


def test_identity_names_server_and_certificate(shell: Shell, organisation: Organisation) -> None:
    other = organisation.servers["EX02"]
    thumbprint = other.InternalTransportCertificateThumbprint
    outcome = shell.run(
        ("Get-ExchangeCertificate", {"Identity": f"ex02.contoso.test\\{thumbprint}"}),
        ("Select-Object", {"Property": "Thumbprint"}),
    )
    assert [row["Thumbprint"] for row in outcome.succeeded().rows] == [thumbprint]


def test_without_server_the_one_where_the_session_landed_is_meant(
    shell: Shell, organisation: Organisation
) -> None:
    shell.server = organisation.servers["EX02"]
    import_it(shell)
    assert MAIL.thumbprint in organisation.servers["EX02"].certificates
    assert MAIL.thumbprint not in organisation.servers["EX01"].certificates


def test_an_unknown_server_is_an_error(shell: Shell) -> None:
    error = shell.run(("Get-ExchangeCertificate", {"Server": "EX99"})).error
    assert error.exception_type.endswith(".ManagementObjectNotFoundException")


def test_a_certificate_without_key_is_not_shown(shell: Shell, server: Server) -> None:
    der = MAIL.certificate.public_bytes(pki.serialization.Encoding.DER)
    shell.run(("Import-ExchangeCertificate", {"FileData": der})).succeeded()
    assert stored(server).private_key is None
    shown = shell.run(
        ("Get-ExchangeCertificate", {"Server": "EX01"}),
        ("Select-Object", {"Property": ["Thumbprint"]}),
    )
    assert MAIL.thumbprint not in [row["Thumbprint"] for row in shown.rows]


def test_a_stopped_service_host_answers_no_certificate_cmdlet(shell: Shell, server: Server) -> None:
    server.services["MSExchangeServiceHost"].Status = "Stopped"
    error = shell.run(("Get-ExchangeCertificate", {"Server": "EX01"})).error
    assert "A special Rpc error occurs on server EX01" in error.message


# Harsher forms -----------------------------------------------------------------------------------


def test_serialization_data_can_be_signed(shell: Shell, organisation: Organisation) -> None:
    organisation.behavior.signed_serialization = True
    rows = shell.run("Get-ExchangeCertificate").rows
    assert all(bytes(row["SerializationData"]).startswith(b"#sig#") for row in rows)


def test_serialization_data_can_be_missing(shell: Shell, organisation: Organisation) -> None:
    organisation.behavior.serialization_data = False
    rows = shell.run("Get-ExchangeCertificate").succeeded().rows
    assert [set(row) for row in rows] == [{"RawData"}] * 3


def test_types_can_be_deserialized(shell: Shell, organisation: Organisation) -> None:
    organisation.behavior.deserialized_types = True
    texts = shell.run("Get-ExchangeCertificate").succeeded().fragments
    assert [set(re.findall(r"<T>(\w+)\.", text)) for text in texts] == [{"Deserialized"}] * 3


def test_select_object_can_be_unexposed(shell: Shell, organisation: Organisation) -> None:
    organisation.behavior.select_object = False
    outcome = shell.run("Get-ExchangeCertificate", ("Select-Object", {"Property": "Thumbprint"}))
    assert outcome.failure is not None
    assert outcome.failure.error_id == "CommandNotFoundException"
    assert outcome.fragments == []


def test_signing_without_a_valid_auth_certificate_hides_all_details(
    shell: Shell, organisation: Organisation
) -> None:
    organisation.behavior.signed_serialization = True
    organisation.auth_config.CurrentCertificateThumbprint = "0" * 40
    outcome = shell.run("Get-ExchangeCertificate")
    assert all(set(row) == {"RawData"} for row in outcome.rows)
    assert "<T>Deserialized.Microsoft" in outcome.fragments[0]
    selected = shell.run(
        "Get-ExchangeCertificate",
        ("Select-Object", {"Property": ["Thumbprint", "Services", "RawData"]}),
    )
    assert {row["Thumbprint"] for row in selected.rows} == {None}
    assert {row["Services"] for row in selected.rows} == {None}
    assert None not in [row["RawData"] for row in selected.rows]


# Import ------------------------------------------------------------------------------------------


def test_import_returns_the_certificate_and_defaults_to_not_exportable(
    shell: Shell, server: Server
) -> None:
    outcome = shell.run(
        (
            "Import-ExchangeCertificate",
            {"FileData": MAIL.pfx(PASSWORD), "Password": SecureText(PASSWORD), "Server": "EX01"},
        )
    )
    assert len(outcome.succeeded().fragments) == 1
    assert stored(server).PrivateKeyExportable is False
    assert stored(server).Services == set()


@pytest.mark.parametrize(
    ("data", "password"),
    [
        (MAIL.pfx(PASSWORD), "wrong"),
        (b"this is no certificate", PASSWORD),
        (MAIL.pfx(PASSWORD, modern=True), PASSWORD),
    ],
    ids=["wrong password", "no PKCS#12", "AES PKCS#12 on older Windows"],
)
def test_unreadable_data_is_refused(shell: Shell, data: bytes, password: str) -> None:
    error = shell.run(
        ("Import-ExchangeCertificate", {"FileData": data, "Password": SecureText(password)})
    ).error
    assert error.message.endswith(
        "The source data cannot be imported or the wrong password was specified."
    )
    assert error.category == "ReadError"
    assert " A39CF339," in error.error_id


def test_newer_windows_reads_modern_pkcs12(shell: Shell, organisation: Organisation) -> None:
    organisation.behavior.modern_pkcs12 = True
    data = MAIL.pfx(PASSWORD, modern=True)
    shell.run(
        ("Import-ExchangeCertificate", {"FileData": data, "Password": SecureText(PASSWORD)})
    ).succeeded()


def test_importing_twice_is_refused(shell: Shell) -> None:
    import_it(shell)
    outcome = shell.run(
        (
            "Import-ExchangeCertificate",
            {"FileData": MAIL.pfx(PASSWORD), "Password": SecureText(PASSWORD)},
        )
    )
    assert outcome.error.message.endswith(
        "Cannot import certificate. A certificate with the thumbprint "
        f"{MAIL.thumbprint} already exists."
    )


def test_a_plain_text_password_is_no_secure_string(shell: Shell) -> None:
    outcome = shell.run(
        ("Import-ExchangeCertificate", {"FileData": MAIL.pfx(PASSWORD), "Password": PASSWORD})
    )
    assert outcome.failure is not None
    assert "System.Security.SecureString" in outcome.failure.message
    assert PASSWORD not in outcome.failure.message


def test_file_names_are_gone(shell: Shell) -> None:
    outcome = shell.run(("Import-ExchangeCertificate", {"FileName": "\\\\server\\share\\x.pfx"}))
    assert outcome.failure is not None
    assert outcome.failure.message == (
        "A parameter cannot be found that matches parameter name 'FileName'."
    )


@pytest.mark.parametrize(("length", "accepted"), [(63, True), (64, False)])
def test_friendly_names_are_shorter_than_64(shell: Shell, length: int, accepted: bool) -> None:
    outcome = shell.run(
        (
            "Import-ExchangeCertificate",
            {
                "FileData": MAIL.pfx(PASSWORD),
                "Password": SecureText(PASSWORD),
                "FriendlyName": "x" * length,
            },
        )
    )
    assert (not outcome.errors) is accepted


# Enable ------------------------------------------------------------------------------------------


def test_services_are_only_added(shell: Shell, server: Server) -> None:
    thumbprint = import_it(shell)
    for services in ("IMAP", ["POP", "IIS"], 0, "None"):
        enable(shell, thumbprint, services).succeeded()
    assert stored(server).services_in_order == ["IMAP", "POP", "IIS"]


@pytest.mark.parametrize("services", ["IIS, SMTP", ["iis", "smtp"], 24])
def test_services_are_taken_as_text_list_or_number(
    shell: Shell, server: Server, services: object
) -> None:
    enable(shell, import_it(shell), services, Force=True).succeeded()
    assert stored(server).Services == {"IIS", "SMTP"}


def test_an_unknown_service_is_refused_by_the_binder(shell: Shell) -> None:
    outcome = enable(shell, import_it(shell), "SMTP, FTP")
    assert outcome.failure is not None
    assert "Unable to match the identifier name FTP" in outcome.failure.message


def test_federation_is_refused(shell: Shell) -> None:
    assert "Federation" in enable(shell, import_it(shell), ["Federation"]).error.message


def test_smtp_asks_before_replacing_the_internal_transport_certificate(
    shell: Shell, server: Server
) -> None:
    current = server.InternalTransportCertificateThumbprint
    shell.host = Prompted(NO)
    thumbprint = import_it(shell)
    enable(shell, thumbprint, ["SMTP"]).succeeded()
    ((caption, message),) = shell.host.questions
    assert caption == "Confirm"
    assert re.fullmatch(
        r"Overwrite the existing default SMTP certificate\?\r\n\r\n"
        rf"Current certificate: '{current}' \(expires [^)]+\)\r\n"
        rf"Replace it with certificate: '{thumbprint}' \(expires [^)]+\)",
        message,
    )
    assert shell.host.labels == ["&Yes", "Yes to &All", "&No", "No to A&ll"]
    assert shell.host.default == YES


@pytest.mark.parametrize(("answer", "replaced"), [(0, True), (1, True), (2, False), (3, False)])
def test_no_keeps_the_internal_transport_certificate_but_enables_smtp(
    shell: Shell, server: Server, answer: int, replaced: bool
) -> None:
    shell.host = Prompted(answer)
    thumbprint = import_it(shell)
    enable(shell, thumbprint, ["SMTP"]).succeeded()
    assert "SMTP" in stored(server).Services
    assert (server.InternalTransportCertificateThumbprint == thumbprint) is replaced


def test_force_replaces_without_asking(shell: Shell, server: Server) -> None:
    shell.host = Prompted(NO)
    thumbprint = import_it(shell)
    enable(shell, thumbprint, ["SMTP"], Force=True).succeeded()
    assert shell.host.questions == []
    assert server.InternalTransportCertificateThumbprint == thumbprint


def test_a_client_without_host_cannot_be_asked(shell: Shell, server: Server) -> None:
    outcome = enable(shell, import_it(shell), ["SMTP"])
    assert outcome.failure is not None
    assert outcome.failure.error_id.startswith("HostFunctionNotImplemented,")
    assert "SMTP" not in stored(server).Services


def test_other_services_ask_nothing(shell: Shell) -> None:
    shell.host = Prompted(NO)
    enable(shell, import_it(shell), ["IIS", "POP", "IMAP"]).succeeded()
    assert shell.host.questions == []


def test_enabling_the_internal_transport_certificate_again_asks_nothing(
    shell: Shell, server: Server
) -> None:
    shell.host = Prompted(NO)
    enable(shell, server.InternalTransportCertificateThumbprint or "", ["SMTP"]).succeeded()
    assert shell.host.questions == []


def test_iis_moves_the_front_end_binding_only(shell: Shell, server: Server) -> None:
    thumbprint = import_it(shell)
    enable(shell, thumbprint, ["IIS"]).succeeded()
    bound = {b.site_id: b.certificateHash for b in server.web_bindings if b.protocol == "https"}
    assert bound[1] == thumbprint
    assert bound[2] == server.InternalTransportCertificateThumbprint


def test_a_certificate_without_key_cannot_be_enabled(shell: Shell, server: Server) -> None:
    der = MAIL.certificate.public_bytes(pki.serialization.Encoding.DER)
    shell.run(("Import-ExchangeCertificate", {"FileData": der})).succeeded()
    error = enable(shell, MAIL.thumbprint, ["IIS"]).error
    assert error.message.endswith(
        "was found but is not valid for use with Exchange Server (reason: PrivateKeyMissing)."
    )
    assert (error.category, " DA6D9EA1," in error.error_id) == ("NotSpecified", True)


def test_an_expired_certificate_cannot_be_enabled(shell: Shell) -> None:
    error = enable(shell, import_it(shell, EXPIRED), ["IIS"]).error
    assert "(reason: DateInvalid)" in error.message


def test_an_elliptic_curve_key_needs_the_switch_on_the_server(
    shell: Shell, organisation: Organisation
) -> None:
    thumbprint = import_it(shell, ELLIPTIC)
    organisation.behavior.elliptic_curve_certificates = False
    assert "(reason: KeyAlgorithmUnsupported)" in enable(shell, thumbprint, ["IIS"]).error.message
    organisation.behavior.elliptic_curve_certificates = True
    enable(shell, thumbprint, ["IIS"]).succeeded()


def test_a_wildcard_warns_and_does_not_serve_pop_and_imap(shell: Shell, server: Server) -> None:
    thumbprint = import_it(shell, WILDCARD)
    outcome = enable(shell, thumbprint, ["POP", "IMAP", "IIS"]).succeeded()
    assert stored(server, WILDCARD).Services == {"IIS"}
    assert outcome.warnings == [
        f"This certificate with thumbprint {thumbprint} and subject '*.contoso.test' cannot used "
        f"for {service} SSL/TLS connections because the subject is not a Fully Qualified Domain "
        f"Name (FQDN). Use command Set-{service}Settings to set X509CertificateName to the FQDN "
        "of the service."
        for service in ("IMAP", "POP")
    ]


def test_enabling_smtp_may_bring_imap_too(shell: Shell, organisation: Organisation) -> None:
    organisation.behavior.extra_services = True
    enable(shell, import_it(shell), ["SMTP"], Force=True).succeeded()
    assert stored(organisation.servers["EX01"]).services_number == 17


def test_what_if_changes_nothing(shell: Shell, server: Server) -> None:
    thumbprint = import_it(shell)
    enable(shell, thumbprint, ["IIS"], WhatIf=True).succeeded()
    assert stored(server).Services == set()


# Export ------------------------------------------------------------------------------------------


def test_an_exportable_certificate_comes_back_as_pkcs12(shell: Shell) -> None:
    thumbprint = import_it(shell, PrivateKeyExportable=True)
    outcome = shell.run(
        (
            "Export-ExchangeCertificate",
            {"Thumbprint": thumbprint, "BinaryEncoded": True, "Password": SecureText("other")},
        )
    )
    (row,) = outcome.succeeded().rows
    content = pkcs12.load_pkcs12(bytes(row["FileData"]), b"other")
    assert content.cert is not None
    assert content.cert.certificate == MAIL.certificate
    assert content.key is not None


def test_a_key_that_must_not_leave_stays(shell: Shell) -> None:
    outcome = shell.run(
        (
            "Export-ExchangeCertificate",
            {
                "Thumbprint": import_it(shell),
                "BinaryEncoded": True,
                "Password": SecureText("other"),
            },
        )
    )
    assert outcome.error.message.endswith(
        "The private key couldn't be exported as PKCS-12. It either couldn't be accessed or isn't "
        "exportable."
    )


# Remove ------------------------------------------------------------------------------------------


def remove(shell: Shell, thumbprint: str, **more: object) -> Outcome:
    return shell.run(("Remove-ExchangeCertificate", {"Thumbprint": thumbprint, **more}))


def test_remove_asks_unless_confirm_is_false(shell: Shell, server: Server) -> None:
    shell.host = Prompted(NO)
    thumbprint = import_it(shell)
    remove(shell, thumbprint).succeeded()
    assert thumbprint in server.certificates
    assert shell.host.questions == [
        (
            "Confirm",
            "Are you sure you want to perform this action?\r\nRemove certificate with thumbprint "
            f"{thumbprint} from the computer's certificate store?",
        )
    ]
    remove(shell, thumbprint, Confirm=False).succeeded()
    assert thumbprint not in server.certificates
    assert len(shell.host.questions) == 1


def test_the_internal_transport_certificate_stays(shell: Shell, server: Server) -> None:
    error = remove(shell, server.InternalTransportCertificateThumbprint or "", Confirm=False).error
    assert "The internal transport certificate cannot be removed" in error.message
    assert (error.category, " DCA528C3," in error.error_id) == ("InvalidArgument", True)


def test_a_certificate_named_by_send_connectors_stays_even_beside_one_of_the_same_name(
    shell: Shell, organisation: Organisation
) -> None:
    import_it(shell)
    import_it(shell, RENEWED)
    organisation.send_connectors[
        0
    ].TlsCertificateName = '<I>CN=Test Root, O="Contoso, Ltd."<S>CN=mail.contoso.test'
    error = remove(shell, MAIL.thumbprint, Confirm=False).error
    assert error.message.startswith(
        "A special Rpc error occurs on server EX01: These certificates are tagged with following "
        "Send Connectors : Outbound. Removing and replacing certificates from Send Connector"
    )
    organisation.send_connectors[0].TlsCertificateName = None
    remove(shell, MAIL.thumbprint, Confirm=False).succeeded()


def test_a_certificate_that_iis_is_bound_to_stays_where_that_is_switched_on(
    shell: Shell, organisation: Organisation, server: Server
) -> None:
    thumbprint = import_it(shell)
    enable(shell, thumbprint, "IIS").succeeded()
    organisation.behavior.refuse_removal_of_iis_certificate = True
    error = remove(shell, thumbprint, Confirm=False).error
    assert (error.category, "in use by IIS" in error.message) == ("InvalidOperation", True)
    assert thumbprint in server.certificates
    organisation.behavior.refuse_removal_of_iis_certificate = False
    remove(shell, thumbprint, Confirm=False).succeeded()
    assert thumbprint not in server.certificates


@pytest.mark.parametrize("role", ["CurrentCertificateThumbprint", "NextCertificateThumbprint"])
def test_a_certificate_of_the_auth_configuration_stays_where_that_is_switched_on(
    shell: Shell, organisation: Organisation, server: Server, role: str
) -> None:
    thumbprint = import_it(shell)
    setattr(organisation.auth_config, role, thumbprint)
    organisation.behavior.refuse_removal_of_auth_certificate = True
    error = remove(shell, thumbprint, Confirm=False).error
    assert error.category == "InvalidOperation"
    assert f"{thumbprint} is in use by the authorization configuration" in error.message
    assert thumbprint in server.certificates
    organisation.behavior.refuse_removal_of_auth_certificate = False
    remove(shell, thumbprint, Confirm=False).succeeded()


def test_the_switches_keep_nothing_else(
    shell: Shell, organisation: Organisation, server: Server
) -> None:
    organisation.behavior.refuse_removal_of_iis_certificate = True
    organisation.behavior.refuse_removal_of_auth_certificate = True
    thumbprint = import_it(shell)
    organisation.auth_config.PreviousCertificateThumbprint = thumbprint
    remove(shell, thumbprint, Confirm=False).succeeded()
    assert thumbprint not in server.certificates


# New ---------------------------------------------------------------------------------------------


def test_a_new_certificate_is_self_signed_and_enabled(shell: Shell, server: Server) -> None:
    shell.host = Prompted(NO)
    outcome = shell.run(
        ("New-ExchangeCertificate", {"SubjectName": "CN=lab.contoso.test", "Services": "SMTP"})
    )
    assert len(outcome.succeeded().fragments) == 1
    (made,) = [c for c in rules.visible(server) if "lab" in c.certificate.subject.rfc4514_string()]
    assert (made.SelfSigned, made.Services) == (True, {"SMTP"})
    assert server.InternalTransportCertificateThumbprint != made.Thumbprint


def test_a_renewal_takes_over_the_names_of_its_instance(shell: Shell, server: Server) -> None:
    der = MAIL.certificate.public_bytes(serialization.Encoding.DER)
    shell.run(("New-ExchangeCertificate", {"Instance": der, "Services": "None"})).succeeded()
    (made,) = [
        c.certificate
        for c in rules.visible(server)
        if c.certificate.subject == MAIL.certificate.subject
    ]
    assert tls_names.dns_names(made) == ["mail.contoso.test"]


def test_an_instance_that_is_no_certificate_is_refused(shell: Shell) -> None:
    error = shell.run(("New-ExchangeCertificate", {"Instance": b"no certificate"})).error
    assert error.category == "InvalidArgument"


def test_a_request_waits_for_the_reply_on_the_server_that_made_it(
    shell: Shell, server: Server
) -> None:
    outcome = shell.run(
        (
            "New-ExchangeCertificate",
            {"GenerateRequest": True, "SubjectName": "CN=req.contoso.test"},
        )
    )
    assert str(outcome.succeeded().objects[0]).startswith("-----BEGIN NEW CERTIFICATE REQUEST-----")
    (pending,) = [c for c in rules.visible(server) if c.request_pending]
    assert pending.Status == "PendingRequest"
