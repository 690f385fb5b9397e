# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do Get-EdgeSubscription and Test-EdgeSynchronization say about subscribed Edge servers?"""

from __future__ import annotations

from collections.abc import Iterator

from fake_exchange.clixml import directory_types as directory
from fake_exchange.clixml.directory_types import CONFIGURATION_OBJECT, Getters
from fake_exchange.clixml.objects import OutputObject, enum, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import find
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.organisation import edge_subscriptions
from fake_exchange.organisation.model import EdgeSubscription, Organisation, now

TASKS = "Microsoft.Exchange.Management.SystemConfigurationTasks."
SUBSCRIPTION = (TASKS + "EdgeSubscription", *CONFIGURATION_OBJECT)
STATUS = ("Microsoft.Exchange.Management.EdgeSync.EdgeSubscriptionStatus", "System.Object")
_STATES = ("NotStarted", "InProgress", "Normal", "Inconclusive", "Skipped", "Failed")


def subscription_output(organisation: Organisation, subscription: EdgeSubscription) -> OutputObject:
    """A subscription: the documented properties, no capture exists."""
    home = directory.server_dn(subscription.Name, organisation.Name, organisation.domain)
    sites = f"CN=Sites,{directory.configuration_dn(organisation.domain)}"
    edge = organisation.server(subscription.Name)
    common = directory.directory_members(
        distinguished_name=home,
        guid=subscription.Guid,
        identity=directory.ad_object_id(home, guid=subscription.Guid),
        domain=organisation.domain,
        schema_class="ms-Exch-Exchange-Server",
        object_classes=("top", "server", "msExchExchangeServer"),
        changed=subscription.WhenChanged,
        created=subscription.WhenCreated,
        domain_controller=organisation.domain_controller,
        time_zone=organisation.time_zone,
    )
    getters: Getters = {
        "Site": lambda: directory.ad_object_id(f"CN={subscription.Site},{sites}"),
        "Domain": lambda: edge.Fqdn.partition(".")[2] if edge is not None else "",
        "Name": lambda: subscription.Name,
        **common["name"],
        **common["dates"],
        **common["state"],
    }
    return output_of(SUBSCRIPTION, subscription.Name, getters)


def _get(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    with organisation.lock:
        found = find(
            invocation,
            organisation.edge_subscriptions,
            lambda subscription: (subscription.Name, str(subscription.Guid)),
            identity=invocation.parameters.get("Identity"),
        )
    for subscription in found:
        yield subscription_output(organisation, subscription)


def status_output(organisation: Organisation, subscription: EdgeSubscription) -> OutputObject:
    """How far synchronisation with one Edge server got."""
    problems = list(edge_subscriptions.problems(organisation, subscription))
    state = "Failed" if problems else "Normal"
    holders = edge_subscriptions.members(organisation, subscription.Site)
    getters: Getters = {
        "SyncStatus": lambda: enum(
            "Microsoft.Exchange.Management.EdgeSync.ValidationStatus", state, _STATES.index(state)
        ),
        "UtcNow": lambda: directory.utc_time(now()),
        "Name": lambda: subscription.Name,
        "LeaseHolder": lambda: holders[0].Name if holders else "",
        "FailureDetail": lambda: " ".join(problems),
        "LastSynchronizedUtc": lambda: directory.utc_time(
            subscription.WhenChanged if problems else now()
        ),
    }
    return output_of(STATUS, STATUS[0], getters)


def _test(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    wanted = invocation.parameters.get("TargetServer")
    with organisation.lock:
        subscriptions = list(organisation.edge_subscriptions)
        if wanted is not None:
            server = organisation.server(wanted)
            subscriptions = [s for s in subscriptions if server and s.Name == server.Name]
            if not subscriptions:
                raise invocation.object_not_found(wanted)
        found = [status_output(organisation, subscription) for subscription in subscriptions]
    yield from found


_DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)

CMDLETS = (
    CmdletDefinition(
        "Get-EdgeSubscription",
        TASKS + "GetEdgeSubscription",
        (Parameter("Identity", conversion.text, position=1), _DOMAIN_CONTROLLER),
        _get,
    ),
    CmdletDefinition(
        "Test-EdgeSynchronization",
        "Microsoft.Exchange.Management.EdgeSync.TestEdgeSynchronization",
        (
            Parameter("TargetServer", conversion.required_text),
            Parameter("ExcludeRecipientTest", conversion.switch),
            Parameter("FullCompareMode", conversion.switch),
            _DOMAIN_CONTROLLER,
        ),
        _test,
        should_process=True,
    ),
)
