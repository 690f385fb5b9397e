#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_iis_binding_info``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_iis_binding_info
short_description: See which web site of an Exchange server is bound to which certificate
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Returns the https bindings of all IIS sites of a server, front end and back end, with the certificate that each names and what Exchange
    knows of it.
  - Reports what is wrong with them. A binding may name a certificate that is gone or has expired, the bindings of the front end may disagree, and the back end
    may have lost its certificate, without which remote PowerShell and the proxying of the front end fail.
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.exchange.windows
  - mailops.exchange.attributes
  - mailops.exchange.attributes.info
seealso:
  - module: mailops.exchange.exchange_iis_binding
  - module: mailops.exchange.exchange_tls_probe
    description: What the port really presents.
"""

EXAMPLES = r"""
- name: Read the bindings
  mailops.exchange.exchange_iis_binding_info:
  register: iis

- name: Stop when anything is wrong with them
  ansible.builtin.assert:
    that: iis.problems | length == 0
    fail_msg: "{{ iis.problems | join(' ') }}"
"""

RETURN = r"""
bindings:
  description: The https bindings of all sites.
  returned: success
  type: list
  elements: dict
  contains:
    site:
      description: Name of the site.
      returned: always
      type: str
      sample: Default Web Site
    role:
      description: V(front_end) for the Default Web Site, V(back_end) for the Exchange Back End, else V(other).
      returned: always
      type: str
      sample: front_end
    ip:
      description: Address of the binding, empty or V(*) for all.
      returned: always
      type: str
      sample: 127.0.0.1
    port:
      description: Port of the binding.
      returned: always
      type: int
      sample: 443
    host_header:
      description: Host name of the binding, empty for all.
      returned: always
      type: str
      sample: ""
    thumbprint:
      description: SHA-1 thumbprint of the certificate that the binding names, V(null) for none.
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    store:
      description: Store of the computer that holds it.
      returned: always
      type: str
      sample: MY
    certificate:
      description: What Exchange knows of the certificate; V(null) when Exchange cannot see it.
      returned: always
      type: dict
      sample:
        subject: CN=mail.contoso.com
        issuer: CN=Contoso Issuing CA 2, O=Contoso
        dns_names: [mail.contoso.com, autodiscover.contoso.com]
        not_after: "2027-04-10T12:00:00Z"
        days_left: 90
        services: [IIS, SMTP]
        self_signed: false
problems:
  description: What is wrong, one sentence each, with what to do.
  returned: success
  type: list
  elements: str
  sample: ["The certificate 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43 of Default Web Site (127.0.0.1:443) has expired."]
"""
