# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a recorded situation look in the fake? Its model made from `state`, a clock that runs
while a script sleeps, and the cmdlets of tests/powershell_stage/Cmdlets.cs in Python."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any
from unittest.mock import patch
from uuid import UUID

from cryptography import x509

from fake_exchange.clixml import objects as clixml
from fake_exchange.cmdlets.registry import ErrorSpec, SecureText, TerminatingError
from fake_exchange.organisation import services as service_rules
from fake_exchange.organisation.model import (
    Organisation,
    Server,
    Service,
    StoredCertificate,
    WebBinding,
)
from fake_exchange.organisation.service_manager import ServiceManager, Win32Error
from fake_exchange.winrs.process import Machine, Process
from fake_exchange.winrs.scripts import FUNCTIONS, bind_https, exchange_cmdlet
from fake_exchange.winrs.scripts.failures import ScriptFailed, method_failed
from fake_exchange.winrs.scripts.serialization import UnreadableProperty
from support.powershell_recordings import Recording

Log = list[list[Any]]


def play(recording: Recording) -> tuple[dict[str, Any], Log]:
    """What the fake's function answers in a recorded situation, and what it did."""
    stage = Stage(recording["state"])
    with stage.standing():
        try:
            answer = FUNCTIONS[recording["script"]](stage.process, recording["parameters"])
        except ScriptFailed as failure:
            return {
                "ok": False,
                "message": failure.message,
                "error_id": failure.error_id,
                "category": failure.category,
                "exception_type": failure.exception_type,
            }, stage.log
    return {"ok": True, "answer": answer}, stage.log


class Stage:
    """One situation."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.log: Log = []
        server = Server("SERVER01", "server01.contoso.test", "Berlin")
        organisation = Organisation("Contoso", "contoso.test", servers={server.Name: server})
        for given in state.get("services", []):
            server.services[given["name"]] = _service(given)
        for given in state.get("certificates", []):
            stored = _certificate(given)
            server.certificates[stored.Thumbprint] = stored
        self.bindings = [(_binding(one), one) for one in state.get("web_bindings", [])]
        server.web_bindings = [binding for binding, _ in self.bindings]
        if any(one.get("replaces") for _, one in self.bindings):
            organisation.behavior.iis_replaces_certificates = True
        self.process = StageProcess(Machine(organisation, server), stage=self)

    def standing(self) -> Any:
        """While it is entered the functions see this stage where the fake's model has no such
        thing: other application pools, certificates that IIS refuses, cmdlets of the stage."""
        return _Patches(self)


class _Patches:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._patches: list[Any] = [
            patch.object(bind_https, "add_certificate", self._add),
            patch.object(bind_https, "remove_certificate", self._remove),
            patch.object(service_rules, "recycle", self._recycle),
            patch.dict(FUNCTIONS, exchange_cmdlet=self._exchange_cmdlet),
        ]
        self._really_add = bind_https.add_certificate
        self._really_remove = bind_https.remove_certificate

    def __enter__(self) -> None:
        for one in self._patches:
            one.start()

    def __exit__(self, *_: object) -> None:
        for one in self._patches:
            one.stop()

    def _add(self, process: Process, binding: WebBinding, thumbprint: str) -> None:
        self._stage.log.append(["AddSslCertificate", binding.bindingInformation, thumbprint])
        given = next(one for known, one in self._stage.bindings if known is binding)
        if thumbprint in given.get("refuses", []):
            raise method_failed("AddSslCertificate", 2, bind_https.NO_KEY, "COMException")
        self._really_add(process, binding, thumbprint)

    def _remove(self, process: Process, binding: WebBinding) -> None:
        self._stage.log.append(["RemoveSslCertificate", binding.bindingInformation, None])
        self._really_remove(process, binding)

    def _recycle(self, organisation: Organisation, server: Server, name: str) -> None:
        self._stage.log.append(["Restart-WebAppPool", name, None])

    def _exchange_cmdlet(self, process: Process, parameters: dict[str, Any]) -> dict[str, Any]:
        return exchange_cmdlet.run(process, parameters, lambda _: StageShell(self._stage))


class StageProcess(Process):
    """A process whose time is virtual."""

    def __init__(self, machine: Machine, *, stage: Stage) -> None:
        super().__init__(machine, threading.Event())
        self._now = 0.0
        self._manager = StageServiceManager(self, stage)

    @property
    def services(self) -> ServiceManager:
        return self._manager

    def seconds(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


def _service(given: dict[str, Any]) -> Service:
    return Service(
        given["name"],
        given["display"],
        Status=given["status"],
        StartType=given.get("start_type", "Automatic"),
        depends_on=tuple(given.get("depends_on", ())),
    )


def _certificate(given: dict[str, Any]) -> StoredCertificate:
    certificate = x509.load_der_x509_certificate(base64.b64decode(given["der"]))
    key: Any = object() if given["has_private_key"] else None
    return StoredCertificate(certificate, key)


def _binding(given: dict[str, Any]) -> WebBinding:
    return WebBinding(
        given["site"],
        given["site_id"],
        given["protocol"],
        given["binding"],
        given["hash"],
        given["store"],
    )


@dataclass
class _Pending:
    at: float
    to: str


class StageServiceManager(ServiceManager):
    """Takes requests as the fake's does; what comes of them is said by the situation."""

    def __init__(self, process: StageProcess, stage: Stage) -> None:
        super().__init__(process.organisation, process.server)
        self._process = process
        self._log = stage.log
        self._plans = {given["name"]: given for given in stage.state.get("services", [])}
        self._pending: dict[str, _Pending] = {}

    def status(self, service: Service) -> str:
        pending = self._pending.get(service.Name)
        if pending is not None and self._process.seconds() >= pending.at:
            del self._pending[service.Name]
            self._set(service, pending.to)
        return service.Status

    def start(self, service: Service) -> None:
        self._log.append(["StartService", service.Name, None])
        super().start(service)

    def stop(self, service: Service) -> None:
        self._log.append(["ControlService stop", service.Name, None])
        super().stop(service)

    def _begin(self, service: Service, *, starting: bool) -> None:
        plan = self._plans[service.Name].get("start" if starting else "stop", {})
        then = plan.get("then", "ok")
        if isinstance(then, int):
            raise Win32Error(then)
        self._set(service, "StartPending" if starting else "StopPending")
        if then != "hang":
            reached = starting == (then == "ok")
            at = self._process.seconds() + plan.get("takes", 0)
            self._pending[service.Name] = _Pending(at, "Running" if reached else "Stopped")

    def _set(self, service: Service, status: str) -> None:
        service.Status = status
        self._log.append(["service", service.Name, status])


