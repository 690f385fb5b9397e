# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-, Start-, Stop- and Restart-Service, with their real errors, warnings and waiting."""

from __future__ import annotations

from ..conversion import to_text
from ..errors import NetException
from ..invocation import Call
from ..patterns import has_wildcards, wildcard_to_regex
from ..values import EnumValue
from .registry import cmdlet
from .service_controller import (
    Known,
    ServiceController,
    Transition,
    dependents,
    depends_on,
    find_service,
    known_services,
)

_MANAGEMENT = "Microsoft.PowerShell.Commands"
_EXCEPTION = f"{_MANAGEMENT}.ServiceCommandException"
_WARNING_SECONDS = 2.0
_SELECTION = "InputObject Name:0+=ServiceName DisplayName Include Exclude "
_DISABLED = (
    "The service cannot be started, either because it is disabled or because it has no enabled "
    "devices associated with it"
)


def _missing(call: Call, name: str, *, by_display_name: bool) -> None:
    kind = "display name" if by_display_name else "service name"
    call.error(
        call.record(
            f"Cannot find any service with {kind} '{name}'.",
            "NoServiceFoundForGivenDisplayName"
            if by_display_name
            else "NoServiceFoundForGivenName",
            category="ObjectNotFound",
            exception_type=_EXCEPTION,
            target=name,
        )
    )


def _selected(call: Call) -> list[Known]:
    """The services a command line means, in the order given, each once."""
    found: list[Known] = []
    objects = [*call.items, *call.many("InputObject")]
    names = [to_text(one) for one in objects if not isinstance(one, ServiceController)]
    found += [one.known for one in objects if isinstance(one, ServiceController)]
    if call.given("DisplayName"):
        for name in call.texts("DisplayName"):
            found += _matching(call, name, by_display_name=True)
    elif call.given("Name") or names:
        for name in [*call.texts("Name"), *names]:
            found += _matching(call, name, by_display_name=False)
    elif not objects and not call.piped:
        found += known_services(call.machine)
    unique = {one.name: one for one in found}
    included = [wildcard_to_regex(text) for text in call.texts("Include")]
    excluded = [wildcard_to_regex(text) for text in call.texts("Exclude")]
    return [
        one
        for one in unique.values()
        if (not included or any(p.fullmatch(one.name) for p in included))
        and not any(p.fullmatch(one.name) for p in excluded)
    ]


def _matching(call: Call, name: str, *, by_display_name: bool) -> list[Known]:
    pattern = wildcard_to_regex(name)
    found = [
        known
        for known in known_services(call.machine)
        if pattern.fullmatch(known.display_name if by_display_name else known.name)
        or (not by_display_name and known.name.casefold() == name.casefold())
    ]
    if not found and not has_wildcards(name):
        _missing(call, name, by_display_name=by_display_name)
    return found


@cmdlet(
    "Get-Service",
    f"{_MANAGEMENT}.GetServiceCommand",
    _SELECTION + "DependentServices!=DS RequiredServices!=SDO,ServicesDependedOn ComputerName?",
    in_module=True,
)
def _get_service(call: Call) -> None:
    for known in _selected(call):
        listed = [known]
        if call.flag("DependentServices"):
            listed = dependents(known)
        elif call.flag("RequiredServices"):
            listed = depends_on(known)
        for one in listed:
            call.output(ServiceController(call.interpreter, one))


def _label(known: Known) -> str:
    return f"'{known.display_name} ({known.name})'"


def _report(call: Call, known: Known, message: str, error_id: str, category: str) -> None:
    disabled = error_id == "CouldNotStartService" and known.start_type == "Disabled"
    windows = NetException("System.ComponentModel.Win32Exception", _DISABLED) if disabled else None
    inner = NetException(
        "System.InvalidOperationException",
        message.partition("error: ")[2] or message,
        inner=windows,
    )
    call.error(
        call.record(
            message,
            error_id,
            category=category,
            exception_type=_EXCEPTION,
            target=ServiceController(call.interpreter, known),
            inner=inner,
        )
    )


