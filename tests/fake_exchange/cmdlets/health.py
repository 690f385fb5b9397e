# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How are the servers doing? Test-ServiceHealth and Get-/Set-ServerComponentState."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from fake_exchange.clixml.directory_types import object_state, property_bag, strings, utc_time
from fake_exchange.clixml.objects import ClrObject, OutputObject, enum, output_of
from fake_exchange.clixml.value_types import DATA_LIBRARY, PUBLIC_KEY
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import DATA
from fake_exchange.cmdlets.invocation import Invocation, time_text
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.servers import MANAGEMENT, server_identity
from fake_exchange.organisation import mail
from fake_exchange.organisation.model import ComponentState, Organisation, Server, now

TASKS = "Microsoft.Exchange.Management.SystemConfigurationTasks."
MONITORING = "Microsoft.Exchange.Monitoring."
SERVICES_STATUS = (
    MONITORING + "ExchangeServicesStatus",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object",
)
COMPONENT_STATE = (
    MANAGEMENT + "ServerComponentStatePresentationObject",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object",
)
_REQUESTER = COMPONENT_STATE[0] + "+RequesterDetails"
_REQUESTER_LIST = (
    f"System.Collections.Generic.List`1[[{_REQUESTER}, Microsoft.Exchange.Data.Directory, "
    f"{PUBLIC_KEY}]]",
    "System.Object",
)
_MANAGEMENT_LIBRARY = DATA_LIBRARY.replace("Exchange.Data", "Exchange.Management")
STATES = ("Inactive", "Active", "Draining")
REQUESTERS = ("HealthAPI", "Maintenance", "Sidelined", "Functional", "Deployment")
WHOLE_SERVER = "ServerWideOffline"
#: Components that stay active while the whole server is offline.
_ALWAYS_UP = ("Monitoring", "RecoveryActionsEnabled", WHOLE_SERVER)

_EVERY_ROLE = ("IISAdmin", "MSExchangeADTopology", "MSExchangeServiceHost", "W3Svc", "WinRM")
#: What each role needs; MSExchangeFrontEndTransport is on no list.
ROLE_SERVICES = {
    "Mailbox Server Role": (
        "MSExchangeDelivery",
        "MSExchangeIS",
        "MSExchangeMailboxAssistants",
        "MSExchangeRepl",
        "MSExchangeRPC",
        "MSExchangeSubmission",
        "MSExchangeThrottling",
        "MSExchangeTransportLogSearch",
    ),
    "Client Access Server Role": ("MSExchangeMailboxReplication", "MSExchangeRPC"),
    "Unified Messaging Server Role": ("MSExchangeUM",),
    "Hub Transport Server Role": (
        "MSExchangeEdgeSync",
        "MSExchangeTransport",
        "MSExchangeTransportLogSearch",
    ),
}


def _roles(server: Server) -> list[str]:
    if server.IsEdgeServer:
        return ["Hub Transport Server Role"]
    has_unified_messaging = server.AdminDisplayVersion.startswith("15.1.")
    return [
        role
        for role in ROLE_SERVICES
        if has_unified_messaging or role != "Unified Messaging Server Role"
    ]


def service_health_output(server: Server, role: str) -> OutputObject:
    """One role: which of the services it needs run."""
    needed = sorted((*_EVERY_ROLE, *ROLE_SERVICES[role]), key=str.casefold)
    stopped = []
    for name in needed:
        service = server.service(name)
        if service is not None and service.Status != "Running":
            stopped.append(name)
    running = [name for name in needed if name not in stopped]
    getters = {
        "Role": lambda: role,
        "RequiredServicesRunning": lambda: not stopped,
        "ServicesNotRunning": lambda: strings(stopped),
        "ServicesRunning": lambda: strings(running),
        "Identity": lambda: None,
        "IsValid": lambda: True,
        "ObjectState": lambda: object_state("New"),
    }
    return output_of(
        SERVICES_STATUS,
        SERVICES_STATUS[0],
        getters,
        lambda: property_bag(SERVICES_STATUS[0], getters, library=_MANAGEMENT_LIBRARY),
    )


def _test_service_health(invocation: Invocation) -> Iterator[OutputObject]:
    server = invocation.server_or_landed()
    for role in _roles(server):
        yield service_health_output(server, role)


