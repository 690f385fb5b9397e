# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extended rights of a connector, as its modules take and return them."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragment ``mailops.exchange.extended_rights``.

    The option goes together with EXTENDED_RIGHTS_OPTIONS in plugin_utils/ansible_tasks/argument_specs.py.
    """

    DOCUMENTATION = r"""
options:
  extended_rights:
    description:
      - Extended rights that somebody shall have on the connector, or shall not have, such as C(Ms-Exch-SMTP-Accept-Any-Recipient) for a relay.
      - Only the rights named here are added or removed. Those that come from permission groups stay as they are.
    type: list
    elements: dict
    suboptions:
      user:
        description:
          - User or group as C(DOMAIN\\name), such as V(NT AUTHORITY\\ANONYMOUS LOGON).
        type: str
        required: true
      rights:
        description:
          - Names of the rights, compared without case.
        type: list
        elements: str
        required: true
      deny:
        description:
          - Whether the entry denies the right instead of granting it.
        type: bool
        default: false
      state:
        description:
          - Whether the entry shall be there. An inherited entry counts as there, and cannot be removed here.
        type: str
        choices: [present, absent]
        default: present
"""
