# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module of the collection says about check mode, diff, idempotence and its action group."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragment ``mailops.exchange.attributes``; a module states its own support."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and report what would change without changing it.
  diff_mode:
    description: Returns with C(--diff) what the configuration was before and what it is after.
  idempotent:
    description: A second run with the same options changes nothing and sends no changing cmdlet.
  action_group:
    description: Use C(group/mailops.exchange.exchange) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - mailops.exchange.exchange
"""

    # For modules that only read.
    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: This module only reads; check mode makes no difference.
  diff_mode:
    support: none
    details: This module changes nothing, so there is nothing to compare.
  idempotent:
    support: full
    details: This module only reads.
"""
