# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings of a connector go together, and which would Exchange refuse?

Said beforehand, only about settings that a task is touching, with the option to set (pages of
Set-SendConnector, New-SendConnector, Set-ReceiveConnector and New-ReceiveConnector).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

ValueOf = Callable[[str], Any]
_NEEDS_CREDENTIAL = ("basicauth", "basicauthrequiretls")


def check_send(title: str, value: ValueOf, wanted: Mapping[str, object]) -> None:
    """Refuse what Exchange would refuse.

    Args:
        title: how messages name the connector.
        value: the values after the change, by option name.
        wanted: what the task gives.

    Raises:
        InvalidInput: with what to give instead.
    """
    where = f"of {title}"
    _check_send_tls(where, value, wanted)
    if _given(wanted, "address_spaces") and not value("address_spaces"):
        raise InvalidInput(f"AddressSpaces {where} needs at least one address space.")
    if _given(wanted, "source_transport_servers") and not value("source_transport_servers"):
        raise InvalidInput(f"SourceTransportServers {where} needs at least one server.")
    if _given(wanted, "smart_hosts", "dns_routing_enabled"):
        _check_routing(where, value)
    if _given(wanted, "smart_host_auth_mechanism", "authentication_user"):
        _check_login(where, value)
    hindered = value("ignore_starttls") or value("dns_routing_enabled") is False
    if _given(wanted, "domain_secure_enabled") and value("domain_secure_enabled") and hindered:
        raise InvalidInput(
            f"DomainSecureEnabled {where} needs DNSRoutingEnabled, and IgnoreSTARTTLS off."
        )


def _check_send_tls(where: str, value: ValueOf, wanted: Mapping[str, object]) -> None:
    level, domain, requires = value("tls_auth_level"), value("tls_domain"), value("require_tls")
    if _given(wanted, "require_tls", "ignore_starttls") and requires and value("ignore_starttls"):
        raise InvalidInput(
            f"RequireTLS {where} cannot be on while IgnoreSTARTTLS is on: set ignore_starttls: "
            "false with it."
        )
    if _given(wanted, "tls_auth_level", "require_tls") and level and not requires:
        raise InvalidInput(
            f"TlsAuthLevel {where} needs RequireTLS: set require_tls: true with it"
            + (", or clear the level (tls_auth_level: none)." if "require_tls" in wanted else ".")
        )
    touched = _given(wanted, "tls_domain", "tls_auth_level")
    if touched and domain and _folded(level) != "domainvalidation":
        raise InvalidInput(
            f"TlsDomain {where} can only be set with TlsAuthLevel DomainValidation: set "
            "tls_auth_level: DomainValidation, or clear tls_domain."
        )
    by_smart_host = value("dns_routing_enabled") is False
    if touched and _folded(level) == "domainvalidation" and not domain and by_smart_host:
        raise InvalidInput(
            f"TlsAuthLevel DomainValidation {where} needs tls_domain, because the connector sends "
            "through a smart host."
        )


def _check_routing(where: str, value: ValueOf) -> None:
    if value("dns_routing_enabled") is not False and value("smart_hosts"):
        raise InvalidInput(
            f"SmartHosts {where} cannot be used while DNSRoutingEnabled is on: set "
            "dns_routing_enabled: false with it."
        )
    if value("dns_routing_enabled") is False and not value("smart_hosts"):
        raise InvalidInput(
            f"Without DNSRoutingEnabled {where} needs smart hosts: give smart_hosts, or set "
            "dns_routing_enabled: true."
        )


def _check_login(where: str, value: ValueOf) -> None:
    mechanism = _folded(value("smart_host_auth_mechanism"))
    if mechanism in ("", "none"):
        return
    if value("dns_routing_enabled") is not False:
        raise InvalidInput(
            f"SmartHostAuthMechanism {where} is for smart hosts: give smart_hosts and "
            "dns_routing_enabled: false with it."
        )
    if mechanism in _NEEDS_CREDENTIAL and not value("authentication_user"):
        raise InvalidInput(
            f"SmartHostAuthMechanism {value('smart_host_auth_mechanism')} {where} needs "
            "authentication_user and authentication_password."
        )


def send_companions(changing: Container[str], value: ValueOf) -> set[str]:
    """The options that Exchange demands in the same call as those that change."""
    together: set[str] = set()
    if (
        "tls_certificate_name" in changing
        and value("tls_certificate_name")
        and value("require_tls")
    ):
        together.add("require_tls")
    if "tls_auth_level" in changing and value("tls_auth_level"):
        together.add("require_tls")
        if value("tls_domain"):
            together.add("tls_domain")
    if "tls_domain" in changing and value("tls_domain"):
        together |= {"tls_auth_level", "require_tls"}
    if "require_tls" in changing and value("require_tls") and value("tls_auth_level"):
        together.add("tls_auth_level")
    if "dns_routing_enabled" in changing:
        together.add("smart_hosts")
    return together


def check_receive(title: str, value: ValueOf, wanted: Mapping[str, object]) -> None:
    """Refuse what Exchange would refuse; see ``check_send``."""
    where = f"of {title}"
    mechanisms = {name.casefold() for name in value("auth_mechanism") or ()}
    if _given(wanted, "require_tls", "auth_mechanism") and (
        value("require_tls") and "tls" not in mechanisms
    ):
        raise InvalidInput(
            f"RequireTLS {where} needs Tls in AuthMechanism: set auth_mechanism with Tls in it."
        )
    if _given(wanted, "auth_mechanism"):
        _check_mechanisms(where, mechanisms)
    for name, parameter in (("bindings", "Bindings"), ("remote_ip_ranges", "RemoteIPRanges")):
        if _given(wanted, name) and not value(name):
            raise InvalidInput(f"{parameter} {where} needs at least one value.")
    banner = value("banner")
    if _given(wanted, "banner") and banner and not str(banner).startswith("220"):
        raise InvalidInput(f"Banner {where} must begin with 220, and is '{banner}'.")
    if _given(wanted, "binary_mime_enabled", "chunking_enabled") and (
        value("binary_mime_enabled") and value("chunking_enabled") is False
    ):
        raise InvalidInput(
            f"BinaryMimeEnabled {where} needs ChunkingEnabled: set both or none of them."
        )


def _check_mechanisms(where: str, mechanisms: set[str]) -> None:
    if "basicauthrequiretls" in mechanisms and not {"basicauth", "tls"} <= mechanisms:
        raise InvalidInput(f"BasicAuthRequireTLS {where} needs BasicAuth and Tls as well.")
    if "externalauthoritative" in mechanisms and mechanisms - {"externalauthoritative", "tls"}:
        raise InvalidInput(f"ExternalAuthoritative {where} can only be combined with Tls.")


def receive_companions(changing: Container[str], value: ValueOf) -> set[str]:
    """The options that Exchange demands in the same call as those that change."""
    if "require_tls" in changing and value("require_tls"):
        return {"auth_mechanism"}
    if "auth_mechanism" in changing and value("require_tls"):
        return {"require_tls"}
    return set()


def _given(wanted: Mapping[str, object], *names: str) -> bool:
    return any(name in wanted for name in names)


def _folded(value: object) -> str:
    return str(value).strip().casefold() if value else ""
