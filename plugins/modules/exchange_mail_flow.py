#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_mail_flow``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_mail_flow
short_description: Prove that mail flows, by a message that is sent and looked for
version_added: 0.2.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Hands a message to a port of the server, with STARTTLS and a login if given, and looks for it by its Message-Id in the message tracking logs of all
    servers until it has arrived.
  - Reports the way it took, how long each step lasted, and which certificate the session was shown.
  - With a recipient outside of the organization, the message leaves through the Send connector, and the log shows which one.
  - When it does not arrive, the log and the queue in which it waits say why.
options:
  smtp_host:
    description:
      - Name or address that the message is handed to. Left out, it is the address of the host in the inventory.
    type: str
  port:
    description:
      - Its port, V(25) or V(587) as a rule.
    type: int
    default: 25
  starttls:
    description:
      - Whether the session has to be encrypted. The certificate is looked at and need not be trusted.
    type: str
    choices: [required, if_offered, never]
    default: required
  user:
    description:
      - User to log in with, as port 587 wants it. Never sent without encryption.
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
  recipient:
    description:
      - Address of the recipient. Take a mailbox that may get test messages, or an address outside that does.
    type: str
    required: true
  subject:
    description:
      - Subject of the message.
    type: str
    default: Test of mail flow
  helo_name:
    description:
      - Name given in EHLO. Left out, it is the name of the control node.
    type: str
  expect:
    description:
      - What counts as arrived. V(delivered) is delivery to a mailbox, V(sent_external) that another organization took it.
      - Left out, it is V(delivered) for a recipient in an accepted domain and V(sent_external) for any other.
    type: str
    choices: [delivered, sent_external, any]
  expect_thumbprint:
    description:
      - Thumbprint of the certificate that the session must be shown.
    type: str
  search_servers:
    description:
      - Servers whose message tracking logs are searched. Left empty, these are all Mailbox servers of the organization.
      - The server that took the message is searched first in any case.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Seconds for the message to arrive.
    type: int
    default: 120
  smtp_timeout:
    description:
      - Seconds for the connection and for each answer of SMTP.
    type: int
    default: 30
  poll_interval:
    description:
      - Seconds between the first two searches. The pause grows from search to search.
    type: float
    default: 1.0
  fail_when_not_arrived:
    description:
      - Whether the task fails when the message has not arrived, or another certificate was shown.
    type: bool
    default: true
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: full
    details: Sends nothing, and says so.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Sends a message each time. It never counts as a change, because nothing of a server is changed.
seealso:
  - module: mailops.exchange.exchange_tls_probe
  - name: Get-MessageTrackingLog
    description: Where the message is looked for.
    link: https://learn.microsoft.com/en-us/powershell/module/exchangepowershell/get-messagetrackinglog
"""

EXAMPLES = r"""
- name: Mail from outside arrives
  mailops.exchange.exchange_mail_flow:
    sender: monitor@partner.example
    recipient: mailflow-test@contoso.com

- name: A client may send, and the message leaves through the Send connector
  mailops.exchange.exchange_mail_flow:
    port: 587
    user: mailflow-test@contoso.com
    password: "{{ vault_mailflow_password }}"
    sender: mailflow-test@contoso.com
    recipient: echo@partner.example
    expect: sent_external
"""

RETURN = r"""
mail:
  description: What became of the message.
  returned: success, and failure after it was handed over
  type: dict
  contains:
    sent:
      description: Whether it was sent; not in check mode.
      returned: always
      type: bool
      sample: true
    message_id:
      description: Its Message-Id.
      returned: when it was sent
      type: str
      sample: <5f0c2b0a9d1e4c7f8a6b.mail-flow@partner.example>
    smtp:
      description: How it was handed over.
      returned: always
      type: dict
      contains:
        host:
          description: Name or address.
          returned: always
          type: str
          sample: ex01.contoso.com
        port:
          description: Port.
          returned: always
          type: int
          sample: 25
        reply:
          description: What the server answered when it took it.
          returned: when it was sent
          type: str
          sample: 250 2.6.0 Queued mail for delivery
        seconds:
          description: How long that took.
          returned: when it was sent
          type: float
          sample: 0.42
        tls_version:
          description: Version of TLS, or V(null) without.
          returned: when it was sent
          type: str
          sample: TLSv1.2
        certificate:
          description: The certificate that was shown, with C(thumbprint), C(subject), C(issuer), C(dns_names) and C(not_after), or V(null).
          returned: when it was sent
          type: dict
          sample: {"thumbprint": "0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43", "subject": "CN=mail.contoso.com"}
    arrived:
      description: Whether it has arrived.
      returned: when it was sent
      type: bool
      sample: true
    path:
      description: The entries of the message tracking logs in the order of time.
      returned: when it was sent
      type: list
      elements: dict
      sample:
        - time: "2027-01-10T21:30:00.120000Z"
          server: EX01
          source: SMTP
          event_id: RECEIVE
          connector: EX01\Default EX01
          recipients: [mailflow-test@contoso.com]
    delays:
      description: Seconds from each entry to the next.
      returned: when it was sent
      type: list
      elements: dict
      sample: [{"from": "EX01 RECEIVE", "to": "EX01 DELIVER", "seconds": 0.31}]
    connector:
      description: Connector that it left or arrived by, as the last entry names it.
      returned: when it was sent
      type: str
      sample: Internet
    seconds:
      description: Seconds from the first entry to the last.
      returned: when it has arrived
      type: float
      sample: 0.31
    findings:
      description: What is not as expected, one sentence each.
      returned: when it was sent
      type: list
      elements: str
      sample: []
stage:
  description: At which point of the dialogue the message was refused.
  returned: failure of the dialogue
  type: str
  sample: recipient
"""
