#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_receive_connector``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_receive_connector
short_description: Manage a Receive connector with all of its properties
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Creates, changes and removes a Receive connector of a server, with all of its properties and its extended rights. Only what differs is sent.
  - Values are compared by what they mean to Exchange. Names have no case and lists no order, V(36 MB) is V(37748736), V(192.0.2.0/24) is
    V(192.0.2.0-192.0.2.255), and what Exchange shows can be given as it is.
  - An option that is left out stays as it is.
  - A connector that is not there is created only when O(bindings) or O(usage) are given, so that a slip in a name creates nothing.
  - For the TLS side of an existing connector alone there is M(mailops.exchange.exchange_receive_connector_tls).
options:
  name:
    description:
      - Name of the Receive connector, with or without the server in front, such as V(Relay) or V(EX01\\Relay).
    type: str
    required: true
    aliases: [identity]
  state:
    description:
      - Whether the connector shall be there.
    type: str
    choices: [present, absent]
    default: present
  usage:
    description:
      - What a new connector is for (C(Usage)), which gives it groups and mechanisms. V(Internet) brings O(remote_ip_ranges) along, V(Internal) and V(Client)
        bring O(bindings), which then must not be given. V(Custom), the default, and V(Partner) need both.
      - Has no meaning for a connector that is there.
    type: str
    choices: [Custom, Internet, Internal, Client, Partner]
  # Options written by make connector-documentation, from connectors/documentation.yml:
  tls_certificate_name:
    description:
      - The certificate (C(TlsCertificateName)), as C(<I>issuer<S>subject). Any usual spelling is understood, with closing tags, blanks or other case,
        and rewritten to the one that Exchange finds.
      - Empty text clears the value, Exchange then chooses by O(fqdn).
      - Instead of it the certificate can be given by a file or by its O(thumbprint), and the value is computed from it.
    type: str
  require_tls:
    description:
      - Whether clients must use TLS (C(RequireTLS)). Needs V(Tls) among O(auth_mechanism).
      - Leave it off on the connector that takes mail from the Internet.
    type: bool
  auth_mechanism:
    description:
      - All mechanisms that the connector offers (C(AuthMechanism)). Order and case do not matter. The list replaces the present one.
      - V(BasicAuthRequireTLS) needs V(BasicAuth) and V(Tls). V(ExternalAuthoritative) goes only with V(Tls). V(None) stands alone.
    type: list
    elements: str
    choices: [None, Tls, Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer, ExternalAuthoritative]
  fqdn:
    description:
      - Name in the banner (C(Fqdn)), by which a certificate is looked up when no O(tls_certificate_name) is set.
      - Do not change it on the connector C(Default SERVER), Exchange servers need it among themselves.
    type: str
  domain_secure_enabled:
    description:
      - Whether the connector is for mutual TLS with Domain Security (C(DomainSecureEnabled)).
    type: bool
  tls_domain_capabilities:
    description:
      - What senders that prove a domain by their certificate may do (C(TlsDomainCapabilities)), each as C(domain:capability) or
        C(domain:capability,capability). The list replaces the present one; an empty list clears it.
      - For hybrid it is V(mail.protection.outlook.com:AcceptCloudServicesMail).
    type: list
    elements: str
  suppress_x_anonymous_tls:
    description:
      - Whether the connector does not offer X-ANONYMOUSTLS (C(SuppressXAnonymousTls)), for WAN links with their own compression.
    type: bool
  accept_consumer_mail:
    description:
      - Whether mail of consumer services is accepted (C(AcceptConsumerMail)).
    type: bool
  advertise_client_settings:
    description:
      - Whether Outlook on the web shows users the settings of this connector (C(AdvertiseClientSettings)).
    type: bool
  auth_tarpit_interval:
    description:
      - Delay after a failed login (C(AuthTarpitInterval)), as C(hh:mm:ss).
    type: str
  banner:
    description:
      - Text of the greeting (C(Banner)), which begins with V(220). Empty text gives Exchange's own.
    type: str
  bare_linefeed_rejection_enabled:
    description:
      - Whether messages with line feeds that no carriage return precedes are rejected (C(BareLinefeedRejectionEnabled)).
    type: bool
  binary_mime_enabled:
    description:
      - Whether BINARYMIME is offered (C(BinaryMimeEnabled)). Needs O(chunking_enabled=true).
    type: bool
  bindings:
    description:
      - Local addresses and ports (C(Bindings)), such as V(0.0.0.0:25) and V([::]:25). The list replaces the present one.
      - A wrong address keeps transport from starting.
    type: list
    elements: str
  chunking_enabled:
    description:
      - Whether CHUNKING is offered (C(ChunkingEnabled)).
    type: bool
  comment:
    description:
      - Free text (C(Comment)). Empty text clears it.
    type: str
  connection_inactivity_timeout:
    description:
      - How long an idle connection stays open (C(ConnectionInactivityTimeout)), as C([d.]hh:mm:ss). Less than O(connection_timeout).
    type: str
  connection_timeout:
    description:
      - How long a connection stays open at all (C(ConnectionTimeout)), as C([d.]hh:mm:ss).
    type: str
  default_domain:
    description:
      - Accepted domain that is added to senders without one (C(DefaultDomain)). Empty text clears it.
    type: str
  delivery_status_notification_enabled:
    description:
      - Whether DSN is offered (C(DeliveryStatusNotificationEnabled)).
    type: bool
  eight_bit_mime_enabled:
    description:
      - Whether 8BITMIME is offered (C(EightBitMimeEnabled)).
    type: bool
  enable_auth_gssapi:
    description:
      - Whether Kerberos is offered with integrated authentication (C(EnableAuthGSSAPI)).
    type: bool
  enabled:
    description:
      - Whether the connector is used (C(Enabled)).
    type: bool
  enhanced_status_codes_enabled:
    description:
      - Whether ENHANCEDSTATUSCODES is offered (C(EnhancedStatusCodesEnabled)).
    type: bool
  extended_protection_policy:
    description:
      - Whether Extended Protection is used with integrated authentication (C(ExtendedProtectionPolicy)).
    type: str
    choices: [None, Allow, Require]
  long_addresses_enabled:
    description:
      - Whether long X.400 addresses are accepted (C(LongAddressesEnabled)). For connectors of the Transport service only.
    type: bool
  max_acknowledgement_delay:
    description:
      - How long an acknowledgement waits for shadow redundancy (C(MaxAcknowledgementDelay)), as C(hh:mm:ss).
    type: str
  max_header_size:
    description:
      - Largest header (C(MaxHeaderSize)), such as V(256 KB).
    type: str
  max_hop_count:
    description:
      - Most hops of a message (C(MaxHopCount)).
    type: int
  max_inbound_connection:
    description:
      - Most connections at a time (C(MaxInboundConnection)), a number or V(Unlimited).
    type: str
  max_inbound_connection_percentage_per_source:
    description:
      - Share of the free connections that one address may have (C(MaxInboundConnectionPercentagePerSource)), in percent.
    type: int
  max_inbound_connection_per_source:
    description:
      - Most connections of one address (C(MaxInboundConnectionPerSource)), a number or V(Unlimited).
    type: str
  max_local_hop_count:
    description:
      - Most hops within the organization (C(MaxLocalHopCount)).
    type: int
  max_logon_failures:
    description:
      - Failed logins before the connection is closed (C(MaxLogonFailures)).
    type: int
  max_message_size:
    description:
      - Largest message (C(MaxMessageSize)), such as V(36 MB).
    type: str
  max_protocol_errors:
    description:
      - Protocol errors before the connection is closed (C(MaxProtocolErrors)), a number or V(Unlimited).
    type: str
  max_recipients_per_message:
    description:
      - Most recipients of a message (C(MaxRecipientsPerMessage)).
    type: int
  message_rate_limit:
    description:
      - Most messages of one address in a minute (C(MessageRateLimit)), a number or V(Unlimited).
    type: str
  message_rate_source:
    description:
      - What O(message_rate_limit) is counted by (C(MessageRateSource)).
    type: str
    choices: [None, IPAddress, User, All]
  orar_enabled:
    description:
      - Whether alternate recipients named by the sender are accepted (C(OrarEnabled)).
    type: bool
  permission_groups:
    description:
      - Who may use the connector (C(PermissionGroups)). The list replaces the present one.
      - V(Custom) is shown by Exchange when rights were changed one by one. It is understood, ignored in comparison, and never sent.
    type: list
    elements: str
    choices: [None, AnonymousUsers, ExchangeUsers, ExchangeServers, ExchangeLegacyServers, Partners, Custom]
  pipelining_enabled:
    description:
      - Whether PIPELINING is offered (C(PipeliningEnabled)).
    type: bool
  protocol_logging_level:
    description:
      - Whether the SMTP conversation is logged (C(ProtocolLoggingLevel)).
    type: str
    choices: [None, Verbose]
  reject_reserved_second_level_recipient_domains:
    description:
      - Whether recipients in reserved domains of the second level are rejected (C(RejectReservedSecondLevelRecipientDomains)), such as
        C(example.com).
    type: bool
  reject_reserved_top_level_recipient_domains:
    description:
      - Whether recipients in reserved top-level domains are rejected (C(RejectReservedTopLevelRecipientDomains)), such as C(.test).
    type: bool
  reject_single_label_recipient_domains:
    description:
      - Whether recipients in domains without a dot are rejected (C(RejectSingleLabelRecipientDomains)).
    type: bool
  remote_ip_ranges:
    description:
      - 'Addresses that may connect (C(RemoteIPRanges)): single ones, C(first-last), or networks such as V(192.0.2.0/24). The list replaces the
        present one.'
    type: list
    elements: str
  require_ehlo_domain:
    description:
      - Whether EHLO has to name a domain (C(RequireEHLODomain)).
    type: bool
  service_discovery_fqdn:
    description:
      - Name for service discovery (C(ServiceDiscoveryFqdn)). Empty text clears it.
    type: str
  size_enabled:
    description:
      - How SIZE is offered (C(SizeEnabled)).
    type: str
    choices: [Enabled, Disabled, EnabledWithoutValue]
  smtp_utf8_enabled:
    description:
      - Whether SMTPUTF8 is offered (C(SmtpUtf8Enabled)).
    type: bool
  tarpit_interval:
    description:
      - Delay for senders that seem to abuse the connection (C(TarpitInterval)), as C(hh:mm:ss).
    type: str
  transport_role:
    description:
      - Service that the connector belongs to (C(TransportRole)); connectors of both services cannot share a binding.
    type: str
    choices: [FrontendTransport, HubTransport]
  # End of the options written by make connector-documentation.
