#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_certificate_info``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_certificate_info
short_description: Read the certificates of one Exchange server
version_added: 0.1.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Returns the certificates of one Exchange server with their names, dates, services and what else an administrator asks about them,
    and which connectors name them.
  - Several filters narrow the answer together, a certificate is returned when it meets all of them.
  - A certificate without a private key is invisible to Exchange and therefore never returned.
options:
  thumbprint:
    description:
      - Return the certificate with this SHA-1 thumbprint only. Blanks, colons and case do not matter.
      - No such certificate on the server gives an empty list, not a failure.
    type: str
  services:
    description:
      - Return certificates that serve every one of these services. Upper and lower case do not matter.
      - A certificate whose services Exchange does not report (RV(certificates[].services) is V(null)) is left out by this filter.
    type: list
    elements: str
    choices: [IMAP, POP, UM, IIS, SMTP, Federation, UMCallRouter]
  dns_name:
    description:
      - Return certificates that cover this host name, by one of their DNS names or by a wildcard.
    type: str
  expires_within_days:
    description:
      - Return certificates that have expired or will have expired in this number of days.
    type: int
  self_signed:
    description:
      - V(true) returns self-signed certificates only, V(false) leaves them out.
    type: bool
  connectors:
    description:
      - Whether to read the connectors too, and return which of them name each certificate.
      - V(false) saves two cmdlets.
    type: bool
    default: true
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
seealso:
  - module: mailops.exchange.exchange_certificate
  - module: mailops.exchange.exchange_rotation_info
  - name: Get-ExchangeCertificate
    description: The cmdlet that reads the certificates.
    link: https://learn.microsoft.com/en-us/powershell/module/exchangepowershell/get-exchangecertificate
notes:
  - A server whose Auth certificate has expired may send certificates without their details. Names and dates are still returned
    then, but RV(certificates[].services), RV(certificates[].friendly_name) and others are V(null), which means unknown, not none.
"""

EXAMPLES = r"""
- name: Read every certificate of the server
  mailops.exchange.exchange_certificate_info:
  register: stored

- name: Warn a month ahead
  mailops.exchange.exchange_certificate_info:
    expires_within_days: 30
    services: [IIS]
    connectors: false
  register: expiring

- name: Show what expires
  ansible.builtin.debug:
    msg: "{{ item.subject }} on {{ item.server }} expires in {{ item.days_left }} days"
  loop: "{{ expiring.certificates }}"
  loop_control:
    label: "{{ item.thumbprint }}"

- name: Find the certificates that cover a name
  mailops.exchange.exchange_certificate_info:
    dns_name: autodiscover.contoso.com
    self_signed: false
"""

RETURN = r"""
certificates:
  description: The certificates that meet the filters, soonest to expire first.
  returned: success
  type: list
  elements: dict
  contains:
    thumbprint:
      description: SHA-1 thumbprint in upper case.
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    server:
      description: The server that holds the certificate.
      returned: always
      type: str
      sample: EX01
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
    serial_number:
      description: Serial number, hexadecimal in upper case.
      returned: always
      type: str
      sample: 4A1F09C2D7
    dns_names:
      description: DNS names of the certificate.
      returned: always
      type: list
      elements: str
      sample: [mail.contoso.com, autodiscover.contoso.com]
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
    services:
      description: Services that use the certificate; V(null) when Exchange does not report it.
      returned: always
      type: list
      elements: str
      sample: [IIS, SMTP]
    status:
      description: Status as Exchange sees it, such as V(Valid), V(DateInvalid), V(Untrusted), V(RevocationCheckFailure), V(PendingRequest).
      returned: always
      type: str
      sample: Valid
    root_ca_type:
      description: Kind of the root authority, V(None), V(ThirdParty), V(Enterprise), V(Registry), V(GroupPolicy) or V(Unknown).
      returned: always
      type: str
      sample: ThirdParty
    self_signed:
      description: Whether subject and issuer are the same.
      returned: always
      type: bool
      sample: false
    friendly_name:
      description: Friendly name.
      returned: always
      type: str
      sample: mail.contoso.com 2027
    exportable:
      description: Whether the private key can be exported; V(null) when Exchange does not report it.
      returned: always
      type: bool
      sample: false
    has_private_key:
      description: Whether there is a private key; V(null) when Exchange does not report it.
      returned: always
      type: bool
      sample: true
    key_type:
      description: Kind of the public key.
      returned: always
      type: str
      sample: RSA
    key_size:
      description: Size of the key in bits.
      returned: always
      type: int
      sample: 2048
    tls_certificate_name:
      description: The value that connectors use to name this certificate.
      returned: always
      type: str
      sample: <I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso
    internal_transport:
      description: Whether it is the server's internal transport certificate.
      returned: always
      type: bool
      sample: false
    send_connectors:
      description: Names of the organization's Send connectors that name this certificate.
      returned: when O(connectors=true)
      type: list
      elements: str
      sample: ["Outbound to Office 365"]
    receive_connectors:
      description: Names of the server's Receive connectors that name this certificate.
      returned: when O(connectors=true)
      type: list
      elements: str
      sample: ["Default Frontend EX01"]
warnings:
  description: What could not be read, and why.
  returned: when there are any
  type: list
  elements: str
  sample: []
"""
