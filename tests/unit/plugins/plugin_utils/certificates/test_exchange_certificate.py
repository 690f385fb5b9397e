# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's certificates are read in whatever form they arrive; what it hides stays unknown."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    certificate_of,
    find_certificate,
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteEnum,
    RemoteObject,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletFailed,
    CmdletNotAvailable,
    ExchangeError,
)
from support import captures, pki
from support.recording_session import RecordingSession, cmdlet_error, remote
from support.serialized_certificate import exchange_certificate, signed

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


@pytest.fixture
def der(issued: pki.Issued) -> bytes:
    return issued.certificate.public_bytes(Encoding.DER)


def selected(der: bytes, **changes: Any) -> RemoteObject:
    """A certificate as Select-Object gives it."""
    properties: dict[str, Any] = {
        "Thumbprint": "IGNORED, the bytes say it better",
        "Subject": 'CN=mail.contoso.com, O="Contoso, Ltd.", C=DE',
        "Issuer": "CN=Test Issuing CA, O=Test PKI",
        "Services": RemoteEnum("IIS, SMTP", 24),
        "ServicesStringForm": "...WS.",
        "Status": RemoteEnum("Valid", 1),
        "RootCAType": RemoteEnum("ThirdParty", 1),
        "IsSelfSigned": False,
        "FriendlyName": "Mail",
        "PrivateKeyExportable": True,
        "HasPrivateKey": True,
        "CertificateDomains": ["mail.contoso.com"],
        "Identity": "ex01.contoso.com\\0563",
        "RawData": der,
        "SerializationData": None,
    }
    return remote(**{**properties, **changes})


def whole(der: bytes, blob: bytes | None) -> RemoteObject:
    """A certificate as a whole object: its bytes, and the serialized copy if there is one."""
    return RemoteObject(
        type_names=("Microsoft.Exchange.Management.SystemConfigurationTasks.ExchangeCertificate",),
        text="[Subject]\r\n  CN=mail",
        properties={"RawData": der, **({"SerializationData": blob} if blob else {})},
    )


def test_named_properties(der: bytes, issued: pki.Issued) -> None:
    certificate = certificate_of(selected(der), server="EX01")
    assert certificate is not None
    assert certificate.thumbprint == issued.thumbprint
    assert certificate.services == {"IIS", "SMTP"}
    assert certificate.dns_names == ("mail.contoso.com", "autodiscover.contoso.com")
    assert certificate.not_after == issued.certificate.not_valid_after_utc
    assert (certificate.status, certificate.root_ca_type) == ("Valid", "ThirdParty")
    assert certificate.tls_certificate_name.render() == (
        '<I>CN=Test Issuing CA, O=Test PKI<S>CN=mail.contoso.com, O="Contoso, Ltd.", C=DE'
    )


@pytest.mark.parametrize("envelope", [bytes, signed], ids=["plain", "signed"])
def test_whole_object_with_a_serialized_copy(
    der: bytes, issued: pki.Issued, envelope: type[bytes]
) -> None:
    blob = envelope(exchange_certificate(der, services=17, exportable=False, status=7))
    certificate = certificate_of(whole(der, blob), server="EX01")
    assert certificate is not None
    assert certificate.thumbprint == issued.thumbprint
    assert certificate.services == {"IMAP", "SMTP"}
    assert certificate.friendly_name == "Mail"
    assert certificate.exportable is False
    assert certificate.is_pending_request
    assert certificate.subject == 'CN=mail.contoso.com, O="Contoso, Ltd.", C=DE'


@pytest.mark.parametrize("blob", [None, b"garbage", b"#sig#"], ids=["missing", "garbage", "cut"])
def test_without_a_readable_copy_services_are_unknown_and_not_none(
    der: bytes, issued: pki.Issued, blob: bytes | None
) -> None:
    certificate = certificate_of(whole(der, blob))
    assert certificate is not None
    assert certificate.thumbprint == issued.thumbprint
    assert certificate.services is None
    assert certificate.exportable is None
    assert certificate.to_result(NOW)["services"] is None


