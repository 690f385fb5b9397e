# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes into a pipeline and what comes out of it, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.prompts import (
    AnsweredPrompt,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import Value
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import CmdletError


@dataclass(frozen=True)
class Cmdlet:
    """One command of a pipeline: names as Exchange spells them, values that values.from_python
    knows."""

    name: str
    # A parameter may be a Secret, but also PFX bytes: keep values out of every repr.
    parameters: Mapping[str, object] = field(default_factory=dict, repr=False)
    # Run on the server right after it, whatever came of it; only a local shell can do that.
    afterwards: Cmdlet | None = None


@dataclass(frozen=True)
class CmdletResult:
    """Everything a pipeline said."""

    output: list[Value] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    verbose: list[str] = field(default_factory=list)
    errors: list[CmdletError] = field(default_factory=list)
    prompts: list[AnsweredPrompt] = field(default_factory=list)
