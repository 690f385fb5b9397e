# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Snap-ins, which PowerShell 7 no longer has. $stage: snapins (registered), snapins_there (loaded),
# log. The cmdlets of Cmdlets.cs are there once one is loaded.

function Get-PSSnapin {
    [CmdletBinding()] param([string[]]$Name = '*', [switch]$Registered)
    $every = if ($Registered) { $stage.snapins } else { $stage.snapins_there }
    foreach ($pattern in $Name) {
        $found = @($every | Where-Object { $_ -and $_ -like $pattern })
        if (-not $found -and $pattern -ne '*') {
            Write-Error "No Windows PowerShell snap-ins matching the pattern '$pattern' were found." `
                -ErrorId NoPSSnapInsFound -Category InvalidArgument -TargetObject $pattern
        }
        foreach ($one in $found) {
            [pscustomobject]@{ Name = $one; PSVersion = '1.0' }
        }
    }
}

function Add-PSSnapin {
    [CmdletBinding()] param([string]$Name)
    $stage.log.Add(@('Add-PSSnapin', $Name, $null))
    if (@($stage.snapins) -notcontains $Name) {
        Write-Error 'No snap-ins have been registered for Windows PowerShell version 5.' `
            -ErrorId AddPSSnapInRead -Category InvalidArgument -TargetObject $Name
        return
    }
    $stage.snapins_there += $Name
    Import-StageCmdlet
}
