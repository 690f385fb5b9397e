# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commands does a client want to run? The decoded pipeline as the cmdlets take it: names and
plain Python values, refused where a no-language session refuses."""

from __future__ import annotations

import datetime
import decimal
import enum
import queue
import uuid
from collections.abc import Iterable

import psrpcore
from psrpcore.types import (
    PSChar,
    PSCredential,
    PSObject,
    PSScriptBlock,
    PSSecureString,
    PSUri,
    PSVersion,
    PSXml,
)

from fake_exchange.cmdlets.registry import (
    Command,
    Credential,
    ErrorSpec,
    SecureText,
    TerminatingError,
)


class NotPlain(Exception):
    """A value that no cmdlet could bind; the text says which type it was."""


def statements(commands: Iterable[psrpcore.Command]) -> list[list[Command]]:
    """The statements of a pipeline message, each a list of commands.

    Raises `TerminatingError` for script text and for values that are no plain data.
    """
    found: list[list[Command]] = [[]]
    for command in commands:
        if command.is_script:
            raise TerminatingError(_script_refused())
        found[-1].append(_command(command))
        if command.end_of_statement:
            found.append([])
    return [statement for statement in found if statement]


def _command(command: psrpcore.Command) -> Command:
    parameters: list[tuple[str | None, object]] = []
    for name, value in command.parameters:
        plain_name = None if name is None else str(name)
        try:
            parameters.append((plain_name, plain(value)))
        except NotPlain as error:
            raise TerminatingError(
                _value_refused(str(command.command_text), plain_name, str(error))
            ) from error
    return Command(str(command.command_text), tuple(parameters))


def plain(value: object) -> object:
    """A deserialized value as plain Python. Raises `NotPlain` for objects.

    An object is what a client sends by mistake for a tuple or a set, or a live object piped back,
    which Exchange does not take either.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, PSSecureString):
        return SecureText(value.decrypt())
    if isinstance(value, PSCredential):
        return Credential(str(value.UserName), SecureText(value.Password.decrypt()))
    if isinstance(value, (PSScriptBlock, PSXml)):
        raise NotPlain(type(value).__name__)
    if isinstance(value, PSChar):
        return chr(int(value))
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, (PSUri, PSVersion, str)):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, decimal.Decimal):
        return decimal.Decimal(value)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, uuid.UUID):
        return uuid.UUID(int=value.int)
    if isinstance(value, (datetime.datetime, datetime.timedelta)):
        return _plain_time(value)
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, queue.Queue):
        return [plain(item) for item in value.queue]
    raise NotPlain(_type_name(value))


def _plain_time(
    value: datetime.datetime | datetime.timedelta,
) -> datetime.datetime | datetime.timedelta:
    if isinstance(value, datetime.timedelta):
        return datetime.timedelta(value.days, value.seconds, value.microseconds)
    return datetime.datetime.combine(value.date(), value.time(), value.tzinfo)


def _type_name(value: object) -> str:
    if isinstance(value, PSObject) and value.PSObject.type_names:
        return str(value.PSObject.type_names[0])
    return type(value).__name__


def _script_refused() -> ErrorSpec:
    return ErrorSpec(
        message="The syntax is not supported by this runspace. This can occur if the runspace is "
        "in no-language mode.",
        category="ParserError",
        category_reason="ParseException",
        exception_type="System.Management.Automation.ParseException",
        error_id="ScriptsNotAllowed",
    )


def _value_refused(cmdlet: str, parameter: str | None, type_name: str) -> ErrorSpec:
    exception = "ParameterBindingArgumentTransformationException"
    return ErrorSpec(
        message=f"Cannot process argument transformation on parameter '{parameter or ''}'. Cannot "
        f'convert a value of type "{type_name}" to the type of the parameter.',
        category="InvalidData",
        category_reason=exception,
        exception_type=f"System.Management.Automation.{exception}",
        error_id=f"ParameterArgumentTransformationError,{cmdlet}",
        category_activity=cmdlet,
    )
