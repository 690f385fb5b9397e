# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes a certificate due for renewal wherever it lies, on a server or in a folder."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragment ``mailops.exchange.renewal_due``.

    The options go together with RENEWAL_OPTIONS in plugin_utils/ansible_tasks/argument_specs.py.
    """

    DOCUMENTATION = r"""
options:
  minimum_days:
    description: Days left at which a certificate is due in any case.
    type: int
    default: 0
  revoked_thumbprints:
    description: Certificates that are known to be revoked, although Windows does not say so yet.
    type: list
    elements: str
    default: []
  distrusted_issuers:
    description: Authorities that clients will not trust any more. A certificate of one is due at once when it ends after that day.
    type: list
    elements: dict
    default: []
    suboptions:
      issuer:
        description: A part of the issuer's name.
        type: str
        required: true
      from:
        description: The first day on which it is not trusted, such as V(2027-03-15).
        type: str
        required: true
"""
