# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The commands of WebAdministration over data. $stage: app_pools, web_bindings, log. Loading the
# module brings the drive IIS:.

function Import-Module {
    [CmdletBinding()] param($Name)
    if ($Name -ne 'WebAdministration') {
        throw "the stage has no module $Name"
    }
    if (-not (Get-PSDrive -Name IIS -ErrorAction SilentlyContinue)) {
        $null = New-PSDrive -Name IIS -PSProvider WebAdministration -Root '' -Scope Global
    }
}

function Get-WebAppPoolState {
    [CmdletBinding()] param($Name)
    foreach ($pool in $stage.app_pools) {
        if (-not $Name -or $pool.name -eq $Name) {
            [pscustomobject]@{ Value = $pool.state }
        }
    }
}

function Restart-WebAppPool {
    [CmdletBinding()] param($Name)
    $stage.log.Add(@('Restart-WebAppPool', $Name, $null))
}

function Get-WebBinding {
    [CmdletBinding()] param($Name, $Protocol)
    foreach ($one in $stage.web_bindings) {
        if (($Name -and $one.site -notlike $Name) -or ($Protocol -and $one.protocol -ne $Protocol)) {
            continue
        }
        [Stage.Binding]::new($one, $stage.log)
    }
}
