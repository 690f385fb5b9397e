# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do ConvertTo-Json and ConvertFrom-Json of 5.1 make of values?"""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("@{ a = 1 } | ConvertTo-Json -Compress", '{"a":1}'),
        (
            "ConvertTo-Json -Compress @{ a = @{ b = @{ c = @{ d = 1 } } } }",
            '{"a":{"b":{"c":"System.Collections.Hashtable"}}}',
        ),
        ("ConvertTo-Json -Compress @{ a = @{ b = @{ c = @(1, 2) } } }", '{"a":{"b":{"c":"1 2"}}}'),
        (
            "ConvertTo-Json -Compress -Depth 3 @{ a = @{ b = @{ c = @(1, 2) } } }",
            '{"a":{"b":{"c":[1,2]}}}',
        ),
        ("@(1) | ConvertTo-Json -Compress", "1"),
        ("ConvertTo-Json -Compress @(1)", "[1]"),
        ("ConvertTo-Json -Compress -InputObject @()", "[]"),
        ("1, 2 | ConvertTo-Json -Compress", "[1,2]"),
        ("ConvertTo-Json -Compress @{ a = @(Write-Output 1) }", '{"a":[1]}'),
        ("ConvertTo-Json -Compress @{ a = (Write-Output 1) }", '{"a":1}'),
        (
            "ConvertTo-Json -Compress @{ a = (Write-Output -NoEnumerate @(1, 2)) }",
            '{"a":{"value":[1,2],"Count":2}}',
        ),
        ("ConvertTo-Json -Compress @($null, $true, 1.5, 2.0, 'x')", '[null,true,1.5,2.0,"x"]'),
        ('ConvertTo-Json -Compress "<a>&\'`n"', '"\\u003ca\\u003e\\u0026\\u0027\\n"'),
        ("ConvertTo-Json -Compress 'Gr\u00fc\u00dfe'", '"Gr\u00fc\u00dfe"'),
        (
            "ConvertTo-Json -Compress ([datetime]::new(1970, 1, 2, 0, 0, 0, 'Utc'))",
            '"\\/Date(86400000)\\/"',
        ),
        ("ConvertTo-Json -Compress (Get-Service W3SVC).Status", "4"),
        (
            "ConvertTo-Json -Compress ([ordered]@{ z = 1; a = [pscustomobject]@{ x = $null } })",
            '{"z":1,"a":{"x":null}}',
        ),
    ],
)
def test_to_json(lines, script: str, expected: str) -> None:
    assert lines(script) == [expected]


def test_the_layout_of_5_1(lines) -> None:
    script = (
        "[ordered]@{ a = 1; list = @(1, 'x'); inner = [ordered]@{ b = $true } } | ConvertTo-Json"
    )
    assert lines(script) == [
        "{",
        '    "a":  1,',
        '    "list":  [',
        "                 1,",
        '                 "x"',
        "             ],",
        '    "inner":  {',
        '                  "b":  true',
        "              }",
        "}",
    ]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("(ConvertFrom-Json '{\"a\": {\"B\": [1, 2]}}').a.b -join ','", "1,2"),
        ("(ConvertFrom-Json '{\"a\": null}').a -eq $null", "True"),
        ("(ConvertFrom-Json '1.50').GetType().Name", "Decimal"),
        ("(ConvertFrom-Json '[3000000000]').GetType().Name", "Object[]"),
        ("(ConvertFrom-Json '\"2026-01-01T00:00:00Z\"').GetType().Name", "String"),
        # 5.1 hands an array on as one object.
        ("'[1, 2]' | ConvertFrom-Json | ForEach-Object { $_.Count }", "2"),
        ("$o = '{\"a\": 1}' | ConvertFrom-Json; $o.a + 1", "2"),
        ("@(ConvertFrom-Json '[\"x\"]').Count; (ConvertFrom-Json '[\"x\"]')[0]", "1|x"),
    ],
)
def test_from_json(lines, script: str, expected: str) -> None:
    assert "|".join(lines(script)) == expected


def test_what_is_no_json_is_an_argument_error(lines) -> None:
    script = (
        "try { ConvertFrom-Json '{\"a\": nope}' } catch { $_.FullyQualifiedErrorId; "
        "$_.Exception.GetType().FullName; $_.Exception.Message }"
    )
    assert lines(script) == [
        "System.ArgumentException,Microsoft.PowerShell.Commands.ConvertFromJsonCommand",
        "System.ArgumentException",
        "Invalid JSON primitive: nope.",
    ]
