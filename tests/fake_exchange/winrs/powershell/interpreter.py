# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a running script remember, and where does its output go? The interpreter's state:
scopes, streams, preferences, $Error; the evaluation itself is in the files beside this one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from .conversion import cast, to_text
from .environment import Machine
from .errors import (
    ErrorRecord,
    NetException,
    NotSupportedByFake,
    Position,
    PowerShellError,
    Stopped,
    runtime_error,
)
from .streams import Streams
from .syntax import Node, parse
from .values import (
    NOTHING,
    Emit,
    EnumValue,
    MethodFailed,
    NetList,
    Reference,
    ScriptBlock,
    TypeRef,
)

_CONSTANTS = {"true": True, "false": False, "null": None}
_PREFERENCES = {
    "erroractionpreference": ("Continue", "SilentlyContinue", "Stop", "Inquire", "Ignore"),
}


@dataclass(eq=False)
class Scope:
    """Variables and functions of one function call, script block or the whole session."""

    parent: Scope | None = None
    variables: dict[str, Reference] = field(default_factory=dict)
    functions: dict[str, ScriptBlock] = field(default_factory=dict)
    strict: bool | None = None

    def find(self, name: str) -> Reference | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope.variables[name]
            scope = scope.parent
        return None

    def find_function(self, name: str) -> ScriptBlock | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.functions:
                return scope.functions[name]
            scope = scope.parent
        return None

    @property
    def root(self) -> Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope


