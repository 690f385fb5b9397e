# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do the IIS module and the certificate drive show of the pretended server?"""

from __future__ import annotations

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
