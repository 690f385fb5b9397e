#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_send_connector``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_send_connector
short_description: Set the TLS side of an existing Send connector
version_added: 0.1.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Sets which certificate a Send connector shows and how strictly it asks for TLS. Only what differs is sent.
  - The connector must exist. Address spaces, smart hosts and source servers are left alone.
  - Send connectors belong to the organization. Run the task once, not on every server (C(run_once)).
  - An option that is left out stays as it is.
options:
  name:
    description:
      - Name or GUID of the Send connector.
    type: str
    required: true
    aliases: [identity]
  tls_certificate_name:
    description:
      - The certificate as C(<I>issuer<S>subject). Any usual spelling is understood, with closing tags, blanks or other case, and rewritten
        to the one that Exchange finds.
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
      - Needs C(RequireTLS); Exchange demands both together, so when O(require_tls) is left out and off, the task fails and says so.
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
      - Whether the connector is for mutual TLS with Domain Security (C(DomainSecureEnabled)).
    type: bool
  cloud_services_mail_enabled:
    description:
      - Whether Exchange's own headers are kept in mail to Exchange Online (C(CloudServicesMailEnabled)). For hybrid only.
    type: bool
  ignore_starttls:
    description:
      - Whether the connector never uses STARTTLS (C(IgnoreSTARTTLS)). Not together with O(require_tls=true).
    type: bool
extends_documentation_fragment:
  - mailops.exchange.certificate_source
  - mailops.exchange.exchange
  - mailops.exchange.record
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: full
    details: The value is computed from the certificate file, so the server need not hold the certificate yet.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: mailops.exchange.exchange_receive_connector_tls
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

- name: Give the value itself
  mailops.exchange.exchange_send_connector:
    name: Outbound to the Internet
    tls_certificate_name: "<I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso"
  run_once: true

- name: Clear it, and let the connector choose by its FQDN
  mailops.exchange.exchange_send_connector:
    name: Outbound to the Internet
    tls_certificate_name: ""
    fqdn: mail.contoso.com
  run_once: true
"""

RETURN = r"""
connector:
  description: The TLS side of the connector after the task; in check mode, as it would be.
  returned: success
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
    tls_certificate_name:
      description: The certificate that it shows, or V(null).
      returned: always
      type: str
      sample: <I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso
    require_tls:
      description: Whether TLS is required.
      returned: always
      type: bool
      sample: true
    tls_auth_level:
      description: How far the other side's certificate is checked, or V(null).
      returned: always
      type: str
      sample: DomainValidation
    tls_domain:
      description: Domain that the other side's certificate must have, or V(null).
      returned: always
      type: str
      sample: mail.protection.outlook.com
    fqdn:
      description: Name in EHLO, or V(null).
      returned: always
      type: str
      sample: mail.contoso.com
    domain_secure_enabled:
      description: Whether it is for Domain Security.
      returned: always
      type: bool
      sample: false
    cloud_services_mail_enabled:
      description: Whether Exchange's headers are kept for Exchange Online.
      returned: always
      type: bool
      sample: true
    ignore_starttls:
      description: Whether STARTTLS is never used.
      returned: always
      type: bool
      sample: false
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
