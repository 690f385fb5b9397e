#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_certificate_backup``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_certificate_backup
short_description: Export a certificate with its key to the control node
version_added: 0.2.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Exports a certificate with its private key (C(Export-ExchangeCertificate)) into a PFX on the control node, under a password of yours.
  - The file is written whole, for its owner alone (0600), and opened again to prove that it is the certificate and that its key fits.
  - A backup is never overwritten. One that is there and can be opened with the password is left alone.
  - The key is in memory and in this file and nowhere else.
options:
  thumbprint:
    description:
      - Thumbprint of the certificate.
    type: str
    required: true
  directory:
    description:
      - Folder on the control node. It is made if it is missing, for its owner alone. The file is called C(SERVER-THUMBPRINT.pfx).
    type: path
    required: true
  password:
    description:
      - Password of the PFX, at least 8 characters. Keep it in a vault, the backup is worth nothing without it.
    type: str
    required: true
  not_exportable:
    description:
      - What happens when the key cannot be exported. V(fail) stops, V(accept) says so and continues without a backup.
    type: str
    choices: [fail, accept]
    default: fail
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.record
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: full
    details: Says whether the key can be exported, without exporting it.
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: mailops.exchange.exchange_certificate
  - name: Export-ExchangeCertificate
    description: The cmdlet behind this module.
    link: https://learn.microsoft.com/en-us/powershell/module/exchangepowershell/export-exchangecertificate
"""

EXAMPLES = r"""
- name: Keep the certificate that is about to be replaced
  mailops.exchange.exchange_certificate_backup:
    thumbprint: D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90
    directory: /var/lib/mailops/backup
    password: "{{ vault_backup_password }}"
"""

RETURN = r"""
backup:
  description: The backup.
  returned: success
  type: dict
  contains:
    thumbprint:
      description: Thumbprint of the certificate.
      returned: always
      type: str
      sample: D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90
    path:
      description: The file, or V(null) when the key cannot be exported.
      returned: always
      type: str
      sample: /var/lib/mailops/backup/EX01-D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90.pfx
    exportable:
      description: Whether the key can be exported.
      returned: always
      type: bool
      sample: true
    size:
      description: Size of the file in bytes, or V(null) when there is none.
      returned: always
      type: int
      sample: 4123
changes:
  description: What was done, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample:
    - Backed up certificate D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90 of EX01 to /backup/EX01-D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90.pfx.
warnings:
  description: That there is no backup, where that was accepted.
  returned: when there are any
  type: list
  elements: str
  sample: []
"""
