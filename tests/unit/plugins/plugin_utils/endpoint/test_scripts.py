# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts for Windows: plain, short enough, and without pasted values.

Whether they are valid is said by PowerShell's own parser where it is present
(tests/unit/fake_exchange/winrs/test_real_powershell.py).
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint import windows_session

SCRIPTS = sorted((Path(windows_session.__file__).parent / "scripts").glob("*.ps1"))
IDS = [path.stem for path in SCRIPTS]


def test_the_scripts_are_the_ones_that_the_session_documents() -> None:
    assert IDS == [
        "app_pools",
        "bind_https",
        "bootstrap",
        "clock",
        "exchange_cmdlet",
        "https_bindings",
        "services",
        "store_certificates",
    ]


@pytest.mark.parametrize("path", SCRIPTS, ids=IDS)
def test_a_script_is_plain_ascii(path: Path) -> None:
    """Windows PowerShell 5.1 reads a file without a byte order mark in the ANSI code page."""
    path.read_text(encoding="ascii")


@pytest.mark.parametrize("path", SCRIPTS, ids=IDS)
def test_a_script_uses_nothing_that_came_after_windows_powershell(path: Path) -> None:
    code = "\n".join(
        line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")
    )
    for newer in (r"\?\?", r"\?\.", r"&&", r"\|\|", r"-AsHashtable", r"-Parallel", r"\bclean\b"):
        assert not re.search(newer, code), newer
    assert "Invoke-Expression" not in code
    assert "\0" not in code


@pytest.mark.parametrize("path", SCRIPTS, ids=IDS)
def test_a_script_holds_no_mark_that_separates_it_from_its_parameters(path: Path) -> None:
    assert windows_session._SEPARATOR not in path.read_text()


def test_the_command_line_fits_into_cmd_exe_and_is_constant() -> None:
    text = windows_session.script_text("bootstrap")
    line = windows_session.command_line(text)
    assert len(line) < 8191
    encoded = line.rpartition(" ")[2]
    assert base64.b64decode(encoded).decode("utf-16-le") == text


def test_a_bootstrap_that_is_too_long_is_noticed() -> None:
    with pytest.raises(ValueError, match="characters"):
        windows_session.command_line("x" * 4000)
