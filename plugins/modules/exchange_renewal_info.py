#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_renewal_info``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_renewal_info
short_description: Report whether a certificate of an Exchange server is due for renewal
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Judges the certificates of authorities that serve mail and web on a server. A certificate is due when a share of its lifetime is used, so that
    certificates of 200, 47 or 6 days need no other setting, or before that when it is revoked, when names are missing, or when its issuer is about to
    lose trust.
  - A former certificate that still has SMTP, which cannot be taken from it, does not count once another one with its names and services began later,
    whichever of them ends first. Of several certificates with one name Exchange takes the one that began last.
  - Costs one read. Self-signed certificates are not judged; other modules see to those.
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.renewal_due
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
options:
  services:
    description: The services whose certificates are judged.
    type: list
    elements: str
    choices: [IMAP, POP, UM, IIS, SMTP, UMCallRouter]
    default: [IIS, SMTP]
  names:
    description: Host names that the certificates in use have to cover together, one that is missing makes a renewal due.
    type: list
    elements: str
    default: []
  names_in_use:
    description:
      - The names by which clients and other servers use the server. Of a former certificate's names only these count, so that one which has other
        names besides is not due for ever. A renewal could not give it a successor with them.
      - Left empty, O(names) is taken, and every name counts where that is empty, too.
    type: list
    elements: str
    default: []
  lifetime_percent:
    description: Percent of its lifetime after which a certificate is due.
    type: float
    default: 66.7
  jitter_days:
    description:
      - Days over which many organizations are spread, so that they do not ask their authority all at once. A certificate is due up to so many days
        earlier, always the same for one certificate and O(jitter_seed).
    type: float
    default: 0
  jitter_seed:
    description: What makes this organization different from others, such as its name.
    type: str
    default: ""
seealso:
  - module: mailops.exchange.exchange_certificate_info
  - module: mailops.exchange.exchange_preflight
"""

EXAMPLES = r"""
- name: Is anything due?
  mailops.exchange.exchange_renewal_info:
    names: [mail.contoso.com, autodiscover.contoso.com]
  register: renewal

- name: Rotate only then
  ansible.builtin.include_role:
    name: mailops.exchange.rotate
  when: renewal.due
"""

RETURN = r"""
due:
  description: Whether a renewal is due.
  returned: success
  type: bool
  sample: false
reasons:
  description: Why, one sentence each.
  returned: success
  type: list
  elements: str
  sample: ["EX01, 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43 (mail.contoso.com): it has 14 days left."]
next_due:
  description: When the first certificate is due, or was.
  returned: success
  type: str
  sample: "2027-02-10T12:00:00Z"
certificates:
  description: The certificates in use.
  returned: success
  type: list
  elements: dict
  contains:
    thumbprint:
      description: SHA-1 thumbprint.
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    subject:
      description: Its subject.
      returned: always
      type: str
      sample: CN=mail.contoso.com, O=Contoso
    issuer:
      description: Its issuer.
      returned: always
      type: str
      sample: CN=Contoso Issuing CA 2, O=Contoso
    dns_names:
      description: Its DNS names.
      returned: always
      type: list
      elements: str
      sample: [mail.contoso.com]
    services:
      description: What it serves.
      returned: always
      type: list
      elements: str
      sample: [IIS, SMTP]
    not_before:
      description: When it began.
      returned: always
      type: str
      sample: "2026-12-10T12:00:00Z"
    not_after:
      description: When it ends.
      returned: always
      type: str
      sample: "2027-04-10T12:00:00Z"
    days_left:
      description: Whole days left.
      returned: always
      type: int
      sample: 90
    due:
      description: Whether it is due.
      returned: always
      type: bool
      sample: false
    due_on:
      description: When it is due by its dates.
      returned: always
      type: str
      sample: "2027-02-10T12:00:00Z"
    reasons:
      description: Why it is due.
      returned: always
      type: list
      elements: str
      sample: []
"""
