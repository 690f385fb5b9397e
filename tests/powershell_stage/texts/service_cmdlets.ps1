# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Query, start, stop or restart Windows services, one after the other in the given order.
# All steps and all waiting happen here: should the caller vanish, a restart still runs to its end.
#
# parameters.action    query, start, stop or restart
# parameters.services  service names (not display names)
# parameters.timeout   seconds to wait for each service to reach its state
param($parameters)

function Wait-Status($name, $wanted, $timeout) {
    $deadline = (Get-Date).AddSeconds($timeout)
    $status = [string](Get-Service -Name $name).Status
    while ($status -ne $wanted) {
        if ((Get-Date) -gt $deadline) {
            throw "Service $name is $status and did not become $wanted within $timeout seconds."
        }
        Start-Sleep -Milliseconds 200
        $status = [string](Get-Service -Name $name).Status
    }
}

function Stop-One($name, $timeout) {
    Stop-Service -Name $name -Force
    Wait-Status $name 'Stopped' $timeout
}

function Start-One($name, $timeout) {
    Start-Service -Name $name
    Wait-Status $name 'Running' $timeout
}

# Windows lists dependents in the order in which they can stop; they start in the opposite one.
function Get-RunningDependent($name) {
    $running = @()
    foreach ($dependent in (Get-Service -Name $name).DependentServices) {
        if ([string]$dependent.Status -ne 'Stopped') {
            $running += $dependent.Name
        }
    }
    return $running
}

function Stop-WithDependent($name, $dependents, $timeout) {
    foreach ($dependent in $dependents) {
        Stop-One $dependent $timeout
    }
    Stop-One $name $timeout
}

function Start-WithDependent($name, $dependents, $timeout) {
    Start-One $name $timeout
    for ($index = $dependents.Count - 1; $index -ge 0; $index--) {
        Start-One $dependents[$index] $timeout
    }
}

$action = [string]$parameters.action
$timeout = [int]$parameters.timeout
$reports = @()
$restarted = @()
$failed = $false

foreach ($name in @($parameters.services)) {
    $service = Get-Service -Name $name -ErrorAction SilentlyContinue
    if ($null -eq $service) {
        $reports += @{ name = $name; exists = $false }
        continue
    }
    $before = [string]$service.Status
    $report = @{
        name = [string]$service.Name
        exists = $true
        display_name = [string]$service.DisplayName
        start_type = [string]$service.StartType
        status_before = $before
        dependents = @()
        changed = $false
        skipped = $failed
        error = $null
    }
    $began = Get-Date
    if (-not $failed) {
        try {
            $dependents = @()
            if (($action -eq 'stop') -or ($action -eq 'restart')) {
                $dependents = @(Get-RunningDependent $name)
                $report.dependents = $dependents
            }
            if (($action -eq 'start') -and ($before -ne 'Running')) {
                $report.changed = $true
                Start-One $name $timeout
            }
            if (($action -eq 'stop') -and ($before -ne 'Stopped')) {
                $report.changed = $true
                Stop-WithDependent $name $dependents $timeout
            }
            # One that went down and up again with a service it depends on needs no second restart.
            if (($action -eq 'restart') -and ($restarted -notcontains $service.Name)) {
                $report.changed = $true
                if ($before -ne 'Stopped') {
                    Stop-WithDependent $name $dependents $timeout
                }
                Start-WithDependent $name $dependents $timeout
                $restarted += $service.Name
                $restarted += $dependents
            }
        } catch {
            $failed = $true
            $report.error = [string]$_.Exception.Message
        }
    }
    $report.seconds = [Math]::Round(((Get-Date) - $began).TotalSeconds, 1)
    $report.status = [string](Get-Service -Name $name).Status
    $reports += $report
}

@{ services = @($reports) }
