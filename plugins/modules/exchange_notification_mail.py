#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_notification_mail``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_notification_mail
short_description: Send a plain-text mail from the control node
version_added: 0.2.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Sends a mail through an SMTP host, with Python's standard library. P(mailops.exchange.notify#role) notifies people with it.
  - Nothing is asked of the inventory host.
options:
  server:
    description:
      - Not used. It is here so that a default of the action group may set it.
    type: str
  host:
    description:
      - SMTP host that takes the mail. Best not one of the servers that the mail is about.
    type: str
    required: true
  port:
    description:
      - Its port.
    type: int
    default: 25
  security:
    description:
      - How the connection is encrypted. V(starttls) demands it after the greeting, V(tls) is encrypted from the first byte, V(none) is not.
      - The certificate of the host has to be trusted.
    type: str
    choices: [starttls, tls, none]
    default: starttls
  ca_path:
    description:
      - PEM file with the authorities to trust. Left out, those of the system are used.
    type: path
  user:
    description:
      - User to log in with. Never sent without encryption.
    type: str
  password:
    description:
      - Password to log in with.
    type: str
  sender:
    description:
      - Address of the sender.
    type: str
    required: true
  recipients:
    description:
      - Addresses of the recipients.
    type: list
    elements: str
    required: true
  subject:
    description:
      - Subject, one line.
    type: str
    required: true
  body:
    description:
      - Text of the mail.
    type: str
    required: true
  timeout:
    description:
      - Seconds for the connection and for each answer.
    type: int
    default: 30
extends_documentation_fragment:
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: full
    details: Sends nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Sends a mail each time. It never counts as a change, because nothing of a server is changed.
"""

EXAMPLES = r"""
- name: Notify the team
  mailops.exchange.exchange_notification_mail:
    host: smtp.partner.example
    sender: exchange@contoso.com
    recipients: [mail-team@contoso.com]
    subject: The certificate of mail.contoso.com was replaced
    body: "{{ summary | join('\n') }}"
  run_once: true
"""

RETURN = r"""
sent:
  description: Whether it was sent.
  returned: success
  type: bool
  sample: true
reply:
  description: What the host answered when it took the mail.
  returned: when it was sent
  type: str
  sample: 250 2.0.0 Ok, queued as 4F1A
tls_version:
  description: Version of TLS, or V(null) without.
  returned: when it was sent
  type: str
  sample: TLSv1.3
stage:
  description: At which point of the dialogue it was refused.
  returned: failure of the dialogue
  type: str
  sample: recipient
"""
