#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_receive_connector_tls``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_receive_connector_tls
short_description: Set the TLS side of an existing Receive connector
version_added: 0.1.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Sets which certificate a Receive connector shows and how it asks for TLS. Only what differs is sent.
  - The connector must exist. Bindings, remote ranges and permissions are left alone.
  - An option that is left out stays as it is.
options:
  name:
    description:
      - Name of the Receive connector, with or without the server in front, such as V(Default Frontend EX01) or V(EX01\\Default Frontend EX01).
    type: str
    required: true
    aliases: [identity]
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
  # End of the options written by make connector-documentation.
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
  - module: mailops.exchange.exchange_send_connector
  - module: mailops.exchange.exchange_certificate
  - module: mailops.exchange.exchange_tls_probe
  - name: Set-ReceiveConnector
    description: The cmdlet behind this module, with all its parameters.
    link: https://learn.microsoft.com/en-us/powershell/module/exchangepowershell/set-receiveconnector
notes:
  - The server must hold the certificate and have it enabled for SMTP, else the connector stops offering STARTTLS.
  - O(thumbprint) alone is looked up among the certificates of the O(server).
  - A certificate renewed by the same authority with the same subject has the same value, there is nothing to set then.
  - Only the public part of the certificate is needed here. O(fullchain_path) without a private key is enough.
"""

EXAMPLES = r"""
- name: Show the new certificate to the world
  mailops.exchange.exchange_receive_connector_tls:
    name: "Default Frontend {{ ansible_exchange_server }}"
    pfx_path: mail.contoso.com.pfx
    pfx_password: "{{ vault_pfx_password }}"

- name: Take hybrid mail from Exchange Online
  mailops.exchange.exchange_receive_connector_tls:
    name: "Default Frontend {{ ansible_exchange_server }}"
    thumbprint: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    tls_domain_capabilities:
      - mail.protection.outlook.com:AcceptCloudServicesMail

- name: Authenticated clients find the name that they know
  mailops.exchange.exchange_receive_connector_tls:
    name: "Client Frontend {{ ansible_exchange_server }}"
    fqdn: mail.contoso.com
    tls_certificate_name: "<I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso"
    auth_mechanism: [Tls, Integrated, BasicAuth, BasicAuthRequireTLS]

- name: Clear the certificate and the capabilities
  mailops.exchange.exchange_receive_connector_tls:
    name: EX01\Default Frontend EX01
    tls_certificate_name: ""
    tls_domain_capabilities: []
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
      sample: Default Frontend EX01
    identity:
      description: Identity that the cmdlets know it by.
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
    # End of the results written by make connector-documentation.
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