def _do_start(call: Call, known: Known) -> bool:
    if known.service.Status == "Running":
        return True
    if known.start_type == "Disabled":
        _report(
            call,
            known,
            f"Service {_label(known)} cannot be started due to the following error: Cannot start "
            f"service {known.name} on computer '.'.",
            "CouldNotStartService",
            "OpenError",
        )
        return False
    transition = Transition(known, starting=True)
    while not transition.wait(call.interpreter, _WARNING_SECONDS):
        call.warning(f"Waiting for service {_label(known)} to start...")
    if transition.failure is not None or known.service.Status != "Running":
        _report(
            call,
            known,
            f"Failed to start service {_label(known)}.",
            "StartServiceFailed",
            "OpenError",
        )
        return False
    return True


def _do_stop(call: Call, known: Known) -> list[Known]:
    """The services that were stopped, the wanted one last; empty after an error."""
    if known.service.Status == "Stopped":
        return [known]
    running = [one for one in dependents(known) if one.service.Status != "Stopped"]
    if running and not call.flag("Force"):
        _report(
            call,
            known,
            f"Cannot stop service {_label(known)} because it has dependent services. It can only "
            "be stopped if the Force flag is set.",
            "ServiceHasDependentServices",
            "InvalidOperation",
        )
        return []
    transition = Transition(known, starting=False)
    while not transition.wait(call.interpreter, _WARNING_SECONDS):
        call.warning(f"Waiting for service {_label(known)} to stop...")
    if known.service.Status != "Stopped":
        _report(
            call,
            known,
            f"Service {_label(known)} stop failed.",
            "StopServiceFailed",
            "CloseError",
        )
        return []
    return [*running, known]


def _pass_through(call: Call, known: Known) -> None:
    if call.flag("PassThru"):
        call.output(ServiceController(call.interpreter, known))


@cmdlet(
    "Start-Service",
    f"{_MANAGEMENT}.StartServiceCommand",
    _SELECTION + "PassThru!",
    in_module=True,
)
def _start_service(call: Call) -> None:
    for known in _selected(call):
        if not call.what_if and _do_start(call, known):
            _pass_through(call, known)


@cmdlet(
    "Stop-Service",
    f"{_MANAGEMENT}.StopServiceCommand",
    _SELECTION + "Force! NoWait! PassThru!",
    in_module=True,
)
def _stop_service(call: Call) -> None:
    for known in _selected(call):
        if call.what_if:
            continue
        if call.flag("NoWait"):
            Transition(known, starting=False)
        elif not _do_stop(call, known):
            continue
        _pass_through(call, known)


@cmdlet(
    "Restart-Service",
    f"{_MANAGEMENT}.RestartServiceCommand",
    _SELECTION + "Force! PassThru!",
    in_module=True,
)
def _restart_service(call: Call) -> None:
    for known in _selected(call):
        if call.what_if:
            continue
        stopped = _do_stop(call, known)
        if not stopped:
            continue
        # The service itself first; what was stopped along with it after that.
        if all(_do_start(call, one) for one in reversed(stopped)):
            _pass_through(call, known)


@cmdlet(
    "Set-Service",
    f"{_MANAGEMENT}.SetServiceCommand",
    "Name:0=ServiceName InputObject DisplayName? Description? StartupType=StartMode Status "
    "PassThru! ComputerName?",
    in_module=True,
)
def _set_service(call: Call) -> None:
    for name in call.texts("Name") or [to_text(item) for item in call.items]:
        known = find_service(call.machine, name)
        if known is None:
            call.error(
                call.record(
                    f"Service {name} was not found on computer '.'.",
                    "InvalidOperationException",
                    category="ObjectNotFound",
                    target=name,
                )
            )
            continue
        if call.given("StartupType"):
            value = call.value("StartupType")
            text = value.name if isinstance(value, EnumValue) else to_text(value)
            known.service.StartType = text.capitalize()
        if call.given("Status"):
            wanted = call.text("Status").casefold()
            if wanted == "running":
                _do_start(call, known)
            elif wanted == "stopped":
                _do_stop(call, known)
        _pass_through(call, known)