# Cmdlets ------------------------------------------------------------------------------------------

_AUTOMATION = "System.Management.Automation."
_OBJECT = "System.Object"
_STRINGS = ("System.String[]", "System.Array", _OBJECT)
_SERVICES = {"None": 0, "IMAP": 1, "POP": 2, "SMTP": 16}


class Verbatim(str):
    """An element of CLIXML as it is written."""


class StageShell(exchange_cmdlet.ExchangeShell):
    """The shell with the snap-ins of the situation and the stage's cmdlets."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.process)
        self._stage = stage
        self._cmdlets: dict[str, Callable[[_Call], Iterator[Any]]] = {
            "get-stageecho": _echo,
            "get-stagething": _thing,
            "test-stagefailure": _fail,
        }

    def registered(self) -> tuple[str, ...]:
        return tuple(self._stage.state.get("snapins", ()))

    def load(self, snapin: str) -> None:
        self._stage.log.append(["Add-PSSnapin", snapin, None])

    def run(
        self, name: str, arguments: list[tuple[str, Any]], streams: exchange_cmdlet.Streams
    ) -> Iterator[Any]:
        cmdlet = self._cmdlets.get(name.lower())
        if cmdlet is None:
            # The fake's own search says so: it has no such cmdlet either.
            return super().run(name, arguments, streams)
        return cmdlet(_Call(name, _bound(name, arguments), streams))


@dataclass
class _Call:
    name: str
    arguments: dict[str, Any]
    streams: exchange_cmdlet.Streams
    class_name: str = field(init=False)

    def __post_init__(self) -> None:
        self.class_name = f"Stage.{self.name.replace('-', '')}Command"


_PARAMETERS = {
    "get-stageecho": (
        *("Identity", "FileData", "Password", "Number", "Flag", "Force", "DomainName", "Span"),
        *("Moment", "Services", "Anything", "Table", "WhatIf", "Confirm"),
    ),
    "get-stagething": ("Kind", "Count"),
    "test-stagefailure": ("Kind", "Choice", "Number", "WhatIf", "Confirm"),
}


def _binding_error(
    cmdlet: str, message: str, error_id: str, *, category: str = "InvalidArgument", kind: str = ""
) -> TerminatingError:
    return TerminatingError(
        ErrorSpec(
            message,
            category=category,
            exception_type=f"{_AUTOMATION}ParameterBinding{kind}Exception",
            error_id=f"{error_id},Stage.{cmdlet.replace('-', '')}Command",
        )
    )


def _bound(cmdlet: str, arguments: list[tuple[str, Any]]) -> dict[str, Any]:
    bound = {}
    for given, value in arguments:
        matching = [
            one for one in _PARAMETERS[cmdlet.lower()] if one.lower().startswith(given.lower())
        ]
        if not matching:
            raise _binding_error(
                cmdlet,
                f"A parameter cannot be found that matches parameter name '{given}'.",
                "NamedParameterNotFound",
            )
        bound[matching[0]] = _converted(cmdlet, matching[0], value)
    return bound


def _converted(cmdlet: str, name: str, value: Any) -> Any:
    """Only as far as the recorded situations go."""
    if name == "Identity" and isinstance(value, list):
        raise _binding_error(
            cmdlet,
            "Cannot convert 'System.Object[]' to the type 'System.String' required by parameter "
            "'Identity'. Specified method is not supported.",
            "CannotConvertArgument",
        )
    if name == "Number":
        try:
            return int(value)
        except ValueError:
            raise _binding_error(cmdlet, "", "CannotConvertArgumentNoMessage") from None
    if name == "DomainName" and value is not None:
        return value if isinstance(value, list) else [value]
    if name in ("Moment", "Span"):
        return Verbatim(_moment(value) if name == "Moment" else f"TimeSpan {value}")
    if name == "Services":
        names = value if isinstance(value, list) else [one.strip() for one in value.split(",")]
        if not set(names) <= set(_SERVICES):
            raise _binding_error(
                cmdlet,
                f"Cannot bind parameter 'Services'. Cannot convert value \"{value}\" to type "
                '"Stage.Services". Error: "Unable to match the identifier name FAX to a valid '
                "enumerator name. Specify one of the following enumerator names and try "
                f'again:\n{", ".join(_SERVICES)}"',
                "CannotConvertArgumentNoMessage",
            )
        return Verbatim(f"Services {', '.join(names)}")
    if name == "Choice" and value not in ("one", "two"):
        raise _binding_error(
            cmdlet,
            f"Cannot validate argument on parameter 'Choice'. The argument \"{value}\" does not "
            'belong to the set "one,two" specified by the ValidateSet attribute. Supply an '
            "argument that is in the set and then try the command again.",
            "ParameterArgumentValidationError",
            category="InvalidData",
            kind="Validation",
        )
    return value


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        moment = moment.astimezone(timezone.utc)
    return f"moment {moment:%Y-%m-%dT%H:%M:%S}"


def _say(value: Any) -> str:
    match value:
        case None:
            return "null"
        case Verbatim():
            return str(value)
        case bytes():
            return f"bytes {base64.b64encode(value).decode()}"
        case SecureText():
            return f"secret {value.text}"
        case str():
            return f"text {value}"
        case list():
            return f"many [{'; '.join(_say(one) for one in value)}]"
        case bool():
            return f"Boolean {value}"
        case int():
            return f"Int{32 if abs(value) < 2**31 else 64} {value}"
        case float():
            return f"Decimal {Decimal(str(value))}"
    raise AssertionError(value)


def _echo(call: _Call) -> Iterator[Any]:
    for name in sorted(call.arguments):
        yield f"{name}: {_say(call.arguments[name])}"
    yield f"process: {not call.arguments.get('WhatIf', False)}"


#: The one empty array that all share.
_EMPTY = clixml.ClrObject(_STRINGS, items=())


def _broken() -> Any:
    raise UnreadableProperty


def _a_thing(
    name: str, size: int, inner: Any = None, domains: Any = None, services: int = 0
) -> clixml.OutputObject:
    names = ", ".join(n for n, v in _SERVICES.items() if v & services) or "None"
    getters = {
        "Name": lambda: name,
        "Size": lambda: size,
        "Inner": lambda: inner,
        "Domains": lambda: clixml.SameObject(_EMPTY) if domains is None else domains,
        "Services": lambda: clixml.enum("Stage.Services", names, services),
        "Broken": _broken,
    }
    return clixml.OutputObject(
        "Stage.Thing",
        getters,
        lambda: clixml.ClrObject(("Stage.Thing", _OBJECT), to_string=f"thing {name}"),
    )


def _level(level: int) -> clixml.OutputObject:
    return _a_thing(f"level {level}", level, _level(level - 1) if level else None)


def _array(*items: Any) -> clixml.ClrObject:
    return clixml.ClrObject(("System.Object[]", "System.Array", _OBJECT), items=items)


_VALUES = (
    "text \u00e4\u00f6\u00fc \u4f60\u597d \"'`$&<> \0 end\r\nline",
    True,
    7,
    clixml.Int64(5_000_000_000),
    1.5,
    clixml.Primitive("D", "1.25"),
    datetime(2026, 11, 30, 21, 42, 10, tzinfo=timezone.utc),
    clixml.Primitive("TS", "PT1M30S"),
    UUID("01234567-89ab-cdef-0123-456789abcdef"),
    clixml.Primitive("Version", "15.2.1748.10"),
    clixml.enum("Stage.Colour", "Red", 1),
    clixml.Primitive("C", "120"),
)


def _thing(call: _Call) -> Iterator[Any]:
    kind, count = call.arguments.get("Kind"), call.arguments.get("Count", 1)
    match kind:
        case "null":
            yield None
        case "nulls":
            yield from (None, "between", None)
        case "things":
            for number in range(count):
                domains = [f"d{other}" for other in range(number)]
                yield _a_thing(
                    f"number {number}",
                    number,
                    domains=clixml.ClrObject(_STRINGS, items=domains),
                    services=17,
                )
        case "nested":
            yield _level(count)
        case "array":
            yield _array("a", "b")
        case "array of one":
            yield _array("a")
        case "empty array":
            yield _array()
        case "bytes":
            yield bytes((0, 1, 254, 255))
        case "values":
            yield from _VALUES


def _record(
    call: _Call, message: str, target: str | None = "the target", category: str = "ObjectNotFound"
) -> ErrorSpec:
    return ErrorSpec(
        message,
        category=category,
        exception_type="System.InvalidOperationException",
        error_id=f"StageFailed,{call.class_name}",
        target=target,
    )


def _question(call: _Call) -> TerminatingError:
    return TerminatingError(
        ErrorSpec(
            "PowerShell is in NonInteractive mode. Read and Prompt functionality is not available.",
            category="InvalidOperation",
            exception_type=f"{_AUTOMATION}PSInvalidOperationException",
            error_id=f"InvalidOperation,{call.class_name}",
        )
    )


def _fail(call: _Call) -> Iterator[Any]:
    errors, warnings = call.streams.errors, call.streams.warnings
    match call.arguments.get("Kind"):
        case "error":
            errors.append(_record(call, "it did not work"))
        case "errors":
            errors += [_record(call, "first"), _record(call, "second")]
        case "same twice":
            errors += [_record(call, "the same"), _record(call, "the same")]
        case "output and error":
            yield "before"
            errors.append(_record(call, "it did not work"))
            yield "after"
        case "terminating":
            raise TerminatingError(_record(call, "it ended"))
        case "error and terminating":
            errors.append(_record(call, "first"))
            raise TerminatingError(_record(call, "it ended"))
        case "exception":
            raise TerminatingError(
                ErrorSpec(
                    "a plain exception",
                    exception_type="System.ArgumentException",
                    error_id=f"System.ArgumentException,{call.class_name}",
                )
            )
        case "warning":
            warnings.append("be careful")
            yield "done"
        case "warnings and error":
            warnings += ["one", "two"]
            errors.append(_record(call, "it did not work"))
        case "should process":
            if call.arguments.get("Confirm", True):
                raise _question(call)
            yield "process: True"
        case "should continue" | "host prompt":
            raise _question(call)
        case "verbose and debug":
            yield "done"
        case "null target":
            errors.append(_record(call, "no target", None, "NotSpecified"))
        case "array target":
            errors.append(_record(call, "many targets", "a 1", "NotSpecified"))
        case _:
            yield "nothing wrong"
