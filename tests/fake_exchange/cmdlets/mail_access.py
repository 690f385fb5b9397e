# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do Get-/Set-PopSettings and Get-/Set-ImapSettings do? The settings of one server each, which
the services read when they start."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fake_exchange.clixml import directory_types as directory
from fake_exchange.clixml import network_types as network
from fake_exchange.clixml import value_types as values
from fake_exchange.clixml.directory_types import CONFIGURATION_OBJECT, Getters
from fake_exchange.clixml.objects import OutputObject, enum, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import (
    CONFIGURATION,
    DATA,
    Change,
    Setting,
    folded,
    refuse,
    value_of,
)
from fake_exchange.cmdlets.conversion import ConversionError
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.servers import server_identity
from fake_exchange.organisation.bindings import parse_binding
from fake_exchange.organisation.model import MailAccessSettings, Organisation, Server

TASKS = "Microsoft.Exchange.Management.Tasks."
_MOST = 2**31 - 1
_HALF_MINUTE, _HOUR = 30, 3600

_ENUMERATIONS = {
    "CalendarItemRetrievalOption": ("iCalendar", "intranetUrl", "InternetUrl", "Custom"),
    "ExtendedProtectionPolicy": ("None", "Allow", "Require"),
    "LogFileRollOverSettings": ("Hourly", "Daily", "Weekly", "Monthly"),
    "LoginType": ("PlainTextLogin", "PlainTextAuthentication", "SecureLogin"),
    "MessageRetrievalMimeFormat": (
        "TextOnly",
        "HtmlOnly",
        "HtmlAndTextAlternative",
        "TextEnrichedOnly",
        "TextEnrichedAndTextAlternative",
        "BestBodyFormat",
        "Tnef",
    ),
    "MessageRetrievalSortOrder": ("Ascending", "Descending"),
}
_TYPES = {
    "CalendarItemRetrievalOption": DATA + "Directory.CalendarItemRetrievalOptions",
    "ExtendedProtectionPolicy": CONFIGURATION + "ExtendedProtectionTokenCheckingMode",
    "LogFileRollOverSettings": CONFIGURATION + "LogFileRollOver",
    "LoginType": CONFIGURATION + "LoginOptions",
    "MessageRetrievalMimeFormat": DATA + "Directory.MimeTextFormat",
    "MessageRetrievalSortOrder": CONFIGURATION + "SortOrder",
}
#: Numbers of these begin with 1.
_FROM_ONE = ("LogFileRollOverSettings", "LoginType")


@dataclass(frozen=True)
class Protocol:
    """POP3 or IMAP4: what is called and counted differently."""

    service: str
    name: str
    class_name: str
    secure_port: int
    command_size: tuple[int, int, int]
    back_end_port: int


POP = Protocol("POP", "POP3", "Pop3AdConfiguration", 995, (512, 40, 1024), 1995)
IMAP = Protocol("IMAP", "IMAP4", "Imap4AdConfiguration", 993, (10_240, 40, 16_384), 1993)


def _bindings_key(items: list[str]) -> list[tuple[str, int]]:
    return [parse_binding(item) for item in items]


def _connection_settings(value: Any) -> str:
    """``host:port`` and, unless it is unencrypted, ``:TLS`` or ``:SSL``."""
    text = conversion.required_text(value).strip()
    match = re.fullmatch(r"([A-Za-z0-9.-]+):(\d{1,5})(?::(TLS|SSL)?)?", text, re.IGNORECASE)
    if match is None or not 0 < int(match[2]) < 65_536:
        raise ConversionError(
            f'Cannot convert value "{text}" to type "{DATA}ProtocolConnectionSettings".'
        )
    return f"{match[1]}:{int(match[2])}" + (f":{match[3].upper()}" if match[3] else "")


def _choice(name: str, default: str) -> Setting:
    convert = conversion.enumeration(_TYPES[name], _ENUMERATIONS[name])
    if name in _FROM_ONE:
        plain = convert

        def convert(value: Any) -> Any:
            return plain(value - 1 if type(value) is int else value)

    return Setting(name, convert, default)


