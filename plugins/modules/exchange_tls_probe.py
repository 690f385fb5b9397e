#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_tls_probe``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_tls_probe
short_description: See which certificate a mail or web port really presents
version_added: 0.1.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Connects from the control node as any peer would, and returns the certificate chain, TLS version and cipher that the port presents.
  - Knows SMTP with STARTTLS, IMAP and POP with STARTTLS or implicit TLS, HTTPS, and TLS from the first byte.
  - Compares with what is expected, if anything is, and tries again for a while if asked, as a service needs some time after a restart.
  - Needs no session with Exchange or Windows, no credentials, and works with every connection, also C(local).
options:
  host:
    description:
      - Name or address to connect to. Left out, it is the address of the host in the inventory.
    type: str
  port:
    description:
      - Port. Left out, it is the usual one of the O(protocol), that is 25, 465, 443, 143, 993, 110 and 995; V(tls) has none.
    type: int
  protocol:
    description:
      - V(smtp), V(imap) and V(pop3) begin in clear and switch to TLS; V(smtps), V(https), V(imaps), V(pop3s) and V(tls) begin with TLS.
    type: str
    choices: [smtp, smtps, https, imap, imaps, pop3, pop3s, tls]
    default: smtp
  server_name:
    description:
      - Name that is asked for in the handshake (SNI). Left out, it is the O(host) unless that is an address.
    type: str
  server:
    description:
      - Name of the Exchange server that the port belongs to. It only appears in results and messages.
    type: str
  ca_path:
    description:
      - PEM file on the control node with the authorities to trust. Left out, those of the system are used.
      - It decides RV(probe.trusted) only. An untrusted certificate is still read and returned.
    type: path
  timeout:
    description:
      - Seconds for connecting and for each answer.
    type: int
    default: 10
  ehlo_name:
    description:
      - Name given in EHLO. Left out, it is the name of the control node.
    type: str
  expect_thumbprint:
    description:
      - Thumbprint of the certificate that must be presented.
    type: str
  expect_host_name:
    description:
      - Host name that the presented certificate must cover, by a DNS name or a wildcard.
    type: str
  expect_days_left:
    description:
      - Days for which the presented certificate must still be valid.
    type: int
  expect_complete_chain:
    description:
      - V(true) expects that every intermediate certificate up to a root is presented.
    type: bool
    default: false
  expect_trusted:
    description:
      - V(true) expects that the chain leads to a trusted authority.
    type: bool
    default: false
  retries:
    description:
      - How often to try again while the port does not answer or is not as expected.
    type: int
    default: 0
  delay:
    description:
      - Seconds between two tries.
    type: float
    default: 2
  fail_when_unexpected:
    description:
      - Whether the task fails when the port cannot be examined or is not as expected.
      - V(false) leaves the decision to the playbook, see RV(probe.as_expected) and RV(probe.findings).
    type: bool
    default: true
extends_documentation_fragment:
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
requirements:
  - cryptography >= 42.0.4 (on the control node)
  - pyOpenSSL >= 24.0.0 (on the control node)
seealso:
  - module: mailops.exchange.exchange_service
  - module: mailops.exchange.exchange_certificate_info
notes:
  - A firewall or SMTP proxy in front of the server may answer in its place. Probe from where the peers are, too.
  - A service presents the certificate that it loaded when it last started.
"""

EXAMPLES = r"""
- name: See what SMTP presents
  mailops.exchange.exchange_tls_probe:
    host: mail.contoso.com
  delegate_to: localhost
  register: smtp

- name: Every port of the server must present the new certificate
  mailops.exchange.exchange_tls_probe:
    protocol: "{{ item.protocol }}"
    port: "{{ item.port }}"
    server_name: mail.contoso.com
    expect_thumbprint: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    expect_complete_chain: true
    retries: 10
    delay: 3
  loop:
    - {protocol: smtp, port: 25}
    - {protocol: smtp, port: 587}
    - {protocol: https, port: 443}
    - {protocol: imaps, port: 993}