@pytest.mark.parametrize(
    ("changes", "services"),
    [
        pytest.param({"Services": "IIS, SMTP"}, {"IIS", "SMTP"}, id="services as text"),
        pytest.param({"Services": RemoteEnum("None", 0)}, set(), id="none at all"),
        pytest.param(
            {"Services": None, "ServicesStringForm": "IP...."},
            {"IMAP", "POP"},
            id="only the string form",
        ),
        pytest.param({"Services": None, "ServicesStringForm": None}, None, id="neither"),
    ],
)
def test_services_of_named_properties(
    der: bytes, changes: dict[str, Any], services: set[str] | None
) -> None:
    certificate = certificate_of(selected(der, **changes))
    assert certificate is not None
    assert certificate.services == services


def test_without_its_bytes_the_named_properties_must_do() -> None:
    start = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    certificate = certificate_of(
        selected(b"", Thumbprint="a" * 40, NotBefore=start, NotAfter=start + timedelta(days=90))
    )
    assert certificate is not None
    assert certificate.thumbprint == "A" * 40
    assert certificate.dns_names == ("mail.contoso.com",)
    assert certificate.not_before == datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert certificate.key_type is None


def test_the_result_is_plain_json(der: bytes) -> None:
    certificate = certificate_of(selected(der), server="EX01")
    assert certificate is not None
    result = certificate.to_result(certificate.not_after or NOW)
    assert json.loads(json.dumps(result)) == result
    assert result["services"] == ["IIS", "SMTP"]
    assert result["days_left"] == 0
    assert str(result["not_after"]).endswith("Z")


class TestReadingAServer:
    def test_one_pipeline_that_names_the_server(self, der: bytes) -> None:
        session = RecordingSession({"Get-ExchangeCertificate": [[selected(der)]]})
        (certificate,) = read_certificates(session, "EX01", "dc1.contoso.com")
        assert certificate.server == "EX01"
        (call,) = session.calls
        assert call.parameters == {"Server": "EX01", "DomainController": "dc1.contoso.com"}
        assert call.projected
        assert not call.changing

    def test_whole_objects_where_select_object_is_not_exposed(self, der: bytes) -> None:
        refusal = CmdletNotAvailable("The term 'Select-Object' is not recognized")
        blob = exchange_certificate(der)
        session = RecordingSession({"Get-ExchangeCertificate": [refusal, [whole(der, blob)]]})
        (certificate,) = read_certificates(session, "EX01")
        assert certificate.services == {"IIS", "SMTP"}
        assert [call.projected for call in session.calls] == [True, False]

    def test_whole_objects_where_select_object_refuses_the_names(self, der: bytes) -> None:
        error = cmdlet_error("cannot validate argument on 'Property'", cmdlet="Select-Object")
        refusal = CmdletFailed("no", errors=[error])
        session = RecordingSession({"Get-ExchangeCertificate": [refusal, [whole(der, None)]]})
        assert read_certificates(session, "EX01")[0].services is None

    def test_a_failure_of_the_cmdlet_itself_is_not_hidden(self) -> None:
        error = cmdlet_error("server not found", cmdlet="Get-ExchangeCertificate")
        session = RecordingSession(
            {"Get-ExchangeCertificate": [CmdletFailed("no", errors=[error])]}
        )
        with pytest.raises(CmdletFailed, match="no"):
            read_certificates(session, "EX01")
        assert len(session.calls) == 1

    def test_certificates_without_any_detail_point_to_the_auth_certificate(self) -> None:
        session = RecordingSession({"Get-ExchangeCertificate": [[remote(Thumbprint=None)] * 3]})
        with pytest.raises(ExchangeError, match=r"3 certificate.*Auth certificate"):
            read_certificates(session, "EX01")

    def test_no_certificates_are_no_failure(self) -> None:
        assert read_certificates(RecordingSession(), "EX01") == []

    def test_finding_one(self, der: bytes, issued: pki.Issued) -> None:
        session = RecordingSession({"Get-ExchangeCertificate": [[selected(der)]]})
        certificates = read_certificates(session, "EX01")
        assert find_certificate(certificates, issued.thumbprint) is certificates[0]
        assert find_certificate(certificates, "0" * 40) is None