extends_documentation_fragment:
  - mailops.exchange.certificate_source
  - mailops.exchange.extended_rights
  - mailops.exchange.exchange
  - mailops.exchange.record
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: full
    details: The value of the certificate is computed from its file, so the server need not hold it yet.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: mailops.exchange.exchange_receive_connector_tls
  - module: mailops.exchange.exchange_send_connector
  - module: mailops.exchange.exchange_certificate
  - name: Set-ReceiveConnector
    description: The cmdlet behind this module, with all its parameters.
    link: https://learn.microsoft.com/en-us/powershell/module/exchangepowershell/set-receiveconnector
notes:
  - The server must hold the certificate and have it enabled for SMTP, else the connector stops offering STARTTLS.
  - O(thumbprint) alone is looked up among the certificates of the O(server).
  - A new connector takes effect at once; a certificate that it names is presented when transport has loaded it.
"""

EXAMPLES = r"""
- name: Let printers relay, and nobody else
  mailops.exchange.exchange_receive_connector:
    name: Relay for printers
    transport_role: FrontendTransport
    bindings: ["0.0.0.0:25"]
    remote_ip_ranges: [192.0.2.0/24]
    auth_mechanism: [Tls]
    permission_groups: [AnonymousUsers]
    protocol_logging_level: Verbose
    extended_rights:
      - user: NT AUTHORITY\ANONYMOUS LOGON
        rights: [Ms-Exch-SMTP-Accept-Any-Recipient]

