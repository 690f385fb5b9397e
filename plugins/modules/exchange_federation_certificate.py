#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_federation_certificate``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_federation_certificate
short_description: Renew the certificate of the federation trust
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Stages the next certificate of the federation trust, brings it to every Mailbox server, returns the TXT records that have to be published for it, sees that
    it is on every server, and publishes it.
  - In between, somebody has to publish the TXT records of RV(proofs) in the public DNS. The task continues when O(proofs_published) says that they are
    there, and waits with a warning until then, so it may run from a scheduler.
  - A certificate that has expired cannot be renewed, because it proves to the gateway who asks. The task then shows, command by command, how the
    trust is created again.
  - It belongs to the organization. Run the task once, not on every server (C(run_once)). Without a trust there is nothing to do.
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.record
  - mailops.exchange.attributes
options:
  state:
    description:
      - V(managed) stages the next certificate when the current one has no more than O(stage_days) left, and publishes it when O(proofs_published).
      - V(staged) stages it now.
      - V(published) publishes the staged one, and takes it for granted that the TXT records are there.
    type: str
    choices: [managed, staged, published]
    default: managed
  thumbprint:
    description:
      - The certificate to stage. A Mailbox server has to hold it with an exportable RSA key of at least 2048 bits. Left out, a self-signed one is created.
    type: str
  stage_days:
    description: Days left at which V(managed) stages the next one.
    type: int
    default: 60
  proofs_published:
    description: Whether the TXT records of the staged certificate can be seen in the public DNS.
    type: bool
    default: false
  distribute:
    description:
      - Whether to import the certificate on every Mailbox server that lacks it. The key travels in memory only, under a password that is used once.
      - Without it Exchange brings it there by itself, while MSExchangeServiceHost runs.
    type: bool
    default: true
  fail_when_impossible:
    description: Whether a certificate that cannot be renewed any more fails the task. Otherwise RV(plan) says so.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    details: The thumbprint of a certificate that would be created is shown as C((new)).
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - name: Renew the federation certificate
    description: Microsoft's instruction.
    link: https://learn.microsoft.com/en-us/exchange/configure-a-federation-trust-exchange-2013-help
"""

EXAMPLES = r"""
- name: See to the federation certificate (every day, by a scheduled job)
  mailops.exchange.exchange_federation_certificate:
    proofs_published: "{{ federation_proofs_published | default(false) }}"
  run_once: true
  register: federation

- name: Show the TXT records to publish
  ansible.builtin.debug:
    msg: "{{ item.domain }} TXT {{ item.txt }}"
  loop: "{{ federation.proofs }}"
  run_once: true
"""

RETURN = r"""
federation_trust:
  description: The trust after the task; in check mode, as it would be. V(null) where the organization has none.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the trust.
      returned: always
      type: str
      sample: Microsoft Federation Gateway
    current:
      description: Thumbprint of the certificate in use.
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    previous:
      description: Thumbprint of the former one.
      returned: always
      type: str
      sample: null
    next:
      description: Thumbprint of the staged one.
      returned: always
      type: str
      sample: null
    domains:
      description: The federated domains.
      returned: always
      type: list
      elements: str
      sample: [contoso.com]
plan:
  description: What is done, or was found not to be necessary or possible, and why.
  returned: success
  type: dict
  contains:
    action:
      description: One of V(keep), V(stage), V(wait), V(publish), V(impossible).
      returned: always
      type: str
      sample: wait
    reason:
      description: Why.
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43 is staged, and waits for its TXT records.
    steps:
      description: What a person has to do, with commands to copy.
      returned: always
      type: list
      elements: str
      sample: []
proofs:
  description: The TXT records of the federated domains for the staged certificate, else for the one in use.
  returned: success
  type: list
  elements: dict
  contains:
    domain:
      description: The domain that the record belongs to.
      returned: always
      type: str
      sample: contoso.com
    txt:
      description: Its text.
      returned: always
      type: str
      sample: Hh2LZ2ZzRrD8wPV6dfLk5TnbJ6c=
    thumbprint:
      description: The certificate that it proves.
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
changes:
  description: What was changed, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample: []
warnings:
  description: What is waited for.
  returned: when there are any
  type: list
  elements: str
  sample: []
"""
