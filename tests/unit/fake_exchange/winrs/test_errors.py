# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do failures look from outside (exit codes, text and CLIXML on stderr) and from inside (error
records, $Error, preferences)?"""

from __future__ import annotations

import pytest
from psrpcore.types import deserialize_clixml

from fake_exchange.winrs.powershell import parse_errors


class NoCrypto:
    """Nothing on stderr is encrypted."""

    def decrypt(self, data: bytes) -> bytes:
        raise AssertionError


def documents(stderr: str) -> list:
    """The objects of the CLIXML on stderr, each with the name of its stream."""
    assert stderr.startswith("#< CLIXML\r\n<Objs ")
    return deserialize_clixml(
        stderr.removeprefix("#< CLIXML\r\n"), NoCrypto(), preserve_streams=True
    )


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("'fine'", 0),
        ("exit 7", 7),
        ("& { exit 3 }; 'never'", 3),
        ("throw 'x'", 1),
        ("Get-Service nope", 1),
        ("Get-Service nope; 'later'", 0),
        ("$ErrorActionPreference = 'Stop'; Get-Service nope; exit 0", 1),
        ("if (", 1),
        ("Nothing-Known", 1),
    ],
)
def test_exit_code(run, script: str, code: int) -> None:
    assert run(script).exit_code == code


def test_an_uncaught_error_is_printed_as_the_console_prints_it(run) -> None:
    assert run("$x = 1\nGet-Service -Name nope").stderr.splitlines() == [
        "Get-Service : Cannot find any service with service name 'nope'.",
        "At line:2 char:1",
        "+ Get-Service -Name nope",
        "+ ~~~~~~~~~~~~~~~~~~~~~~",
        "    + CategoryInfo          : ObjectNotFound: (nope:String) [Get-Service], "
        "ServiceCommandException",
        "    + FullyQualifiedErrorId : NoServiceFoundForGivenName,"
        "Microsoft.PowerShell.Commands.GetServiceCommand",
        " ",
    ]


def test_a_syntax_error_stops_everything_before_the_first_statement(run) -> None:
    result = run("'first'\nif ($x -eq 1 {\n}")
    assert result.stdout == ""
    assert "ParserError" in result.stderr
    assert result.exit_code == 1


def test_stderr_carries_errors_warnings_and_progress_as_clixml(run) -> None:
    result = run(
        "Write-Warning 'careful'; Get-Service nope; Write-Progress -Activity 'Work' "
        "-PercentComplete 50; 'done'",
        clixml=True,
    )
    found = documents(result.stderr)
    streams = [stream for _, stream in found]
    assert streams[:2] == ["warning", "progress"]
    assert streams.count("progress") == 2
    assert set(streams) == {"warning", "progress", "error"}
    errors = "".join(str(value) for value, stream in found if stream == "error")
    assert "Cannot find any service with service name 'nope'." in errors
    assert result.stdout == "done\r\n"


def test_a_successful_run_may_still_report_progress(run) -> None:
    result = run("(Get-Service W3SVC).Name", clixml=True)
    assert [stream for _, stream in documents(result.stderr)] == ["progress"]
    assert "Preparing modules for first use." in result.stderr
    assert result.exit_code == 0
    quiet = run("$ProgressPreference = 'SilentlyContinue'; (Get-Service W3SVC).Name", clixml=True)
    assert quiet.stderr == ""


def test_an_error_record_in_a_catch_block(lines) -> None:
    script = """
