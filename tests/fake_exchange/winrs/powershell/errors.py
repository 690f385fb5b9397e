# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a script fail? Error records, terminating errors and other ways out of a statement."""

from __future__ import annotations

from dataclasses import dataclass, field

from .values import NOTHING, MemberNotFound, NetObject

EXCEPTION_BASES = {
    "System.SystemException": "System.Exception",
    "System.InvalidOperationException": "System.SystemException",
    "System.ArgumentException": "System.SystemException",
    "System.ArgumentNullException": "System.ArgumentException",
    "System.ArgumentOutOfRangeException": "System.ArgumentException",
    "System.FormatException": "System.SystemException",
    "System.InvalidCastException": "System.SystemException",
    "System.IndexOutOfRangeException": "System.SystemException",
    "System.ArithmeticException": "System.SystemException",
    "System.DivideByZeroException": "System.ArithmeticException",
    "System.OverflowException": "System.ArithmeticException",
    "System.NotSupportedException": "System.SystemException",
    "System.NotImplementedException": "System.SystemException",
    "System.UnauthorizedAccessException": "System.SystemException",
    "System.TimeoutException": "System.SystemException",
    "System.IO.IOException": "System.SystemException",
    "System.IO.FileNotFoundException": "System.IO.IOException",
    "System.ServiceProcess.TimeoutException": "System.SystemException",
    "System.ComponentModel.Win32Exception": "System.Runtime.InteropServices.ExternalException",
    "System.Runtime.InteropServices.ExternalException": "System.SystemException",
    "System.Management.Automation.RuntimeException": "System.SystemException",
    "System.Management.Automation.ParameterBindingException": (
        "System.Management.Automation.RuntimeException"
    ),
    "System.Management.Automation.CommandNotFoundException": (
        "System.Management.Automation.RuntimeException"
    ),
    "System.Management.Automation.MethodInvocationException": (
        "System.Management.Automation.MethodException"
    ),
    "System.Management.Automation.MethodException": (
        "System.Management.Automation.ExtendedTypeSystemException"
    ),
    "System.Management.Automation.SetValueInvocationException": (
        "System.Management.Automation.SetValueException"
    ),
    "System.Management.Automation.SetValueException": (
        "System.Management.Automation.ExtendedTypeSystemException"
    ),
    "System.Management.Automation.ExtendedTypeSystemException": (
        "System.Management.Automation.RuntimeException"
    ),
    "System.Management.Automation.PSInvalidCastException": "System.InvalidCastException",
    "System.Management.Automation.ParseException": "System.Management.Automation.RuntimeException",
    "System.Management.Automation.ActionPreferenceStopException": (
        "System.Management.Automation.RuntimeException"
    ),
    "System.Management.Automation.PropertyNotFoundException": (
        "System.Management.Automation.ExtendedTypeSystemException"
    ),
    "System.Management.Automation.SessionStateException": (
        "System.Management.Automation.RuntimeException"
    ),
    "System.Management.Automation.DriveNotFoundException": (
        "System.Management.Automation.SessionStateException"
    ),
    "System.Management.Automation.ItemNotFoundException": (
        "System.Management.Automation.SessionStateException"
    ),
    "Microsoft.PowerShell.Commands.ServiceCommandException": "System.SystemException",
    "Microsoft.PowerShell.Commands.WriteErrorException": "System.SystemException",
    "Microsoft.PowerShell.Commands.ProcessCommandException": "System.SystemException",
}


def exception_bases(type_name: str) -> tuple[str, ...]:
    """`type_name` and the types it derives from, up to System.Object."""
    names = [type_name]
    while names[-1] != "System.Exception":
        names.append(EXCEPTION_BASES.get(names[-1], "System.Exception"))
    return (*names, "System.Object")


class NetException(NetObject):
    """A .NET exception object."""

    def __init__(
        self, type_name: str, message: str, *, inner: NetException | None = None, result: int = 0
    ) -> None:
        self.type_names = exception_bases(type_name)
        self.message = message
        self.inner = inner
        self.result = result or -2146233088
        self.error_record: ErrorRecord | None = None

    def get(self, name: str) -> object:
        match name.casefold():
            case "message":
                return self.message
            case "innerexception":
                return self.inner
            case "hresult":
                return self.result
            case "stacktrace" | "source" | "helplink" | "targetsite":
                return None
            case "errorrecord" if self.error_record is not None:
                return self.error_record
        raise MemberNotFound(name)

    def call(self, name: str, arguments: list[object]) -> object:
        if name.casefold() == "getbaseexception" and not arguments:
            innermost = self
            while innermost.inner is not None:
                innermost = innermost.inner
            return innermost
        raise MemberNotFound(name)

    def property_names(self) -> list[str]:
        return ["Message", "InnerException", "HResult", "StackTrace", "Source"]

    def to_text(self) -> str:
        return f"{self.type_names[0]}: {self.message}"


@dataclass(frozen=True)
class Position:
    """Where in which script text something was said."""

    line: int
    column: int
    source_line: str
    extent: str

    def message(self) -> str:
        """As in InvocationInfo.PositionMessage."""
        first = self.extent.split("\n")[0]
        marks = "~" * max(1, min(len(first), len(self.source_line) - self.column + 1))
        return (
            f"At line:{self.line} char:{self.column}\n+ {self.source_line}\n"
            f"+ {' ' * (self.column - 1)}{marks}"
        )


