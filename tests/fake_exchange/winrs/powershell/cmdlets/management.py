# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets about the computer: processes, paths, items of the providers, CIM classes."""

from __future__ import annotations

import re
from datetime import timezone

from ..conversion import to_text
from ..invocation import Call
from ..values import CustomObject
from . import certificates, web_administration
from .registry import cmdlet
from .service_controller import (
    Known,
    known_services,
    process_id_of,
    state_text,
)

_MANAGEMENT = "Microsoft.PowerShell.Commands"
_WEB_DRIVE = "webadministration"


def _drive_missing(call: Call, drive: str) -> None:
    call.error(
        call.record(
            f"Cannot find drive. A drive with the name '{drive}' does not exist.",
            "DriveNotFound",
            category="ObjectNotFound",
            exception_type="System.Management.Automation.DriveNotFoundException",
            target=drive,
        )
    )


def _path_missing(call: Call, path: str) -> None:
    call.error(
        call.record(
            f"Cannot find path '{path}' because it does not exist.",
            "PathNotFound",
            category="ObjectNotFound",
            exception_type="System.Management.Automation.ItemNotFoundException",
            target=path,
        )
    )


def _items(call: Call, path: str) -> list[object] | None:
    """What is below a provider path; None after an error that has been written."""
    drive, _, rest = path.partition(":")
    rest = rest.replace("/", "\\").strip("\\")
    match drive.casefold():
        case "iis":
            if _WEB_DRIVE not in call.interpreter.modules:
                _drive_missing(call, drive)
                return None
            found = web_administration.children(call, rest)
        case "cert":
            found = certificates.children(call, rest)
        case "env":
            found = [
                CustomObject([("Name", name), ("Value", value)])
                for name, value in call.machine.environment.items()
                if not rest or name == rest.upper()
            ]
        case _:
            raise call.interpreter.unsupported(f"the path {path}", call.node)
    if found is None:
        _path_missing(call, path)
    return found


def _paths(call: Call) -> list[str]:
    given = call.texts("Path") or call.texts("LiteralPath")
    return given or [to_text(item) for item in call.items]


@cmdlet(
    "Get-ChildItem",
    f"{_MANAGEMENT}.GetChildItemCommand",
    "Path:0 Filter:1? LiteralPath=PSPath Recurse! Force! Name! Include? Exclude? File! Directory!",
    in_module=True,
)
def _get_child_item(call: Call) -> None:
    for path in _paths(call):
        for item in _items(call, path) or []:
            call.output(item)


@cmdlet(
    "Get-Item",
    f"{_MANAGEMENT}.GetItemCommand",
    "Path:0 LiteralPath=PSPath Force! Filter? Include? Exclude?",
    in_module=True,
)
def _get_item(call: Call) -> None:
    for path in _paths(call):
        for item in _items(call, path) or []:
            call.output(item)


@cmdlet(
    "Test-Path",
    f"{_MANAGEMENT}.TestPathCommand",
    "Path:0 LiteralPath=PSPath PathType=Type IsValid!",
    in_module=True,
)
def _test_path(call: Call) -> None:
    for path in _paths(call):
        drive, _, rest = path.partition(":")
        rest = rest.strip("\\/")
        match drive.casefold():
            case "env":
                call.output(call.machine.environment_variable(rest) is not None)
            case "variable":
                call.output(call.interpreter.scope.find(rest.casefold()) is not None)
            case "function":
                call.output(call.interpreter.scope.find_function(rest.casefold()) is not None)
            case "iis":
                loaded = _WEB_DRIVE in call.interpreter.modules
                call.output(loaded and web_administration.children(call, rest) is not None)
            case "cert":
                call.output(certificates.children(call, rest) is not None)
            case _:
                raise call.interpreter.unsupported(f"the path {path}", call.node)


@cmdlet(
    "Get-ItemProperty",
    f"{_MANAGEMENT}.GetItemPropertyCommand",
    "Path:0 Name:1+ LiteralPath=PSPath Filter? Include? Exclude?",
    in_module=True,
)
def _get_item_property(call: Call) -> None:
    for path in _paths(call):
        found = re.fullmatch(
            r"(?i)(?:hklm:|registry::hkey_local_machine)\\system\\currentcontrolset\\services\\(.+)",
            path,
        )
        if found:
            _service_key(call, path, found.group(1))
            continue
        for item in _items(call, path) or []:
            call.output(item)


def _service_key(call: Call, path: str, name: str) -> None:
    for service in known_services(call.machine):
        if service.name.casefold() == name.casefold():
            start = {"Automatic": 2, "Manual": 3, "Disabled": 4}[service.start_type]
            call.output(
                CustomObject(
                    [
                        ("Start", start),
                        ("DisplayName", service.display_name),
                        ("PSChildName", service.name),
                    ]
                )
            )
            return
    _path_missing(call, path)


