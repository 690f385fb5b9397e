# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is a connector, and what has to be sent to make it as wanted?

Values are compared by what they mean to Exchange, so the same task never sends anything twice. What
Exchange demands in one call goes along with what changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.properties import (
    RECEIVE_PROPERTIES,
    RECEIVE_TLS_PROPERTIES,
    SEND_PROPERTIES,
    SEND_TLS_PROPERTIES,
    Property,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.rules import (
    check_receive,
    check_send,
    receive_companions,
    send_companions,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    Value,
    list_of,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

_CLOUD_ADDRESS_SPACE = ".mail.onmicrosoft.com"
_CLOUD_HOST = "mail.protection.outlook.com"


class _LeaveAlone:
    """The value of an option that was not given."""

    def __repr__(self) -> str:
        return "LEAVE_ALONE"

    def __bool__(self) -> bool:
        return False


LEAVE_ALONE = _LeaveAlone()


@dataclass(frozen=True, kw_only=True)
class SendConnector:
    """A Send connector, an organization-wide object; None is "not set".

    The TLS side has attributes of its own; everything else is in ``further`` by option name, where
    the whole connector was read.
    """

    name: str
    identity: str = ""
    guid: str = ""
    tls_certificate_name: str | None = None
    require_tls: bool = False
    tls_auth_level: str | None = None
    tls_domain: str | None = None
    fqdn: str | None = None
    domain_secure_enabled: bool = False
    cloud_services_mail_enabled: bool = False
    ignore_starttls: bool = False
    # With smart hosts, DomainValidation needs a domain.
    dns_routing_enabled: bool = True
    # Servers that send through it, and must have its certificate; empty where it was not read.
    source_transport_servers: tuple[str, ...] = ()
    further: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """How messages name the connector."""
        return f"Send connector '{self.name}'"

    @property
    def properties(self) -> tuple[Property, ...]:
        """The rows of the table for what was read of it."""
        return SEND_PROPERTIES if self.further else SEND_TLS_PROPERTIES

    def to_result(self) -> dict[str, object]:
        """Return the JSON-safe form that the modules document under RETURN."""
        return _to_result(self)


@dataclass(frozen=True, kw_only=True)
class ReceiveConnector:
    """A Receive connector, an object of one server; see SendConnector."""

    name: str
    identity: str = ""
    guid: str = ""
    tls_certificate_name: str | None = None
    require_tls: bool = False
    auth_mechanism: frozenset[str] = frozenset()
    fqdn: str | None = None
    domain_secure_enabled: bool = False
    tls_domain_capabilities: tuple[str, ...] = ()
    suppress_x_anonymous_tls: bool = False
    further: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """How messages name the connector."""
        return f"Receive connector '{self.identity or self.name}'"

    @property
    def properties(self) -> tuple[Property, ...]:
        """The rows of the table for what was read of it."""
        return RECEIVE_PROPERTIES if self.further else RECEIVE_TLS_PROPERTIES

    def to_result(self) -> dict[str, object]:
        """Return the JSON-safe form that the modules document under RETURN."""
        return _to_result(self)


Connector = SendConnector | ReceiveConnector
# Attributes whose values are kept in a form of their own.
_FORMS: dict[str, Any] = {
    "auth_mechanism": frozenset,
    "tls_domain_capabilities": tuple,
    "source_transport_servers": tuple,
}
_SEND_ATTRIBUTES = frozenset(item.name for item in fields(SendConnector))
_RECEIVE_ATTRIBUTES = frozenset(item.name for item in fields(ReceiveConnector))


def value_of(connector: Connector, name: str) -> Any:
    """The value of a property by its option name; None where it is not set or was not read."""
    if name in _attributes(connector):
        return getattr(connector, name)
    return connector.further.get(name)


def with_values(connector: Connector, values: Mapping[str, Any]) -> Connector:
    """The connector with other values, by option name."""
    own = _attributes(connector)
    attributes = {
        name: _FORMS[name](value or ()) if name in _FORMS else value
        for name, value in values.items()
        if name in own
    }
    further = {name: value for name, value in values.items() if name not in own}
    if further:
        attributes["further"] = {**connector.further, **further}
    return replace(connector, **attributes)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What has to be sent to make a connector as wanted.

    ``parameters`` are those of the Set cmdlet (None clears); ``changed`` names the options whose
    value really changes, the other parameters only go along because Exchange demands them.
    """

    parameters: Mapping[str, object]
    changed: tuple[str, ...]
    after: Connector

    def __bool__(self) -> bool:
        return bool(self.changed)

    def sentences(self, title: str) -> list[str]:
        """Return one sentence for each setting that changes."""
        names = {item.name: item.parameter for item in (*SEND_PROPERTIES, *RECEIVE_PROPERTIES)}
        if isinstance(self.after, SendConnector):
            names |= {item.name: item.parameter for item in SEND_PROPERTIES}
        verbs = {name: "Clear" if self._cleared(names[name]) else "Set" for name in self.changed}
        return [f"{verbs[name]} {names[name]} of {title}." for name in self.changed]

    def _cleared(self, parameter: str) -> bool:
        return self.parameters.get(parameter) in (None, "None", "")


def difference(desired: Mapping[str, object], actual: Connector) -> Difference:
    """Compare what a task asks for with what a connector has.

    Args:
        desired: option name to value; an option that is missing or LEAVE_ALONE is left as it is,
            None or an empty text clears.

    Raises:
        InvalidInput: values that are none, or settings that contradict each other or what the
            connector has.
    """
    wanted = given_options(desired)
    properties = {item.name: item for item in actual.properties}
    unknown = set(wanted) - set(properties)
    if unknown:
        raise ValueError(f"not an option of {actual.title}: {', '.join(sorted(unknown))}")
    normalized = {name: normalize(properties[name], value) for name, value in wanted.items()}
    changed = [
        name
        for name in properties
        if name in wanted
        and not properties[name].kind.same(normalized[name], value_of(actual, name))
    ]
    values = {name: normalized[name] for name in changed}
    after = with_values(actual, values)
    together = checked_companions(set(values), after, wanted)
    parameters = {
        item.parameter: item.parameter_value(value_of(after, name))
        for name, item in properties.items()
        if name in values or name in together
    }
    return Difference(parameters=parameters, changed=tuple(changed), after=after)


def given_options(desired: Mapping[str, object]) -> dict[str, Any]:
    """What a task gives, with None for what clears."""
    return {
        name: (None if value == "" or (name, value) == ("tls_auth_level", "none") else value)
        for name, value in desired.items()
        if not isinstance(value, _LeaveAlone)
    }


def normalize(item: Property, value: Any) -> Any:
    """A given value in the form in which Exchange would show it; None clears.

    Raises:
        InvalidInput: with the option's name.
    """
    if value is None and item.kind.result == "list":
        value = []
    if value is None and item.kind.result != "bool":
        return None
    try:
        plain = list(value) if isinstance(value, (frozenset, tuple)) else value
        return item.kind.normalize(plain)
    except InvalidInput as error:
        raise InvalidInput(f"{item.name}: {error.message}", details=error.details) from None


def checked_companions(
    changing: set[str], after: Connector, wanted: Mapping[str, object]
) -> set[str]:
    """Refuse what Exchange would refuse; return the options that have to go along."""

    def value(name: str) -> Any:
        return value_of(after, name)

    if isinstance(after, SendConnector):
        check_send(after.title, value, wanted)
        return send_companions(changing, value) & {item.name for item in after.properties}
    check_receive(after.title, value, wanted)
    return receive_companions(changing, value)


def _to_result(connector: Connector) -> dict[str, object]:
    result: dict[str, object] = {
        "name": connector.name,
        "identity": connector.identity or connector.name,
    }
    for item in connector.properties:
        value = value_of(connector, item.name)
        if isinstance(value, frozenset):
            value = sorted(value)
        result[item.name] = list(value) if isinstance(value, tuple) else value
    return result


def _attributes(connector: Connector) -> frozenset[str]:
    return _SEND_ATTRIBUTES if isinstance(connector, SendConnector) else _RECEIVE_ATTRIBUTES


def leads_to_exchange_online(address_spaces: Iterable[str], smart_hosts: Iterable[str]) -> bool:
    """Whether mail of a Send connector goes to Exchange Online, by what the wizard sets there."""
    return any(_CLOUD_ADDRESS_SPACE in item.casefold() for item in address_spaces) or any(
        _CLOUD_HOST in item.casefold() for item in smart_hosts
    )


def send_connector_of(value: RemoteObject, *, whole: bool = False) -> SendConnector:
    """Read an object that Get-SendConnector returns."""
    return SendConnector(
        name=text_of(value.get("Name")) or text_of(value.get("Identity")) or "",
        identity=text_of(value.get("Identity")) or "",
        guid=text_of(value.get("Guid")) or "",
        tls_certificate_name=_set_text(value.get("TlsCertificateName")),
        require_tls=value.get("RequireTLS") is True,
        tls_auth_level=_set_text(value.get("TlsAuthLevel")),
        tls_domain=_set_text(value.get("TlsDomain")),
        fqdn=_set_text(value.get("Fqdn")),
        domain_secure_enabled=value.get("DomainSecureEnabled") is True,
        cloud_services_mail_enabled=value.get("CloudServicesMailEnabled") is True,
        ignore_starttls=value.get("IgnoreSTARTTLS") is True,
        dns_routing_enabled=value.get("DNSRoutingEnabled") is not False,
        source_transport_servers=_texts(value.get("SourceTransportServers")),
        further=_further(value, SEND_PROPERTIES, _SEND_ATTRIBUTES) if whole else {},
    )


def receive_connector_of(value: RemoteObject, *, whole: bool = False) -> ReceiveConnector:
    """Read an object that Get-ReceiveConnector returns."""
    mechanisms = frozenset(_texts(value.get("AuthMechanism"))) - {"None"}
    return ReceiveConnector(
        name=text_of(value.get("Name")) or text_of(value.get("Identity")) or "",
        identity=text_of(value.get("Identity")) or "",
        guid=text_of(value.get("Guid")) or "",
        tls_certificate_name=_set_text(value.get("TlsCertificateName")),
        require_tls=value.get("RequireTLS") is True,
        auth_mechanism=mechanisms,
        fqdn=_set_text(value.get("Fqdn")),
        domain_secure_enabled=value.get("DomainSecureEnabled") is True,
        tls_domain_capabilities=_texts_of_list(value.get("TlsDomainCapabilities")),
        suppress_x_anonymous_tls=value.get("SuppressXAnonymousTls") is True,
        further=_further(value, RECEIVE_PROPERTIES, _RECEIVE_ATTRIBUTES) if whole else {},
    )


def _further(
    value: RemoteObject, properties: Iterable[Property], attributes: frozenset[str]
) -> dict[str, Any]:
    return {
        item.name: item.kind.read(value.get(item.parameter))
        for item in properties
        if item.name not in attributes
    }


def _set_text(value: Value) -> str | None:
    return text_of(value) or None


def _texts(value: Value) -> tuple[str, ...]:
    """Return the texts of a list or of a flags enum."""
    if isinstance(value, list):
        return tuple(filter(None, (text_of(item) for item in value)))
    return tuple(part.strip() for part in (text_of(value) or "").split(",") if part.strip())


def _texts_of_list(value: Value) -> tuple[str, ...]:
    """A single text is one entry: its comma separates capabilities, not entries."""
    return tuple(filter(None, (text_of(item) for item in list_of(value))))
