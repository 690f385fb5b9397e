# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is a connector created with, and what has to be given for that?

A usage type brings permission groups and mechanisms, and some of them the addresses as well, which
then must not be given (New-ReceiveConnector, New-SendConnector).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    Connector,
    ReceiveConnector,
    SendConnector,
    checked_companions,
    given_options,
    normalize,
    with_values,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

# What a usage type of a Receive connector brings along by itself.
_BROUGHT = {"Internet": "remote_ip_ranges", "Internal": "bindings", "Client": "bindings"}


@dataclass(frozen=True, kw_only=True)
class Creation:
    """A connector to be created: as far as it is known beforehand, and what New- is sent."""

    connector: Connector
    parameters: Mapping[str, object]


def plan_send_creation(
    name: str, desired: Mapping[str, object], *, usage: str | None = None
) -> Creation:
    """Plan a Send connector.

    Raises:
        InvalidInput: something is missing, is no value, or contradicts something else.
    """
    wanted = given_options(desired)
    title = f"Send connector '{name}'"
    if not wanted.get("address_spaces"):
        raise InvalidInput(f"{title} cannot be created without address_spaces.")
    if usage == "Internal" and not wanted.get("smart_hosts"):
        raise InvalidInput(f"{title} cannot be created for usage Internal without smart_hosts.")
    if usage == "Partner" and wanted.get("smart_hosts"):
        raise InvalidInput(f"{title} cannot be created for usage Partner with smart_hosts.")
    start = SendConnector(
        name=name,
        identity=name,
        dns_routing_enabled=not wanted.get("smart_hosts"),
        further={"smart_hosts": []},
    )
    return _plan(start, wanted, {"Name": name}, usage)


def plan_receive_creation(
    name: str, server: str, desired: Mapping[str, object], *, usage: str | None = None
) -> Creation:
    """Plan a Receive connector of a server; see ``plan_send_creation``."""
    wanted = given_options(desired)
    identity = f"{server}\\{name}"
    title = f"Receive connector '{identity}'"
    brought = _BROUGHT.get(usage or "Custom")
    for option in ("bindings", "remote_ip_ranges"):
        if option == brought and wanted.get(option):
            raise InvalidInput(
                f"{title} cannot be created for usage {usage} with {option}, which that usage "
                "brings by itself: leave it out, or use Custom and give the groups and mechanisms."
            )
        if option != brought and not wanted.get(option):
            raise InvalidInput(
                f"{title} cannot be created without {option}"
                + (f" (usage {usage})." if usage else ".")
            )
    start = ReceiveConnector(
        name=name, identity=identity, auth_mechanism=frozenset({"Tls"}), further={"bindings": []}
    )
    return _plan(start, wanted, {"Name": name, "Server": server}, usage)


def _plan(
    start: Connector,
    wanted: Mapping[str, Any],
    names: Mapping[str, object],
    usage: str | None,
) -> Creation:
    properties = {item.name: item for item in start.properties}
    values = {name: normalize(properties[name], value) for name, value in wanted.items()}
    connector = with_values(start, values)
    checked_companions(set(values), connector, wanted)
    parameters = dict(names)
    if usage:
        parameters["Usage"] = usage
    for name, value in values.items():
        # What is not to be set needs no parameter; what New- does not take, Set- gets afterwards.
        if properties[name].at_creation and value not in (None, []):
            parameters[properties[name].parameter] = properties[name].parameter_value(value)
    return Creation(connector=connector, parameters=parameters)
