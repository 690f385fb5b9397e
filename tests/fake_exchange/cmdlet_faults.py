# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do armed faults do to a cmdlet? Called before each cmdlet runs: it waits, fails, or the
whole fake is gone."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Sequence

from fake_exchange.cmdlets.registry import (
    CmdletContext,
    CmdletError,
    Command,
    ErrorSpec,
    TerminatingError,
    run_pipeline,
)
from fake_exchange.faults import Fault
from fake_exchange.organisation.accounts import EVERYBODYS_CMDLETS

EXIT_CODE = 70


class CmdletFaults:
    """The faults `slow_cmdlet`, `fail_cmdlet`, `exit_process` and the switch `cmdlet_seconds`."""

    def __init__(self, leave: Callable[[int], None] = os._exit) -> None:
        self._leave = leave

    def before_cmdlet(self, context: CmdletContext, name: str) -> None:
        """Raises `CmdletError` for an armed failure; returns early if the pipeline is stopped."""
        if name in EVERYBODYS_CMDLETS:
            return
        faults = context.organisation.faults
        where = {
            "server": context.landed_server.Name,
            "cmdlet": name,
            "account": context.account.user,
        }
        if faults.take("exit_process", where):
            self._leave(EXIT_CODE)
        seconds = context.organisation.behavior.cmdlet_seconds
        slow = faults.take("slow_cmdlet", where)
        if slow is not None and slow.stubborn:
            time.sleep(slow.seconds)
        else:
            seconds += slow.seconds if slow is not None else 0.0
        context.stopped.wait(seconds)
        context.check_stopped()
        _fail(context, name, faults.take("fail_cmdlet", where))

    def after_cmdlet(self, context: CmdletContext, name: str) -> None:
        """Raises for an armed failure of a cmdlet that has taken effect."""
        if name in EVERYBODYS_CMDLETS:
            return
        where = {
            "server": context.landed_server.Name,
            "cmdlet": name,
            "account": context.account.user,
        }
        _fail(context, name, context.organisation.faults.take("fail_cmdlet", where, after=True))


def _fail(context: CmdletContext, name: str, failure: Fault | None) -> None:
    if failure is None:
        return
    record = _record(context, name, failure.message)
    raise TerminatingError(record) if failure.terminating else CmdletError(record)


def _record(context: CmdletContext, name: str, message: str) -> ErrorSpec:
    verb, _, noun = name.partition("-")
    return ErrorSpec(
        message=message,
        category="InvalidOperation",
        category_reason="LocalizedException",
        category_activity=name,
        exception_type="Microsoft.Exchange.Data.Common.LocalizedException",
        error_id=(
            f"[Server={context.landed_server.Name.upper()},RequestId={uuid.uuid4()},"
            "TimeStamp=1/1/2026 0:00:00 AM] [FailureCategory=Cmdlet-LocalizedException] 5A1D0001,"
            f"Microsoft.Exchange.Management.SystemConfigurationTasks.{verb}{noun}"
        ),
    )


def run_pipeline_with_faults(context: CmdletContext, commands: Sequence[Command]) -> None:
    """`registry.run_pipeline` where faults may strike."""
    context.faults = CmdletFaults()
    run_pipeline(context, commands)
