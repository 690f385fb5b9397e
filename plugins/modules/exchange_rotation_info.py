#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_rotation_info``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_rotation_info
short_description: Plan the replacement of a certificate on one Exchange server
version_added: 0.1.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Compares a new certificate with what one server holds, and returns everything that has to change, from the import to the value of each connector.
  - Nothing is changed. The role C(mailops.exchange.rotate) runs it on every server before its first change, so that a problem on one server
    stops the rotation while all of them are still as they were.
  - The outgoing certificates are found by themselves, or named. Found are all certificates other than the new one that are not self-signed, serve one of the
    O(services), and whose names the new certificate covers completely. So what an interrupted run left over is found, too.
options:
  services:
    description:
      - Services that the new certificate is to serve. Upper and lower case do not matter.
    type: list
    elements: str
    choices: [IMAP, POP, UM, IIS, SMTP, UMCallRouter]
    default: [IIS, SMTP]
  outgoing:
    description:
      - Thumbprints of the certificates to replace. Left out, they are found as described above.
      - A thumbprint that a server does not hold is ignored for that server.
    type: list
    elements: str
  organization:
    description:
      - Whether to read also what belongs to the organization, that is Send connectors and the hybrid configuration. Do it on one host only.
    type: bool
    default: false
  include_state:
    description:
      - Whether to return the server's whole state as well, and the organization's with O(organization), as M(mailops.exchange.exchange_state_info)
        does. It is read in the same session.
    type: bool
    default: false
    version_added: 0.2.0
  fail_on_problems:
    description:
      - Whether the task fails when the plan has problems. V(false) returns them in RV(rotation.problems).
    type: bool
    default: true
extends_documentation_fragment:
  - mailops.exchange.certificate_source
  - mailops.exchange.exchange
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
seealso:
  - module: mailops.exchange.exchange_certificate
  - module: mailops.exchange.exchange_send_connector
  - module: mailops.exchange.exchange_receive_connector_tls
  - module: mailops.exchange.exchange_certificate_info
notes:
  - Needs two reading cmdlets for a server, and two more with O(organization=true), in one session.
  - A renewal by the same authority with the same subject leaves every connector as it is. Services have to be restarted all the same.
"""

EXAMPLES = r"""
- name: Plan on every server, and read the organization once
  mailops.exchange.exchange_rotation_info:
    pfx_path: mail.contoso.com.pfx
    pfx_password: "{{ vault_pfx_password }}"
    services: [IIS, SMTP]
    organization: "{{ inventory_hostname == ansible_play_hosts_all | first }}"
  register: plan

- name: Show what will be done
  ansible.builtin.debug:
    msg: "{{ plan.rotation.changes }}"

- name: Plan with a named outgoing certificate, and look at the problems without failing
  mailops.exchange.exchange_rotation_info:
    fullchain_path: fullchain.pem
    private_key_path: privkey.pem
    outgoing:
      - D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90
    fail_on_problems: false
  register: plan
"""

RETURN = r"""
rotation:
  description: The plan for this server.
  returned: success, and when the plan has problems
  type: dict
  contains:
    server:
      description: The server.
      returned: always
      type: str
      sample: EX01
    new:
      description: The new certificate.
      returned: always
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
          description: Whole days until it expires.
          returned: always
          type: int
          sample: 67
        tls_certificate_name:
          description: The value that connectors use to name it.
          returned: always
          type: str
          sample: <I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso
    outgoing:
      description: The certificates that the new one replaces, in the shape that M(mailops.exchange.exchange_certificate_info) returns.
      returned: always
      type: list
      elements: dict
      sample: []
    install_needed:
      description: Whether the server lacks the new certificate or a service of it.
      returned: always
      type: bool
      sample: true
    services_to_enable:
      description: Services that the new certificate does not serve yet.
      returned: always
      type: list
      elements: str
      sample: [IIS, SMTP]
    receive_connectors:
      description: Receive connectors of the server whose value has to change.
      returned: always
      type: list
      elements: dict
      contains:
        name:
          description: Identity of the connector.
          returned: always
          type: str
          sample: EX01\Default Frontend EX01
        tls_certificate_name_before:
          description: The value now.
          returned: always
          type: str
          sample: <I>CN=Contoso Issuing CA 1, O=Contoso<S>CN=mail.contoso.com, O=Contoso
        tls_certificate_name_after:
          description: The value that is needed.
          returned: always
          type: str
          sample: <I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso
    smtp_names:
      description:
        - Names, in small letters, that the server's SMTP ports greet with where they are to present the new certificate, by the
          C(TlsCertificateName) and C(Fqdn) of its Receive connectors and the selection that Microsoft documents.
        - A name of several connectors that will present different certificates is left out.
      returned: always
      type: list
      elements: str
      sample: [mail.contoso.com]
    send_connectors:
      description: Send connectors of the organization whose value has to change, in the same shape and with their source servers.
      returned: when O(organization=true)
      type: list
      elements: dict
      contains:
        name:
          description: Name of the connector.
          returned: always
          type: str
          sample: Outbound to Office 365
        tls_certificate_name_before:
          description: The value now.
          returned: always
          type: str
          sample: <I>CN=Contoso Issuing CA 1, O=Contoso<S>CN=mail.contoso.com, O=Contoso
        tls_certificate_name_after:
          description: The value that is needed.
          returned: always
          type: str
          sample: <I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso
        source_transport_servers:
          description: The servers that send through it. All of them need the certificate before the connector names it.
          returned: always
          type: list
          elements: str
          sample: [EX01, EX02]
    hybrid_configuration:
      description: The hybrid configuration, V(null) where the organization has none.
      returned: when O(organization=true)
      type: dict
      contains:
        tls_certificate_name:
          description: The certificate that it names.
          returned: always
          type: str
          sample: <I>CN=Contoso Issuing CA 1, O=Contoso<S>CN=mail.contoso.com, O=Contoso
        names_outgoing:
          description: Whether that is an outgoing certificate under a name that the new one does not have.
          returned: always
          type: bool
          sample: true
    warnings:
      description: What is not wrong but good to know.
      returned: always
      type: list
      elements: str
      sample: []
    problems:
      description: What stands in the way, one sentence each.
      returned: always
      type: list
      elements: str
      sample: []
    changes:
      description: Everything that will be changed, one sentence each. Empty when there is nothing to do.
      returned: always
      type: list
      elements: str
      sample:
        - Import certificate 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43 (mail.contoso.com) on EX01.
state:
  description: The server, as M(mailops.exchange.exchange_state_info) returns it.
  returned: success, when O(include_state)
  type: dict
  sample: {"server": "EX01", "certificates": [], "receive_connectors": []}
organization:
  description: The organization, as M(mailops.exchange.exchange_state_info) returns it.
  returned: success, when O(include_state) and O(organization)
  type: dict
  sample: {"send_connectors": [], "hybrid_configuration": null}
"""
