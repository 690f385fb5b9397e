# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does the hybrid configuration hold, and what has to be sent to make it as wanted?

The object only records what is wanted; the Hybrid Configuration Wizard applies it
(Set-HybridConfiguration page).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.cmdlet_errors import (
    explained,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.properties import (
    Property,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.values import (
    CertificateName,
    HybridDomains,
    HybridFeatures,
    IPRanges,
    Kind,
    Number,
    Servers,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

PROPERTIES = (
    Property("tls_certificate_name", "TlsCertificateName", CertificateName()),
    Property("client_access_servers", "ClientAccessServers", Servers()),
    Property("domains", "Domains", HybridDomains()),
    Property("edge_transport_servers", "EdgeTransportServers", Servers()),
    Property("external_ip_addresses", "ExternalIPAddresses", IPRanges()),
    Property("features", "Features", HybridFeatures()),
    Property("on_premises_smart_host", "OnPremisesSmartHost", Kind()),
    Property("receiving_transport_servers", "ReceivingTransportServers", Servers()),
    Property("sending_transport_servers", "SendingTransportServers", Servers()),
    Property("service_instance", "ServiceInstance", Number()),
)
_BY_NAME = {item.name: item for item in PROPERTIES}


@dataclass(frozen=True, kw_only=True)
class HybridConfiguration:
    """The hybrid configuration; ``values`` has the rest of it by option name, if it was read."""

    tls_certificate_name: str | None
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def transport_servers(self) -> list[str]:
        """Names of the servers that carry hybrid mail, without their domain."""
        names = [
            text.rpartition("/")[2].partition(".")[0]
            for option in (
                "receiving_transport_servers",
                "sending_transport_servers",
                "edge_transport_servers",
            )
            for text in self.values.get(option) or ()
        ]
        return list(dict.fromkeys(names))

    def to_result(self) -> dict[str, Any]:
        """The configuration as RETURN documents it."""
        return {"tls_certificate_name": self.tls_certificate_name, **self.values}


def read_hybrid_configuration(
    session: Session, domain_controller: str | None = None, *, whole: bool = False
) -> HybridConfiguration | None:
    """Return the organization's hybrid configuration, or None if it has none."""
    parameters: dict[str, object] = {}
    if domain_controller:
        parameters["DomainController"] = domain_controller
    wanted = PROPERTIES if whole else PROPERTIES[:1]
    values = read_objects(
        session,
        Cmdlet("Get-HybridConfiguration", parameters),
        ("Name", "Identity", *(item.parameter for item in wanted)),
    )
    if not values:
        return None
    read = {item.name: item.kind.read(values[0].get(item.parameter)) for item in wanted}
    name = read.pop("tls_certificate_name")
    return HybridConfiguration(tls_certificate_name=str(name) if name else None, values=read)


def changed_options(desired: Mapping[str, Any], actual: HybridConfiguration) -> dict[str, Any]:
    """The options that differ, with their values in the form in which Exchange would show them.

    Args:
        desired: option name to value; an empty text or list clears.

    Raises:
        InvalidInput: values that are none, or that do not go together.
    """
    normalized = {name: _normalized(_BY_NAME[name], value) for name, value in desired.items()}
    _check_servers(actual, normalized)
    current = {"tls_certificate_name": actual.tls_certificate_name, **actual.values}
    return {
        name: value
        for name, value in normalized.items()
        if not _BY_NAME[name].kind.same(value, current.get(name))
    }


def after_change(actual: HybridConfiguration, changed: Mapping[str, Any]) -> HybridConfiguration:
    """The configuration as it would be."""
    values = {**actual.values, **changed}
    name = values.pop("tls_certificate_name", actual.tls_certificate_name)
    return HybridConfiguration(tls_certificate_name=name, values=values)


def sentences(changed: Mapping[str, Any]) -> list[str]:
    """One for each option that changes."""
    return [
        f"{'Set' if value not in (None, []) else 'Clear'} {_BY_NAME[name].parameter} of the hybrid "
        "configuration."
        for name, value in changed.items()
    ]


def set_hybrid_configuration(
    session: Session, changed: Mapping[str, Any], *, domain_controller: str | None = None
) -> CmdletResult:
    """Send what differs.

    Raises:
        CmdletFailed: with what was being set and the server's words.
        OutcomeUnknown: contact was lost; read it before anything else.
    """
    parameters: dict[str, object] = {
        _BY_NAME[name].parameter: _BY_NAME[name].parameter_value(value)
        for name, value in changed.items()
    }
    given = ", ".join(parameters)
    if domain_controller:
        parameters["DomainController"] = domain_controller
    with explained(f"Setting {given} of the hybrid configuration"):
        return session.invoke(Cmdlet("Set-HybridConfiguration", parameters), changing=True)


def _normalized(item: Property, value: Any) -> Any:
    if value in ("", []):
        return [] if item.kind.result == "list" else None
    try:
        return item.kind.normalize(value)
    except InvalidInput as error:
        raise InvalidInput(f"{item.name}: {error.message}", details=error.details) from None


def _check_servers(actual: HybridConfiguration, wanted: Mapping[str, Any]) -> None:
    """Mail goes through Edge servers or through Mailbox servers, not both."""
    names = ("edge_transport_servers", "receiving_transport_servers", "sending_transport_servers")
    if not set(names) & set(wanted):
        return
    edge, receiving, sending = (wanted.get(name, actual.values.get(name)) for name in names)
    if edge and (receiving or sending):
        raise InvalidInput(
            "edge_transport_servers and receiving_transport_servers or sending_transport_servers "
            "exclude each other: clear the ones with an empty list."
        )
