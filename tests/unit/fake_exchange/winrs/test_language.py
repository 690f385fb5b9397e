# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which value does an expression or statement have in Windows PowerShell 5.1? One table per topic;
each line is a script and the lines it prints."""

from __future__ import annotations

import pytest

ARITHMETIC = [
    ("1 + 2 * 3", "7"),
    ("7 / 2", "3.5"),
    ("8 / 2", "4"),
    ("-7 % 3", "-1"),
    ("5 - '2'", "3"),
    ("'5' + 2", "52"),
    ("5 + '2'", "7"),
    ("'ab' * 3", "ababab"),
    ("(1, 2) + 3 -join ','", "1,2,3"),
    ("(1, 2) * 2 -join ','", "1,2,1,2"),
    ("0.1 + 0.2", "0.3"),
    ("1e20", "1E+20"),
    ("[int]::MaxValue + 1", "2147483648"),
    ("([int]::MaxValue + 1).GetType().Name", "Double"),
    ("(2147483648).GetType().Name", "Int64"),
    ("[int]2.5; [int]3.5", "2|4"),
    ("1KB; 5MB", "1024|5242880"),
    ("0x1F", "31"),
    ("10 -band 6; 10 -bor 6; 10 -bxor 6; -bnot 0", "2|14|12|-1"),
    ("$x = 1; $x += 4; $x++; $x", "6"),
    ("$null + 5", "5"),
]

COMPARISON = [
    ("'a' -eq 'A'; 'a' -ceq 'A'", "True|False"),
    ("1 -eq '1'; '1' -eq 1", "True|True"),
    ("'10' -lt '9'; 10 -lt '9'", "True|False"),
    ("1, 2, 3, 2 -eq 2", "2|2"),
    ("1, 2, 3 -gt 1", "2|3"),
    ("$null -eq $null; $null -eq ''; '' -eq $null", "True|False|False"),
    ("@() -eq $null | Measure-Object | ForEach-Object Count", "0"),
    ("'Exchange' -like 'ex*'; 'Exchange' -like 'x*'; 'a[b' -like 'a`[b'", "True|False|True"),
    (
        "'mail.contoso.test' -match '^(\\w+)\\.(?<rest>.*)$'; $Matches[1]; $Matches.rest",
        "True|mail|contoso.test",
    ),
    ("'abc' -match 'x'", "False"),
    ("1, 2 -contains 2; 'a', 'b' -contains 'B'; 3 -in 1, 2; 3 -notin 1, 2", "True|True|False|True"),
    ("'abc' -replace 'B', 'x'; 'abc' -creplace 'B', 'x'", "axc|abc"),
    ("'2026-10-01' -replace '(\\d+)-(\\d+)-(\\d+)', '$3.$2.$1'", "01.10.2026"),
    ("'a1b22' -replace '\\d'", "ab"),
    ("'a, b,c' -split ',\\s*'; 'a b  c' -split ' ', 2", "a|b|c|a|b  c"),
    ("-split ' a  b '; -join ('a', 'b')", "a|b|ab"),
    ("1 -is [int]; 1 -is [string]; @(1) -is [array]; 'x' -isnot [string]", "True|False|True|False"),
    ("('12' -as [int]) + 1; $null -eq ('x' -as [int])", "13|True"),
    (
        "$true -and 0; $true -or $(throw 'never'); -not ''; !1; $true -xor $true",
        "False|True|True|False|False",
    ),
    ("[bool]'false'; [bool]0; [bool]@(); [bool]@(0); [bool]@(0, 0)", "True|False|False|False|True"),
    ("(Get-Date) -is [datetime]", "True"),
    ("[datetime]'2026-01-02' -lt [datetime]'2026-01-03'", "True"),
]

STRINGS = [
    ("$a = 'x'; \"$a-$($a.Length)-${a}y-$a.b\"", "x-1-xy-x.b"),
    ('\'a\'\'b\'; "a`"b"; "a""b"; "a`tb"', 'a\'b|a"b|a"b|a\tb'),
    ('"`0".Length; "`0" -eq [string][char]0', "1|True"),
    ('"$(1, 2, 3)"; $OFS = \'-\'; "$(1, 2)"', "1 2 3|1-2"),
    ("@'\nraw $x\n 'q'\n'@", "raw $x| 'q'"),
    ('$x = 5; @"\nline $x\n "q" $(1 + 1)\n"@', 'line 5| "q" 2'),
    (
        "'{0} and {1,5}|{2:N2}|{3:x2}|{4:D3}|{{}}' -f 'a', 'b', 3.14159, 255, 7",
        "a and     b|3.14|ff|007|{}",
    ),
    ("'{0:yyyy-MM-dd HH:mm}' -f [datetime]'2026-01-02 03:04:05'", "2026-01-02 03:04"),
    ("'Abc'.ToUpper(); 'Abc'.Substring(1, 1); ' x '.Trim(); 'abc'.IndexOf('c')", "ABC|b|x|2"),
    ("'a--b'.Split('-').Count; 'a--b'.Split('--').Count", "3|3"),
    ("'a--b'.Split(@('--'), [StringSplitOptions]::None) -join '|'".replace("'|'", "'/'"), "a/b"),
    ("'a,,b'.Split(@(','), 2, [System.StringSplitOptions]::RemoveEmptyEntries).Count", "2"),
    ("'abc'[0]; 'abc'[-1]; 'abc'[1].GetType().Name", "a|c|Char"),
    (
        "[string]::IsNullOrEmpty(''); [string]::Join('+', @(1, 2)); [string]::Format('{0}!', 'a')",
        "True|1+2|a!",
    ),
    ("[string]$null -eq ''; [string]@(1, 2)", "True|1 2"),
    ("[string][char]65; [int][char]'A'", "A|65"),
    ("'B', 'a', 'C' | Sort-Object", "a|B|C"),
    ("'caf\u00e9'.Length", "4"),
]

COLLECTIONS = [
    ("@().Count; @($null).Count; @(1).Count; (,@(1, 2)).Count; $null.Count", "0|1|1|1|0"),
    ("(1..5)[1..2] -join ','; (1..3)[-1]; $null -eq (1..3)[7]", "2,3|3|True"),
    ("5..3 -join ','", "5,4,3"),
    ("$a, $b = 1, 2, 3; $a; $b -join '+'", "1|2+3"),
    ("$h = @{ a = 1; 'b c' = 2 }; $h.a; $h['B C']; $h.Count; $h.ContainsKey('A')", "1|2|2|True"),
    ("$h = [ordered]@{ z = 1; a = 2 }; $h.Keys -join ','; $h[0]", "z,a|1"),
    ("$h = @{}; $h.x = 1; $h['y'] = 2; $h.Remove('x'); $h.Keys", "y"),
    ('@{ a = 1 }.GetEnumerator() | ForEach-Object { "$($_.Key)=$($_.Value)" }', "a=1"),
    ("@{ a = 1 }.missing -eq $null", "True"),
    (
        "$o = [pscustomobject]@{ B = 1; A = 2 }; $o.b; $o.PSObject.Properties.Name -join ','",
        "1|B,A",
    ),
    (
        '"$([pscustomobject]@{ a = 1; b = \'x\' })"; "$(@{})"',
        "@{a=1; b=x}|System.Collections.Hashtable",
    ),
    (
        "$l = New-Object 'System.Collections.Generic.List[string]'; $l.Add('a'); $l.Add('b'); "
        "$l.Count; $l -join ','",
        "2|a,b",
    ),
    ("$l = New-Object System.Collections.ArrayList; $l.Add('a'); $l.Count", "0|1"),
    ("([pscustomobject]@{ n = 1 }), ([pscustomobject]@{ n = 2 }) | ForEach-Object n", "1|2"),
    ("@([pscustomobject]@{ n = 1 }; [pscustomobject]@{ n = 2 }).n -join ','", "1,2"),
    ("$x = @(); $x += 'a'; $x += @('b', 'c'); $x.Count", "3"),
    ("(1..6 | Where-Object { $_ % 2 }).Count; @(1, 2, 3).Where({ $_ -gt 1 }) -join ','", "3|2,3"),
    (
        "1..9 | Select-Object -First 2; 1..9 | Select-Object -Last 1; "
        "1, 1, 2 | Select-Object -Unique",
        "1|2|9|1|2",
    ),
    ("3, 1, 2 | Sort-Object -Descending", "3|2|1"),
    ("(1..4 | Measure-Object -Sum).Sum; (@() | Measure-Object).Count", "10|0"),
    ("@{ a = 1; b = 2 }.Values | Sort-Object", "1|2"),
]

STATEMENTS = [
    ("if ($false) { 1 } elseif (2 -gt 1) { 2 } else { 3 }", "2"),
    ("$x = if ($true) { 'yes' } else { 'no' }; $x", "yes"),
    ("foreach ($i in 1..4) { if ($i -eq 2) { continue }; if ($i -eq 4) { break }; $i }", "1|3"),
    ("foreach ($i in $null) { 'never' }; foreach ($i in @()) { 'never' }; 'end'", "end"),
    ("for ($i = 0; $i -lt 3; $i++) { $i }", "0|1|2"),
    ("$i = 0; while ($true) { $i++; if ($i -ge 3) { break } }; $i", "3"),
    ("$i = 0; do { $i++ } while ($i -lt 3); do { $i-- } until ($i -le 0); $i", "0"),
    (
        ":outer foreach ($i in 1..3) { foreach ($j in 1..3) { "
        "if ($j -eq 2) { continue outer }; $j } }",
        "1|1|1",
    ),
    ("switch ('b') { 'a' { 1 } 'b' { 2 } default { 3 } }", "2"),
    ("switch (1, 5) { { $_ -gt 3 } { 'big' } default { 'small' } }", "small|big"),
    ("switch -Wildcard ('abc') { 'a*' { 1; break } '*c' { 2 } }", "1"),
    ("switch -Regex ('abc') { '^a' { 1 } 'c$' { 2 } }", "1|2"),
    (
        "try { throw 'x' } catch { \"caught $($_.Exception.Message)\" } finally { 'done' }",
        "caught x|done",
    ),
    ("try { 1 } finally { 2 }", "1|2"),
    ("try { [int]'x' } catch [System.InvalidCastException] { 'cast' } catch { 'other' }", "cast"),
    (
        "try { throw 'x' } catch [System.FormatException] { 1 } "
        "catch [System.Management.Automation.RuntimeException] { 2 }",
        "2",
    ),
    ("try { try { throw 'inner' } catch { throw } } catch { $_.Exception.Message }", "inner"),
    (
        "try { throw [System.InvalidOperationException]::new('m') } catch { "
        "$_.Exception.GetType().FullName }",
        "System.InvalidOperationException",
    ),
    ('function F($a, $b = 5) { "$a/$b" }; F 1; F -b 2 -a 1', "1/5|1/2"),
    (
        'function F { param([switch]$On, [int]$N) "$On $N $($args.Count)" }\nF -On 3 4 -N 1',
        "True 1 2",
    ),
    ("function F { return 1; 2 }; F", "1"),
    ("function F { 1; 2; return 3 }; (F).Count", "3"),
    ("function F { begin { 'b' } process { $_ * 2 } end { 'e' } }; 1, 2 | F", "b|2|4|e"),
    ("filter Double { $_ * 2 }; 1, 2 | Double", "2|4"),
    ("function F { $input -join '+' }; 1, 2, 3 | F", "1+2+3"),
    ("$s = { param($n) $n + 1 }; & $s 4; $s.Invoke(1)", "5|2"),
    ("$x = 1; & { $x = 2 }; $x; . { $x = 3 }; $x", "1|3"),
    ("$x = 1; function F { $script:x = 9 }; F; $x", "9"),
    ("1..2 | ForEach-Object { $sum += $_ }; $sum", "3"),
    ('$p = @{ a = 1; b = 2 }; function F($a, $b) { "$a$b" }; F @p; $q = 3, 4; F @q', "12|34"),
    ("$b = [ScriptBlock]::Create('param($p) \"got $p\"'); & $b 'x'", "got x"),
    ("$null = 'gone'; 'shown' | Out-Null; [void]'gone'; $x = 5; 'last'", "last"),
    ("$e = $null; Get-Service nope -ErrorAction SilentlyContinue -ErrorVariable e; $e.Count", "1"),
    ("Get-Variable -Name nope -ErrorAction SilentlyContinue; $?", "False"),
    ("$PSVersionTable.PSVersion.Major; $env:COMPUTERNAME", "5|EX01"),
]

DOTNET = [
    ("[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes('h\u00e9'))", "aMOp"),
    ("[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('aMOp'))", "h\u00e9"),
    ("[Text.Encoding]::UTF8.GetBytes('ab')", "97|98"),
    ("[math]::Round(2.5); [math]::Round(3.14159, 2); [math]::Max(1, 3)", "2|3.14|3"),
    ("[datetime]::new(2026, 1, 2).AddDays(1).ToString('yyyy-MM-dd')", "2026-01-03"),
    ("([datetime]'2026-01-03' - [datetime]'2026-01-02').TotalHours", "24"),
    (
        "[timespan]::FromSeconds(90).ToString(); (New-TimeSpan -Minutes 2).TotalSeconds",
        "00:01:30|120",
    ),
    ("[DateTime]::UtcNow.Kind", "Utc"),
    (
        "$w = [Diagnostics.Stopwatch]::StartNew(); $w.IsRunning; $w.Stop(); $w.IsRunning",
        "True|False",
    ),
    ("[System.ServiceProcess.ServiceControllerStatus]::Running -eq 'Running'", "True"),
    ("[int][System.ServiceProcess.ServiceControllerStatus]::StopPending", "3"),
    (
        "(1).GetType().FullName; @().GetType().Name; @{}.GetType().Name",
        "System.Int32|Object[]|Hashtable",
    ),
    ("[regex]::Escape('a.b')", "a\\.b"),
    (
        "$b = New-Object System.Text.StringBuilder; [void]$b.Append('a').Append(1); $b.ToString()",
        "a1",
    ),
    ("[byte[]]$x = 1, 2; $x.Length; $x -is [byte[]]", "2|True"),
]


@pytest.mark.parametrize(
    ("script", "expected"),
    [*ARITHMETIC, *COMPARISON, *STRINGS, *COLLECTIONS, *STATEMENTS, *DOTNET],
    ids=lambda value: value[:60],
)
def test_value(lines, script: str, expected: str) -> None:
    assert "|".join(lines(script)) == expected


def test_output_of_objects_is_a_table_or_a_list(lines) -> None:
    assert lines("[pscustomobject]@{ Name = 'a'; Size = 10 }")[1:4] == [
        "Name Size",
        "---- ----",
        "a    10",
    ]


def test_standard_input_arrives_line_by_line(run) -> None:
    result = run(
        '$t = $input | Out-String; $t.Length; $t.Split(@("`0"), 2, 0)[1]', stdin="ab\0cd\nef"
    )
    assert result.stdout.splitlines() == ["11", "cd", "ef", ""]


def test_strict_mode_refuses_what_is_not_there(run) -> None:
    assert "VariableIsUndefined" in run("Set-StrictMode -Version Latest; $nope").stderr
    assert "PropertyNotFoundStrict" in run("Set-StrictMode -Version 2; (1).nope").stderr


@pytest.mark.parametrize(
    ("script", "construct"),
    [
        ("class A { }", "class statement"),
        ("1\nGet-Content C:\\x", "the cmdlet Get-Content"),
        ("Get-Service -ComputerName other", "Get-Service -ComputerName"),
        ("[System.IO.File]::ReadAllText('x')", "[System.IO.File]::ReadAllText()"),
        ("'a' > file.txt", "redirection to the file file.txt"),
    ],
)
def test_what_the_fake_does_not_know_it_says(run, script: str, construct: str) -> None:
    """And no script can hide it."""
    result = run(f"try {{\n{script}\n}} catch {{ 'caught' }}")
    assert f"not supported by this fake: {construct} at line" in result.stderr
    assert result.exit_code == 1
    assert "caught" not in result.stdout
