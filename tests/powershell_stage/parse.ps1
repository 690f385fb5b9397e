# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What PowerShell's own parser says of scripts: mistakes, and everything that is named in them, so
# that somebody can say what is younger than Windows PowerShell 5.1.
#
# Texts   JSON: name of a script -> its text
# Out     JSON: name -> errors, newer, commands (with their parameters), members (Type::Member)
param($Texts, $Out)

$ErrorActionPreference = 'Stop'

# Syntax that 7 accepts and 5.1 does not.
function Get-Newer($node) {
    switch ($node.GetType().Name) {
        'TernaryExpressionAst' { 'a ternary' }
        'PipelineChainAst' { '&& or ||' }
        'PipelineAst' { if ($node.Background) { 'a background &' } }
        'BinaryExpressionAst' { if ([string]$node.Operator -eq 'QuestionQuestion') { '??' } }
        'AssignmentStatementAst' { if ([string]$node.Operator -eq 'QuestionQuestionEquals') { '??=' } }
        'MemberExpressionAst' { if ($node.NullConditional) { '?.' } }
        'InvokeMemberExpressionAst' { if ($node.NullConditional) { '?.' } }
        'IndexExpressionAst' { if ($node.NullConditional) { '?[]' } }
        'ScriptBlockAst' { if ($node.CleanBlock) { 'a clean block' } }
        'ConstantExpressionAst' { if ($node.Extent.Text -match '^[-+]?0b|[0-9](y|uy|s|us|u|ul|n)$') { 'a number with prefix or suffix' } }
    }
}

$document = [ordered]@{}
$given = ConvertFrom-Json ([IO.File]::ReadAllText($Texts)) -AsHashtable
foreach ($name in $given.Keys) {
    $tokens = $errors = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseInput($given[$name], [ref]$tokens, [ref]$errors)
    $every = @($tree.FindAll({ $true }, $true))
    $functions = @($every | Where-Object { $_ -is [System.Management.Automation.Language.FunctionDefinitionAst] } | ForEach-Object Name)
    $commands = foreach ($command in $every | Where-Object { $_ -is [System.Management.Automation.Language.CommandAst] }) {
        $called = $command.GetCommandName()
        if ($called -and $functions -notcontains $called) {
            $parameters = $command.CommandElements | Where-Object { $_ -is [System.Management.Automation.Language.CommandParameterAst] } | ForEach-Object ParameterName
            @{ name = $called; parameters = @($parameters) }
        }
    }
    $members = foreach ($member in $every | Where-Object { $_ -is [System.Management.Automation.Language.MemberExpressionAst] -and $_.Static }) {
        '{0}::{1}' -f $member.Expression.TypeName.FullName, $member.Member.Value
    }
    $document[$name] = @{
        errors = @($errors | ForEach-Object { "line $($_.Extent.StartLineNumber): $($_.Message)" })
        newer = @($every | ForEach-Object { Get-Newer $_ })
        commands = @($commands)
        members = @($members | Sort-Object -Unique)
    }
}
[IO.File]::WriteAllText($Out, (ConvertTo-Json -Depth 6 $document))
