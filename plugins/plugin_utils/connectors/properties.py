# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which properties does a connector have, and which cmdlet takes them in which form?

One row for each; options, reading, comparison, sending and documentation (with the texts in
``documentation.yml``) follow from these tables, which are from the pages of Set- and
New-SendConnector, Set- and New-ReceiveConnector, and captured objects. Left out is what Exchange
2016 and later have no use for: IsCoexistenceConnector and LinkedReceiveConnector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.values import (
    Address,
    AddressSpaces,
    Boolean,
    CertificateName,
    CredentialUser,
    DomainCapabilities,
    ExactText,
    IPBindings,
    IPRanges,
    Kind,
    LimitedNumber,
    Number,
    Servers,
    Size,
    SmartHosts,
    TimeSpan,
    choice,
    flags,
)

AUTH_MECHANISMS = (
    "Tls",
    "Integrated",
    "BasicAuth",
    "BasicAuthRequireTLS",
    "ExchangeServer",
    "ExternalAuthoritative",
)
TLS_AUTH_LEVELS = ("EncryptionOnly", "CertificateValidation", "DomainValidation")
SEND_USAGES = ("Custom", "Internal", "Internet", "Partner")
RECEIVE_USAGES = ("Custom", "Internet", "Internal", "Client", "Partner")


@dataclass(frozen=True)
class Property:
    """A row: the option's name, the cmdlets' name of it, what kind of value it has."""

    name: str
    parameter: str
    kind: Kind
    # Whether it belongs to what a rotation reads, records and changes.
    tls: bool = False
    # Whether New- takes it; Set- takes all of them.
    at_creation: bool = True

    @property
    def argument(self) -> dict[str, Any]:
        """The option as an argument specification has it."""
        return dict(self.kind.argument)

    def parameter_value(self, value: Any) -> object:
        """What the cmdlet is sent; None clears."""
        if value is None:
            return self.kind.parameter(None)
        plain = sorted(value) if isinstance(value, frozenset) else value
        return self.kind.parameter(self.kind.normalize(plain))


def _boolean(name: str, parameter: str, **more: bool) -> Property:
    return Property(name, parameter, Boolean(), **more)


_LOGGING = choice("None", "Verbose")

SEND_PROPERTIES = (
    Property("tls_certificate_name", "TlsCertificateName", CertificateName(), tls=True),
    _boolean("require_tls", "RequireTLS", tls=True),
    Property("tls_auth_level", "TlsAuthLevel", choice(*TLS_AUTH_LEVELS, clears="none"), tls=True),
    Property("tls_domain", "TlsDomain", Kind(), tls=True),
    Property("fqdn", "Fqdn", Kind(), tls=True),
    _boolean("domain_secure_enabled", "DomainSecureEnabled", tls=True),
    _boolean("cloud_services_mail_enabled", "CloudServicesMailEnabled", tls=True),
    _boolean("ignore_starttls", "IgnoreSTARTTLS", tls=True),
    Property("address_spaces", "AddressSpaces", AddressSpaces()),
    Property("authentication_user", "AuthenticationCredential", CredentialUser()),
    Property("comment", "Comment", ExactText()),
    Property("connection_inactivity_timeout", "ConnectionInactivityTimeOut", TimeSpan()),
    Property("connector_type", "ConnectorType", choice("Default", "XPremises")),
    _boolean("dns_routing_enabled", "DNSRoutingEnabled"),
    _boolean("enabled", "Enabled"),
    Property(
        "error_policies",
        "ErrorPolicies",
        flags(
            "DowngradeDnsFailures",
            "DowngradeCustomFailures",
            "UpgradeCustomFailures",
            empty="Default",
        ),
    ),
    _boolean("force_helo", "ForceHELO"),
    _boolean("frontend_proxy_enabled", "FrontendProxyEnabled"),
    _boolean("is_scoped_connector", "IsScopedConnector"),
    Property("max_message_size", "MaxMessageSize", Size(limited=True)),
    Property("port", "Port", Number()),
    Property("protocol_logging_level", "ProtocolLoggingLevel", _LOGGING),
    _boolean("require_oorg", "RequireOorg"),
    Property(
        "smart_host_auth_mechanism",
        "SmartHostAuthMechanism",
        choice(
            "None", "BasicAuth", "BasicAuthRequireTLS", "ExchangeServer", "ExternalAuthoritative"
        ),
    ),
    Property("smart_hosts", "SmartHosts", SmartHosts()),
    Property("smtp_max_messages_per_connection", "SmtpMaxMessagesPerConnection", Number()),
    Property("source_ip_address", "SourceIPAddress", Address()),
    Property("source_transport_servers", "SourceTransportServers", Servers()),
    _boolean("use_external_dns_servers_enabled", "UseExternalDNSServersEnabled"),
)