def _settings(protocol: Protocol) -> tuple[Setting, ...]:
    size, least, most = protocol.command_size
    longest = _HOUR if protocol is POP else 24 * _HOUR
    times = ((_HALF_MINUTE, longest), values.time_span_text)
    own = (
        _choice("MessageRetrievalSortOrder", "Ascending")
        if protocol is POP
        else Setting("ShowHiddenFoldersEnabled", conversion.boolean, False)
    )
    banner = f"The Microsoft Exchange {protocol.name} service is ready."
    log = f"C:\\Program Files\\Microsoft\\Exchange Server\\V15\\Logging\\{protocol.name.title()}"
    bindings = conversion.multi_value(conversion.ip_binding)
    connections = conversion.multi_value(_connection_settings)
    return (
        Setting("MaxCommandSize", conversion.integer, size, (least, most)),
        own,
        Setting("UnencryptedOrTLSBindings", bindings, key=_bindings_key),
        Setting("SSLBindings", bindings, key=_bindings_key),
        Setting("InternalConnectionSettings", connections, key=folded),
        Setting("ExternalConnectionSettings", connections, key=folded),
        Setting("X509CertificateName", conversion.text_or_empty, key=str.casefold),
        Setting("Banner", conversion.text_or_empty, banner),
        _choice("LoginType", "SecureLogin"),
        Setting("AuthenticatedConnectionTimeout", conversion.duration, 1800, *times),
        Setting("PreAuthenticatedConnectionTimeout", conversion.duration, 60, *times),
        Setting("MaxConnections", conversion.integer, _MOST, (1, _MOST)),
        Setting("MaxConnectionFromSingleIP", conversion.integer, _MOST, (1, _MOST)),
        Setting("MaxConnectionsPerUser", conversion.integer, 16, (1, _MOST)),
        _choice("MessageRetrievalMimeFormat", "BestBodyFormat"),
        Setting("ProxyTargetPort", conversion.integer, protocol.back_end_port, (1, 65_535)),
        _choice("CalendarItemRetrievalOption", "iCalendar"),
        Setting("OwaServerUrl", conversion.text),
        Setting("EnableExactRFC822Size", conversion.boolean, False),
        Setting("SuppressReadReceipt", conversion.boolean, False),
        Setting("ProtocolLogEnabled", conversion.boolean, False),
        Setting("EnforceCertificateErrors", conversion.boolean, False),
        Setting("LogFileLocation", conversion.required_text, log),
        _choice("LogFileRollOverSettings", "Hourly"),
        Setting("LogPerFileSizeQuota", conversion.unlimited(conversion.size), 0),
        _choice("ExtendedProtectionPolicy", "None"),
        Setting("EnableGSSAPIAndNTLMAuth", conversion.boolean, True),
    )


SETTINGS = {protocol.service: _settings(protocol) for protocol in (POP, IMAP)}


def _shown(name: str, value: Any) -> Any:
    if name in _ENUMERATIONS:
        number = _ENUMERATIONS[name].index(value) + (name in _FROM_ONE)
        return enum(_TYPES[name], value, number)
    if name.endswith("Bindings"):
        return directory.data_list("IPBinding", map(network.ip_binding, value))
    if name.endswith("ConnectionSettings"):
        return directory.data_list(
            "ProtocolConnectionSettings", map(values.protocol_connection_settings, value)
        )
    if name.endswith("Timeout"):
        return values.enhanced_time_span(value)
    if name == "LogPerFileSizeQuota":
        return values.unlimited_size(value)
    return value


def _getter(settings: MailAccessSettings, setting: Setting) -> Callable[[], Any]:
    return lambda: _shown(setting.name, value_of(settings, setting))


