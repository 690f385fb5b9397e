#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_iis_binding``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_iis_binding
short_description: Bind a web site of an Exchange server to a certificate
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Lets every https binding of one IIS site on one port name the same certificate of the server's store, and changes nothing where it does.
  - For the front end, M(mailops.exchange.exchange_certificate) with O(mailops.exchange.exchange_certificate#module:services=IIS) is the usual way.
    This module repairs what that does not reach, such as a binding that was changed by hand in IIS, or the certificate of the back end.
  - A binding keeps its former certificate when IIS refuses the new one.
  - Clients hold cookies that were encrypted with the former certificate. Restart C(W3SVC) afterwards, behind a load balancer on every server; the role
    P(mailops.exchange.iis_binding#role) does so, one server after the other.
options:
  thumbprint:
    description:
      - SHA-1 thumbprint of the certificate. Exchange must be able to see it, so it needs its private key.
      - Left out, it is the one certificate that Exchange says serves the front end. The task fails when Exchange names none or several.
      - Required for any other site than V(Default Web Site).
    type: str
  site:
    description:
      - Name of the site. The back end is V(Exchange Back End), on port 444.
    type: str
    default: Default Web Site
  port:
    description:
      - Port of the bindings. A site may have several bindings on one port, such as one for all addresses and one for V(127.0.0.1).
    type: int
    default: 443
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.exchange.windows
  - mailops.exchange.record
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: mailops.exchange.exchange_iis_binding_info
  - module: mailops.exchange.exchange_certificate
  - module: mailops.exchange.exchange_service
"""

EXAMPLES = r"""
- name: Let every binding of the front end name what Exchange says serves it
  mailops.exchange.exchange_iis_binding:

- name: Restore the certificate of the back end
  mailops.exchange.exchange_iis_binding:
    site: Exchange Back End
    port: 444
    thumbprint: 65E4372CD925A9A3A6FDC50EB6253029BB59B1C1
"""

RETURN = r"""
thumbprint:
  description: SHA-1 thumbprint of the certificate that the bindings name after the task.
  returned: success
  type: str
  sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
bindings:
  description: The bindings of the site on the port after the task; in check mode, as they would be.
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
changes:
  description: What was changed, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample:
    - Bind Default Web Site (127.0.0.1:443) on EX01 to certificate 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43 instead of none.
"""
