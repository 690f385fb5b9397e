# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a script fail? The error record that ends it, as the bootstrap passes it on."""

from __future__ import annotations

_AUTOMATION = "System.Management.Automation."


class ScriptFailed(Exception):
    """An error that ended the script."""

    def __init__(self, message: str, *, error_id: str, category: str, exception_type: str) -> None:
        super().__init__(message)
        self.message = message
        self.error_id = error_id
        self.category = category
        self.exception_type = exception_type


class NotRecorded(Exception):
    """What was asked for was never recorded with real PowerShell, so nobody knows the answer."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} was not recorded: run make record-powershell")


def thrown(text: str) -> ScriptFailed:
    """`throw` of a text."""
    return ScriptFailed(
        text,
        error_id=text,
        category="OperationStopped",
        exception_type=_AUTOMATION + "RuntimeException",
    )


def method_failed(name: str, arguments: int, reason: str, exception: str) -> ScriptFailed:
    """A method of a .NET object has thrown; `exception` is the short name of what it was."""
    return ScriptFailed(
        f'Exception calling "{name}" with "{arguments}" argument(s): "{reason}"',
        error_id=exception,
        category="NotSpecified",
        exception_type=_AUTOMATION + "MethodInvocationException",
    )


def path_not_found(path: str, cmdlet_class: str) -> ScriptFailed:
    return ScriptFailed(
        f"Cannot find path '{path}' because it does not exist.",
        error_id=f"PathNotFound,Microsoft.PowerShell.Commands.{cmdlet_class}",
        category="ObjectNotFound",
        exception_type=_AUTOMATION + "ItemNotFoundException",
    )


def empty_argument(parameter: str, cmdlet_class: str) -> ScriptFailed:
    """The binder refuses an empty text."""
    return ScriptFailed(
        f"Cannot bind argument to parameter '{parameter}' because it is an empty string.",
        error_id="ParameterArgumentValidationErrorEmptyStringNotAllowed,"
        f"Microsoft.PowerShell.Commands.{cmdlet_class}",
        category="InvalidData",
        exception_type=_AUTOMATION + "ParameterBindingValidationException",
    )
