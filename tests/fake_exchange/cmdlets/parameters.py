# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parameters does a cmdlet take, and how are the given ones bound to them? Declarations and
the binder: names, unique prefixes and aliases, positions, parameter sets, required parameters,
switches, the common parameters, and parameters that RBAC hides from an account."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.conversion import ConversionError, Converter
from fake_exchange.cmdlets.registry import Command, ErrorSpec, TerminatingError

if TYPE_CHECKING:
    from fake_exchange.clixml.objects import OutputObject
    from fake_exchange.cmdlets.invocation import Invocation

_AUTOMATION = "System.Management.Automation."


@dataclass(frozen=True)
class Parameter:
    """A parameter. ``sets`` is empty for one that belongs to all sets; ``required`` holds in the
    sets it belongs to; ``takes_input`` binds objects of the pipeline by their text."""

    name: str
    convert: Converter
    sets: tuple[str, ...] = ()
    position: int | None = None
    required: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def is_switch(self) -> bool:
        return self.convert is conversion.switch


@dataclass(frozen=True)
class CmdletDefinition:
    """A cmdlet: what it is called, what it takes and what it does.

    ``class_name`` is the class at the end of its error ids. ``asks_confirmation`` is a high
    ConfirmImpact: it prompts unless ``-Confirm:$false``. ``takes_input`` holds for a command that
    reads the objects of the one before it; the others report an error for each.
    """

    name: str
    class_name: str
    parameters: tuple[Parameter, ...]
    run: Callable[[Invocation], Iterator[OutputObject]]
    default_set: str = ""
    should_process: bool = False
    asks_confirmation: bool = False
    takes_input: bool = False

    def all_parameters(self) -> tuple[Parameter, ...]:
        extra = SHOULD_PROCESS_PARAMETERS if self.should_process else ()
        return (*self.parameters, *extra, *COMMON_PARAMETERS)


_PREFERENCES = ("SilentlyContinue", "Stop", "Continue", "Inquire", "Ignore", "Suspend")
_preference = conversion.enumeration(_AUTOMATION + "ActionPreference", _PREFERENCES)

COMMON_PARAMETERS = (
    Parameter("Verbose", conversion.switch, aliases=("vb",)),
    Parameter("Debug", conversion.switch, aliases=("db",)),
    Parameter("ErrorAction", _preference, aliases=("ea",)),
    Parameter("WarningAction", _preference, aliases=("wa",)),
    Parameter("InformationAction", _preference, aliases=("infa",)),
    Parameter("ErrorVariable", conversion.text, aliases=("ev",)),
    Parameter("WarningVariable", conversion.text, aliases=("wv",)),
    Parameter("InformationVariable", conversion.text, aliases=("iv",)),
    Parameter("OutVariable", conversion.text, aliases=("ov",)),
    Parameter("OutBuffer", conversion.integer, aliases=("ob",)),
    Parameter("PipelineVariable", conversion.text, aliases=("pv",)),
)
SHOULD_PROCESS_PARAMETERS = (
    Parameter("WhatIf", conversion.switch, aliases=("wi",)),
    Parameter("Confirm", conversion.switch, aliases=("cf",)),
)
_ALWAYS_ALLOWED = {p.name for p in (*COMMON_PARAMETERS, *SHOULD_PROCESS_PARAMETERS)}


@dataclass(frozen=True)
class BoundParameters:
    """The given parameters by their real names, converted."""

    values: Mapping[str, Any]
    set_name: str

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def get(self, name: str, default: Any = None) -> Any:
        return self.values.get(name, default)

    def switch(self, name: str) -> bool:
        return bool(self.values.get(name, False))


def binding_error(
    definition: CmdletDefinition,
    message: str,
    error_id: str,
    *,
    category: str = "InvalidArgument",
    exception: str = "ParameterBindingException",
) -> TerminatingError:
    """What PowerShell's binder raises; it ends the pipeline before any cmdlet ran."""
    return TerminatingError(
        ErrorSpec(
            message=message,
            category=category,
            category_reason=exception,
            category_activity=definition.name,
            exception_type=_AUTOMATION + exception,
            error_id=f"{error_id},{definition.class_name}",
        )
    )


def unknown_parameter(definition: CmdletDefinition, name: str) -> TerminatingError:
    return binding_error(
        definition,
        f"A parameter cannot be found that matches parameter name '{name}'.",
        "NamedParameterNotFound",
    )


