#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_hybrid_configuration``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_hybrid_configuration
short_description: Read and set the hybrid configuration
version_added: 0.2.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Sets what the hybrid configuration records, such as the certificate for secure mail and the servers that carry it. Without options it is only read.
  - The object only records what is wanted, the Hybrid Configuration Wizard applies it.
    M(mailops.exchange.exchange_hybrid_info) reports whether connectors agree with it.
  - The hybrid configuration must exist, and belongs to the organization. Run the task once, not on every server (C(run_once)).
  - Lists replace the present ones; order and case do not matter. An empty list or text clears. An option that is left out stays as it is.
options:
  tls_certificate_name:
    description:
      - The certificate as C(<I>issuer<S>subject) (C(TlsCertificateName)). Any usual spelling is understood and rewritten to the one that Exchange finds.
      - Empty text clears the value.
    type: str
  client_access_servers:
    description: Servers for client access (C(ClientAccessServers)).
    type: list
    elements: str
    version_added: 0.3.0
  domains:
    description: Accepted domains that are hybrid (C(Domains)). V(autod:) before one marks the domain whose Autodiscover serves all of them.
    type: list
    elements: str
    version_added: 0.3.0
  edge_transport_servers:
    description: Edge servers that carry hybrid mail (C(EdgeTransportServers)). Excludes the two lists of Mailbox servers.
    type: list
    elements: str
    version_added: 0.3.0
  external_ip_addresses:
    description: Public addresses that hybrid mail comes from (C(ExternalIPAddresses)). Exchange takes IPv4 only.
    type: list
    elements: str
    version_added: 0.3.0
  features:
    description: Features of the hybrid organization (C(Features)).
    type: list
    elements: str
    choices: [FreeBusy, MoveMailbox, Mailtips, MessageTracking, OwaRedirection, OnlineArchive, SecureMail, CentralizedTransport, Photos]
    version_added: 0.3.0
  on_premises_smart_host:
    description: Public name that Exchange Online sends hybrid mail to (C(OnPremisesSmartHost)).
    type: str
    version_added: 0.3.0
  receiving_transport_servers:
    description: Mailbox servers that take mail from Exchange Online (C(ReceivingTransportServers)).
    type: list
    elements: str
    version_added: 0.3.0
  sending_transport_servers:
    description: Mailbox servers that send mail to Exchange Online (C(SendingTransportServers)).
    type: list
    elements: str
    version_added: 0.3.0
  service_instance:
    description: V(0) for the worldwide service, V(1) for the one in China (C(ServiceInstance)).
    type: int
    version_added: 0.3.0
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.record
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: mailops.exchange.exchange_hybrid_info
  - module: mailops.exchange.exchange_send_connector
  - module: mailops.exchange.exchange_receive_connector_tls
  - name: Set-HybridConfiguration
    description: The cmdlet behind this module.
    link: https://learn.microsoft.com/en-us/powershell/module/exchangepowershell/set-hybridconfiguration
"""

EXAMPLES = r"""
- name: Let the hybrid configuration name the new certificate
  mailops.exchange.exchange_hybrid_configuration:
    tls_certificate_name: "<I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso"
  run_once: true

- name: Let two more servers carry hybrid mail
  mailops.exchange.exchange_hybrid_configuration:
    receiving_transport_servers: [EX01, EX02, EX03, EX04]
    sending_transport_servers: [EX01, EX02, EX03, EX04]
  run_once: true

- name: Read it
  mailops.exchange.exchange_hybrid_configuration:
  register: hybrid
  run_once: true
"""

RETURN = r"""
hybrid_configuration:
  description: The hybrid configuration after the task; in check mode, as it would be.
  returned: success
  type: dict
  contains:
    tls_certificate_name:
      description: The certificate that it names, or V(null).
      returned: always
      type: str
      sample: <I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso
    client_access_servers:
      description: Servers for client access.
      returned: always
      type: list
      elements: str
      sample: [EX01]
    domains:
      description: Hybrid domains.
      returned: always
      type: list
      elements: str
      sample: ["autod:contoso.com"]
    edge_transport_servers:
      description: Edge servers that carry hybrid mail.
      returned: always
      type: list
      elements: str
      sample: []
    external_ip_addresses:
      description: Public addresses.
      returned: always
      type: list
      elements: str
      sample: []
    features:
      description: Features.
      returned: always
      type: list
      elements: str
      sample: [FreeBusy, SecureMail]
    on_premises_smart_host:
      description: Public name that Exchange Online sends to, or V(null).
      returned: always
      type: str
      sample: mail.contoso.com
    receiving_transport_servers:
      description: Mailbox servers that take mail.
      returned: always
      type: list
      elements: str
      sample: [EX01, EX02]
    sending_transport_servers:
      description: Mailbox servers that send mail.
      returned: always
      type: list
      elements: str
      sample: [EX01, EX02]
    service_instance:
      description: Which service.
      returned: always
      type: int
      sample: 0
changes:
  description: What was changed, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["Set TlsCertificateName of the hybrid configuration."]
"""
