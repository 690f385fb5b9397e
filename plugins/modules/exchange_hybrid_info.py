#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_hybrid_info``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_hybrid_info
short_description: See what hybrid mail needs, and whether the Hybrid Configuration Wizard has to run
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Finds what carries secure mail between on-premises Exchange and Exchange Online, by what it does and not by its name. These are the hybrid
    configuration, the Send connectors that lead to Exchange Online, and the Receive connector on port 25 of each server that the hybrid configuration
    names.
  - A Send connector is taken for one of hybrid mail when it is as the Hybrid Configuration Wizard leaves it, with an address space in
    C(*.mail.onmicrosoft.com), by DNS and without smart hosts. Where there are several, each may belong to a tenant of its own, with its own certificate.
    Then only those are taken that name no certificate, the new one, the one that the hybrid configuration named, or an outgoing one. Every other one
    that leads to Exchange Online is a finding C(left_alone).
  - Reports what each of them lacks compared with what the Hybrid Configuration Wizard leaves, for the certificate that is given or that the hybrid
    configuration names.
  - Checks the prerequisites of the wizard one by one. The certificate is of a third-party authority, is on the server and enabled for SMTP; every
    certificate of the store has a subject; there is one default Receive connector on port 25 and one Send connector to Exchange Online; the service
    host runs; the servers are of one build.
  - Reports whether the wizard has to run after a renewal, and the commands for Exchange Online where a name was lost.
options:
  organization:
    description: Whether to look at what belongs to the organization, besides the server. On an Edge server it is not looked at.
    type: bool
    default: true
  carries_hybrid_mail:
    description: Whether this server carries hybrid mail. Left out, the hybrid configuration decides; an Edge server cannot see it.
    type: bool
  former_tls_certificate_name:
    description:
      - The certificate that was in use before, for the verdict about the wizard. Left out, it is what the hybrid configuration names now.
      - A run that resumes an interrupted one finds the new name there already, and has to give the one of that run's record. An empty text
        says that none was named.
    type: str
  outgoing:
    description: Thumbprints of the certificates that a rotation replaces, as its O(mailops.exchange.exchange_rotation_info#module:outgoing).
    type: list
    elements: str
extends_documentation_fragment:
  - mailops.exchange.certificate_source
  - mailops.exchange.exchange
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
notes:
  - Only the public part of the certificate is needed here.
seealso:
  - module: mailops.exchange.exchange_hybrid_configuration
  - module: mailops.exchange.exchange_send_connector
  - module: mailops.exchange.exchange_receive_connector_tls
"""

EXAMPLES = r"""
- name: Would the wizard find everything that it needs?
  mailops.exchange.exchange_hybrid_info:
  register: hybrid

- name: Show what speaks against it
  ansible.builtin.debug:
    msg: "{{ hybrid.findings | selectattr('status', 'eq', 'fail') | map(attribute='message') }}"

- name: What will the next certificate mean for Exchange Online?
  mailops.exchange.exchange_hybrid_info:
    fullchain_path: mail.contoso.com.pem
  run_once: true
  register: next
"""

RETURN = r"""
hybrid_configuration:
  description: The hybrid configuration as M(mailops.exchange.exchange_hybrid_configuration) returns it, V(null) where there is none.
  returned: success
  type: dict
  sample: {tls_certificate_name: "<I>CN=Contoso Issuing CA 2<S>CN=mail.contoso.com"}
servers:
  description: Short names of the servers that carry hybrid mail, by the hybrid configuration.
  returned: success
  type: list
  elements: str
  sample: [EX01, EX02]
carries_hybrid_mail:
  description: Whether this server is taken for one of them.
  returned: success
  type: bool
  sample: true
tls_certificate_name:
  description: The certificate that everything is compared with, V(null) where none is given and the one that is named is not on the server.
  returned: success
  type: str
  sample: <I>CN=Contoso Issuing CA 2<S>CN=mail.contoso.com
configuration_differs:
  description: Whether the hybrid configuration names another certificate.
  returned: success, with O(organization)
  type: bool
  sample: false
send_connectors:
  description: >-
    The Send connectors that carry hybrid mail to Exchange Online, and what each lacks. Its source servers are those that must have the certificate before
    it names it.
  returned: success, with O(organization)
  type: list
  elements: dict
  sample:
    - name: Outbound to Office 365
      title: Send connector 'Outbound to Office 365'
      settings: {require_tls: true}
      parameters: [RequireTLS]
      source_transport_servers: [EX01, EX02]
receive_connectors:
  description: >-
    The Receive connectors of the server for mail from Exchange Online, and what each lacks. Its ports are those on which this control node is shown
    the certificate that it names, or shall name. Not among them is a port on which another connector is made for the address of the control node.
  returned: success, where the server carries hybrid mail
  type: list
  elements: dict
  sample:
    - name: EX01\Default Frontend EX01
      title: Receive connector 'EX01\Default Frontend EX01'
      settings: {}
      parameters: []
      ports: [25]
findings:
  description: The prerequisites of the wizard, and the Send connectors to Exchange Online that are left alone.
  returned: success
  type: list
  elements: dict
  contains:
    server:
      description: The server that was asked.
      returned: always
      type: str
      sample: EX01
    check:
      description: What was looked at.
      returned: always
      type: str
      sample: third_party_issuer
    status:
      description: V(pass), V(warn) or V(fail).
      returned: always
      type: str
      sample: pass
    message:
      description: What was found.
      returned: always
      type: str
      sample: EX01 holds the certificate 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43 (mail.contoso.com).
    remedy:
      description: What to do.
      returned: always
      type: str
      sample: ""
wizard:
  description: Whether the Hybrid Configuration Wizard has to run once everything on-premises is set.
  returned: success, with O(organization) and a certificate
  type: dict
  contains:
    required:
      description: Whether something in Exchange Online has to be changed, by the wizard or by hand.
      returned: always
      type: bool
      sample: false
    recommended:
      description: Whether Microsoft recommends to run it.
      returned: always
      type: bool
      sample: true
    reasons:
      description: Why.
      returned: always
      type: list
      elements: str
      sample: ["The new certificate has every name of the former one, so TlsSenderCertificateName and TlsDomain in Exchange Online still fit."]
    option:
      description: The option of the wizard that is enough.
      returned: always
      type: str
      sample: Update Secure Mail Certificate for Connectors
    commands:
      description: Commands for Exchange Online PowerShell, ready to copy.
      returned: always
      type: list
      elements: str
      sample: []
"""
