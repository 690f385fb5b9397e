#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_auth_certificate``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_auth_certificate
short_description: Keep the OAuth certificate of the organization valid, on every server
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Stages, publishes and replaces the certificate that Exchange signs OAuth tokens with (C(Set-AuthConfig)), creates one where it is needed, and brings it to
    every Mailbox server before the configuration names it.
  - With O(state=managed) a scheduled job keeps it for ever, by the rules of Microsoft's own script. A current certificate that has expired or that no server
    holds is replaced at once; with no more than O(stage_days) left the next one is staged; a staged one that nobody published is published.
  - The internal transport certificate stays what it was. Exchange's question about it is answered No, and it is restored if Exchange replaced it
    all the same.
  - It belongs to the organization. Run the task once, not on every server (C(run_once)).
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.record
  - mailops.exchange.attributes
options:
  state:
    description:
      - V(managed) does what is due and nothing else.
      - V(staged) sees that a next certificate is named, which Exchange publishes by itself when its time has come.
      - V(published) has the staged one take over now, whatever its date.
      - V(replaced) is for emergencies. Another certificate takes over at once, and the previous one is forgotten. Without O(thumbprint) and O(force)
        this happens only when the current one is no good.
      - V(cleared) has the configuration forget the previous certificate.
    type: str
    choices: [managed, staged, published, replaced, cleared]
    default: managed
  thumbprint:
    description:
      - The certificate to take, for V(staged), V(published) and V(replaced). A Mailbox server has to hold it with its private key.
      - Left out, a self-signed one of 2048 bits is created with the name and the validity that Exchange gives it. One that an interrupted run has
        just created is taken instead.
    type: str
  effective_hours:
    description:
      - Hours until a staged certificate takes over. Exchange wants 48 at least, so that every server gets it in time; with fewer it is staged all the same.
    type: float
    default: 49
  stage_days:
    description:
      - Days left at which V(managed) stages the next one.
    type: int
    default: 60
  next_days:
    description:
      - Days that a staged certificate has to have left; with no more, V(managed) stages another one in its place.
    type: int
    default: 120
  distribute:
    description:
      - Whether to import the certificate on every Mailbox server that lacks it. The key travels in memory only, under a password that is used once,
        and has to be exportable.
      - Without it Exchange copies it within the site, and other sites are the administrator's business.
    type: bool
    default: true
  force:
    description:
      - Whether V(replaced) replaces a certificate that is still good. It then does so at every run.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    details: The thumbprint of a certificate that would be created is shown as C((new)).
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - After V(published) and V(replaced), restart MSExchangeServiceHost and recycle the application pools of OWA and ECP on every server, as
    RV(restart_required) says and the role P(mailops.exchange.auth_certificate#role) does. Until then they sign with the former certificate.
  - In a hybrid organization, run the Hybrid Configuration Wizard after every renewal; with a dedicated hybrid application, update its certificate.
seealso:
  - module: mailops.exchange.exchange_app_pool
  - module: mailops.exchange.exchange_service
  - name: Maintain the OAuth certificate
    description: Microsoft's instruction.
    link: https://learn.microsoft.com/en-us/exchange/plan-and-deploy/integration-with-sharepoint-and-skype/maintain-oauth-certificate
"""

EXAMPLES = r"""
- name: Keep the Auth certificate valid (every day, by a scheduled job)
  mailops.exchange.exchange_auth_certificate:
  run_once: true
  register: auth

- name: Show what is to come
  ansible.builtin.debug:
    msg: "{{ auth.plan.reason }}"
  run_once: true

- name: It has expired, and nobody can log in to OWA
  mailops.exchange.exchange_auth_certificate:
    state: replaced
  run_once: true
"""

RETURN = r"""
plan:
  description: What is done, or was found not to be necessary, and why.
  returned: success
  type: dict
  contains:
    action:
      description: One of V(keep), V(stage), V(publish), V(replace), V(clear).
      returned: always
      type: str
      sample: keep
    reason:
      description: Why.
      returned: always
      type: str
      sample: The current certificate has 1204 days left.
auth_config:
  description: The Auth configuration after the task; in check mode, as it would be.
  returned: success
  type: dict
  contains:
    current:
      description: Thumbprint of the certificate in use.
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    previous:
      description: Thumbprint of the former one, V(null) for none.
      returned: always
      type: str
      sample: null
    next:
      description: Thumbprint of the staged one, V(null) for none.
      returned: always
      type: str
      sample: null
    next_effective:
      description: When the staged one takes over.
      returned: always
      type: str
      sample: "2027-04-10T12:00:00Z"
presence:
  description: What each Mailbox server holds.
  returned: success
  type: list
  elements: dict
  contains:
    server:
      description: Name of the server.
      returned: always
      type: str
      sample: EX01
    site:
      description: Its Active Directory site.
      returned: always
      type: str
      sample: Berlin
    current:
      description: Whether it holds the current certificate with its key. V(null) where it could not be read.
      returned: always
      type: bool
      sample: true
    next:
      description: The same of the staged one. V(null) where there is none.
      returned: always
      type: bool
      sample: null
restart_required:
  description: Whether services and application pools have to be restarted on every server.
  returned: success
  type: bool
  sample: false
changes:
  description: What was changed, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample: []
warnings:
  description: What is not wrong but good to know, such as servers that lack the certificate.
  returned: when there are any
  type: list
  elements: str
  sample: []
"""
