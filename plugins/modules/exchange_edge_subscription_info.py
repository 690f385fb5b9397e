#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_edge_subscription_info``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_edge_subscription_info
short_description: See which Edge Transport servers are subscribed, and whether they are in step
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Returns the Edge subscriptions of the organization, what C(Test-EdgeSynchronization) says of each, and how an Edge server is subscribed again.
  - A subscription is bound to the internal transport certificates of the Edge server and of the Mailbox servers of its site. When one of them is replaced,
    mail and synchronization between them stop until the Edge server is subscribed again. That takes a file of credentials carried by hand, so it is
    described step by step and not done.
  - Runs on a Mailbox server. An account that may not see subscriptions gets a warning and an empty list.
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
options:
  test:
    description: Whether to have Exchange test the synchronization, which takes it a while. Recipients are left out of the test.
    type: bool
    default: true
  fail_when_out_of_step:
    description: Whether an Edge server that is not in step fails the task.
    type: bool
    default: false
seealso:
  - module: mailops.exchange.exchange_certificate
    description: Keeps the certificate that a subscription is bound to.
"""

EXAMPLES = r"""
- name: See the Edge subscriptions
  mailops.exchange.exchange_edge_subscription_info:
  register: edge
  run_once: true

- name: Show what to do where one is broken
  ansible.builtin.debug:
    msg: "{{ edge.edge_subscriptions | selectattr('server', 'in', edge.out_of_step) | map(attribute='resubscribe') | flatten }}"
  when: edge.out_of_step | length > 0
"""

RETURN = r"""
visible:
  description: Whether the account may see subscriptions.
  returned: success
  type: bool
  sample: true
edge_subscriptions:
  description: The subscribed Edge servers.
  returned: success
  type: list
  elements: dict
  contains:
    server:
      description: Name of the Edge server.
      returned: always
      type: str
      sample: EDGE01
    site:
      description: Site whose Mailbox servers it is subscribed to.
      returned: always
      type: str
      sample: Berlin
    status:
      description: What C(Test-EdgeSynchronization) says, such as V(Normal) or V(Failed). V(null) without O(test).
      returned: always
      type: str
      sample: Normal
    failure:
      description: Its words about a failure, V(null) where there is none.
      returned: always
      type: str
      sample: null
    in_step:
      description: Whether synchronization works. V(null) where that is not known.
      returned: always
      type: bool
      sample: true
    resubscribe:
      description: How this server is subscribed again, step by step with commands to copy.
      returned: always
      type: list
      elements: str
      sample: ["On EDGE01, in the Exchange Management Shell: New-EdgeSubscription -FileName 'C:\\EDGE01.xml'"]
out_of_step:
  description: Names of the Edge servers that are not in step.
  returned: success
  type: list
  elements: str
  sample: []
"""
