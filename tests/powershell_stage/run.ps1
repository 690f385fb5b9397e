# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs entries through the collection's scripts in real PowerShell: one process, a runspace for each
# entry, the bootstrap as it is.
#
# Entries    JSON lines: name, script, parameters, state, and perhaps text or stdin
# Scripts    folder of the scripts
# Out        JSON lines: name, answer, exit_code, log, ended, version, sha256
param($Entries, $Scripts, $Out)

$ErrorActionPreference = 'Stop'
$console = [Console]::Out
$stageTexts = foreach ($part in 'services', 'web', 'snapins') {
    [IO.File]::ReadAllText("$PSScriptRoot/$part.ps1")
}
$assembly = Add-Type -PassThru -Path (Get-ChildItem "$PSScriptRoot/*.cs").FullName
$library = ($assembly | Select-Object -First 1).Assembly
$library | Import-Module

function Read-Script($name) {
    [IO.File]::ReadAllText((Join-Path $Scripts "$name.ps1"))
}

function Get-Sum($text) {
    [Convert]::ToHexString([Security.Cryptography.SHA256]::HashData([Text.Encoding]::UTF8.GetBytes($text))).ToLowerInvariant()
}

function New-Stage($state) {
    $now = [DateTime]::new(2026, 11, 30)
    $services = [System.Collections.Specialized.OrderedDictionary]::new([StringComparer]::OrdinalIgnoreCase)
    foreach ($given in @($state.services)) {
        if ($given) {
            $service = @{ start_type = 'Automatic'; depends_on = @(); start = @{}; stop = @{} }
            foreach ($key in $given.Keys) { $service[$key] = $given[$key] }
            $services[$service.name] = $service
        }
    }
    $stage = @{
        services = $services
        snapins = @($state.snapins)
        snapins_there = @($state.snapins_there)
        app_pools = @(
            foreach ($pool in @($state.app_pools)) {
                if ($pool) { [pscustomobject]@{ name = $pool.name; state = $(if ($pool.state) { $pool.state } else { 'Started' }) } }
            }
        )
        web_bindings = @($state.web_bindings | Where-Object { $_ })
        certificates = @(
            foreach ($one in @($state.certificates)) {
                if ($one) { New-StageCertificate $one $state.key }
            }
        )
        log = [System.Collections.Generic.List[object]]::new()
        now = $now
        began = $now
        ended = $null
        library = $library
    }
    $stage
}

function New-StageCertificate($given, $key) {
    $certificate = [Security.Cryptography.X509Certificates.X509Certificate2]::new([Convert]::FromBase64String($given.der))
    # Their keys are one and the same; whether there is one is all that is looked at.
    [pscustomobject]@{
        Thumbprint = $certificate.Thumbprint
        Issuer = $certificate.Issuer
        Subject = $certificate.Subject
        HasPrivateKey = [bool]$given.has_private_key
    }
}

function New-StageRunspace($stage) {
    $state = [initialsessionstate]::CreateDefault2()
    foreach ($provider in [Stage.CertificateProvider], [Stage.WebProvider]) {
        $name = $provider.Name -replace 'Provider$', ''
        if ($name -eq 'Web') { $name = 'WebAdministration' }
        $state.Providers.Add([Management.Automation.Runspaces.SessionStateProviderEntry]::new($name, $provider, $null))
    }
    $space = [runspacefactory]::CreateRunspace($Host, $state)
    $space.Open()
    $space.SessionStateProxy.SetVariable('stage', $stage)
    $shell = [powershell]::Create($space)
    foreach ($text in $stageTexts) {
        $null = $shell.AddScript($text, $false).Invoke()
        $shell.Commands.Clear()
    }
    # What is asked of an assembly comes with a name that no file has.
    $null = $shell.AddScript({
        function Import-StageCmdlet { Microsoft.PowerShell.Core\Import-Module -Assembly $stage.library -Global }
        $null = New-PSDrive -Name Cert -PSProvider Certificate -Root '' -Scope Global
    }.ToString(), $false).Invoke()
    if ($shell.HadErrors) { throw "the stage does not stand: $($shell.Streams.Error)" }
    $shell.Commands.Clear()
    $shell
}

$bootstrap = Read-Script 'bootstrap'
$marked = [regex]'<<<answer ([A-Za-z0-9+/=\s]*) answer>>>'
$lines = foreach ($line in [IO.File]::ReadAllLines($Entries)) {
    $root = [System.Text.Json.JsonDocument]::Parse($line).RootElement
    $entry = ConvertFrom-Json $line -AsHashtable -DateKind String -Depth 100
    $text = if ($null -ne $entry.text) { $entry.text } else { Read-Script $entry.script }
    # The parameters as they stand there: no value is to pass through a parser on the way.
    $stdin = if ($null -ne $entry.stdin) { $entry.stdin } else { $text + "`0`0`0`0" + $root.GetProperty('parameters').GetRawText() }
    $stage = New-Stage $entry.state
    $shell = New-StageRunspace $stage
    $null = $shell.AddScript($bootstrap, $false)
    $code = $null
    $writer = [IO.StringWriter]::new()
    [Console]::SetOut($writer)
    try {
        $null = $shell.Invoke([object[]]@($stdin))
    }
    catch {
        if (-not $stage.ended) { $writer.Write("trouble: $_") }
    }
    finally {
        [Console]::SetOut($console)
    }
    $printed = $writer.ToString()
    $found = $marked.Match($printed)
    $answer = $null
    if ($found.Success) {
        $answer = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($found.Groups[1].Value))
        $code = $(if ([System.Text.Json.JsonDocument]::Parse($answer).RootElement.GetProperty('ok').GetBoolean()) { 0 } else { 1 })
    }
    else {
        $code = $shell.Runspace.SessionStateProxy.GetVariable('LASTEXITCODE')
    }
    $shell.Runspace.Dispose()
    $sums = @{ bootstrap = (Get-Sum $bootstrap) }
    if ($null -eq $entry.text) { $sums[$entry.script] = Get-Sum (Read-Script $entry.script) }
    ConvertTo-Json -Compress -Depth 8 ([ordered]@{
        name = $entry.name
        answer = $answer
        exit_code = $code
        log = @($stage.log)
        ended = $stage.ended
        printed = $(if ($answer) { $null } else { $printed })
        pwsh_version = [string]$PSVersionTable.PSVersion
        sha256 = $sums
    })
}
[IO.File]::WriteAllLines($Out, [string[]]@($lines))
# A script's `exit` has given its code to the host, which would end with it.
exit 0