def _requesters(component: ComponentState, time_zone: tzinfo) -> ClrObject:
    items = []
    for requester, state in component.requesters.items():
        changed = component.changed.get(requester, now())
        items.append(
            ClrObject(
                (_REQUESTER, "System.Object"),
                to_string=(
                    f"Requestor:{requester}; State:{state}; "
                    f"Timestamp:{time_text(changed, time_zone)}"
                ),
                properties=[
                    ("Requester", requester),
                    ("State", state),
                    ("Timestamp", utc_time(changed)),
                    ("Component", component.Component),
                ],
            )
        )
    return ClrObject(_REQUESTER_LIST, items=items)


def effective_state(server: Server, component: ComponentState) -> str:
    """The component's state, which ServerWideOffline overrules."""
    whole = server.component_states.get(WHOLE_SERVER)
    if whole is not None and whole.State != "Active" and component.Component not in _ALWAYS_UP:
        return "Inactive"
    return component.State


def component_state_output(
    organisation: Organisation, server: Server, component: ComponentState
) -> OutputObject:
    """One component of a server."""
    state = effective_state(server, component)
    whole = server.component_states.get(WHOLE_SERVER)
    offline = whole is not None and whole.State != "Active"
    getters = {
        "ServerFqdn": lambda: server.Fqdn,
        "Component": lambda: component.Component,
        "State": lambda: enum(DATA + "ServiceState", state, STATES.index(state)),
        "ServerWideOfflineIsOffline": lambda: offline,
        "RemoteStates": lambda: _requesters(component, organisation.time_zone),
        "LocalStates": lambda: _requesters(component, organisation.time_zone),
        "Identity": lambda: server_identity(organisation, server),
        "IsValid": lambda: True,
        "ObjectState": lambda: object_state("New"),
    }
    return output_of(
        COMPONENT_STATE,
        COMPONENT_STATE[0],
        getters,
        lambda: property_bag(COMPONENT_STATE[0], getters),
    )


def _component(invocation: Invocation, server: Server, name: str) -> ComponentState:
    for component in server.component_states.values():
        if component.Component.casefold() == name.casefold():
            return component
    raise invocation.error(
        f'The component "{name}" isn\'t a valid component of server "{server.Name}".',
        category="InvalidArgument",
        exception="ArgumentException",
    )


def _get_component_state(invocation: Invocation) -> Iterator[OutputObject]:
    server = invocation.find_server(invocation.parameters.get("Identity"))
    wanted = invocation.parameters.get("Component")
    names = [wanted] if wanted else list(server.component_states)
    for component in [_component(invocation, server, name) for name in names]:
        yield component_state_output(invocation.organisation, server, component)


def _set_component_state(invocation: Invocation) -> Iterator[OutputObject]:
    parameters = invocation.parameters
    server = invocation.find_server(parameters.get("Identity"))
    component = _component(invocation, server, parameters.get("Component"))
    state, requester = parameters.get("State"), parameters.get("Requester")
    if not invocation.should_process(
        f'Setting component "{component.Component}" of server "{server.Name}" to {state}.'
    ):
        return
    with invocation.organisation.lock:
        component.requesters[requester] = state
        component.changed[requester] = now()
    mail.wake(invocation.organisation)
    yield from ()


_DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)
_IDENTITY = Parameter("Identity", conversion.required_text, position=1, required=True)

CMDLETS = (
    CmdletDefinition(
        "Test-ServiceHealth",
        MONITORING + "TestServiceHealth",
        (
            Parameter("Server", conversion.required_text, position=1),
            Parameter("ActiveDirectoryTimeout", conversion.integer),
            Parameter("MonitoringContext", conversion.switch),
            _DOMAIN_CONTROLLER,
        ),
        _test_service_health,
        should_process=True,
    ),
    CmdletDefinition(
        "Get-ServerComponentState",
        TASKS + "GetServerComponentState",
        (_IDENTITY, Parameter("Component", conversion.text), _DOMAIN_CONTROLLER),
        _get_component_state,
    ),
    CmdletDefinition(
        "Set-ServerComponentState",
        TASKS + "SetServerComponentState",
        (
            _IDENTITY,
            Parameter("Component", conversion.required_text, required=True),
            Parameter(
                "State", conversion.enumeration(DATA + "ServiceState", STATES), required=True
            ),
            Parameter(
                "Requester",
                conversion.enumeration(DATA + "ServerComponentRequester", REQUESTERS),
                required=True,
            ),
            Parameter("LocalOnly", conversion.switch),
            Parameter("RemoteOnly", conversion.switch),
            Parameter("TimeoutInSeconds", conversion.integer),
            _DOMAIN_CONTROLLER,
        ),
        _set_component_state,
        should_process=True,
    ),
)
