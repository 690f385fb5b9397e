# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is under way? Get-Queue, Redirect-Message and Get-MessageTrackingLog, with the parameters
that matter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo

from fake_exchange.clixml.directory_types import local_time, strings
from fake_exchange.clixml.objects import Int64, OutputObject, enum, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.organisation import mail
from fake_exchange.organisation.model import Organisation, Queue, Server, TrackingEvent

QUEUE_VIEWER = "Microsoft.Exchange.Data.QueueViewer."
QUEUE_TASKS = "Microsoft.Exchange.Management.QueueViewerTasks."
LOG_TASKS = "Microsoft.Exchange.Management.TransportLogSearchTasks."
QUEUE_INFO = (
    QUEUE_VIEWER + "PropertyBagBasedQueueInfo",
    QUEUE_VIEWER + "ExtensibleQueueInfo",
    QUEUE_VIEWER + "PagedDataObject",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object",
)
TRACKING_EVENT = (LOG_TASKS + "MessageTrackingEvent", "System.Object")
STATUSES = ("None", "Active", "Ready", "Retry", "Suspended", "Connecting")
DELIVERY_TYPES = (
    "Undefined",
    "DnsConnectorDelivery",
    "SmartHostConnectorDelivery",
    "SmtpDeliveryToMailbox",
    "SmtpRelayToMailboxDeliveryGroup",
    "ShadowRedundancy",
    "Unreachable",
    "SmtpRelayToRemoteActiveDirectorySite",
    "SmtpRelayToConnectorSourceServers",
)
CATEGORIES = ("Internal", "External")
RESULT_SIZE = 1000
_CONDITION = re.compile(r"^(\w+)\s+-(eq|ne|gt|lt|like)\s+['\"]?(.*?)['\"]?$", re.IGNORECASE)


def _open_enum(type_name: str, text: str, names: tuple[str, ...]) -> object:
    return enum(type_name, text, names.index(text) if text in names else 0)


def queue_output(queue: Queue, *, locked: int = 0) -> OutputObject:
    """A queue: the documented properties, no capture exists. `locked` messages are being sent."""
    return output_of(
        QUEUE_INFO,
        queue.Identity,
        {
            "Identity": lambda: queue.Identity,
            "QueueIdentity": lambda: queue.Identity,
            "DeliveryType": lambda: _open_enum(
                "Microsoft.Exchange.Data.QueueViewer.DeliveryType",
                queue.DeliveryType,
                DELIVERY_TYPES,
            ),
            "NextHopDomain": lambda: queue.NextHopDomain,
            "NextHopConnector": lambda: queue.NextHopConnector,
            "NextHopCategory": lambda: _open_enum(
                QUEUE_VIEWER + "NextHopCategory", queue.NextHopCategory, CATEGORIES
            ),
            "Status": lambda: _open_enum(QUEUE_VIEWER + "QueueStatus", queue.Status, STATUSES),
            "MessageCount": lambda: queue.MessageCount,
            "LastError": lambda: queue.LastError,
            "Velocity": lambda: float(queue.Velocity),
            "DeferredMessageCount": lambda: 0,
            "LockedMessageCount": lambda: locked,
            "IsValid": lambda: True,
        },
    )


def _matches(invocation: Invocation, filter_text: str) -> Callable[[Queue], bool]:
    """A filter of conditions joined by -and, as far as queues need it."""
    tests: list[tuple[str, str, str]] = []
    for part in re.split(r"\s+-and\s+", filter_text.strip("{} "), flags=re.IGNORECASE):
        match = _CONDITION.match(part.strip("() "))
        if match is None or not hasattr(Queue("x"), match[1]):
            raise invocation.error(
                f'The filter "{filter_text}" isn\'t valid.',
                category="InvalidArgument",
                exception="ArgumentException",
            )
        tests.append((match[1], match[2].lower(), match[3]))

    def holds(queue: Queue, name: str, operator: str, wanted: str) -> bool:
        value = getattr(queue, name)
        if operator in ("gt", "lt"):
            difference = float(value) - float(wanted)
            return difference > 0 if operator == "gt" else difference < 0
        pattern = re.escape(wanted).replace(r"\*", ".*" if operator == "like" else r"\*")
        equal = re.fullmatch(pattern, str(value), re.IGNORECASE) is not None
        return not equal if operator == "ne" else equal

    return lambda queue: all(holds(queue, *test) for test in tests)


