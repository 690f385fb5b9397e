# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do connectors, rights, the OAuth certificate and mail access work for a real client: credentials,
dates, prompts, and objects that come back?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from psrpcore.types import PSCredential, PSInvocationState, PSSecureString
from pypsrp.wsman import WSMan

from fake_exchange.organisation.loading import load_organisation
from fake_exchange.organisation.model import Organisation
from fake_exchange.running import RunningFake
from support.remote_powershell import RemotePowerShell

PASSWORD = "Correct-Horse-7"
ORGANISATION = f"""
accounts:
  - {{user: ansible, password: {PASSWORD}, role_groups: [Organization Management]}}
servers: [{{name: EX01}}, {{name: EX02}}]
"""


@pytest.fixture
def organisation(tmp_path: Path) -> Organisation:
    file = tmp_path / "contoso.yml"
    file.write_text(ORGANISATION)
    return load_organisation(file)


@pytest.fixture
def session(organisation: Organisation) -> Iterator[RemotePowerShell]:
    """On EX01; questions are answered with No."""
    with RunningFake(organisation):
        wsman = WSMan(
            "127.0.0.1",
            port=organisation.servers["EX01"].ports["powershell_http"],
            path="PowerShell",
            username=r"CONTOSO\ansible",
            password=PASSWORD,
            auth="ntlm",
            ssl=False,
            encryption="always",
            no_proxy=True,
        )
        with RemotePowerShell(wsman, answer=lambda *prompt: 2) as session:
            yield session


def test_a_connector_with_a_credential_comes_back_without_its_password(
    session: RemotePowerShell, organisation: Organisation
) -> None:
    credential = PSCredential(UserName="CONTOSO\\relay", Password=PSSecureString("geheim"))
    session.exchange_key()
    parameters = {
        "Name": "Partner",
        "AddressSpaces": ["fabrikam.test"],
        "SmartHosts": ["mail.fabrikam.test"],
        "SmartHostAuthMechanism": "BasicAuth",
        "AuthenticationCredential": credential,
    }
    (made,) = session.invoke(("New-SendConnector", parameters)).output
    assert made.AuthenticationCredential.UserName == "CONTOSO\\relay"
    assert made.AddressSpaces[0].PSObject.to_string == "SMTP:fabrikam.test;1"
    result = session.invoke(("Remove-SendConnector", {"Identity": "Partner"}))
    assert (len(result.prompts), len(organisation.send_connectors)) == (1, 1)


def test_rights_are_given_by_distinguished_name_and_selected(session: RemotePowerShell) -> None:
    identity = {"Identity": "EX01\\Default Frontend EX01"}
    (connector,) = session.invoke(("Get-ReceiveConnector", identity)).output
    parameters = {
        "Identity": connector.DistinguishedName,
        "User": "NT AUTHORITY\\ANONYMOUS LOGON",
        "ExtendedRights": ["ms-Exch-SMTP-Accept-Any-Recipient"],
    }
    session.invoke(("Add-ADPermission", parameters))
    rows = session.invoke(
        ("Get-ADPermission", {"Identity": parameters["Identity"], "User": parameters["User"]}),
        ("Select-Object", {"Property": ["ExtendedRights", "IsInherited", "Deny"]}),
    ).output
    assert rows[-1].ExtendedRights[0].PSObject.to_string == "ms-Exch-SMTP-Accept-Any-Recipient"
    assert rows[-1].IsInherited is False
    (connector,) = session.invoke(("Get-ReceiveConnector", identity)).output
    assert connector.PermissionGroups.PSObject.to_string.endswith(", Custom")


def test_a_date_too_soon_is_asked_about(
    session: RemotePowerShell, organisation: Organisation
) -> None:
    session.answer = lambda *prompt: 2
    made = session.invoke(
        ("New-ExchangeCertificate", {"SubjectName": "cn=Auth", "DomainName": []}),
        ("Select-Object", {"Property": ["Thumbprint"]}),
    )
    parameters = {
        "NewCertificateThumbprint": made.output[0].Thumbprint,
        "NewCertificateEffectiveDate": datetime.now(timezone.utc) + timedelta(hours=1),
    }
    result = session.invoke(("Set-AuthConfig", parameters))
    assert "48 hours" in result.prompts[0][1]
    assert result.state == PSInvocationState.Completed
    assert organisation.auth_config.NextCertificateThumbprint == ""
    session.invoke(("Set-AuthConfig", {**parameters, "Force": True}))
    (auth,) = session.invoke(("Get-AuthConfig", {})).output
    assert auth.NextCertificateThumbprint == parameters["NewCertificateThumbprint"]
    assert abs(
        auth.NextCertificateEffectiveDate - parameters["NewCertificateEffectiveDate"]
    ) < timedelta(seconds=2)


def test_mail_access_of_another_server(session: RemotePowerShell) -> None:
    parameters = {"Server": "EX02", "X509CertificateName": "mail.contoso.test"}
    result = session.invoke(("Set-ImapSettings", parameters))
    assert result.warnings[0].endswith("restarted on server EX02.")
    (settings,) = session.invoke(("Get-ImapSettings", {"Server": "EX02"})).output
    assert settings.X509CertificateName == "mail.contoso.test"
    assert settings.SSLBindings[0].Port == 993
