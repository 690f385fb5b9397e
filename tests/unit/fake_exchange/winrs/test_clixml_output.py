# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does [PSSerializer]::Serialize() print in a script? Each line is an expression and elements
that have to be in the document."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from fake_exchange.winrs.powershell import run_script_text

SERIALIZE = "[System.Management.Automation.PSSerializer]::Serialize"


def document(expression: str, depth: int = 3) -> str:
    result = run_script_text(f"{SERIALIZE}({expression}, {depth})")
    assert (result.stderr, result.exit_code) == ("", 0)
    ElementTree.fromstring(result.stdout)
    return result.stdout


@pytest.mark.parametrize(
    ("expression", "elements"),
    [
        ("$null", ["<Nil />"]),
        ("'a & b'", ["<S>a &amp; b</S>"]),
        ("$true", ["<B>true</B>"]),
        ("7", ["<I32>7</I32>"]),
        ("5000000000", ["<I64>5000000000</I64>"]),
        ("[Convert]::FromBase64String('AAEC')", ["<BA>AAEC</BA>"]),
        ("@('a', 1)", ["<T>System.Object[]</T>", "<LST><S>a</S><I32>1</I32></LST>"]),
        ("@()", ["<LST></LST>"]),
        (
            "[pscustomobject]@{Name = 'x'; Size = 3}",
            ["<MS>", '<S N="Name">x</S>', '<I32 N="Size">3</I32>', "PSCustomObject"],
        ),
        ("@{a = 1}", ["<DCT>", '<S N="Key">a</S>', '<I32 N="Value">1</I32>']),
    ],
)
def test_values(expression: str, elements: list[str]) -> None:
    text = document(expression)
    for element in elements:
        assert element in text


def test_what_lies_deeper_is_left_with_its_text() -> None:
    nested = "[pscustomobject]@{inner = [pscustomobject]@{x = 1}}"
    assert '<I32 N="x">1</I32>' in document(nested, 2)
    shallow = document(nested, 1)
    assert '<I32 N="x">' not in shallow
    assert '<S N="inner">@{x=1}</S>' in shallow
