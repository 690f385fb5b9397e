#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_rollback_info``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_rollback_info
short_description: Plan how a server is rolled back to what the record of a run says
version_added: 0.2.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Compares a server, and the organization if asked, with what C(before.json) of a run says of it, and returns what has to be done.
  - The role P(mailops.exchange.rollback#role) does it, in an order that keeps mail flowing. First the former certificates serve again, then the
    connectors name them, and only then the new certificate is removed.
  - The new certificate has to go because Exchange cannot take a service away from a certificate, and would still choose the newest one for every
    connector that goes by a host name, and for both certificates of one issuer and subject.
options:
  before:
    description:
      - What C(before.json) says of the server, an entry of its C(servers).
    type: dict
    required: true
  organization_before:
    description:
      - What C(before.json) says of the organization. Given for one server only, the plan of that server then includes the organization.
    type: dict
  thumbprint:
    description:
      - Thumbprint of the certificate whose rotation is rolled back.
    type: str
    required: true
  fail_on_problems:
    description:
      - Whether the task fails when something is missing without which the server cannot be rolled back.
    type: bool
    default: true
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
seealso:
  - module: mailops.exchange.exchange_state_info
  - module: mailops.exchange.exchange_run_record_info
"""

EXAMPLES = r"""
- name: Read the record of a run
  mailops.exchange.exchange_run_record_info:
    folder: /var/lib/mailops/runs/20270110T213000Z-rotate-0563B863
  register: record
  run_once: true

- name: See what a rollback would change
  mailops.exchange.exchange_rollback_info:
    before: "{{ record.run.before.servers[inventory_hostname] }}"
    thumbprint: "{{ record.run.before.thumbprint }}"
    fail_on_problems: false
"""

RETURN = r"""
rollback:
  description: What has to be done.
  returned: success, and failure after the server was read
  type: dict
  contains:
    server:
      description: The server.
      returned: always
      type: str
      sample: EX01
    enable:
      description: Certificates to be enabled again, with the services that they lost.
      returned: always
      type: list
      elements: dict
      sample: [{"thumbprint": "D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90", "services": ["IIS"]}]
    internal_transport_certificate:
      description: Thumbprint of the certificate that gets the internal transport role back, or V(null).
      returned: always
      type: str
      sample:
    receive_connectors:
      description: Receive connectors with the settings that differ and the values they had. An empty text clears.
      returned: always
      type: list
      elements: dict
      sample: [{"name": "EX01\\Default Frontend EX01", "settings": {"tls_certificate_name": "<I>CN=Contoso CA<S>CN=mail.contoso.com"}}]
    component_states:
      description: Components to be set as they were, such as HubTransport that an interrupted run left draining.
      returned: always
      type: list
      elements: dict
      sample: []
    remove:
      description: Thumbprint of the new certificate where it has to be removed, or V(null).
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    send_connectors:
      description: Send connectors, as RV(rollback.receive_connectors).
      returned: when O(organization_before) is given
      type: list
      elements: dict
      sample: []
    hybrid_tls_certificate_name:
      description: What the hybrid configuration named, or V(null) when it still does. An empty text clears.
      returned: when O(organization_before) is given
      type: str
      sample:
    sharing_the_name:
      description: Send connectors whose former value the new certificate bears as well. They are released for the moment of its removal.
      returned: when O(organization_before) is given
      type: list
      elements: str
      sample: []
    organization_changes:
      description: What has to be done once for the organization, one sentence each.
      returned: when O(organization_before) is given
      type: list
      elements: str
      sample: ["Set tls_certificate_name of Send connector 'Outbound to Office 365' as before the run."]
    changes:
      description: What has to be done on the server, one sentence each. Empty when it is as it was.
      returned: always
      type: list
      elements: str
      sample: ["Enable certificate D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90 (mail.contoso.com) for IIS on EX01."]
    problems:
      description: Why the server cannot be rolled back.
      returned: always
      type: list
      elements: str
      sample: []
    warnings:
      description: What is good to know.
      returned: always
      type: list
      elements: str
      sample: []
"""
