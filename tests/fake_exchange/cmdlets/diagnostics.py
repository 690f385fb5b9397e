# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does transport say of its resources? Get-ExchangeDiagnosticInfo, a text of XML."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from fake_exchange.clixml.objects import OutputObject
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.select_object import plain
from fake_exchange.organisation.model import Server

_QUEUE_DISK = "C:\\Program Files\\Microsoft\\Exchange Server\\V15\\TransportRoles\\data\\Queue"
RESOURCES = {
    "UsedDiskSpace": f"UsedDiskSpace[{_QUEUE_DISK}]",
    "DatabaseUsedSpace": f"DatabaseUsedSpace[{_QUEUE_DISK}]",
    "PrivateBytes": "PrivateBytes",
    "SystemMemory": "SystemMemory",
    "QueueLength": "QueueLength[SubmissionQueue]",
    "UsedVersionBuckets": f"UsedVersionBuckets[{_QUEUE_DISK}\\mail.que]",
}
LEVELS = ("Low", "Medium", "High")
_PRESSURE = {"Low": 41, "Medium": 93, "High": 99}


def resource_throttling(server: Server) -> str:
    """The answer of the component ResourceThrottling."""
    meters = "".join(
        f"<ResourceMeter><Resource>{escape(shown)}</Resource>"
        f"<CurrentResourceUse>{level}</CurrentResourceUse>"
        f"<PreviousResourceUse>{level}</PreviousResourceUse>"
        "<PressureTransitions>LowToMedium=96; MediumToHigh=98; HighToMedium=97; MediumToLow=95"
        f"</PressureTransitions><Pressure>{_PRESSURE[level]}</Pressure></ResourceMeter>"
        for name, shown in RESOURCES.items()
        for level in [server.back_pressure.get(name, "Low")]
    )
    return (
        "<Diagnostics><ProcessInfo><serverName>"
        f"{server.Name}</serverName><processName>EdgeTransport</processName></ProcessInfo>"
        "<Components><ResourceThrottling><ResourceTracker>"
        f"{meters}</ResourceTracker></ResourceThrottling></Components></Diagnostics>"
    )


def _get_diagnostic_info(invocation: Invocation) -> Iterator[OutputObject]:
    server = invocation.server_or_landed()
    service = server.service("MSExchangeTransport")
    process = invocation.parameters.get("Process") or ""
    if process.casefold() != "edgetransport" or service is None or service.Status != "Running":
        raise invocation.error(
            f"The process {process} cannot be asked for diagnostic information on server "
            f"{server.Name}: it does not run.",
            category="ReadError",
        )
    component = (invocation.parameters.get("Component") or "").casefold()
    if component == "resourcethrottling":
        yield plain(resource_throttling(server))


CMDLETS = (
    CmdletDefinition(
        "Get-ExchangeDiagnosticInfo",
        "Microsoft.Exchange.Management.Diagnostics.GetExchangeDiagnosticInfo",
        (
            Parameter("Server", conversion.required_text, position=1),
            Parameter("Process", conversion.text),
            Parameter("Component", conversion.text),
            Parameter("Argument", conversion.text),
            Parameter("Unlimited", conversion.switch),
        ),
        _get_diagnostic_info,
    ),
)
