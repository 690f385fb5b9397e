#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_state_info``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_state_info
short_description: Read what a rotation may change, in the form in which a record keeps it
version_added: 0.2.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Reads certificates with their services, the internal transport certificate, the TLS side of all connectors and who holds HubTransport down.
  - The result is what C(before.json) and C(after.json) of a run hold, and what M(mailops.exchange.exchange_rollback_info) compares with.
options:
  organization:
    description:
      - Whether to read what belongs to the organization as well, the Send connectors and the hybrid configuration. One server is enough for that.
    type: bool
    default: false
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
seealso:
  - module: mailops.exchange.exchange_rollback_info
  - module: mailops.exchange.exchange_run_record
"""

EXAMPLES = r"""
- name: Keep a picture of every server beside the change ticket
  mailops.exchange.exchange_state_info:
    organization: "{{ inventory_hostname == ansible_play_hosts_all | first }}"
  register: picture

- name: Write it down
  ansible.builtin.copy:
    content: "{{ picture.state | to_nice_json }}"
    dest: "/var/lib/mailops/{{ inventory_hostname }}.json"
    mode: "0600"
  delegate_to: localhost
  vars:
    ansible_connection: local
"""

RETURN = r"""
state:
  description: The server.
  returned: success
  type: dict
  contains:
    server:
      description: Its name.
      returned: always
      type: str
      sample: EX01
    certificates:
      description: Its certificates, each with thumbprint, names, dates, services, whether the key is exportable, and IIS sites.
      returned: always
      type: list
      elements: dict
      sample: [{"thumbprint": "D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90", "services": ["IIS", "SMTP"]}]
    internal_transport_certificate:
      description: Thumbprint of its internal transport certificate, or V(null) where it cannot be read.
      returned: always
      type: str
      sample: 6C0A1E0A7C7D0F4D2A9C1B3F5E8D7C6B5A493827
    receive_connectors:
      description: The TLS side of its Receive connectors, as M(mailops.exchange.exchange_receive_connector_tls) returns it, with the GUID.
      returned: always
      type: list
      elements: dict
      sample: [{"name": "Default Frontend EX01", "tls_certificate_name": "<I>CN=Contoso CA<S>CN=mail.contoso.com"}]
    component_states:
      description: What each requester asks of HubTransport, or V(null) where it cannot be read.
      returned: always
      type: list
      elements: dict
      sample: [{"component": "HubTransport", "requester": "Maintenance", "state": "Active"}]
organization:
  description: What belongs to the organization.
  returned: when O(organization)
  type: dict
  contains:
    send_connectors:
      description: The TLS side of the Send connectors, with their GUIDs and source servers.
      returned: always
      type: list
      elements: dict
      sample: [{"name": "Outbound to Office 365", "source_transport_servers": ["EX01"]}]
    hybrid_configuration:
      description: The certificate that the hybrid configuration names, or V(null) where there is none.
      returned: always
      type: dict
      sample: {"tls_certificate_name": "<I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso"}
warnings:
  description: What could not be read, and what that means.
  returned: when there are any
  type: list
  elements: str
  sample: []
"""
