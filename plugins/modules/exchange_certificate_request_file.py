#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_certificate_request_file``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_certificate_request_file
short_description: Ask for a certificate on the control node, and join the authority's answer with its key
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Makes a private key and a certificate request on the control node, in memory. The key is kept in a file for its owner alone, or encrypted
    with ansible-vault, and is the same at every run.
  - Finds the certificate of that key in the authority's answer, and returns it with its chain for P(mailops.exchange.rotate#role).
  - It is the alternative to M(mailops.exchange.exchange_certificate_request), whose key is made on an Exchange server. Nothing is asked of a server.
options:
  state:
    description:
      - V(present) has a key and returns a request, V(completed) returns the certificate of O(response_path) or O(response_content).
    type: str
    choices: [present, completed]
    default: present
  subject:
    description:
      - Subject of the certificate, such as V(CN=mail.contoso.com, O=Contoso). It needs a common name. Needed for V(present).
    type: str
  names:
    description:
      - DNS names of the certificate, as full host names.
      - Left empty, it is the common name of O(subject), where that is a full host name; clients do not look at the common name itself.
    type: list
    elements: str
    default: []
  key_type:
    description:
      - Type of the key. Exchange uses EC keys only where they were enabled.
    type: str
    choices: [RSA, EC]
    default: RSA
  key_size:
    description:
      - Bits of the key, 2048, 3072 or 4096 for RSA, 256 or 384 for EC. An existing key is taken as it is.
    type: int
    default: 2048
  private_key_path:
    description:
      - File of the key on the control node, clear or encrypted with ansible-vault. It is made when it is missing.
      - A relative path is one in the folder where C(ansible-playbook) was started.
    type: path
  private_key_content:
    description:
      - The key itself in PEM form, for example out of a vaulted variable. Instead of O(private_key_path).
    type: str
  private_key_passphrase:
    description:
      - Passphrase of the key, also of one that is made.
    type: str
  encrypt:
    description:
      - Whether a key that is made is kept encrypted with ansible-vault.
    type: bool
    default: false
  vault_id:
    description:
      - Which of the vault identities of the run encrypts. Left out, it is the first one.
    type: str
  path:
    description:
      - File for the request. It is written again only when it asks for something else.
      - A relative path is one in the folder where C(ansible-playbook) was started.
    type: path
  response_path:
    description:
      - The authority's answer on the control node, as CER, P7B or PEM, with its intermediates or without.
      - A relative path is looked for as C(copy) does it, and then in the folder where C(ansible-playbook) was started.
    type: path
  response_content:
    description:
      - The answer itself as PEM or base64. Instead of O(response_path).
    type: str
  server:
    description:
      - Not used. It is here so that a default of the action group may set it.
    type: str
extends_documentation_fragment:
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: A key is a secret.
  idempotent:
    support: full
seealso:
  - module: mailops.exchange.exchange_certificate_request
  - module: mailops.exchange.exchange_certificate_file_info
"""

EXAMPLES = r"""
- name: Ask for a certificate
  mailops.exchange.exchange_certificate_request_file:
    subject: CN=mail.contoso.com, O=Contoso, C=DE
    names: [mail.contoso.com, autodiscover.contoso.com]
    private_key_path: /var/lib/mailops/mail.contoso.com.key.pem
    encrypt: true
    path: mail.contoso.com.csr
  run_once: true

- name: Join the answer with the key
  mailops.exchange.exchange_certificate_request_file:
    state: completed
    private_key_path: /var/lib/mailops/mail.contoso.com.key.pem
    response_path: mail.contoso.com.p7b
  run_once: true
  register: answer
"""

RETURN = r"""
request:
  description: The request. V(null) in check mode when there is no key yet.
  returned: when O(state=present)
  type: dict
  contains:
    pem:
      description: The request for the authority.
      returned: always
      type: str
      sample: "-----BEGIN CERTIFICATE REQUEST-----..."
    subject:
      description: Its subject.
      returned: always
      type: str
      sample: CN=mail.contoso.com,O=Contoso,C=DE
    dns_names:
      description: Its DNS names.
      returned: always
      type: list
      elements: str
      sample: [mail.contoso.com, autodiscover.contoso.com]
    key_size:
      description: Bits of its key.
      returned: always
      type: int
      sample: 2048
private_key_path:
  description: The absolute path of the file with the key, or V(null).
  returned: success
  type: str
  sample: /var/lib/mailops/mail.contoso.com.key.pem
thumbprint:
  description: Thumbprint of the certificate.
  returned: when O(state=completed)
  type: str
  sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
fullchain:
  description: The certificate and its intermediate certificates in PEM form, in order.
  returned: when O(state=completed)
  type: str
  sample: "-----BEGIN CERTIFICATE-----..."
changes:
  description: What was done, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample: [Kept the private key in /var/lib/mailops/mail.contoso.com.key.pem.]
"""
