#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_connector_info``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_connector_info
short_description: See connectors with all their properties, and which certificate each would present
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Returns the Send connectors of the organization and the Receive connectors of a server, with every property in the form in which
    M(mailops.exchange.exchange_send_connector) and M(mailops.exchange.exchange_receive_connector) accept it.
  - Shows which certificate each connector would present on which server by Exchange's documented selection, and why. Of several with the name, the newest valid
    one of an authority is chosen, else a self-signed one, else one that is not valid; whether SMTP is enabled on it is not asked before the choice.
  - Transport presents what it loaded when it last started. M(mailops.exchange.exchange_tls_probe) shows what a port really presents.
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
options:
  kind:
    description:
      - Which connectors to return. On an Edge Transport server the Send connectors are the copy that it holds.
    type: str
    choices: [send, receive, both]
    default: both
  name:
    description:
      - Only the connector of this name, with or without the server in front, or GUID. With O(kind=send) or O(kind=receive) it has to be there.
    type: str
    aliases: [identity]
  presented_certificates:
    description:
      - Whether to look which certificate each would present. It takes three more reads for each server that is concerned.
    type: bool
    default: true
  extended_rights:
    description:
      - Whether to return the extended rights of each connector, one more read each.
    type: bool
    default: false
seealso:
  - module: mailops.exchange.exchange_send_connector
  - module: mailops.exchange.exchange_receive_connector
  - module: mailops.exchange.exchange_tls_diagnosis_info
"""

EXAMPLES = r"""
- name: See the connectors
  mailops.exchange.exchange_connector_info:
  register: connectors

- name: Stop where a connector leads to a certificate that is not in order
  ansible.builtin.assert:
    that: wrong | length == 0
    fail_msg: "{{ wrong | map(attribute='reason') | join(' ') }}"
  vars:
    all_of_them: "{{ connectors.send_connectors + connectors.receive_connectors }}"
    wrong: "{{ all_of_them | map(attribute='presents') | flatten | selectattr('in_order', 'eq', false) }}"
"""

RETURN = r"""
send_connectors:
  description:
    - The Send connectors of the organization. Each has all properties that M(mailops.exchange.exchange_send_connector) returns, and those below.
  returned: success, unless O(kind=receive)
  type: list
  elements: dict
  contains:
    name:
      description: Name of the connector.
      returned: always
      type: str
      sample: Outbound to Office 365
    presents:
      description: What each source server would show, as in RV(receive_connectors[].presents).
      returned: with O(presented_certificates)
      type: list
      elements: dict
      sample: []
    extended_rights:
      description: Entries of the access control list that are about extended rights.
      returned: with O(extended_rights)
      type: list
      elements: dict
      sample: []
receive_connectors:
  description:
    - The Receive connectors of the server. Each has all properties that M(mailops.exchange.exchange_receive_connector) returns, and those below.
  returned: success, unless O(kind=send)
  type: list
  elements: dict
  contains:
    name:
      description: Name of the connector.
      returned: always
      type: str
      sample: Default Frontend EX01
    presents:
      description: What the connector presents, one entry for each extension of SMTP that it offers.
      returned: with O(presented_certificates)
      type: list
      elements: dict
      contains:
        server:
          description: The server.
          returned: always
          type: str
          sample: EX01
        extension:
          description: V(STARTTLS), or V(X-ANONYMOUSTLS) between Exchange servers.
          returned: always
          type: str
          sample: STARTTLS
        thumbprint:
          description: The certificate, V(null) for none.
          returned: always
          type: str
          sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
        subject:
          description: Its subject.
          returned: always
          type: str
          sample: CN=mail.contoso.com, O=Contoso
        not_after:
          description: When it ends.
          returned: always
          type: str
          sample: "2027-04-10T12:00:00Z"
        reason:
          description: Why this one, and what is wrong with it if anything is.
          returned: always
          type: str
          sample: "By TlsCertificateName: '<I>CN=Contoso Issuing CA 2<S>CN=mail.contoso.com' leads to 0563B863, which is in order."
        in_order:
          description: Whether TLS works with it. V(null) where the server could not be read.
          returned: always
          type: bool
          sample: true
    extended_rights:
      description: Entries of the access control list that are about extended rights.
      returned: with O(extended_rights)
      type: list
      elements: dict
      sample: []
"""
