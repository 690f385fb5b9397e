#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_run_record``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_run_record
short_description: Start, resume or finish the record of a run on the control node
version_added: 0.2.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Each run of P(mailops.exchange.rotate#role) and P(mailops.exchange.remove_old#role) has a folder on the control node, for its owner alone.
    C(before.json) is what was before the first change, C(plan.json) what is to be done, C(events.jsonl) every change as it is made, C(after.json)
    what was at the end, and C(summary.md) the same for people.
  - C(before.json) alone is enough to roll back. It is written before the first change and never again, so a run that was interrupted is resumed in
    the same folder by the next one for the same certificate and servers.
  - A run has finished when C(after.json) is there.
  - The modules that change something write into the folder by their option O(ignore:record). M(mailops.exchange.exchange_run_record_info) reads it.
  - Nothing in it is a secret. Nothing is asked of a server.
options:
  state:
    description:
      - V(started) opens the folder of a run, of an unfinished one for the same certificate and servers where there is one. In check mode only the
        plan is kept, in a folder of its own.
      - V(resumed) takes the lock of the run in O(folder), which is about to be changed by a rollback, whether it has finished or not.
      - V(finished) writes the summary, and C(after.json) if the run is O(complete), and releases the lock.
      - From V(started) or V(resumed) to V(finished) the process of C(ansible-playbook) owns the lock of the run (C(running.json)). V(started) and
        V(resumed) are refused while another playbook owns the lock of a run on one of these servers, because two at a time would undo each other's
        work. An owner is known on the same machine and in the same container; elsewhere a run that has not finished counts as interrupted.
      - V(begun), V(found) and V(read) are deprecated and will be removed in version 0.4.0. V(begun) is V(started). V(found) and V(read) are
        M(mailops.exchange.exchange_run_record_info), and V(read) with O(exclusive=true) is V(resumed).
    type: str
    choices: [started, resumed, finished, begun, found, read]
    required: true
  directory:
    description:
      - Folder that holds the folders of all runs. It is made if it is missing. Needed to start.
    type: path
  folder:
    description:
      - Folder of one run. Needed to resume and to finish.
    type: path
  operation:
    description:
      - What kind of run it is.
    type: str
    choices: [rotate, cleanup]
    default: rotate
  thumbprint:
    description:
      - Thumbprint of the certificate that the run is about. Needed to start.
    type: str
  server:
    description:
      - Not used. It is here so that a default of the action group may set it.
    type: str
  servers:
    description:
      - The servers by name, each as M(mailops.exchange.exchange_state_info) returns it, together with C(address), under which it is reached.
      - An unfinished run is the same when it has a server of the same name and address. The name of its host in the inventory will do.
    type: dict
  organization:
    description:
      - What M(mailops.exchange.exchange_state_info) returns of the organization.
    type: dict
  plan:
    description:
      - What is to be done, free in its form. Two plans are the same when they are equal. Needed to start.
    type: dict
  require_plan:
    description:
      - Whether to refuse to start when no run in check mode has made exactly this plan before. A run that resumes another one needs none.
    type: bool
    default: false
  plan_maximum_age_hours:
    description:
      - How old that plan may be.
    type: float
    default: 72.0
  outcome:
    description:
      - How the run ended, a word or two. Needed to finish.
    type: str
  complete:
    description:
      - Whether the run has reached its goal or is as before. Otherwise the next one resumes it in the same folder.
    type: bool
    default: true
  summary:
    description:
      - Text for C(summary.md). Needed to finish.
    type: str
  exclusive:
    description:
      - Deprecated, and will be removed in version 0.4.0. With O(state=read), whether to do what O(state=resumed) does.
    type: bool
    default: false
    version_added: 0.3.0
  maximum_age_hours:
    description:
      - Deprecated, and will be removed in version 0.4.0. With O(state=found), how long ago the unfinished run may have written its last event.
    type: float
    version_added: 0.3.0
extends_documentation_fragment:
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: partial
    details: With O(state=started) the plan is kept in a folder of its own, so that a later run can require it. Nothing else is written.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: A task never reports a change, because nothing of a server is changed; each run has a folder of its own.
seealso:
  - module: mailops.exchange.exchange_run_record_info
  - module: mailops.exchange.exchange_state_info
  - module: mailops.exchange.exchange_rollback_info
"""

EXAMPLES = r"""
- name: Start the record of a run
  mailops.exchange.exchange_run_record:
    state: started
    directory: /var/lib/mailops/runs
    thumbprint: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    servers: "{{ servers_before }}"
    plan: {servers: {EX01: [Import it.]}}
  register: record
  run_once: true

- name: Keep other playbooks away from the servers of a run while it is rolled back
  mailops.exchange.exchange_run_record:
    state: resumed
    folder: /var/lib/mailops/runs/20270110T213000Z-rotate-0563B863
  register: record
  run_once: true

- name: Finish the record of a run
  mailops.exchange.exchange_run_record:
    state: finished
    folder: "{{ record.run.folder }}"
    outcome: rotated
    servers: "{{ servers_after }}"
    summary: "The certificate of {{ servers_after | length }} servers was rotated."
  run_once: true
"""

RETURN = r"""
too_old:
  description: Folder of an unfinished run that was not returned because of O(maximum_age_hours), or V(null).
  returned: with the deprecated O(state=found)
  type: str
  sample: null
run:
  description: The run, or V(null) with O(state=finished) in check mode, and when the deprecated O(state=found) finds none.
  returned: success
  type: dict
  contains:
    folder:
      description: Its folder.
      returned: always
      type: str
      sample: /var/lib/mailops/runs/20270110T213000Z-rotate-0563B863
    resumed:
      description: Whether it is one that was started before.
      returned: always
      type: bool
      sample: false
    finished:
      description: Whether it has finished.
      returned: always
      type: bool
      sample: false
    running:
      description: Whether the process that owns its lock lives.
      returned: always
      type: bool
      sample: true
    before:
      description: The content of C(before.json), or V(null) where only a plan is kept.
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