def _belongs(queue: Queue, groups: list[str]) -> bool:
    return queue.NextHopCategory.casefold() in (name.casefold() for name in groups)


def _get_queue(invocation: Invocation) -> Iterator[OutputObject]:
    parameters = invocation.parameters
    identity = parameters.get("Identity")
    if identity:
        name, separator, _ = identity.partition("\\")
        server: Server = (
            invocation.find_server(name) if separator else invocation.context.landed_server
        )
        full = identity if separator else f"{server.Name}\\{identity}"
        _require_queue_viewer(invocation, server)
        found = [q for q in server.queues if q.Identity.casefold() == full.casefold()]
        if not found:
            raise invocation.object_not_found(identity)
    else:
        server = invocation.server_or_landed()
        _require_queue_viewer(invocation, server)
        found = list(server.queues)
    if parameters.get("Filter"):
        found = list(filter(_matches(invocation, parameters.get("Filter")), found))
    if "Include" in parameters:
        found = [q for q in found if _belongs(q, parameters.get("Include"))]
    if "Exclude" in parameters:
        found = [q for q in found if not _belongs(q, parameters.get("Exclude"))]
    limit = parameters.get("ResultSize", RESULT_SIZE)
    sending = invocation.organisation.mail_in_transmission
    for queue in found[:limit]:
        with invocation.organisation.lock:
            locked = sum(message in sending for message in queue.messages)
        yield queue_output(queue, locked=locked)


def _require_queue_viewer(invocation: Invocation, server: Server) -> None:
    """Queues are in the memory of the transport service, which is asked by RPC."""
    if not mail.transport_runs(server):
        raise invocation.error(
            f'The Queue Viewer operation on computer "{server.Name}" has failed with an exception. '
            "The error message is: The RPC server is unavailable.",
            category="ReadError",
            exception="LocalizedException",
        )


def tracking_output(organisation: Organisation, event: TrackingEvent) -> OutputObject:
    """An entry of the message tracking log: the documented properties, no capture exists."""
    return output_of(
        TRACKING_EVENT,
        TRACKING_EVENT[0],
        {
            "Timestamp": lambda: local_time(event.Timestamp, organisation.time_zone),
            "ServerHostname": lambda: event.ServerHostname,
            "ConnectorId": lambda: event.ConnectorId,
            "Source": lambda: event.Source,
            "EventId": lambda: event.EventId,
            "MessageId": lambda: event.MessageId,
            "Recipients": lambda: strings(event.Recipients),
            "RecipientCount": lambda: len(event.Recipients),
            "TotalBytes": lambda: Int64(event.TotalBytes),
            "MessageSubject": lambda: event.MessageSubject,
            "RecipientStatus": lambda: strings(
                [event.RecipientStatus] if event.RecipientStatus else []
            ),
            "Sender": lambda: event.Sender,
            "ReturnPath": lambda: event.Sender,
        },
    )


def _aware(moment: datetime, time_zone: tzinfo) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=time_zone)


