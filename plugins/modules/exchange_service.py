#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_service``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_service
short_description: Start, stop or restart Windows services of Exchange
version_added: 0.1.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Starts, stops or restarts services of an Exchange server, waits until Windows reports the state and, where mail transport is
    among them, until SMTP answers with its banner.
  - The whole restart runs inside one script on the server. If the control node or its connection dies in the middle, the server
    finishes it and no service stays stopped.
options:
  state:
    description:
      - V(started) starts what is not running, V(stopped) stops what is not stopped.
      - V(restarted) stops and starts every service, so it always reports a change. Services that depend on them come along.
      - A service that is disabled cannot be started, the task fails before it touches any.
    type: str
    choices: [started, stopped, restarted]
    required: true
  names:
    description:
      - Service names (not display names). Each must exist on the server.
      - They are handled one after the other in this order. Services that depend on one of them are stopped before it and started after it.
    type: list
    elements: str
    default: [MSExchangeTransport, MSExchangeFrontEndTransport]
    aliases: [name]
  optional_names:
    description:
      - Service names that are treated the same where they exist, and ignored on a server whose role does not have them.
      - A name may be here and in O(names), then it is optional.
      - With O(state=restarted), one that does not run is left as it is. POP and IMAP are stopped on purpose on most servers.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Seconds to wait for the services, and again for SMTP, before the task fails.
    type: int
    default: 300
  smtp_ports:
    description:
      - Ports on which SMTP must answer with a banner after O(state=started) and O(state=restarted).
      - Left out, it is port 25 when V(MSExchangeTransport) or V(MSExchangeFrontEndTransport) is among the services.
        An empty list waits for none.
    type: list
    elements: int
  smtp_host:
    description:
      - Name or address at which SMTP is asked. Left out, it is the address of the host in the inventory.
    type: str
  drain:
    description:
      - Whether the server is emptied of mail before C(MSExchangeTransport) is restarted. Only with O(state=restarted).
      - C(HubTransport) is set draining, the messages are redirected to other servers, the queues are watched until only shadow and poison messages
        are left, the services are restarted, and C(HubTransport) is set active again by the same requester, also when anything in between fails.
      - The task refuses to begin when another server of the same database availability group or site is draining, inactive or without its transport
        service, or when there is no healthy server to redirect to. Let only one server at a time do this (C(throttle) 1).
      - A server that somebody else holds down is restarted and left as it is. One that an interrupted run left draining, as O(record) shows, is set
        active again, and a warning says so.
      - Does nothing when C(MSExchangeTransport) is not to be restarted.
    type: bool
    default: false
    version_added: 0.2.0
  drain_targets:
    description:
      - Servers that the messages are redirected to, by name or FQDN. The server itself may be among them and is left out, so one list serves for all.
      - Left empty, these are the other servers of the availability group, else of the site, else another server of the organization.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  drain_timeout:
    description:
      - Seconds for the queues to empty.
    type: int
    default: 600
    version_added: 0.2.0
  drain_on_timeout:
    description:
      - What happens when they do not. With V(fail) nothing is restarted and the server takes messages again. With V(restart) it is restarted all the
        same; messages in its queues are kept on its disk and delivered afterwards.
    type: str
    choices: [fail, restart]
    default: fail
    version_added: 0.2.0
  drain_requester:
    description:
      - In whose name C(HubTransport) is held down.
    type: str
    choices: [HealthAPI, Maintenance, Sidelined, Functional, Deployment]
    default: Maintenance
    version_added: 0.2.0
extends_documentation_fragment:
  - mailops.exchange.exchange.windows
  - mailops.exchange.record
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: full
    details: Asks for the present states and starts or stops nothing.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: O(state=restarted) restarts every time.
seealso:
  - module: mailops.exchange.exchange_tls_probe
  - module: mailops.exchange.exchange_certificate
notes:
  - POP and IMAP are two services each, a front end and a back end. MSExchangePOP3 and MSExchangePOP3BE, MSExchangeIMAP4 and MSExchangeIMAP4BE.
  - W3SVC carries Exchange's remote PowerShell too. This module does not need it, the next task of another module does.
"""

EXAMPLES = r"""
- name: Let transport load the new certificate
  mailops.exchange.exchange_service:
    state: restarted

- name: Restart POP and IMAP where they are in use
  mailops.exchange.exchange_service:
    names: []
    optional_names: [MSExchangePOP3, MSExchangePOP3BE, MSExchangeIMAP4, MSExchangeIMAP4BE]
    state: restarted

- name: Restart IIS, one server at a time
  mailops.exchange.exchange_service:
    names: [W3SVC]
    state: restarted
    timeout: 600
  throttle: 1

- name: Restart transport without a message waiting on the server, one server at a time
  mailops.exchange.exchange_service:
    state: restarted
    drain: true
  throttle: 1

- name: Make sure that transport runs, and answers on both of its ports
  mailops.exchange.exchange_service:
    state: started
    smtp_ports: [25, 587]
"""

RETURN = r"""
services:
  description: The services, in the order in which they were named.
  returned: success, and failure after the services were touched
  type: list
  elements: dict
  contains:
    name:
      description: Service name.
      returned: always
      type: str
      sample: MSExchangeTransport
    exists:
      description: Whether the server has it.
      returned: always
      type: bool
      sample: true
    status_before:
      description: State before the task, or V(null) where the service does not exist.
      returned: always
      type: str
      sample: Running
    status:
      description: State after the task; in check mode, as it would be.
      returned: always
      type: str
      sample: Running
    start_type:
      description: How Windows starts it, such as V(Automatic), V(Manual) or V(Disabled), or V(null) where the service does not exist.
      returned: always
      type: str
      sample: Automatic
    seconds:
      description: How long stopping and starting took, as the server measured it.
      returned: always
      type: float
      sample: 6.2
service:
  description: The service that could not be brought into the state that was asked for.
  returned: when that failed
  type: str
  sample: MSExchangeTransport
services_left_alone:
  description: Services that were not touched any more, because the one before them failed.
  returned: with RV(service)
  type: list
  elements: str
  sample: [MSExchangeFrontEndTransport]
smtp:
  description: What the SMTP ports answered.
  returned: when SMTP was waited for
  type: list
  elements: dict
  contains:
    host:
      description: Name or address that was asked.
      returned: always
      type: str
      sample: ex01.contoso.com
    port:
      description: Port.
      returned: always
      type: int
      sample: 25
    banner:
      description: First line that the server sent.
      returned: always
      type: str
      sample: 220 ex01.contoso.com Microsoft ESMTP MAIL Service ready
    seconds:
      description: How long it took until it answered.
      returned: always
      type: float
      sample: 1.4
drain:
  description: How the server was emptied.
  returned: when O(drain) and it was
  type: dict
  contains:
    targets:
      description: Servers that took the messages over.
      returned: always
      type: list
      elements: str
      sample: [ex02.contoso.com]
    seconds:
      description: How long it took.
      returned: always
      type: float
      sample: 12.5
    messages_before:
      description: Messages that waited on the server.
      returned: always
      type: int
      sample: 42
    messages_left:
      description: Messages that were left in its queues.
      returned: always
      type: int
      sample: 0
    timed_out:
      description: Whether messages were left when the time was over.
      returned: always
      type: bool
      sample: false
    queues_left:
      description: The queues that did not empty.
      returned: always
      type: list
      elements: str
      sample: []
changes:
  description: What was changed, or would be in check mode, one sentence each. Also returned when the task failed half way.
  returned: always
  type: list
  elements: str
  sample: [Restarted MSExchangeTransport on EX01.]
"""