- name: Allow larger messages
  mailops.exchange.exchange_receive_connector:
    name: "Default Frontend {{ ansible_exchange_server }}"
    max_message_size: 100 MB

- name: Remove a connector
  mailops.exchange.exchange_receive_connector:
    name: Relay for printers
    state: absent
"""

RETURN = r"""
connector:
  description: The connector after the task; in check mode, as it would be. With O(state=absent), as it was.
  returned: success, when there is one
  type: dict
  contains:
    name:
      description: Name of the connector.
      returned: always
      type: str
      sample: Default Frontend EX01
    identity:
      description: Server and name.
      returned: always
      type: str
      sample: EX01\Default Frontend EX01
    # Results written by make connector-documentation, from connectors/documentation.yml:
    tls_certificate_name:
      description:
        - The certificate (C(TlsCertificateName)), as C(<I>issuer<S>subject). V(null) when none is named.
      returned: always
      type: str
      sample: "<I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso"
    require_tls:
      description:
        - Whether clients must use TLS (C(RequireTLS)). Needs V(Tls) among RV(connector.auth_mechanism).
      returned: always
      type: bool
      sample: false
    auth_mechanism:
      description:
        - All mechanisms that the connector offers (C(AuthMechanism)). Order and case do not matter.
      returned: always
      type: list
      elements: str
      sample: ["Tls", "Integrated", "BasicAuth", "BasicAuthRequireTLS", "ExchangeServer"]
    fqdn:
      description:
        - Name in the banner (C(Fqdn)), by which a certificate is looked up when no RV(connector.tls_certificate_name) is set. V(null) when there is
          none.
      returned: always
      type: str
      sample: "mail.contoso.com"
    domain_secure_enabled:
      description:
        - Whether the connector is for mutual TLS with Domain Security (C(DomainSecureEnabled)).
      returned: always
      type: bool
      sample: false
    tls_domain_capabilities:
      description:
        - What senders that prove a domain by their certificate may do (C(TlsDomainCapabilities)), each as C(domain:capability) or
          C(domain:capability,capability).
      returned: always
      type: list
      elements: str
      sample: ["mail.protection.outlook.com:AcceptCloudServicesMail"]
    suppress_x_anonymous_tls:
      description:
        - Whether the connector does not offer X-ANONYMOUSTLS (C(SuppressXAnonymousTls)), for WAN links with their own compression.
      returned: always
      type: bool
      sample: false
    accept_consumer_mail:
      description:
        - Whether mail of consumer services is accepted (C(AcceptConsumerMail)).
      returned: always
      type: bool
      sample: false
    advertise_client_settings:
      description:
        - Whether Outlook on the web shows users the settings of this connector (C(AdvertiseClientSettings)).
      returned: always
      type: bool
      sample: false
    auth_tarpit_interval:
      description:
        - Delay after a failed login (C(AuthTarpitInterval)), as C(hh:mm:ss).
      returned: always
      type: str
      sample: "00:00:05"
    banner:
      description:
        - Text of the greeting (C(Banner)), which begins with V(220). V(null) when it is Exchange's own.
      returned: always
      type: str
      sample: null
    bare_linefeed_rejection_enabled:
      description:
        - Whether messages with line feeds that no carriage return precedes are rejected (C(BareLinefeedRejectionEnabled)).
      returned: always
      type: bool
      sample: false
    binary_mime_enabled:
      description:
        - Whether BINARYMIME is offered (C(BinaryMimeEnabled)). Needs RV(connector.chunking_enabled=true).
      returned: always
      type: bool
      sample: true
    bindings:
      description:
        - Local addresses and ports (C(Bindings)), such as V(0.0.0.0:25) and V([::]:25).
      returned: always
      type: list
      elements: str
      sample: ["0.0.0.0:25", "[::]:25"]
    chunking_enabled:
      description:
        - Whether CHUNKING is offered (C(ChunkingEnabled)).
      returned: always
      type: bool
      sample: true
    comment:
      description:
        - Free text (C(Comment)). V(null) when it is not set.
      returned: always
      type: str
      sample: "Relay for printers"
    connection_inactivity_timeout:
      description:
        - How long an idle connection stays open (C(ConnectionInactivityTimeout)), as C([d.]hh:mm:ss). Less than RV(connector.connection_timeout).
      returned: always
      type: str
      sample: "00:05:00"
    connection_timeout:
      description:
        - How long a connection stays open at all (C(ConnectionTimeout)), as C([d.]hh:mm:ss).
      returned: always
      type: str
      sample: "00:10:00"
    default_domain:
      description:
        - Accepted domain that is added to senders without one (C(DefaultDomain)). V(null) when it is not set.
      returned: always
      type: str
      sample: null
    delivery_status_notification_enabled:
      description:
        - Whether DSN is offered (C(DeliveryStatusNotificationEnabled)).
      returned: always
      type: bool
      sample: true
    eight_bit_mime_enabled:
      description:
        - Whether 8BITMIME is offered (C(EightBitMimeEnabled)).
      returned: always
      type: bool
      sample: true
    enable_auth_gssapi:
      description:
        - Whether Kerberos is offered with integrated authentication (C(EnableAuthGSSAPI)).
      returned: always
      type: bool
      sample: false
    enabled:
      description:
        - Whether the connector is used (C(Enabled)).
      returned: always
      type: bool
      sample: true
    enhanced_status_codes_enabled:
      description:
        - Whether ENHANCEDSTATUSCODES is offered (C(EnhancedStatusCodesEnabled)).
      returned: always
      type: bool
      sample: true
    extended_protection_policy:
      description:
        - Whether Extended Protection is used with integrated authentication (C(ExtendedProtectionPolicy)).
      returned: always
      type: str
      sample: "None"
    long_addresses_enabled:
      description:
        - Whether long X.400 addresses are accepted (C(LongAddressesEnabled)). For connectors of the Transport service only.
      returned: always
      type: bool
      sample: false
    max_acknowledgement_delay:
      description:
        - How long an acknowledgement waits for shadow redundancy (C(MaxAcknowledgementDelay)), as C(hh:mm:ss).
      returned: always
      type: str
      sample: "00:00:30"
    max_header_size:
      description:
        - Largest header (C(MaxHeaderSize)), such as V(256 KB).
      returned: always
      type: str
      sample: "256 KB (262,144 bytes)"
    max_hop_count:
      description:
        - Most hops of a message (C(MaxHopCount)).
      returned: always
      type: int
      sample: 60
    max_inbound_connection:
      description:
        - Most connections at a time (C(MaxInboundConnection)), a number or V(Unlimited).
      returned: always
      type: str
      sample: "5000"
    max_inbound_connection_percentage_per_source:
      description:
        - Share of the free connections that one address may have (C(MaxInboundConnectionPercentagePerSource)), in percent.
      returned: always
      type: int
      sample: 2
    max_inbound_connection_per_source:
      description:
        - Most connections of one address (C(MaxInboundConnectionPerSource)), a number or V(Unlimited).
      returned: always
      type: str
      sample: "20"
    max_local_hop_count:
      description:
        - Most hops within the organization (C(MaxLocalHopCount)).
      returned: always
      type: int
      sample: 5
    max_logon_failures:
      description:
        - Failed logins before the connection is closed (C(MaxLogonFailures)).
      returned: always
      type: int
      sample: 3
    max_message_size:
      description:
        - Largest message (C(MaxMessageSize)), such as V(36 MB).
      returned: always
      type: str
      sample: "36 MB (37,748,736 bytes)"
    max_protocol_errors:
      description:
        - Protocol errors before the connection is closed (C(MaxProtocolErrors)), a number or V(Unlimited).
      returned: always
      type: str
      sample: "5"
    max_recipients_per_message:
      description:
        - Most recipients of a message (C(MaxRecipientsPerMessage)).
      returned: always
      type: int
      sample: 200
    message_rate_limit:
      description:
        - Most messages of one address in a minute (C(MessageRateLimit)), a number or V(Unlimited).
      returned: always
      type: str
      sample: "Unlimited"
    message_rate_source:
      description:
        - What RV(connector.message_rate_limit) is counted by (C(MessageRateSource)).
      returned: always
      type: str
      sample: "IPAddress"
    orar_enabled:
      description:
        - Whether alternate recipients named by the sender are accepted (C(OrarEnabled)).
      returned: always
      type: bool
      sample: false
    permission_groups:
      description:
        - Who may use the connector (C(PermissionGroups)).
      returned: always
      type: list
      elements: str
      sample: ["AnonymousUsers"]
    pipelining_enabled:
      description:
        - Whether PIPELINING is offered (C(PipeliningEnabled)).
      returned: always
      type: bool
      sample: true
    protocol_logging_level:
      description:
        - Whether the SMTP conversation is logged (C(ProtocolLoggingLevel)).
      returned: always
      type: str
      sample: "None"
    reject_reserved_second_level_recipient_domains:
      description:
        - Whether recipients in reserved domains of the second level are rejected (C(RejectReservedSecondLevelRecipientDomains)), such as
          C(example.com).
      returned: always
      type: bool
      sample: false
    reject_reserved_top_level_recipient_domains:
      description:
        - Whether recipients in reserved top-level domains are rejected (C(RejectReservedTopLevelRecipientDomains)), such as C(.test).
      returned: always
      type: bool
      sample: false
    reject_single_label_recipient_domains:
      description:
        - Whether recipients in domains without a dot are rejected (C(RejectSingleLabelRecipientDomains)).
      returned: always
      type: bool
      sample: false
    remote_ip_ranges:
      description:
        - 'Addresses that may connect (C(RemoteIPRanges)): single ones, C(first-last), or networks such as V(192.0.2.0/24).'
      returned: always
      type: list
      elements: str
      sample: ["192.0.2.0/24"]
    require_ehlo_domain:
      description:
        - Whether EHLO has to name a domain (C(RequireEHLODomain)).
      returned: always
      type: bool
      sample: false
    service_discovery_fqdn:
      description:
        - Name for service discovery (C(ServiceDiscoveryFqdn)). V(null) when it is not set.
      returned: always
      type: str
      sample: null
    size_enabled:
      description:
        - How SIZE is offered (C(SizeEnabled)).
      returned: always
      type: str
      sample: "Enabled"
    smtp_utf8_enabled:
      description:
        - Whether SMTPUTF8 is offered (C(SmtpUtf8Enabled)).
      returned: always
      type: bool
      sample: true
    tarpit_interval:
      description:
        - Delay for senders that seem to abuse the connection (C(TarpitInterval)), as C(hh:mm:ss).
      returned: always
      type: str
      sample: "00:00:05"
    transport_role:
      description:
        - Service that the connector belongs to (C(TransportRole)); connectors of both services cannot share a binding.
      returned: always
      type: str
      sample: "FrontendTransport"
    # End of the results written by make connector-documentation.
extended_rights:
  description: All entries of the connector that are about extended rights, after the task.
  returned: success, when O(extended_rights) is given
  type: list
  elements: dict
  sample:
    - user: NT AUTHORITY\\ANONYMOUS LOGON
      right: Ms-Exch-SMTP-Accept-Any-Recipient
      deny: false
      inherited: false
changes:
  description: What was changed, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["Set TlsCertificateName of Receive connector 'EX01\\Default Frontend EX01'."]
warnings:
  description: What is not wrong but good to know.
  returned: when there are any
  type: list
  elements: str
  sample: []
cmdlet:
  description: The cmdlet that failed.
  returned: failure of a cmdlet
  type: str
  sample: Set-ReceiveConnector
category:
  description: Category of the cmdlet's error.
  returned: failure of a cmdlet
  type: str
  sample: InvalidArgument
error_id:
  description: Error id of the cmdlet's error.
  returned: failure of a cmdlet
  type: str
  sample: 8B2C91F0,Microsoft.Exchange.Management.SystemConfigurationTasks.SetReceiveConnector
"""
