# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the TLS side of a Send or Receive connector, and which parameters would change it?

Everything here is pure: objects in, parameters out. Options are compared as Exchange does (names
without case, lists without order), only what differs is sent, and settings that Exchange accepts
only together are sent together (Set-SendConnector and Set-ReceiveConnector pages).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    Value,
    list_of,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.tls_certificate_name import (  # noqa: E501
    TlsCertificateName,
    is_canonical,
    read_stored,
)

AUTH_MECHANISMS = (
    "Tls",
    "Integrated",
    "BasicAuth",
    "BasicAuthRequireTLS",
    "ExchangeServer",
    "ExternalAuthoritative",
)
_CLOUD_ADDRESS_SPACE = ".mail.onmicrosoft.com"
_CLOUD_HOST = "mail.protection.outlook.com"
TLS_AUTH_LEVELS = ("EncryptionOnly", "CertificateValidation", "DomainValidation")


class _LeaveAlone:
    """The value of an option that was not given."""

    def __repr__(self) -> str:
        return "LEAVE_ALONE"

    def __bool__(self) -> bool:
        return False


LEAVE_ALONE = _LeaveAlone()


@dataclass(frozen=True, kw_only=True)
class SendConnector:
    """The TLS side of a Send connector; None is "not set", an organization-wide object."""

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
    # Not an option: with smart hosts, DomainValidation needs a domain.
    dns_routing_enabled: bool = True
    # Servers that send through it, and must have its certificate; empty where it was not read.
    source_transport_servers: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """How messages name the connector."""
        return f"Send connector '{self.name}'"

    def to_result(self) -> dict[str, object]:
        """Return the JSON-safe form that the modules document under RETURN."""
        return {
            "name": self.name,
            "identity": self.identity or self.name,
            **{option.name: getattr(self, option.name) for option in SEND_OPTIONS},
        }


@dataclass(frozen=True, kw_only=True)
class ReceiveConnector:
    """The TLS side of a Receive connector; None is "not set", an object of one server."""

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

    @property
    def title(self) -> str:
        """How messages name the connector."""
        return f"Receive connector '{self.identity or self.name}'"

    def to_result(self) -> dict[str, object]:
        """Return the JSON-safe form that the modules document under RETURN."""
        result: dict[str, object] = {"name": self.name, "identity": self.identity or self.name}
        for option in RECEIVE_OPTIONS:
            value = getattr(self, option.name)
            result[option.name] = sorted(value) if isinstance(value, frozenset) else value
        result["tls_domain_capabilities"] = list(self.tls_domain_capabilities)
        return result


Connector = SendConnector | ReceiveConnector


@dataclass(frozen=True)
class Option:
    """One setting: its name here, Exchange's parameter, and how two values are compared."""

    name: str
    parameter: str
    same: Callable[[object, object], bool]
    # The value as Exchange would report it after the change.
    normalized: Callable[[object], object] = field(default=lambda value: value)


def _same_text(wanted: object, actual: object) -> bool:
    return _folded(wanted) == _folded(actual)


def _same_certificate(wanted: object, actual: object) -> bool:
    """Compare by meaning, but take a stored spelling that Exchange cannot use as a difference."""
    if not wanted or not actual:
        return not wanted and not actual
    stored = str(actual)
    return TlsCertificateName.parse(str(wanted)) == read_stored(stored) and is_canonical(stored)


def _same_flags(wanted: object, actual: object) -> bool:
    return _folded_set(wanted) - {"none"} == _folded_set(actual) - {"none"}


def _same_capabilities(wanted: object, actual: object) -> bool:
    return {_capability_key(str(item)) for item in _iterable(wanted)} == {
        _capability_key(str(item)) for item in _iterable(actual)
    }


