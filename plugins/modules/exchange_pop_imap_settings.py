#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_pop_imap_settings``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_pop_imap_settings
short_description: Set the name by which POP3 and IMAP4 find their certificate
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Sets C(X509CertificateName) of the POP3 and IMAP4 settings of a server, and reports which certificate the name leads to.
  - The services present the certificate that is enabled for them, if it has that name. A wildcard certificate cannot be enabled for them, and is
    found by the name alone.
  - A name that leads to no certificate is refused, because clients would be shown none.
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.record
  - mailops.exchange.attributes
options:
  protocols:
    description: Whose settings.
    type: list
    elements: str
    choices: [pop, imap]
    default: [pop, imap]
  x509_certificate_name:
    description:
      - The full host name that clients use. Left out, the settings are only read.
    type: str
  require_certificate:
    description: Whether the server has to have a valid certificate that the name leads to.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - The services take the name up when they start. The role P(mailops.exchange.pop_imap#role) restarts those that run.
seealso:
  - module: mailops.exchange.exchange_certificate
  - module: mailops.exchange.exchange_service
"""

EXAMPLES = r"""
- name: Let both find their certificate by the name that clients use
  mailops.exchange.exchange_pop_imap_settings:
    x509_certificate_name: mail.contoso.com
  notify: Restart POP and IMAP services

- name: See what they are set to
  mailops.exchange.exchange_pop_imap_settings:
  register: mail_access
"""

RETURN = r"""
settings:
  description: The settings after the task; in check mode, as they would be.
  returned: success
  type: list
  elements: dict
  contains:
    protocol:
      description: V(pop) or V(imap).
      returned: always
      type: str
      sample: imap
    x509_certificate_name:
      description: The name.
      returned: always
      type: str
      sample: imap.contoso.com
    thumbprint:
      description: The certificate that it leads to, V(null) for none.
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
restart_required:
  description: Whether services have to be restarted to take it up.
  returned: success
  type: bool
  sample: false
changes:
  description: What was changed, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["Set X509CertificateName of the IMAP settings of EX01 to imap.contoso.com."]
"""