try { Get-Service nope -ErrorAction Stop } catch {
    $_.Exception.Message
    $_.Exception.GetType().FullName
    $_.CategoryInfo.Category
    $_.CategoryInfo.Activity
    $_.FullyQualifiedErrorId
    $_.TargetObject
    $_.InvocationInfo.ScriptLineNumber
    $Error.Count
    $Error[0] -eq $_
}"""
    assert lines(script) == [
        "Cannot find any service with service name 'nope'.",
        "Microsoft.PowerShell.Commands.ServiceCommandException",
        "ObjectNotFound",
        "Get-Service",
        "NoServiceFoundForGivenName,Microsoft.PowerShell.Commands.GetServiceCommand",
        "nope",
        "2",
        "1",
        "True",
    ]


@pytest.mark.parametrize(
    ("script", "exception", "error_id"),
    [
        ("throw 'boom'", "System.Management.Automation.RuntimeException", "boom"),
        (
            "[int]'x'",
            "System.Management.Automation.RuntimeException",
            "InvalidCastFromStringToInteger",
        ),
        ("1 / 0", "System.Management.Automation.RuntimeException", "RuntimeException"),
        ("$null.Foo()", "System.Management.Automation.RuntimeException", "InvokeMethodOnNull"),
        ("(1).Foo()", "System.Management.Automation.RuntimeException", "MethodNotFound"),
        ("$n = $null; $n[0]", "System.Management.Automation.RuntimeException", "NullArray"),
        (
            "Nothing-Known",
            "System.Management.Automation.CommandNotFoundException",
            "CommandNotFoundException",
        ),
        (
            "Get-Service -Nope 1",
            "System.Management.Automation.ParameterBindingException",
            "NamedParameterNotFound,Microsoft.PowerShell.Commands.GetServiceCommand",
        ),
        (
            "'abc'.Substring(9)",
            "System.Management.Automation.MethodInvocationException",
            "ArgumentOutOfRangeException",
        ),
        (
            "[ScriptBlock]::Create('if (')",
            "System.Management.Automation.MethodInvocationException",
            "ParseException",
        ),
        (
            "[Convert]::FromBase64String('!')",
            "System.Management.Automation.MethodInvocationException",
            "FormatException",
        ),
        (
            "New-Object No.Such.Type",
            "System.Management.Automation.PSArgumentException",
            "TypeNotFound,Microsoft.PowerShell.Commands.NewObjectCommand",
        ),
        ("[No.Such.Type]::X", "System.Management.Automation.RuntimeException", "TypeNotFound"),
    ],
)
def test_errors_of_the_engine(lines, script: str, exception: str, error_id: str) -> None:
    caught = lines(
        f"try {{ {script} }} catch {{ $_.Exception.GetType().FullName; $_.FullyQualifiedErrorId }}"
    )
    assert caught == [exception, error_id]


def test_error_action_decides(run) -> None:
    assert run("Get-Service nope -ErrorAction Ignore; $Error.Count").stdout.split() == ["0"]
    assert run("Get-Service nope -EA SilentlyContinue; $Error.Count").stdout.split() == ["1"]
    assert run("Get-Service nope, W3SVC -EA 0 | ForEach-Object Name").stdout.split() == ["W3SVC"]
    stopped = run("$ErrorActionPreference = 'Stop'; Write-Error 'bad'; 'never'")
    assert (stopped.stdout, stopped.exit_code) == ("", 1)


def test_redirections_of_the_error_stream(run) -> None:
    merged = run("Get-Service nope 2>&1 | ForEach-Object { $_.FullyQualifiedErrorId }")
    assert merged.stdout.startswith("NoServiceFoundForGivenName")
    assert merged.stderr == ""
    assert run("Get-Service nope 2>$null; 'ok'").stderr == ""


@pytest.mark.parametrize(
    ("script", "error_id"),
    [
        ("if ($x) {", "MissingEndCurlyBrace"),
        ("foo (1", "MissingEndParenthesisInExpression"),
        ('Write-Host "abc', "TerminatorExpectedAtEndOfString"),
        ("foo && bar", "InvalidEndOfLine"),
        ("$x = $a ? 1 : 2", "UnexpectedToken"),
        ("$x = $a ?? 1", "UnexpectedToken"),
        ("$a?.b", "UnexpectedToken"),
        ("try { 1 }", "MissingCatchOrFinally"),
        ("}", "UnexpectedToken"),
    ],
)
def test_what_5_1_does_not_parse(script: str, error_id: str) -> None:
    assert error_id in [problem.error_id for problem in parse_errors(script)]


@pytest.mark.parametrize(
    "script",
    [
        "Select-Object Name, Status",
        "Get-Service a, b | Select-Object -Property Name, @{ n = 'x'; e = { $_.Status } }",
        "switch ($a) { 'x' { 1 } default { 2 } }",
        "while ($true) { break outer }",
        "function F { param($a) $a }",
        "# a comment, with (an open parenthesis\n'text with \"quotes\" and $(('",
        "'5KB' + 5KB",
        '@"\n$x (\n"@',
    ],
)
def test_what_5_1_parses(script: str) -> None:
    assert parse_errors(script) == []
    assert parse_errors(script.replace("\n", "\r\n")) == []
