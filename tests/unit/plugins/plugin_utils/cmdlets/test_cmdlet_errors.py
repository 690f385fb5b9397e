# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors are recognised by what no language changes, and get advice; the server's words stay."""

from __future__ import annotations

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.cmdlet_errors import (
    advice_for,
    error_code,
    explained,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletError,
    CmdletFailed,
    CmdletNotAvailable,
)
from support.recording_session import cmdlet_error

THUMBPRINT = "A" * 40


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        pytest.param(
            cmdlet_error("?", cmdlet="Enable-ExchangeCertificate", code="DA6D9EA1"),
            "certutil -repairstore",
            id="private key missing, by code",
        ),
        pytest.param(
            cmdlet_error("... nicht gültig (Grund: PrivateKeyMissing)."),
            "certutil -repairstore",
            id="private key missing, by the enum's name",
        ),
        pytest.param(
            cmdlet_error("... (reason: Untrusted)."), "unfit for use", id="any other status"
        ),
        pytest.param(
            cmdlet_error("?", cmdlet="Import-ExchangeCertificate", code="A39CF339"),
            "the password is not wrong",
            id="PFX refused, by code",
        ),
        pytest.param(
            cmdlet_error(
                f"A certificate with the thumbprint {THUMBPRINT} already exists.",
                class_name="Microsoft.Exchange.Management.SystemConfigurationTasks."
                "ImportExchangeCertificate",
            ),
            "does not show it",
            id="exists but invisible, cmdlet known by its class only",
        ),
        pytest.param(
            cmdlet_error(
                f"Ein Zertifikat mit dem Fingerabdruck {THUMBPRINT} ist bereits vorhanden.",
                cmdlet="Import-ExchangeCertificate",
            ),
            "does not show it",
            id="exists but invisible, in another language",
        ),
        pytest.param(
            cmdlet_error("?", cmdlet="Remove-ExchangeCertificate", code="DCA528C3"),
            "internal_transport_certificate: replace",
            id="internal transport certificate, by code",
        ),
        pytest.param(
            cmdlet_error(
                "These certificates are tagged with following Send Connectors : Outbound.",
                cmdlet="Remove-ExchangeCertificate",
            ),
            "same TlsCertificateName",
            id="named by Send connectors",
        ),
        pytest.param(
            cmdlet_error(
                "The private key couldn't be exported as PKCS-12.",
                cmdlet="Export-ExchangeCertificate",
            ),
            "not exportable",
            id="key not exportable",
        ),
        pytest.param(
            cmdlet_error("?", exception="Microsoft.X.AddAccessRuleCryptographicException"),
            "another program stored it",
            id="permissions of the key",
        ),
        pytest.param(
            cmdlet_error("?", exception="Microsoft.X.AddAccessRuleUnauthorizedAccessException"),
            "another program stored it",
            id="rights to the key",
        ),
        pytest.param(cmdlet_error("?", code="71D7F7B0"), "does not have this", id="not found"),
        pytest.param(cmdlet_error("Something new."), "", id="unknown"),
        pytest.param(
            cmdlet_error("?", cmdlet="Set-SendConnector", code="DCA528C3"),
            "",
            id="the code of another cmdlet",
        ),
    ],
)
def test_advice(error: CmdletError, advice: str) -> None:
    found = advice_for([error])
    assert advice in found
    assert bool(found) is bool(advice)


@pytest.mark.parametrize(
    ("error_id", "code"),
    [
        pytest.param(
            "[Server=EX01,RequestId=1,TimeStamp=1/4/2025 5:10:19 PM] "
            "[FailureCategory=Cmdlet-X] da6d9ea1,Microsoft.Exchange.Some.Class",
            "DA6D9EA1",
            id="Exchange's form",
        ),
        pytest.param("CommandNotFoundException", "", id="PowerShell's own"),
        pytest.param("", "", id="empty"),
    ],
)
def test_the_code_of_an_error_id(error_id: str, code: str) -> None:
    error = CmdletError(
        message="",
        category="",
        exception_type="",
        error_id=error_id,
        error_class="",
        cmdlet="",
    )
    assert error_code(error) == code


def test_a_failure_reports_what_was_done_the_servers_words_and_the_remedy() -> None:
    error = cmdlet_error("Serverworte.", code="71D7F7B0", cmdlet="Get-ExchangeCertificate")
    with pytest.raises(CmdletFailed) as failure, explained("Reading X", details={"server": "EX01"}):
        raise CmdletFailed("Serverworte.", errors=[error])
    assert failure.value.message == (
        "Reading X failed: Serverworte. The server does not have this certificate. Import it "
        "there, or name the server that has it."
    )
    assert failure.value.details["server"] == "EX01"
    assert failure.value.details["cmdlet"] == "Get-ExchangeCertificate"


def test_the_kind_of_failure_stays() -> None:
    with pytest.raises(CmdletNotAvailable), explained("Reading X"):
        raise CmdletNotAvailable("not recognized")


def test_other_errors_pass_untouched() -> None:
    with pytest.raises(KeyError), explained("Reading X"):
        raise KeyError("x")