@cmdlet(
    "Get-Process",
    f"{_MANAGEMENT}.GetProcessCommand",
    "Name:0+=ProcessName Id InputObject? ComputerName? Module? FileVersionInfo? IncludeUserName?",
)
def _get_process(call: Call) -> None:
    """The processes of running services, each named as its service."""
    wanted = [name.casefold() for name in call.texts("Name")]
    ids = [to_text(one) for one in call.many("Id")]
    found = 0
    for service in known_services(call.machine):
        number = process_id_of(service)
        if number == 0 or (wanted and service.name.casefold() not in wanted):
            continue
        if ids and str(number) not in ids:
            continue
        found += 1
        call.output(
            CustomObject(
                [("Id", number), ("ProcessName", service.name), ("Name", service.name)],
                type_names=("System.Diagnostics.Process", "System.Object"),
                text=f"System.Diagnostics.Process ({service.name})",
            )
        )
    if not found and (wanted or ids):
        text = call.texts("Name")[0] if wanted else ids[0]
        kind = "name" if wanted else "process identifier"
        call.error(
            call.record(
                f'Cannot find a process with the {kind} "{text}". Verify the process {kind} and '
                "call the cmdlet again."
                if wanted
                else f"Cannot find a process with the process identifier {text}.",
                "NoProcessFoundForGivenName" if wanted else "NoProcessFoundForGivenId",
                category="ObjectNotFound",
                exception_type=f"{_MANAGEMENT}.ProcessCommandException",
                target=text,
            )
        )


def _cim(call: Call) -> None:
    name = (call.text("ClassName") or call.text("Class")).casefold()
    match name:
        case "win32_service":
            for service in _filtered(call):
                call.output(_win32_service(service))
        case "win32_operatingsystem":
            server = call.machine.server
            call.output(
                CustomObject(
                    [
                        ("CSName", call.machine.name),
                        ("Caption", "Microsoft Windows Server 2022 Datacenter"),
                        ("Version", "10.0.20348"),
                        ("BuildNumber", "20348"),
                        (
                            "LastBootUpTime",
                            server.WhenCreated.astimezone(timezone.utc) if server else None,
                        ),
                    ]
                )
            )
        case _:
            raise call.interpreter.unsupported(f"the class {name}", call.node)


def _filtered(call: Call) -> list[Known]:
    text = call.text("Filter")
    services = known_services(call.machine)
    if not text:
        return services
    found = re.fullmatch(r"(?i)\s*(name|displayname)\s*(=|like)\s*['\"]([^'\"]*)['\"]\s*", text)
    if not found:
        raise call.interpreter.unsupported(f"the filter {text}", call.node)
    pattern = re.escape(found.group(3)).replace("%", ".*")
    attribute = "name" if found.group(1).casefold() == "name" else "display_name"
    return [s for s in services if re.fullmatch(pattern, getattr(s, attribute), re.IGNORECASE)]


def _win32_service(service: Known) -> CustomObject:
    state = {
        "Running": "Running",
        "Stopped": "Stopped",
        "StartPending": "Start Pending",
        "StopPending": "Stop Pending",
    }[state_text(service)]
    mode = "Auto" if service.start_type == "Automatic" else service.start_type
    return CustomObject(
        [
            ("Name", service.name),
            ("DisplayName", service.display_name),
            ("State", state),
            ("StartMode", mode),
            ("Started", state == "Running"),
            ("Status", "OK"),
            ("ExitCode", 0),
            ("ProcessId", process_id_of(service)),
            ("StartName", "LocalSystem"),
        ],
        type_names=("Microsoft.Management.Infrastructure.CimInstance#root/cimv2/Win32_Service",),
        text=f'Win32_Service (Name = "{service.name}")',
    )


cmdlet(
    "Get-CimInstance",
    "Microsoft.Management.Infrastructure.CimCmdlets.GetCimInstanceCommand",
    "ClassName:0 Filter Property Namespace ComputerName? Query?",
    in_module=True,
)(_cim)
cmdlet(
    "Get-WmiObject",
    f"{_MANAGEMENT}.GetWmiObjectCommand",
    "Class:0=ClassName Property:1 Filter Namespace ComputerName? Query?",
)(_cim)


@cmdlet("Join-Path", f"{_MANAGEMENT}.JoinPathCommand", "Path:0 ChildPath:1 Resolve?")
def _join_path(call: Call) -> None:
    call.output(call.text("Path").rstrip("\\") + "\\" + call.text("ChildPath").lstrip("\\"))


@cmdlet("Split-Path", f"{_MANAGEMENT}.SplitPathCommand", "Path:0 Leaf! Parent! Qualifier!")
def _split_path(call: Call) -> None:
    parent, _, leaf = call.text("Path").rpartition("\\")
    call.output(leaf if call.flag("Leaf") else parent)
