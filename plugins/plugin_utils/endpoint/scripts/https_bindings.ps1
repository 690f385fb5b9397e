# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The https bindings of all IIS sites with the certificate that each names.
param($parameters)

Import-Module -Name WebAdministration

$bindings = @()
foreach ($binding in @(Get-WebBinding -Protocol 'https')) {
    $site = ''
    if ([string]$binding.ItemXPath -match "site\[@name='([^']*)'") {
        $site = $Matches[1]
    }
    $ip = ''
    $port = 0
    $hostHeader = ''
    # IPv6 addresses contain colons too: only the last two of them separate.
    if ([string]$binding.bindingInformation -match '^(.*):([0-9]+):([^:]*)$') {
        $ip = $Matches[1]
        $port = [int]$Matches[2]
        $hostHeader = $Matches[3]
    }
    $bindings += @{
        site = $site
        ip = $ip
        port = $port
        host_header = $hostHeader
        thumbprint = ([string]$binding.certificateHash).ToUpperInvariant()
        store = [string]$binding.certificateStoreName
    }
}

@{ bindings = @($bindings) }