@dataclass(eq=False)
class ErrorRecord(NetObject):
    """An error record. `error_id` is the whole FullyQualifiedErrorId."""

    exception: NetException
    error_id: str
    category: str = "NotSpecified"
    activity: str = ""
    reason: str = ""
    target: object = None
    target_name: str = ""
    target_type: str = ""
    position: Position | None = None
    command: str = ""
    type_names: tuple[str, ...] = field(
        default=("System.Management.Automation.ErrorRecord", "System.Object"), repr=False
    )

    def __post_init__(self) -> None:
        self.reason = self.reason or self.exception.type_names[0].rpartition(".")[2]
        self.exception.error_record = self.exception.error_record or self

    def category_text(self) -> str:
        target = f"({self.target_name}:{self.target_type})"
        return f"{self.category}: {target} [{self.activity}], {self.reason}"

    def get(self, name: str) -> object:
        match name.casefold():
            case "exception":
                return self.exception
            case "fullyqualifiederrorid":
                return self.error_id
            case "targetobject":
                return self.target
            case "categoryinfo":
                return CategoryInfo(self)
            case "invocationinfo":
                return InvocationInfo(self)
            case "scriptstacktrace":
                line = self.position.line if self.position else 0
                return f"at <ScriptBlock>, <No file>: line {line}"
            case "errordetails":
                return None
        raise MemberNotFound(name)

    def property_names(self) -> list[str]:
        return [
            "Exception",
            "TargetObject",
            "CategoryInfo",
            "FullyQualifiedErrorId",
            "ErrorDetails",
            "InvocationInfo",
            "ScriptStackTrace",
        ]

    def to_text(self) -> str:
        return self.exception.message

    def as_lines(self) -> list[str]:
        """As the console host prints it (NormalView)."""
        prefix = f"{self.command} : " if self.command else ""
        lines = f"{prefix}{self.exception.message}".split("\n")
        if self.position is not None:
            lines += self.position.message().split("\n")
        lines.append(f"    + CategoryInfo          : {self.category_text()}")
        lines.append(f"    + FullyQualifiedErrorId : {self.error_id}")
        return [*(line.rstrip("\r") for line in lines), " "]


class CategoryInfo(NetObject):
    type_names = ("System.Management.Automation.ErrorCategoryInfo", "System.Object")

    def __init__(self, record: ErrorRecord) -> None:
        self._record = record

    def get(self, name: str) -> object:
        from .dotnet_enums import enum_value

        record = self._record
        match name.casefold():
            case "category":
                return enum_value("System.Management.Automation.ErrorCategory", record.category)
            case "activity":
                return record.activity
            case "reason":
                return record.reason
            case "targetname":
                return record.target_name
            case "targettype":
                return record.target_type
        raise MemberNotFound(name)

    def property_names(self) -> list[str]:
        return ["Category", "Activity", "Reason", "TargetName", "TargetType"]

    def call(self, name: str, arguments: list[object]) -> object:
        if name.casefold() == "getmessage":
            return self.to_text()
        raise MemberNotFound(name)

    def to_text(self) -> str:
        return self._record.category_text()


class InvocationInfo(NetObject):
    type_names = ("System.Management.Automation.InvocationInfo", "System.Object")

    def __init__(self, record: ErrorRecord) -> None:
        self._record = record

    def get(self, name: str) -> object:
        position = self._record.position
        match name.casefold():
            case "mycommand" | "invocationname":
                return self._record.command
            case "scriptlinenumber":
                return position.line if position else 0
            case "offsetinline":
                return position.column if position else 0
            case "line":
                return position.source_line if position else ""
            case "positionmessage":
                return position.message() if position else ""
            case "scriptname" | "pscommandpath":
                return ""
        raise MemberNotFound(name)


class PowerShellError(Exception):
    """A terminating error. `thrown` for the throw statement."""

    def __init__(self, record: ErrorRecord) -> None:
        super().__init__(record.exception.message)
        self.record = record


class NotSupportedByFake(Exception):
    """The script uses something this interpreter does not know. No script can catch it."""

    def __init__(self, construct: str, line: int) -> None:
        super().__init__(f"not supported by this fake: {construct} at line {line}")
        self.construct = construct
        self.line = line


class Stopped(Exception):
    """The process is being ended from outside."""


class ExitScript(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ReturnFromBlock(Exception):
    """`return`; its value has been written already."""


class LoopControl(Exception):
    def __init__(self, label: str | None) -> None:
        super().__init__(label)
        self.label = label


class BreakLoop(LoopControl):
    """`break`, with its label."""


class ContinueLoop(LoopControl):
    """`continue`, with its label."""


def runtime_error(
    message: str,
    error_id: str,
    *,
    category: str = "InvalidOperation",
    exception_type: str = "System.Management.Automation.RuntimeException",
    inner: NetException | None = None,
    target: object = None,
    target_name: str = "",
    target_type: str = "",
) -> PowerShellError:
    """A terminating error of the engine itself."""
    return PowerShellError(
        ErrorRecord(
            NetException(exception_type, message, inner=inner),
            error_id,
            category=category,
            target=None if target is NOTHING else target,
            target_name=target_name,
            target_type=target_type,
        )
    )
