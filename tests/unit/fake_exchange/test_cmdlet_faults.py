# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do armed faults do to cmdlets?"""

from __future__ import annotations

import threading
import time

import pytest

from fake_exchange.cmdlet_faults import EXIT_CODE, CmdletFaults, run_pipeline_with_faults
from fake_exchange.cmdlets.registry import (
    CmdletContext,
    CmdletError,
    Command,
    ErrorSpec,
    PipelineStopped,
    TerminatingError,
)
from fake_exchange.faults import Fault
from fake_exchange.organisation.accounts import Account, permissions_of
from support.stocked_server import organisation_of


@pytest.fixture
def context() -> CmdletContext:
    organisation = organisation_of("EX01")
    account = Account("ansible", "CONTOSO", "CONTOSO.TEST", "x")
    return CmdletContext(organisation, account, organisation.servers["EX01"])


class Left(Exception):
    """Raised where the process would end."""


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


def test_a_stubborn_cmdlet_stops_no_sooner_than_it_has_waited(context: CmdletContext) -> None:
    arm(context, "slow_cmdlet", seconds=0.2, stubborn=True)
    context.stopped.set()
    begun = time.monotonic()
    with pytest.raises(PipelineStopped):
        run(context, "Get-Queue")
    assert time.monotonic() - begun >= 0.2


# What is left behind by a failed cmdlet that changes something -----------------------------------


@pytest.fixture
def errors(context: CmdletContext) -> list[ErrorSpec]:
    """The error records that the pipelines of an administrator write."""
    context.account.permissions = permissions_of(["Organization Management"])
    written: list[ErrorSpec] = []
    context.write_error = written.append
    return written


def set_comment(context: CmdletContext) -> None:
    identity = "EX01\\Default Frontend EX01"
    command = Command("Set-ReceiveConnector", [("Identity", identity), ("Comment", "changed")])
    run_pipeline_with_faults(context, [command])


def comment(context: CmdletContext) -> str:
    return str(context.landed_server.receive_connector("Default Frontend EX01").Comment)


@pytest.mark.parametrize("after", [False, True])
def test_a_failure_is_a_record_and_the_pipeline_completes(
    context: CmdletContext, errors: list[ErrorSpec], after: bool
) -> None:
    arm(context, "fail_cmdlet", cmdlet="Set-ReceiveConnector", after=after)
    set_comment(context)
    assert [error.category_activity for error in errors] == ["Set-ReceiveConnector"]
    assert comment(context) == ("changed" if after else "")


@pytest.mark.parametrize("after", [False, True])
def test_a_terminating_failure_ends_the_pipeline(
    context: CmdletContext, errors: list[ErrorSpec], after: bool
) -> None:
    arm(context, "fail_cmdlet", cmdlet="Set-ReceiveConnector", terminating=True, after=after)
    with pytest.raises(TerminatingError) as caught:
        set_comment(context)
    assert caught.value.error.category_activity == "Set-ReceiveConnector"
    assert errors == []
    assert comment(context) == ("changed" if after else "")


@pytest.mark.parametrize("after", [False, True])
def test_the_journal_shows_what_a_failed_cmdlet_said(
    context: CmdletContext, errors: list[ErrorSpec], after: bool
) -> None:
    arm(context, "fail_cmdlet", cmdlet="Set-ReceiveConnector", after=after, message="No luck.")
    set_comment(context)
    set_comment(context)
    changes = context.organisation.journal.as_dict()["changes"]
    assert [(change["what"], change["error"]) for change in changes] == [
        ("Set-ReceiveConnector", "No luck."),
        ("Set-ReceiveConnector", ""),
    ]


def test_what_failed_is_known_to_have_been_struck(
    context: CmdletContext, errors: list[ErrorSpec]
) -> None:
    arm(context, "fail_cmdlet", cmdlet="Set-ReceiveConnector", after=True)
    set_comment(context)
    (struck,) = context.organisation.faults.fired()
    assert (struck["kind"], struck["server"], struck["cmdlet"]) == (
        "fail_cmdlet",
        "EX01",
        "Set-ReceiveConnector",
    )
