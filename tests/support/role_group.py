# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights does an account need in Exchange, and no more? The script that gives them, made from
the list of cmdlets and parameters in the code: `python -m support.role_group` writes it."""

from __future__ import annotations

import textwrap
from pathlib import Path

from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight.permissions import (
    everything,
)

SCRIPT = (
    Path(__file__).resolve().parents[2]
    / "docs"
    / "role-group"
    / "New-CertificateAutomationRoleGroup.ps1"
)
_TABLE_BEGINS, _TABLE_ENDS = "$wanted = @{\n", "\n}\n"


def role() -> dict[str, list[str]]:
    """The rights as data: cmdlet -> parameters."""
    return {cmdlet: sorted(parameters) for cmdlet, parameters in sorted(everything().items())}


def script() -> str:
    """The script with the table of the code in it, and the rest as it is written there."""
    before, _begin, rest = SCRIPT.read_text(encoding="utf-8").partition(_TABLE_BEGINS)
    _former, _end, after = rest.partition(_TABLE_ENDS)
    rows = "\n".join(_row(cmdlet, parameters) for cmdlet, parameters in role().items())
    return f"{before}{_TABLE_BEGINS}{rows}{_TABLE_ENDS}{after}"


def _row(cmdlet: str, parameters: list[str]) -> str:
    listed = ", ".join(f"'{parameter}'" for parameter in parameters)
    lines = textwrap.wrap(listed, 92, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return "\n".join([f"    '{cmdlet}' = @(", *lines, "    )"])


if __name__ == "__main__":
    SCRIPT.write_text(script(), encoding="utf-8")