def _get_tracking_log(invocation: Invocation) -> Iterator[OutputObject]:
    parameters = invocation.parameters
    found = list(invocation.server_or_landed().tracking_log)
    for name in ("EventId", "Source", "Sender", "MessageId"):
        wanted = parameters.get(name)
        if wanted:
            found = [e for e in found if getattr(e, name).casefold() == wanted.casefold()]
    time_zone = invocation.organisation.time_zone
    if "Start" in parameters:
        start = _aware(parameters.get("Start"), time_zone)
        found = [e for e in found if e.Timestamp >= start]
    if "End" in parameters:
        end = _aware(parameters.get("End"), time_zone)
        found = [e for e in found if e.Timestamp < end]
    if parameters.get("MessageSubject"):
        part = parameters.get("MessageSubject").casefold()
        found = [e for e in found if part in e.MessageSubject.casefold()]
    if "Recipients" in parameters:
        wanted_recipients = {name.casefold() for name in parameters.get("Recipients")}
        found = [e for e in found if wanted_recipients & {r.casefold() for r in e.Recipients}]
    for event in found[: parameters.get("ResultSize", RESULT_SIZE)]:
        yield tracking_output(invocation.organisation, event)


def _redirect(invocation: Invocation) -> Iterator[OutputObject]:
    parameters = invocation.parameters
    server = invocation.find_server(parameters.get("Server"))
    targets = [_target(invocation, server, name) for name in parameters.get("Target")]
    if not mail.transport_runs(server):
        raise invocation.error(
            f"The Microsoft Exchange Transport service on server {server.Name} is not running.",
            category="ReadError",
        )
    names = ", ".join(target.Fqdn for target in targets)
    if invocation.should_process(f"Redirecting messages of server {server.Name} to {names}."):
        mail.redirect(invocation.organisation, server, targets)
    yield from ()


def _target(invocation: Invocation, server: Server, name: str) -> Server:
    """The server that takes messages over: by its FQDN, another one, and in a state to do so."""
    target = invocation.find_server(name)
    refusal = None
    if name.casefold() != target.Fqdn.casefold():
        refusal = f"The target server {name} must be given by its fully qualified domain name."
    elif target is server or target.IsEdgeServer or not mail.takes_messages(target):
        refusal = f"The target server {target.Fqdn} is not available to take messages over."
    if refusal is not None:
        raise invocation.error(
            refusal, category="InvalidArgument", exception="ArgumentException", target=name
        )
    return target


_RESULT_SIZE = Parameter("ResultSize", conversion.unlimited(conversion.integer))
_DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)

CMDLETS = (
    CmdletDefinition(
        "Redirect-Message",
        QUEUE_TASKS + "RedirectMessage",
        (
            Parameter("Server", conversion.required_text, required=True),
            Parameter("Target", conversion.strings, required=True),
        ),
        _redirect,
        should_process=True,
        asks_confirmation=True,
    ),
    CmdletDefinition(
        "Get-Queue",
        QUEUE_TASKS + "GetQueueInfo",
        (
            Parameter("Identity", conversion.text, sets=("Identity",), position=1),
            Parameter("Server", conversion.required_text, sets=("Filter",)),
            Parameter("Filter", conversion.text, sets=("Filter",)),
            Parameter("Include", conversion.strings, sets=("Filter",)),
            Parameter("Exclude", conversion.strings, sets=("Filter",)),
            _RESULT_SIZE,
        ),
        _get_queue,
        default_set="Filter",
    ),
    CmdletDefinition(
        "Get-MessageTrackingLog",
        LOG_TASKS + "GetMessageTrackingLog",
        (
            Parameter("Start", conversion.moment),
            Parameter("End", conversion.moment),
            Parameter("EventId", conversion.text),
            Parameter("Sender", conversion.text),
            Parameter("Recipients", conversion.strings),
            Parameter("Server", conversion.required_text),
            Parameter("MessageId", conversion.text),
            Parameter("MessageSubject", conversion.text),
            Parameter("Source", conversion.text),
            Parameter("NetworkMessageId", conversion.text),
            Parameter("Reference", conversion.text),
            _RESULT_SIZE,
            _DOMAIN_CONTROLLER,
        ),
        _get_tracking_log,
    ),
)
