# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A service control manager of data, and Get-Service over it. $stage: services (by name, in order),
# now, began, log. Time is virtual: it passes only while a script sleeps.

$ErrorTexts = @{
    5 = 'Access is denied'
    1051 = 'A stop control has been sent to a service that other running services are dependent on'
    1052 = 'The requested control is not valid for this service'
    1056 = 'An instance of the service is already running'
    1058 = 'The service cannot be started, either because it is disabled or because it has no enabled devices associated with it'
    1061 = 'The service cannot accept control messages at this time'
    1062 = 'The service has not been started'
    1068 = 'The dependency service or group failed to start'
}

function Get-Date {
    if ($args.Count) { Microsoft.PowerShell.Utility\Get-Date @args } else { $stage.now }
}

function Start-Sleep {
    param($Milliseconds, $Seconds)
    $stage.now = $stage.now.AddSeconds([double]$Milliseconds / 1000 + [double]$Seconds)
    # Nothing that is recorded waits longer: Windows would never answer.
    if (($stage.now - $stage.began).TotalSeconds -gt 60) {
        $stage.ended = 'still running'
        throw [System.Management.Automation.PipelineStoppedException]::new()
    }
}

function Write-StageLog($what, $name, $detail) {
    $stage.log.Add(@($what, $name, $detail))
}

# A status is noted when somebody asks for it.
function Get-StageStatus($service) {
    if ($service.pending -and $stage.now -ge $service.pending.at) {
        $service.status = $service.pending.to
        $service.pending = $null
        Write-StageLog 'service' $service.name $service.status
    }
    $service.status
}

# What comes of a request that is taken: `takes` seconds, `then` ok, fail, hang or an error number.
function Start-StageTransition($service, $plan, $pending, $final, $otherwise) {
    if ($plan.then -is [ValueType]) {
        return [int]$plan.then
    }
    $service.status = $pending
    Write-StageLog 'service' $service.name $pending
    if ($plan.then -ne 'hang') {
        $service.pending = @{
            at = $stage.now.AddSeconds([double]$plan.takes)
            to = $(if ($plan.then -eq 'fail') { $otherwise } else { $final })
        }
    }
    0
}

function Request-StageStart($service) {
    Write-StageLog 'StartService' $service.name $null
    if ((Get-StageStatus $service) -ne 'Stopped') {
        return 1056
    }
    if ($service.start_type -eq 'Disabled') {
        return 1058
    }
    foreach ($name in $service.depends_on) {
        $needed = $stage.services[$name]
        if (((Get-StageStatus $needed) -eq 'Stopped') -and ((Request-StageStart $needed) -ne 0)) {
            return 1068
        }
    }
    Start-StageTransition $service $service.start 'StartPending' 'Running' 'Stopped'
}

function Request-StageStop($service) {
    Write-StageLog 'ControlService stop' $service.name $null
    $status = Get-StageStatus $service
    if ($status -eq 'Stopped') {
        return 1062
    }
    if ($status -ne 'Running') {
        return 1061
    }
    foreach ($dependent in @(Get-StageDependent $service)) {
        if ((Get-StageStatus $dependent) -ne 'Stopped') {
            return 1051
        }
    }
    Start-StageTransition $service $service.stop 'StopPending' 'Stopped' 'Running'
}

# All of them, each behind its own dependents.
function Get-StageDependent($service) {
    foreach ($other in $stage.services.Values) {
        if (@($other.depends_on) -contains $service.name) {
            Get-StageDependent $other
            $other
        }
    }
}

function New-StageError($text, $number) {
    $windows = [System.ComponentModel.Win32Exception]::new($number, $ErrorTexts[$number])
    [System.InvalidOperationException]::new($text, $windows)
}

# The status of a controller is that of the last look.
function New-StageController($service) {
    $controller = [pscustomobject]@{
        Name = $service.name
        ServiceName = $service.name
        DisplayName = $service.display
        StartType = $service.start_type
        Status = (Get-StageStatus $service)
    }
    $controller | Add-Member ScriptMethod Refresh {
        $this.Status = Get-StageStatus $stage.services[$this.Name]
    }
    $controller | Add-Member ScriptProperty DependentServices {
        Get-StageDependent $stage.services[$this.Name] | ForEach-Object { New-StageController $_ }
    }
    $controller | Add-Member ScriptMethod Start {
        $number = Request-StageStart $stage.services[$this.Name]
        if ($number) {
            throw (New-StageError "Cannot start service $($this.Name) on computer '.'." $number)
        }
    }
    $controller | Add-Member ScriptMethod Stop {
        $number = Request-StageStop $stage.services[$this.Name]
        if ($number) {
            throw (New-StageError "Cannot stop $($this.Name) service on computer '.'." $number)
        }
    }
    $controller
}

# The scripts ask for all services: a name, which Windows would take in three meanings, is refused.
function Get-Service {
    [CmdletBinding()] param()
    foreach ($service in $stage.services.Values) {
        New-StageController $service
    }
}
