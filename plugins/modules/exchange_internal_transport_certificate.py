#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_internal_transport_certificate``; the action does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_internal_transport_certificate
short_description: Report, renew or restore a server's internal transport certificate
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - The internal transport certificate is what Exchange servers, and subscribed Edge servers, know each other by. Setup makes a self-signed one of
    five years, and Microsoft prefers it to stay that way.
  - Reports which one it is and whether it is good. One that is gone, has expired or has no more than O(days_left) is renewed, self-signed, with the
    server's names.
  - With O(thumbprint), gives the role to another certificate that the server holds, such as the former one.
  - Another certificate means that every Edge server subscribed to the site has to be subscribed again. The task refuses to do that unless
    O(accept_resubscription), and returns how it is done.
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.record
  - mailops.exchange.attributes
options:
  thumbprint:
    description: The certificate that shall have the role.
    type: str
  recreate:
    description:
      - When the certificate is renewed with a self-signed one. V(never) only reports. Has no meaning with O(thumbprint).
      - V(always) does so at every run.
    type: str
    choices: [when_needed, always, never]
    default: when_needed
  days_left:
    description: Days left at which V(when_needed) renews it.
    type: int
    default: 30
  accept_resubscription:
    description: Whether it may be changed although Edge servers have to be subscribed again. On an Edge server itself this has to be said, because it
      does not know its subscription.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: Not with O(recreate=always).
notes:
  - Transport takes it up when it starts. The role P(mailops.exchange.internal_certificate#role) restarts it.
seealso:
  - module: mailops.exchange.exchange_edge_subscription_info
  - module: mailops.exchange.exchange_certificate
"""

EXAMPLES = r"""
- name: See whether it is good
  mailops.exchange.exchange_internal_transport_certificate:
    recreate: never
  register: internal

- name: Renew it in time, where there are no Edge servers
  mailops.exchange.exchange_internal_transport_certificate:
    days_left: 60

- name: Give the role back that a script with -Force took away
  mailops.exchange.exchange_internal_transport_certificate:
    thumbprint: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    accept_resubscription: true
"""

RETURN = r"""
plan:
  description: What is done, or was found not to be necessary, and why.
  returned: success
  type: dict
  contains:
    action:
      description: One of V(keep), V(recreate), V(restore).
      returned: always
      type: str
      sample: keep
    reason:
      description: Why.
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43 on EX01 has 1204 days left.
internal_transport_certificate:
  description: What the server has after the task; in check mode, what it has now.
  returned: success
  type: dict
  contains:
    thumbprint:
      description: The certificate that the server names, V(null) for none.
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    certificate:
      description: The certificate as M(mailops.exchange.exchange_certificate_info) returns it, V(null) where the server does not hold it.
      returned: always
      type: dict
      sample: {subject: CN=EX01, self_signed: true, days_left: 1204}
    trouble:
      description: Why it is no good, V(null) where it is.
      returned: always
      type: str
      sample: null
restart_required:
  description: Whether transport has to be restarted to take it up.
  returned: success
  type: bool
  sample: false
resubscribe:
  description: Edge servers that have to be subscribed again, as M(mailops.exchange.exchange_edge_subscription_info) returns them, with the steps.
  returned: success
  type: list
  elements: dict
  sample: []
changes:
  description: What was changed, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample: []
"""
