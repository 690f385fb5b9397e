$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
try {
    $utf8 = New-Object System.Text.UTF8Encoding
    [Console]::InputEncoding = $utf8
    [Console]::OutputEncoding = $utf8
} catch { $null = $_ }
$received = $input | Out-String
$exitCode = 0
try {
    $parts = $received.Split(@("`0`0`0`0"), 2, [System.StringSplitOptions]::RemoveEmptyEntries)
    $parameters = ConvertFrom-Json -InputObject $parts[1]
    $script = [ScriptBlock]::Create($parts[0])
    $result = @{ ok = $true; answer = (& $script $parameters) }
} catch {
    $exitCode = 1
    $result = @{
        ok = $false
        message = [string]$_.Exception.Message
        error_id = [string]$_.FullyQualifiedErrorId
        category = [string]$_.CategoryInfo.Category
        exception_type = $_.Exception.GetType().FullName
    }
}
$json = ConvertTo-Json -InputObject $result -Compress -Depth 10
$encoded = [Convert]::ToBase64String([System.Text.Encoding]::UTF8.GetBytes($json))
[Console]::Out.Write('<<<answer ' + $encoded + ' answer>>>')
exit $exitCode
