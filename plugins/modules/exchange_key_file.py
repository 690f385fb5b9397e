#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_key_file``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_key_file
short_description: Keep a private key in a file of the control node
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Writes a private key that is in memory into a file on the control node, for its owner alone (0600), in a folder for its owner alone, or
    encrypted with a vault password of the run.
  - The file is written whole or not at all, and the key is in no other file at any moment, not even in a temporary one elsewhere.
  - Nothing is asked of a server.
options:
  path:
    description:
      - The file. Folders that are missing are made, for their owner alone.
    type: path
    required: true
  content:
    description:
      - The private key in PEM form.
    type: str
    required: true
  encrypt:
    description:
      - Whether the file is encrypted with ansible-vault. The modules of this collection read it like a clear one.
    type: bool
    default: false
  vault_id:
    description:
      - Which of the vault identities of the run encrypts. Left out, it is the first one.
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
  - module: mailops.exchange.exchange_certificate_file_info
"""

EXAMPLES = r"""
- name: Keep the key of a new certificate, encrypted
  mailops.exchange.exchange_key_file:
    path: /var/lib/mailops/acme/mail.contoso.com.key.pem
    content: "{{ new_key.privatekey }}"
    encrypt: true
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /var/lib/mailops/acme/mail.contoso.com.key.pem
encrypted:
  description: Whether it is encrypted with ansible-vault.
  returned: success
  type: bool
  sample: true
changes:
  description: What was done, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample: [Kept the private key in /var/lib/mailops/acme/mail.contoso.com.key.pem.]
"""