@pytest.mark.parametrize(
    ("sites", "back_end_only"),
    [
        pytest.param(("IIS://EX01/W3SVC/2",), True, id="back end"),
        pytest.param(("IIS://EX01/W3SVC/1", "IIS://EX01/W3SVC/2"), False, id="both sites"),
        pytest.param((), False, id="no site"),
    ],
)
def test_which_web_site_a_certificate_serves(
    der: bytes, sites: tuple[str, ...], back_end_only: bool
) -> None:
    certificate = certificate_of(whole(der, exchange_certificate(der, sites=sites)))
    assert certificate is not None
    assert certificate.is_bound_to_back_end_only is back_end_only


# Thumbprint, subject, DNS names, last day, services: read by hand from the files.
CAPTURED = {
    "exlab-GetExchangeCertificate": [
        (
            "2D10A746D6BB8D795F1679AEBD89D5D2AE583CB7",
            "CN=Microsoft Exchange Server Auth Certificate",
            [],
            "2026-07-11",
            [],
        ),
        (
            "611C687DFC4343A5A03E0005A1EC6E9B6AFF586D",
            "CN=WIN-CTD3L0RGEN4",
            ["WIN-CTD3L0RGEN4", "WIN-CTD3L0RGEN4.exlab.dom"],
            "2026-08-06",
            ["IMAP", "POP", "IIS"],
        ),
        (
            "E267D459A0FB53D0EF225C11FAC062D522648C09",
            "CN=localhost",
            ["localhost"],
            "2026-08-06",
            [],
        ),
        (
            "3341CEAF3DF4D3A9527EC98BDD53C54ECC3E0620",
            "CN=WMSvc-SHA2-WIN-CTD3L0RGEN4",
            ["WMSvc-SHA2-WIN-CTD3L0RGEN4"],
            "2031-08-04",
            [],
        ),
    ],
    "e16-GetExchangeCertificate": [
        (
            "92E196F3C8D3D753FCFC5B7690C3173AA1C0ABE3",
            "CN=Microsoft Exchange Server Auth Certificate",
            [],
            "2023-10-29",
            ["SMTP"],
        ),
        (
            "823884A32609DCDC8C4B5462952586C30D814073",
            "CN=Solo-E16A",
            ["Solo-E16A", "Solo-E16A.Solo.local"],
            "2023-11-24",
            ["IMAP", "POP", "IIS", "SMTP"],
        ),
        (
            "A60C6E62FF85D208DF668D597A1B077E1534147F",
            "CN=WMSvc-WIN-9UC94ETVM30",
            ["WMSvc-WIN-9UC94ETVM30"],
            "2028-11-20",
            [],
        ),
    ],
    "contoso-NewExchangeCertificateDefaultTransport": [
        (
            "A86B1B7414E51491D446905511A329A7FE120510",
            "CN=E2k16-1",
            ["E2k16-1", "E2k16-1.Contoso.lab"],
            "2028-01-05",
            ["IMAP", "SMTP"],
        ),
    ],
}


@captures.needs_captures
@pytest.mark.parametrize("file", CAPTURED)
def test_captured_servers(file: str) -> None:
    values = captures.read(f"exchange-certificate/{file}")
    results = []
    for value in values:
        certificate = certificate_of(value)
        assert certificate is not None
        assert certificate.issuer == certificate.subject
        assert (certificate.key_type, certificate.key_size) == ("RSA", 2048)
        assert (certificate.status, certificate.self_signed) == ("Valid", True)
        result = certificate.to_result(NOW)
        results.append(
            (
                result["thumbprint"],
                result["subject"],
                result["dns_names"],
                str(result["not_after"])[:10],
                result["services"],
            )
        )
    assert results == CAPTURED[file]
