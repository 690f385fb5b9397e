# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a cmdlet get its parameters, and what may it do while it runs?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cmdlets.registry import Cmdlet, CmdletParameter
from .conversion import cast, to_bool, to_number, to_text
from .errors import ErrorRecord, NetException, PowerShellError, runtime_error
from .functions import COMMON_PARAMETERS, Named
from .interpreter import Interpreter, position_of
from .redirection import Redirections
from .syntax import Node
from .values import Emit, TypeRef, as_sequence

if TYPE_CHECKING:
    from .environment import Machine


class Call:
    """One call of a cmdlet: its parameters by name, its pipeline input, and ways to answer."""

    def __init__(
        self, interpreter: Interpreter, cmdlet: Cmdlet, node: Node, *, piped: bool
    ) -> None:
        self.interpreter = interpreter
        self.cmdlet = cmdlet
        self.node = node
        self.piped = piped
        self.items: list[object] = []
        self.arguments: dict[str, object] = {}
        self.common: dict[str, object] = {}
        self.output: Emit = lambda item: None
        self._errors: list[object] = []
        self._warnings: list[object] = []

    @property
    def machine(self) -> Machine:
        return self.interpreter.machine

    def given(self, name: str) -> bool:
        return name.casefold() in self.arguments

    def value(self, name: str, default: object = None) -> object:
        return self.arguments.get(name.casefold(), default)

    def text(self, name: str, default: str = "") -> str:
        return to_text(self.value(name, default))

    def flag(self, name: str) -> bool:
        return to_bool(self.value(name, False))

    def number(self, name: str, default: int = 0) -> int:
        value = self.value(name, default)
        return int(cast(value, TypeRef("System.Int32")))  # type: ignore[call-overload]

    def seconds(self, name: str) -> float:
        return float(to_number(self.value(name, 0)))

    def many(self, name: str) -> list[object]:
        """A parameter that takes an array; empty if it was not given."""
        if not self.given(name):
            return []
        value = self.value(name)
        items = as_sequence(value)
        return [value] if items is None else list(items)

    def texts(self, name: str) -> list[str]:
        return [to_text(one) for one in self.many(name)]

    @property
    def what_if(self) -> bool:
        return to_bool(self.common.get("whatif", False))

    @property
    def error_action(self) -> str | None:
        value = self.common.get("erroraction")
        return to_text(value).casefold() if value is not None else None

    def record(
        self,
        message: str,
        error_id: str,
        *,
        category: str = "NotSpecified",
        exception_type: str = "System.InvalidOperationException",
        target: object = None,
        target_type: str | None = None,
        inner: NetException | None = None,
    ) -> ErrorRecord:
        """An error record of this cmdlet; `error_id` without the class name."""
        return ErrorRecord(
            NetException(exception_type, message, inner=inner),
            f"{error_id},{self.cmdlet.class_name}" if self.cmdlet.class_name else error_id,
            category=category,
            activity=self.cmdlet.name,
            target=target,
            target_name=to_text(target),
            target_type=target_type or ("" if target is None else _short_type(target)),
            position=position_of(self.node),
            command=self.cmdlet.name,
        )

    def error(self, record: ErrorRecord) -> None:
        """A non-terminating error."""
        if self.error_action != "ignore":
            self._errors.append(record)
        self.interpreter.write_error(record, action=self.error_action)

    def fail(self, record: ErrorRecord) -> PowerShellError:
        """To be raised: an error that ends the statement."""
        self.interpreter.last_success = False
        return PowerShellError(record)

    def warning(self, text: str) -> None:
        self._warnings.append(text)
        action = self.common.get("warningaction")
        self.interpreter.write_message(
            "3", "warning", text, to_text(action).casefold() if action is not None else None
        )

    def finish(self) -> None:
        """Fill -ErrorVariable and -WarningVariable."""
        self._fill("errorvariable", list(self._errors))
        self._fill("warningvariable", list(self._warnings))

    def _fill(self, parameter: str, found: list[object]) -> None:
        name = to_text(self.common.get(parameter, ""))
        if not name:
            return
        if name.startswith("+"):
            name = name[1:]
            before = as_sequence(self.interpreter.get_variable(name)) or []
            found = [*before, *found]
        self.interpreter.set_variable(name, found)


def _short_type(value: object) -> str:
    from .type_names import type_names_of

    return type_names_of(value)[0].rpartition(".")[2]


