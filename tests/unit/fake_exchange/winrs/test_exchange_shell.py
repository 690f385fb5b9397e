# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can a script do in the local Exchange shell of an Edge server?"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from fake_exchange.faults import Fault
from fake_exchange.organisation import certificates, installation, services
from fake_exchange.organisation.model import Organisation, Server
from fake_exchange.winrs.powershell import ScriptResult, run_script_text
from support import pki
from support.cmdlet_shell import Shell, small_organisation

SNAPIN = "Add-PSSnapin Microsoft.Exchange.Management.PowerShell.E2010\n"
MAIL = pki.root(("CN", "Test Root")).issue(("CN", "mail.contoso.test"), dns=["mail.contoso.test"])
CONNECTOR = "Default internal receive connector EDGE01"
#: One cmdlet with parameters from JSON, as an administrator's program would do it.
GENERAL = """
$ErrorActionPreference = 'Stop'
Add-PSSnapin Microsoft.Exchange.Management.PowerShell.E2010
$task = $input | Out-String | ConvertFrom-Json
$parameters = @{}
foreach ($one in $task.parameters.PSObject.Properties) { $parameters[$one.Name] = $one.Value }
if ($parameters.ContainsKey('FileData')) {
    $parameters['FileData'] = [Convert]::FromBase64String($parameters['FileData'])
}
if ($parameters.ContainsKey('Password')) {
    $parameters['Password'] = ConvertTo-SecureString $parameters['Password'] -AsPlainText -Force
}
$name = $task.cmdlet
try {
    $found = @(& $name @parameters)
    $rows = @($found | Select-Object -Property $task.properties)
    @{ rows = $rows } | ConvertTo-Json -Depth 4 -Compress
} catch {
    @{ error = $_.Exception.Message; id = $_.FullyQualifiedErrorId } | ConvertTo-Json -Compress
}
"""


@pytest.fixture
def organisation() -> Organisation:
    organisation = small_organisation("EX01")
    edge = Server("EDGE01", "edge01.contoso.test", "Perimeter", ServerRole="Edge")
    organisation.servers["EDGE01"] = edge
    installation.equip(organisation, edge, None)
    return organisation


@pytest.fixture
def server(organisation: Organisation) -> Server:
    return organisation.servers["EDGE01"]


def run(organisation: Organisation, server: Server, text: str, **options: Any) -> ScriptResult:
    return run_script_text(text, organisation=organisation, server=server, **options)


def lines(organisation: Organisation, server: Server, text: str) -> list[str]:
    result = run(organisation, server, SNAPIN + text)
    assert (result.stderr, result.exit_code) == ("", 0)
    return result.stdout.splitlines()


def do(
    organisation: Organisation, server: Server, cmdlet: str, *properties: str, **parameters: Any
) -> Any:
    """The rows, or the error, of one cmdlet run by the general script."""
    task = {"cmdlet": cmdlet, "parameters": parameters, "properties": list(properties) or ["Name"]}
    result = run(organisation, server, GENERAL, stdin=json.dumps(task).encode())
    assert (result.stderr, result.exit_code) == ("", 0)
    return json.loads(result.stdout)


# There or not -----------------------------------------------------------------------------------


def test_without_the_snapin_there_are_no_exchange_cmdlets(
    organisation: Organisation, server: Server
) -> None:
    result = run(organisation, server, "Get-ExchangeCertificate")
    assert "is not recognized" in result.stderr
    (found,) = lines(organisation, server, "(Get-Command Get-ExchangeCertificate).Name")
    assert found == "Get-ExchangeCertificate"


def test_a_mailbox_server_has_no_snapin(organisation: Organisation) -> None:
    result = run(organisation, organisation.servers["EX01"], SNAPIN + "Get-ExchangeCertificate")
    assert "No snap-ins have been registered" in result.stderr
    assert "is not recognized" in result.stderr


def test_snapins_are_listed(organisation: Organisation, server: Server) -> None:
    assert len(lines(organisation, server, "(Get-PSSnapin -Registered).Name")) == 2
    assert lines(organisation, server, "(Get-PSSnapin).Name") == [
        "Microsoft.Exchange.Management.PowerShell.E2010"
    ]


@pytest.mark.parametrize("name", ["Set-SendConnector", "Set-AuthConfig", "Get-PopSettings"])
def test_an_edge_server_has_not_all_of_them(
    organisation: Organisation, server: Server, name: str
) -> None:
    assert "is not recognized" in run(organisation, server, SNAPIN + name).stderr


# What it shows ----------------------------------------------------------------------------------


def test_certificates_come_with_all_their_properties(
    organisation: Organisation, server: Server
) -> None:
    thumbprint = server.InternalTransportCertificateThumbprint
    text = '$c = Get-ExchangeCertificate; "$($c.Thumbprint) $($c.Services) $($c.FriendlyName)"'
    assert lines(organisation, server, text) == [f"{thumbprint} SMTP Microsoft Exchange"]
    (row,) = do(organisation, server, "Get-TransportService", "Name", "*CertificateThumbprint")[
        "rows"
    ]
    assert row == {"Name": "EDGE01", "InternalTransportCertificateThumbprint": thumbprint}


def test_it_sees_only_itself(organisation: Organisation, server: Server) -> None:
    assert do(organisation, server, "Get-ExchangeServer")["rows"] == [{"Name": "EDGE01"}]
    assert do(organisation, server, "Get-ReceiveConnector")["rows"] == [{"Name": CONNECTOR}]
    answer = do(organisation, server, "Get-ExchangeCertificate", Server="EX01")
    assert '"EX01" was not found' in answer["error"]


