#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_run_record_info``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_run_record_info
short_description: Read the record of a run, or find the run that has not finished
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Reads the folder of a run on the control node, as M(mailops.exchange.exchange_run_record) writes it, or looks for the run of some servers that has
    not finished.
  - A run has finished when C(after.json) is in its folder. One that has not is still running while the process lives that owns its lock
    (C(running.json)), on the same machine and in the same container; elsewhere it counts as interrupted.
  - Nothing in a record is a secret. Nothing is asked of a server.
options:
  folder:
    description:
      - Folder of the run to be read.
      - Either this, or O(directory) and O(servers).
    type: path
  directory:
    description:
      - Folder that holds the folders of all runs. One that does not exist holds no run.
    type: path
  servers:
    description:
      - The servers whose unfinished run is looked for, by name, each with C(address), under which it is reached.
      - A run is the same when it has a server of the same name and address. The name of its host in the inventory will do.
    type: dict
  thumbprint:
    description:
      - Thumbprint of the certificate that the run is about. Left out, the newest run of these servers counts, for whichever certificate; when that
        one has finished, none is found.
    type: str
  operation:
    description:
      - What kind of run is looked for.
    type: str
    choices: [rotate, cleanup]
    default: rotate
  maximum_age_hours:
    description:
      - How long ago the unfinished run may have written its last event. Left out, it may be of any age.
    type: float
  fail_when_running:
    description:
      - Whether the task fails while another playbook is at work on the run in O(folder), or on one of O(servers). Two at a time would undo each
        other's work, so what is read here would be no ground to act on.
      - With V(false) it is returned all the same, and RV(run.running) says so.
    type: bool
    default: true
  server:
    description:
      - Not used. It is here so that a default of the action group may set it.
    type: str
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
seealso:
  - module: mailops.exchange.exchange_run_record
  - module: mailops.exchange.exchange_state_info
  - module: mailops.exchange.exchange_rollback_info
"""

EXAMPLES = r"""
- name: Read what was before a run
  mailops.exchange.exchange_run_record_info:
    folder: /var/lib/mailops/runs/20270110T213000Z-rotate-0563B863
  register: record
  run_once: true

- name: See whether a run for this certificate was interrupted
  mailops.exchange.exchange_run_record_info:
    directory: /var/lib/mailops/runs
    thumbprint: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    servers:
      EX01: {address: ex01.contoso.com}
  register: unfinished
  run_once: true

- name: See whether a run is still at work
  mailops.exchange.exchange_run_record_info:
    folder: /var/lib/mailops/runs/20270110T213000Z-rotate-0563B863
    fail_when_running: false
  register: record
  until: not record.run.running
  retries: 60
  delay: 60
  run_once: true
"""

RETURN = r"""
too_old:
  description: Folder of an unfinished run that was not returned because of O(maximum_age_hours), or V(null).
  returned: when O(directory) is given
  type: str
  sample: null
run:
  description: The run, or V(null) when none was found.
  returned: success
  type: dict
  contains:
    folder:
      description: Its folder.
      returned: always
      type: str
      sample: /var/lib/mailops/runs/20270110T213000Z-rotate-0563B863
    finished:
      description: Whether it has finished.
      returned: always
      type: bool
      sample: false
    running:
      description: Whether the process that owns its lock still lives.
      returned: always
      type: bool
      sample: false
    before:
      description: The content of C(before.json).
      returned: always
      type: dict
      sample: {"thumbprint": "0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43", "servers": {}}
    after:
      description: The content of C(after.json), or V(null).
      returned: always
      type: dict
      sample: {"outcome": "rotated", "servers": {}}
    plan:
      description: The content of C(plan.json), or V(null).
      returned: always
      type: dict
      sample: {"made": "2027-01-10T21:30:00Z", "servers": {}}
"""
