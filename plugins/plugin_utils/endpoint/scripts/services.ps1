# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Query, start, stop or restart Windows services, one after the other in the given order.
# All steps and all waiting happen here: should the caller vanish, a restart still runs to its end.
#
# parameters.action    query, start, stop or restart
# parameters.services  service names (not display names, not patterns) in any case; the answer has
#                      them as Windows has
# parameters.timeout   seconds to wait for each service to reach its state
param($parameters)

function Wait-Status($service, $wanted, $timeout) {
    $deadline = (Get-Date).AddSeconds($timeout)
    $service.Refresh()
    while ([string]$service.Status -ne $wanted) {
        if (($wanted -eq 'Running') -and ([string]$service.Status -eq 'Stopped')) {
            throw "Service $($service.Name) stopped again while it started."
        }
        if ((Get-Date) -gt $deadline) {
            throw "Service $($service.Name) is $($service.Status) and did not become $wanted within $timeout seconds."
        }
        Start-Sleep -Milliseconds 200
        $service.Refresh()
    }
}

# A service that is stopping takes no request before it has stopped.
function Get-SettledStatus($service, $timeout) {
    $service.Refresh()
    if ([string]$service.Status -eq 'StopPending') {
        Wait-Status $service 'Stopped' $timeout
    }
    [string]$service.Status
}

# The methods of the controller return at once. Stop-Service and Start-Service wait without end.
function Stop-One($service, $timeout) {
    if ((Get-SettledStatus $service $timeout) -ne 'Stopped') {
        $service.Stop()
    }
    Wait-Status $service 'Stopped' $timeout
}

function Start-One($service, $timeout) {
    if (@('Running', 'StartPending') -notcontains (Get-SettledStatus $service $timeout)) {
        $service.Start()
    }
    Wait-Status $service 'Running' $timeout
}

# Windows lists dependents in the order in which they can stop; they start in the opposite one.
function Get-RunningDependent($service) {
    foreach ($dependent in $service.DependentServices) {
        if ([string]$dependent.Status -ne 'Stopped') {
            $dependent
        }
    }
}

function Stop-WithDependent($service, $dependents, $timeout) {
    foreach ($dependent in $dependents) {
        Stop-One $dependent $timeout
    }
    Stop-One $service $timeout
}

function Start-WithDependent($service, $dependents, $timeout) {
    Start-One $service $timeout
    for ($index = $dependents.Count - 1; $index -ge 0; $index--) {
        Start-One $dependents[$index] $timeout
    }
}

$action = [string]$parameters.action
$timeout = [int]$parameters.timeout
$reports = @()
$restarted = @()
$failed = $false

# Get-Service -Name would repeat each name as it was given, and find display names and patterns.
$installed = @{}
foreach ($service in @(Get-Service)) {
    $installed[[string]$service.Name] = $service
}

foreach ($name in @($parameters.services)) {
    $service = $installed[[string]$name]
    if ($null -eq $service) {
        $reports += @{ name = $name; exists = $false }
        continue
    }
    $service.Refresh()
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
                $dependents = @(Get-RunningDependent $service)
                $report.dependents = @($dependents | ForEach-Object { [string]$_.Name })
            }
            if (($action -eq 'start') -and ($before -ne 'Running')) {
                $report.changed = $true
                Start-One $service $timeout
            }
            if (($action -eq 'stop') -and ($before -ne 'Stopped')) {
                $report.changed = $true
                Stop-WithDependent $service $dependents $timeout
            }
            # One that went down and up again with a service it depends on needs no second restart.
            if (($action -eq 'restart') -and ($restarted -notcontains $service.Name)) {
                $report.changed = $true
                if ($before -ne 'Stopped') {
                    Stop-WithDependent $service $dependents $timeout
                }
                Start-WithDependent $service $dependents $timeout
                $restarted += $service.Name
                $restarted += $report.dependents
            }
        } catch {
            $failed = $true
            # What wraps it says no more than that the service cannot be started.
            $report.error = [string]$_.Exception.GetBaseException().Message
        }
    }
    $report.seconds = [Math]::Round(((Get-Date) - $began).TotalSeconds, 1)
    $service.Refresh()
    $report.status = [string]$service.Status
    $reports += $report
}

@{ services = @($reports) }
