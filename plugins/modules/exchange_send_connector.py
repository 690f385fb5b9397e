#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_send_connector``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_send_connector
short_description: Manage a Send connector, or just its TLS side
version_added: 0.1.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Creates, changes and removes a Send connector, with all of its properties and its extended rights. Only what differs is sent.
  - Values are compared by what they mean to Exchange. Names have no case and lists no order, V(contoso.com) is V(SMTP:contoso.com;1), V(36 MB) is
    V(37748736), and what Exchange shows can be given as it is.
  - An option that is left out stays as it is.
  - A connector that is not there is created only when O(address_spaces) or O(usage) are given, so that a slip in a name creates nothing.
  - Send connectors belong to the organization. Run the task once, not on every server (C(run_once)).
options:
  name:
    description:
      - Name or GUID of the Send connector.
    type: str
    required: true
    aliases: [identity]
  state:
    description:
      - Whether the connector shall be there.
    type: str
    choices: [present, absent]
    default: present
    version_added: 0.3.0
  usage:
    description:
      - What a new connector is for (C(Usage)), which gives it its permissions. Has no meaning for a connector that is there.
    type: str
    choices: [Custom, Internal, Internet, Partner]
    version_added: 0.3.0
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
      - Whether mail is sent only when the connection is encrypted (C(RequireTLS)).
    type: bool
  tls_auth_level:
    description:
      - How far the certificate of the other side is checked (C(TlsAuthLevel)). V(none) clears the setting.
      - Needs O(require_tls=true). Exchange demands both together, so when O(require_tls) is left out and off, the task fails and says so.
    type: str
    choices: [EncryptionOnly, CertificateValidation, DomainValidation, none]
  tls_domain:
    description:
      - Domain that the other side's certificate must have (C(TlsDomain)). Empty text clears it.
      - Needs O(tls_auth_level=DomainValidation).
    type: str
  fqdn:
    description:
      - Name that the connector gives in EHLO and looks a certificate up by (C(Fqdn)). Empty text clears it, the server's own name is used then.
    type: str
  domain_secure_enabled:
    description:
      - Whether the connector is for mutual TLS with Domain Security (C(DomainSecureEnabled)). Needs O(dns_routing_enabled=true).
    type: bool
  cloud_services_mail_enabled:
    description:
      - Whether Exchange's own headers are kept in mail to Exchange Online (C(CloudServicesMailEnabled)). For hybrid only.
    type: bool
  ignore_starttls:
    description:
      - Whether the connector never uses STARTTLS (C(IgnoreSTARTTLS)). Not together with O(require_tls=true).
    type: bool
  address_spaces:
    description:
      - Domains that the connector takes mail for (C(AddressSpaces)), each as C(domain), C(domain;cost) or C(type:address;cost). V(contoso.com) is the
        same as V(SMTP:contoso.com;1).
      - The list replaces the present one. Needed to create a connector.
    type: list
    elements: str
    version_added: 0.3.0
  authentication_user:
    description:
      - User that the connector logs in to its smart hosts as (C(AuthenticationCredential)). Goes together with O(authentication_password). Empty text
        clears the credential.
    type: str
    version_added: 0.3.0
  comment:
    description:
      - Free text (C(Comment)). Empty text clears it.
    type: str
    version_added: 0.3.0
  connection_inactivity_timeout:
    description:
      - How long an idle connection stays open (C(ConnectionInactivityTimeOut)), as C([d.]hh:mm:ss).
    type: str
    version_added: 0.3.0
  connector_type:
    description:
      - V(XPremises) marks a connector of a hybrid organization (C(ConnectorType)).
    type: str
    choices: [Default, XPremises]
    version_added: 0.3.0
  dns_routing_enabled:
    description:
      - Whether the next host is found by DNS (C(DNSRoutingEnabled)); off with O(smart_hosts).
    type: bool
    version_added: 0.3.0
  enabled:
    description:
      - Whether the connector is used (C(Enabled)).
    type: bool
    version_added: 0.3.0
  error_policies:
    description:
      - How some errors of the other side are treated (C(ErrorPolicies)). The list replaces the present one. V(Default) stands alone.
    type: list
    elements: str
    choices: [Default, DowngradeDnsFailures, DowngradeCustomFailures, UpgradeCustomFailures]
    version_added: 0.3.0
  force_helo:
    description:
      - Whether HELO is sent instead of EHLO (C(ForceHELO)). Without EHLO there is no TLS.
    type: bool
    version_added: 0.3.0
  frontend_proxy_enabled:
    description:
      - Whether mail leaves through the Front End Transport service (C(FrontendProxyEnabled)).
    type: bool
    version_added: 0.3.0
  is_scoped_connector:
    description:
      - Whether only servers of the same Active Directory site use the connector (C(IsScopedConnector)).
    type: bool
    version_added: 0.3.0
  max_message_size:
    description:
      - Largest message (C(MaxMessageSize)), such as V(35 MB) or V(Unlimited).
    type: str
    version_added: 0.3.0
  port:
    description:
      - Port of the smart hosts (C(Port)).
    type: int
    version_added: 0.3.0
  protocol_logging_level:
    description:
      - Whether the SMTP conversation is logged (C(ProtocolLoggingLevel)).
    type: str
    choices: [None, Verbose]
    version_added: 0.3.0
  require_oorg:
    description:
      - Whether the other side has to accept the name of the originating organization (C(RequireOorg)).
    type: bool
    version_added: 0.3.0
  smart_host_auth_mechanism:
    description:
      - How the connector logs in to its smart hosts (C(SmartHostAuthMechanism)). V(BasicAuth) and V(BasicAuthRequireTLS) need O(authentication_user).
    type: str
    choices: [None, BasicAuth, BasicAuthRequireTLS, ExchangeServer, ExternalAuthoritative]
    version_added: 0.3.0
  smart_hosts:
    description:
      - Hosts that take the mail (C(SmartHosts)), names or addresses, for an address in brackets or without. The list replaces the present one; an
        empty list clears it.
      - Needs O(dns_routing_enabled=false).
    type: list
    elements: str
    version_added: 0.3.0
  smtp_max_messages_per_connection:
    description:
      - How many messages are sent over one connection (C(SmtpMaxMessagesPerConnection)).
    type: int
    version_added: 0.3.0
  source_ip_address:
    description:
      - Local address that mail is sent from (C(SourceIPAddress)). Exchange takes it on Edge Transport servers only.
    type: str
    version_added: 0.3.0
  source_transport_servers:
    description:
      - Mailbox servers or subscribed Edge servers that send through the connector (C(SourceTransportServers)). The list replaces the present one.
    type: list
    elements: str
    version_added: 0.3.0
  use_external_dns_servers_enabled:
    description:
      - Whether the external DNS servers of the transport service are asked (C(UseExternalDNSServersEnabled)).
    type: bool
    version_added: 0.3.0
  # End of the options written by make connector-documentation.
  authentication_password:
    description:
      - Password of O(authentication_user). Exchange never shows it, so it cannot be compared.
    type: str
    version_added: 0.3.0
  update_password:
    description:
      - V(on_create) sends O(authentication_password) when the user changes or the connector is created. V(always) sends it at every run, which then always
        changes something.
    type: str
    choices: [on_create, always]
    default: on_create
    version_added: 0.3.0
  force:
    description:
      - Whether to send C(-Force), which answers every question of Exchange with yes. Without it a question is answered with no, and the task fails
        with its text.
    type: bool
    default: false
    version_added: 0.3.0
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
  - module: mailops.exchange.exchange_receive_connector
  - module: mailops.exchange.exchange_certificate
  - name: Set-SendConnector
    description: The cmdlet behind this module, with all its parameters.
    link: https://learn.microsoft.com/en-us/powershell/module/exchangepowershell/set-sendconnector
