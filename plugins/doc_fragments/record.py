# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a module writes down what it changes, at the moment it does so."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragment ``mailops.exchange.record``.

    The option goes together with RECORD_OPTIONS in plugin_utils/ansible_tasks/argument_specs.py.
    """

    DOCUMENTATION = r"""
options:
  record:
    description:
      - Folder on the control node that holds the record of a run. Every change is written to C(events.jsonl) in it, before it is made and after
        it was made, so that a run that is killed leaves the truth behind. The folder is made if it is missing, for its owner alone.
      - Without the folder nothing is changed, and the task fails if it cannot be written.
      - In check mode nothing is written.
    type: path
    version_added: 0.2.0
"""
