# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do the IIS module and the certificate drive show of the pretended server?"""

from __future__ import annotations

import pytest

from fake_exchange.organisation import certificate_rules, certificates
from fake_exchange.organisation.model import Organisation, Server, StoredCertificate

FRONT_END = "B30B89B96AD0351B53D73EC2B5EA7A8B6A746B2B"
BACK_END = "0123456789ABCDEF0123456789ABCDEF01234567"


def test_bindings_have_the_captured_properties(lines) -> None:
    script = """
Import-Module WebAdministration
$b = @(Get-WebBinding -Name 'Default Web Site' -Protocol https)[0]
$b.protocol; $b.bindingInformation; $b.sslFlags; $b.certificateHash; $b.certificateStoreName
$b.ItemXPath; "$b"; $b.GetType().FullName
"""
    assert lines(script) == [
        "https",
        ":443:",
        "0",
        FRONT_END,
        "MY",
        "/system.applicationHost/sites/site[@name='Default Web Site' and @id='1']",
        "https :443: sslFlags=0",
        "Microsoft.IIs.PowerShell.Framework.ConfigurationElement#bindings#binding",
    ]


def test_bindings_are_selected(lines) -> None:
    assert lines("@(Get-WebBinding).Count; @(Get-WebBinding -Protocol http).Count") == ["4", "1"]
    assert lines("(Get-WebBinding -Port 444).certificateHash") == [BACK_END]
    assert lines(
        'Get-WebBinding -Protocol http | ForEach-Object { "[$($_.certificateHash)]" }'
    ) == ["[]"]


def test_the_drive_needs_its_module(run) -> None:
    assert "DriveNotFound" in run(r"Get-ChildItem IIS:\SslBindings").stderr
    result = run(r"Import-Module WebAdministration; (Get-ChildItem IIS:\SslBindings).Thumbprint")
    assert result.stdout.split() == [FRONT_END, FRONT_END, BACK_END]


def test_ssl_bindings_by_address_and_port(lines) -> None:
    script = r"""
Import-Module WebAdministration
$b = Get-Item IIS:\SslBindings\0.0.0.0!443
$b.Port; $b.Store; $b.Sites.Value
Test-Path IIS:\SslBindings\0.0.0.0!8443
"""
    assert lines(script) == ["443", "MY", "Default Web Site", "False"]


def test_sites(lines, server) -> None:
    assert lines('Get-Website | ForEach-Object { "$($_.name) $($_.id) $($_.state)" }') == [
        "Default Web Site 1 Started",
        "Exchange Back End 2 Started",
    ]
    assert lines("(Get-Website 'Default*').bindings.Collection.Count") == ["3"]


def test_a_module_that_is_not_there(run) -> None:
    assert "Modules_ModuleNotFound" in run("Import-Module NoSuchModule").stderr


@pytest.fixture
def stored(organisation: Organisation, server: Server) -> StoredCertificate:
    """A certificate of the server's store that no binding names."""
    made = certificates.exchange_default(server.Name, server.Fqdn)
    certificate_rules.add(organisation, server, made)
    return made


def add(thumbprint: str, *, first: str = "") -> str:
    return f"""
$b = @(Get-WebBinding -Name 'Default Web Site' -Protocol https -IPAddress 127.0.0.1)[0]
{first}
$b.AddSslCertificate('{thumbprint}', 'My')
"""


def test_a_binding_takes_another_certificate_once_it_has_none(
    run, server: Server, stored: StoredCertificate
) -> None:
    assert "0x800700B7" in run(add(stored.Thumbprint)).stderr
    assert server.web_bindings[2].certificateHash == FRONT_END

    result = run(add(stored.Thumbprint, first="$b.RemoveSslCertificate()"))

    assert (result.stderr, result.exit_code) == ("", 0)
    assert [b.certificateHash for b in server.web_bindings] == [
        "",
        FRONT_END,
        stored.Thumbprint,
        BACK_END,
    ]
    assert "IIS" in stored.Services


def test_where_it_is_switched_on_the_certificate_is_replaced_at_once(
    run, organisation: Organisation, server: Server, stored: StoredCertificate
) -> None:
    organisation.behavior.iis_replaces_certificates = True

    assert run(add(stored.Thumbprint)).stderr == ""
    assert server.web_bindings[2].certificateHash == stored.Thumbprint


def test_a_certificate_that_cannot_be_used_is_refused(
    run, server: Server, stored: StoredCertificate
) -> None:
    stored.private_key = None
    for thumbprint in (stored.Thumbprint, "0" * 40):
        assert "0x80070520" in run(add(thumbprint)).stderr
    assert server.web_bindings[2].certificateHash == FRONT_END