notes:
  - Every source server of the connector must hold the certificate before the connector names it, else mail stays in the queue with C(454 4.7.5).
  - O(thumbprint) alone is looked up among the certificates of the O(server).
  - A certificate renewed by the same authority with the same subject has the same value, there is nothing to set then. Transport picks the newest
    certificate up by name.
  - Only the public part of the certificate is needed here. O(fullchain_path) without a private key is enough.
"""

EXAMPLES = r"""
- name: Let the hybrid connector show the new certificate
  mailops.exchange.exchange_send_connector:
    name: Outbound to Office 365
    pfx_path: mail.contoso.com.pfx
    pfx_password: "{{ vault_pfx_password }}"
    require_tls: true
    tls_auth_level: DomainValidation
    tls_domain: mail.protection.outlook.com
    cloud_services_mail_enabled: true
  run_once: true

- name: Name a certificate that the servers hold already
  mailops.exchange.exchange_send_connector:
    name: Outbound to the Internet
    thumbprint: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
  run_once: true

- name: Clear it, and let the connector choose by its FQDN
  mailops.exchange.exchange_send_connector:
    name: Outbound to the Internet
    tls_certificate_name: ""
    fqdn: mail.contoso.com
  run_once: true

- name: Send a partner's mail to its gateway, with a login and only over TLS
  mailops.exchange.exchange_send_connector:
    name: To Fabrikam
    address_spaces: [fabrikam.com, "*.fabrikam.com"]
    smart_hosts: [gateway.fabrikam.com]
    dns_routing_enabled: false
    smart_host_auth_mechanism: BasicAuthRequireTLS
    authentication_user: contoso
    authentication_password: "{{ vault_fabrikam_password }}"
    require_tls: true
    source_transport_servers: [EX01, EX02]
  run_once: true

