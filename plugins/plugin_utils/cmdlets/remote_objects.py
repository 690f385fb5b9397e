# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How are objects read with just the properties that are needed, whatever the endpoint allows?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.prompts import PromptPolicy
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletFailed,
    CmdletNotAvailable,
)


class Session(Protocol):
    """What this package needs of an ExchangeSession."""

    def invoke(
        self,
        *pipeline: Cmdlet,
        answer: PromptPolicy | None = None,
        deadline: float | None = None,
        changing: bool = False,
        expect_errors: bool = False,
    ) -> CmdletResult:
        """Run one pipeline; see ExchangeSession.invoke."""
        raise NotImplementedError


def read_objects(session: Session, cmdlet: Cmdlet, properties: Sequence[str]) -> list[RemoteObject]:
    """Return what a Get cmdlet yields, projected on the server where Select-Object is exposed.

    Without Select-Object, or with one that refuses the property names, the whole objects are read.

    Raises:
        CmdletFailed and everything else that ExchangeSession.invoke raises.
    """
    projection = Cmdlet("Select-Object", {"Property": list(properties)})
    try:
        result = session.invoke(cmdlet, projection)
    except CmdletFailed as error:
        if not _refuses_projection(error):
            raise
        result = session.invoke(cmdlet)
    return [value for value in result.output if isinstance(value, RemoteObject)]


def _refuses_projection(error: CmdletFailed) -> bool:
    if isinstance(error, CmdletNotAvailable):
        # Which command is missing is only in the text; the second attempt shows it.
        return True
    return any(record.cmdlet.casefold() == "select-object" for record in error.errors)
