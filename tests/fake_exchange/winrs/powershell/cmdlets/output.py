# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Write-* and Out-* cmdlets."""

from __future__ import annotations

from ..conversion import to_number, to_text
from ..errors import ErrorRecord, NetException
from ..host_format import display_text
from ..invocation import Call
from ..values import PipedArray, as_sequence, enumerate_output
from .registry import cmdlet, streaming_cmdlet

_UTILITY = "Microsoft.PowerShell.Commands"


def _write_output(call: Call, item: object) -> None:
    value = item if call.piped else call.value("InputObject")
    if call.flag("NoEnumerate"):
        call.output(PipedArray(value) if isinstance(value, list) else value)
        return
    for one in enumerate_output(value):
        call.output(one)


streaming_cmdlet(
    "Write-Output",
    f"{_UTILITY}.WriteOutputCommand",
    "InputObject:0+ NoEnumerate!",
    process=_write_output,
)


def _write_host(call: Call, item: object) -> None:
    value = item if call.piped else call.value("Object")
    items = as_sequence(value)
    separator = call.text("Separator", " ")
    text = separator.join(to_text(one) for one in items) if items is not None else to_text(value)
    streams = call.interpreter.streams
    if "6" in call.interpreter.sinks:
        call.interpreter.sinks["6"](text)
    elif call.flag("NoNewline"):
        streams.out(text)
    else:
        streams.out_line(text)


streaming_cmdlet(
    "Write-Host",
    f"{_UTILITY}.WriteHostCommand",
    "Object:0+ NoNewline! Separator ForegroundColor BackgroundColor",
    process=_write_host,
)


@cmdlet(
    "Write-Error",
    f"{_UTILITY}.WriteErrorCommand",
    "Message:0 Exception ErrorRecord Category ErrorId TargetObject RecommendedAction "
    "CategoryActivity CategoryReason CategoryTargetName CategoryTargetType",
)
def _write_error(call: Call) -> None:
    given = call.value("ErrorRecord")
    exception = call.value("Exception")
    if isinstance(given, ErrorRecord):
        call.error(given)
        return
    message = call.text("Message")
    if not isinstance(exception, NetException):
        exception = NetException(f"{_UTILITY}.WriteErrorException", message)
    error_id = call.text("ErrorId", exception.type_names[0])
    record = call.record(
        message or exception.message,
        error_id,
        category=call.text("Category", "NotSpecified"),
        exception_type=exception.type_names[0],
        target=call.value("TargetObject"),
    )
    record.error_id = error_id
    record.activity = call.text("CategoryActivity", "Write-Error")
    call.error(record)


def _message(stream: str, kind: str, switch: str):  # type: ignore[no-untyped-def]
    def process(call: Call, item: object) -> None:
        text = to_text(item if call.piped else call.value("Message"))
        forced = "continue" if call.common.get(switch) is True else None
        call.interpreter.write_message(stream, kind, text, forced)

    return process


def _warning(call: Call, item: object) -> None:
    call.warning(to_text(item if call.piped else call.value("Message")))


streaming_cmdlet(
    "Write-Warning", f"{_UTILITY}.WriteWarningCommand", "Message:0=Msg", process=_warning
)
streaming_cmdlet(
    "Write-Verbose",
    f"{_UTILITY}.WriteVerboseCommand",
    "Message:0=Msg",
    process=_message("4", "verbose", "verbose"),
)
streaming_cmdlet(
    "Write-Debug",
    f"{_UTILITY}.WriteDebugCommand",
    "Message:0=Msg",
    process=_message("5", "debug", "debug"),
)
streaming_cmdlet(
    "Write-Information",
    f"{_UTILITY}.WriteInformationCommand",
    "Message:0=MessageData,Msg Tags:1",
    process=_message("6", "information", "information"),
)


@cmdlet(
    "Write-Progress",
    f"{_UTILITY}.WriteProgressCommand",
    "Activity:0 Status:1 Id:2 PercentComplete SecondsRemaining CurrentOperation ParentId "
    "Completed! SourceId",
)
def _write_progress(call: Call) -> None:
    if call.interpreter.preference("ProgressPreference") != "continue":
        return
    call.interpreter.streams.progress(
        call.text("Activity"),
        call.text("Status", "Processing"),
        percent=int(to_number(call.value("PercentComplete", -1))),
        number=call.number("Id"),
        completed=call.flag("Completed"),
    )


streaming_cmdlet(
    "Out-Null",
    "Microsoft.PowerShell.Commands.OutNullCommand",
    "InputObject",
    process=lambda call, item: None,
)


@cmdlet("Out-String", f"{_UTILITY}.OutStringCommand", "InputObject Stream! Width NoNewline!")
def _out_string(call: Call) -> None:
    items = call.items if call.piped else list(enumerate_output(call.value("InputObject")))
    text = display_text(items)
    if call.flag("Stream"):
        for line in text.split("\r\n")[:-1]:
            call.output(line)
    else:
        call.output(text)


def _out_host(call: Call) -> None:
    items = call.items if call.piped else list(enumerate_output(call.value("InputObject")))
    call.interpreter.streams.out(display_text(items))


cmdlet("Out-Host", "Microsoft.PowerShell.Commands.OutHostCommand", "InputObject Paging!")(_out_host)
cmdlet("Out-Default", "Microsoft.PowerShell.Commands.OutDefaultCommand", "InputObject Transcript!")(
    _out_host
)
