# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# See the IIS application pools of the server, and recycle some of them.
#
# parameters.names    names of the pools
# parameters.recycle  whether to recycle those that run
param($parameters)

Import-Module -Name WebAdministration

$pools = @()
foreach ($name in @($parameters.names)) {
    $state = ''
    $recycled = $false
    if (Test-Path -LiteralPath "IIS:\AppPools\$name") {
        $state = [string](Get-WebAppPoolState -Name $name).Value
        if ($parameters.recycle -and $state -eq 'Started') {
            Restart-WebAppPool -Name $name
            $recycled = $true
        }
    }
    $pools += @{
        name = [string]$name
        state = $state
        recycled = $recycled
    }
}

@{ pools = @($pools) }
