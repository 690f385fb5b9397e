#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_certificate_file_info``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_certificate_file_info
short_description: Find the newest certificate in a folder of the control node
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Reads the certificates in a folder of the control node and the folders below it, whoever put them there. Programs that fetch certificates
    have their own layouts, such as C(fullchain.pem) beside C(privkey.pem) (certbot), C(NAME.crt) with C(NAME.key) (lego), a PFX (win-acme,
    corporate authorities), or what P(mailops.exchange.acme_renewal#role) keeps.
  - What belongs together is found by the keys and not by the names of files. Files encrypted with ansible-vault are read, too.
  - The names of files that count end in C(.pfx), C(.p12), C(.pem), C(.crt), C(.cer) or C(.key). PEM files of one folder are taken together.
  - Keys are read and never returned. Nothing is asked of a server.
options:
  directory:
    description:
      - The folder.
    type: path
    required: true
  names:
    description:
      - Host names that the certificate has to cover.
    type: list
    elements: str
    default: []
  require_common_name:
    description:
      - Whether a certificate without a common name is left out, as some profiles of ACME authorities issue them. The Hybrid Configuration
        Wizard fails on a server that has one.
    type: bool
    default: true
  pfx_password:
    description:
      - Password of the PFX files.
    type: str
  private_key_passphrase:
    description:
      - Passphrase of encrypted keys.
    type: str
  missing_directory:
    description:
      - What it means when there is no such folder, an error or that there are no certificates yet.
    type: str
    choices: [fail, empty]
    default: fail
  server:
    description:
      - Not used. It is here so that a default of the action group may set it.
    type: str
extends_documentation_fragment:
  - mailops.exchange.renewal_due
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
seealso:
  - module: mailops.exchange.exchange_renewal_info
  - module: mailops.exchange.exchange_rotation_info
"""

EXAMPLES = r"""
- name: See what certbot has fetched
  mailops.exchange.exchange_certificate_file_info:
    directory: /etc/letsencrypt/live
    names: [mail.contoso.com, autodiscover.contoso.com]
  register: files
  run_once: true

- name: Rotate to it
  ansible.builtin.include_role:
    name: mailops.exchange.rotate
  vars:
    rotate_fullchain_content: "{{ files.newest.fullchain }}"
    rotate_private_key_path: "{{ files.newest.private_key_path }}"
  when: files.newest is not none
"""

RETURN = r"""
newest:
  description: The usable certificate that was issued last, with the keys of RV(certificates), or V(null).
  returned: success
  type: dict
  sample: {}
certificates:
  description: All certificates that are not those of authorities, the one that was issued last first.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file that holds it.
      returned: always
      type: str
      sample: /etc/letsencrypt/live/mail.contoso.com/fullchain.pem
    thumbprint:
      description: SHA-1 thumbprint.
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    subject:
      description: Its subject.
      returned: always
      type: str
      sample: CN=mail.contoso.com
    issuer:
      description: Its issuer.
      returned: always
      type: str
      sample: CN=YR1, O=Let's Encrypt, C=US
    dns_names:
      description: Its DNS names.
      returned: always
      type: list
      elements: str
      sample: [mail.contoso.com]
    not_before:
      description: When it begins.
      returned: always
      type: str
      sample: "2027-02-22T12:00:00Z"
    not_after:
      description: When it ends.
      returned: always
      type: str
      sample: "2027-04-10T12:00:00Z"
    days_left:
      description: Whole days left.
      returned: always
      type: int
      sample: 47
    lifetime_used_percent:
      description: How much of its lifetime is over.
      returned: always
      type: float
      sample: 1.5
    fullchain:
      description: The certificate and its intermediate certificates in PEM form, in order.
      returned: always
      type: str
      sample: "-----BEGIN CERTIFICATE-----..."
    pfx_path:
      description: The PFX that holds it, or V(null).
      returned: always
      type: str
      sample: null
    private_key_path:
      description: The PEM file that holds its key, or V(null).
      returned: always
      type: str
      sample: /etc/letsencrypt/live/mail.contoso.com/privkey.pem
    usable:
      description: Whether a rotation could begin with it.
      returned: always
      type: bool
      sample: true
    reasons:
      description: Why not.
      returned: always
      type: list
      elements: str
      sample: []
    due_reasons:
      description: Why it would be due as soon as it is in use, by O(minimum_days), O(revoked_thumbprints) and O(distrusted_issuers).
      returned: always
      type: list
      elements: str
      sample: [it is revoked]
not_read:
  description: Files that could not be read, and why, one sentence each.
  returned: success
  type: list
  elements: str
  sample: ["/srv/certificates/mail.pfx: it is no PFX, or has another password."]
issued_within_a_week:
  description: When certificates of the folder with exactly O(names) were issued within the last seven days. Authorities limit that number.
  returned: success
  type: list
  elements: str
  sample: ["2027-02-22T12:00:00Z"]
"""
