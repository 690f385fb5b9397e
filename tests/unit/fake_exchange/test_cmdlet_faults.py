# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do armed faults do to cmdlets?"""

from __future__ import annotations

import threading

import pytest

from fake_exchange.cmdlet_faults import EXIT_CODE, CmdletFaults
from fake_exchange.cmdlets.registry import CmdletContext, CmdletError, PipelineStopped
from fake_exchange.faults import Fault
from fake_exchange.organisation.accounts import Account
from support.stocked_server import organisation_of


@pytest.fixture
def context() -> CmdletContext:
    organisation = organisation_of("EX01")
    account = Account("ansible", "CONTOSO", "CONTOSO.TEST", "x")
    return CmdletContext(organisation, account, organisation.servers["EX01"])


class Left(Exception):
    """Stands for the end of the process."""


def leave(code: int) -> None:
    raise Left(code)


def run(context: CmdletContext, name: str) -> None:
    CmdletFaults(leave).before_cmdlet(context, name)


def arm(context: CmdletContext, kind: str, **selectors: object) -> None:
    context.organisation.faults.arm(Fault(kind, **selectors))  # type: ignore[arg-type]


def test_a_cmdlet_fails_once_in_exchanges_form(context: CmdletContext) -> None:
    arm(context, "fail_cmdlet", cmdlet="Get-Queue", message="No queue today.")
    run(context, "Get-AcceptedDomain")
    with pytest.raises(CmdletError, match=r"No queue today\.") as caught:
        run(context, "Get-Queue")
    assert caught.value.error.error_id.startswith("[Server=EX01,RequestId=")
    run(context, "Get-Queue")


def test_the_nth_call_fails(context: CmdletContext) -> None:
    arm(context, "fail_cmdlet", skip=2)
    run(context, "Get-Queue")
    run(context, "Get-Queue")
    with pytest.raises(CmdletError):
        run(context, "Get-Queue")


def test_a_fault_of_another_server_or_account_does_not_strike(context: CmdletContext) -> None:
    arm(context, "fail_cmdlet", server="EX02")
    arm(context, "fail_cmdlet", account="somebody")
    run(context, "Get-Queue")


def test_the_commands_of_the_endpoint_itself_never_fail(context: CmdletContext) -> None:
    arm(context, "fail_cmdlet", times=-1)
    run(context, "Select-Object")


def test_the_process_leaves_before_the_cmdlet(context: CmdletContext) -> None:
    arm(context, "exit_process", cmdlet="Import-ExchangeCertificate")
    run(context, "Get-ExchangeCertificate")
    with pytest.raises(Left, match=str(EXIT_CODE)):
        run(context, "Import-ExchangeCertificate")


def test_a_slow_cmdlet_ends_early_when_stopped(context: CmdletContext) -> None:
    arm(context, "slow_cmdlet", seconds=3600)
    threading.Timer(0.05, context.stopped.set).start()
    with pytest.raises(PipelineStopped):
        run(context, "Get-Queue")