def _find(definition: CmdletDefinition, visible: Sequence[Parameter], name: str) -> Parameter:
    folded = name.lstrip("-").rstrip(":").casefold()
    for parameter in visible:
        known = (parameter.name, *parameter.aliases)
        if folded in (label.casefold() for label in known):
            return parameter
    matches = [p for p in visible if folded and p.name.casefold().startswith(folded)]
    if not matches:
        raise unknown_parameter(definition, name)
    if len(matches) > 1:
        possible = " ".join(f"-{parameter.name}" for parameter in matches)
        raise binding_error(
            definition,
            f"Parameter cannot be processed because the parameter name '{name}' is ambiguous. "
            f"Possible matches include: {possible}.",
            "AmbiguousParameter",
        )
    return matches[0]


def _converted(definition: CmdletDefinition, parameter: Parameter, value: Any) -> Any:
    try:
        return parameter.convert(value)
    except ConversionError as problem:
        raise binding_error(
            definition,
            f"Cannot process argument transformation on parameter '{parameter.name}'. {problem}",
            "ParameterArgumentTransformationError",
            category="InvalidData",
            exception="ParameterBindingArgumentTransformationException",
        ) from None


def _named_and_positional(
    definition: CmdletDefinition, visible: Sequence[Parameter], command: Command
) -> dict[str, tuple[Parameter, Any]]:
    given: dict[str, tuple[Parameter, Any]] = {}
    positional = []
    for name, value in command.parameters:
        if name is None:
            positional.append(value)
            continue
        parameter = _find(definition, visible, name)
        if parameter.name in given:
            raise binding_error(
                definition,
                f"Cannot bind parameter because parameter '{parameter.name}' is specified more "
                "than once. To provide multiple values to parameters that can accept multiple "
                "values, use the array syntax.",
                "ParameterAlreadyBound",
            )
        given[parameter.name] = (parameter, value)
    places = sorted(
        (p for p in visible if p.position is not None and p.name not in given),
        key=lambda p: p.position or 0,
    )
    for value in positional:
        candidates = [p for p in places if _sets_agree([*(g for g, _ in given.values()), p])]
        if not candidates:
            raise binding_error(
                definition,
                f"A positional parameter cannot be found that accepts argument '{value}'.",
                "PositionalParameterNotFound",
            )
        chosen = next((p for p in candidates if definition.default_set in p.sets), candidates[0])
        given[chosen.name] = (chosen, value)
        places = [p for p in places if p.position != chosen.position]
    return given


def _sets_agree(parameters: Sequence[Parameter]) -> bool:
    limits = [set(p.sets) for p in parameters if p.sets]
    return not limits or bool(set.intersection(*limits))


def _choose_set(definition: CmdletDefinition, given: Sequence[Parameter]) -> str:
    limits = [set(p.sets) for p in given if p.sets]
    every = {name for p in definition.parameters for name in p.sets}
    possible = set.intersection(*limits) if limits else every
    if limits and not possible:
        raise binding_error(
            definition,
            "Parameter set cannot be resolved using the specified named parameters.",
            "AmbiguousParameterSet",
        )
    names = {p.name for p in given}
    complete = [
        name
        for name in sorted(possible, key=lambda n: n != definition.default_set)
        if all(p.name in names for p in definition.parameters if p.required and name in p.sets)
    ]
    if definition.default_set in possible and definition.default_set in (complete or possible):
        return definition.default_set
    return (complete or sorted(possible) or [""])[0]


def bind(
    definition: CmdletDefinition, command: Command, *, may_use: Callable[[str], bool]
) -> BoundParameters:
    """Bind a command's parameters; ``may_use`` says whether a role shows a parameter.

    Raises `TerminatingError` as PowerShell's binder would.
    """
    visible = [
        p for p in definition.all_parameters() if p.name in _ALWAYS_ALLOWED or may_use(p.name)
    ]
    given = _named_and_positional(definition, visible, command)
    set_name = _choose_set(definition, [parameter for parameter, _ in given.values()])
    missing = [
        p.name
        for p in definition.parameters
        if p.required and p.name not in given and (not p.sets or set_name in p.sets)
    ]
    if missing:
        raise binding_error(
            definition,
            "Cannot process command because of one or more missing mandatory parameters: "
            f"{' '.join(missing)}.",
            "MissingMandatoryParameter",
        )
    values = {
        name: _converted(definition, parameter, value) for name, (parameter, value) in given.items()
    }
    return BoundParameters(values, set_name)
