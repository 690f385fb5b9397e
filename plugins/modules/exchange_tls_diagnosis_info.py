#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_tls_diagnosis_info``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_tls_diagnosis_info
short_description: Find out why TLS fails at a server, and what repairs it
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Looks at what a server's Exchange endpoint says, what its Windows endpoint shows of the store and what its ports present, and names the
    documented causes that it finds, with the evidence and with the task that repairs each.
  - With the text of a bounced message, of a queue or of an event in O(message), it says which cause explains that error.
  - An endpoint or port that does not answer makes its checks V(not_checked) with the reason; the others are made all the same, and nothing is claimed
    that was not seen.
  - Nothing is changed. The event log is not read; give the text or the number of an event in O(message).
options:
  message:
    description:
      - The text of a bounced message, the last error of a queue, or an event, as it is. It may be broken into lines, and one error may be
        wrapped into another.
      - An event may also be just its number, for example V(12014) or V(Event 12014).
      - Left out, every check is made and every cause that is found is reported.
    type: str
  ports:
    description:
      - SMTP ports to look at. Left out, it is port 25 of the host.
      - Give the public name with port 25 as a second one to see what stands before the server.
    type: list
    elements: dict
    suboptions:
      host:
        description: Name or address. Left out, it is that of the host.
        type: str
      port:
        description: The port.
        type: int
        default: 25
  ca_path:
    description:
      - PEM file with the roots that the other side trusts. Left out, those of the control node count, and a chain without its issuer is
        V(not_checked), because the authority may be a private one.
    type: path
  port_timeout:
    description: Seconds for a port to connect, to answer and to shake hands.
    type: int
    default: 10
  clock_tolerance:
    description: Seconds by which the clocks of server and control node may differ. Kerberos fails from 300 on.
    type: float
    default: 240
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
seealso:
  - module: mailops.exchange.exchange_tls_probe
  - module: mailops.exchange.exchange_preflight
"""

EXAMPLES = r"""
- name: Find out why Exchange Online cannot deliver
  mailops.exchange.exchange_tls_diagnosis_info:
    message: "450 4.4.317 Cannot connect to remote server [Message=451 5.7.3 STARTTLS is required to send mail]"
    ports:
      - port: 25
      - host: mail.contoso.com
  register: diagnosis

- name: Show the causes
  ansible.builtin.debug:
    msg: "{{ diagnosis.causes }}"

- name: Check TLS of every server each night, and fail when something is wrong
  mailops.exchange.exchange_tls_diagnosis_info:
    ca_path: roots.pem
  register: nightly
  failed_when: nightly.causes | default([]) | length > 0
"""

RETURN = r"""
reported:
  description: What the message says, or V(null) without one.
  returned: success
  type: dict
  contains:
    text:
      description: The text in one line.
      returned: always
      type: str
      sample: 451 5.7.3 STARTTLS is required to send mail
    code:
      description: The innermost SMTP code.
      returned: always
      type: int
      sample: 451
    enhanced_code:
      description: The innermost enhanced status code.
      returned: always
      type: str
      sample: 5.7.3
    event:
      description: The number of the event.
      returned: always
      type: int
      sample: 12014
    remote_host:
      description: The server that the text names.
      returned: always
      type: str
      sample: mail.contoso.com
    expected_name:
      description: The name that the other side expected in the certificate.
      returned: always
      type: str
      sample: "*.contoso.com"
    symptom:
      description: The documented error that it is, or V(null) if it is none.
      returned: always
      type: str
      sample: starttls_required
    title:
      description: The same for people.
      returned: always
      type: str
      sample: "451 5.7.3: STARTTLS is required, and not offered"
checks:
  description: Every check that was made, and every one that could not be made.
  returned: success
  type: list
  elements: dict
  contains:
    server:
      description: The server.
      returned: always
      type: str
      sample: EX01
    check:
      description: The check.
      returned: always
      type: str
      sample: receive_connector
    endpoint:
      description: Where was looked, at the endpoint V(exchange) or V(windows), or at a V(port).
      returned: always
      type: str
      sample: exchange
      version_added: 0.4.0
    door:
      description: Deprecated, and will be removed in version 0.5.0. The same as RV(checks[].endpoint).
      returned: always
      type: str
      sample: exchange
    status:
      description: V(pass), V(fail) or V(not_checked).
      returned: always
      type: str
      sample: fail
    subject:
      description: What was looked at.
      returned: always
      type: str
      sample: Receive connector 'EX01\Default Frontend EX01'
    evidence:
      description: What was seen, or why nobody could look.
      returned: always
      type: str
      sample: No certificate that Exchange can use has the name '<I>CN=Contoso CA<S>CN=mail.contoso.com'.
    cause:
      description: The cause that a failed check speaks for, else empty.
      returned: always
      type: str
      sample: receive_connector_certificate_not_found
causes:
  description: Every cause that was found, those that explain the message first.
  returned: success
  type: list
  elements: dict
  contains:
    cause:
      description: Its name.
      returned: always
      type: str
      sample: receive_connector_certificate_not_found
    description:
      description: What it means.
      returned: always
      type: str
      sample: No certificate of the server has the name that the Receive connector goes by (event 12014).
    explains_message:
      description: Whether it is a documented cause of what was reported.
      returned: always
      type: bool
      sample: true
    subjects:
      description: What it was found at.
      returned: always
      type: list
      elements: str
      sample: ["Receive connector 'EX01\\Default Frontend EX01'"]
    evidence:
      description: What was seen there.
      returned: always
      type: list
      elements: str
      sample: ["No certificate that Exchange can use has the name '<I>CN=Contoso CA<S>CN=mail.contoso.com'."]
    repair:
      description: What repairs it.
      returned: always
      type: dict
      contains:
        description:
          description: What is to be done.
          returned: always
          type: str
          sample: Point the connector to a certificate that the server has.
        module:
          description: The module that does it, else empty.
          returned: always
          type: str
          sample: mailops.exchange.exchange_receive_connector_tls
        playbook:
          description: The playbook that does it, else empty.
          returned: always
          type: str
          sample: mailops.exchange.rotate_cert
        options:
          description: Options or variables for it; V(...) is to be filled in.
          returned: always
          type: dict
          sample: {"name": "...", "thumbprint": "..."}
summary:
  description: The result in one sentence.
  returned: success
  type: str
  sample: "EX01: what was reported is explained by receive_connector_certificate_not_found."
warnings:
  description: That the message is none of the documented errors.
  returned: when it is so
  type: list
  elements: str
  sample: []
"""