def test_a_mailbox_server_still_sees_all(organisation: Organisation) -> None:
    shell = Shell(organisation, organisation.accounts[0], organisation.servers["EX01"])
    assert len(shell.run("Get-ExchangeServer").succeeded().rows) == 2


# What it changes --------------------------------------------------------------------------------


def import_mail(organisation: Organisation, server: Server) -> Any:
    data = base64.b64encode(MAIL.pfx("geheim")).decode()
    return do(
        organisation,
        server,
        "Import-ExchangeCertificate",
        "Thumbprint",
        FileData=data,
        Password="geheim",
        PrivateKeyExportable=True,
    )


def test_a_certificate_is_imported_enabled_and_named(
    organisation: Organisation, server: Server
) -> None:
    assert import_mail(organisation, server) == {"rows": [{"Thumbprint": MAIL.thumbprint}]}
    assert server.certificates[MAIL.thumbprint].PrivateKeyExportable
    name = "<I>CN=Test Root<S>CN=mail.contoso.test"
    do(
        organisation,
        server,
        "Enable-ExchangeCertificate",
        Thumbprint=MAIL.thumbprint,
        Services="SMTP",
        Force=True,
    )
    do(
        organisation,
        server,
        "Set-ReceiveConnector",
        Identity=f"EDGE01\\{CONNECTOR}",
        TlsCertificateName=name,
    )
    assert server.InternalTransportCertificateThumbprint == MAIL.thumbprint
    assert server.receive_connectors[0].TlsCertificateName == name
    services.restart(organisation, server, "MSExchangeTransport")
    loaded = services.presented(organisation, server, "smtp")
    assert loaded is not None
    assert loaded.Thumbprint == MAIL.thumbprint


def test_what_is_done_is_in_the_journal_and_the_log_without_the_password(
    organisation: Organisation, server: Server
) -> None:
    import_mail(organisation, server)
    (entry,) = organisation.journal.as_dict()["changes"]  # type: ignore[misc]
    assert (entry["what"], entry["server"], entry["detail"]) == (
        "Import-ExchangeCertificate",
        "EDGE01",
        MAIL.thumbprint,
    )
    assert "geheim" not in str(organisation.cmdlet_log.calls())


def test_nobody_answers_the_question_about_the_internal_transport_certificate(
    organisation: Organisation, server: Server
) -> None:
    before = server.InternalTransportCertificateThumbprint
    import_mail(organisation, server)
    wish = {"Thumbprint": MAIL.thumbprint, "Services": "SMTP"}
    answer = do(organisation, server, "Enable-ExchangeCertificate", **wish)
    assert answer["id"].startswith("HostFunctionNotImplemented,")
    assert server.InternalTransportCertificateThumbprint == before


def test_a_connector_of_its_own_can_be_made_and_removed(
    organisation: Organisation, server: Server
) -> None:
    wish = {"Bindings": ["0.0.0.0:2526"], "RemoteIPRanges": "10.0.0.0/8", "Usage": "Custom"}
    do(organisation, server, "New-ReceiveConnector", Name="Relay", **wish)
    assert server.receive_connector("Relay") is not None
    do(organisation, server, "Remove-ReceiveConnector", Identity="Relay", Confirm=False)
    assert server.receive_connector("Relay") is None


def test_a_warning_and_what_if(organisation: Organisation, server: Server) -> None:
    change = f"Set-ReceiveConnector '{CONNECTOR}' -Comment "
    result = run(organisation, server, f"{SNAPIN}{change} 'x' -WhatIf; {change} ''")
    assert "no settings of" in result.stdout + result.stderr
    assert server.receive_connectors[0].Comment == ""


# What goes wrong --------------------------------------------------------------------------------


def test_errors_are_exchanges_own(organisation: Organisation, server: Server) -> None:
    answer = do(organisation, server, "Get-ExchangeCertificate", Thumbprint="AA" * 20)
    assert f"with thumbprint {'AA' * 20} was not found" in answer["error"]
    assert "[FailureCategory=Cmdlet-InvalidOperationException] 71D7F7B0," in answer["id"]
    wrong = do(organisation, server, "Get-ExchangeCertificate", Nonsense=1)
    assert "matches parameter name 'Nonsense'" in wrong["error"]


def test_faults_strike_here_too(organisation: Organisation, server: Server) -> None:
    organisation.faults.arm(Fault("fail_cmdlet", cmdlet="Get-ReceiveConnector", server="EDGE01"))
    assert "error" in do(organisation, server, "Get-ReceiveConnector")
    assert "rows" in do(organisation, server, "Get-ReceiveConnector")


def test_an_exported_certificate_comes_back_as_bytes(
    organisation: Organisation, server: Server
) -> None:
    import_mail(organisation, server)
    text = f"""
$password = ConvertTo-SecureString 'other' -AsPlainText -Force
$file = Export-ExchangeCertificate -Thumbprint {MAIL.thumbprint} -BinaryEncoded -Password $password
[Convert]::ToBase64String($file.FileData)
"""
    (data,) = lines(organisation, server, text)
    content = certificates.read_certificate_data(
        base64.b64decode(data), "other", modern_pkcs12=False
    )
    assert content.certificate == MAIL.certificate
