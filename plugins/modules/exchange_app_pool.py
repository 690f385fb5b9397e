#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_app_pool``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_app_pool
short_description: Recycle IIS application pools of an Exchange server
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Recycles application pools, so that Outlook on the web and the Exchange admin center load the certificate that signs OAuth tokens again. Meant for handlers.
  - A pool that does not run is left alone, with a warning. IIS itself keeps running.
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.exchange.windows
  - mailops.exchange.record
  - mailops.exchange.attributes
options:
  names:
    description: Names of the pools.
    type: list
    elements: str
    default: [MSExchangeOWAAppPool, MSExchangeECPAppPool]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: none
    details: It recycles at every run.
seealso:
  - module: mailops.exchange.exchange_auth_certificate
  - module: mailops.exchange.exchange_service
"""

EXAMPLES = r"""
- name: Let Outlook on the web sign with the new certificate
  mailops.exchange.exchange_app_pool:
"""

RETURN = r"""
app_pools:
  description: The pools.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the pool.
      returned: always
      type: str
      sample: MSExchangeOWAAppPool
    state:
      description: Its state before.
      returned: always
      type: str
      sample: Started
    recycled:
      description: Whether it was recycled.
      returned: always
      type: bool
      sample: true
changes:
  description: What was changed, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["Recycled MSExchangeOWAAppPool on EX01."]
"""