class Interpreter:
    """Runs script text on a pretended machine. One instance is one powershell.exe process."""

    machine: Machine
    streams: Streams
    now: Callable[[], datetime]

    def __init__(
        self,
        machine: Machine,
        streams: Streams,
        *,
        stopped: threading.Event | None = None,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self.machine = machine
        self.streams = streams
        self.stopped = stopped or threading.Event()
        self.now = now
        self.scope = Scope()
        self.script_scope = self.scope
        self.errors: list[object] = []
        self.last_success = True
        self.line = 0
        self.modules: set[str] = set()
        self.snapins: set[str] = set()
        self.sinks: dict[str, Callable[[object], None]] = {}
        self._prepared = False
        self._start()

    def _start(self) -> None:
        defaults: dict[str, object] = {
            "ErrorActionPreference": "Continue",
            "ProgressPreference": "Continue",
            "WarningPreference": "Continue",
            "VerbosePreference": "SilentlyContinue",
            "DebugPreference": "SilentlyContinue",
            "InformationPreference": "SilentlyContinue",
            "ConfirmPreference": "High",
            "WhatIfPreference": False,
            "LASTEXITCODE": None,
            "PID": 4711,
            "PSVersionTable": self.machine.version_table(),
            "PSScriptRoot": "",
            "PSCommandPath": "",
            "PWD": r"C:\Windows\system32",
            "HOME": r"C:\Users\Administrator",
            "OutputEncoding": None,
        }
        for name, value in defaults.items():
            self.scope.variables[name.casefold()] = Reference(value)

    # -- running -------------------------------------------------------------------------------

    def run_text(self, text: str, emit: Emit) -> None:
        """Run a whole script. Raises ExitScript, PowerShellError, NotSupportedByFake, Stopped."""
        program = parse(text)
        if program.problems:
            raise self.parse_error(text)
        block = ScriptBlock(program.root, program.root.child("param_block"), text)
        self.run_block(block, [], emit, new_scope=False)

    def parse_error(self, text: str) -> PowerShellError:
        problem = parse(text).problems[0]
        return PowerShellError(
            ErrorRecord(
                NetException("System.Management.Automation.ParseException", problem.message),
                problem.error_id,
                category="ParserError",
                reason="ParentContainsErrorRecordException",
                position=Position(
                    problem.line, problem.column, problem.source_line, problem.source_line[:1]
                ),
            )
        )

    def create_block(self, text: str) -> ScriptBlock:
        """[ScriptBlock]::Create. Raises MethodFailed (ParseException)."""
        program = parse(text)
        if program.problems:
            problem = program.problems[0]
            position = Position(problem.line, problem.column, problem.source_line, "~")
            raise MethodFailed(
                "System.Management.Automation.ParseException",
                f"{position.message()}\n{problem.message}",
            )
        return ScriptBlock(program.root, program.root.child("param_block"), text)

    def run_block(
        self,
        block: ScriptBlock,
        arguments: list[object],
        emit: Emit,
        *,
        new_scope: bool = True,
        variables: dict[str, object] | None = None,
    ) -> None:
        """Run the statements of a block; `return` ends it. `variables` are set in its scope."""
        from .functions import bind_and_run

        bind_and_run(self, block, arguments, emit, new_scope=new_scope, variables=variables or {})

    def run_statements(self, statements: Node | None, emit: Emit) -> None:
        from .statements import execute

        if statements is None:
            return
        for statement in statements.named:
            self.check_stopped()
            execute(self, statement, emit)

    def collect(self, produce: Callable[[Emit], None]) -> object:
        """The output of `produce` as an expression sees it: nothing, the one thing, or an array."""
        output: list[object] = []
        produce(output.append)
        if not output:
            return NOTHING
        return output[0] if len(output) == 1 else output

    def check_stopped(self) -> None:
        if self.stopped.is_set():
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Wait; ends early with Stopped if the process is being ended."""
        if self.stopped.wait(max(0.0, seconds)):
            raise Stopped

    def unsupported(self, construct: str, node: Node | None = None) -> NotSupportedByFake:
        return NotSupportedByFake(construct, node.line if node else self.line)

    # -- variables -----------------------------------------------------------------------------

    def get_variable(self, name: str) -> object:
        """The value of `$name`; scope prefixes understood. NOTHING stays NOTHING."""
        prefix, _, rest = name.rpartition(":")
        key = rest.casefold()
        if prefix.casefold() == "env":
            return self.machine.environment_variable(rest)
        if prefix.casefold() == "function":
            return self.scope.find_function(key)
        if not prefix and key in _CONSTANTS:
            return _CONSTANTS[key]
        special = self._automatic(key) if not prefix else None
        if special is not None:
            return special[0]
        reference = self._scope_of(prefix).find(key)
        if reference is None:
            if self.strict:
                raise runtime_error(
                    f"The variable '${name}' cannot be retrieved because it has not been set.",
                    "VariableIsUndefined",
                    target=name,
                    target_name=name,
                    target_type="String",
                )
            return None
        return reference.value

    def _automatic(self, key: str) -> tuple[object] | None:
        match key:
            case "?":
                return (self.last_success,)
            case "error":
                return (self._error_list,)
            case "psitem":
                return (self.get_variable("_"),)
            case "host":
                return (self.machine.host_object(),)
        return None

    @property
    def _error_list(self) -> NetList:
        result = NetList([], type_name="System.Collections.ArrayList", returns_index=True)
        result.items = self.errors
        return result

    def set_variable(self, name: str, value: object, type_: TypeRef | None = None) -> None:
        prefix, _, rest = name.rpartition(":")
        key = rest.casefold()
        if prefix.casefold() == "env":
            self.machine.environment[rest.upper()] = to_text(value)
            return
        if key in _CONSTANTS:
            if key != "null":
                raise runtime_error(
                    f"Cannot overwrite variable {rest} because it is read-only or constant.",
                    "VariableNotWritable",
                    category="WriteError",
                    target_name=rest,
                    target_type="String",
                )
            return
        if key in ("?", "host", "error", "pid", "psversiontable"):
            if key == "error":
                return
            raise runtime_error(
                f"Cannot overwrite variable {rest} because it is read-only or constant.",
                "VariableNotWritable",
                category="WriteError",
            )
        self._check_preference(rest, value)
        variables = self._scope_of(prefix).variables
        reference = variables.get(key)
        if reference is None:
            reference = variables[key] = Reference()
        if type_ is not None:
            reference.type = type_
        reference.value = value if reference.type is None else cast(value, reference.type)

    def _check_preference(self, name: str, value: object) -> None:
        allowed = _PREFERENCES.get(name.casefold())
        if allowed is None or isinstance(value, EnumValue) or value is None:
            return
        if to_text(value).casefold() not in {one.casefold() for one in allowed}:
            raise runtime_error(
                f'Cannot convert value "{to_text(value)}" to type '
                f'"System.Management.Automation.ActionPreference".',
                "RuntimeException",
                category="MetadataError",
            )

    def _scope_of(self, prefix: str) -> Scope:
        match prefix.casefold():
            case "" | "local" | "private" | "variable":
                return self.scope
            case "script":
                return self.script_scope
            case "global":
                return self.scope.root
        raise self.unsupported(f"the scope or drive '{prefix}:'")

    @property
    def strict(self) -> bool:
        scope: Scope | None = self.scope
        while scope is not None:
            if scope.strict is not None:
                return scope.strict
            scope = scope.parent
        return False

    def preference(self, name: str) -> str:
        """A preference variable as lower-case text."""
        reference = self.scope.find(name.casefold())
        return to_text(reference.value).casefold() if reference else "continue"

    # -- errors --------------------------------------------------------------------------------

    def remember(self, record: ErrorRecord) -> None:
        if not self.errors or self.errors[0] is not record:
            self.errors.insert(0, record)

    def locate(self, error: PowerShellError, node: Node) -> None:
        """Say where a terminating error came from, unless that is known."""
        record = error.record
        if record.position is None:
            record.position = position_of(node)

    def write_error(self, record: ErrorRecord, *, action: str | None = None) -> None:
        """A non-terminating error under `action` (or $ErrorActionPreference), in lower case."""
        action = action or self.preference("ErrorActionPreference")
        self.last_success = False
        if action == "ignore":
            return
        if action == "stop":
            raise PowerShellError(record)
        if action == "inquire":
            raise self.unsupported("ErrorAction Inquire without a user")
        self.remember(record)
        if action == "continue":
            self.sinks.get("2", self._print_error)(record)

    def _print_error(self, record: object) -> None:
        assert isinstance(record, ErrorRecord)
        self.streams.error(record)

    def write_message(self, stream: str, kind: str, text: str, action: str | None = None) -> None:
        """A warning (stream "3"), verbose ("4"), debug ("5") or information ("6") text."""
        action = action or self.preference(f"{kind}Preference")
        if action in ("silentlycontinue", "ignore"):
            return
        if stream in self.sinks:
            self.sinks[stream](text)
        else:
            self.streams.message(kind, text)
        if action == "stop":
            raise runtime_error(
                f'The running command stopped because the preference variable "{kind.title()}'
                f'Preference" or common parameter is set to Stop: {text}',
                "ActionPreferenceStop",
                category="OperationStopped",
                exception_type="System.Management.Automation.ActionPreferenceStopException",
            )

    def prepare_modules(self) -> None:
        """The first command that lives in a module makes PowerShell report progress."""
        if self._prepared:
            return
        self._prepared = True
        if self.preference("ProgressPreference") == "continue":
            self.streams.progress("Preparing modules for first use.", " ", completed=True)


def position_of(node: Node) -> Position:
    return Position(node.line, node.column, node.source_line, node.text)
