#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_certificate_request``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_certificate_request
short_description: Ask for a certificate on an Exchange server, and complete it with the authority's answer
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Creates a certificate request whose key is made on the server and never leaves it without need, and returns the request as PEM for the authority.
    While a request with the same subject, names and key size waits, the task returns that one and changes nothing.
  - Completes it with the authority's answer, after checking that the answer belongs to a request of this server, and brings the certificate to the
    other Mailbox servers where its key is exportable. The rotation does the rest, with its thumbprint.
  - Gives a request up.
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.record
  - mailops.exchange.attributes
options:
  state:
    description:
      - V(present) has a request waiting, V(completed) has the certificate of O(response_path) or O(response_content) on the server, V(absent) has no
        such request waiting.
    type: str
    choices: [present, completed, absent]
    default: present
  subject:
    description:
      - Subject of the certificate, such as V(CN=mail.contoso.com, O=Contoso). It needs a common name. V(present) needs it or O(renews).
    type: str
  names:
    description:
      - DNS names of the certificate, as full host names.
      - Left empty, it is the common name of O(subject), where that is a full host name; clients do not look at the common name itself.
    type: list
    elements: str
    default: []
  renews:
    description:
      - Thumbprint of a certificate on the server that the new one is to renew. Its subject and names are asked for, and those of O(names) on top.
      - Names of it that are no full host names, such as V(EX01), are left out with a warning, because public authorities refuse them.
    type: str
  friendly_name:
    description: Friendly name. Left out, it is the common name.
    type: str
  key_size:
    description: Bits of the RSA key, 2048 or 4096.
    type: int
    default: 2048
  exportable:
    description: Whether the key may be exported, without which it cannot be brought to other servers.
    type: bool
    default: true
  thumbprint:
    description: Thumbprint of the request, as RV(request.thumbprint) shows it. Left out, V(completed) finds it by the answer's key, and V(absent) by
      O(subject) and O(names).
    type: str
  response_path:
    description:
      - The authority's answer on the control node, as CER, P7B or PEM, with its intermediates or without.
      - A relative path is looked for as C(copy) does it, and then in the folder where C(ansible-playbook) was started.
    type: path
  response_content:
    description: The answer itself as PEM text, or the base64 of one of the other forms.
    type: str
  distribute:
    description:
      - Whether V(completed) imports the certificate on every Mailbox server that lacks it. The key travels in memory only, under a password that is used once.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    details: A request that would be created has no text yet.
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: mailops.exchange.exchange_certificate
  - module: mailops.exchange.exchange_preflight
"""

EXAMPLES = r"""
- name: Ask for the next certificate
  mailops.exchange.exchange_certificate_request:
    subject: CN=mail.contoso.com, O=Contoso, C=DE
    names: [mail.contoso.com, autodiscover.contoso.com]
  run_once: true
  register: asked

- name: Keep the request for the authority
  ansible.builtin.copy:
    content: "{{ asked.request.pem }}"
    dest: mail.contoso.com.csr
    mode: "0644"
  delegate_to: localhost
  vars:
    ansible_connection: local
  run_once: true

- name: Complete it with what the authority sent
  mailops.exchange.exchange_certificate_request:
    state: completed
    response_path: mail.contoso.com.p7b
  run_once: true
  register: completed

- name: Rotate to it
  ansible.builtin.include_role:
    name: mailops.exchange.rotate
  vars:
    rotate_thumbprint: "{{ completed.thumbprint }}"
"""

RETURN = r"""
request:
  description: The request that waits; V(null) in check mode where there is none yet.
  returned: with O(state=present)
  type: dict
  contains:
    thumbprint:
      description: Thumbprint by which Exchange knows the request.
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    server:
      description: The server on which it waits, and alone can be completed.
      returned: always
      type: str
      sample: EX01
    subject:
      description: Its subject.
      returned: always
      type: str
      sample: CN=mail.contoso.com,O=Contoso
    dns_names:
      description: Its DNS names.
      returned: always
      type: list
      elements: str
      sample: [mail.contoso.com]
    key_size:
      description: Bits of its key.
      returned: always
      type: int
      sample: 2048
    pem:
      description: The request for the authority.
      returned: always
      type: str
      sample: "-----BEGIN CERTIFICATE REQUEST-----..."
thumbprint:
  description: Thumbprint of the certificate.
  returned: with O(state=completed)
  type: str
  sample: 93B24D430563B8630D62D75ABBC8AB1E4BDFB5A8
certificate:
  description: The certificate as M(mailops.exchange.exchange_certificate_info) returns it, V(null) in check mode.
  returned: with O(state=completed)
  type: dict
  sample: {subject: "CN=mail.contoso.com, O=Contoso", days_left: 200}
removed:
  description: Thumbprints of the requests that were removed.
  returned: with O(state=absent)
  type: list
  elements: str
  sample: []
changes:
  description: What was changed, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["Created a request for CN=mail.contoso.com, O=Contoso on EX01."]
"""