- name: Remove a connector
  mailops.exchange.exchange_send_connector:
    name: To Fabrikam
    state: absent
  run_once: true
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
      sample: Outbound to Office 365
    identity:
      description: Identity that the cmdlets know it by.
      returned: always
      type: str
      sample: Outbound to Office 365
    # Results written by make connector-documentation, from connectors/documentation.yml:
    tls_certificate_name:
      description:
        - The certificate (C(TlsCertificateName)), as C(<I>issuer<S>subject). V(null) when none is named.
      returned: always
      type: str
      sample: "<I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso"
    require_tls:
      description:
        - Whether mail is sent only when the connection is encrypted (C(RequireTLS)).
      returned: always
      type: bool
      sample: true
    tls_auth_level:
      description:
        - How far the certificate of the other side is checked (C(TlsAuthLevel)). V(null) when it is not set.
      returned: always
      type: str
      sample: "DomainValidation"
    tls_domain:
      description:
        - Domain that the other side's certificate must have (C(TlsDomain)). V(null) when it is not set.
      returned: always
      type: str
      sample: "mail.protection.outlook.com"
    fqdn:
      description:
        - Name that the connector gives in EHLO and looks a certificate up by (C(Fqdn)). V(null) when it is the server's own.
      returned: always
      type: str
      sample: "mail.contoso.com"
    domain_secure_enabled:
      description:
        - Whether the connector is for mutual TLS with Domain Security (C(DomainSecureEnabled)). Needs RV(connector.dns_routing_enabled=true).
      returned: always
      type: bool
      sample: false
    cloud_services_mail_enabled:
      description:
        - Whether Exchange's own headers are kept in mail to Exchange Online (C(CloudServicesMailEnabled)). For hybrid only.
      returned: always
      type: bool
      sample: true
    ignore_starttls:
      description:
        - Whether the connector never uses STARTTLS (C(IgnoreSTARTTLS)). Not together with RV(connector.require_tls=true).
      returned: always
      type: bool
      sample: false
    address_spaces:
      description:
        - Domains that the connector takes mail for (C(AddressSpaces)), each as C(domain), C(domain;cost) or C(type:address;cost). V(contoso.com) is
          the same as V(SMTP:contoso.com;1).
      returned: always
      type: list
      elements: str
      sample: ["SMTP:*;1"]
    authentication_user:
      description:
        - User that the connector logs in to its smart hosts as (C(AuthenticationCredential)). V(null) when there is no credential.
      returned: always
      type: str
      sample: null
    comment:
      description:
        - Free text (C(Comment)). V(null) when it is not set.
      returned: always
      type: str
      sample: "Internet mail"
    connection_inactivity_timeout:
      description:
        - How long an idle connection stays open (C(ConnectionInactivityTimeOut)), as C([d.]hh:mm:ss).
      returned: always
      type: str
      sample: "00:10:00"
    connector_type:
      description:
        - V(XPremises) marks a connector of a hybrid organization (C(ConnectorType)).
      returned: always
      type: str
      sample: "Default"
    dns_routing_enabled:
      description:
        - Whether the next host is found by DNS (C(DNSRoutingEnabled)); off with RV(connector.smart_hosts).
      returned: always
      type: bool
      sample: true
    enabled:
      description:
        - Whether the connector is used (C(Enabled)).
      returned: always
      type: bool
      sample: true
    error_policies:
      description:
        - How some errors of the other side are treated (C(ErrorPolicies)).
      returned: always
      type: list
      elements: str
      sample: []
    force_helo:
      description:
        - Whether HELO is sent instead of EHLO (C(ForceHELO)). Without EHLO there is no TLS.
      returned: always
      type: bool
      sample: false
    frontend_proxy_enabled:
      description:
        - Whether mail leaves through the Front End Transport service (C(FrontendProxyEnabled)).
      returned: always
      type: bool
      sample: false
    is_scoped_connector:
      description:
        - Whether only servers of the same Active Directory site use the connector (C(IsScopedConnector)).
      returned: always
      type: bool
      sample: false
    max_message_size:
      description:
        - Largest message (C(MaxMessageSize)), such as V(35 MB) or V(Unlimited).
      returned: always
      type: str
      sample: "35 MB (36,700,160 bytes)"
    port:
      description:
        - Port of the smart hosts (C(Port)).
      returned: always
      type: int
      sample: 25
    protocol_logging_level:
      description:
        - Whether the SMTP conversation is logged (C(ProtocolLoggingLevel)).
      returned: always
      type: str
      sample: "None"
    require_oorg:
      description:
        - Whether the other side has to accept the name of the originating organization (C(RequireOorg)).
      returned: always
      type: bool
      sample: false
    smart_host_auth_mechanism:
      description:
        - How the connector logs in to its smart hosts (C(SmartHostAuthMechanism)). V(BasicAuth) and V(BasicAuthRequireTLS) need
          RV(connector.authentication_user).
      returned: always
      type: str
      sample: "None"
    smart_hosts:
      description:
        - Hosts that take the mail (C(SmartHosts)), names or addresses, for an address in brackets or without.
      returned: always
      type: list
      elements: str
      sample: []
    smtp_max_messages_per_connection:
      description:
        - How many messages are sent over one connection (C(SmtpMaxMessagesPerConnection)).
      returned: always
      type: int
      sample: 20
    source_ip_address:
      description:
        - Local address that mail is sent from (C(SourceIPAddress)). Exchange takes it on Edge Transport servers only.
      returned: always
      type: str
      sample: "0.0.0.0"
    source_transport_servers:
      description:
        - Mailbox servers or subscribed Edge servers that send through the connector (C(SourceTransportServers)).
      returned: always
      type: list
      elements: str
      sample: ["EX01", "EX02"]
    use_external_dns_servers_enabled:
      description:
        - Whether the external DNS servers of the transport service are asked (C(UseExternalDNSServersEnabled)).
      returned: always
      type: bool
      sample: false
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
  sample: ["Set TlsCertificateName of Send connector 'Outbound to Office 365'."]
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
  sample: Set-SendConnector
category:
  description: Category of the cmdlet's error.
  returned: failure of a cmdlet
  type: str
  sample: InvalidArgument
error_id:
  description: Error id of the cmdlet's error.
  returned: failure of a cmdlet
  type: str
  sample: 8B2C91F0,Microsoft.Exchange.Management.SystemConfigurationTasks.SetSendConnector
"""