_COMMON_OPTIONS = (
    Option(
        "tls_certificate_name",
        "TlsCertificateName",
        _same_certificate,
        lambda value: TlsCertificateName.parse(str(value)).render() if value else None,
    ),
    Option("require_tls", "RequireTLS", lambda wanted, actual: bool(wanted) == bool(actual)),
)
_DOMAIN_SECURE = Option(
    "domain_secure_enabled", "DomainSecureEnabled", lambda wanted, actual: bool(wanted) == actual
)
_FQDN = Option("fqdn", "Fqdn", _same_text, lambda value: value or None)
SEND_OPTIONS = (
    *_COMMON_OPTIONS,
    Option("tls_auth_level", "TlsAuthLevel", _same_text),
    Option("tls_domain", "TlsDomain", _same_text, lambda value: value or None),
    _FQDN,
    _DOMAIN_SECURE,
    Option(
        "cloud_services_mail_enabled",
        "CloudServicesMailEnabled",
        lambda wanted, actual: bool(wanted) == actual,
    ),
    Option("ignore_starttls", "IgnoreSTARTTLS", lambda wanted, actual: bool(wanted) == actual),
)
RECEIVE_OPTIONS = (
    *_COMMON_OPTIONS,
    Option(
        "auth_mechanism",
        "AuthMechanism",
        _same_flags,
        lambda value: frozenset(str(item) for item in _iterable(value)) - {"None"},
    ),
    _FQDN,
    _DOMAIN_SECURE,
    Option(
        "tls_domain_capabilities",
        "TlsDomainCapabilities",
        _same_capabilities,
        lambda value: tuple(str(item) for item in _iterable(value)),
    ),
    Option(
        "suppress_x_anonymous_tls",
        "SuppressXAnonymousTls",
        lambda wanted, actual: bool(wanted) == actual,
    ),
)


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
        options = {option.name: option.parameter for option in (*SEND_OPTIONS, *RECEIVE_OPTIONS)}
        verbs = {name: "Clear" if self._cleared(options[name]) else "Set" for name in self.changed}
        return [f"{verbs[name]} {options[name]} of {title}." for name in self.changed]

    def _cleared(self, parameter: str) -> bool:
        return self.parameters.get(parameter) in (None, "None")


def difference(desired: Mapping[str, object], actual: Connector) -> Difference:
    """Compare what a task asks for with what a connector has.

    Args:
        desired: option name to value; an option that is missing or LEAVE_ALONE is left as it is,
            None or an empty text clears.

    Raises:
        InvalidInput: settings that contradict each other or what the connector has.
    """
    options = SEND_OPTIONS if isinstance(actual, SendConnector) else RECEIVE_OPTIONS
    wanted = {
        name: (None if value == "" or (name, value) == ("tls_auth_level", "none") else value)
        for name, value in desired.items()
        if not isinstance(value, _LeaveAlone)
    }
    unknown = set(wanted) - {option.name for option in options}
    if unknown:
        raise ValueError(f"not an option of {actual.title}: {', '.join(sorted(unknown))}")
    changed = [
        option
        for option in options
        if option.name in wanted
        and not option.same(wanted[option.name], getattr(actual, option.name))
    ]
    values: dict[str, Any] = {
        option.name: option.normalized(wanted[option.name]) for option in changed
    }
    after = replace(actual, **values)
    if isinstance(after, SendConnector):
        _check_send(after, wanted)
        together = _send_companions(set(values), after)
    else:
        _check_receive(after, wanted)
        together = _receive_companions(set(values), after)
    parameters = {
        option.parameter: _parameter_value(option, getattr(after, option.name))
        for option in options
        if option.name in values or option.name in together
    }
    return Difference(
        parameters=parameters, changed=tuple(option.name for option in changed), after=after
    )


def _check_send(after: SendConnector, wanted: Mapping[str, object]) -> None:
    """Say beforehand what Exchange would refuse; only about settings that the task is touching."""
    where = f"of {after.title}"
    level, domain = after.tls_auth_level, after.tls_domain
    if {"require_tls", "ignore_starttls"} & set(wanted) and (
        after.require_tls and after.ignore_starttls
    ):
        raise InvalidInput(
            f"RequireTLS {where} cannot be on while IgnoreSTARTTLS is on: set ignore_starttls: "
            "false with it."
        )
    if {"tls_auth_level", "require_tls"} & set(wanted) and level and not after.require_tls:
        raise InvalidInput(
            f"TlsAuthLevel {where} needs RequireTLS: set require_tls: true with it"
            + (", or clear the level (tls_auth_level: none)." if "require_tls" in wanted else ".")
        )
    touched = {"tls_domain", "tls_auth_level"} & set(wanted)
    if touched and domain and _folded(level) != "domainvalidation":
        raise InvalidInput(
            f"TlsDomain {where} can only be set with TlsAuthLevel DomainValidation: set "
            "tls_auth_level: DomainValidation, or clear tls_domain."
        )
    if (
        touched
        and _folded(level) == "domainvalidation"
        and not domain
        and not after.dns_routing_enabled
    ):
        raise InvalidInput(
            f"TlsAuthLevel DomainValidation {where} needs tls_domain, because the connector sends "
            "through a smart host."
        )


