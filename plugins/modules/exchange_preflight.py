#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_preflight``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_preflight
short_description: Find out everything that stands against a rotation, before it begins
version_added: 0.2.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Checks one server at its Exchange endpoint, its Windows endpoint and its ports, and with O(organization) the new certificate and what belongs to the
    organization.
  - All findings come at once, each as pass, warn or fail, with what to do about it. An endpoint or port that does not answer is a finding like any other.
  - Nothing is changed.
  - Of the certificate it looks at required names, wildcards, the common name, validity, the chain, key, signature, key usages, whether it is
    self-signed or revoked, and the length of its C(TlsCertificateName).
  - Of a server it looks at Exchange's and Windows' endpoints and the ports, the build, required services, component states, queues, the clock, back
    pressure of transport, pending certificate requests, the permissions of the account, the Auth certificate, and whether the rotation can be taken
    back and what it replaces backed up.
options:
  services:
    description:
      - Services that the new certificate is to serve. What it replaces follows from them.
    type: list
    elements: str
    choices: [IMAP, POP, UM, IIS, SMTP, UMCallRouter]
    default: [IIS, SMTP]
  organization:
    description:
      - Whether to check the certificate and what belongs to the organization, too. One server is enough for that.
    type: bool
    default: false
  required_names:
    description:
      - Names that the certificate must have.
      - Left out, they are taken from the default accepted domain (C(autodiscover.DOMAIN)) and from Autodiscover's internal addresses. A name of those
        that the outgoing certificate has and the new one lacks is a failure; one that neither has is a warning.
    type: list
    elements: str
  allow_wildcard:
    description:
      - Whether a wildcard among the names is taken.
    type: bool
    default: false
  allow_self_signed:
    description:
      - Whether a self-signed certificate is taken.
    type: bool
    default: false
  minimum_days:
    description:
      - Days that the certificate must be valid from now on. For "at least a year" take V(365), which no public authority issues any more.
    type: int
    default: 30
  minimum_rsa_bits:
    description:
      - Bits that an RSA key must have.
    type: int
    default: 2048
  revoked_thumbprints:
    description:
      - Thumbprints of certificates that have been withdrawn and must not come back.
    type: list
    elements: str
    default: []
  tls_certificate_name_limit:
    description:
      - Characters that C(TlsCertificateName) may have. The directory of Edge servers takes 256 unless it was changed (KB4052493).
    type: int
    default: 256
  ca_path:
    description:
      - PEM file with the roots that count. Left out, those of the control node count, and a chain that ends at an unknown root is a warning only.
    type: path
  activities:
    description:
      - What the run will do. The account must have the cmdlets and parameters for it.
    type: list
    elements: str
    choices: [rotate, drain, backup, mail_flow]
    default: [rotate]
  backup_required:
    description:
      - Whether it is a failure, and no warning, that the key of an outgoing certificate cannot be exported.
    type: bool
    default: false
  ports:
    description:
      - Ports to ask for their certificates.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: Number of the port.
        type: int
        required: true
      server_port:
        description: Not used here, and there for the same reason as O(ports[].service).
        type: int
      protocol:
        description: Protocol as M(mailops.exchange.exchange_tls_probe) knows it.
        type: str
        choices: [smtp, smtps, https, imap, imaps, pop3, pop3s, tls]
        required: true
      service:
        description: Not used here. So the same list serves for the rotation.
        type: str
  port_timeout:
    description:
      - Seconds for a port to answer.
    type: int
    default: 10
  clock_tolerance:
    description:
      - Seconds by which the clocks of server and control node may differ.
    type: float
    default: 60.0
  queue_limit:
    description:
      - Messages that may wait on the server.
    type: int
    default: 500
  queue_growth_limit:
    description:
      - Messages by which the queues may grow between two looks.
    type: int
    default: 50
  known_builds:
    description:
      - Builds to be taken as known, in addition to those that the collection knows.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the cumulative update.
        type: str
        required: true
      build:
        description: Its first three numbers, such as V(15.2.2562).
        type: str
        required: true
      supported:
        description: Whether it gets updates.
        type: bool
        default: true
  window:
    description:
      - Maintenance window. Outside of it is a failure; in check mode a warning.
    type: dict
    suboptions:
      start:
        description: Begin, as V(HH:MM).
        type: str
        required: true
      end:
        description: End, as V(HH:MM). Earlier than O(window.start), it is on the next day.
        type: str
        required: true
      time_zone:
        description: IANA name of the time zone.
        type: str
        default: UTC
      days:
        description: Days of the week on which it begins, such as V(Fri). Left out, every day.
        type: list
        elements: str
  record_directory:
    description:
      - Folder of the records of runs. With it, a component that a run for this certificate left draining when it was interrupted is a warning and
        no failure.
    type: path
  fail_on_findings:
    description:
      - Whether the task fails when a check does.
    type: bool
    default: true
extends_documentation_fragment:
  - mailops.exchange.certificate_source
  - mailops.exchange.exchange
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
seealso:
  - module: mailops.exchange.exchange_rotation_info
  - module: mailops.exchange.exchange_tls_probe
"""

EXAMPLES = r"""
- name: See whether a rotation may begin
  mailops.exchange.exchange_preflight:
    pfx_path: mail.contoso.com.pfx
    pfx_password: "{{ vault_pfx_password }}"
    organization: "{{ inventory_hostname == ansible_play_hosts_all | first }}"
    window: {start: "22:00", end: "04:00", time_zone: Europe/Berlin, days: [Fri, Sat]}
    fail_on_findings: false
  register: preflight

- name: Show what stands against it
  ansible.builtin.debug:
    msg: "{{ preflight.findings | rejectattr('status', 'eq', 'pass') }}"
"""

RETURN = r"""
findings:
  description: Every check, in the order in which they were made.
  returned: always, unless an option is invalid
  type: list
  elements: dict
  contains:
    server:
      description: The server.
      returned: always
      type: str
      sample: EX01
    check:
      description: What was checked.
      returned: always
      type: str
      sample: queues
    status:
      description: V(pass), V(warn) or V(fail).
      returned: always
      type: str
      sample: fail
    message:
      description: What was found.
      returned: always
      type: str
      sample: 812 messages wait, most in EX01\3; 500 are allowed.
    remedy:
      description: What to do about it; empty where nothing has to be done.
      returned: always
      type: str
      sample: Find out what holds mail up, or raise queue_limit.
passed:
  description: Number of checks that passed.
  returned: always, unless an option is invalid
  type: int
  sample: 21
warned:
  description: Number of warnings.
  returned: always, unless an option is invalid
  type: int
  sample: 1
failed_checks:
  description: Number of failures.
  returned: always, unless an option is invalid
  type: int
  sample: 1
"""