def settings_output(organisation: Organisation, server: Server, protocol: Protocol) -> OutputObject:
    """The settings of one service: the documented properties, no capture exists."""
    settings = server.mail_access[protocol.service]
    home = directory.server_dn(server.Name, organisation.Name, organisation.domain)
    dn = f"CN=1,CN={protocol.name},CN=Protocols,{home}"
    identity = f"{server.Name}\\1"
    common = directory.directory_members(
        distinguished_name=dn,
        guid=settings.Guid,
        identity=directory.ad_object_id(dn, guid=settings.Guid, text=identity),
        domain=organisation.domain,
        schema_class=f"ms-Exch-Protocol-Cfg-{protocol.service}-Server",
        object_classes=("top", "protocolCfg", f"protocolCfg{protocol.service}"),
        changed=settings.WhenChanged,
        created=settings.WhenCreated,
        domain_controller=organisation.domain_controller,
        time_zone=organisation.time_zone,
    )
    getters: Getters = {
        "ProtocolName": lambda: protocol.name,
        "Name": lambda: "1",
        **{setting.name: _getter(settings, setting) for setting in SETTINGS[protocol.service]},
        "Server": lambda: server_identity(organisation, server),
        "AdminDisplayName": lambda: "",
        "ExchangeVersion": lambda: directory.object_version(0, 10, "14.0.100.0"),
        **common["name"],
        **common["dates"],
        **common["state"],
    }
    type_names = (
        CONFIGURATION + protocol.class_name,
        CONFIGURATION + "PopImapAdConfiguration",
        CONFIGURATION + "ADEmailTransport",
        *CONFIGURATION_OBJECT,
    )
    return output_of(type_names, identity, getters)


def _server(invocation: Invocation, protocol: Protocol) -> Server:
    """The server that is meant: the session's own, if none is named."""
    server: Server = invocation.server_or_landed()
    if protocol.service not in server.mail_access:
        raise invocation.error(
            f"The {protocol.name} service isn't installed on server {server.Name}.",
            category="InvalidArgument",
        )
    return server


def _get(invocation: Invocation, protocol: Protocol) -> Iterator[OutputObject]:
    yield settings_output(invocation.organisation, _server(invocation, protocol), protocol)


def _check(invocation: Invocation, change: Change) -> None:
    change.check_limits(invocation)
    name = change.given.get("X509CertificateName")
    if name:
        try:
            conversion.domain_name(name)
        except ConversionError:
            raise refuse(
                invocation,
                f"The value '{name}' of the X509CertificateName parameter isn't a fully qualified "
                "domain name.",
            ) from None
    if change["CalendarItemRetrievalOption"] == "Custom" and not change["OwaServerUrl"]:
        raise refuse(
            invocation,
            "The OwaServerUrl parameter must be specified if the CalendarItemRetrievalOption "
            "parameter is set to Custom.",
        )


def _set(invocation: Invocation, protocol: Protocol) -> Iterator[OutputObject]:
    server = _server(invocation, protocol)
    identity = f"{server.Name}\\1"
    invocation.changed = identity
    if not invocation.should_process(f'Setting {protocol.name} settings "{identity}".'):
        return
    settings: MailAccessSettings = server.mail_access[protocol.service]
    with invocation.organisation.lock:
        change = Change(invocation, settings, SETTINGS[protocol.service])
        _check(invocation, change)
        changes = bool(change.differing())
        change.apply(invocation, identity)
    if changes:
        invocation.warn(
            f"Changes to {protocol.name} settings will only take effect after all Microsoft "
            f"Exchange {protocol.name} services are restarted on server {server.Name}."
        )
    yield from ()


def _cmdlets(protocol: Protocol, noun: str) -> tuple[CmdletDefinition, ...]:
    common = (
        Parameter("Server", conversion.required_text),
        Parameter("DomainController", conversion.domain_name),
    )
    return (
        CmdletDefinition(
            f"Get-{noun}",
            f"{TASKS}Get{protocol.name}Configuration",
            common,
            lambda invocation: _get(invocation, protocol),
        ),
        CmdletDefinition(
            f"Set-{noun}",
            f"{TASKS}Set{protocol.name}Configuration",
            (*(setting.parameter for setting in SETTINGS[protocol.service]), *common),
            lambda invocation: _set(invocation, protocol),
            should_process=True,
        ),
    )


CMDLETS = (*_cmdlets(POP, "PopSettings"), *_cmdlets(IMAP, "ImapSettings"))
