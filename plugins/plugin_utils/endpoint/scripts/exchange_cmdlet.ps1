# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Run one cmdlet in the Exchange shell of this server: an Edge Transport server has no other.
# Nobody is there to answer a question, so a cmdlet that asks one fails.
#
# parameters.cmdlet      name, arguments (name, kind and value of each), properties to be returned
#                        (none: all of them)
# parameters.afterwards  the same, run right after it whatever came of it; or nothing
param($parameters)

function Get-Argument($commands) {
    $arguments = @{}
    foreach ($one in @($commands)) {
        if ($null -eq $one) {
            continue
        }
        if ($one.kind -eq 'bytes') {
            $arguments[$one.name] = [Convert]::FromBase64String($one.value)
        }
        elseif ($one.kind -eq 'secret') {
            $arguments[$one.name] = ConvertTo-SecureString -String $one.value -AsPlainText -Force
        }
        else {
            $arguments[$one.name] = $one.value
        }
    }
    $arguments
}

function Get-Failure($record) {
    # The error variable has the exception of an error that ended the cmdlet, not its record.
    if ($record -is [System.Management.Automation.IContainsErrorRecord]) {
        $record = $record.ErrorRecord
    }
    @{
        message = [string]$record.Exception.Message
        category = [string]$record.CategoryInfo.Category
        exception_type = $record.Exception.GetType().FullName
        error_id = [string]$record.FullyQualifiedErrorId
        cmdlet = [string]$record.CategoryInfo.Activity
        target = [string]$record.TargetObject
    }
}

function Invoke-OneCmdlet($command) {
    $name = [string]$command.name
    $arguments = Get-Argument $command.arguments
    $objects = @()
    $failures = @()
    $warned = @()
    $completed = $true
    try {
        $objects = @(
            & $name @arguments -ErrorAction SilentlyContinue -ErrorVariable failures `
                -WarningAction SilentlyContinue -WarningVariable warned
        )
    }
    catch {
        $completed = $false
        $failures = @($failures) + @($_)
    }
    if (@($command.properties).Count -gt 0) {
        $objects = @($objects | Select-Object -Property @($command.properties))
    }
    @{
        output = [System.Management.Automation.PSSerializer]::Serialize($objects, 4)
        warnings = @($warned | ForEach-Object { [string]$_ })
        errors = @($failures | Where-Object { $null -ne $_ } | ForEach-Object { Get-Failure $_ })
        completed = $completed
    }
}

if (@(Get-PSSnapin -Name 'Microsoft.Exchange.Management.PowerShell.*' -ErrorAction SilentlyContinue).Count -eq 0) {
    $registered = @(
        Get-PSSnapin -Registered -ErrorAction SilentlyContinue |
            Where-Object { $_.Name -like 'Microsoft.Exchange.Management.PowerShell.*' }
    )
    if ($registered.Count -eq 0) {
        throw 'this server has no Exchange Management Shell of its own'
    }
    # 2013 and later name it SnapIn and still have the name of 2010 beside it.
    $preferred = @($registered | Where-Object { $_.Name -like '*.SnapIn' }) + $registered
    Add-PSSnapin -Name $preferred[0].Name
}

$answer = @{ afterwards = $null }
try {
    $answer.cmdlet = Invoke-OneCmdlet $parameters.cmdlet
}
finally {
    if ($null -ne $parameters.afterwards) {
        $answer.afterwards = Invoke-OneCmdlet $parameters.afterwards
    }
}
$answer