RECEIVE_PROPERTIES = (
    Property("tls_certificate_name", "TlsCertificateName", CertificateName(), tls=True),
    _boolean("require_tls", "RequireTLS", tls=True),
    Property("auth_mechanism", "AuthMechanism", flags(*AUTH_MECHANISMS), tls=True),
    Property("fqdn", "Fqdn", Kind(), tls=True),
    _boolean("domain_secure_enabled", "DomainSecureEnabled", tls=True),
    Property("tls_domain_capabilities", "TlsDomainCapabilities", DomainCapabilities(), tls=True),
    _boolean("suppress_x_anonymous_tls", "SuppressXAnonymousTls", tls=True),
    _boolean("accept_consumer_mail", "AcceptConsumerMail"),
    _boolean("advertise_client_settings", "AdvertiseClientSettings"),
    Property("auth_tarpit_interval", "AuthTarpitInterval", TimeSpan()),
    Property("banner", "Banner", ExactText()),
    _boolean("bare_linefeed_rejection_enabled", "BareLinefeedRejectionEnabled", at_creation=False),
    _boolean("binary_mime_enabled", "BinaryMimeEnabled"),
    Property("bindings", "Bindings", IPBindings()),
    _boolean("chunking_enabled", "ChunkingEnabled"),
    Property("comment", "Comment", ExactText()),
    Property("connection_inactivity_timeout", "ConnectionInactivityTimeout", TimeSpan()),
    Property("connection_timeout", "ConnectionTimeout", TimeSpan()),
    Property("default_domain", "DefaultDomain", Kind()),
    _boolean("delivery_status_notification_enabled", "DeliveryStatusNotificationEnabled"),
    _boolean("eight_bit_mime_enabled", "EightBitMimeEnabled"),
    _boolean("enable_auth_gssapi", "EnableAuthGSSAPI"),
    _boolean("enabled", "Enabled"),
    _boolean("enhanced_status_codes_enabled", "EnhancedStatusCodesEnabled"),
    Property(
        "extended_protection_policy",
        "ExtendedProtectionPolicy",
        choice("None", "Allow", "Require"),
    ),
    _boolean("long_addresses_enabled", "LongAddressesEnabled"),
    Property("max_acknowledgement_delay", "MaxAcknowledgementDelay", TimeSpan()),
    Property("max_header_size", "MaxHeaderSize", Size()),
    Property("max_hop_count", "MaxHopCount", Number()),
    Property("max_inbound_connection", "MaxInboundConnection", LimitedNumber()),
    Property(
        "max_inbound_connection_percentage_per_source",
        "MaxInboundConnectionPercentagePerSource",
        Number(),
    ),
    Property("max_inbound_connection_per_source", "MaxInboundConnectionPerSource", LimitedNumber()),
    Property("max_local_hop_count", "MaxLocalHopCount", Number()),
    Property("max_logon_failures", "MaxLogonFailures", Number()),
    Property("max_message_size", "MaxMessageSize", Size()),
    Property("max_protocol_errors", "MaxProtocolErrors", LimitedNumber()),
    Property("max_recipients_per_message", "MaxRecipientsPerMessage", Number()),
    Property("message_rate_limit", "MessageRateLimit", LimitedNumber()),
    Property(
        "message_rate_source", "MessageRateSource", choice("None", "IPAddress", "User", "All")
    ),
    _boolean("orar_enabled", "OrarEnabled"),
    Property(
        "permission_groups",
        "PermissionGroups",
        flags(
            "AnonymousUsers",
            "ExchangeUsers",
            "ExchangeServers",
            "ExchangeLegacyServers",
            "Partners",
            ignored=("Custom",),
        ),
    ),
    _boolean("pipelining_enabled", "PipeliningEnabled"),
    Property("protocol_logging_level", "ProtocolLoggingLevel", _LOGGING),
    _boolean(
        "reject_reserved_second_level_recipient_domains",
        "RejectReservedSecondLevelRecipientDomains",
    ),
    _boolean(
        "reject_reserved_top_level_recipient_domains", "RejectReservedTopLevelRecipientDomains"
    ),
    _boolean("reject_single_label_recipient_domains", "RejectSingleLabelRecipientDomains"),
    Property("remote_ip_ranges", "RemoteIPRanges", IPRanges()),
    _boolean("require_ehlo_domain", "RequireEHLODomain"),
    Property("service_discovery_fqdn", "ServiceDiscoveryFqdn", Kind()),
    Property("size_enabled", "SizeEnabled", choice("Enabled", "Disabled", "EnabledWithoutValue")),
    _boolean("smtp_utf8_enabled", "SmtpUtf8Enabled", at_creation=False),
    Property("tarpit_interval", "TarpitInterval", TimeSpan()),
    Property("transport_role", "TransportRole", choice("FrontendTransport", "HubTransport")),
)

SEND_TLS_PROPERTIES = tuple(item for item in SEND_PROPERTIES if item.tls)
RECEIVE_TLS_PROPERTIES = tuple(item for item in RECEIVE_PROPERTIES if item.tls)