- name: Watch the date of a certificate
  mailops.exchange.exchange_tls_probe:
    host: mail.contoso.com
    protocol: https
    expect_host_name: mail.contoso.com
    expect_days_left: 21
    expect_trusted: true
  delegate_to: localhost

- name: Restart only where the old certificate is still presented
  mailops.exchange.exchange_tls_probe:
    protocol: smtp
    expect_thumbprint: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    fail_when_unexpected: false
  register: presented
  changed_when: not presented.probe.as_expected
  notify: Restart transport
"""

RETURN = r"""
probe:
  description: What the port presented.
  returned: always, once the options are valid
  type: dict
  contains:
    host:
      description: Name or address that was connected to.
      returned: always
      type: str
      sample: mail.contoso.com
    port:
      description: Port.
      returned: always
      type: int
      sample: 25
    protocol:
      description: Protocol.
      returned: always
      type: str
      sample: smtp
    server:
      description: Name of the Exchange server.
      returned: always
      type: str
      sample: EX01
    as_expected:
      description: Whether everything that was expected is so. V(true) when nothing was expected and the port could be examined.
      returned: always
      type: bool
      sample: true
    findings:
      description: What is not as expected, or why the port could not be examined, one sentence each.
      returned: always
      type: list
      elements: str
      sample: []
    attempts:
      description: How many times it was tried.
      returned: always
      type: int
      sample: 1
    reachable:
      description: Whether a TLS handshake succeeded. Most entries below are only there if it did.
      returned: always
      type: bool
      sample: true
    certificate:
      description: The certificate of the port itself.
      returned: when RV(probe.reachable)
      type: dict
      contains:
        thumbprint:
          description: SHA-1 thumbprint in upper case.
          returned: always
          type: str
          sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
        subject:
          description: Subject as Windows prints it.
          returned: always
          type: str
          sample: CN=mail.contoso.com, O=Contoso
        issuer:
          description: Issuer as Windows prints it.
          returned: always
          type: str
          sample: CN=Contoso Issuing CA 2, O=Contoso
        dns_names:
          description: DNS names.
          returned: always
          type: list
          elements: str
          sample: [mail.contoso.com]
        not_before:
          description: Valid from, in UTC.
          returned: always
          type: str
          sample: "2026-11-01T00:00:00Z"
        not_after:
          description: Valid until, in UTC.
          returned: always
          type: str
          sample: "2027-01-30T23:59:59Z"
        days_left:
          description: Whole days until it expires, negative when it has expired.
          returned: always
          type: int
          sample: 67
    chain:
      description: Everything that was presented, the port's own certificate first.
      returned: when RV(probe.reachable)
      type: list
      elements: dict
      contains:
        thumbprint:
          description: SHA-1 thumbprint in upper case.
          returned: always
          type: str
          sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
        subject:
          description: Subject as Windows prints it.
          returned: always
          type: str
          sample: CN=mail.contoso.com, O=Contoso
        issuer:
          description: Issuer as Windows prints it.
          returned: always
          type: str
          sample: CN=Contoso Issuing CA 2, O=Contoso
    complete:
      description: Whether every intermediate certificate was presented.
      returned: when RV(probe.reachable)
      type: bool
      sample: true
    trusted:
      description: Whether the chain leads to a trusted authority.
      returned: when RV(probe.reachable)
      type: bool
      sample: true
    trust_problem:
      description: Why it is not trusted, or V(null).
      returned: when RV(probe.reachable)
      type: str
      sample: unable to get local issuer certificate
    tls_version:
      description: TLS version.
      returned: when RV(probe.reachable)
      type: str
      sample: TLSv1.3
    cipher:
      description: Cipher suite.
      returned: when RV(probe.reachable)
      type: str
      sample: TLS_AES_256_GCM_SHA384
    banner:
      description: Greeting of the server, or V(null) where TLS comes first.
      returned: when RV(probe.reachable), or the server greeted but does not offer TLS
      type: str
      sample: 220 ex01.contoso.com Microsoft ESMTP MAIL Service ready
    capabilities:
      description: What the server offers before TLS.
      returned: when RV(probe.reachable), or the server greeted but does not offer TLS
      type: list
      elements: str
      sample: [SIZE 37748736, STARTTLS]
"""
