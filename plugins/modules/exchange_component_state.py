#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_component_state``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_component_state
short_description: Set a component of an Exchange server active, draining or inactive
version_added: 0.2.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Sets the state that one requester asks for of a component (C(Set-ServerComponentState)).
  - Exchange keeps a state for each requester, and a component is active only while none of them holds it down. So what was set under one name has
    to be released under the same name. Only the state of O(requester) is compared and set.
  - A warning says when the component stays down because of another requester.
options:
  component:
    description:
      - Name of the component, such as V(HubTransport) or V(ServerWideOffline).
    type: str
    default: HubTransport
  state:
    description:
      - The state to ask for.
    type: str
    choices: [Active, Draining, Inactive]
    required: true
  requester:
    description:
      - In whose name.
    type: str
    choices: [HealthAPI, Maintenance, Sidelined, Functional, Deployment]
    default: Maintenance
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.record
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: mailops.exchange.exchange_service
  - name: Set-ServerComponentState
    description: The cmdlet behind this module.
    link: https://learn.microsoft.com/en-us/powershell/module/exchangepowershell/set-servercomponentstate
"""

EXAMPLES = r"""
- name: Let the server take no new messages
  mailops.exchange.exchange_component_state:
    component: HubTransport
    state: Draining

- name: Release it again, under the same name
  mailops.exchange.exchange_component_state:
    component: HubTransport
    state: Active
"""

RETURN = r"""
component:
  description: Name of the component.
  returned: success
  type: str
  sample: HubTransport
state:
  description: The state in effect after the task; in check mode, as it would be.
  returned: success
  type: str
  sample: Active
state_before:
  description: The state in effect before.
  returned: success
  type: str
  sample: Draining
requesters:
  description: What each requester asks for.
  returned: success
  type: dict
  sample: {"Maintenance": "Active", "Functional": "Active"}
changes:
  description: What was changed, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["Set HubTransport of EX01 from Draining to Active (requester Maintenance)."]
warnings:
  description: What keeps the component down.
  returned: when there are any
  type: list
  elements: str
  sample: []
"""