def _send_companions(changing: set[str], after: SendConnector) -> set[str]:
    together: set[str] = set()
    if "tls_certificate_name" in changing and after.tls_certificate_name and after.require_tls:
        together.add("require_tls")
    if "tls_auth_level" in changing and after.tls_auth_level:
        together.add("require_tls")
        if after.tls_domain:
            together.add("tls_domain")
    if "tls_domain" in changing and after.tls_domain:
        together |= {"tls_auth_level", "require_tls"}
    if "require_tls" in changing and after.require_tls and after.tls_auth_level:
        together.add("tls_auth_level")
    return together


def _check_receive(after: ReceiveConnector, wanted: Mapping[str, object]) -> None:
    where = f"of {after.title}"
    mechanisms = {name.casefold() for name in after.auth_mechanism}
    if {"require_tls", "auth_mechanism"} & set(wanted) and (
        after.require_tls and "tls" not in mechanisms
    ):
        raise InvalidInput(
            f"RequireTLS {where} needs Tls in AuthMechanism: set auth_mechanism with Tls in it."
        )
    if "auth_mechanism" not in wanted:
        return
    if "basicauthrequiretls" in mechanisms and not {"basicauth", "tls"} <= mechanisms:
        raise InvalidInput(f"BasicAuthRequireTLS {where} needs BasicAuth and Tls as well.")
    if "externalauthoritative" in mechanisms and mechanisms - {"externalauthoritative", "tls"}:
        raise InvalidInput(f"ExternalAuthoritative {where} can only be combined with Tls.")
    given = _folded_set(wanted["auth_mechanism"])
    if "none" in given and len(given) > 1:
        raise InvalidInput(f"None in AuthMechanism {where} stands alone.")


def _receive_companions(changing: set[str], after: ReceiveConnector) -> set[str]:
    if "require_tls" in changing and after.require_tls:
        return {"auth_mechanism"}
    if "auth_mechanism" in changing and after.require_tls:
        return {"require_tls"}
    return set()


def _parameter_value(option: Option, value: object) -> object:
    if option.name == "auth_mechanism":
        order = {name.casefold(): index for index, name in enumerate(AUTH_MECHANISMS)}
        names = sorted(_iterable(value), key=lambda name: order.get(str(name).casefold(), 99))
        return ", ".join(str(name) for name in names) or "None"
    if option.name == "tls_domain_capabilities":
        return [str(item) for item in _iterable(value)] or None
    return value


def _capability_key(text: str) -> tuple[str, frozenset[str]]:
    """``domain:Capability,Capability``: without case, capabilities without order."""
    domain, _colon, capabilities = text.partition(":")
    names = frozenset(part.strip().casefold() for part in capabilities.split(",") if part.strip())
    return domain.strip().casefold(), names


def _folded(value: object) -> str:
    return str(value).strip().casefold() if value else ""


def _folded_set(value: object) -> set[str]:
    return {_folded(item) for item in _iterable(value)} - {""}


def _iterable(value: object) -> Iterable[object]:
    if value is None:
        return ()
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value if isinstance(value, Iterable) else (value,)


def leads_to_exchange_online(address_spaces: Iterable[str], smart_hosts: Iterable[str]) -> bool:
    """Whether mail of a Send connector goes to Exchange Online, by what the wizard sets there."""
    return any(_CLOUD_ADDRESS_SPACE in item.casefold() for item in address_spaces) or any(
        _CLOUD_HOST in item.casefold() for item in smart_hosts
    )


def send_connector_of(value: RemoteObject) -> SendConnector:
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
    )


def receive_connector_of(value: RemoteObject) -> ReceiveConnector:
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
        tls_domain_capabilities=_capability_texts(value.get("TlsDomainCapabilities")),
        suppress_x_anonymous_tls=value.get("SuppressXAnonymousTls") is True,
    )


def _set_text(value: Value) -> str | None:
    return text_of(value) or None


def _texts(value: Value) -> tuple[str, ...]:
    """Return the texts of a list or of a flags enum."""
    if isinstance(value, list):
        return tuple(filter(None, (text_of(item) for item in value)))
    return tuple(str(item) for item in _iterable(text_of(value)))


def _capability_texts(value: Value) -> tuple[str, ...]:
    """A single text is one entry: its comma separates capabilities, not entries."""
    return tuple(filter(None, (text_of(item) for item in list_of(value))))