class CmdletStage:
    """A cmdlet in a pipeline."""

    def __init__(
        self,
        interpreter: Interpreter,
        cmdlet: Cmdlet,
        arguments: list[object],
        redirections: Redirections,
        node: Node,
        *,
        piped: bool,
    ) -> None:
        self._interpreter = interpreter
        self._cmdlet = cmdlet
        self._redirections = redirections
        self._begun = False
        self.call = Call(interpreter, cmdlet, node, piped=piped)
        bind(self.call, arguments)

    def process(self, item: object) -> None:
        if self._cmdlet.process is None:
            self.call.items.append(item)
            return
        self._run(item)

    def end(self) -> None:
        if self._cmdlet.process is None:
            self._guarded(lambda: self._cmdlet.run(self.call) if self._cmdlet.run else None)
        else:
            if not self.call.piped:
                self._run(None)
            self._begin()
            finish = self._cmdlet.finish
            if finish is not None:
                self._guarded(lambda: finish(self.call))
        self.call.finish()

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        if self._cmdlet.begin is not None:
            begin = self._cmdlet.begin
            self._guarded(lambda: begin(self.call))

    def _run(self, item: object) -> None:
        self._begin()
        process = self._cmdlet.process
        assert process is not None
        self._guarded(lambda: process(self.call, item))

    def _guarded(self, action) -> None:  # type: ignore[no-untyped-def]
        if self._cmdlet.in_module:
            self._interpreter.prepare_modules()
        try:
            with self._redirections as output:
                self.call.output = output
                action()
        except PowerShellError as error:
            self._interpreter.locate(error, self.call.node)
            action_name = self.call.error_action
            own = error.record.activity == self._cmdlet.name
            if (
                own
                and self._cmdlet.soft_failures
                and action_name
                in (
                    "silentlycontinue",
                    "ignore",
                )
            ):
                self._interpreter.remember(error.record)
                return
            raise


def bind(call: Call, arguments: list[object]) -> None:
    """Put the arguments into the call's parameters. Raises PowerShellError as the binder does."""
    positional: list[object] = []
    waiting: CmdletParameter | None = None
    for argument in arguments:
        if isinstance(argument, Named):
            if waiting is not None:
                raise _binding_failure(
                    call,
                    f"Missing an argument for parameter '{waiting.name}'. Specify a parameter of "
                    "type 'System.String' and try again.",
                    "MissingArgument",
                )
            waiting = _bind_named(call, argument)
        elif waiting is not None:
            _set(call, waiting, argument)
            waiting = None
        else:
            positional.append(argument)
    if waiting is not None:
        raise _binding_failure(
            call,
            f"Missing an argument for parameter '{waiting.name}'. Specify a parameter of type "
            "'System.Object' and try again.",
            "MissingArgument",
        )
    _bind_positional(call, positional)


def _bind_named(call: Call, argument: Named) -> CmdletParameter | None:
    """The parameter, if it still waits for its value."""
    parameter = call.cmdlet.find(argument.name)
    if parameter is None:
        common = COMMON_PARAMETERS.get(argument.name.casefold())
        if common is None:
            raise _binding_failure(
                call,
                f"A parameter cannot be found that matches parameter name '{argument.name}'.",
                "NamedParameterNotFound",
            )
        call.common[common] = True if argument.bare else argument.value
        if common in ("erroraction", "warningaction") and argument.bare:
            raise _binding_failure(
                call, f"Missing an argument for parameter '{argument.name}'.", "MissingArgument"
            )
        return None
    if parameter.unsupported:
        raise call.interpreter.unsupported(f"{call.cmdlet.name} -{parameter.name}", call.node)
    if parameter.switch:
        call.arguments[parameter.name.casefold()] = argument.bare or to_bool(argument.value)
        return None
    if argument.bare:
        return parameter
    _set(call, parameter, argument.value)
    return None


def _set(call: Call, parameter: CmdletParameter, value: object) -> None:
    if parameter.name.casefold() in call.arguments:
        raise _binding_failure(
            call,
            f"Cannot bind parameter because parameter '{parameter.name}' is specified more than "
            "once.",
            "ParameterAlreadyBound",
        )
    call.arguments[parameter.name.casefold()] = value


def _bind_positional(call: Call, positional: list[object]) -> None:
    places = sorted(
        (p for p in call.cmdlet.parameters if p.position is not None and not call.given(p.name)),
        key=lambda parameter: parameter.position or 0,
    )
    for index, value in enumerate(positional):
        if index < len(places):
            call.arguments[places[index].name.casefold()] = value
        elif places and places[-1].rest:
            name = places[-1].name.casefold()
            before = call.arguments[name]
            items = before if isinstance(before, list) and len(positional) > 1 else [before]
            call.arguments[name] = [*items, value]
        else:
            raise _binding_failure(
                call,
                f"A positional parameter cannot be found that accepts argument '{to_text(value)}'.",
                "PositionalParameterNotFound",
            )


def _binding_failure(call: Call, message: str, error_id: str) -> PowerShellError:
    error = runtime_error(
        message,
        f"{error_id},{call.cmdlet.class_name}",
        category="InvalidArgument",
        exception_type="System.Management.Automation.ParameterBindingException",
    )
    error.record.activity = call.cmdlet.name
    error.record.command = call.cmdlet.name
    error.record.position = position_of(call.node)
    return error
